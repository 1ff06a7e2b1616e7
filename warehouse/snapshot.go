package warehouse

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Snapshot is the warehouse as it was at one moment, for who asks several
// questions whose answers must fit each other: neither a batch nor a build
// changes what it shows. Close it soon, it keeps the log from being written into
// the file; after readLimit its queries fail.
type Snapshot struct {
	conn   *sql.Conn
	ctx    context.Context //nolint:containedctx // lives as long as the transaction that it bounds
	cancel context.CancelFunc
}

// Snapshot begins one.
func (w *Warehouse) Snapshot(ctx context.Context) (*Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	conn, err := w.db.Conn(ctx)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("open a snapshot: %w", err)
	}
	s := &Snapshot{conn: conn, ctx: ctx, cancel: cancel}
	// The transaction sees what is there when it is first asked.
	for _, statement := range []string{"begin transaction read only", "select count(*) from ingest.topics"} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return nil, errors.Join(fmt.Errorf("open a snapshot: %w", err), s.Close())
		}
	}
	return s, nil
}

// QueryContext runs a query. It ends with the context of the snapshot, whose
// time is bounded, and not with another one.
func (s *Snapshot) QueryContext(_ context.Context, query string, args ...any) (*sql.Rows, error) {
	rows, err := s.conn.QueryContext(s.ctx, query, args...)
	return rows, limitReached(s.ctx, err)
}

// QueryRowContext runs a query of one row.
func (s *Snapshot) QueryRowContext(_ context.Context, query string, args ...any) *sql.Row {
	return s.conn.QueryRowContext(s.ctx, query, args...)
}

// Close ends the snapshot.
func (s *Snapshot) Close() error {
	s.cancel()
	_, err := s.conn.ExecContext(context.WithoutCancel(s.ctx), "rollback")
	return errors.Join(err, s.conn.Close())
}
