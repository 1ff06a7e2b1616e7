package demo

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"
)

// parts are what rows of one period come to when they are added up.
type parts struct {
	numerator, denominator big.Rat
	n                      int64
}

// added sums rows by a period that each of them belongs to.
func addedUp(t *testing.T, f *Figure, period func(Row) string) map[string]*parts {
	t.Helper()
	sums := map[string]*parts{}
	for _, r := range f.Rows {
		p := period(r)
		if sums[p] == nil {
			sums[p] = &parts{}
		}
		for _, part := range []struct {
			sum  *big.Rat
			text string
		}{{&sums[p].numerator, string(r.Numerator)}, {&sums[p].denominator, string(r.Denominator)}} {
			if part.text == "" {
				continue
			}
			x, ok := new(big.Rat).SetString(part.text)
			if !ok {
				t.Fatalf("%s: %q is no number", f.Metric, part.text)
			}
			part.sum.Add(part.sum, x)
		}
		if r.N != nil {
			sums[p].n += *r.N
		}
	}
	return sums
}

func (p *parts) String() string {
	return p.numerator.FloatString(6) + "/" + p.denominator.FloatString(6) + ", n " + fmt.Sprint(p.n)
}

// The parts of a split come to the whole, and the months to the quarters, the
// years and the total: the books keep every fact once, wherever they show it.
func TestBooksAddUp(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		c := mustAct(t, small(t, seed+1))
		figures := map[string]*Figure{}
		for i := range c.Truth.Figures {
			f := &c.Truth.Figures[i]
			figures[fmt.Sprint(f.Metric, f.Grain, f.By)] = f
		}
		for i := range c.Truth.Figures {
			f := &c.Truth.Figures[i]
			if f.Metric == "ordering_customers" || f.Metric == "share_revenue" && len(f.By) > 0 {
				continue // a customer who bought two products is one customer; a market is not the sellers' sum
			}
			whole := addedUp(t, figures[fmt.Sprint(f.Metric, f.Grain, []string{})], func(r Row) string { return r.Period })
			holdParts(t, f, "the whole", addedUp(t, f, func(r Row) string { return r.Period }), whole)
			if f.Grain == "month" && len(f.By) == 0 {
				for grain, of := range map[string]func(Row) string{
					"year": func(r Row) string { return r.Period[:4] }, "total": func(Row) string { return "total" }, "quarter": quarter,
				} {
					larger := addedUp(t, figures[fmt.Sprint(f.Metric, grain, []string{})], func(r Row) string { return r.Period })
					holdParts(t, f, grain, addedUp(t, f, of), larger)
				}
			}
		}
	}
}

func quarter(r Row) string {
	return r.Period[:4] + "-Q" + map[string]string{
		"01": "1", "02": "1", "03": "1", "04": "2", "05": "2", "06": "2", "07": "3", "08": "3", "09": "3",
	}[r.Period[5:]] + map[bool]string{true: "4"}[r.Period[5:] > "09"]
}

func holdParts(t *testing.T, f *Figure, of string, got, want map[string]*parts) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s %s by %v: %d periods, of %s %d", f.Metric, f.Grain, f.By, len(got), of, len(want))
	}
	for period, w := range want {
		if g := got[period]; g == nil || g.String() != w.String() {
			t.Errorf("%s %s by %v comes to %v in %s, of %s %v", f.Metric, f.Grain, f.By, g, period, of, w)
		}
	}
}

