package warehouse

import (
	"context"
	"database/sql/driver"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/duckdb/duckdb-go/v2"

	"github.com/funnelhouse/funnelhouse/ingest"
	"github.com/funnelhouse/funnelhouse/transform"
)

// ErrTakenOver says that the stored offsets are not those that this process
// read: another writer committed to the same warehouse. Nothing was written.
var ErrTakenOver = errors.New("another writer has moved the offsets of this warehouse: stop this process, and see that only one works on the data folder")

// ErrStateUnknown says that a commit neither succeeded nor surely failed. The
// process must open the warehouse again and go on from the stored offsets.
var ErrStateUnknown = errors.New("the commit's outcome is unknown: start again, and reading goes on from the stored offsets")

// viewRows is from how many rows on an Arrow view is faster than the
// Appender, which needs no view to be made and planned.
const viewRows = 1000

// Append commits a load: rows, quarantine, ledger and offsets, all or nothing.
// It returns the id of the batch. After any error but ErrTakenOver's nothing
// of the load is stored unless the error is ErrStateUnknown.
func (w *Warehouse) Append(ctx context.Context, load *transform.Load) (int64, error) {
	if w.failed != nil {
		return 0, w.failed
	}
	for i := range load.Accounts {
		if a := &load.Accounts[i]; !a.Balanced() {
			return 0, fmt.Errorf("append %s: %d records were fetched and %d+%d+%d+%d accounted for",
				name(a), a.Fetched, a.Loaded, a.Quarantined, a.Filtered, a.Tombstones)
		}
	}
	batch, now := w.batch+1, w.cfg.Now().UTC()
	if _, err := w.writer.ExecContext(ctx, "begin transaction"); err != nil {
		return 0, fmt.Errorf("append batch %d: begin: %w", batch, err)
	}
	if err := w.fill(ctx, load, batch, now); err != nil {
		// The rollback must happen even when ctx is done.
		if _, rollback := w.writer.ExecContext(context.WithoutCancel(ctx), "rollback"); rollback != nil {
			w.failed = fmt.Errorf("append batch %d: %w", batch, ErrStateUnknown)
			return 0, errors.Join(w.failed, err, rollback)
		}
		if errors.Is(err, ErrTakenOver) {
			w.failed = err
		}
		return 0, fmt.Errorf("append batch %d %s: %w", batch, names(load), err)
	}
	// From here on a crash leaves the batch either whole or not there at all.
	if _, err := w.writer.ExecContext(ctx, "commit"); err != nil {
		w.failed = fmt.Errorf("append batch %d: %w", batch, ErrStateUnknown)
		return 0, errors.Join(w.failed, err)
	}
	w.batch = batch
	for i := range load.Accounts {
		a := &load.Accounts[i]
		w.places.offsets[a.Partition] = a.Next
		// An id that is known stays known where a chunk comes without it.
		if life := (topicLife{a.Partition.Topic, a.Partition.Epoch}); w.places.topics[life] == (ingest.TopicID{}) {
			w.places.topics[life] = a.TopicID
		}
	}
	return batch, nil
}

// fill writes everything of a load into the open transaction.
func (w *Warehouse) fill(ctx context.Context, load *transform.Load, batch int64, now time.Time) error {
	for i := range load.Frames {
		if err := w.rows(ctx, &load.Frames[i], batch, now); err != nil {
			return fmt.Errorf("%s: %w", load.Frames[i].Contract.Name(), err)
		}
	}
	if err := w.quarantine(load, batch, now); err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	if err := w.ledger(load, batch, now); err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	return w.offsets(ctx, load, batch)
}

func (w *Warehouse) rows(ctx context.Context, f *transform.Frame, batch int64, now time.Time) error {
	if f.Rows.NumRows() < viewRows {
		return w.appendRows(f, batch, now)
	}
	return w.raw(func(c driver.Conn) (err error) {
		a, err := duckdb.NewArrowFromConn(c)
		if err != nil {
			return err
		}
		reader, err := array.NewRecordReader(f.Rows.Schema(), []arrow.RecordBatch{f.Rows})
		if err != nil {
			return err
		}
		defer reader.Release()
		release, err := a.RegisterView(reader, "funnelhouse_frame")
		if err != nil {
			return err
		}
		defer release()
		var into, from []string
		for _, col := range rawColumns(f.Contract) {
			into = append(into, quoteName(col.name))
			switch col.name {
			case "_batch_id":
				from = append(from, fmt.Sprint(batch))
			case "_ingested_at":
				from = append(from, "timestamptz "+quoteText(now.Format("2006-01-02 15:04:05.999999Z07:00")))
			default:
				from = append(from, quoteName(col.name))
			}
		}
		e, ok := c.(driver.ExecerContext)
		if !ok {
			return fmt.Errorf("a connection of type %T runs no statements", c)
		}
		// RETURNING keeps DuckDB from spreading one short insert over its
		// threads, which costs more than it gains: 1.7 against 2.5 µs an event.
		_, err = e.ExecContext(ctx, fmt.Sprintf("insert into raw.%s (%s) select %s from funnelhouse_frame returning 1",
			quoteName(f.Contract.Table()), strings.Join(into, ", "), strings.Join(from, ", ")), nil)
		if _, drop := e.ExecContext(context.WithoutCancel(ctx), "drop view if exists funnelhouse_frame", nil); err == nil {
			err = drop
		}
		return err
	})
}

