package warehouse

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/funnelhouse/funnelhouse/contracts"
	"github.com/funnelhouse/funnelhouse/transform"
)

// schemaStatements make what every warehouse has. There is no index and no
// key: DuckDB's indexes can be wrong after a crash and cost twenty times an
// anti-join (docs/decisions).
//
//nolint:gochecknoglobals // constant table
var schemaStatements = []string{
	"create schema if not exists raw",
	"create schema if not exists ingest",
	"create schema if not exists staging",
	"create schema if not exists marts",
	`create table if not exists ingest.topics (
		topic varchar not null, epoch integer not null, topic_id varchar not null, first_batch_id bigint not null)`,
	`create table if not exists ingest.offsets (
		topic varchar not null, epoch integer not null, partition integer not null,
		next_offset bigint not null, batch_id bigint not null)`,
	`create table if not exists ingest.ledger (
		batch_id bigint not null, committed_at timestamptz not null,
		topic varchar not null, epoch integer not null, partition integer not null,
		first_offset bigint not null, next_offset bigint not null,
		fetched bigint not null, loaded bigint not null, quarantined bigint not null,
		filtered bigint not null, tombstones bigint not null,
		events bigint not null, warnings bigint not null, bytes bigint not null)`,
	`create table if not exists ingest.quarantine (
		batch_id bigint not null, quarantined_at timestamptz not null,
		topic varchar not null, epoch integer not null, partition integer not null,
		record_offset bigint not null, record_at timestamptz not null,
		reason varchar not null, message varchar not null, event_type varchar,
		key blob, value blob, headers varchar)`,
}

// rawColumn is a column of a raw table.
type rawColumn struct {
	name, kind string
	// always: no event lacks it. A contract's own fields are never that, since
	// a later version may drop the requirement.
	always bool
}

func (c rawColumn) definition() string {
	if c.always {
		return quoteName(c.name) + " " + c.kind + " not null"
	}
	return quoteName(c.name) + " " + c.kind
}

// rawColumns are the columns of a contract's raw table: those of its record
// batches, and what is the same for a whole batch.
func rawColumns(c *contracts.Contract) []rawColumn {
	var columns []rawColumn
	for _, f := range transform.Schema(c).Fields() {
		columns = append(columns, rawColumn{f.Name, duckType(f.Type), !f.Nullable})
		if f.Name == transform.ColN {
			columns = append(columns, rawColumn{"_batch_id", "BIGINT", true}, rawColumn{"_ingested_at", "TIMESTAMP WITH TIME ZONE", true})
		}
	}
	return columns
}

func duckType(t arrow.DataType) string {
	switch t := t.(type) {
	case *arrow.Int32Type:
		return "INTEGER"
	case *arrow.Int64Type:
		return "BIGINT"
	case *arrow.Float64Type:
		return "DOUBLE"
	case *arrow.BooleanType:
		return "BOOLEAN"
	case *arrow.Date32Type:
		return "DATE"
	case *arrow.TimestampType:
		return "TIMESTAMP WITH TIME ZONE"
	case *arrow.Decimal128Type:
		return fmt.Sprintf("DECIMAL(%d,%d)", t.Precision, t.Scale)
	default:
		return "VARCHAR"
	}
}

// ErrTypeChanged says that a contract changed the type of a field whose values
// are stored already.
var ErrTypeChanged = errors.New("a changed type is a new major version, in a file of its own")

// widen makes the raw tables that are missing and adds the columns that a
// contract gained. Each change is committed alone and followed by a
// checkpoint: a log that mixes it with rows may not be replayable.
func (w *Warehouse) widen(ctx context.Context) error {
	for _, c := range w.cfg.Contracts.All() {
		have, err := w.columns(ctx, "raw", c.Table())
		if err != nil {
			return err
		}
		want := rawColumns(c)
		if len(have) == 0 {
			var defs []string
			for _, col := range want {
				defs = append(defs, col.definition())
			}
			if err := w.alter(ctx, fmt.Sprintf("create table raw.%s (%s)", quoteName(c.Table()), strings.Join(defs, ", "))); err != nil {
				return fmt.Errorf("make table raw.%s: %w", c.Table(), err)
			}
			continue
		}
		for _, col := range want {
			kind, ok := have[col.name]
			if ok && kind != col.kind {
				return fmt.Errorf("contracts/%s: field %s is now %s and the table raw.%s has %s: %w: %s.v%d.yaml",
					c.Path, col.name, col.kind, c.Table(), kind, ErrTypeChanged, c.Event, c.Major+1)
			}
			if ok {
				continue
			}
			if err := w.alter(ctx, fmt.Sprintf("alter table raw.%s add column %s %s", quoteName(c.Table()), quoteName(col.name), col.kind)); err != nil {
				return fmt.Errorf("add column %s to raw.%s: %w", col.name, c.Table(), err)
			}
			w.cfg.Logger.InfoContext(ctx, "table widened", "table", "raw."+c.Table(), "column", col.name)
		}
	}
	return nil
}

func (w *Warehouse) alter(ctx context.Context, statement string) error {
	if _, err := w.db.ExecContext(ctx, statement); err != nil {
		return err
	}
	_, err := w.db.ExecContext(ctx, "checkpoint")
	return err
}

// columns returns a table's columns by name, empty where there is no table.
func (w *Warehouse) columns(ctx context.Context, schema, table string) (map[string]string, error) {
	columns := map[string]string{}
	return columns, each(ctx, w.db, func(rows *sql.Rows) error {
		var name, kind string
		err := rows.Scan(&name, &kind)
		columns[name] = kind
		return err
	}, "select column_name, data_type from information_schema.columns where table_schema = ? and table_name = ?", schema, table)
}

func quoteName(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

func quoteText(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// TableColumns returns the columns of schema.table with their types; none
// where there is no such table.
func (w *Warehouse) TableColumns(ctx context.Context, name string) (map[string]string, error) {
	schema, table, _ := strings.Cut(name, ".")
	return w.columns(ctx, schema, table)
}
