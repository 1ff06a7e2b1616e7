package publish

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// valueColumns are the columns of metrics/values.parquet.
func valueColumns() []Column {
	return []Column{
		{"metric", "VARCHAR", "Code of the metric; dimensions/metrics.parquet has its names and definition."},
		{"label", "VARCHAR", "Its name in the company's first language."},
		{"grain", "VARCHAR", "Length of the period: month, quarter or year. Choose one: values of different grains are never to be added."},
		{"period", "VARCHAR", "Name of the period, such as 2026-10 or 2026-Q4; null for rows whose day is not known."},
		{"period_start", "DATE", "First day of the period."},
		{"period_end", "DATE", "Last day of the period."},
		{"dimension", "VARCHAR", "By what the row is split; null: not at all. Choose one: the rows of one dimension are the whole split up."},
		{"dimension_value", "VARCHAR", "The row's value of the dimension; null: the event has none."},
		{"value", "DOUBLE", "The figure; null: not assessable. A share is between 0 and 1. Never average it: divide the sum of numerators by that of denominators."},
		{"numerator", "DECIMAL(18,4)", "What is divided, or the count or sum itself, rounded to four digits after the point; null where the figure has no parts."},
		{"denominator", "DECIMAL(18,4)", "What it is divided by; null where the figure has no parts."},
		{"n", "BIGINT", "Rows behind the figure; null for a derived metric."},
		{"ci_low", "DOUBLE", "Lower end of the 95 % interval, where the metric has one."},
		{"ci_high", "DOUBLE", "Upper end of the 95 % interval."},
		{"flags", "VARCHAR", "What to know about the row, with spaces between them: immature, partial, small_n, no_period, …"},
		{"unit", "VARCHAR", "percent (kept as a share: 0.25 is 25 %), count, days, hours, minutes, currency, points or number."},
		{"direction", "VARCHAR", "Which way is better: higher or lower; null where neither is."},
		{"version", "INTEGER", "Version of the definition. Figures of two versions are not to be compared."},
		{"as_of", "DATE", "The day as of which the figure holds."},
	}
}

// valueTable holds the metric values of a build.
type valueTable struct {
	rows        [][]driver.Value
	first, last time.Time // first days of the earliest and of the latest period; zero: none
}

// values computes every metric by month, quarter and year, in all and split by
// each of its dimensions. A metric is left out while a model that it reads isn't
// built.
func values(ctx context.Context, s *snapshot, c Content, manifest *Manifest) (*valueTable, error) {
	t := &valueTable{}
	for _, m := range c.Metrics.All() {
		missing, err := s.missing(ctx, m.Models())
		if err != nil {
			return nil, err
		}
		if missing != "" {
			manifest.leaveOut(m.Name, "it reads "+missing+", which is not built yet")
			continue
		}
		for _, grain := range []metric.Grain{metric.Month, metric.Quarter, metric.Year} {
			for _, by := range append([]string{""}, m.Dimensions...) {
				req := metric.Request{Metric: m.Name, Grain: grain, AsOf: c.AsOf}
				if by != "" {
					req.By = []string{by}
				}
				table, err := c.Metrics.Query(ctx, s, c.Company, req)
				if refused := (*metric.RequestError)(nil); errors.As(err, &refused) && by != "" {
					continue // a derived metric that none of its inputs can split by this alone
				}
				if err != nil {
					return nil, fmt.Errorf("compute the values of %s: %w", m.Name, err)
				}
				for i := range table.Rows {
					if err := t.add(m, grain, by, &table.Rows[i], c); err != nil {
						return nil, err
					}
				}
			}
		}
	}
	return t, nil
}

