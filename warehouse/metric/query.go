package metric

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/duckdb/duckdb-go/v2"
)

// The flags of a row, in the order in which they stand.
const (
	// NoPeriod: the rows' time is null. They are counted, and belong nowhere.
	NoPeriod = "no_period"
	// Immature: the window of the period's youngest rows is still open.
	Immature = "immature"
	// SmallN: n is below the metric's minimum_n.
	SmallN = "small_n"
	// Partial: the range that was asked for begins or ends within the period.
	Partial = "partial"
	// ReachedBeforeStart: the numerator holds rows that got there before their
	// time, which only a metric without a window counts.
	ReachedBeforeStart = "reached_before_start"
	// WithoutValue: rows that lack the value are left out of the figure and of n.
	WithoutValue = "without_value"
)

func flagNames() []string {
	return []string{NoPeriod, Partial, Immature, SmallN, ReachedBeforeStart, WithoutValue}
}

// Table is the answer to a request: rows by period, then by dimensions, nulls
// last. A period without rows has none.
type Table struct {
	Metric     *Metric
	Grain      Grain
	Dimensions []string
	Rows       []Row
}

// Row is a metric's figure in one period, for one value of each dimension.
type Row struct {
	Period     string     // its label; empty: rows without a period
	Start      *time.Time // its first day, midnight UTC; nil at grain total and without a period
	Dimensions []*string  // in the order of Table.Dimensions; nil: null
	// Numerator and Denominator are exact decimals without trailing zeros; empty:
	// none. A count, a sum and a distinct count have a numerator alone, a
	// percentile neither, a derived metric both where it is one division of counts
	// and sums.
	Numerator, Denominator string
	// Value is for showing alone; nil: not assessable. A share is between 0 and 1.
	Value *float64
	// CILow and CIHigh are the 95 % interval: of a share of rows Wilson's, of an
	// average that asks for it the mean's. Others have none.
	CILow, CIHigh *float64
	// N is the number of rows behind the value; nil for a derived metric.
	N     *int64
	Flags []string
}

// Has tells whether the row carries a flag.
func (r *Row) Has(flag string) bool { return has(r.Flags, flag) }

// Query answers a request. A request that can't be answered as it was asked
// comes back as *RequestError.
func (s *Set) Query(ctx context.Context, q Querier, company Company, req Request) (*Table, error) {
	p, err := s.plan(ctx, q, company, req)
	if err != nil {
		return nil, err
	}
	table, err := p.run(ctx, q)
	var failed *duckdb.Error
	if err != nil && p.where != "" && errors.As(err, &failed) && slices.Contains(valueErrors(), failed.Type) {
		// The metric itself was compiled by Check and its days are DATE columns:
		// what is left is the condition, such as a number for a text column.
		return nil, refuse("where", "can't be computed: %s", firstLine(failed))
	}
	return table, err
}

// valueErrors are what DuckDB calls an expression that doesn't fit its values.
func valueErrors() []duckdb.ErrorType {
	return []duckdb.ErrorType{
		duckdb.ErrorTypeBinder, duckdb.ErrorTypeConversion, duckdb.ErrorTypeInvalidInput, duckdb.ErrorTypeInvalidType,
		duckdb.ErrorTypeMismatchType, duckdb.ErrorTypeOutOfRange,
	}
}

func (p *plan) run(ctx context.Context, q Querier) (table *Table, err error) {
	wrap := func(err error) error { return fmt.Errorf("query metric %s by %s: %w", p.metric.Name, p.grain, err) }
	rows, err := q.QueryContext(ctx, p.statement())
	if err != nil {
		return nil, wrap(err)
	}
	defer func() {
		if closeErr := rows.Close(); closeErr != nil && err == nil {
			table, err = nil, wrap(closeErr)
		}
	}()
	table = &Table{Metric: p.metric, Grain: p.grain, Dimensions: slices.Clone(p.by)}
	for rows.Next() {
		r, err := p.scan(rows)
		if err != nil {
			return nil, wrap(err)
		}
		table.Rows = append(table.Rows, r)
	}
	if err := rows.Err(); err != nil {
		return nil, wrap(err)
	}
	return table, nil
}

