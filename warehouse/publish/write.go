package publish

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/duckdb/duckdb-go/v2"

	"github.com/funnelhouse/funnelhouse/internal/durable"
	"github.com/funnelhouse/funnelhouse/warehouse/sqltree"
)

// source is one Parquet file that a build will have, and where its rows come
// from.
type source struct {
	File
	schema, name string // of the table in marts.duckdb
	from         string // the mart in the warehouse, as SQL
	// query gives the rows, in the snapshot; empty: fill does, in the writer.
	query string
	fill  func(ctx context.Context, w *writer, table string) error
}

// write makes the files of a build in the folder beside, all of them on the
// disk when it returns.
func (p *Publisher) write(ctx context.Context, snap *snapshot, beside string, before *Manifest, files []*source, m *Manifest) (written int, err error) {
	folders := []string{filepath.Join(beside, "marts"), filepath.Join(beside, "metrics"), filepath.Join(beside, "dimensions")}
	for _, folder := range folders {
		if err := durable.MkdirAll(folder); err != nil {
			return 0, err
		}
	}
	w, err := openWriter(ctx, snap, filepath.Join(beside, databaseFile), filepath.Join(p.cfg.Dir, hidden+spillFolder))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	for _, f := range files {
		fresh := false
		err := p.do("write "+f.Path, func() (err error) {
			fresh, err = p.file(ctx, w, beside, before, f)
			return err
		})
		if err != nil {
			return written, fmt.Errorf("write %s: %w", f.Path, err)
		}
		if fresh {
			written++
		}
		m.Files = append(m.Files, f.File)
	}
	database := File{Path: databaseFile, Kind: "database", Description: "All tables of this build, for DuckDB; open it read-only."}
	err = p.do("write "+databaseFile, func() error {
		if err := errors.Join(w.finish(ctx), w.close()); err != nil {
			return err
		}
		return finish(beside, &database)
	})
	if err != nil {
		return written, fmt.Errorf("write %s: %w", databaseFile, err)
	}
	m.Files = append(m.Files, database)
	// The names of the files, linked ones too; that of the manifest follows.
	for _, folder := range folders {
		if err := durable.Sync(folder); err != nil {
			return written, err
		}
	}
	return written + 1, p.do("manifest", func() error {
		text, err := json.MarshalIndent(m, "", "  ")
		if err != nil {
			return err
		}
		return durable.WriteNew(filepath.Join(beside, manifestFile), append(text, '\n'))
	})
}

// file makes one file, as a second name of the one before where the content is
// the same, and its table in the database.
func (p *Publisher) file(ctx context.Context, w *writer, beside string, before *Manifest, f *source) (fresh bool, err error) {
	target := filepath.Join(beside, filepath.FromSlash(f.Path))
	if old := before.file(f.Path); old != nil && old.Content == f.Content {
		linked, err := p.reuse(beside, before, old, f)
		if err != nil {
			return false, err
		}
		if linked {
			return false, w.table(ctx, f, target)
		}
	}
	if f.query == "" {
		err = w.local(ctx, f, target)
	} else {
		err = w.stream(ctx, f, target)
	}
	if err != nil {
		return true, err
	}
	if err := finish(beside, &f.File); err != nil {
		return true, err
	}
	return true, w.table(ctx, f, target)
}

// reuse gives the file of the build before a second name. It is not done, and
// the file is to be written like a new one, where the file system has no links,
// somebody tidied that build away, or the file is not what it was.
func (p *Publisher) reuse(beside string, before *Manifest, old *File, f *source) (linked bool, err error) {
	target := filepath.Join(beside, filepath.FromSlash(f.Path))
	if err := os.Link(filepath.Join(p.cfg.Dir, before.Build, filepath.FromSlash(f.Path)), target); err != nil {
		return false, nil //nolint:nilerr // see above
	}
	f.SHA256, f.Bytes, err = digest(target)
	if err == nil && f.SHA256 == old.SHA256 && f.Bytes == old.Bytes {
		return true, nil
	}
	p.cfg.Logger.Warn("a published file was changed or damaged; it is written anew", "build", before.Build, "file", f.Path, "error", err)
	return false, os.Remove(target)
}

// finish brings a file to the disk, closes it to changes, and enters its size
// and digest.
func finish(beside string, f *File) (err error) {
	name := filepath.Join(beside, filepath.FromSlash(f.Path))
	if err := os.Chmod(name, 0o444); err != nil {
		return err
	}
	if err := durable.Sync(name); err != nil {
		return err
	}
	f.SHA256, f.Bytes, err = digest(name)
	return err
}