// appendRows writes a small frame row by row.
func (w *Warehouse) appendRows(f *transform.Frame, batch int64, now time.Time) error {
	columns := rawColumns(f.Contract)
	names := make([]string, len(columns))
	for i := range columns {
		names[i] = columns[i].name
	}
	return w.appender("raw", f.Contract.Table(), names, func(add func(...driver.Value) error) error {
		row := make([]driver.Value, len(columns))
		for r := range int(f.Rows.NumRows()) {
			from := 0
			for i := range columns {
				switch columns[i].name {
				case "_batch_id":
					row[i] = batch
				case "_ingested_at":
					row[i] = now
				default:
					row[i] = cell(f.Rows.Column(from), r)
					from++
				}
			}
			if err := add(row...); err != nil {
				return err
			}
		}
		return nil
	})
}

// appender opens an Appender on a table, and closes it whatever fill says.
func (w *Warehouse) appender(schema, table string, columns []string, fill func(add func(...driver.Value) error) error) error {
	return w.raw(func(c driver.Conn) error {
		a, err := duckdb.NewAppenderWithColumns(c, "", schema, table, columns)
		if err != nil {
			return err
		}
		err = fill(a.AppendRow)
		return errors.Join(err, a.Close())
	})
}

func (w *Warehouse) quarantine(load *transform.Load, batch int64, now time.Time) error {
	if len(load.Quarantined) == 0 {
		return nil
	}
	columns := []string{
		"batch_id", "quarantined_at", "topic", "epoch", "partition", "record_offset", "record_at",
		"reason", "message", "event_type", "key", "value", "headers",
	}
	return w.appender("ingest", "quarantine", columns, func(add func(...driver.Value) error) error {
		for i := range load.Quarantined {
			q := &load.Quarantined[i]
			at := &load.Accounts[q.Account].Partition
			headers, err := headersJSON(q.Headers)
			if err != nil {
				return err
			}
			if err := add(batch, now, at.Topic, at.Epoch, at.Partition, q.Offset, storable(q.Timestamp),
				string(q.Reason), strings.ToValidUTF8(q.Message, "?"), textOrNull(strings.ToValidUTF8(q.EventType, "?")), bytesOrNull(q.Key), bytesOrNull(q.Value), headers); err != nil {
				return err
			}
		}
		return nil
	})
}

func (w *Warehouse) ledger(load *transform.Load, batch int64, now time.Time) error {
	columns := []string{
		"batch_id", "committed_at", "topic", "epoch", "partition", "first_offset", "next_offset",
		"fetched", "loaded", "quarantined", "filtered", "tombstones", "events", "warnings", "bytes",
	}
	return w.appender("ingest", "ledger", columns, func(add func(...driver.Value) error) error {
		for i := range load.Accounts {
			a := &load.Accounts[i]
			if err := add(batch, now, a.Partition.Topic, a.Partition.Epoch, a.Partition.Partition, a.First, a.Next,
				a.Fetched, a.Loaded, a.Quarantined, a.Filtered, a.Tombstones, a.Events, a.Warnings, a.Bytes); err != nil {
				return err
			}
		}
		return nil
	})
}

