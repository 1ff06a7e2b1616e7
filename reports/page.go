package reports

import (
	"context"
	"encoding/base64"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/funnelhouse/funnelhouse/charts"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// Charts draws pictures: *charts.Renderer does.
type Charts interface {
	PNG(ctx context.Context, spec charts.Spec, scale float64) ([]byte, error)
}

// A page is 680 pixels wide, which every mail program shows, and its pictures
// have twice the pixels that they are shown with.
const (
	pictureWidth = 624
	pictureScale = 2
)

// pageView is a page in its reader's language: all text, nothing to be decided.
type pageView struct {
	Lang, Title, Company, Period, Standing, Preheader string

	LackingTitle string
	Lacking      []string
	Sections     []sectionView

	DefinitionsTitle string
	Definitions      []definitionView
	DataTitle        string
	Data             []pairView
	Footer           string
}

// sectionView is one of a table of figures, a chart, or why there is none.
type sectionView struct {
	Heading string
	Missing string
	Head    []string // of figures
	Figures []figureView
	Picture *pictureView
	Table   *tableView
	Notes   []string
}

// Rest is how many columns stand beside the names of figures.
func (s sectionView) Rest() int { return len(s.Head) - 1 }

type figureView struct {
	Name, Value string
	Details     []string // n, interval
	Notes       []string
	Missing     string // why there is no value
	Changes     []changeView
}

// Size is in pixels: an amount of eleven digits has to fit as well.
func (f figureView) Size() int {
	const room = 9
	if len([]rune(f.Value)) > room {
		return 16
	}
	return 21
}

// changeView says a change by an arrow, a number and a word; its tone colours
// what is said already.
type changeView struct {
	Against     string // said again where a narrow screen has no room for the table's head
	Arrow, Text string
	Word, Past  string
	Tone        string // good, bad, none
}

type pictureView struct {
	Source        template.URL
	Alt           string
	Width, Height int
}

type tableView struct {
	Head []string
	Rows [][]string
}

type definitionView struct{ Name, Code, Text, Notes string }

type pairView struct{ Key, Value string }

// writer puts facts into the words of one language.
type writer struct {
	*words
	facts   *facts
	edition int // 0: none, a look at what would come
	charts  Charts
	// failures are of pictures, for the log.
	failures []error
}

func (w *writer) page(ctx context.Context) (*pageView, error) {
	f := w.facts
	p := &pageView{
		Lang: w.html, Title: f.report.Title.In(w.language), Company: f.company.Name, Period: w.period(f.period),
		Standing:     fmt.Sprintf(w.asOf, w.day(f.asOf)),
		LackingTitle: w.lackingTitle, Lacking: w.lacking(),
		DefinitionsTitle: w.definitions, DataTitle: w.data, Data: w.sources(),
	}
	if w.edition > 0 {
		p.Standing += w.comma + fmt.Sprintf(w.words.edition, w.edition)
		p.Footer = fmt.Sprintf(w.footer, f.report.Name, w.edition, w.minute(f.madeAt, f.company.Zone))
	}
	for i := range f.sections {
		s, err := w.section(ctx, &f.sections[i])
		if err != nil {
			return nil, err
		}
		p.Sections = append(p.Sections, s)
	}
	for _, m := range f.metrics {
		p.Definitions = append(p.Definitions, w.definition(m))
	}
	p.Preheader = w.preheader(p)
	return p, nil
}

// preheader is what mail programs show beside the subject.
func (w *writer) preheader(p *pageView) string {
	var parts []string
	for _, s := range p.Sections {
		for _, f := range s.Figures {
			if f.Missing == "" && len(parts) < 3 {
				parts = append(parts, f.Name+" "+f.Value)
			}
		}
	}
	return strings.Join(parts, " · ")
}

func (w *writer) section(ctx context.Context, s *sectionFacts) (sectionView, error) {
	if s.Kind == FiguresSection {
		return w.figureTable(s), nil
	}
	v := sectionView{Heading: w.heading(s)}
	switch {
	case s.failure != nil:
		v.Missing = strings.TrimSpace(fmt.Sprintf(w.cannot, "", w.reason(s.failure)))
		return v, nil
	case len(s.chart.series) == 0 || !slices.ContainsFunc(s.chart.series, seriesFacts.any):
		v.Missing = w.noData
		return v, nil
	}
	spec := w.spec(s)
	picture, err := w.charts.PNG(ctx, spec, pictureScale)
	if ctx.Err() != nil {
		return v, ctx.Err()
	}
	if err == nil {
		v.Picture = &pictureView{
			Source: template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(picture)), //nolint:gosec // of our own making
			Alt:    w.alt(s, v.Heading), Width: spec.Width, Height: spec.Height,
		}
	} else {
		w.failures = append(w.failures, err)
		v.Notes = append(v.Notes, w.chartFailed)
	}
	if s.Kind == LineSection {
		v.Table = w.lineTable(s)
	} else {
		v.Table = w.barTable(s)
	}
	v.Notes = append(v.Notes, w.chartNotes(s)...)
	return v, nil
}

