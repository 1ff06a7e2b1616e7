package dashboards

import (
	"context"
	"fmt"
	"html/template"
	"strconv"
	"strings"

	"github.com/funnelhouse/funnelhouse/charts"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// figureView is a metric as one number.
type figureView struct {
	Code, Label, Description, Owner string
	Error                           string
	Value                           string
	IsMissing                       bool   // Value is words and no number
	When                            string // the period in words
	Details                         []string
	Notes                           []string
	Changes                         []changeView
	Later                           []string // what periods after it have so far
	Spark                           template.HTML
}

// changeView is what a figure changed by since another period. Tone is good,
// bad or plain; Word says the same, so that colour is never alone.
type changeView struct{ Arrow, Delta, Against, Tone, Word string }

func (r *reading) figure(ctx context.Context, code string) *figureView {
	v := &figureView{Code: code, Label: code}
	if m, err := r.site.metrics.Get(code); err == nil {
		v.Label, v.Description = m.Label(r.language), m.Description.In(r.language)
		if m.Owner != "" {
			v.Owner = fmt.Sprintf(r.words.Owner, m.Owner)
		}
	}
	h, err := r.history(ctx, code)
	if err != nil {
		v.Error = r.site.explain(ctx, &r.words, code, err)
		return v
	}
	at := h.settled(&r.time)
	row := h.rows[at]
	v.When = spoken(r.time.periods[at], r.language)
	switch {
	case row == nil:
		v.Value, v.IsMissing = r.words.NoRows, true
	case row.Value == nil:
		v.Value, v.IsMissing = r.words.NotAssessable, true
	default:
		v.Value = r.write(h.metric, row.Value)
	}
	if row != nil {
		v.Details, v.Notes = r.details(h.metric, row), r.notes(row)
	}
	for _, before := range []int{at - 1, at - r.time.year} {
		if before < 0 || before == at-1 && len(v.Changes) > 0 {
			continue // years have one period before, which is the year before too
		}
		if c := r.change(h, at, before); c != nil {
			v.Changes = append(v.Changes, *c)
		}
	}
	v.Later = r.later(h, at)
	v.Spark = h.spark(&r.time, at)
	return v
}

// details are n and the interval.
func (r *reading) details(m *metric.Metric, row *metric.Row) []string {
	var list []string
	// The number of rows behind a count is the count.
	if row.N != nil && m.Kind != metric.Count {
		n := float64(*row.N)
		list = append(list, fmt.Sprintf(r.words.N, charts.FormatValue(&n, "count", "", r.language)))
	}
	if row.CILow != nil && row.CIHigh != nil {
		list = append(list, fmt.Sprintf(r.words.Interval, r.write(m, row.CILow), r.write(m, row.CIHigh)))
	}
	return list
}

func (r *reading) notes(row *metric.Row) []string {
	var list []string
	for _, flag := range row.Flags {
		list = append(list, r.words.flag(flag))
	}
	return list
}

// change is nil where there is nothing to compare with.
func (r *reading) change(h *history, at, before int) *changeView {
	now, then := h.rows[at], h.rows[before]
	if value(now) == nil || value(then) == nil {
		return nil
	}
	c := &changeView{
		Delta:   charts.FormatChange(now.Value, then.Value, h.metric.Unit, r.site.cfg.Currency, r.language),
		Against: fmt.Sprintf(r.words.Against, spoken(r.time.periods[before], r.language), r.write(h.metric, then.Value)),
		Tone:    "plain", Arrow: "=",
	}
	isUp := *now.Value > *then.Value
	isSame := strings.HasPrefix(c.Delta, "±")
	if !isSame {
		c.Arrow = "▼"
		if isUp {
			c.Arrow = "▲"
		}
	}
	differs, known := isClear(now, then)
	switch {
	case now.Has(metric.Immature) || then.Has(metric.Immature):
		// Two cohorts that ripen are of different age.
		c.Word = r.words.NotComparable
	case isSame:
		c.Word = r.words.Same
	case known && !differs:
		c.Word = r.words.Chance
	case now.Has(metric.SmallN) || then.Has(metric.SmallN):
		c.Word = r.words.Pooled
	case h.metric.Direction == "":
	case isUp == (h.metric.Direction == "higher"):
		c.Tone, c.Word = "good", r.words.Better
	default:
		c.Tone, c.Word = "bad", r.words.Worse
	}
	return c
}

// later tells how the periods after the settled one stand: the last complete
// one, where it is another, and the running one.
func (r *reading) later(h *history, at int) []string {
	var list []string
	complete, running := r.time.last()-1, r.time.last()
	if at < complete {
		row := h.rows[complete]
		what := r.words.NoRows
		if row != nil {
			what = r.cell(h.metric, row)
		}
		text := fmt.Sprintf(r.words.Between, spoken(r.time.periods[complete], r.language), what)
		list = append(list, r.withNotes(text, row))
	}
	if row := h.rows[running]; row != nil {
		list = append(list, fmt.Sprintf(r.words.SoFar, spoken(r.time.periods[running], r.language), r.cell(h.metric, row)))
	}
	return list
}

func (r *reading) withNotes(text string, row *metric.Row) string {
	if row == nil {
		return text
	}
	if notes := r.notes(row); len(notes) > 0 {
		return text + pick(r.language, " (", "（", "（") + strings.Join(notes, pick(r.language, "; ", "；", "；")) + pick(r.language, ")", "）", "）")
	}
	return text
}

// spark is a small line of the shown periods up to the settled one, without
// words: the chart and the table say what it means.
func (h *history) spark(t *timeline, at int) template.HTML {
	const width, height, edge = 120.0, 32.0, 4.0
	low, high, count := 0.0, 0.0, 0
	for i := t.offset(); i <= at; i++ {
		if v := value(h.rows[i]); v != nil {
			if count == 0 {
				low, high = *v, *v
			}
			low, high = min(low, *v), max(high, *v)
			count++
		}
	}
	if count < 3 || value(h.rows[at]) == nil {
		return ""
	}
	if low == high {
		low, high = low-1, high+1
	}
	var line strings.Builder
	isOpen := false
	var x, y float64
	for i := t.offset(); i <= at; i++ {
		v := value(h.rows[i])
		if v == nil {
			isOpen = false
			continue
		}
		x = edge + (width-2*edge)*float64(i-t.offset())/float64(max(at-t.offset(), 1))
		y = height - edge - (height-2*edge)*(*v-low)/(high-low)
		command := "L"
		if !isOpen {
			command, isOpen = "M", true
		}
		line.WriteString(command + short(x) + " " + short(y))
	}
	return template.HTML(fmt.Sprintf( //nolint:gosec // numbers alone
		`<svg class="spark" viewBox="0 0 120 32" aria-hidden="true" focusable="false"><path d="%s"/><circle cx="%s" cy="%s" r="2.5"/></svg>`,
		line.String(), short(x), short(y)))
}

func short(x float64) string { return strconv.FormatFloat(x, 'f', 1, 64) }
