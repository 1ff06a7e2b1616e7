package metric

import (
	"strings"
	"testing"
	"time"
)

func TestParsePeriod(t *testing.T) {
	t.Parallel()
	calendar, april, october := Company{}, Company{FiscalYearStarts: time.April}, Company{FiscalYearStarts: time.October}
	for _, test := range []struct {
		name       string
		company    Company
		label      string
		grain      Grain
		start, end string
	}{
		{"year", calendar, "2026", Year, "2026-01-01", "2026-12-31"},
		{"quarter", calendar, "2026-Q3", Quarter, "2026-07-01", "2026-09-30"},
		{"month", calendar, "2026-09", Month, "2026-09-01", "2026-09-30"},
		{"leap month", calendar, "2024-02", Month, "2024-02-01", "2024-02-29"},
		{"week", calendar, "2026-W40", Week, "2026-09-28", "2026-10-04"},
		{"week 1 in the year before", calendar, "2025-W01", Week, "2024-12-30", "2025-01-05"},
		{"week 53", calendar, "2020-W53", Week, "2020-12-28", "2021-01-03"},
		{"day", calendar, "2026-09-30", Day, "2026-09-30", "2026-09-30"},
		{"fiscal year", april, "2025/26", Year, "2025-04-01", "2026-03-31"},
		{"fiscal year over a century", april, "1999/00", Year, "1999-04-01", "2000-03-31"},
		{"first fiscal quarter", april, "2025/26-Q1", Quarter, "2025-04-01", "2025-06-30"},
		{"last fiscal quarter", april, "2025/26-Q4", Quarter, "2026-01-01", "2026-03-31"},
		{"month in a fiscal year", april, "2026-02", Month, "2026-02-01", "2026-02-28"},
		{"fiscal year from October", october, "2025/26", Year, "2025-10-01", "2026-09-30"},
		{"its second quarter", october, "2025/26-Q2", Quarter, "2026-01-01", "2026-03-31"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p, err := test.company.ParsePeriod(test.label)
			if err != nil {
				t.Fatal(err)
			}
			if p.Grain != test.grain || p.Start != day(test.start) || p.End != day(test.end) || p.Label != test.label {
				t.Errorf("got %+v", p)
			}
		})
	}
}

func TestParsePeriodRefuses(t *testing.T) {
	t.Parallel()
	calendar, april := Company{}, Company{FiscalYearStarts: time.April}
	for _, test := range []struct {
		company Company
		labels  []string
	}{
		{calendar, []string{
			"", "total", "2026-13", "2026-00", "2026-Q5", "2026-W00", "2026-W54", "2025-W53", "2026-02-30", "2026/27",
			"2026-9", "26-09", "0000", "2026-Q3-01", "2026-09-30T00:00:00Z",
		}},
		{april, []string{"2026", "2026-Q1", "2025/27", "2025/26-W01", "2025/26-04", "9999/00"}},
	} {
		for _, label := range test.labels {
			if p, err := test.company.ParsePeriod(label); err == nil {
				t.Errorf("%q is taken for %+v", label, p)
			} else if !strings.Contains(err.Error(), "write a") {
				t.Errorf("%q: no example in %v", label, err)
			}
		}
	}
}

// Every period holds the day it was made of, ends before the next one begins,
// and comes back from its label.
func TestPeriodsCoverAllDays(t *testing.T) {
	t.Parallel()
	for first := time.January; first <= time.December; first++ {
		c := Company{FiscalYearStarts: first}
		for d := day("2019-12-20"); d.Before(day("2025-02-01")); d = d.AddDate(0, 0, 1) {
			for _, grain := range []Grain{Year, Quarter, Month, Week, Day} {
				p := c.PeriodOf(d, grain)
				if d.Before(p.Start) || d.After(p.End) {
					t.Fatalf("%s %s: %s is not in %+v", first, grain, d.Format(time.DateOnly), p)
				}
				if next := c.PeriodOf(p.End.AddDate(0, 0, 1), grain); next.Start != p.End.AddDate(0, 0, 1) {
					t.Fatalf("%s %s: %+v is not followed by %+v", first, grain, p, next)
				}
				back, err := c.ParsePeriod(p.Label)
				if err != nil || back != p {
					t.Fatalf("%s %s: %+v came back as %+v, %v", first, grain, p, back, err)
				}
			}
		}
	}
}

func TestPeriodOfTotal(t *testing.T) {
	t.Parallel()
	if p := (Company{}).PeriodOf(day("2026-01-01"), Total); p.Label != "total" || !p.Start.IsZero() || !p.End.IsZero() {
		t.Errorf("got %+v", p)
	}
}

func TestParseGrainAndMonth(t *testing.T) {
	t.Parallel()
	if g, err := ParseGrain("quarter"); g != Quarter || err != nil {
		t.Errorf("got %s, %v", g, err)
	}
	if _, err := ParseGrain("quater"); err == nil || err.Error() != `there is no grain "quater"; did you mean quarter?` {
		t.Errorf("got %v", err)
	}
	if m, err := ParseMonth("april"); m != time.April || err != nil {
		t.Errorf("got %s, %v", m, err)
	}
	if _, err := ParseMonth("4"); err == nil {
		t.Error("4 is taken for a month")
	}
}

func FuzzParsePeriod(f *testing.F) {
	for _, seed := range []string{"2026", "2026-Q3", "2026-09", "2026-W40", "2026-09-30", "2025/26", "2025/26-Q1", "9999-12-31"} {
		f.Add(seed, 1)
		f.Add(seed, 4)
	}
	f.Fuzz(func(t *testing.T, label string, month int) {
		if month < 0 || month > 12 {
			return
		}
		c := Company{FiscalYearStarts: time.Month(month)}
		p, err := c.ParsePeriod(label)
		if err != nil {
			return
		}
		if p.Label != label || p.End.Before(p.Start) || c.PeriodOf(p.Start, p.Grain) != p || c.PeriodOf(p.End, p.Grain) != p {
			t.Errorf("%q is %+v", label, p)
		}
	})
}
