package reports

import (
	"math"
	"testing"

	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// The example of the paper: 56 of 70 against 48 of 80, and its case d.
func TestDifference(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ k1, n1, k2, n2, low, high float64 }{
		{56, 70, 48, 80, 0.0524, 0.3339},
		{9, 10, 3, 10, 0.1705, 0.8090},
		{10, 10, 0, 10, 0.6075, 1.0000},
	} {
		low, high := difference(score(c.k1, c.n1, c.k2, c.n2))
		if math.Abs(low-c.low) > 5e-5 || math.Abs(high-c.high) > 5e-5 {
			t.Errorf("%v of %v against %v of %v: %.4f to %.4f, want %.4f to %.4f", c.k1, c.n1, c.k2, c.n2, low, high, c.low, c.high)
		}
	}
}

func score(k1, n1, k2, n2 float64) (a, aLow, aHigh, b, bLow, bHigh float64) {
	wilson := func(k, n float64) (p, low, high float64) {
		const z = 1.959963984540054
		p = k / n
		centre := (p + z*z/(2*n)) / (1 + z*z/n)
		half := z * math.Sqrt(p*(1-p)/n+z*z/(4*n*n)) / (1 + z*z/n)
		return p, centre - half, centre + half
	}
	a, aLow, aHigh = wilson(k1, n1)
	b, bLow, bHigh = wilson(k2, n2)
	return a, aLow, aHigh, b, bLow, bHigh
}

func TestCompare(t *testing.T) {
	t.Parallel()
	row := func(value, half float64, flags ...string) *metric.Row {
		r := &metric.Row{Value: &value, Flags: flags}
		if half > 0 {
			low, high := value-half, value+half
			r.CILow, r.CIHigh = &low, &high
		}
		return r
	}
	for name, c := range map[string]struct {
		now, then *metric.Row
		direction string
		asOf      string
		want      verdict
	}{
		"no figure":                             {nil, row(1, 0), "higher", "2026-11-02", noFigure},
		"not assessable":                        {&metric.Row{}, row(1, 0), "higher", "2026-11-02", noFigure},
		"no past":                               {row(1, 0), nil, "higher", "2026-11-02", noPast},
		"past not assessable":                   {row(1, 0), &metric.Row{}, "higher", "2026-11-02", pastBlank},
		"young":                                 {row(1, 0, metric.Immature), row(2, 0), "higher", "2026-11-02", tooYoung},
		"both young":                            {row(1, 0, metric.Immature), row(2, 0, metric.Immature), "higher", "2026-11-02", tooYoung},
		"on its last day":                       {row(1, 0), row(2, 0), "higher", "2026-10-31", worse},
		"a day before":                          {row(1, 0), row(2, 0), "higher", "2026-10-30", notOver},
		"cut by the range":                      {row(1, 0), row(2, 0, metric.Partial), "higher", "2026-11-02", notOver},
		"same":                                  {row(2, 0), row(2, 0), "higher", "2026-11-02", same},
		"better":                                {row(2, 0), row(1, 0), "higher", "2026-11-02", better},
		"worse":                                 {row(1, 0), row(2, 0), "higher", "2026-11-02", worse},
		"lower is better":                       {row(1, 0), row(2, 0), "lower", "2026-11-02", better},
		"lower is better, worse":                {row(2, 0), row(1, 0), "lower", "2026-11-02", worse},
		"no direction":                          {row(2, 0), row(1, 0), "", "2026-11-02", justDifferent},
		"few now":                               {row(0.9, 0.01, metric.SmallN), row(0.1, 0.01), "higher", "2026-11-02", tooFew},
		"few then":                              {row(0.9, 0.01), row(0.1, 0.01, metric.SmallN), "higher", "2026-11-02", tooFew},
		"chance":                                {row(0.52, 0.05), row(0.5, 0.05), "higher", "2026-11-02", byChance},
		"intervals that overlap, yet no chance": {row(0.58, 0.05), row(0.5, 0.05), "higher", "2026-11-02", better},
		"one interval":                          {row(0.52, 0.05), row(0.5, 0), "higher", "2026-11-02", better},
	} {
		f := &facts{period: period(t, "2026-10"), asOf: day(t, c.asOf)}
		fig := &figureFacts{metric: &metric.Metric{Direction: c.direction}, now: standing{row: c.now}}
		got := f.compare(fig, standing{row: c.then}, func(now, then *float64) bool { return *now == *then })
		if got.verdict != c.want {
			t.Errorf("%s: got %d, want %d", name, got.verdict, c.want)
		}
	}
}

// What nothing is known of is no zero, and what is counted and wasn't there is.
func TestRowOf(t *testing.T) {
	t.Parallel()
	one := 1.0
	at := func(label string) metric.Row {
		start := period(t, label).Start
		return metric.Row{Period: label, Start: &start, Value: &one}
	}
	table := func(kind metric.Kind, labels ...string) *metric.Table {
		x := &metric.Table{Metric: &metric.Metric{Kind: kind}}
		for _, l := range labels {
			x.Rows = append(x.Rows, at(l))
		}
		return x
	}
	for name, c := range map[string]struct {
		table *metric.Table
		want  string
	}{
		"there":            {table(metric.Count, "2026-08", "2026-09"), "1"},
		"zero":             {table(metric.Count, "2026-08"), "0"},
		"a sum of nothing": {table(metric.Sum, "2026-08"), "0"},
		"only later":       {table(metric.Count, "2026-10"), "nothing"},
		"nothing at all":   {table(metric.Count), "nothing"},
		"a share":          {table(metric.Conversion, "2026-08"), "nothing"},
		"a median":         {table(metric.Percentile, "2026-08"), "nothing"},
	} {
		got := "nothing"
		if r := rowOf(c.table, c.table.Rows, period(t, "2026-09")); r != nil {
			got = map[float64]string{0: "0", 1: "1"}[*r.Value]
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}
