package metric

import (
	"errors"
	"strings"
	"testing"
	"time"
)

const openConversion = "metric: m\nlabel: L\ndescription: D\nowner: o\nversion: 1\nunit: percent\nkind: conversion\n" +
	"model: marts.leads\nentity: lead_id\ntime: created_date\nreached: won_date\nwindow: none\ndimensions: [channel, region]\n"

func TestWindowNone(t *testing.T) {
	t.Parallel()
	db := openDB(t, leadsTable, `insert into marts.leads (lead_id, channel, created_date, won_date) values
		('L-1', 'web', date '2026-01-10', date '2026-01-09'),
		('L-2', 'web', date '2026-01-10', date '2026-10-31'),
		('L-3', 'web', date '2026-01-10', date '2026-11-01'),
		('L-4', 'fair', date '2026-01-10', null),
		('L-5', 'fair', null, date '2026-01-10'),
		('L-6', 'fair', date '2026-12-24', date '2026-12-01')`)
	set := mustLoad(t, openConversion)
	wantShown(t, query(t, set, db, Request{Metric: "m"}),
		"2026-01 2 4 0.5 [reached_before_start]", "null 1 1 1 [no_period]")
	wantShown(t, query(t, set, db, Request{Metric: "m", By: []string{"channel"}, Grain: Total}),
		"total fair 0 1 0 []", "total web 2 3 0.6666666666666666 [reached_before_start]", "null fair 1 1 1 [no_period]")
}

// A figure as of a day knows nothing of what came later, whatever the kind,
// and a period that the range cuts says so.
func TestAsOfAndPartial(t *testing.T) {
	t.Parallel()
	db := openDB(t, leadsTable, `insert into marts.leads (lead_id, created_date, won_date) values
		('L-1', date '2026-01-10', date '2026-02-01'), ('L-2', date '2026-02-20', date '2026-03-01'), ('L-3', date '2026-04-01', date '2026-04-02')`)
	set := projectSet(t)
	for metric, want := range map[string][]string{
		"new_leads":          {"2026-01 1 null 1 []", "2026-02 1 null 1 []"},
		"won_leads":          {"2026-02 1 null 1 []"},
		"lead_to_won":        {"2026-01 1 1 1 [immature, small_n]", "2026-02 0 1 0 [immature, small_n]"},
		"lead_to_won_period": {"2026-01 0 1 0 []", "2026-02 1 1 1 []"},
	} {
		wantShown(t, query(t, set, db, Request{Metric: metric, AsOf: day("2026-02-28")}), want...)
	}
	wantShown(t, query(t, set, db, Request{Metric: "new_leads", Grain: Quarter, From: "2026-02"}), "2026-Q1 1 null 1 [partial]", "2026-Q2 1 null 1 []")
	wantShown(t, query(t, set, db, Request{Metric: "new_leads", Grain: Quarter, To: "2026-04-15"}), "2026-Q1 2 null 2 []", "2026-Q2 1 null 1 [partial]")
}

func TestRowOfAConversion(t *testing.T) {
	t.Parallel()
	db := openDB(t, leadsTable, `insert into marts.leads (lead_id, created_date, won_date)
		select 'L-' || i, date '2026-01-15', case when i <= 195 then date '2026-02-01' end from range(1, 1201) r(i)`)
	table := query(t, projectSet(t), db, Request{Metric: "lead_to_won", Grain: Quarter})
	if len(table.Rows) != 1 {
		t.Fatalf("got %d rows", len(table.Rows))
	}
	r := table.Rows[0]
	if r.Numerator != "195" || r.Denominator != "1200" || *r.Value != 0.1625 || *r.N != 1200 || len(r.Flags) != 0 {
		t.Errorf("got %+v", r)
	}
	if r.Period != "2026-Q1" || *r.Start != day("2026-01-01") || len(r.Dimensions) != 0 {
		t.Errorf("got %+v", r)
	}
	if low, high := *r.CILow, *r.CIHigh; low > 0.1625 || high < 0.1625 || high-low > 0.05 {
		t.Errorf("got the interval %v to %v", low, high)
	}
}

