// Package transform turns validated events into Arrow record batches, one for
// each event type. It is pure: no network, no database, and no decision about
// an event; those were taken in ingest. cmd hands what it makes to warehouse.
package transform

import (
	"github.com/apache/arrow-go/v18/arrow"

	"github.com/funnelhouse/funnelhouse/contracts"
)

// The columns of every raw table that come from the record and its envelope.
// Fields of a contract stand behind them, and _extra comes last.
const (
	ColTopic      = "_topic"
	ColEpoch      = "_epoch"
	ColPartition  = "_partition"
	ColOffset     = "_offset"
	ColN          = "_n"
	ColID         = "_id"
	ColSource     = "_source"
	ColSubject    = "_subject"
	ColOccurredAt = "_occurred_at"
	ColExtra      = "_extra"
)

// leading is how many columns stand before a contract's own fields.
const leading = 9

// Schema returns the columns of a contract's record batches. Their order and
// types are those of its raw table, which adds only what is the same for a
// whole batch.
func Schema(c *contracts.Contract) *arrow.Schema {
	instant := &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	fields := []arrow.Field{
		{Name: ColTopic, Type: arrow.BinaryTypes.String},
		{Name: ColEpoch, Type: arrow.PrimitiveTypes.Int32},
		{Name: ColPartition, Type: arrow.PrimitiveTypes.Int32},
		{Name: ColOffset, Type: arrow.PrimitiveTypes.Int64},
		{Name: ColN, Type: arrow.PrimitiveTypes.Int32},
		{Name: ColID, Type: arrow.BinaryTypes.String},
		{Name: ColSource, Type: arrow.BinaryTypes.String},
		{Name: ColSubject, Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: ColOccurredAt, Type: instant},
	}
	for i := range c.Fields {
		fields = append(fields, arrow.Field{Name: c.Fields[i].Name, Type: arrowType(&c.Fields[i], instant), Nullable: true})
	}
	fields = append(fields, arrow.Field{Name: ColExtra, Type: arrow.BinaryTypes.String, Nullable: true})
	return arrow.NewSchema(fields, nil)
}

func arrowType(f *contracts.Field, instant arrow.DataType) arrow.DataType {
	switch f.Type {
	case contracts.Integer:
		return arrow.PrimitiveTypes.Int64
	case contracts.Decimal:
		return &arrow.Decimal128Type{Precision: int32(f.Precision), Scale: int32(f.Scale)}
	case contracts.Double:
		return arrow.PrimitiveTypes.Float64
	case contracts.Boolean:
		return arrow.FixedWidthTypes.Boolean
	case contracts.Date:
		return arrow.FixedWidthTypes.Date32
	case contracts.Timestamp:
		return instant
	case contracts.String:
		return arrow.BinaryTypes.String
	default:
		return arrow.BinaryTypes.String
	}
}
