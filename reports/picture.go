package reports

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/funnelhouse/funnelhouse/charts"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// namesShown is how many values of a dimension a note lists.
const namesShown = 12

// spec is what a section's picture shows.
func (w *writer) spec(s *sectionFacts) charts.Spec {
	c := s.chart
	spec := charts.Spec{
		Kind: charts.Line, Unit: c.metric.Unit, Currency: w.facts.company.Currency, Language: w.language,
		Width: pictureWidth, Height: 260,
	}
	if s.Kind == LineSection {
		for _, p := range c.periods {
			spec.Labels = append(spec.Labels, w.short(p))
		}
		for _, one := range c.series {
			series := charts.Series{Name: c.metric.Label(w.language)}
			if s.By != "" {
				series.Name = w.dimensionValue(one.name)
			}
			for _, r := range one.rows {
				series.Values = append(series.Values, valueOf(r))
				series.Provisional = append(series.Provisional, provisional(r))
			}
			if n := len(series.Provisional); n > 0 && w.facts.running() {
				series.Provisional[n-1] = true
			}
			spec.Series = append(spec.Series, series)
		}
		return spec
	}
	// Names of products and regions are long, so bars lie.
	spec.Kind, spec.Horizontal = charts.Bars, true
	spec.Height = 70 + 30*len(c.series)
	series := charts.Series{Name: c.metric.Label(w.language)}
	for _, one := range c.series {
		spec.Labels = append(spec.Labels, w.dimensionValue(one.name))
		series.Values = append(series.Values, valueOf(one.rows[0]))
		series.Provisional = append(series.Provisional, provisional(one.rows[0]) || w.facts.running())
	}
	spec.Series = []charts.Series{series}
	return spec
}

func valueOf(r *metric.Row) *float64 {
	if r == nil {
		return nil
	}
	return r.Value
}

// provisional tells whether a value may still change.
func provisional(r *metric.Row) bool {
	return r != nil && (r.Has(metric.Immature) || r.Has(metric.Partial))
}

// alt says in words what a picture shows, for those who don't see it.
func (w *writer) alt(s *sectionFacts, heading string) string {
	c := s.chart
	var b strings.Builder
	if s.Kind == LineSection {
		fmt.Fprintf(&b, w.altLine, heading, w.period(c.periods[0]), w.period(w.facts.period))
	} else {
		fmt.Fprintf(&b, w.altBars, heading, w.period(w.facts.period))
	}
	for _, one := range c.series {
		name := w.period(w.facts.period)
		if s.By != "" {
			name = w.dimensionValue(one.name)
		}
		fmt.Fprintf(&b, " "+w.altLatest, name, w.show(c.metric, valueOf(one.rows[len(one.rows)-1])))
	}
	return b.String()
}

// lineTable holds the values of a line: what can't be seen in a picture, and
// what must not hang on it.
func (w *writer) lineTable(s *sectionFacts) *tableView {
	c := s.chart
	t := &tableView{Head: []string{w.periodWord}}
	if s.By != "" {
		for _, one := range c.series {
			t.Head = append(t.Head, w.dimensionValue(one.name))
		}
		for i, p := range c.periods {
			line := []string{w.short(p)}
			for _, one := range c.series {
				line = append(line, w.show(c.metric, valueOf(one.rows[i])))
			}
			t.Rows = append(t.Rows, line)
		}
		return t
	}
	hasN := c.metric.Kind != metric.Count && slices.ContainsFunc(c.series[0].rows, func(r *metric.Row) bool { return r != nil && r.N != nil })
	t.Head = append(t.Head, w.valueWord)
	if hasN {
		t.Head = append(t.Head, w.nWord)
	}
	for i, p := range c.periods {
		row := c.series[0].rows[i]
		line := []string{w.short(p), w.show(c.metric, valueOf(row))}
		if hasN {
			line = append(line, w.count(row))
		}
		t.Rows = append(t.Rows, line)
	}
	return t
}

// barTable holds the values of bars, with what is behind each.
func (w *writer) barTable(s *sectionFacts) *tableView {
	c := s.chart
	has := func(part func(*metric.Row) bool) bool {
		return slices.ContainsFunc(c.series, func(one seriesFacts) bool { return part(one.rows[0]) })
	}
	hasN := c.metric.Kind != metric.Count && has(func(r *metric.Row) bool { return r.N != nil })
	hasInterval := has(func(r *metric.Row) bool { return r.CILow != nil })
	t := &tableView{Head: []string{capital(w.dimension(s.By)), w.valueWord}}
	if hasN {
		t.Head = append(t.Head, w.nWord)
	}
	if hasInterval {
		t.Head = append(t.Head, w.intervalWord)
	}
	for _, one := range c.series {
		row := one.rows[0]
		line := []string{w.dimensionValue(one.name), w.show(c.metric, row.Value)}
		if row.Value == nil {
			line[1] = w.noFigure
		}
		if hasN {
			line = append(line, w.count(row))
		}
		if hasInterval {
			interval := "–"
			if row.CILow != nil && row.CIHigh != nil {
				interval = w.show(c.metric, row.CILow) + " – " + w.show(c.metric, row.CIHigh)
			}
			line = append(line, interval)
		}
		t.Rows = append(t.Rows, line)
	}
	return t
}

func capital(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:]
}

func (w *writer) count(r *metric.Row) string {
	if r == nil || r.N == nil {
		return "–"
	}
	n := float64(*r.N)
	return charts.FormatValue(&n, "count", "", w.language)
}

// chartNotes says what the picture and its table leave out or can't say.
func (w *writer) chartNotes(s *sectionFacts) []string {
	c := s.chart
	var notes []string
	if len(c.left) > 0 {
		var names []string
		for _, name := range c.left[:min(len(c.left), namesShown)] {
			names = append(names, w.dimensionValue(name))
		}
		if more := len(c.left) - namesShown; more > 0 {
			names = append(names, fmt.Sprintf(w.rest, more))
		}
		notes = append(notes, fmt.Sprintf(w.notShown, strings.Join(names, w.list)))
	}
	return append(notes, w.flagged(s)...)
}

// flagged says each flag once, with the values of a chart that carry it: periods
// of a line, bars by their names.
func (w *writer) flagged(s *sectionFacts) []string {
	c := s.chart
	carried := map[string][]int{}
	var order []string
	for n, one := range c.series {
		for i, r := range one.rows {
			if r == nil {
				continue
			}
			if s.Kind == BarsSection {
				i = n
			}
			for _, flag := range w.flags(c.metric, r) {
				if !slices.Contains(order, flag) {
					order = append(order, flag)
				}
				if !slices.Contains(carried[flag], i) {
					carried[flag] = append(carried[flag], i)
				}
			}
		}
	}
	var notes []string
	for _, flag := range order {
		at := carried[flag]
		slices.Sort(at)
		var names []string
		for i := 0; i < len(at); i++ {
			if s.Kind == BarsSection {
				names = append(names, w.dimensionValue(c.series[at[i]].name))
				continue
			}
			first := i
			for i+1 < len(at) && at[i+1] == at[i]+1 {
				i++
			}
			if i == first {
				names = append(names, w.short(c.periods[at[i]]))
			} else {
				names = append(names, fmt.Sprintf(w.to, w.short(c.periods[at[first]]), w.short(c.periods[at[i]])))
			}
		}
		notes = append(notes, fmt.Sprintf(w.carried, flag, strings.Join(names, w.list)))
	}
	return notes
}