func TestDimensionsOfAnyType(t *testing.T) {
	t.Parallel()
	db := openDB(t, `create table marts.x as select * from (values
		(1, true, date '2026-01-02', 2.50::decimal(5,2), timestamptz '2026-01-02 03:04:05+00', date '2026-01-01')
	) t("case", flag, due, price, "at", d)`)
	set := mustLoad(t, definition("m", "count", "model: marts.x", "entity: case", "time: d", "dimensions: [case, flag, due, price, at]"))
	wantShown(t, query(t, set, db, Request{Metric: "m", By: []string{"case", "flag", "due", "price", "at"}}),
		"2026-01 1 true 2026-01-02 2.5 2026-01-02T03:04:05Z 1 null 1 []")
}

func TestExcludedIsOutOfBothParts(t *testing.T) {
	t.Parallel()
	db := openDB(t, leadsTable, `insert into marts.leads (lead_id, channel, region, created_date, won_date) values
		('L-1', 'web', 'north', date '2026-01-10', date '2026-01-11'),
		('L-2', 'test', 'north', date '2026-01-10', date '2026-01-11'),
		('L-3', 'test', null, date '2026-01-10', null),
		('L-4', null, 'north', date '2026-01-10', null),
		('L-5', 'web', 'south', date '2026-01-10', null),
		('L-6', 'web', 'north', date '2026-10-31', null),
		('L-7', 'web', 'north', date '2026-11-01', null)`)
	set := mustLoad(t, conversionOf("m", "none",
		"where: region <> 'south' -- they have a metric of their own",
		"excluded:",
		"  test: channel = 'test'",
		"  not_yet: created_date > $as_of",
		"dimensions: [channel]"))
	wantShown(t, query(t, set, db, Request{Metric: "m"}), "2026-01 1 2 0.5 []", "2026-10 0 1 0 []")
	if err := set.Verify(t.Context(), db, october(), func(m string) string { return m }); err != nil {
		t.Error(err)
	}
}

func TestGrains(t *testing.T) {
	t.Parallel()
	db := openDB(t, leadsTable, `insert into marts.leads (lead_id, created_date) values
		('a', date '2024-12-30'), ('b', date '2025-03-31'), ('c', date '2025-04-01'), ('d', date '2025-05-31')`)
	set := projectSet(t)
	for _, test := range []struct {
		grain   Grain
		company Company
		want    string
	}{
		{Total, Company{}, "total 4"},
		{Year, Company{}, "2024 1, 2025 3"},
		{Quarter, Company{}, "2024-Q4 1, 2025-Q1 1, 2025-Q2 2"},
		{Month, Company{}, "2024-12 1, 2025-03 1, 2025-04 1, 2025-05 1"},
		{Week, Company{}, "2025-W01 1, 2025-W14 2, 2025-W22 1"},
		{Day, Company{}, "2024-12-30 1, 2025-03-31 1, 2025-04-01 1, 2025-05-31 1"},
		{Year, Company{FiscalYearStarts: time.April}, "2024/25 2, 2025/26 2"},
		{Quarter, Company{FiscalYearStarts: time.April}, "2024/25-Q3 1, 2024/25-Q4 1, 2025/26-Q1 2"},
		// Three months before 31 May there is no 31st.
		{Quarter, Company{FiscalYearStarts: time.March}, "2024/25-Q4 1, 2025/26-Q1 3"},
		{Year, Company{FiscalYearStarts: time.December}, "2024/25 4"},
		{Month, Company{FiscalYearStarts: time.April}, "2024-12 1, 2025-03 1, 2025-04 1, 2025-05 1"},
	} {
		table, err := set.Query(t.Context(), db, test.company, Request{Metric: "new_leads", Grain: test.grain, AsOf: october()})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range table.Rows {
			got = append(got, r.Period+" "+r.Numerator)
		}
		if strings.Join(got, ", ") != test.want {
			t.Errorf("%s from %v: got %s, want %s", test.grain, test.company.FiscalYearStarts, strings.Join(got, ", "), test.want)
		}
	}
}

