package publish

import (
	"database/sql/driver"
	"strings"
	"time"

	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// catalogue describes the metrics.
func catalogue(c Content) *source {
	columns := []Column{
		{"metric", "VARCHAR", "Code of the metric."},
		{"label_en", "VARCHAR", "Its name in English."},
		{"label_zh_hans", "VARCHAR", "Its name in simplified Chinese."},
		{"label_zh_hant", "VARCHAR", "Its name in traditional Chinese."},
		{"description_en", "VARCHAR", "What it counts, in English."},
		{"description_zh_hans", "VARCHAR", "What it counts, in simplified Chinese."},
		{"description_zh_hant", "VARCHAR", "What it counts, in traditional Chinese."},
		{"owner", "VARCHAR", "The department that answers for the definition."},
		{"version", "INTEGER", "Grows when the definition changes what is counted."},
		{"kind", "VARCHAR", "How it is computed: count, sum, ratio, average, distinct, percentile, conversion or derived."},
		{"unit", "VARCHAR", "percent (kept as a share: 0.25 is 25 %), count, days, hours, minutes, currency, points or number."},
		{"direction", "VARCHAR", "Which way is better: higher or lower; null where neither is."},
		{"minimum_n", "INTEGER", "A value of fewer rows is flagged small_n; null: never."},
		{"dimensions", "VARCHAR", "By what it can be split, with spaces between them."},
	}
	var rows [][]driver.Value
	for _, m := range c.Metrics.All() {
		row := []driver.Value{m.Name}
		for _, text := range []interface{ In(string) string }{m.Labels, m.Description} {
			for _, language := range []string{"en", "zh-Hans", "zh-Hant"} {
				row = append(row, text.In(language))
			}
		}
		row = append(row, m.Owner, int32(m.Version), string(m.Kind), m.Unit, orNull(m.Direction))
		if m.MinimumN > 0 {
			row = append(row, int32(m.MinimumN))
		} else {
			row = append(row, nil)
		}
		rows = append(rows, append(row, strings.Join(m.Dimensions, " ")))
	}
	return computed("dimensions", "metrics", "dimension", "What each metric means.", columns, rows)
}

func orNull(s string) driver.Value {
	if s == "" {
		return nil
	}
	return s
}

// calendar has every day of the fiscal years from the first day to the last.
func calendar(company metric.Company, first, last time.Time) *source {
	columns := []Column{
		{"date", "DATE", "The day."},
		{"month", "VARCHAR", "Its month, as metric values name it: 2026-10."},
		{"month_start", "DATE", "First day of the month."},
		{"quarter", "VARCHAR", "Its quarter; where the fiscal year doesn't begin in January, that of the fiscal year."},
		{"quarter_start", "DATE", "First day of the quarter."},
		{"year", "VARCHAR", "Its fiscal year."},
		{"year_start", "DATE", "First day of the fiscal year."},
		{"iso_week", "VARCHAR", "Its ISO week: 2026-W40."},
		{"weekday", "INTEGER", "1 is Monday, 7 is Sunday."},
		{"quarter_number", "INTEGER", "1 to 4, from the beginning of the fiscal year."},
		{"month_number", "INTEGER", "1 is January, 12 is December."},
		{"fiscal_month_number", "INTEGER", "1 to 12, from the beginning of the fiscal year."},
		{"month_name_en", "VARCHAR", "The month's name in English."},
		{"month_name_zh", "VARCHAR", "The month's name in Chinese."},
		{"weekday_name_en", "VARCHAR", "The weekday's name in English."},
		{"weekday_name_zh", "VARCHAR", "The weekday's name in Chinese."},
		{"is_weekend", "BOOLEAN", "Whether it is a Saturday or a Sunday."},
	}
	from, to := company.PeriodOf(first, metric.Year).Start, company.PeriodOf(last, metric.Year).End
	var rows [][]driver.Value
	for day := from; !day.After(to); day = day.AddDate(0, 0, 1) {
		row := []driver.Value{day}
		for _, grain := range []metric.Grain{metric.Month, metric.Quarter, metric.Year} {
			p := company.PeriodOf(day, grain)
			row = append(row, p.Label, p.Start)
		}
		month, weekday := int(day.Month()), (int(day.Weekday())+6)%7
		into := (month - int(from.Month()) + 12) % 12 // months of the fiscal year before it
		rows = append(rows, append(
			row, company.PeriodOf(day, metric.Week).Label, int32(weekday+1),
			int32(into/3+1), int32(month), int32(into+1), day.Month().String(), chineseMonths()[month-1],
			day.Weekday().String(), "星期"+chineseDigits()[weekday], weekday >= 5,
		))
	}
	return computed("dimensions", "calendar", "dimension", "The days, with the names of their periods.", columns, rows)
}

func chineseDigits() []string { return []string{"一", "二", "三", "四", "五", "六", "日"} }

func chineseMonths() []string {
	return []string{"一月", "二月", "三月", "四月", "五月", "六月", "七月", "八月", "九月", "十月", "十一月", "十二月"}
}
