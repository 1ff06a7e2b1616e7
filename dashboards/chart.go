package dashboards

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/funnelhouse/funnelhouse/charts"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// The sizes in which a chart is drawn: beside another on a screen, and on a
// phone.
const (
	wide, narrow = 620, 332
	lineHeight   = 264
	barHeight    = 23
)

// The most that is drawn; tables hold all.
const (
	mostBars  = 12
	mostLines = 6
)

// chartView is a metric as a picture, with its figures in a table.
type chartView struct {
	ID, Title, Subtitle string
	Error               string
	IsEmpty             bool // there is nothing to draw
	Notes               []string
	Wide, Narrow        template.HTML
	Options             template.JS // of the wide and the narrow picture
	Height              int
	Head                []string
	Rows                [][]string
	Numbers             []bool // by column: whether it holds numbers
}

// drawn is a chart before it has been drawn.
type drawn struct {
	spec  charts.Spec
	notes []string
	head  []string
	rows  [][]string
	// numbers tells of each column whether it holds numbers.
	numbers []bool
}

func (r *reading) chart(ctx context.Context, id string, c *Cell) *chartView {
	v := &chartView{ID: id, Title: c.Metric}
	if m, err := r.site.metrics.Get(c.Metric); err == nil {
		v.Title = m.Label(r.language)
	}
	h, err := r.history(ctx, c.Metric)
	if err != nil {
		v.Error = r.site.explain(ctx, &r.words, c.Metric, err)
		return v
	}
	var d *drawn
	switch {
	case c.Kind == Bars && c.By != "":
		d, err = r.barsBy(ctx, h, c.By)
	case c.By != "":
		d, err = r.linesBy(ctx, h, c.By)
	default:
		d = r.over(h, c)
	}
	if err == nil {
		v.Subtitle, v.Notes, v.Head, v.Rows = d.spec.Title, d.notes, d.head, d.rows
		v.Numbers = d.numbers
		if v.IsEmpty = isEmpty(d.spec.Series); v.IsEmpty {
			return v
		}
		d.spec.Title = v.Title + ", " + d.spec.Title
		d.spec.Unit, d.spec.Currency, d.spec.Language = h.metric.Unit, r.site.cfg.Currency, r.language
		err = r.draw(ctx, v, d.spec)
	}
	if err != nil {
		v.Error = r.site.explain(ctx, &r.words, c.Metric, err)
	}
	return v
}

func isEmpty(list []charts.Series) bool {
	for _, series := range list {
		if slices.ContainsFunc(series.Values, func(v *float64) bool { return v != nil }) {
			return false
		}
	}
	return true
}

// draw makes both pictures and what a browser needs to draw them itself.
func (r *reading) draw(ctx context.Context, v *chartView, spec charts.Spec) error {
	spec.Width, v.Height = wide, spec.Height
	large, largeOption, err := r.site.pictures.svg(ctx, spec)
	if err != nil {
		return err
	}
	spec.Width = narrow
	small, smallOption, err := r.site.pictures.svg(ctx, spec)
	if err != nil {
		return err
	}
	v.Wide, v.Narrow = template.HTML(large), template.HTML(small)                        //nolint:gosec // charts writes elements from a list alone
	v.Options = template.JS("[" + string(largeOption) + "," + string(smallOption) + "]") //nolint:gosec // JSON without <, > and &
	return nil
}