// offsets moves every partition from the offset at which this batch began to
// the one at which it ends. A row that is no longer where this process read it
// was moved by somebody else, and then nothing at all may be committed.
func (w *Warehouse) offsets(ctx context.Context, load *transform.Load, batch int64) error {
	var known, fresh, topics, named []string
	seen := map[topicLife]bool{}
	for i := range load.Accounts {
		a := &load.Accounts[i]
		place := fmt.Sprintf("(%s, %d, %d, %d, %d)", quoteText(a.Partition.Topic), a.Partition.Epoch, a.Partition.Partition, a.First, a.Next)
		if at, ok := w.places.offsets[a.Partition]; ok {
			if at != a.First {
				return fmt.Errorf("%s: the stored offset is %d: %w", name(a), at, ErrTakenOver)
			}
			known = append(known, place)
		} else {
			fresh = append(fresh, place)
		}
		life := topicLife{a.Partition.Topic, a.Partition.Epoch}
		id, ok := w.places.topics[life]
		if seen[life] || ok && (id == a.TopicID || a.TopicID == (ingest.TopicID{})) {
			continue
		}
		seen[life] = true
		switch {
		case ok && id != (ingest.TopicID{}):
			return fmt.Errorf("%s: the topic's id is another one than in this epoch before", name(a))
		case ok:
			// Brokers before Kafka 2.8 tell no id; now one does.
			named = append(named, fmt.Sprintf("update ingest.topics set topic_id = '%s' where topic = %s and epoch = %d",
				hex.EncodeToString(a.TopicID[:]), quoteText(life.topic), life.epoch))
		default:
			topics = append(topics, fmt.Sprintf("(%s, %d, '%s', %d)", quoteText(life.topic), life.epoch, hex.EncodeToString(a.TopicID[:]), batch))
		}
	}
	const values = "(values %s) as v(topic, epoch, partition, first_offset, next_offset)"
	if len(known) > 0 {
		if err := w.moves(ctx, len(known), fmt.Sprintf(`update ingest.offsets as o set next_offset = v.next_offset, batch_id = %d from `+values+`
			where o.topic = v.topic and o.epoch = v.epoch and o.partition = v.partition and o.next_offset = v.first_offset`,
			batch, strings.Join(known, ", "))); err != nil {
			return err
		}
	}
	if len(fresh) > 0 {
		if err := w.moves(ctx, len(fresh), fmt.Sprintf(`insert into ingest.offsets
			select v.topic, v.epoch, v.partition, v.next_offset, %d from `+values+`
			where not exists (select 1 from ingest.offsets as o
				where o.topic = v.topic and o.epoch = v.epoch and o.partition = v.partition)`,
			batch, strings.Join(fresh, ", "))); err != nil {
			return err
		}
	}
	if len(topics) > 0 {
		named = append(named, "insert into ingest.topics values "+strings.Join(topics, ", "))
	}
	for _, statement := range named {
		if _, err := w.writer.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("topics: %w", err)
		}
	}
	return nil
}

// moves runs a statement that must change just so many rows.
func (w *Warehouse) moves(ctx context.Context, want int, statement string) error {
	result, err := w.writer.ExecContext(ctx, statement)
	if err != nil {
		return fmt.Errorf("offsets: %w", err)
	}
	got, err := result.RowsAffected()
	if err != nil {
		return fmt.Errorf("offsets: %w", err)
	}
	if got != int64(want) {
		return fmt.Errorf("offsets: %d of %d partitions stood where they were read: %w", got, want, ErrTakenOver)
	}
	return nil
}

// names says which partitions a load is about, the first few of them.
func names(load *transform.Load) string {
	const most = 3
	var list []string
	for i := range load.Accounts[:min(most, len(load.Accounts))] {
		list = append(list, name(&load.Accounts[i]))
	}
	if more := len(load.Accounts) - most; more > 0 {
		list = append(list, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(list, " ")
}

// storable keeps a record's own time within what a timestamp column holds:
// a producer may write any number, and quarantine must take every record.
func storable(t time.Time) time.Time {
	t = t.UTC()
	switch {
	case t.Year() < 1:
		return time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	case t.Year() > 9999:
		return time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	}
	return t
}

func name(a *ingest.Account) string {
	return fmt.Sprintf("[%s/%d@%d]", a.Partition.Topic, a.Partition.Partition, a.First)
}

// cell returns one value of a column in the form that the Appender takes.
func cell(column arrow.Array, row int) driver.Value {
	if column.IsNull(row) {
		return nil
	}
	switch c := column.(type) {
	case *array.String:
		return c.Value(row)
	case *array.Int32:
		return c.Value(row)
	case *array.Int64:
		return c.Value(row)
	case *array.Float64:
		return c.Value(row)
	case *array.Boolean:
		return c.Value(row)
	case *array.Date32:
		return c.Value(row).ToTime()
	case *array.Timestamp:
		return time.UnixMicro(int64(c.Value(row))).UTC()
	case *array.Decimal128:
		if t, ok := c.DataType().(*arrow.Decimal128Type); ok {
			return duckdb.Decimal{Width: uint8(t.Precision), Scale: uint8(t.Scale), Value: c.Value(row).BigInt()}
		}
	}
	panic(fmt.Sprintf("warehouse: no cell for %T", column))
}

func textOrNull(s string) driver.Value {
	if s == "" {
		return nil
	}
	return s
}

func bytesOrNull(b []byte) driver.Value {
	if b == nil {
		return nil
	}
	return b
}

// headersJSON keeps headers byte for byte: a value that is no text is written
// in base64, and an absent one as neither.
func headersJSON(headers []ingest.Header) (driver.Value, error) {
	if len(headers) == 0 {
		return nil, nil
	}
	type header struct {
		Key    string  `json:"key"`
		Value  *string `json:"value,omitempty"`
		Base64 *string `json:"base64,omitempty"`
	}
	out := make([]header, 0, len(headers))
	for _, h := range headers {
		o := header{Key: h.Key}
		switch {
		case h.Value == nil:
		case utf8.Valid(h.Value):
			s := string(h.Value)
			o.Value = &s
		default:
			s := base64.StdEncoding.EncodeToString(h.Value)
			o.Base64 = &s
		}
		out = append(out, o)
	}
	b, err := json.Marshal(out)
	return string(b), err
}