func TestRange(t *testing.T) {
	t.Parallel()
	db := openDB(t, leadsTable, `insert into marts.leads (lead_id, created_date) values
		('a', date '2026-03-31'), ('b', date '2026-04-01'), ('c', date '2026-04-30'), ('d', date '2026-05-01'), ('e', null)`)
	set := projectSet(t)
	for _, test := range []struct{ name, from, to, want string }{
		{"none", "", "", "2026-03 1, 2026-04 2, 2026-05 1,  1"},
		{"month", "2026-04", "2026-04", "2026-04 2"},
		{"from", "2026-04", "", "2026-04 2, 2026-05 1"},
		{"to", "", "2026-Q1", "2026-03 1"},
		{"days", "2026-04-01", "2026-04-29", "2026-04 1"},
		{"week", "2026-W14", "2026-W14", "2026-03 1, 2026-04 1"},
	} {
		table := query(t, set, db, Request{Metric: "new_leads", From: test.from, To: test.to})
		var got []string
		for _, r := range table.Rows {
			got = append(got, r.Period+" "+r.Numerator)
		}
		if strings.Join(got, ", ") != test.want {
			t.Errorf("%s: got %s, want %s", test.name, strings.Join(got, ", "), test.want)
		}
	}
}

func TestMaturity(t *testing.T) {
	t.Parallel()
	db := openDB(t, leadsTable, `insert into marts.leads (lead_id, created_date) values
		('a', date '2026-05-01'), ('b', date '2026-05-04'), ('c', null)`)
	set := mustLoad(t, conversionOf("m", "180 days"), conversionOf("o", "none"),
		definition("twice", "derived", "inputs: {m: m}", "expr: m * 2"))
	for _, test := range []struct {
		name string
		req  Request
		want bool
	}{
		{"the month is not over", Request{Metric: "m", AsOf: day("2026-11-26")}, true},
		{"the month is over", Request{Metric: "m", AsOf: day("2026-11-27")}, false},
		{"a range ends within the month", Request{Metric: "m", To: "2026-05-04", AsOf: day("2026-10-31")}, false},
		{"and is not over", Request{Metric: "m", To: "2026-05-05", AsOf: day("2026-10-31")}, true},
		{"total by the youngest row", Request{Metric: "m", Grain: Total, AsOf: day("2026-10-31")}, false},
		{"total, youngest row not over", Request{Metric: "m", Grain: Total, AsOf: day("2026-10-30")}, true},
		{"total by its range", Request{Metric: "m", Grain: Total, To: "2026-05", AsOf: day("2026-10-31")}, true},
		{"without a window", Request{Metric: "o", AsOf: day("2026-05-04")}, false},
		{"derived", Request{Metric: "twice", AsOf: day("2026-11-26")}, true},
		{"derived, over", Request{Metric: "twice", AsOf: day("2026-11-27")}, false},
		{"derived total", Request{Metric: "twice", Grain: Total, AsOf: day("2026-10-30")}, true},
		{"derived total, over", Request{Metric: "twice", Grain: Total, AsOf: day("2026-10-31")}, false},
	} {
		table := query(t, set, db, test.req)
		if got := table.Rows[0].Has(Immature); got != test.want {
			t.Errorf("%s: immature is %t", test.name, got)
		}
		if last := table.Rows[len(table.Rows)-1]; last.Has(NoPeriod) && last.Has(Immature) {
			t.Errorf("%s: rows without a period are immature", test.name)
		}
	}
}

