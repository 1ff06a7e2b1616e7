package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

type metricFlags struct {
	grain, from, to, where, asOf, format *string
	by                                   *[]string
}

func (a *app) metricCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "metric CODE",
		Short: "Compute a metric by period and dimension",
		Long: `metric computes one metric of sql/metrics. Each row holds the period, the dimensions
that were asked for, numerator and denominator, the value, n, and where the metric has
one the 95 % interval (of a share of rows Wilson's, of a mean its own). A ratio is
divided here and nowhere else, and a median or a number of customers is found anew in
the rows, so that a year is never the mean or the sum of its months. An empty value
can't be assessed: its denominator is zero.

Flags of a row: immature (its window is still open), partial (the range cuts the
period), small_n (fewer than the metric's minimum), reached_before_start (its dates
contradict each other; counted where the window is none), without_value (some rows
lack the value and are left out), no_period (the day that decides is missing).`,
		Example: `  funnelhouse metric lead_to_won
  funnelhouse metric lead_to_won --grain quarter --by channel --from 2025-Q1 --to 2025-Q4
  funnelhouse metric lead_to_won --grain total --where "channel in ('web', 'referral')"
  funnelhouse metric lead_to_won_period --format csv`,
		Args: cobra.ExactArgs(1),
	}
	f := metricFlags{
		grain:  c.Flags().String("grain", "month", "length of a period: day, week, month, quarter, year or total"),
		from:   c.Flags().String("from", "", "first period or day, like 2025, 2025-Q1, 2025-01 or 2025-01-31"),
		to:     c.Flags().String("to", "", "last period or day, included"),
		by:     c.Flags().StringSlice("by", nil, "dimensions to split by, with commas between them"),
		where:  c.Flags().String("where", "", "condition on dimensions, in SQL"),
		asOf:   c.Flags().String("as-of", "", "day as of which the figures hold (default: today in the company's zone)"),
		format: formatFlag(c),
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := checkFormat(*f.format); err != nil {
			return err
		}
		return a.withHouse(c.Context(), "metric", func(ctx context.Context, h *house) error {
			return a.measure(ctx, h, args[0], f)
		})
	}
	return c
}

func (a *app) measure(ctx context.Context, h *house, code string, f metricFlags) error {
	set, err := loadMetrics(h.dir)
	if err != nil {
		return err
	}
	asOf := h.today()
	if *f.asOf != "" {
		if asOf, err = time.Parse(time.DateOnly, *f.asOf); err != nil {
			return usagef("--as-of %q is no day: write one like 2025-12-31", *f.asOf)
		}
	}
	a.bar.say("computing %s", code)
	table, err := set.Query(ctx, h.wh.DB(), h.company(), metric.Request{
		Metric: code, Grain: metric.Grain(*f.grain), From: *f.from, To: *f.to, By: *f.by, Where: *f.where, AsOf: asOf,
	})
	a.bar.done()
	if refused := (*metric.RequestError)(nil); errors.As(err, &refused) {
		flag := "--" + strings.ReplaceAll(refused.Field, "_", "-")
		if refused.Field == "metric" {
			flag = "metric"
		}
		return usagef("%s: %w", flag, refused.Err)
	}
	if err != nil {
		return h.unmeasured(ctx, set, code, err)
	}
	return writeMetric(a.io.out, table, *f.format, h.settings.language, h.cfg.Company.Currency)
}

// unmeasured says why a metric could not be computed: its files are wrong, or
// its model has no table yet.
func (h *house) unmeasured(ctx context.Context, set *metric.Set, code string, err error) error {
	if ctx.Err() != nil {
		return err
	}
	f, wrong := loadFigures(ctx, h.dir, h.promises.contracts, h.wh)
	if wrong == nil {
		wrong = checkFigures(ctx, f, h.promises.contracts, h.cfg.Company)
	}
	if len(yamlfile.Problems(wrong)) > 0 {
		return wrong
	}
	if advice := h.notBuilt(ctx, set, code); advice != nil {
		return advice
	}
	return err
}

