package dashboards

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// grains are those that a page can be read in.
func grains() []metric.Grain { return []metric.Grain{metric.Month, metric.Quarter, metric.Year} }

// shown is how many periods a line has, the running one among them, and how
// many of them make a year.
func shown(grain metric.Grain) (count, year int) {
	switch grain {
	case metric.Quarter:
		return 9, 4
	case metric.Year:
		return 3, 1
	default:
		return 13, 12
	}
}

// timeline is the periods that a page looks at, the oldest first. The last is
// the running one.
type timeline struct {
	grain   metric.Grain
	periods []metric.Period // those shown, and a year more before them
	count   int             // of those shown
	year    int             // periods of a year
}

func timelineOf(calendar metric.Company, grain metric.Grain, today time.Time) timeline {
	t := timeline{grain: grain}
	t.count, t.year = shown(grain)
	day := today
	for range t.count + t.year {
		p := calendar.PeriodOf(day, grain)
		t.periods = append(t.periods, p)
		day = p.Start.AddDate(0, 0, -1)
	}
	slices.Reverse(t.periods)
	return t
}

func (t *timeline) first() string          { return t.periods[0].Label }
func (t *timeline) last() int              { return len(t.periods) - 1 }
func (t *timeline) running() metric.Period { return t.periods[t.last()] }
func (t *timeline) isRunning(i int) bool   { return i == t.last() }
func (t *timeline) label(i int) string     { return t.periods[i].Label }

// offset is where the shown periods begin.
func (t *timeline) offset() int { return len(t.periods) - t.count }

// patience is how many periods without a value an older one stands for.
func (t *timeline) patience() int {
	if t.grain == metric.Month {
		return 3
	}
	return 1
}

// at is where a period stands; -1: nowhere.
func (t *timeline) at(label string) int {
	return slices.IndexFunc(t.periods, func(p metric.Period) bool { return p.Label == label })
}

// labels are those of the shown periods.
func (t *timeline) labels() []string {
	list := make([]string, 0, t.count)
	for _, p := range t.periods[t.offset():] {
		list = append(list, p.Label)
	}
	return list
}

// spoken is a period's name in a sentence.
func spoken(p metric.Period, language string) string {
	switch p.Grain {
	case metric.Month:
		return pick(language, p.Start.Format("January 2006"), chineseMonth(p.Start), chineseMonth(p.Start))
	case metric.Quarter:
		year, quarter, _ := strings.Cut(p.Label, "-Q")
		return pick(language, "Q"+quarter+" "+year, chineseYear(year)+"第"+quarter+"季度", chineseYear(year)+"第"+quarter+"季")
	case metric.Year:
		return pick(language, p.Label, chineseYear(p.Label), chineseYear(p.Label))
	default:
		return p.Label
	}
}

func chineseMonth(day time.Time) string { return fmt.Sprintf("%d年%d月", day.Year(), day.Month()) }

func chineseYear(label string) string {
	if strings.Contains(label, "/") {
		return label + "年度"
	}
	return label + "年"
}

// spokenDay is a day in a sentence.
func spokenDay(day time.Time, language string) string {
	chinese := fmt.Sprintf("%d年%d月%d日", day.Year(), day.Month(), day.Day())
	return pick(language, day.Format("2 January 2006"), chinese, chinese)
}