func TestDerivedJoins(t *testing.T) {
	t.Parallel()
	db := openDB(
		t, leadsTable,
		`insert into marts.leads (lead_id, channel, region, created_date) values
			('a', 'web', 'north', date '2026-01-01'), ('b', null, 'north', date '2026-01-01'),
			('c', 'web', null, date '2026-02-01'), ('d', 'web', 'north', null)`,
		`create table marts.visits as select * from (values
			('v1', 'north', date '2026-01-01'), ('v2', 'north', date '2026-01-02'), ('v3', null, date '2026-03-01')
		) t(visit_id, region, d)`,
	)
	leads := countOf("leads", "dimensions: [channel, region]")
	visits := definition("visits", "count", "model: marts.visits", "entity: visit_id", "time: d", "dimensions: [region]")
	share := definition("share", "derived", "inputs: {leads: leads, visits: {metric: visits, across: [channel]}}", "expr: leads / visits")
	ofAll := definition("of_all", "derived", "inputs: {part: leads, whole: {metric: leads, across: [channel, region]}}", "expr: 100 * part / whole")
	plain := definition("plain", "derived", "inputs: {leads: leads, visits: visits}", "expr: leads - visits")
	nested := definition("nested", "derived", "inputs: {share: share, leads: leads}", "expr: share * leads")
	set := mustLoad(t, leads, visits, share, ofAll, plain, nested)

	wantShown(t, query(t, set, db, Request{Metric: "plain"}),
		"2026-01 null null 0 []", "2026-02 null null 1 []", "2026-03 null null -1 []")
	wantShown(t, query(t, set, db, Request{Metric: "plain", By: []string{"region"}, Grain: Total}),
		"total north null null 0 []", "total null null null 0 []")
	wantShown(t, query(t, set, db, Request{Metric: "share", By: []string{"channel"}, Grain: Year}),
		"2026 web 2 3 0.6666666666666666 []", "2026 null 1 3 0.3333333333333333 []")
	wantShown(t, query(t, set, db, Request{Metric: "share", By: []string{"region", "channel"}}),
		"2026-01 north web 1 2 0.5 []", "2026-01 north null 1 2 0.5 []", "2026-02 null web 1 0 null []")
	wantShown(t, query(t, set, db, Request{Metric: "share", Where: "channel = 'web'"}),
		"2026-01 1 2 0.5 []", "2026-02 1 0 null []", "2026-03 0 1 0 []")
	wantShown(t, query(t, set, db, Request{Metric: "share", Where: "region = 'north'"}), "2026-01 2 2 1 []")
	wantShown(t, query(t, set, db, Request{Metric: "of_all", By: []string{"channel"}}),
		"2026-01 web 100 2 50 []", "2026-01 null 100 2 50 []", "2026-02 web 100 1 100 []")
	wantShown(t, query(t, set, db, Request{Metric: "nested"}),
		"2026-01 null null 2 []", "2026-02 null null null []", "2026-03 null null 0 []")

	for _, test := range []struct {
		req  Request
		want string
	}{
		{
			Request{Metric: "plain", By: []string{"channel"}},
			`by: plain has no dimension "channel": its input visits lacks it and is not declared across it; its dimensions are: region`,
		},
		{
			Request{Metric: "share", Where: "channel = 'web' and region = 'north'"},
			"where: the input visits of share is taken across channel, so a condition can't join it with region",
		},
		{Request{Metric: "plain", Where: "channel = 'web'"}, `where: plain has no dimension "channel"`},
	} {
		_, err := set.Query(t.Context(), db, Company{}, Request{Metric: test.req.Metric, By: test.req.By, Where: test.req.Where, AsOf: october()})
		var refused *RequestError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got  %v\nwant %s", err, test.want)
		}
	}
}

func TestNoInputCanBeSplitByAll(t *testing.T) {
	t.Parallel()
	db := openDB(t, leadsTable)
	a, b := countOf("a", "dimensions: [channel]"), countOf("b", "dimensions: [region]")
	set := mustLoad(t, a, b, definition("m", "derived",
		"inputs: {a: {metric: a, across: [region]}, b: {metric: b, across: [channel]}}", "expr: a / b"))
	query(t, set, db, Request{Metric: "m", By: []string{"channel"}})
	_, err := set.Query(t.Context(), db, Company{}, Request{Metric: "m", By: []string{"channel", "region"}, AsOf: october()})
	if err == nil || err.Error() != "by: no input of m can be split by all of channel, region" {
		t.Errorf("got %v", err)
	}
}

// A missing rate is not a rate of zero.
func TestDerivedOfRates(t *testing.T) {
	t.Parallel()
	db := openDB(t, leadsTable, `insert into marts.leads (lead_id, channel, created_date, won_date) values
		('a', 'web', date '2026-01-01', date '2026-01-02'), ('b', 'web', date '2026-01-01', null),
		('c', 'fair', date '2026-02-01', null)`)
	set := mustLoad(t, conversionOf("rate", "30 days", "dimensions: [channel]"), countOf("fair", "where: channel = 'fair'"),
		definition("m", "derived", "inputs: {rate: rate, fair: fair}", "expr: rate / (fair + 1)"))
	wantShown(t, query(t, set, db, Request{Metric: "m"}), "2026-01 null null 0.5 []", "2026-02 null null 0 []")
	set = mustLoad(t, countOf("web", "where: channel = 'web'"), conversionOf("rate", "30 days", "where: channel = 'fair'"),
		definition("m", "derived", "inputs: {rate: rate, web: web}", "expr: web + rate"))
	wantShown(t, query(t, set, db, Request{Metric: "m"}), "2026-01 null null null []", "2026-02 null null 0 []")
}

