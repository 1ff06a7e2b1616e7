package main

import (
	"bytes"
	"testing"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

func TestShown(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		x          float64
		unit, want string
	}{
		{0.1625, "percent", "16.25 %"},
		{12.3456, "percent", "1,234.56 %"},
		{1234567.5, "currency", "1,234,567.50"},
		{-1234.5, "currency", "-1,234.50"},
		{-999, "count", "-999"},
		{1234, "count", "1,234"},
		{1234.25, "count", "1,234.25"},
		{12.345, "days", "12.3"},
		{4321.05, "minutes", "4,321.1"},
		{-37.5, "points", "-37.5"},
		{0.00341, "number", "0.0034"},
		{1234.5678, "number", "1,234.57"},
	} {
		if got := shown(test.x, test.unit); got != test.want {
			t.Errorf("%v %s: got %s, want %s", test.x, test.unit, got, test.want)
		}
	}
}

func TestWriteMetric(t *testing.T) {
	t.Parallel()
	value, n := 1234567.5, int64(1200)
	table := &metric.Table{
		Metric: &metric.Metric{Name: "bookings", Labels: yamlfile.Text{"en": "Bookings"}, Unit: "currency", Kind: metric.Sum},
		Grain:  metric.Month,
		Rows:   []metric.Row{{Period: "2026-01", Numerator: "1234567.5", Value: &value, N: &n, Flags: []string{metric.WithoutValue}}},
	}
	for format, want := range map[string]string{
		"table": "Bookings (bookings), CNY\n" +
			"period     numerator  denominator         value      n  ci_low  ci_high  flags\n" +
			"-------  -----------  -----------  ------------  -----  ------  -------  -------------\n" +
			"2026-01  1,234,567.5               1,234,567.50  1,200                   without_value\n",
		"csv": "period,numerator,denominator,value,n,ci_low,ci_high,flags\n2026-01,1234567.5,,1234567.5,1200,,,without_value\n",
		"json": "[\n" + ` {"period": "2026-01", "numerator": 1234567.5, "denominator": null, "value": 1234567.5, "n": 1200, ` +
			`"ci_low": null, "ci_high": null, "flags": ["without_value"]}` + "\n]\n",
	} {
		var out bytes.Buffer
		if err := writeMetric(&out, table, format, "en", "CNY"); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("%s: got\n%s\nwant\n%s", format, out.String(), want)
		}
	}
}
