package metric

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// randomLeads fills marts.leads with rows as they may come: days missing,
// dimensions missing, wins before the start.
func randomLeads(t *testing.T, r *rand.Rand, rows int) string {
	t.Helper()
	pick := func(values ...string) string { return values[r.IntN(len(values))] }
	when := func(missing int) string {
		if r.IntN(100) < missing {
			return "null"
		}
		return "date '" + day("2024-11-01").AddDate(0, 0, r.IntN(700)).Format(time.DateOnly) + "'"
	}
	values := make([]string, rows)
	for i := range values {
		values[i] = fmt.Sprintf("('L-%d', %s, %s, %s, %s)", i, pick("'web'", "'fair'", "''", "'unknown'", "null"),
			pick("'north'", "'south'", "null"), when(5), when(50))
	}
	return "insert into marts.leads (lead_id, channel, region, created_date, won_date) values " + strings.Join(values, ", ")
}

type sums map[string][2]*big.Rat

func (s sums) add(t *testing.T, period string, r *Row) {
	t.Helper()
	parts, ok := s[period]
	if !ok {
		parts = [2]*big.Rat{new(big.Rat), new(big.Rat)}
		s[period] = parts
	}
	for i, text := range []string{r.Numerator, r.Denominator} {
		if text == "" {
			continue
		}
		n, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatalf("%q is no number", text)
		}
		parts[i].Add(parts[i], n)
	}
}

func (s sums) equal(t *testing.T, what string, other sums) {
	t.Helper()
	for period := range other {
		if _, ok := s[period]; !ok {
			t.Errorf("%s: period %q is missing", what, period)
		}
	}
	for period, parts := range s {
		want, ok := other[period]
		if !ok || parts[0].Cmp(want[0]) != 0 || parts[1].Cmp(want[1]) != 0 {
			t.Errorf("%s: period %q: got %v, want %v", what, period, parts, want)
		}
	}
}

// Parts add up to their whole: dimensions to the period, days to months, to
// quarters, to years, to the total; and no row is lost.
func TestPartsAddUp(t *testing.T) {
	t.Parallel()
	set := mustLoad(
		t, countOf("fresh", "dimensions: [channel, region]"),
		countOf("some", "where: region <> 'south'", "excluded: {unknown: channel = 'unknown', late: created_date > $as_of}", "dimensions: [channel, region]"),
		conversionOf("rate", "90 days", "dimensions: [channel, region]"), conversionOf("ever", "none", "dimensions: [channel, region]"),
		definition("ratio", "derived", "inputs: {a: some, b: fresh}", "expr: a / b"),
	)
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 1))
		db := openDB(t, leadsTable, randomLeads(t, r, 150+r.IntN(300)))
		company := Company{FiscalYearStarts: time.Month(1 + r.IntN(12))}
		asOf := day("2026-06-30")
		rows := func(metric string, grain Grain, by ...string) *Table {
			table, err := set.Query(t.Context(), db, company, Request{Metric: metric, Grain: grain, By: by, AsOf: asOf})
			if err != nil {
				t.Fatal(err)
			}
			return table
		}
		sum := func(table *Table, to Grain) sums {
			s := sums{}
			for i := range table.Rows {
				r := &table.Rows[i]
				period := r.Period
				if r.Start != nil {
					period = company.PeriodOf(*r.Start, to).Label
				}
				s.add(t, period, r)
			}
			return s
		}
		for _, m := range set.All() {
			for _, grain := range []Grain{Total, Year, Quarter, Month, Week, Day} {
				whole := sum(rows(m.Name, grain), grain)
				for _, by := range [][]string{{"channel"}, {"region"}, {"region", "channel"}} {
					sum(rows(m.Name, grain, by...), grain).equal(t, m.Name+" by "+strings.Join(by, ", "), whole)
				}
			}
			for _, step := range [][2]Grain{{Day, Week}, {Day, Month}, {Month, Quarter}, {Month, Year}, {Quarter, Year}, {Week, Total}, {Year, Total}} {
				parts := sum(rows(m.Name, step[0]), step[1])
				parts.equal(t, fmt.Sprintf("%s: %s from %s, year from %s", m.Name, step[1], step[0], company.FiscalYearStarts), sum(rows(m.Name, step[1]), step[1]))
			}
		}
		if err := set.Verify(t.Context(), db, asOf, inPlace); err != nil {
			t.Error(err)
		}
	}
}

// The figures are those that a plain loop over the rows gives.
func TestConversionAgainstALoop(t *testing.T) {
	t.Parallel()
	set := mustLoad(t, conversionOf("rate", "90 days"), conversionOf("ever", "none"))
	asOf := day("2026-06-30")
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 2))
		db := openDB(t, leadsTable, randomLeads(t, r, 400))
		want := map[string]sums{"rate": {}, "ever": {}}
		rows, err := db.QueryContext(t.Context(), "select created_date, won_date from marts.leads")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var created, won *time.Time
			if err := rows.Scan(&created, &won); err != nil {
				t.Fatal(err)
			}
			if created != nil && created.After(asOf) {
				continue // not known yet on that day
			}
			period, within := "", false
			if created != nil {
				period = created.Format("2006-01")
				within = won != nil && !won.Before(*created) && !won.After(created.AddDate(0, 0, 90))
			}
			known := won != nil && !won.After(asOf)
			for metric, reached := range map[string]bool{"rate": known && within, "ever": known} {
				row := Row{Numerator: "0", Denominator: "1"}
				if reached {
					row.Numerator = "1"
				}
				want[metric].add(t, period, &row)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		for metric, s := range want {
			got := sums{}
			table := query(t, set, db, Request{Metric: metric, AsOf: asOf})
			for i := range table.Rows {
				got.add(t, table.Rows[i].Period, &table.Rows[i])
			}
			got.equal(t, metric, s)
		}
	}
}
