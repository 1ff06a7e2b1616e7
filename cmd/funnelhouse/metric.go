package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
that were asked for, numerator and denominator, the value, n, and for a share of
entities its 95 % interval (Wilson). A ratio is divided here and nowhere else, so that a
year is never the mean of its months. An empty value can't be assessed: its
denominator is zero.

Flags of a row: immature (its window is still open), partial (the range cuts the
period), small_n (fewer than the metric's minimum), reached_before_start (its dates
contradict each other; counted where the window is none), no_period (the day that
decides is missing).`,
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
	return writeMetric(a.io.out, table, *f.format, h.settings.language)
}

// unmeasured says why a metric could not be computed: its files are wrong, or
// its model has no table yet.
func (h *house) unmeasured(ctx context.Context, set *metric.Set, code string, err error) error {
	if ctx.Err() != nil {
		return err
	}
	f, wrong := loadFigures(ctx, h.dir, h.promises.contracts, h.wh)
	if wrong == nil {
		wrong = checkFigures(ctx, f, h.promises.contracts, h.cfg.Company.Zone)
	}
	if len(yamlfile.Problems(wrong)) > 0 {
		return wrong
	}
	m, missing := set.Get(code)
	if missing != nil {
		return err
	}
	for _, name := range m.Models() {
		columns, e := h.wh.TableColumns(ctx, name)
		if e == nil && len(columns) == 0 {
			return fmt.Errorf("%s is not built yet: run funnelhouse build", name)
		}
	}
	return err
}

// writeMetric writes a metric's rows. A table is for people: it has a title
// and shows shares in per cent; the other formats keep the bare numbers.
func writeMetric(out io.Writer, table *metric.Table, format, language string) error {
	people := format == "table"
	if people {
		if _, err := fmt.Fprintf(out, "%s (%s)\n", table.Metric.Label(language), table.Metric.Name); err != nil {
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
	share := func(x *float64) any {
		switch {
		case x == nil:
			return nil
		case people && table.Metric.Unit == "percent":
			return fmt.Sprintf("%.2f %%", *x*100)
		case people:
			return strconv.FormatFloat(*x, 'f', -1, 64)
		default:
			return json.Number(strconv.FormatFloat(*x, 'g', -1, 64))
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
		cells = append(cells, number(r.Numerator), number(r.Denominator), share(r.Value))
		if r.N == nil {
			cells = append(cells, nil)
		} else {
			cells = append(cells, json.Number(strconv.FormatInt(*r.N, 10)))
		}
		cells = append(cells, share(r.CILow), share(r.CIHigh))
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

func number(s string) any {
	if s == "" {
		return nil
	}
	return json.Number(s)
}