func TestNamesThatAreKeywords(t *testing.T) {
	t.Parallel()
	db := openDB(t, `create table marts."table" as select 1 as "select", 'x' as "left", date '2026-01-01' as "end", 2 as reached,
		'y' as "values", date '2026-01-02' as "to"`)
	set := mustLoad(
		t,
		definition("m", "conversion", "model: marts.table", "entity: select", "time: end", "reached: to", "window: 1 day",
			"where: reached = 2", "dimensions: [left, values]"),
		definition("n", "derived", "inputs: {left: m, end: m}", "expr: left + end"),
	)
	wantShown(t, query(t, set, db, Request{Metric: "m", By: []string{"values", "left"}, Where: `"left" = 'x'`}), "2026-01 y x 1 1 1 []")
	wantShown(t, query(t, set, db, Request{Metric: "n", By: []string{"left"}}), "2026-01 x null null 2 []")
	if err := set.Verify(t.Context(), db, october(), func(m string) string { return m }); err != nil {
		t.Error(err)
	}
}

func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	db := openDB(t, leadsTable)
	set := projectSet(t)
	for _, test := range []struct {
		name string
		req  Request
		want string
	}{
		{"metric", Request{Metric: "new_lead"}, `metric: there is no metric "new_lead"; did you mean new_leads?`},
		{"grain", Request{Metric: "new_leads", Grain: "months"}, `grain: there is no grain "months"; did you mean month?`},
		{"from", Request{Metric: "new_leads", From: "09/2026"}, `from: "09/2026" is no period; write a year 2026`},
		{"to", Request{Metric: "new_leads", To: "2025/26"}, `to: "2025/26" is no period`},
		{"order", Request{Metric: "new_leads", From: "2026-02", To: "2026-01"}, "to: 2026-01 is before 2026-02"},
		{"by", Request{Metric: "new_leads", By: []string{"chanel"}}, `by: new_leads has no dimension "chanel" (did you mean channel?); its dimensions are: channel, campaign, product, region`},
		{"by SQL", Request{Metric: "new_leads", By: []string{"1; drop table x"}}, "by: new_leads has no dimension"},
		{"by twice", Request{Metric: "new_leads", By: []string{"region", "region"}}, "by: region stands twice"},
	} {
		test.req.AsOf = october()
		_, err := set.Query(t.Context(), db, Company{}, test.req)
		var refused *RequestError
		if !errors.As(err, &refused) || refused.Field != strings.Fields(test.name)[0] && test.name != "order" || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v", test.name, err)
		}
	}
	if _, err := set.Query(t.Context(), db, Company{}, Request{Metric: "new_leads"}); err == nil || err.Error() != "as_of: is missing" {
		t.Errorf("got %v", err)
	}
}

func TestWhereAllowed(t *testing.T) {
	t.Parallel()
	db := openDB(t, leadsTable, `insert into marts.leads (lead_id, channel, region, created_date) values
		('a', 'web', 'north', date '2026-01-01'), ('b', 'it''s #1', 'south', date '2026-01-01'), ('c', null, 'north', date '2026-01-01')`)
	set := projectSet(t)
	for where, want := range map[string]int64{
		"channel = 'web'":                                    1,
		"CHANNEL = 'web'":                                    1,
		"channel <> 'web'":                                   1,
		"not (channel = 'web')":                              1,
		"channel is null":                                    1,
		"channel is distinct from 'web'":                     2,
		"channel like 'w%' or region ilike 'SOUTH'":          2,
		"channel in ('web', 'fair')":                         1,
		"coalesce(channel, 'none') = 'none'":                 1,
		"lower(trim(channel)) = 'web' -- the web":            1,
		"channel = 'it''s #1'":                               1,
		"channel between 'a' and 'x' and length(region) = 5": 2,
		"case when region = 'north' then true end":           2,
		"region = 'north') and (true":                        2,
		"region similar to 'n.*'":                            2,
		"regexp_matches(region, '^n')":                       2,
		"true":                                               3,
		"null":                                               0,
		"  ":                                                 3,
		"/* all */ true":                                     3,
	} {
		table, err := set.Query(t.Context(), db, Company{}, Request{Metric: "new_leads", Grain: Total, Where: where, AsOf: october()})
		if err != nil {
			t.Errorf("%s: %v", where, err)
			continue
		}
		var got int64
		for _, r := range table.Rows {
			got += *r.N
		}
		if got != want {
			t.Errorf("%s: got %d rows, want %d", where, got, want)
		}
	}
}