func (w *writer) heading(s *sectionFacts) string {
	name := s.Metrics[0]
	for _, m := range w.facts.metrics {
		if m.Name == name {
			name = m.Label(w.language)
		}
	}
	if s.By != "" {
		return fmt.Sprintf(w.byWord, name, w.dimension(s.By))
	}
	return fmt.Sprintf(w.over, name, w.grains[w.facts.report.Period])
}

func (s seriesFacts) any() bool {
	return slices.ContainsFunc(s.rows, func(r *metric.Row) bool { return r != nil && r.Value != nil })
}

// reason says why something can't be shown.
func (w *writer) reason(f *failure) string {
	switch f.kind {
	case unknownMetric:
		return w.unknownMetric
	case notBuilt:
		return fmt.Sprintf(w.notBuilt, f.model)
	case notAsked:
		return fmt.Sprintf(w.notAsked, f.err)
	default:
		// The database's own message may hold values of rows.
		return w.queryFailed
	}
}

func (w *writer) figureTable(s *sectionFacts) sectionView {
	v := sectionView{Head: []string{w.figures, w.period(w.facts.period)}}
	for _, p := range w.facts.compared() {
		v.Head = append(v.Head, fmt.Sprintf(w.before, w.medium(p)))
	}
	for i := range s.figures {
		v.Figures = append(v.Figures, w.figure(&s.figures[i]))
	}
	return v
}

func (w *writer) figure(f *figureFacts) figureView {
	v := figureView{Name: f.code, Value: "–"}
	if f.metric != nil {
		v.Name = f.metric.Label(w.language)
	}
	if f.failure != nil {
		v.Missing = strings.TrimSpace(fmt.Sprintf(w.cannot, "", w.reason(f.failure)))
		return v
	}
	row := f.now.row
	switch {
	case row == nil && counted(f.metric):
		v.Missing = w.noData
		return v
	case row == nil:
		v.Missing = w.noFigure
		return v
	case row.Value == nil:
		v.Missing = w.noFigure
	}
	v.Value = w.show(f.metric, row.Value)
	if row.N != nil && f.metric.Kind != metric.Count {
		n := float64(*row.N)
		v.Details = append(v.Details, fmt.Sprintf(w.n, charts.FormatValue(&n, "count", "", w.language)))
	}
	if row.CILow != nil && row.CIHigh != nil {
		v.Details = append(v.Details, fmt.Sprintf(w.interval, w.show(f.metric, row.CILow), w.show(f.metric, row.CIHigh)))
	}
	v.Notes = w.flags(f.metric, row)
	for _, then := range f.against {
		v.Changes = append(v.Changes, w.change(f, then))
	}
	return v
}

func (w *writer) show(m *metric.Metric, v *float64) string {
	return charts.FormatValue(v, m.Unit, w.facts.company.Currency, w.language)
}

func (w *writer) change(f *figureFacts, then standing) changeView {
	told := func(now, then *float64) string {
		return charts.FormatChange(now, then, f.metric.Unit, w.facts.company.Currency, w.language)
	}
	// Two values that look alike beside "+0.4 %" would look like a mistake.
	c := w.facts.compare(f, then, func(now, then *float64) bool {
		return w.show(f.metric, now) == w.show(f.metric, then) || !strings.ContainsAny(told(now, then), "123456789")
	})
	v := changeView{Tone: "none", Against: fmt.Sprintf(w.before, w.medium(then.period))}
	switch c.verdict {
	case noFigure:
		return v
	case noPast:
		v.Word = fmt.Sprintf(w.noPast, w.medium(then.period))
		return v
	case pastBlank:
		v.Word = fmt.Sprintf(w.pastBlank, w.medium(then.period))
		return v
	case tooYoung:
		v.Word = w.tooYoung
	case notOver:
		v.Word = w.notOver
	case same:
		v.Arrow, v.Text = "=", w.same
	case byChance, tooFew, better, worse, justDifferent:
		v.Arrow = "▲"
		if c.delta < 0 {
			v.Arrow = "▼"
		}
		v.Text = told(f.now.row.Value, then.row.Value)
		v.Word, v.Tone = w.verdict(c)
	}
	v.Past = fmt.Sprintf(w.was, w.show(f.metric, then.row.Value))
	return v
}

func (w *writer) verdict(c change) (word, tone string) {
	switch {
	case c.verdict == byChance:
		return w.chance, "none"
	case c.verdict == tooFew:
		return w.tooFew, "none"
	case c.verdict == better:
		return w.better, "good"
	case c.verdict == worse:
		return w.worse, "bad"
	case c.delta > 0:
		return w.higher, "none"
	default:
		return w.lower, "none"
	}
}

