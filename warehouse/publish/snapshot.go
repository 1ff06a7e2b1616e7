package publish

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/duckdb/duckdb-go/v2"

	"github.com/funnelhouse/funnelhouse/warehouse"
	"github.com/funnelhouse/funnelhouse/warehouse/sqltree"
)

// snapshot is one read transaction: all that is published of a build is read
// in it, so that marts and metric values tell of the same events.
type snapshot struct {
	*sql.Conn
	ctx context.Context //nolint:containedctx // the transaction ends even when its reader was cancelled
}

func openSnapshot(ctx context.Context, w *warehouse.Warehouse) (*snapshot, error) {
	conn, err := w.DB().Conn(ctx)
	if err != nil {
		return nil, err
	}
	s := &snapshot{Conn: conn, ctx: context.WithoutCancel(ctx)}
	if _, err := conn.ExecContext(ctx, "begin transaction read only"); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return s, nil
}

func (s *snapshot) close() error {
	_, err := s.ExecContext(s.ctx, "rollback")
	return errors.Join(err, s.Close())
}

// pageRows is how many rows are in memory at a time.
const pageRows = 32 * 1024

// pages runs a query and hands its rows to f, a page at a time. The driver
// would hold the whole result in memory that DuckDB's limit doesn't count; a
// temporary table, the one thing that a read-only transaction may write, stays
// within the limit.
func (s *snapshot) pages(ctx context.Context, query string, f func(array.RecordReader) error) error {
	if _, err := s.ExecContext(ctx, "create temp table publishing as "+query); err != nil {
		return err
	}
	// Rows of a transaction that isn't committed are numbered from far above 0.
	var first int64
	err := s.QueryRowContext(ctx, "select coalesce(min(rowid), 0) from temp.main.publishing").Scan(&first)
	if err != nil {
		return err
	}
	err = s.Raw(func(c any) error {
		conn, ok := c.(*duckdb.Conn)
		if !ok {
			return fmt.Errorf("a connection of type %T is none of the driver's", c)
		}
		a, err := duckdb.NewArrowFromConn(conn)
		if err != nil {
			return err
		}
		p := &pager{ctx: ctx, arrow: a, first: first}
		defer p.end()
		if err := p.turn(); err != nil {
			return err
		}
		return f(p)
	})
	_, drop := s.ExecContext(s.ctx, "drop table publishing")
	return errors.Join(err, drop)
}

// pager reads the temporary table page by page. It lives as long as the call of
// pages and counts no references.
type pager struct {
	ctx    context.Context //nolint:containedctx // the interface of readers has none
	arrow  *duckdb.Arrow
	page   array.RecordReader
	schema *arrow.Schema
	first  int64 // row that the next page begins with
	rows   int64 // of this page
	err    error
}

func (p *pager) turn() (err error) {
	p.end()
	p.page, err = p.arrow.QueryContext(p.ctx, fmt.Sprintf("select * from temp.main.publishing where rowid >= %d and rowid < %d", p.first, p.first+pageRows))
	if err != nil {
		return err
	}
	p.schema = p.page.Schema()
	p.first, p.rows = p.first+pageRows, 0
	return nil
}

func (p *pager) end() {
	if p.page != nil {
		p.page.Release()
		p.page = nil
	}
}

func (p *pager) Next() bool {
	for p.err == nil {
		if p.page.Next() {
			p.rows += p.page.RecordBatch().NumRows()
			return true
		}
		if p.err = p.page.Err(); p.err != nil || p.rows < pageRows {
			return false
		}
		p.err = p.turn()
	}
	return false
}

func (p *pager) Retain()                        {}
func (p *pager) Release()                       {}
func (p *pager) Schema() *arrow.Schema          { return p.schema }
func (p *pager) RecordBatch() arrow.RecordBatch { return p.page.RecordBatch() }
func (p *pager) Record() arrow.RecordBatch      { return p.page.RecordBatch() }
func (p *pager) Err() error                     { return p.err }

// ErrNotBuilt says that there is nothing to publish. It ends with the command
// that helps.
var ErrNotBuilt = errors.New("the marts are not built yet: run funnelhouse build")

// models reads which models are stale: their last build failed, so that their
// rows are those of an earlier one; and the last batch that any was built from.
func (s *snapshot) models(ctx context.Context, upTo *int64) (stale map[string]bool, err error) {
	standing, err := s.columns(ctx, "build", "models")
	if err != nil {
		return nil, err
	}
	if len(standing) == 0 {
		return nil, ErrNotBuilt
	}
	rows, err := s.QueryContext(ctx, "select model, status not in ('built', 'kept'), coalesce(batch_id, 0) from build.models")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	stale = map[string]bool{}
	for rows.Next() {
		var model string
		var old bool
		var batch int64
		if err := rows.Scan(&model, &old, &batch); err != nil {
			return nil, err
		}
		stale[model] = old
		*upTo = max(*upTo, batch)
	}
	return stale, rows.Err()
}

// offsets reads up to where the batches until the one given have read the
// topics. What came after it is in the warehouse, and in no mart yet.
func (s *snapshot) offsets(ctx context.Context, upTo int64) (list []Offset, err error) {
	rows, err := s.QueryContext(ctx, `select topic, epoch, partition, max(next_offset) from ingest.ledger
		where batch_id <= ? group by topic, epoch, partition order by topic, epoch, partition`, upTo)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	list = []Offset{}
	for rows.Next() {
		var o Offset
		if err := rows.Scan(&o.Topic, &o.Epoch, &o.Partition, &o.Next); err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	return list, rows.Err()
}

// columns describes the columns of a table that stands; none where it doesn't.
func (s *snapshot) columns(ctx context.Context, schema, table string) (list []Column, err error) {
	rows, err := s.QueryContext(ctx, `select column_name, data_type from duckdb_columns()
		where database_name = current_database() and schema_name = ? and table_name = ? order by column_index`, schema, table)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var c Column
		if err := rows.Scan(&c.Name, &c.Type); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

// days finds the first and the last day that marts have, the day given among
// them, as far as they are near enough to be meant: 9999-12-31 stands for no end
// and is no day of a calendar.
func (s *snapshot) days(ctx context.Context, marts []*source, today time.Time) (first, last time.Time, err error) {
	first, last = today, today
	from, to := today.AddDate(-100, 0, 0), today.AddDate(10, 0, 0)
	for _, f := range marts {
		for _, c := range f.Columns {
			if c.Type != "DATE" {
				continue
			}
			column := sqltree.Quote(c.Name)
			var low, high sql.NullTime
			err := s.QueryRowContext(ctx, "select min("+column+"), max("+column+") from "+f.from+" where "+column+" between ? and ?", from, to).Scan(&low, &high)
			if err != nil {
				return first, last, fmt.Errorf("look for the days of %s: %w", f.Table, err)
			}
			if low.Valid && low.Time.Before(first) {
				first = low.Time
			}
			if high.Valid && high.Time.After(last) {
				last = high.Time
			}
		}
	}
	return first, last, nil
}

// missing is the first of some models that has no table; empty: all have one.
func (s *snapshot) missing(ctx context.Context, models []string) (string, error) {
	for _, model := range models {
		schema, table, _ := strings.Cut(model, ".")
		columns, err := s.columns(ctx, schema, table)
		if err != nil || len(columns) == 0 {
			return model, err
		}
	}
	return "", nil
}