func TestWhereRefused(t *testing.T) {
	t.Parallel()
	db := openDB(t, leadsTable, "insert into marts.leads (lead_id, channel, created_date) values ('a', 'web', date '2026-01-01')")
	set := projectSet(t)
	for where, want := range map[string]string{
		"potential = 'A'":       `has no dimension "potential"; its dimensions are: channel, campaign, product, region`,
		"chanel = 'web'":        `has no dimension "chanel" (did you mean channel?)`,
		"leads.channel = 'web'": `has no dimension "leads.channel"`,
		`"web" = channel`:       `has no dimension "web"`,
		"#1 = 'L-1'":            "a column by its number is not allowed here",
		"channel in (select lead_id from marts.leads)":    "a subquery is not allowed here",
		"exists (select 1)":                               "a subquery is not allowed here",
		"channel = any(['web'])":                          "a subquery is not allowed here",
		"count(*) over () > 1":                            "a window function is not allowed here",
		"columns(*) is not null":                          "a star is not allowed here",
		"channel = $as_of":                                "a parameter is not allowed here",
		"channel = ?":                                     "a parameter is not allowed here",
		"getenv('HOME') = channel":                        "the function getenv is not allowed",
		"channel = current_user":                          `has no dimension "current_user"`,
		"now() > '2020-01-01'":                            "the function now is not allowed",
		"count(*) > 1":                                    "the function count_star is not allowed",
		"error('x')":                                      "the function error is not allowed",
		"repeat(channel, 1000000000) = ''":                "the function repeat is not allowed",
		"list_filter([1], lambda x: true) = []":           "a lambda is not allowed here",
		"(channel, region) = ('a', 'b')":                  "the function row is not allowed",
		"true; drop table marts.leads":                    "syntax error",
		"true) or 1 = 1; select (1":                       "there are 2 statements",
		"true) from marts.leads where (true":              "this is not one expression",
		"true), (false":                                   "this is not one expression",
		"true) as x, (true":                               "this is not one expression",
		"true) group by (1":                               "this is not one expression",
		"true) union select (1":                           "this is not one expression",
		"channel = 1":                                     "where: can't be computed: Conversion Error",
		"channel":                                         "where: can't be computed: Binder Error",
		"upper(channel, region)":                          "where: can't be computed: Binder Error",
		"channel =":                                       "syntax error",
		"/* open":                                         "",
		"'open":                                           "",
		strings.Repeat("channel = 'x' or ", 400) + "true": "is 6804 bytes long, more than 4000",
	} {
		_, err := set.Query(t.Context(), db, Company{}, Request{Metric: "new_leads", Where: where, AsOf: october()})
		var refused *RequestError
		if !errors.As(err, &refused) || refused.Field != "where" || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", where, err)
		}
	}
}

// Whatever is accepted as a condition leaves rows out and does nothing else.
func FuzzWhere(f *testing.F) {
	db := openDB(f, leadsTable, `insert into marts.leads (lead_id, channel, region, created_date) values
		('a', 'web', 'north', date '2026-01-01'), ('b', 'fair', 'south', date '2026-01-01')`)
	set := projectSet(f)
	for _, seed := range []string{
		"channel = 'web'", "true) or (true", "#1 = 'a'", "channel in ('a')", "'", "--", "/*", "$$a$$ = channel", "e'\\'' = channel",
		"lower(channel) like 'w%'", "channel::varchar = 'x'", "lead_id = 'a'",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, where string) {
		table, err := set.Query(t.Context(), db, Company{}, Request{Metric: "new_leads", Where: where, AsOf: october()})
		if err != nil {
			return
		}
		if len(table.Rows) > 1 || len(table.Rows) == 1 && (table.Rows[0].Period != "2026-01" || *table.Rows[0].N > 2) {
			t.Errorf("%q: got %s", where, show(table))
		}
	})
}

func TestQueryEndsWithItsContext(t *testing.T) {
	t.Parallel()
	db := openDB(t)
	_, err := projectSet(t).Query(t.Context(), db, Company{}, Request{Metric: "new_leads", AsOf: october()})
	if err == nil || !strings.HasPrefix(err.Error(), "query metric new_leads by month: ") {
		t.Errorf("a missing table: got %v", err)
	}
	if _, refused := errors.AsType[*RequestError](err); refused {
		t.Errorf("a missing table is told as a mistake of the request: %v", err)
	}
}
