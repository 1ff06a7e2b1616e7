package charts

import (
	"fmt"
	"strings"
)

// Summary says in a sentence or two what the chart shows, for who can't see it.
func (s *Spec) Summary() string {
	parts := []string{short(s.Title, 200)}
	for i := range s.Series {
		if i == 8 {
			parts = append(parts, fmt.Sprintf(pick(s.Language, "and %d more", "另有 %d 项", "另有 %d 項"), len(s.Series)-i))
			break
		}
		parts = append(parts, s.seriesSummary(&s.Series[i]))
	}
	return strings.Join(parts, pick(s.Language, ". ", "。", "。"))
}

func (s *Spec) seriesSummary(series *Series) string {
	name := short(series.Name, 60)
	first, last, low, high := -1, -1, -1, -1
	for i, v := range series.Values {
		if v == nil || i >= len(s.Labels) {
			continue
		}
		if first < 0 {
			first, low, high = i, i, i
		}
		last = i
		if *v < *series.Values[low] {
			low = i
		}
		if *v > *series.Values[high] {
			high = i
		}
	}
	if first < 0 {
		return name + pick(s.Language, ": no values", "：没有数值", "：沒有數值")
	}
	at := func(i int) (label, value string) {
		return short(s.Labels[i], 60), FormatValue(series.Values[i], s.Unit, s.Currency, s.Language)
	}
	firstLabel, firstValue := at(first)
	lastLabel, lastValue := at(last)
	lowLabel, lowValue := at(low)
	highLabel, highValue := at(high)
	return name + fmt.Sprintf(pick(s.Language,
		": %s %s to %s %s; lowest %s (%s), highest %s (%s)",
		"：%s %s 至 %s %s；最低 %s（%s），最高 %s（%s）",
		"：%s %s 至 %s %s；最低 %s（%s），最高 %s（%s）"),
		firstLabel, firstValue, lastLabel, lastValue, lowValue, lowLabel, highValue, highLabel)
}
