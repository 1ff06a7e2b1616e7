package model

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/funnelhouse/funnelhouse/warehouse/sqltree"
)

// stateRow is a model's row of build.models.
type stateRow struct {
	status  Status
	hash    string
	batchID int64
}

// prepareState makes the table that says how each model stands. A row is that
// of the standing table; status and message are those of the last build, so
// "failed" beside an older built_at is a model that was not adopted.
func prepareState(ctx context.Context, db *sql.DB) error {
	for _, s := range []string{
		"create schema if not exists build",
		`create table if not exists build.models (
			model varchar not null, built_at timestamptz, rows bigint, seconds double, project_hash varchar,
			status varchar not null, message varchar, batch_id bigint)`,
	} {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("make build.models: %w", err)
		}
	}
	return nil
}

func readState(ctx context.Context, db *sql.DB) (state map[string]stateRow, err error) {
	rows, err := db.QueryContext(ctx, "select model, status, coalesce(project_hash, ''), coalesce(batch_id, -1) from build.models")
	if err != nil {
		return nil, fmt.Errorf("read build.models: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	state = map[string]stateRow{}
	for rows.Next() {
		var name string
		var s stateRow
		if err := rows.Scan(&name, &s.status, &s.hash, &s.batchID); err != nil {
			return nil, fmt.Errorf("read build.models: %w", err)
		}
		state[name] = s
	}
	return state, rows.Err()
}

// dropLeftovers drops what an earlier build left unadopted and returns the
// tables and views (true) that stand.
func dropLeftovers(ctx context.Context, db *sql.DB) (map[sqltree.Table]bool, error) {
	standing, err := listTables(ctx, db)
	if err != nil {
		return nil, err
	}
	for t, view := range standing {
		if !strings.HasSuffix(t.Name, nextSuffix) {
			continue
		}
		if _, err := db.ExecContext(ctx, drop(t, view)); err != nil {
			return nil, fmt.Errorf("drop %s of an earlier build: %w", t, err)
		}
		delete(standing, t)
	}
	return standing, nil
}

func listTables(ctx context.Context, db *sql.DB) (standing map[sqltree.Table]bool, err error) {
	rows, err := db.QueryContext(ctx, `select schema_name, table_name, false from duckdb_tables()
			where database_name = current_database() and schema_name in ('staging', 'marts')
		union all select schema_name, view_name, true from duckdb_views()
			where database_name = current_database() and schema_name in ('staging', 'marts')`)
	if err != nil {
		return nil, fmt.Errorf("list the tables of models: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	standing = map[sqltree.Table]bool{}
	for rows.Next() {
		var t sqltree.Table
		var view bool
		if err := rows.Scan(&t.Schema, &t.Name, &view); err != nil {
			return nil, fmt.Errorf("list the tables of models: %w", err)
		}
		standing[t] = view
	}
	return standing, rows.Err()
}

func drop(t sqltree.Table, view bool) string {
	if view {
		return "drop view " + t.SQL()
	}
	return "drop table " + t.SQL()
}

// unchanged tells whether a model may stay as it stands: built from this very
// project, everything it reads kept too, and no newer batch in its raw tables.
func (b *build) unchanged(ctx context.Context, m *Model) (bool, error) {
	s, known := b.state[m.String()]
	_, stands := b.standing[m.Table()]
	if !b.opt.KeepUnchanged || !known || !stands || !s.status.good() || s.hash != b.project.Hash {
		return false, nil
	}
	for _, d := range b.project.dependencies(m) {
		if b.done[d].Status != Kept {
			return false, nil
		}
	}
	for _, t := range m.Inputs {
		if t.Schema != rawSchema {
			continue
		}
		newer, err := count(ctx, b.cfg.DB, fmt.Sprintf("from %s where _batch_id > %d", t.SQL(), s.batchID))
		if err != nil {
			return false, fmt.Errorf("look for new rows of %s: %w", t, err)
		}
		if newer > 0 {
			return false, nil
		}
	}
	return true, nil
}

// swap adopts what was built, drops what the project no longer has and writes
// the state, in one transaction: a reader sees all of it or nothing, and so
// does a restart after a crash.
func (b *build) swap(ctx context.Context) error {
	statements, err := b.swapStatements(ctx)
	if err != nil {
		return err
	}
	tx, err := b.cfg.DB.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	for _, s := range statements {
		if _, err := tx.ExecContext(ctx, s); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", s, err), rollback(tx))
		}
	}
	if err := b.writeState(ctx, tx); err != nil {
		return errors.Join(err, rollback(tx))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func (b *build) swapStatements(ctx context.Context) ([]string, error) {
	var drops, renames, views []string
	for _, t := range b.obsolete() {
		drops = append(drops, drop(t, b.standing[t]))
		if b.project.owner(t) == nil {
			b.result.Dropped = append(b.result.Dropped, t.String())
		}
	}
	for _, r := range b.result.Models {
		m := r.model
		if r.Status != Built {
			continue
		}
		if m.View {
			// From its own text: it reads the tables under their own names, which
			// after the renames are the new ones.
			text, err := m.query(ctx, b.cfg.DB, inPlace())
			if err != nil {
				return nil, err
			}
			drops = append(drops, drop(next(m.Table()), false))
			views = append(views, "create view "+m.Table().SQL()+" as "+text)
			continue
		}
		made := []sqltree.Table{m.Table()}
		if d, ok := m.Duplicates(); ok {
			made = append(made, d)
		}
		for _, t := range made {
			renames = append(renames, "alter table "+next(t).SQL()+" rename to "+sqltree.Quote(t.Name))
		}
	}
	return slices.Concat(drops, renames, views), nil
}

// obsolete lists what stands and goes in this swap, sorted: tables and views
// that a built model replaces, duplicates of a model that names no event any
// more, and everything that no model of the project makes. Schemas staging and
// marts hold nothing but models.
func (b *build) obsolete() []sqltree.Table {
	var gone []sqltree.Table
	for t := range b.standing {
		m := b.project.owner(t)
		if m == nil || b.done[m].Status == Built {
			gone = append(gone, t)
		}
	}
	slices.SortFunc(gone, func(a, b sqltree.Table) int { return strings.Compare(a.String(), b.String()) })
	return gone
}

// writeState brings build.models up to date.
func (b *build) writeState(ctx context.Context, tx *sql.Tx) error {
	var names []string
	for _, r := range b.result.Models {
		names = append(names, quoteText(r.Model))
		var err error
		switch _, known := b.state[r.Model]; {
		case r.Status == Kept:
			_, err = tx.ExecContext(ctx, "update build.models set status = ?, message = null where model = ?", string(Kept), r.Model)
		case r.Status == Built:
			err = b.writeBuilt(ctx, tx, r)
		case known:
			_, err = tx.ExecContext(ctx, "update build.models set status = ?, message = ? where model = ?", string(r.Status), r.Message, r.Model)
		default:
			_, err = tx.ExecContext(ctx, "insert into build.models (model, status, message) values (?, ?, ?)", r.Model, string(r.Status), r.Message)
		}
		if err != nil {
			return fmt.Errorf("write the state of %s: %w", r.Model, err)
		}
	}
	gone := "delete from build.models"
	if len(names) > 0 {
		gone += " where model not in (" + strings.Join(names, ", ") + ")"
	}
	if _, err := tx.ExecContext(ctx, gone); err != nil {
		return fmt.Errorf("forget the state of models that are gone: %w", err)
	}
	return nil
}

func (b *build) writeBuilt(ctx context.Context, tx *sql.Tx, r *Outcome) error {
	if _, err := tx.ExecContext(ctx, "delete from build.models where model = ?", r.Model); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `insert into build.models (model, built_at, rows, seconds, project_hash, status, batch_id)
		values (?, ?, ?, ?, ?, ?, ?)`, r.Model, b.cfg.Now().UTC().Truncate(time.Microsecond), r.Rows, r.Seconds,
		b.project.Hash, string(Built), b.result.UpToBatch)
	return err
}
