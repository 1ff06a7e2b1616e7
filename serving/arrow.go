package serving

import (
	"errors"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

func exactType() *arrow.Decimal128Type { return &arrow.Decimal128Type{Precision: 38, Scale: 6} }

func flagsType() *arrow.ListType { return arrow.ListOfNonNullable(arrow.BinaryTypes.String) }

// schema is that of a metric's rows. What it was asked by stands in its
// metadata.
func (a answer) schema() *arrow.Schema {
	fields := []arrow.Field{{Name: "period", Type: arrow.BinaryTypes.String, Nullable: true}}
	for _, d := range a.Dimensions {
		fields = append(fields, arrow.Field{Name: d, Type: arrow.BinaryTypes.String, Nullable: true})
	}
	fields = append(
		fields,
		arrow.Field{Name: "numerator", Type: exactType(), Nullable: true},
		arrow.Field{Name: "denominator", Type: exactType(), Nullable: true},
		arrow.Field{Name: "value", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		arrow.Field{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		arrow.Field{Name: "ci_low", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		arrow.Field{Name: "ci_high", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		arrow.Field{Name: "flags", Type: flagsType()},
	)
	about := arrow.MetadataFrom(map[string]string{
		"metric": a.Metric.Name, "label": a.label, "version": strconv.Itoa(a.Metric.Version), "unit": a.Metric.Unit,
		"grain": string(a.Grain), "as_of": a.asOf.Format(time.DateOnly),
	})
	return arrow.NewSchema(fields, &about)
}

// arrow writes the rows as an Arrow IPC stream of one record batch.
func (a answer) arrow(out io.Writer) error {
	columns := []arrow.Array{a.texts(func(r *metric.Row) *string {
		if r.Period == "" {
			return nil
		}
		return &r.Period
	})}
	for i := range a.Dimensions {
		columns = append(columns, a.texts(func(r *metric.Row) *string { return r.Dimensions[i] }))
	}
	numerators, errNumerators := a.decimals(func(r *metric.Row) string { return r.Numerator })
	denominators, errDenominators := a.decimals(func(r *metric.Row) string { return r.Denominator })
	flags, errFlags := a.flags()
	if err := errors.Join(errNumerators, errDenominators, errFlags); err != nil {
		return err
	}
	columns = append(
		columns, numerators, denominators,
		a.floats(func(r *metric.Row) *float64 { return r.Value }),
		a.numbers(func(r *metric.Row) *int64 { return r.N }),
		a.floats(func(r *metric.Row) *float64 { return r.CILow }),
		a.floats(func(r *metric.Row) *float64 { return r.CIHigh }),
		flags,
	)
	batch := array.NewRecordBatch(a.schema(), columns, int64(len(a.Rows)))
	stream := ipc.NewWriter(out, ipc.WithSchema(batch.Schema()))
	return errors.Join(stream.Write(batch), stream.Close())
}

func (a answer) texts(of func(*metric.Row) *string) arrow.Array {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	for i := range a.Rows {
		if text := of(&a.Rows[i]); text != nil {
			b.Append(*text)
		} else {
			b.AppendNull()
		}
	}
	return b.NewArray()
}

func (a answer) decimals(of func(*metric.Row) string) (arrow.Array, error) {
	b := array.NewDecimal128Builder(memory.DefaultAllocator, exactType())
	for i := range a.Rows {
		digits := of(&a.Rows[i])
		if digits == "" {
			b.AppendNull()
			continue
		}
		n, err := decimalOf(digits)
		if err != nil {
			return nil, err
		}
		b.Append(n)
	}
	return b.NewArray(), nil
}

func (a answer) floats(of func(*metric.Row) *float64) arrow.Array {
	b := array.NewFloat64Builder(memory.DefaultAllocator)
	for i := range a.Rows {
		if x := of(&a.Rows[i]); x != nil {
			b.Append(*x)
		} else {
			b.AppendNull()
		}
	}
	return b.NewArray()
}

func (a answer) numbers(of func(*metric.Row) *int64) arrow.Array {
	b := array.NewInt64Builder(memory.DefaultAllocator)
	for i := range a.Rows {
		if n := of(&a.Rows[i]); n != nil {
			b.Append(*n)
		} else {
			b.AppendNull()
		}
	}
	return b.NewArray()
}

func (a answer) flags() (arrow.Array, error) {
	b := array.NewListBuilderWithField(memory.DefaultAllocator, flagsType().ElemField())
	for i := range a.Rows {
		b.Append(true)
		for _, flag := range a.Rows[i].Flags {
			if err := b.ValueBuilder().AppendValueFromString(flag); err != nil {
				return nil, fmt.Errorf("write the flag %s: %w", flag, err)
			}
		}
	}
	return b.NewArray(), nil
}

// decimalOf reads the digits of an exact part. It does not go by way of a
// floating-point number, as the library's own function does.
func decimalOf(digits string) (decimal128.Num, error) {
	whole, rest, _ := strings.Cut(digits, ".")
	scale := int(exactType().Scale)
	n, ok := new(big.Int).SetString(whole+rest+strings.Repeat("0", max(0, scale-len(rest))), 10)
	if !ok || len(rest) > scale || n.BitLen() > 127 {
		return decimal128.Num{}, fmt.Errorf("%s is no decimal(38, 6)", digits)
	}
	return decimal128.FromBigInt(n), nil
}
