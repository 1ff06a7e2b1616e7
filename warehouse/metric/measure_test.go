package metric

import (
	"database/sql"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// dealsTable has a column for every kind of metric.
const dealsTable = `
create table marts.deals (
    deal_id varchar, channel varchar, region varchar, customer_id varchar, closed_date date, is_won boolean,
    amount decimal(18, 2), cycle_days integer, size decimal(18, 3), points integer, weight double, fine decimal(18, 9),
    "order" bigint
)`

var dealsModel = map[string]Model{"marts.deals": {
	Grain: []string{"deal_id"},
	Columns: map[string]string{
		"deal_id": "VARCHAR", "channel": "VARCHAR", "region": "VARCHAR", "customer_id": "VARCHAR", "closed_date": "DATE",
		"is_won": "BOOLEAN", "amount": "DECIMAL(18,2)", "cycle_days": "INTEGER", "size": "DECIMAL(18,3)", "points": "INTEGER",
		"weight": "DOUBLE", "fine": "DECIMAL(18,9)", "order": "BIGINT",
	},
}}

func dealsOf(name, kind string, lines ...string) string {
	return definition(name, kind, append([]string{"model: marts.deals", "entity: deal_id", "time: closed_date"}, lines...)...)
}

// Deals of one month: two customers, one of them twice; one deal without an
// amount, one lost, one excluded, and one after the day that is asked for.
const fewDeals = `insert into marts.deals (deal_id, channel, customer_id, closed_date, is_won, amount, cycle_days, size, points) values
    ('a', 'web', 'c1', date '2026-01-05', true, 100.10, 10, 2.000, 100),
    ('b', 'web', 'c1', date '2026-01-20', true, 0.20, 20, 1.500, 100),
    ('c', 'fair', 'c2', date '2026-01-31', false, 50.00, 40, null, -100),
    ('d', 'fair', null, date '2026-01-31', null, null, null, 1.000, null),
    ('e', 'test', 'c3', date '2026-01-31', true, 999.00, 99, 9.000, 100),
    ('f', 'web', 'c4', date '2026-11-01', true, 7.00, 7, 7.000, 0)`

const noTests = "excluded: {test: channel = 'test'}"

func TestKinds(t *testing.T) {
	t.Parallel()
	db := openDB(t, dealsTable, fewDeals)
	for _, test := range []struct {
		name, metric string
		want         []string // numerator denominator value flags, then n
	}{
		{"sum", dealsOf("m", "sum", noTests, "value: amount"), []string{"2026-01 150.3 null 150.3 [without_value] 3"}},
		{"sum of an expression", dealsOf("m", "sum", noTests, "where: is_won", "value: 'amount * 2 -- twice'"), []string{"2026-01 200.6 null 200.6 [] 2"}},
		{"sum without any value", dealsOf("m", "sum", "where: deal_id = 'd'", "value: amount"), nil},
		{"average", dealsOf("m", "average", noTests, "value: cycle_days"), []string{"2026-01 70 3 23.333333333333332 [without_value] 3"}},
		{"distinct", dealsOf("m", "distinct", noTests, "distinct: customer_id"), []string{"2026-01 2 null 2 [without_value] 3"}},
		{"median", dealsOf("m", "percentile", noTests, "value: cycle_days", "at: 0.5"), []string{"2026-01 null null 20 [without_value] 3"}},
		{"between two values", dealsOf("m", "percentile", noTests, "value: cycle_days", "at: 0.9"), []string{"2026-01 null null 36 [without_value] 3"}},
		{"largest", dealsOf("m", "percentile", "value: cycle_days", "at: 1"), []string{"2026-01 null null 99 [without_value] 4"}},
		{"ratio", dealsOf("m", "ratio", noTests, "numerator: {where: is_won}"), []string{"2026-01 2 4 0.5 [] 4"}},
		{
			"ratio of some rows", dealsOf("m", "ratio", noTests, "numerator: {where: is_won}", "denominator: {where: is_won is not null}"),
			[]string{"2026-01 2 3 0.6666666666666666 [] 3"},
		},
		{
			"the numerator is sought in the denominator", dealsOf("m", "ratio", "numerator: {where: is_won}", "denominator: {where: channel = 'fair'}"),
			[]string{"2026-01 0 2 0 [] 2"},
		},
		{
			"ratio of values", dealsOf("m", "ratio", noTests, "numerator: {where: is_won, value: amount}", "denominator: {value: amount}"),
			[]string{"2026-01 100.3 150.3 0.667332002661344 [without_value] 3"},
		},
		{
			"values by rows", dealsOf("m", "ratio", noTests, "numerator: {value: amount}", `denominator: {where: "true"}`),
			[]string{"2026-01 150.3 3 50.1 [without_value] 3"},
		},
		{
			"rows by values", dealsOf("m", "ratio", noTests, "numerator: {}", "denominator: {value: size}"),
			[]string{"2026-01 3 4.5 0.6666666666666666 [without_value] 3"},
		},
		{
			"won without an amount", dealsOf("m", "ratio", "numerator: {where: \"deal_id in ('a', 'd')\", value: amount}", "denominator: {value: size}"),
			[]string{"2026-01 100.1 12.5 8.008 [without_value] 3"},
		},
		{
			"nothing to divide by", dealsOf("m", "ratio", "where: is_won", "numerator: {value: amount}", "denominator: {value: size - size}"),
			[]string{"2026-01 1099.3 0 null [] 3"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			set := mustLoad(t, test.metric)
			if err := Check(t.Context(), set, db, dealsModel); err != nil {
				t.Error(err)
			}
			table := query(t, set, db, Request{Metric: "m"})
			var got []string
			for i, line := range strings.Split(show(table), "\n") {
				if i < len(table.Rows) {
					got = append(got, fmt.Sprint(line, " ", *table.Rows[i].N))
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
			if err := set.Verify(t.Context(), db, october(), inPlace); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestIntervals(t *testing.T) {
	t.Parallel()
	db := openDB(t, dealsTable, `insert into marts.deals (deal_id, closed_date, is_won, points, amount)
		select i, date '2026-01-01', i <= 60, case when i <= 60 then 100 when i <= 80 then 0 else -100 end, 1 from range(1, 101) r(i)`,
		"insert into marts.deals (deal_id, closed_date, points) values ('x', date '2026-02-01', 100)")
	set := mustLoad(t, dealsOf("nps", "average", "value: points", "interval: true"), dealsOf("plain", "average", "value: points"),
		dealsOf("share", "ratio", "numerator: {where: is_won}"), dealsOf("money", "ratio", "numerator: {where: is_won, value: amount}"))
	rows := query(t, set, db, Request{Metric: "nps"}).Rows
	// 60 % promoters and 20 % detractors: 100² (0.6 + 0.2 - 0.4²) = 6400.
	half := z95 * math.Sqrt(6400.0/100)
	if r := rows[0]; *r.Value != 40 || math.Abs(*r.CILow-(40-half)) > tolerance || math.Abs(*r.CIHigh-(40+half)) > tolerance {
		t.Errorf("nps: got %v from %v to %v", *r.Value, *r.CILow, *r.CIHigh)
	}
	if r := rows[1]; *r.N != 1 || r.CILow != nil || r.CIHigh != nil {
		t.Errorf("one answer has the interval %v to %v", r.CILow, r.CIHigh)
	}
	low, high := wilson(60, 100)
	if r := query(t, set, db, Request{Metric: "share", To: "2026-01"}).Rows[0]; *r.CILow != low || *r.CIHigh != high {
		t.Errorf("share: got %v to %v", *r.CILow, *r.CIHigh)
	}
	for _, name := range []string{"plain", "money"} {
		if r := query(t, set, db, Request{Metric: name}).Rows[0]; r.CILow != nil || r.CIHigh != nil {
			t.Errorf("%s has an interval", name)
		}
	}
}

// A sum that is missing is 0, a rate that is missing is not known.
func TestDerivedOfEveryKind(t *testing.T) {
	t.Parallel()
	db := openDB(t, dealsTable, leadsTable, fewDeals, "insert into marts.leads (lead_id, created_date) values ('L-1', date '2026-01-02'), ('L-2', date '2026-02-02')")
	set := mustLoad(t, countOf("leads"), dealsOf("money", "sum", "value: amount"), dealsOf("customers", "distinct", "distinct: customer_id"),
		dealsOf("median", "percentile", "value: cycle_days", "at: 0.5"), dealsOf("mean", "average", "value: cycle_days"),
		dealsOf("rate", "ratio", "numerator: {where: is_won}"),
		definition("per_lead", "derived", "inputs: {money: money, leads: leads}", "expr: money / leads"),
		definition("customers_per_lead", "derived", "inputs: {customers: customers, leads: leads}", "expr: customers / leads"),
		definition("skew", "derived", "inputs: {median: median, mean: mean, leads: leads}", "expr: (mean - median) * leads"),
		definition("rate_by_lead", "derived", "inputs: {rate: rate, leads: leads}", "expr: rate / leads"))
	for name, want := range map[string][]string{
		"per_lead":           {"2026-01 1149.3 1 1149.3 []", "2026-02 0 1 0 []"},
		"customers_per_lead": {"2026-01 3 1 3 []", "2026-02 0 1 0 []"},
		"skew":               {"2026-01 null null 12.25 []", "2026-02 null null null []"},
		"rate_by_lead":       {"2026-01 null null 0.6 []", "2026-02 null null null []"},
	} {
		wantShown(t, query(t, set, db, Request{Metric: name}), want...)
	}
}

func TestMeasureProblems(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, metric, want string }{
		{"sum without a value", dealsOf("m", "sum"), "value: is missing; name the column that is added up"},
		{"average without a value", dealsOf("m", "average", "value: ' '"), "value: is missing"},
		{"percentile without a value", dealsOf("m", "percentile", "at: 0.5"), "value: is missing; name the column of the values"},
		{"percentile without at", dealsOf("m", "percentile", "value: amount"), "at: must be a number from 0 to 1; write 0.5 for the median"},
		{"at in per cent", dealsOf("m", "percentile", "value: amount", "at: 50"), "metrics/m.yaml:12:5: at: must be a number from 0 to 1"},
		{"distinct without a column", dealsOf("m", "distinct"), "distinct: is missing; name a column of the model"},
		{"distinct of an expression", dealsOf("m", "distinct", "distinct: lower(channel)"), `metrics/m.yaml:11:11: distinct: "lower(channel)" is no column`},
		{"ratio without a numerator", dealsOf("m", "ratio", "denominator: {where: is_won}"), "numerator: is missing; write which rows are the numerator"},
		{"ratio of all by all", dealsOf("m", "ratio", "numerator: {}"), "numerator: is the same as the denominator; write where, value or both"},
		{"key of a part", dealsOf("m", "ratio", "numerator: {were: is_won}"), "metrics/m.yaml:11:13: numerator.were: unknown key; did you mean where?"},
		{"value of a ratio", dealsOf("m", "ratio", "numerator: {where: is_won}", "value: amount"), "value: a ratio has no value; write it inside numerator or denominator"},
		{"value of a count", dealsOf("m", "count", "value: amount"), "metrics/m.yaml:11:8: value: a count has no value; remove it"},
		{"interval of a sum", dealsOf("m", "sum", "value: amount", "interval: true"), "interval: a sum has no interval"},
		{"numerator of a sum", dealsOf("m", "sum", "value: amount", "numerator: {where: is_won}"), "numerator: a sum has no numerator"},
		{"window of a ratio", dealsOf("m", "ratio", "numerator: {where: is_won}", "window: 30 days"), "window: a ratio has no window"},
		{"dimension of the result", dealsOf("m", "count", "dimensions: [without_value]"), `"without_value" is a column of the result`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if _, err := loadText(t, test.metric); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestMeasureChecks(t *testing.T) {
	t.Parallel()
	db := openDB(t, dealsTable)
	for _, test := range []struct{ name, metric, want string }{
		{"column", dealsOf("m", "sum", "value: amuont"), "metrics/m.yaml:11:8: value: marts.deals has no column amuont; write amount"},
		{"text", dealsOf("m", "sum", "value: channel"), "value: is VARCHAR, not a number; write a column of numbers"},
		{"double", dealsOf("m", "average", "value: weight"), "value: is DOUBLE, which sums only nearly; cast it to decimal(18, 6)"},
		{"digits", dealsOf("m", "percentile", "value: fine", "at: 0.5"), "value: is DECIMAL(18,9): more than 6 digits after the point are not kept"},
		{"aggregate", dealsOf("m", "sum", "value: sum(amount)"), "value: sum is an aggregate; write it on the columns of one row"},
		{"aggregate in a condition", dealsOf("m", "ratio", "numerator: {where: amount = max(amount)}"), "numerator.where: max is an aggregate"},
		{"subquery", dealsOf("m", "sum", "value: (select 1)"), "value: a subquery is not allowed here"},
		{"window", dealsOf("m", "sum", "value: sum(amount) over ()"), "value: a window function is not allowed here"},
		{"clock", dealsOf("m", "sum", "value: current_date - closed_date"), "value: current_date gives another answer every time"},
		{"chance", dealsOf("m", "ratio", "numerator: {where: random() < 0.5}"), "metrics/m.yaml:11:20: numerator.where: random gives another answer every time"},
		{"escape", dealsOf("m", "sum", "value: amount) as x, (1"), "value: this is not one expression"},
		{"two columns", dealsOf("m", "sum", "value: 'amount, size'"), "value: is STRUCT"},
		{"numerator", dealsOf("m", "ratio", "numerator: {where: amount}"), "numerator.where: is DECIMAL(18,2), not a condition; write a comparison"},
		{"denominator", dealsOf("m", "ratio", "numerator: {where: is_won}", "denominator: {value: is_won}"), "metrics/m.yaml:12:22: denominator.value: is BOOLEAN, not a number"},
		{"distinct", dealsOf("m", "distinct", "distinct: customer"), "distinct: marts.deals has no column customer; write customer_id"},
		{"parameter", dealsOf("m", "sum", "value: amount * $rate"), "value: there is no parameter $rate"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := Check(t.Context(), mustLoad(t, test.metric), db, dealsModel)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
	fine := mustLoad(t, dealsOf("m", "sum", "value: order"), dealsOf("n", "percentile", "value: $as_of - closed_date", "at: 0.25"),
		dealsOf("o", "average", "value: cast(weight as decimal(18, 6))"))
	if err := Check(t.Context(), fine, db, dealsModel); err != nil {
		t.Error(err)
	}
}

func TestVerifyFindsValuesLost(t *testing.T) {
	t.Parallel()
	db := openDB(t, "create table marts.deals as select i as deal_id, date '2026-01-01' as closed_date, 1 as amount from range(10000) r(i)")
	set := mustLoad(t, dealsOf("m", "sum", "value: case when random() < 0.5 then amount end"))
	err := set.Verify(t.Context(), db, october(), inPlace)
	if err == nil || !strings.Contains(err.Error(), " without a value and 0 excluded are not the 10000 rows it is about") {
		t.Errorf("got %v", err)
	}
}

// deal is a row of marts.deals as a loop reads it.
type deal struct {
	channel, region, customer *string
	day                       *time.Time
	won                       *bool
	amount                    *big.Rat
	days                      *float64
}

func randomDeals(t *testing.T, r *rand.Rand, rows int) (statement string, deals []deal) {
	t.Helper()
	maybe := func(percent int, value string) string {
		if r.IntN(100) < percent {
			return "null"
		}
		return value
	}
	text := func(sql string) *string {
		if sql == "null" {
			return nil
		}
		s := strings.Trim(sql, "'")
		return &s
	}
	var values []string
	for i := range rows {
		channel, region := maybe(10, fmt.Sprintf("'c%d'", r.IntN(3))), maybe(10, fmt.Sprintf("'r%d'", r.IntN(2)))
		customer := maybe(10, fmt.Sprintf("'k%d'", r.IntN(25)))
		closed := maybe(5, day("2024-11-01").AddDate(0, 0, r.IntN(700)).Format(time.DateOnly))
		won := maybe(10, fmt.Sprint(r.IntN(2) == 0))
		amount := maybe(15, fmt.Sprintf("%d.%02d", r.IntN(10000)-2000, r.IntN(100)))
		days := maybe(15, fmt.Sprint(r.IntN(50)-3))
		d := deal{channel: text(channel), region: text(region), customer: text(customer)}
		date := closed
		if closed != "null" {
			at := day(closed)
			d.day, date = &at, "date '"+closed+"'"
		}
		if won != "null" {
			is := won == "true"
			d.won = &is
		}
		if amount != "null" {
			d.amount, _ = new(big.Rat).SetString(amount)
		}
		if days != "null" {
			var n float64
			fmt.Sscan(days, &n)
			d.days = &n
		}
		deals = append(deals, d)
		values = append(values, fmt.Sprintf("('d%d', %s, %s, %s, %s, %s, %s, %s)", i, channel, region, customer, date, won, amount, days))
	}
	return "insert into marts.deals (deal_id, channel, region, customer_id, closed_date, is_won, amount, cycle_days) values " +
		strings.Join(values, ", "), deals
}

// figure recomputes a kind's figure from rows in a plain way.
func figure(kind string, deals []deal) (numerator, denominator *big.Rat, value float64, n int) {
	sum, top, bottom := new(big.Rat), new(big.Rat), new(big.Rat)
	customers := map[string]bool{}
	var days []float64
	for _, d := range deals {
		won := d.won != nil && *d.won
		switch {
		case kind == "count" || kind == "ratio":
			n++
			if won {
				top.Add(top, big.NewRat(1, 1))
			}
		case kind == "distinct" && d.customer != nil:
			n++
			customers[*d.customer] = true
		case kind == "percentile" && d.days != nil:
			n++
			days = append(days, *d.days)
		case d.amount == nil || kind == "distinct" || kind == "percentile":
			continue
		default:
			n++
			sum.Add(sum, d.amount)
			if won {
				top.Add(top, d.amount)
			}
			bottom.Add(bottom, d.amount)
		}
	}
	rows := big.NewRat(int64(n), 1)
	quotient := func(a, b *big.Rat) float64 {
		if b.Sign() == 0 {
			return math.NaN()
		}
		q, _ := new(big.Rat).Quo(a, b).Float64()
		return q
	}
	float := func(r *big.Rat) float64 { f, _ := r.Float64(); return f }
	switch kind {
	case "count":
		return rows, nil, float(rows), n
	case "sum":
		return sum, nil, float(sum), n
	case "average":
		return sum, rows, quotient(sum, rows), n
	case "distinct":
		c := big.NewRat(int64(len(customers)), 1)
		return c, nil, float(c), n
	case "ratio":
		return top, rows, quotient(top, rows), n
	case "amounts":
		return top, bottom, quotient(top, bottom), n
	}
	if n == 0 {
		return nil, nil, math.NaN(), 0
	}
	slices.Sort(days)
	at := 0.9 * float64(len(days)-1)
	low := int(at)
	value = days[low]
	if low+1 < len(days) {
		value += (at - float64(low)) * (days[low+1] - days[low])
	}
	return nil, nil, value, n
}

// Every figure at every grain is that of a plain loop over the rows, never of
// other figures; and parts that add up, add up.
func TestEveryKindAgainstALoop(t *testing.T) {
	t.Parallel()
	names := []string{"count", "sum", "average", "distinct", "percentile", "ratio", "amounts"}
	lines := []string{"dimensions: [channel, region]"}
	set := mustLoad(t, dealsOf("count", "count", lines...), dealsOf("sum", "sum", append(lines, "value: amount")...),
		dealsOf("average", "average", append(lines, "value: amount")...), dealsOf("distinct", "distinct", append(lines, "distinct: customer_id")...),
		dealsOf("percentile", "percentile", append(lines, "value: cycle_days", "at: 0.9")...),
		dealsOf("ratio", "ratio", append(lines, "numerator: {where: is_won}")...),
		dealsOf("amounts", "ratio", append(lines, "numerator: {where: is_won, value: amount}", "denominator: {value: amount}")...))
	asOf := day("2026-06-30")
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 3))
		company := Company{FiscalYearStarts: time.Month(1 + r.IntN(12))}
		statement, deals := randomDeals(t, r, 100+r.IntN(500))
		db := openDB(t, dealsTable, statement)
		deals = slices.DeleteFunc(deals, func(d deal) bool { return d.day != nil && d.day.After(asOf) })
		for _, name := range names {
			for _, grain := range []Grain{Total, Year, Quarter, Month, Week} {
				for _, by := range [][]string{nil, {"channel"}, {"region", "channel"}} {
					table, err := set.Query(t.Context(), db, company, Request{Metric: name, Grain: grain, By: by, AsOf: asOf})
					if err != nil {
						t.Fatal(err)
					}
					compareWithLoop(t, table, company, deals)
				}
			}
		}
		addUp(t, set, db, company, asOf)
		if err := set.Verify(t.Context(), db, asOf, inPlace); err != nil {
			t.Error(err)
		}
	}
}

func compareWithLoop(t *testing.T, table *Table, company Company, deals []deal) {
	t.Helper()
	groups := map[string][]deal{}
	for _, d := range deals {
		key := "null"
		if d.day != nil {
			key = company.PeriodOf(*d.day, table.Grain).Label
		}
		for _, name := range table.Dimensions {
			value := map[string]*string{"channel": d.channel, "region": d.region}[name]
			key += "|" + orNull(deref(value))
		}
		groups[key] = append(groups[key], d)
	}
	name := table.Metric.Name
	for key, group := range groups {
		if _, _, _, n := figure(name, group); n == 0 {
			delete(groups, key)
		}
	}
	if len(groups) != len(table.Rows) {
		t.Errorf("%s by %s: got %d rows, want %d", name, table.Grain, len(table.Rows), len(groups))
	}
	for i := range table.Rows {
		row := &table.Rows[i]
		key := orNull(row.Period)
		for _, d := range row.Dimensions {
			key += "|" + orNull(deref(d))
		}
		if len(groups[key]) == 0 {
			t.Errorf("%s by %s: %s is too many", name, table.Grain, key)
			continue
		}
		numerator, denominator, value, n := figure(name, groups[key])
		if !sameRat(row.Numerator, numerator) || !sameRat(row.Denominator, denominator) || *row.N != int64(n) ||
			row.Has(WithoutValue) != (n < len(groups[key])) {
			t.Errorf("%s by %s, %s: got %+v, want %v %v, n %d", name, table.Grain, key, row, numerator, denominator, n)
		}
		if row.Value == nil != math.IsNaN(value) || row.Value != nil && math.Abs(*row.Value-value) > tolerance*max(1, math.Abs(value)) {
			t.Errorf("%s by %s, %s: got %s, want %v", name, table.Grain, key, floatText(row.Value), value)
		}
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func sameRat(text string, want *big.Rat) bool {
	if want == nil || text == "" {
		return want == nil && text == ""
	}
	got, ok := new(big.Rat).SetString(text)
	return ok && got.Cmp(want) == 0
}

// addUp holds the parts of what may be added, over dimensions and over time,
// against the whole.
func addUp(t *testing.T, set *Set, db *sql.DB, company Company, asOf time.Time) {
	t.Helper()
	for _, name := range []string{"count", "sum", "average", "ratio", "amounts"} {
		for _, step := range []Request{
			{Grain: Year, By: []string{"channel"}}, {Grain: Year, By: []string{"region", "channel"}}, {Grain: Month}, {Grain: Day, By: []string{"region"}},
		} {
			whole, parts := sums{}, sums{}
			for to, req := range map[*sums]Request{&whole: {Grain: Year}, &parts: step} {
				req.Metric, req.AsOf = name, asOf
				table, err := set.Query(t.Context(), db, company, req)
				if err != nil {
					t.Fatal(err)
				}
				for i := range table.Rows {
					period := ""
					if start := table.Rows[i].Start; start != nil {
						period = company.PeriodOf(*start, Year).Label
					}
					to.add(t, period, &table.Rows[i])
				}
			}
			parts.equal(t, fmt.Sprintf("%s by %s %v", name, step.Grain, step.By), whole)
		}
	}
}