// scanned is what a row of the result holds beside a Row's own columns.
type scanned struct {
	start, last            sql.NullTime
	total                  sql.NullString
	numerator, denominator any
	dimensions             []any
	early, without         sql.NullInt64
	variance               sql.NullFloat64
}

func (p *plan) scan(rows *sql.Rows) (Row, error) {
	var r Row
	got := scanned{dimensions: make([]any, len(p.by))}
	to := []any{&got.start}
	if p.grain == Total {
		to[0] = &got.total
	}
	for i := range got.dimensions {
		to = append(to, &got.dimensions[i])
	}
	to = append(to, &got.numerator, &got.denominator, &r.Value, &r.N)
	if valued(p.metric) {
		to = append(to, &got.without)
	}
	if p.metric.MeanInterval {
		to = append(to, &got.variance)
	}
	if p.cohortEnd(p.metric) {
		to = append(to, &got.last)
	}
	if early(p.metric) {
		to = append(to, &got.early)
	}
	if err := rows.Scan(to...); err != nil {
		return Row{}, err
	}
	r.Numerator, r.Denominator = exact(got.numerator), exact(got.denominator)
	for _, d := range got.dimensions {
		r.Dimensions = append(r.Dimensions, dimensionText(d))
	}
	p.place(&r, got)
	return r, p.interval(&r, got.variance)
}

// interval gives the row its 95 % interval, where the metric has one.
func (p *plan) interval(r *Row, variance sql.NullFloat64) error {
	var low, high float64
	switch {
	case p.metric.proportion():
		k, err := strconv.ParseFloat(r.Numerator, 64)
		if err != nil {
			return fmt.Errorf("read the numerator: %w", err)
		}
		low, high = wilson(k, float64(*r.N))
	case variance.Valid && r.Value != nil && *r.N > 1: // one row has no spread to judge by
		low, high = meanInterval(*r.Value, variance.Float64, float64(*r.N))
	default:
		return nil
	}
	r.CILow, r.CIHigh = &low, &high
	return nil
}

// place names the row's period and sets its flags.
func (p *plan) place(r *Row, got scanned) {
	end := got.last
	switch {
	case got.start.Valid:
		period := p.company.PeriodOf(got.start.Time, p.grain)
		r.Period, r.Start = period.Label, &period.Start
		end = sql.NullTime{Time: period.End, Valid: true}
		if !p.from.IsZero() && p.from.After(period.Start) || !p.to.IsZero() && p.to.Before(period.End) {
			r.Flags = append(r.Flags, Partial)
		}
	case got.total.Valid:
		r.Period = string(Total)
	default:
		r.Flags = append(r.Flags, NoPeriod)
		end.Valid = false
	}
	// A range may end within the period.
	if r.Period != "" && !p.to.IsZero() && (!end.Valid || p.to.Before(end.Time)) {
		end = sql.NullTime{Time: p.to, Valid: true}
	}
	if p.metric.window > 0 && end.Valid && end.Time.AddDate(0, 0, p.metric.window).After(p.asOf) {
		r.Flags = append(r.Flags, Immature)
	}
	if r.N != nil && *r.N < int64(p.metric.MinimumN) {
		r.Flags = append(r.Flags, SmallN)
	}
	if got.early.Int64 > 0 {
		r.Flags = append(r.Flags, ReachedBeforeStart)
	}
	if got.without.Int64 > 0 {
		r.Flags = append(r.Flags, WithoutValue)
	}
}

// exact writes a DECIMAL in full, without trailing zeros, which its String
// does; empty for null.
func exact(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// dimensionText writes a dimension's value of any type.
func dimensionText(v any) *string {
	var text string
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		text = v
	case bool:
		text = strconv.FormatBool(v)
	case time.Time:
		text = v.Format(time.DateOnly)
		if v.Hour() != 0 || v.Minute() != 0 || v.Second() != 0 || v.Nanosecond() != 0 {
			text = v.Format(time.RFC3339Nano)
		}
	default:
		text = fmt.Sprint(v)
	}
	return &text
}