// notBuilt names the first model of a metric that has no table yet; nil: all
// have one.
func (h *house) notBuilt(ctx context.Context, set *metric.Set, code string) error {
	m, err := set.Get(code)
	if err != nil {
		return nil //nolint:nilerr // a metric that isn't there has no model
	}
	for _, name := range m.Models() {
		columns, err := h.wh.TableColumns(ctx, name)
		if err == nil && len(columns) == 0 {
			return fmt.Errorf("%s is not built yet: run funnelhouse build", name)
		}
	}
	return nil
}

// writeMetric writes a metric's rows. A table is for people: it has a title
// with the unit, and rounds; the other formats keep the bare numbers.
func writeMetric(out io.Writer, table *metric.Table, format, language, currency string) error {
	people := format == "table"
	if people {
		title := fmt.Sprintf("%s (%s)", table.Metric.Label(language), table.Metric.Name)
		if unit := unitName(table.Metric.Unit, currency); unit != "" {
			title += ", " + unit
		}
		if _, err := fmt.Fprintln(out, title); err != nil {
			return err
		}
	}
	columns := append([]string{"period"}, table.Dimensions...)
	right := make([]bool, len(columns), len(columns)+7)
	columns = append(columns, "numerator", "denominator", "value", "n", "ci_low", "ci_high", "flags")
	right = append(right, true, true, true, true, true, true, false)
	s, err := newSheet(out, format, columns, right)
	if err != nil {
		return err
	}
	figure := func(x *float64) any {
		switch {
		case x == nil:
			return nil
		case people:
			return shown(*x, table.Metric.Unit)
		default:
			return *x
		}
	}
	number := func(digits string) any {
		switch {
		case digits == "":
			return nil
		case people:
			return grouped(digits)
		default:
			return json.Number(digits)
		}
	}
	for _, r := range table.Rows {
		cells := []any{nullable(r.Period)}
		for _, d := range r.Dimensions {
			if d == nil {
				cells = append(cells, nil)
			} else {
				cells = append(cells, *d)
			}
		}
		cells = append(cells, number(r.Numerator), number(r.Denominator), figure(r.Value))
		if r.N == nil {
			cells = append(cells, nil)
		} else {
			cells = append(cells, number(strconv.FormatInt(*r.N, 10)))
		}
		cells = append(cells, figure(r.CILow), figure(r.CIHigh))
		if format == "json" {
			flags := make([]any, len(r.Flags))
			for i, f := range r.Flags {
				flags[i] = f
			}
			cells = append(cells, flags)
		} else {
			cells = append(cells, strings.Join(r.Flags, " "))
		}
		if err := s.row(cells); err != nil {
			return err
		}
	}
	return s.close()
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// unitName is what stands in the title of a table; per cent stands at the
// figures themselves.
func unitName(unit, currency string) string {
	switch unit {
	case "currency":
		return currency
	case "days", "hours", "minutes", "points":
		return unit
	}
	return ""
}

// shown writes a figure as people read it.
func shown(x float64, unit string) string {
	fixed := func(digits int) string { return grouped(strconv.FormatFloat(x, 'f', digits, 64)) }
	switch unit {
	case "percent":
		return grouped(strconv.FormatFloat(x*100, 'f', 2, 64)) + " %"
	case "currency":
		return fixed(2)
	case "days", "hours", "minutes", "points":
		return fixed(1)
	case "count":
		if x == math.Trunc(x) {
			return fixed(0)
		}
		return fixed(2)
	}
	if math.Abs(x) >= 100 {
		return fixed(2)
	}
	return fixed(4) // a density is often far below one
}

// grouped writes 1234567.5 as 1,234,567.5.
func grouped(digits string) string {
	whole, rest, _ := strings.Cut(digits, ".")
	for i := len(whole) - 3; i > 0 && whole[i-1] != '-'; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		whole += "." + rest
	}
	return whole
}
