package metric

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files again")

// The SQL of a metric is shown to analysts, so its form is part of what is
// tested.
func TestSQL(t *testing.T) {
	t.Parallel()
	set := mustLoad(t,
		conversionOf("rate", "180 days", "where: region <> 'south' -- own sales alone",
			"excluded: {test: channel = 'test', not_yet: created_date > $as_of}", "dimensions: [channel, region]"),
		conversionOf("ever", "none", "dimensions: [channel]"),
		countOf("fresh", "dimensions: [channel, region]"),
		dealsOf("bookings", "sum", "value: amount", "dimensions: [channel]"),
		dealsOf("on_time", "ratio", "excluded: {not_yet_due: closed_date > $as_of}", "numerator: {where: cycle_days <= 30}", "denominator: {where: channel <> 'test'}"),
		dealsOf("win_rate_amount", "ratio", "numerator: {where: is_won, value: amount}", "denominator: {value: amount}"),
		dealsOf("nps", "average", "value: points", "interval: true"),
		dealsOf("cycle", "percentile", "value: cycle_days", "at: 0.5", "where: is_won"),
		dealsOf("customers", "distinct", "distinct: customer_id"),
		definition("per_lead", "derived", "inputs: {rate: rate, share: share}", "expr: rate * (share + 1)"),
		definition("share", "derived", "inputs: {part: fresh, whole: {metric: fresh, across: [channel]}}", "expr: part / whole"),
	)
	db := openDB(t)
	for name, test := range map[string]struct {
		company Company
		req     Request
	}{
		"count":      {Company{}, Request{Metric: "fresh", Grain: Week, From: "2026", To: "2026-Q3"}},
		"conversion": {Company{FiscalYearStarts: time.April}, Request{Metric: "rate", Grain: Year, By: []string{"channel"}, Where: "region in ('north', 'west')"}},
		"open":       {Company{}, Request{Metric: "ever", Grain: Total}},
		"derived":    {Company{}, Request{Metric: "share", By: []string{"region", "channel"}}},
		"sum":        {Company{}, Request{Metric: "bookings", By: []string{"channel"}}},
		"ratio":      {Company{}, Request{Metric: "on_time"}},
		"amounts":    {Company{}, Request{Metric: "win_rate_amount"}},
		"average":    {Company{}, Request{Metric: "nps"}},
		"percentile": {Company{}, Request{Metric: "cycle"}},
		"distinct":   {Company{}, Request{Metric: "customers", Grain: Total}},
		"nested":     {Company{}, Request{Metric: "per_lead", Grain: Total, By: []string{"channel"}, Where: "region = 'north'"}},
	} {
		test.req.AsOf = october()
		got, err := set.SQL(t.Context(), db, test.company, test.req)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		path := filepath.Join("testdata", name+".sql")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
	}
}

// What runs in one engine alone stays out where another spelling costs nothing.
func TestSQLIsPortable(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/*.sql")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d goldens, %v", len(paths), err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"group by all", "qualify", "::", "exclude", "//", "columns("} {
			if strings.Contains(string(text), word) {
				t.Errorf("%s holds %q", path, word)
			}
		}
	}
}
