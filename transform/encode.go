package transform

import (
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/funnelhouse/funnelhouse/contracts"
	"github.com/funnelhouse/funnelhouse/ingest"
)

// Frame holds the events of one contract in one batch.
type Frame struct {
	Contract *contracts.Contract
	Rows     arrow.RecordBatch // columns of Schema(Contract)
}

// Load is what is committed together: the rows, the records that were
// refused, and the accounts with the offsets.
type Load struct {
	Frames      []Frame
	Quarantined []ingest.Quarantined
	Accounts    []ingest.Account

	batch *ingest.Batch
}

// Release frees the rows and hands the batch back to ingest.
func (l *Load) Release() {
	for i := range l.Frames {
		l.Frames[i].Rows.Release()
	}
	l.Frames = nil
	l.batch.Release()
}

// Encoder makes record batches. It belongs to one goroutine.
type Encoder struct {
	builders map[*contracts.Contract]*array.RecordBuilder
	memory   memory.Allocator
}

// NewEncoder makes an Encoder for the contracts of a set. The record batches
// take their memory from mem, which must not be Go's own heap when they are
// handed to a C library.
func NewEncoder(set *contracts.Set, mem memory.Allocator) *Encoder {
	e := &Encoder{builders: map[*contracts.Contract]*array.RecordBuilder{}, memory: mem}
	for _, c := range set.All() {
		e.builders[c] = array.NewRecordBuilder(mem, Schema(c))
	}
	return e
}

// Close frees what the encoder holds between batches.
func (e *Encoder) Close() {
	for _, b := range e.builders {
		b.Release()
	}
}

// Encode turns a batch into a load, which owns the batch from then on.
func (e *Encoder) Encode(b *ingest.Batch) (*Load, error) {
	load := &Load{Quarantined: b.Quarantined, Accounts: b.Accounts, batch: b}
	for _, rows := range b.Rows {
		if len(rows.Events) == 0 {
			continue
		}
		builder, ok := e.builders[rows.Contract]
		if !ok {
			return nil, fmt.Errorf("encode %s: no such contract when the encoder was made", rows.Contract.Name())
		}
		e.envelope(builder, b, rows)
		for f := range rows.Contract.Fields {
			column(builder.Field(leading+f), b, rows, f)
		}
		extra(field[*array.StringBuilder](builder, leading+len(rows.Contract.Fields)), b, rows)
		load.Frames = append(load.Frames, Frame{Contract: rows.Contract, Rows: builder.NewRecordBatch()})
	}
	return load, nil
}

// field returns a column's builder, whose type follows from Schema.
func field[T array.Builder](rb *array.RecordBuilder, i int) T {
	b, ok := rb.Field(i).(T)
	if !ok {
		panic(fmt.Sprintf("transform: column %d is built by %T", i, rb.Field(i)))
	}
	return b
}

// envelope fills the leading columns.
func (e *Encoder) envelope(rb *array.RecordBuilder, b *ingest.Batch, rows *ingest.Rows) {
	rb.Reserve(len(rows.Events))
	topic := field[*array.StringBuilder](rb, 0)
	epoch := field[*array.Int32Builder](rb, 1)
	partition := field[*array.Int32Builder](rb, 2)
	offset := field[*array.Int64Builder](rb, 3)
	n := field[*array.Int32Builder](rb, 4)
	id := field[*array.StringBuilder](rb, 5)
	source := field[*array.StringBuilder](rb, 6)
	subject := field[*array.StringBuilder](rb, 7)
	occurred := field[*array.TimestampBuilder](rb, 8)
	reserve(rows.Events, id, func(ev *ingest.Event) int { return int(ev.ID.Length) })
	reserve(rows.Events, source, func(ev *ingest.Event) int { return int(ev.Source.Length) })
	reserve(rows.Events, subject, func(ev *ingest.Event) int { return int(ev.Subject.Length) })
	for i := range rows.Events {
		ev := &rows.Events[i]
		at := &b.Accounts[ev.Account].Partition
		topic.Append(at.Topic)
		epoch.UnsafeAppend(at.Epoch)
		partition.UnsafeAppend(at.Partition)
		offset.UnsafeAppend(ev.Offset)
		n.UnsafeAppend(ev.N)
		text(id, b, ev.ID)
		text(source, b, ev.Source)
		text(subject, b, ev.Subject)
		occurred.UnsafeAppend(arrow.Timestamp(ev.OccurredAt))
	}
}

// reserve makes room for a column of texts at once: growing it by and by would
// copy what is there again and again.
func reserve(events []ingest.Event, to *array.StringBuilder, length func(*ingest.Event) int) {
	size := 0
	for i := range events {
		size += max(0, length(&events[i]))
	}
	to.ReserveData(size)
}

func extra(to *array.StringBuilder, b *ingest.Batch, rows *ingest.Rows) {
	for i := range rows.Events {
		text(to, b, rows.Events[i].Extra)
	}
}

func text(to *array.StringBuilder, b *ingest.Batch, t ingest.Text) {
	if t.Length < 0 {
		to.AppendNull()
		return
	}
	to.BinaryBuilder.Append(b.TextBytes(t))
}

// column fills one field's column from every row; the switch stands outside
// the loop, so that a row costs no decision about its type.
func column(to array.Builder, b *ingest.Batch, rows *ingest.Rows, field int) {
	width := len(rows.Contract.Fields)
	values := rows.Values
	switch to := to.(type) {
	case *array.StringBuilder:
		size := 0
		for i := field; i < len(values); i += width {
			size += int(values[i].Hi) // 0 where it is null
		}
		to.ReserveData(size)
		for i := field; i < len(values); i += width {
			if v := values[i]; v.Set {
				to.BinaryBuilder.Append(b.ValueBytes(v))
			} else {
				to.AppendNull()
			}
		}
	case *array.TimestampBuilder:
		fill(to, values, field, width, func(v ingest.Value) arrow.Timestamp { return arrow.Timestamp(v.Lo) })
	case *array.Int64Builder:
		fill(to, values, field, width, func(v ingest.Value) int64 { return int64(v.Lo) })
	case *array.Date32Builder:
		fill(to, values, field, width, func(v ingest.Value) arrow.Date32 { return arrow.Date32(int32(v.Lo)) })
	case *array.Float64Builder:
		fill(to, values, field, width, func(v ingest.Value) float64 { return math.Float64frombits(v.Lo) })
	case *array.BooleanBuilder:
		fill(to, values, field, width, func(v ingest.Value) bool { return v.Lo == 1 })
	case *array.Decimal128Builder:
		fill(to, values, field, width, func(v ingest.Value) decimal128.Num { return decimal128.New(v.Hi, v.Lo) })
	default:
		panic(fmt.Sprintf("transform: no column for %T", to))
	}
}

// fill appends one column of fixed width, for which room was reserved.
func fill[T any](to interface {
	UnsafeAppend(T)
	AppendNull()
}, values []ingest.Value, first, width int, get func(ingest.Value) T,
) {
	for i := first; i < len(values); i += width {
		if v := values[i]; v.Set {
			to.UnsafeAppend(get(v))
		} else {
			to.AppendNull()
		}
	}
}
