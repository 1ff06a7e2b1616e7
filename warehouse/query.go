package warehouse

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/funnelhouse/funnelhouse/warehouse/sqltree"
)

// readLimit bounds a reader's query: an old reader keeps the log from being
// written into the file.
const readLimit = 60 * time.Second

// ErrTooLong says that a query was ended at the time limit.
var ErrTooLong = fmt.Errorf("the query ran longer than %s and was ended: narrow it, or put the work into a model", readLimit)

// Column is a column of a result.
type Column struct {
	Name string
	Type string // as DuckDB writes it
}

// Result is a running query. Close it.
type Result struct {
	Columns []Column

	rows   *sql.Rows
	conn   *sql.Conn
	cancel context.CancelFunc
	ctx    context.Context //nolint:containedctx // lives as long as the rows that it bounds
	cells  []any
	refs   []any
}

// Query runs one SELECT for a reader. The text is proved to be exactly one
// SELECT by DuckDB's own parser before it runs, in a transaction that may not
// write; files and the network are closed to the whole database.
func (w *Warehouse) Query(ctx context.Context, text string) (*Result, error) {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	r, err := w.query(ctx, text)
	if err != nil {
		cancel()
		return nil, limitReached(ctx, err)
	}
	r.cancel = cancel
	return r, nil
}

func (w *Warehouse) query(ctx context.Context, text string) (*Result, error) {
	if _, err := sqltree.Parse(ctx, w.db, text); err != nil {
		return nil, err
	}
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	r := &Result{conn: conn, ctx: ctx}
	if err := r.start(ctx, text); err != nil {
		return nil, errors.Join(err, r.end())
	}
	return r, nil
}

func (r *Result) start(ctx context.Context, text string) error {
	if _, err := r.conn.ExecContext(ctx, "begin transaction read only"); err != nil {
		return err
	}
	rows, err := r.conn.QueryContext(ctx, text) //nolint:rowserrcheck // Next reads it, row by row
	if err != nil {
		return err
	}
	r.rows = rows
	types, err := rows.ColumnTypes()
	if err != nil {
		return err
	}
	for _, t := range types {
		r.Columns = append(r.Columns, Column{Name: t.Name(), Type: t.DatabaseTypeName()})
	}
	r.cells, r.refs = make([]any, len(types)), make([]any, len(types))
	for i := range r.cells {
		r.refs[i] = &r.cells[i]
	}
	return nil
}

// Next returns the next row, nil after the last. The row is valid until the
// next call. Its cells are nil, bool, string, json.Number, []any or
// map[string]any: numbers keep all their digits.
func (r *Result) Next() ([]any, error) {
	if !r.rows.Next() {
		return nil, limitReached(r.ctx, r.rows.Err())
	}
	if err := r.rows.Scan(r.refs...); err != nil {
		return nil, limitReached(r.ctx, err)
	}
	for i := range r.cells {
		r.cells[i] = readable(r.cells[i], r.Columns[i].Type)
	}
	return r.cells, nil
}

// Close ends the query and its transaction.
func (r *Result) Close() error {
	err := r.end()
	r.cancel()
	return err
}

func (r *Result) end() error {
	var err error
	if r.rows != nil {
		err = r.rows.Close()
	}
	_, rollback := r.conn.ExecContext(context.WithoutCancel(r.ctx), "rollback")
	return errors.Join(err, rollback, r.conn.Close())
}

func limitReached(ctx context.Context, err error) error {
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ErrTooLong
	}
	return err
}

// Number says whether the column's cells are numbers.
func (c Column) Number() bool {
	switch kind, _, _ := strings.Cut(c.Type, "("); kind {
	case "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT",
		"FLOAT", "DOUBLE", "DECIMAL":
		return true
	}
	return false
}

// EngineVersion is the version of DuckDB inside this binary.
func EngineVersion(ctx context.Context) (string, error) {
	var version string
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return "", err
	}
	db := sql.OpenDB(connector)
	err = db.QueryRowContext(ctx, "select version()").Scan(&version)
	return version, errors.Join(err, db.Close(), connector.Close())
}