// The company is a plausible one: good channels win more than bad ones, it
// grows, and every figure is one that such a company could have.
func TestBooksArePlausible(t *testing.T) {
	t.Parallel()
	c := mustAct(t, Config{End: time.Date(2026, time.September, 1, 0, 0, 0, 0, shanghai(t)), Zone: shanghai(t), Currency: "CNY"})
	if n := c.Truth.Sent.Events; n < 280_000 || n > 320_000 {
		t.Errorf("the default company sends %d events, about 300,000 were meant", n)
	}
	value := func(metric string) float64 {
		for _, f := range c.Truth.Figures {
			if f.Metric == metric && f.Grain == "total" && len(f.By) == 0 {
				return *f.Rows[0].Value
			}
		}
		t.Fatalf("no %s in the books", metric)
		return 0
	}
	for metric, limits := range map[string][2]float64{
		"lead_to_won": {0.05, 0.2}, "win_rate_count": {0.4, 0.65}, "win_rate_amount": {0.4, 0.7}, "sales_cycle": {20, 60},
		"csat_top2": {0.6, 0.9}, "nps": {0, 40}, "response_rate": {0.2, 0.45}, "sla_met": {0.6, 0.9}, "first_response_time": {10, 60},
		"share_revenue": {0.04, 0.2}, "otd_original": {0.5, 0.85}, "otd_current": {0.6, 0.95}, "dre": {0.8, 0.97},
		"defect_density": {1, 6}, "mttr": {48, 400}, "cost_per_lead": {50, 500}, "severity_weighted": {5, 50},
	} {
		if v := value(metric); v < limits[0] || v > limits[1] {
			t.Errorf("%s is %g, not between %g and %g", metric, v, limits[0], limits[1])
		}
	}
	if value("otd_current") <= value("otd_original") {
		t.Error("nobody gains by re-planning")
	}
	wins := map[string][2]float64{} // leads and wins by channel
	for _, f := range c.Truth.Figures {
		if f.Metric != "lead_to_won" || f.Grain != "quarter" || !slices.Equal(f.By, []string{"channel"}) {
			continue
		}
		for _, r := range f.Rows {
			var top, bottom float64
			if _, err := fmt.Sscan(strings.Join([]string{string(r.Numerator), string(r.Denominator)}, " "), &top, &bottom); err != nil {
				t.Fatal(err)
			}
			w := wins[*r.Dimensions[0]]
			wins[*r.Dimensions[0]] = [2]float64{w[0] + bottom, w[1] + top}
		}
	}
	rate := func(channel string) float64 { return wins[channel][1] / wins[channel][0] }
	if len(wins) != len(channels()) || rate("referral") < 3*rate("cold_call") || rate("partner") < rate("web") {
		t.Errorf("leads and wins by channel: %v", wins)
	}
}

// Periods are named as the company's calendar has them.
func TestLabels(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		starts            time.Month
		day               day
		quarter, year, in string
	}{
		{time.January, dateDay(2026, time.March, 31), "2026-Q1", "2026", "2026-03"},
		{time.January, dateDay(2026, time.October, 1), "2026-Q4", "2026", "2026-10"},
		{time.April, dateDay(2026, time.March, 31), "2025/26-Q4", "2025/26", "2026-03"},
		{time.April, dateDay(2026, time.April, 1), "2026/27-Q1", "2026/27", "2026-04"},
	} {
		b := &books{a: &actor{cfg: Config{FiscalYearStarts: c.starts}}, labels: map[labelKey]string{}}
		if q, y, m := b.label(c.day, "quarter"), b.label(c.day, "year"), b.label(c.day, "month"); q != c.quarter || y != c.year || m != c.in {
			t.Errorf("%s where the year starts in %s: %s, %s, %s", c.day.date(), c.starts, q, y, m)
		}
	}
}

func TestArithmetic(t *testing.T) {
	t.Parallel()
	for want, millionths := range map[string]int64{
		"0": 0, "12": 12 * million, "-0.5": -million / 2, "1234.56": 1_234_560_000, "-3": -3 * million, "0.001": 1000,
	} {
		if got := decimal(millionths); string(got) != want {
			t.Errorf("%d millionths are written %s, not %s", millionths, got, want)
		}
	}
	for want, values := range map[float64][]int64{1: {1}, 2: {3, 1, 2}, 2.5: {4, 1, 2, 3}} {
		if got := median(values); got != want {
			t.Errorf("the median is %g, not %g", got, want)
		}
	}
	if got := hundredths(90*time.Second, time.Minute); got != 1_500_000 {
		t.Errorf("90 s are %d millionths of a minute", got)
	}
	if got := hundredths(1001*time.Second, time.Minute); got != 16_680_000 { // 16.6833
		t.Errorf("1001 s are %d millionths of a minute", got)
	}
}
