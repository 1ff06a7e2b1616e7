package dashboards

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/fstest"
	"time"

	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// day is the business day of the tests.
var day = time.Date(2026, time.November, 25, 0, 0, 0, 0, time.UTC)

// definitions are metrics as a project could have them: name, labels, unit,
// direction, and what is of their kind.
var definitions = [][5]string{
	{"converted_customers", "{en: New customers, zh-Hans: 新增客户数, zh-Hant: 新增客戶數}", "count", "higher", "kind: count"},
	{"lead_to_won", "{en: Lead-to-customer rate, zh-Hans: 线索成交率, zh-Hant: 線索成交率}", "percent", "higher", "kind: conversion\nreached: won_date\nwindow: 180 days\nminimum_n: 30"},
	{"csat_top2", "{en: Customer satisfaction (top 2), zh-Hans: 客户满意度（前两档）, zh-Hant: 客戶滿意度（前兩檔）}", "percent", "higher", "kind: ratio\nnumerator: {where: answer >= 4}\nminimum_n: 30"},
	{"share_revenue", "{en: Market share by revenue, zh-Hans: 市场占有率（金额）, zh-Hant: 市場佔有率（金額）}", "percent", "higher", "kind: ratio\nnumerator: {value: own_amount}\ndenominator: {value: amount}"},
	{"otd_original", "{en: On-time delivery (first date), zh-Hans: 准时交付率（首次承诺）, zh-Hant: 準時交付率（首次承諾）}", "percent", "higher", "kind: ratio\nnumerator: {where: is_on_time}"},
	{"defect_density", "{en: Defects per kLOC, zh-Hans: 缺陷密度（每千行）, zh-Hant: 缺陷密度（每千行）}", "number", "lower", "kind: ratio\nnumerator: {value: defect_count}\ndenominator: {value: size}"},
	{"bookings", "{en: Bookings, zh-Hans: 订单金额, zh-Hant: 訂單金額}", "currency", "higher", "kind: sum\nvalue: amount"},
	{"sales_cycle", "{en: Sales cycle, zh-Hans: 销售周期, zh-Hant: 銷售週期}", "days", "lower", "kind: percentile\nvalue: cycle_days\nat: 0.5"},
	{"broken", "{en: A figure that fails}", "count", "higher", "kind: count"},
}

