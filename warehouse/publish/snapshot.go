package publish

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/duckdb/duckdb-go/v2"

	"github.com/funnelhouse/funnelhouse/warehouse"
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

// arrow runs a query and hands its record batches to f.
func (s *snapshot) arrow(ctx context.Context, query string, f func(array.RecordReader) error) error {
	return s.Raw(func(c any) error {
		conn, ok := c.(*duckdb.Conn)
		if !ok {
			return fmt.Errorf("a connection of type %T is none of the driver's", c)
		}
		a, err := duckdb.NewArrowFromConn(conn)
		if err != nil {
			return err
		}
		reader, err := a.QueryContext(ctx, query)
		if err != nil {
			return err
		}
		defer reader.Release()
		return f(reader)
	})
}

// offsets reads how far the topics are in the warehouse.
func (s *snapshot) offsets(ctx context.Context) (list []Offset, err error) {
	rows, err := s.QueryContext(ctx, "select topic, epoch, partition, next_offset from ingest.offsets order by all")
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
