package warehouse

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/duckdb/duckdb-go/v2"
)

// Batches is the answer to a query in Arrow record batches. Close it.
type Batches struct {
	Schema *arrow.Schema

	held   *held
	page   []arrow.RecordBatch
	last   arrow.RecordBatch // that Next gave
	rows   int64             // of the page
	bytes  uint64
	cancel context.CancelFunc
	ctx    context.Context //nolint:containedctx // lives as long as the batches that it bounds
}

// QueryArrow runs one SELECT for a reader as Query does.
func (w *Warehouse) QueryArrow(ctx context.Context, text string) (*Batches, error) {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	h, err := w.hold(ctx, text)
	if err != nil {
		cancel()
		return nil, limitReached(ctx, err)
	}
	b := &Batches{held: h, ctx: ctx, cancel: cancel}
	if err := b.read(); err != nil {
		return nil, errors.Join(limitReached(ctx, err), b.Close())
	}
	return b, nil
}

// read reads the next page.
func (b *Batches) read() error {
	b.rows, b.bytes = 0, 0
	return b.held.conn.Raw(func(c any) error {
		conn, ok := c.(driver.Conn)
		if !ok {
			return fmt.Errorf("a connection of type %T is none of the driver's", c)
		}
		query, err := duckdb.NewArrowFromConn(conn)
		if err != nil {
			return err
		}
		reader, err := query.QueryContext(b.ctx, b.held.pageSQL())
		if err != nil {
			return err
		}
		defer reader.Release()
		b.Schema = reader.Schema()
		for reader.Next() {
			batch := reader.RecordBatch()
			batch.Retain()
			b.page = append(b.page, batch)
			b.rows += batch.NumRows()
			for _, column := range batch.Columns() {
				b.bytes += column.Data().SizeInBytes()
			}
		}
		return reader.Err()
	})
}

// Next returns the next batch, nil after the last. It is valid until the next
// call.
func (b *Batches) Next() (arrow.RecordBatch, error) {
	b.forget()
	for len(b.page) == 0 {
		if !b.held.turn(b.rows, int64(b.bytes)) {
			return nil, nil
		}
		if err := b.read(); err != nil {
			return nil, limitReached(b.ctx, err)
		}
	}
	b.last, b.page = b.page[0], b.page[1:]
	return b.last, nil
}

func (b *Batches) forget() {
	if b.last != nil {
		b.last.Release()
		b.last = nil
	}
}

// Close gives back what the query holds.
func (b *Batches) Close() error {
	defer b.cancel()
	b.forget()
	for _, batch := range b.page {
		batch.Release()
	}
	b.page = nil
	return b.held.release(b.ctx)
}
