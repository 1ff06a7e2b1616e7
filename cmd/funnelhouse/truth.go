package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/funnelhouse/funnelhouse/demo"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// comparison is what came out where a company's books were held against the
// metrics.
type comparison struct {
	truth         *demo.Truth
	rows, metrics int // how many were compared
	differences   []difference
	tables        map[string]*metric.Table // by metric: the months, not split
}

// difference is one figure that the books and a metric don't agree on.
type difference struct {
	metric, where string // where says grain, period and dimensions
	message       string
}

// shownDifferences is how many differences are written out.
const shownDifferences = 20

// err tells the differences.
func (c *comparison) err() error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s from the company's books:", plural(int64(len(c.differences)), "difference"))
	for i, d := range c.differences {
		if i == shownDifferences {
			fmt.Fprintf(&b, "\n  and %s more", count(int64(len(c.differences)-i)))
			break
		}
		fmt.Fprintf(&b, "\n  %s, %s: %s", d.metric, d.where, d.message)
	}
	return errors.New(b.String())
}

func (c *comparison) differing(code string) int {
	n := 0
	for _, d := range c.differences {
		if d.metric == code {
			n++
		}
	}
	return n
}

// compare holds every figure of the books against what the metric says as of
// the company's last day.
func (h *house) compare(ctx context.Context, truth *demo.Truth) (*comparison, error) {
	set, err := loadMetrics(h.dir)
	if err != nil {
		return nil, err
	}
	asOf, err := time.Parse(time.DateOnly, truth.AsOf)
	if err != nil {
		return nil, err
	}
	c := &comparison{truth: truth, tables: map[string]*metric.Table{}}
	found := make([][]difference, len(truth.Figures)) // in the order of the books
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range truth.Figures {
		f := &truth.Figures[i]
		if i == 0 || truth.Figures[i-1].Metric != f.Metric {
			c.metrics++
		}
		c.rows += len(f.Rows)
		group.Go(func() error {
			table, err := set.Query(ctx, h.wh.DB(), h.company(), metric.Request{Metric: f.Metric, Grain: metric.Grain(f.Grain), By: f.By, AsOf: asOf})
			if refused := (*metric.RequestError)(nil); errors.As(err, &refused) {
				found[i] = []difference{{f.Metric, splitName(f.Grain, f.By), "the books keep it, and the metric can't say it: " + refused.Error()}}
				return nil
			}
			if err != nil {
				return h.unmeasured(ctx, set, f.Metric, err)
			}
			found[i] = differences(f, table)
			if f.Grain == string(metric.Month) && len(f.By) == 0 {
				mu.Lock()
				defer mu.Unlock()
				c.tables[f.Metric] = table
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, d := range found {
		c.differences = append(c.differences, d...)
	}
	return c, nil
}

func splitName(grain string, by []string) string {
	if len(by) == 0 {
		return "grain " + grain
	}
	return "grain " + grain + " by " + strings.Join(by, ", ")
}

// differences compares one figure, both ways: a row that only one side has is
// a difference too.
func differences(f *demo.Figure, table *metric.Table) []difference {
	var list []difference
	differ := func(key, format string, args ...any) {
		list = append(list, difference{f.Metric, key, fmt.Sprintf(format, args...)})
	}
	said := map[string]*metric.Row{}
	for i := range table.Rows {
		r := &table.Rows[i]
		said[rowName(f, r.Period, r.Dimensions)] = r
	}
	for i := range f.Rows {
		want := &f.Rows[i]
		key := rowName(f, want.Period, want.Dimensions)
		got := said[key]
		if got == nil {
			differ(key, "the books say %s, the metric has no such row", spelled(string(want.Numerator), string(want.Denominator), want.Value, want.N))
			continue
		}
		delete(said, key)
		if string(want.Numerator) != got.Numerator || string(want.Denominator) != got.Denominator || !equalCount(want.N, got.N) || !near(want.Value, got.Value) {
			differ(key, "the books say %s, the metric says %s",
				spelled(string(want.Numerator), string(want.Denominator), want.Value, want.N), spelled(got.Numerator, got.Denominator, got.Value, got.N))
		}
	}
	for i := range table.Rows {
		r := &table.Rows[i]
		if key := rowName(f, r.Period, r.Dimensions); said[key] != nil {
			differ(key, "the books have no such row, the metric says %s", spelled(r.Numerator, r.Denominator, r.Value, r.N))
		}
	}
	return list
}

// rowName names a row for people; no other row of the figure has the name.
func rowName(f *demo.Figure, period string, dimensions []*string) string {
	name := f.Grain + " " + period
	if period == "" {
		name = f.Grain + " without a period"
	}
	for i, d := range dimensions {
		if d == nil {
			name += ", " + f.By[i] + " null"
		} else {
			name += fmt.Sprintf(", %s %q", f.By[i], *d)
		}
	}
	return name
}

func equalCount(x, y *int64) bool {
	if x == nil || y == nil {
		return x == y
	}
	return *x == *y
}

// near tells whether two values are equal but for the rounding of a float.
func near(x, y *float64) bool {
	if x == nil || y == nil {
		return x == y
	}
	return math.Abs(*x-*y) <= 1e-9*max(1, math.Abs(*x), math.Abs(*y))
}

func spelled(numerator, denominator string, value *float64, n *int64) string {
	var parts []string
	for _, p := range [][2]string{{"numerator", numerator}, {"denominator", denominator}} {
		if p[1] != "" {
			parts = append(parts, p[0]+" "+p[1])
		}
	}
	if value == nil {
		parts = append(parts, "no value")
	} else {
		parts = append(parts, fmt.Sprintf("value %.12g", *value))
	}
	if n != nil {
		parts = append(parts, fmt.Sprintf("n %d", *n))
	}
	return strings.Join(parts, ", ")
}