// writer is a DuckDB of its own that writes files. The warehouse's may not.
type writer struct {
	connector *duckdb.Connector
	db        *sql.DB
	conn      *sql.Conn
	snapshot  *snapshot
}

// openWriter opens the database that becomes marts.duckdb. What doesn't fit in
// its memory goes to the folder spill.
func openWriter(ctx context.Context, snap *snapshot, database, spill string) (*writer, error) {
	connector, err := duckdb.NewConnector("?memory_limit=512MB&threads=2&autoinstall_known_extensions=false&autoload_known_extensions=false", nil)
	if err != nil {
		return nil, err
	}
	w := &writer{snapshot: snap, connector: connector, db: sql.OpenDB(connector)}
	if w.conn, err = w.db.Conn(ctx); err == nil {
		for _, s := range []string{
			"set TimeZone = 'UTC'",
			"set temp_directory = " + quoteText(spill),
			"attach " + quoteText(database) + " as published (storage_version 'v1.2.0')",
			"use published",
		} {
			if _, err = w.conn.ExecContext(ctx, s); err != nil {
				break
			}
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make %s: %w", databaseFile, err), w.close())
	}
	return w, nil
}

// finish completes the database file. Closing alone may leave the log beside it.
func (w *writer) finish(ctx context.Context) error {
	for _, s := range []string{"checkpoint published", "use memory", "detach published"} {
		if _, err := w.conn.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) close() error {
	if w.db == nil {
		return nil
	}
	var err error
	if w.conn != nil {
		err = w.conn.Close()
	}
	err = errors.Join(err, w.db.Close(), w.connector.Close())
	w.db = nil
	return err
}

// stream copies the rows of the snapshot into a Parquet file.
func (w *writer) stream(ctx context.Context, f *source, target string) error {
	return w.snapshot.pages(ctx, f.query, func(reader array.RecordReader) error {
		return w.conn.Raw(func(c any) error {
			conn, ok := c.(*duckdb.Conn)
			if !ok {
				return fmt.Errorf("a connection of type %T is none of the driver's", c)
			}
			a, err := duckdb.NewArrowFromConn(conn)
			if err != nil {
				return err
			}
			release, err := a.RegisterView(reader, "incoming")
			if err != nil {
				return err
			}
			defer release()
			_, err = conn.ExecContext(ctx, f.copyTo("incoming", target), nil)
			_, drop := conn.ExecContext(context.WithoutCancel(ctx), "drop view if exists incoming", nil)
			return errors.Join(err, drop, reader.Err())
		})
	})
}

// local copies rows that this program computed.
func (w *writer) local(ctx context.Context, f *source, target string) error {
	const table = "memory.main.computed"
	if err := f.fill(ctx, w, table); err != nil {
		return err
	}
	_, err := w.conn.ExecContext(ctx, f.copyTo(table, target))
	_, drop := w.conn.ExecContext(context.WithoutCancel(ctx), "drop table if exists "+table)
	return errors.Join(err, drop)
}

// copyTo writes Parquet that every reader knows: snappy, no INT96, instants in
// UTC microseconds.
func (f *source) copyTo(from, target string) string {
	return "copy (select * from " + from + ") to " + quoteText(target) +
		" (format parquet, compression snappy, row_group_size 122880, kv_metadata {description: " + quoteText(f.Description) + "})"
}

// table makes the file's table in the database, with its comments. What it
// reads back is counted: a file that lacks rows is never published.
func (w *writer) table(ctx context.Context, f *source, file string) error {
	table := "published." + sqltree.Quote(f.schema) + "." + sqltree.Quote(f.name)
	statements := []string{
		"create schema if not exists published." + sqltree.Quote(f.schema),
		"create table " + table + " as select * from read_parquet(" + quoteText(file) + ")",
		"comment on table " + table + " is " + quoteText(f.Description),
	}
	for _, c := range f.Columns {
		if c.Description != "" {
			statements = append(statements, "comment on column "+table+"."+sqltree.Quote(c.Name)+" is "+quoteText(c.Description))
		}
	}
	for _, s := range statements {
		if _, err := w.conn.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s of %s: %w", path.Base(table), databaseFile, err)
		}
	}
	var n int64
	if err := w.conn.QueryRowContext(ctx, "select count(*) from "+table).Scan(&n); err != nil {
		return fmt.Errorf("count the rows of %s: %w", f.Path, err)
	}
	if n != f.Rows {
		return fmt.Errorf("%s has %d rows instead of %d", f.Path, n, f.Rows)
	}
	return nil
}

func quoteText(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