func (t *valueTable) add(m *metric.Metric, grain metric.Grain, by string, r *metric.Row, c Content) error {
	numerator, err := decimal18(r.Numerator)
	if err != nil {
		return fmt.Errorf("%s %s: the numerator %s %w", m.Name, r.Period, r.Numerator, err)
	}
	denominator, err := decimal18(r.Denominator)
	if err != nil {
		return fmt.Errorf("%s %s: the denominator %s %w", m.Name, r.Period, r.Denominator, err)
	}
	var start, end, dimension, value, n driver.Value
	if r.Start != nil {
		start, end = *r.Start, c.Company.PeriodOf(*r.Start, grain).End
		if t.first.IsZero() || r.Start.Before(t.first) {
			t.first = *r.Start
		}
		if r.Start.After(t.last) {
			t.last = *r.Start
		}
	}
	if by != "" {
		dimension = by
		if r.Dimensions[0] != nil {
			value = *r.Dimensions[0]
		}
	}
	if r.N != nil {
		n = *r.N
	}
	t.rows = append(t.rows, []driver.Value{
		m.Name, m.Label(c.Language), string(grain), orNull(r.Period), start, end, dimension, value,
		number(r.Value), numerator, denominator, n, number(r.CILow), number(r.CIHigh), strings.Join(r.Flags, " "),
		m.Unit, orNull(m.Direction), int32(m.Version), c.AsOf,
	})
	return nil
}

func number(x *float64) driver.Value {
	if x == nil || math.IsNaN(*x) || math.IsInf(*x, 0) {
		return nil
	}
	return *x
}

const valueScale = 4

var errDigits = errors.New("has more than the 18 digits that BI tools read: let the metric add up a smaller unit")

// decimal18 reads an exact decimal as DECIMAL(18,4); more digits after the
// point are rounded, which no amount and no count has.
func decimal18(text string) (driver.Value, error) {
	if text == "" {
		return nil, nil
	}
	x, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, errors.New("is no number")
	}
	x.Mul(x, new(big.Rat).SetInt64(10_000))
	half := big.NewRat(1, 2)
	if x.Sign() < 0 {
		half.Neg(half)
	}
	x.Add(x, half)
	n := new(big.Int).Quo(x.Num(), x.Denom())
	if len(new(big.Int).Abs(n).String()) > 18 {
		return nil, errDigits
	}
	return duckdb.Decimal{Width: 18, Scale: valueScale, Value: n}, nil
}

func (t *valueTable) source() *source {
	return computed("metrics", "values", "metrics",
		"The values of every metric by month, quarter and year, in all and by each dimension. Filter metric, grain and dimension before you draw.",
		valueColumns(), t.rows)
}

// computed is a table whose rows this program made.
func computed(schema, name, kind, description string, columns []Column, rows [][]driver.Value) *source {
	return &source{
		File: File{
			Path: schema + "/" + name + ".parquet", Kind: kind, Table: schema + "." + name, Description: description,
			Rows: int64(len(rows)), Columns: columns, Content: fingerprint(description, columns, rows),
		},
		schema: schema, name: name,
		fill: func(ctx context.Context, w *writer, table string) error { return w.fill(ctx, table, columns, rows) },
	}
}

// fill makes a table in the writer's memory and appends rows to it.
func (w *writer) fill(ctx context.Context, table string, columns []Column, rows [][]driver.Value) error {
	var defs []string
	for _, c := range columns {
		defs = append(defs, `"`+c.Name+`" `+c.Type)
	}
	if _, err := w.conn.ExecContext(ctx, "create table "+table+" ("+strings.Join(defs, ", ")+")"); err != nil {
		return err
	}
	catalog, name, _ := strings.Cut(table, ".main.")
	return w.conn.Raw(func(c any) error {
		conn, ok := c.(driver.Conn)
		if !ok {
			return fmt.Errorf("a connection of type %T is none of the driver's", c)
		}
		a, err := duckdb.NewAppender(conn, catalog, "main", name)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := a.AppendRow(row...); err != nil {
				return errors.Join(err, a.Close())
			}
		}
		return a.Close()
	})
}
