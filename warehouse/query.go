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

// Result is the answer to a query. Close it.
type Result struct {
	Columns []Column

	held   *held
	rows   *sql.Rows
	cancel context.CancelFunc
	ctx    context.Context //nolint:containedctx // lives as long as the rows that it bounds
	cells  []any
	refs   []any
	read   int64 // rows of this page
	bytes  int64 // and about how much they hold
}

// Query runs one SELECT for a reader. The text is proved to be exactly one
// SELECT by DuckDB's own parser before it runs, in a transaction that may not
// write; files and the network are closed to the whole database.
func (w *Warehouse) Query(ctx context.Context, text string) (*Result, error) {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	h, err := w.hold(ctx, text)
	if err != nil {
		cancel()
		return nil, limitReached(ctx, err)
	}
	r := &Result{held: h, ctx: ctx, cancel: cancel}
	if err := r.page(); err != nil {
		return nil, errors.Join(limitReached(ctx, err), r.Close())
	}
	return r, nil
}

// page opens the next page. The first one says which columns there are.
func (r *Result) page() error {
	rows, err := r.held.conn.QueryContext(r.ctx, r.held.pageSQL()) //nolint:rowserrcheck // Next reads it, row by row
	if err != nil {
		return err
	}
	r.rows, r.read, r.bytes = rows, 0, 0
	if r.cells != nil {
		return nil
	}
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
	for !r.rows.Next() {
		if err := errors.Join(r.rows.Err(), r.rows.Close()); err != nil {
			return nil, limitReached(r.ctx, err)
		}
		if !r.held.turn(r.read, r.bytes) {
			return nil, nil
		}
		if err := r.page(); err != nil {
			return nil, limitReached(r.ctx, err)
		}
	}
	if err := r.rows.Scan(r.refs...); err != nil {
		return nil, limitReached(r.ctx, err)
	}
	r.read++
	for i := range r.cells {
		r.cells[i] = readable(r.cells[i], r.Columns[i].Type)
		r.bytes += roughBytes(r.cells[i])
	}
	return r.cells, nil
}

func roughBytes(cell any) int64 {
	switch c := cell.(type) {
	case string:
		return int64(len(c))
	case []any:
		n := int64(0)
		for _, e := range c {
			n += roughBytes(e)
		}
		return n
	}
	return 16
}

// Close gives back what the query holds.
func (r *Result) Close() error {
	defer r.cancel()
	if r.rows == nil {
		return r.held.release(r.ctx)
	}
	return errors.Join(r.rows.Close(), r.held.release(r.ctx))
}

func limitReached(ctx context.Context, err error) error {
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ErrTooLong
	}
	return err
}

// Mistaken tells whether a query failed because of what it asks: then its
// message is for the person who wrote it. Anything else is our own failure.
func Mistaken(err error) bool {
	if _, refused := errors.AsType[*sqltree.ParseError](err); refused || errors.Is(err, ErrTooLong) {
		return true
	}
	failed, ok := errors.AsType[*duckdb.Error](err)
	if !ok {
		return false
	}
	switch failed.Type {
	case duckdb.ErrorTypeIO, duckdb.ErrorTypeFatal, duckdb.ErrorTypeInternal, duckdb.ErrorTypeConnection,
		duckdb.ErrorTypeScheduler, duckdb.ErrorTypeIndex, duckdb.ErrorTypeSerialization, duckdb.ErrorTypeInterrupt:
		return false
	default:
		return true
	}
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
