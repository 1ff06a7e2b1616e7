package metric

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
)

// Grain is how long a period is.
type Grain string

// The grains. A week is the ISO week: it begins on Monday and belongs to the
// year of its Thursday.
const (
	Total   Grain = "total"
	Year    Grain = "year"
	Quarter Grain = "quarter"
	Month   Grain = "month"
	Week    Grain = "week"
	Day     Grain = "day"
)

func grains() []string {
	return []string{string(Total), string(Year), string(Quarter), string(Month), string(Week), string(Day)}
}

// ParseGrain reads a grain's name.
func ParseGrain(text string) (Grain, error) {
	if has(grains(), text) {
		return Grain(text), nil
	}
	if near := yamlfile.Nearest(text, grains()); near != "" {
		return "", fmt.Errorf("there is no grain %q; did you mean %s?", text, near)
	}
	return "", fmt.Errorf("there is no grain %q; write one of %s", text, strings.Join(grains(), ", "))
}

// Company is what the calendar of a company needs.
type Company struct {
	// FiscalYearStarts is the first month of years and quarters. Default: January.
	FiscalYearStarts time.Month
}

// ParseMonth reads a month's English name, in any case.
func ParseMonth(text string) (time.Month, error) {
	for m := time.January; m <= time.December; m++ {
		if strings.EqualFold(m.String(), text) {
			return m, nil
		}
	}
	return 0, fmt.Errorf("there is no month %q; write its English name, for example april", text)
}

// Period is a run of days with a name.
type Period struct {
	Label string
	Grain Grain
	Start time.Time // the first day, midnight UTC
	End   time.Time // the last day, midnight UTC
}

func (c Company) firstMonth() time.Month {
	if c.FiscalYearStarts == 0 {
		return time.January
	}
	return c.FiscalYearStarts
}

// PeriodOf returns the period of a grain that a day falls into. Total has no
// first and no last day.
func (c Company) PeriodOf(day time.Time, grain Grain) Period {
	p := Period{Grain: grain, Start: dateOf(day)}
	switch grain {
	case Total:
		return Period{Grain: Total, Label: string(Total)}
	case Year:
		p.Start = c.monthsBack(p.Start, 12)
		p.End = p.Start.AddDate(1, 0, -1)
		p.Label = c.yearLabel(p.Start.Year())
	case Quarter:
		first := c.monthsBack(p.Start, 12)
		p.Start = c.monthsBack(p.Start, 3)
		p.End = p.Start.AddDate(0, 3, -1)
		months := (p.Start.Year()-first.Year())*12 + int(p.Start.Month()-first.Month())
		p.Label = c.yearLabel(first.Year()) + "-Q" + strconv.Itoa(months/3+1)
	case Month:
		p.Start = c.monthsBack(p.Start, 1)
		p.End = p.Start.AddDate(0, 1, -1)
		p.Label = p.Start.Format("2006-01")
	case Week:
		p.Start = monday(p.Start)
		p.End = p.Start.AddDate(0, 0, 6)
		year, week := p.Start.ISOWeek()
		p.Label = fmt.Sprintf("%04d-W%02d", year, week)
	case Day:
		p.End = p.Start
		p.Label = p.Start.Format(time.DateOnly)
	}
	return p
}

// monthsBack goes back to the first day of the year, quarter or month (of so
// many months) that the day falls into.
func (c Company) monthsBack(day time.Time, months int) time.Time {
	past := (int(day.Month()) - int(c.firstMonth()) + 12) % months
	return time.Date(day.Year(), day.Month()-time.Month(past), 1, 0, 0, 0, 0, time.UTC)
}

func monday(day time.Time) time.Time {
	return day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
}

func dateOf(t time.Time) time.Time {
	year, month, day := t.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// yearLabel names the fiscal year that starts in a calendar year.
func (c Company) yearLabel(year int) string {
	if c.firstMonth() == time.January {
		return fmt.Sprintf("%04d", year)
	}
	return fmt.Sprintf("%04d/%02d", year, (year+1)%100)
}

var periodPattern = regexp.MustCompile(`^(\d{4})(?:/(\d\d))?(?:-(?:Q([1-4])|W(\d\d)|(\d\d)(?:-(\d\d))?))?$`)

// ParsePeriod reads a period's label: 2026, 2026-Q3, 2026-09, 2026-W40,
// 2026-09-30; where the fiscal year doesn't start in January, 2025/26 and
// 2025/26-Q1 instead of the first two.
func (c Company) ParsePeriod(label string) (Period, error) {
	p, ok := c.parsePeriod(label)
	if !ok || p.Start.Year() < 1 || p.End.Year() > 9999 {
		return Period{}, fmt.Errorf("%q is no period; write %s", label, c.examples())
	}
	return p, nil
}

func (c Company) examples() string {
	if c.firstMonth() == time.January {
		return "a year 2026, a quarter 2026-Q3, a month 2026-09, a week 2026-W40 or a day 2026-09-30"
	}
	return fmt.Sprintf("a fiscal year 2025/26, a quarter 2025/26-Q1, a month 2026-09, a week 2026-W40 or a day 2026-09-30 "+
		"(the fiscal year starts in %s)", c.firstMonth())
}

func (c Company) parsePeriod(label string) (Period, bool) {
	parts := periodPattern.FindStringSubmatch(label)
	if parts == nil {
		return Period{}, false
	}
	number := func(i int) int {
		n, err := strconv.Atoi(parts[i])
		if err != nil {
			return 0
		}
		return n
	}
	year, month := number(1), c.firstMonth()
	day := 1
	grain := Year
	switch {
	case parts[3] != "":
		grain = Quarter
		month += time.Month(3 * (number(3) - 1))
	case parts[4] != "":
		// 4 January is always in week 1.
		monday := monday(time.Date(year, time.January, 4, 0, 0, 0, 0, time.UTC))
		p := c.PeriodOf(monday.AddDate(0, 0, 7*(number(4)-1)), Week)
		return p, p.Label == label
	case parts[6] != "":
		grain, month, day = Day, time.Month(number(5)), number(6)
	case parts[5] != "":
		grain, month = Month, time.Month(number(5))
	}
	p := c.PeriodOf(time.Date(year, month, day, 0, 0, 0, 0, time.UTC), grain)
	// A label that stands for no period (month 13, 2025/27, a calendar year
	// where the fiscal one has two) comes back as another label.
	return p, p.Label == label
}