func metricSet(t testing.TB) *metric.Set {
	t.Helper()
	files := fstest.MapFS{}
	for _, d := range definitions {
		files["metrics/"+d[0]+".yaml"] = &fstest.MapFile{Data: fmt.Appendf(nil, `metric: %s
label: %s
description: {en: "What %[1]s counts, and what it leaves out.", zh-Hans: 指标的含义与范围。, zh-Hant: 指標的含義與範圍。}
owner: sales
version: 1
unit: %[3]s
direction: %[4]s
model: marts.rows
entity: row_id
time: day
dimensions: [channel, product, department, market_id]
%[5]s
`, d[0], d[1], d[2], d[3], d[4])}
	}
	set, err := metric.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// fake answers with 24 months of figures that a company could have.
type fake struct {
	*metric.Set
	calendar metric.Company
	// change turns an answer into the one that a test wants.
	change func(metric.Request, *metric.Table) (*metric.Table, error)
}

func (f *fake) Query(_ context.Context, q metric.Request) (*metric.Table, error) {
	m, err := f.Get(q.Metric)
	if err != nil {
		return nil, err
	}
	if m.Name == "broken" {
		return nil, errors.New("Binder Error: column \"secret-4711\" not found")
	}
	from, errFrom := f.calendar.ParsePeriod(q.From)
	to, errTo := f.calendar.ParsePeriod(q.To)
	if err := errors.Join(errFrom, errTo); err != nil {
		return nil, err
	}
	table := &metric.Table{Metric: m, Grain: q.Grain, Dimensions: q.By}
	first := day.AddDate(0, -24, 0)
	for start := from.Start; !start.After(to.Start); {
		p := f.calendar.PeriodOf(start, q.Grain)
		start = p.End.AddDate(0, 0, 1)
		if p.End.Before(first) || p.Start.After(day) {
			continue
		}
		members := []*string{nil}
		if len(q.By) > 0 {
			members = members[:0]
			for _, name := range f.members(q.By[0]) {
				members = append(members, &name)
			}
			members = append(members, nil)
		}
		for i, member := range members {
			row := f.row(m, p, i)
			if len(q.By) > 0 {
				row.Dimensions = []*string{member}
			}
			table.Rows = append(table.Rows, row)
		}
	}
	if f.change != nil {
		return f.change(q, table)
	}
	return table, nil
}

func (f *fake) members(by string) []string {
	switch by {
	case "channel":
		return []string{"web", "referral", "trade fair", "线上广告", "partner", "outbound"}
	case "department":
		return []string{"R&D platform", "R&D cloud", "研发三部"}
	case "market_id":
		return []string{"CN-east", "CN-south", "SEA"}
	default:
		return []string{"Orbit", "Orbit Lite", "Vela", "Cygnus"}
	}
}

// row makes up a figure: a level by metric and member, a slow rise and a season.
func (f *fake) row(m *metric.Metric, p metric.Period, member int) metric.Row {
	months := float64(p.Start.Year()-2024)*12 + float64(p.Start.Month())
	season := math.Sin(months*math.Pi/6+float64(member)) + 0.5*math.Sin(months*1.7+float64(member)*2)
	length := float64(int(math.Min(p.End.Sub(p.Start).Hours(), day.Sub(p.Start).Hours())/24) + 1)
	// A quarter has 3 times the rows, a running month a part of them.
	row := metric.Row{Period: p.Label, Start: &p.Start}
	n := int64(math.Max(length*(9+season)/float64(1+2*member), 1))
	share := func(level, swing float64) {
		v := min(max(level+swing*season*0.6+0.0012*months-0.012*float64(member), 0), 1)
		k := math.Round(v * float64(n))
		v = k / float64(n)
		z := 1.96
		middle, spread := (v+z*z/2/float64(n))/(1+z*z/float64(n)), z/(1+z*z/float64(n))*math.Sqrt(v*(1-v)/float64(n)+z*z/4/float64(n)/float64(n))
		row.Value, row.N, row.Numerator, row.Denominator = &v, &n, fmt.Sprint(k), fmt.Sprint(n)
		row.CILow, row.CIHigh = new(middle-spread), new(middle+spread)
		if m.MinimumN > 0 && n < int64(m.MinimumN) {
			row.Flags = append(row.Flags, metric.SmallN)
		}
	}
	plain := func(v float64) { row.Value, row.N = &v, &n }
	switch m.Name {
	case "lead_to_won":
		share(0.11, 0.012)
		if p.End.AddDate(0, 0, 180).After(day) {
			ripe := math.Max(1-p.End.AddDate(0, 0, 180).Sub(day).Hours()/24/220, 0)
			*row.Value, *row.CILow, *row.CIHigh = *row.Value*ripe, *row.CILow*ripe, *row.CIHigh*ripe
			row.Flags = append(row.Flags, metric.Immature)
		}
	case "csat_top2":
		share(0.83, 0.02)
	case "otd_original":
		share(0.71, 0.06)
	case "share_revenue":
		plain(0.183 + 0.009*season + 0.0008*months - 0.02*float64(member))
	case "defect_density":
		plain(math.Max(1.15-0.015*months+0.12*season+0.1*float64(member), 0.05))
	case "bookings":
		plain(math.Round(length * (61_000 + 9_000*season + 900*months) / float64(1+member)))
	case "sales_cycle":
		plain(64 - 0.3*months + 4*season)
	default:
		plain(float64(n))
		row.Numerator = fmt.Sprint(n)
	}
	if p.Label == "2026-02" && m.Name == "defect_density" {
		row.Value = nil // no release in that month
	}
	return row
}