// over is a metric over the shown periods, as a line or as bars.
func (r *reading) over(h *history, c *Cell) *drawn {
	t, w := &r.time, &r.words
	title := fmt.Sprintf(w.LastPeriods, t.count, periodsWord(string(t.grain), r.language))
	main := charts.Series{Name: title}
	before := charts.Series{Name: w.YearBefore, Dashed: true}
	hasBefore, hasOpen := false, false
	isCompared := c.PreviousYear && t.grain != metric.Year
	d := &drawn{head: []string{w.Period, w.Value}}
	if isCompared {
		d.head = append(d.head, w.YearBefore)
	}
	d.head = append(d.head, "n", w.CellInterval, w.Notes)
	d.numbers = numbersBetween(len(d.head), 1)
	for i := t.offset(); i <= t.last(); i++ {
		row := h.rows[i]
		main.Values = append(main.Values, value(row))
		main.Provisional = append(main.Provisional, h.mayChange(t, i))
		hasOpen = hasOpen || h.mayChange(t, i) && value(row) != nil
		then := value(h.rows[i-t.year])
		before.Values = append(before.Values, then)
		hasBefore = hasBefore || then != nil
		cells := []string{t.label(i), r.cell(h.metric, row)}
		if isCompared {
			cells = append(cells, r.cell(h.metric, h.rows[i-t.year]))
		}
		d.rows = append(d.rows, append(cells, r.rest(h.metric, row, t.isRunning(i))...))
	}
	slices.Reverse(d.rows)
	d.spec = charts.Spec{
		Kind: charts.Line, Labels: t.labels(), Series: []charts.Series{main}, Height: lineHeight,
		Title: title,
	}
	if c.Kind == Bars {
		d.spec.Kind = charts.Bars
	}
	if isCompared && hasBefore {
		d.spec.Series = append(d.spec.Series, before)
	}
	if hasOpen {
		d.notes = append(d.notes, w.MayChange)
	}
	return d
}

// numbersBetween: the columns of a table are names up to first, then numbers,
// and at the end notes.
func numbersBetween(columns, first int) []bool {
	list := make([]bool, columns)
	for i := first; i < columns-1; i++ {
		list[i] = true
	}
	return list
}

// cell is a value in a table.
func (r *reading) cell(m *metric.Metric, row *metric.Row) string {
	switch {
	case row == nil:
		return "–"
	case row.Value == nil:
		return r.words.NotAssessable
	default:
		return r.write(m, row.Value)
	}
}

// rest is n, the interval and the notes of a row.
func (r *reading) rest(m *metric.Metric, row *metric.Row, isRunning bool) []string {
	n, interval := "–", "–"
	var notes []string
	if isRunning {
		notes = append(notes, r.words.Running)
	}
	if row != nil {
		notes = append(notes, r.notes(row)...)
		if row.N != nil {
			n = charts.FormatValue(new(float64(*row.N)), "count", "", r.language)
		}
		if row.CILow != nil && row.CIHigh != nil {
			interval = r.write(m, row.CILow) + " – " + r.write(m, row.CIHigh)
		}
	}
	return []string{n, interval, strings.Join(notes, pick(r.language, "; ", "；", "；"))}
}

// barsBy is the settled period by a dimension, the largest value first.
func (r *reading) barsBy(ctx context.Context, h *history, by string) (*drawn, error) {
	w := &r.words
	at := h.settled(&r.time)
	label := r.time.label(at)
	table, err := r.site.metrics.Query(ctx, r.request(h.metric.Name, label, label, by))
	if err != nil {
		return nil, err
	}
	rows := slices.Clone(table.Rows)
	slices.SortStableFunc(rows, func(a, b metric.Row) int {
		switch {
		case a.Value == nil && b.Value == nil:
			return 0
		case a.Value == nil:
			return 1
		case b.Value == nil:
			return -1
		}
		return cmp.Compare(*b.Value, *a.Value)
	})
	d := &drawn{head: []string{capital(dimension(by, r.language)), w.Value, "n", w.CellInterval, w.Notes}, numbers: numbersBetween(5, 1)}
	series := charts.Series{Name: h.metric.Label(r.language)}
	for i := range rows {
		row := &rows[i]
		name := r.member(row)
		d.rows = append(d.rows, append([]string{name, r.cell(h.metric, row)}, r.rest(h.metric, row, false)...))
		if row.Value == nil || len(series.Values) == mostBars {
			continue
		}
		d.spec.Labels = append(d.spec.Labels, name)
		series.Values = append(series.Values, row.Value)
		isDoubtful := row.Has(metric.SmallN) || h.mayChange(&r.time, at)
		series.Provisional = append(series.Provisional, isDoubtful)
	}
	d.spec.Kind, d.spec.Horizontal, d.spec.Series = charts.Bars, true, []charts.Series{series}
	d.spec.Title = fmt.Sprintf(w.By, dimension(by, r.language), spoken(r.time.periods[at], r.language))
	d.spec.Height = max(44+barHeight*len(series.Values), lineHeight)
	if len(series.Values) < len(rows) {
		d.notes = append(d.notes, fmt.Sprintf(w.SomeShown, len(series.Values), len(rows)))
	}
	if slices.Contains(series.Provisional, true) {
		d.notes = append(d.notes, w.pale(h.mayChange(&r.time, at)))
	}
	return d, nil
}