// flags says a row's flags in words; one that is not known here is shown as it
// is.
func (w *writer) flags(m *metric.Metric, row *metric.Row) []string {
	var notes []string
	for _, flag := range row.Flags {
		switch flag {
		case metric.Immature:
			notes = append(notes, w.immature)
		case metric.SmallN:
			notes = append(notes, fmt.Sprintf(w.smallN, m.MinimumN))
		case metric.Partial:
			notes = append(notes, w.partial)
		case metric.ReachedBeforeStart:
			notes = append(notes, w.beforeStart)
		case noRows:
			notes = append(notes, w.noRows)
		case metric.WithoutValue:
			notes = append(notes, w.withoutValue)
		default:
			notes = append(notes, fmt.Sprintf(w.otherFlag, strings.ReplaceAll(flag, "_", " ")))
		}
	}
	return notes
}

func (w *writer) definition(m *metric.Metric) definitionView {
	v := definitionView{Name: m.Label(w.language), Code: m.Name, Text: m.Description.In(w.language)}
	var notes []string
	switch m.Direction {
	case "higher":
		notes = append(notes, w.higherIsBetter)
	case "lower":
		notes = append(notes, w.lowerIsBetter)
	}
	if m.MinimumN > 0 {
		notes = append(notes, fmt.Sprintf(w.minimum, m.MinimumN))
	}
	notes = append(notes, fmt.Sprintf(w.owner, m.Owner), fmt.Sprintf(w.version, m.Version))
	v.Notes = strings.Join(notes, w.comma)
	return v
}

// lacking says, before anything else, what is missing from the report.
func (w *writer) lacking() []string {
	f := w.facts
	var all []string
	if f.prepareErr != nil {
		all = append(all, w.prepareFailed)
	}
	if f.stateErr != nil {
		all = append(all, w.stateFailed)
	}
	if f.running() {
		all = append(all, fmt.Sprintf(w.runningPeriod, w.day(f.asOf)))
	}
	switch latest := f.state.latest(); {
	case !f.silent():
	case latest.IsZero():
		all = append(all, w.noEvents)
	default:
		all = append(all, fmt.Sprintf(w.silent, w.minute(latest, f.company.Zone)))
	}
	all = append(all, w.notComputed()...)
	for _, model := range f.state.Models {
		var names []string
		for _, m := range f.metrics {
			if slices.Contains(m.Models(), model.Name) {
				names = append(names, m.Label(w.language))
			}
		}
		if model.Failed && !model.BuiltAt.IsZero() && len(names) > 0 {
			all = append(all, fmt.Sprintf(w.oldModel, model.Name, w.minute(model.BuiltAt, f.company.Zone), strings.Join(names, w.list)))
		}
	}
	return all
}

// notComputed names all that could not be computed, by the reason.
func (w *writer) notComputed() []string {
	names := map[string][]string{}
	var reasons []string
	add := func(name string, failed *failure) {
		if failed == nil {
			return
		}
		reason := w.reason(failed)
		if names[reason] == nil {
			reasons = append(reasons, reason)
		}
		names[reason] = append(names[reason], name)
	}
	for i := range w.facts.sections {
		s := &w.facts.sections[i]
		for j := range s.figures {
			add(w.figure(&s.figures[j]).Name, s.figures[j].failure)
		}
		add(w.heading(s), s.failure)
	}
	var all []string
	for _, reason := range reasons {
		all = append(all, fmt.Sprintf(w.cannot, strings.Join(names[reason], w.list), reason))
	}
	return all
}

// sources says where the figures come from and how fresh that is.
func (w *writer) sources() []pairView {
	f := w.facts
	built := w.builtNever
	if at := f.state.built(); !at.IsZero() {
		built = w.minute(at, f.company.Zone)
	}
	pairs := []pairView{
		{w.asOfKey, w.day(f.asOf)},
		{w.zoneKey, fmt.Sprintf(w.zoneText, f.company.Zone)},
	}
	if f.stateErr != nil {
		return append(pairs, pairView{w.builtKey, w.stateFailed})
	}
	pairs = append(pairs, pairView{w.builtKey, built})
	for _, t := range f.state.Topics {
		last := w.never
		if !t.OccurredAt.IsZero() {
			last = fmt.Sprintf(w.received, w.minute(t.OccurredAt, f.company.Zone), w.minute(t.ReceivedAt, f.company.Zone))
		}
		pairs = append(pairs, pairView{fmt.Sprintf(w.topicKey, t.Name), last})
	}
	if f.state.Refused > 0 {
		n := float64(f.state.Refused)
		pairs = append(pairs, pairView{"", fmt.Sprintf(w.refused, charts.FormatValue(&n, "count", "", w.language))})
	}
	return pairs
}