// pale says what pale bars are.
func (w *words) pale(mayChange bool) string {
	if mayChange {
		return w.MayChange
	}
	return w.PaleFew
}

// member is what a row of a split metric is about.
func (r *reading) member(row *metric.Row) string {
	if len(row.Dimensions) == 0 || row.Dimensions[0] == nil || strings.TrimSpace(*row.Dimensions[0]) == "" {
		return r.words.NotStated
	}
	return *row.Dimensions[0]
}

// capital begins a heading.
func capital(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:]
}

// linesBy is a line for each of the largest members of a dimension.
func (r *reading) linesBy(ctx context.Context, h *history, by string) (*drawn, error) {
	t, w := &r.time, &r.words
	table, err := r.site.metrics.Query(ctx, r.request(h.metric.Name, t.label(t.offset()), t.running().Label, by))
	if err != nil {
		return nil, err
	}
	members := r.members(table)
	d := &drawn{head: []string{w.Period, capital(dimension(by, r.language)), w.Value, "n", w.CellInterval, w.Notes}, numbers: numbersBetween(6, 2)}
	hasOpen := false
	for _, m := range members {
		series := charts.Series{Name: m.name}
		for i := t.offset(); i <= t.last(); i++ {
			row := m.rows[t.label(i)]
			isOpen := t.isRunning(i) || row != nil && row.Has(metric.Immature)
			series.Values = append(series.Values, value(row))
			series.Provisional = append(series.Provisional, isOpen)
			if row != nil {
				d.rows = append(d.rows, append([]string{t.label(i), m.name, r.cell(h.metric, row)}, r.rest(h.metric, row, t.isRunning(i))...))
			}
			hasOpen = hasOpen || isOpen && value(row) != nil && len(d.spec.Series) < mostLines
		}
		if len(d.spec.Series) < mostLines {
			d.spec.Series = append(d.spec.Series, series)
		}
	}
	slices.SortStableFunc(d.rows, func(a, b []string) int { return cmp.Compare(b[0], a[0]) })
	d.spec.Kind, d.spec.Labels, d.spec.Height = charts.Line, t.labels(), lineHeight+20
	d.spec.Title = fmt.Sprintf(w.By, dimension(by, r.language), fmt.Sprintf(w.LastPeriods, t.count, periodsWord(string(t.grain), r.language)))
	if len(members) > mostLines {
		d.notes = append(d.notes, fmt.Sprintf(w.SomeShown, mostLines, len(members)))
	}
	if hasOpen {
		d.notes = append(d.notes, w.MayChange)
	}
	return d, nil
}

// memberRows are the rows of one member of a dimension, by period.
type memberRows struct {
	name string
	rows map[string]*metric.Row
	size float64
}

// members lists a dimension's members, those with the most behind them first.
func (r *reading) members(table *metric.Table) []*memberRows {
	var list []*memberRows
	known := map[string]*memberRows{}
	for i := range table.Rows {
		row := &table.Rows[i]
		name := r.member(row)
		m := known[name]
		if m == nil {
			m = &memberRows{name: name, rows: map[string]*metric.Row{}}
			known[name] = m
			list = append(list, m)
		}
		m.rows[row.Period] = row
		switch {
		case row.N != nil:
			m.size += float64(*row.N)
		case row.Value != nil:
			m.size += *row.Value
		}
	}
	slices.SortStableFunc(list, func(a, b *memberRows) int { return cmp.Compare(b.size, a.size) })
	return list
}
