package reports

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// Metrics answers for the figures.
type Metrics interface {
	Query(ctx context.Context, req metric.Request) (*metric.Table, error)
	Get(code string) (*metric.Metric, error)
}

// Figures is a view of the warehouse that no build changes while a report is
// made from it: otherwise two of its figures might contradict each other.
type Figures interface {
	Metrics
	// State tells what the figures were made from.
	State(ctx context.Context, period metric.Period) (State, error)
	Close() error
}

// State is what figures were made from.
type State struct {
	Models []ModelState
	Topics []TopicState
	// Refused is how many records of the period are in no figure, since they
	// broke their contract.
	Refused int64
}

// ModelState is how a model stands.
type ModelState struct {
	Name    string
	BuiltAt time.Time // of the version that is read; zero: there is none
	Failed  bool      // its last build was not adopted
}

// TopicState is how far a topic was read.
type TopicState struct {
	Name string
	// OccurredAt is the latest business time of an event, as far as it lies in the
	// past, and ReceivedAt when the last record came in; zero: there is none.
	OccurredAt, ReceivedAt time.Time
}

// built is when the newest model was built.
func (s State) built() time.Time {
	var last time.Time
	for _, m := range s.Models {
		if m.BuiltAt.After(last) {
			last = m.BuiltAt
		}
	}
	return last
}

// latest is the latest business time of any event.
func (s State) latest() time.Time {
	var last time.Time
	for _, t := range s.Topics {
		if t.OccurredAt.After(last) {
			last = t.OccurredAt
		}
	}
	return last
}

// Company is what a report says of the company, and how it counts time.
type Company struct {
	Name      string
	Zone      *time.Location
	Currency  string
	Calendar  metric.Company
	Languages []string // the preferred one first
}

// facts is all that an edition shows, before it is put into words.
type facts struct {
	company  Company
	report   *Report
	period   metric.Period
	asOf     time.Time
	madeAt   time.Time
	sections []sectionFacts
	metrics  []*metric.Metric // in the order of their first use
	state    State
	// stateErr and prepareErr are what went wrong around the figures.
	stateErr, prepareErr error
}

// running tells whether the period goes on still.
func (f *facts) running() bool { return f.asOf.Before(f.period.End) }

// sectionFacts is one section; of figures, one for each metric.
type sectionFacts struct {
	Section
	figures []figureFacts
	chart   *chartFacts
	failure *failure // instead of the chart
}

// figureFacts is one metric in the report's period and in those beside it.
type figureFacts struct {
	code    string
	metric  *metric.Metric // nil where there is none
	failure *failure
	now     standing
	against []standing // the period before, the same one of the year before
}

// standing is a metric in one period.
type standing struct {
	period metric.Period
	row    *metric.Row // nil: nothing is known of the period
}

// value is nil where there is none.
func (s standing) value() *float64 {
	if s.row == nil {
		return nil
	}
	return s.row.Value
}

// chartFacts is a metric along periods or along values of a dimension.
type chartFacts struct {
	metric  *metric.Metric
	periods []metric.Period // of a line
	series  []seriesFacts   // of bars one for each bar, with one row each
	left    []*string       // values of the dimension that are too many
}

type seriesFacts struct {
	name *string // of the dimension; nil: null, or there is no dimension
	rows []*metric.Row
}

// failure is why something can't be shown.
type failure struct {
	kind  failureKind
	model string // of notBuilt
	err   error
}

type failureKind int

const (
	unknownMetric failureKind = iota
	notBuilt                  // a model that it reads has no table yet
	notAsked                  // the request can't be answered as it was asked
	queryFailed
)

// Of a chart so many lines or bars can be told apart.
const maxLines, maxBars = 6, 15

// gather asks for all that a report shows. What can't be had is a fact of its
// own; the error is that of ctx alone.
func gather(ctx context.Context, figures Figures, company Company, r *Report, period metric.Period, asOf time.Time) (*facts, error) {
	f := &facts{company: company, report: r, period: period, asOf: asOf}
	f.state, f.stateErr = figures.State(ctx, period)
	for _, code := range r.codes() {
		if m, err := figures.Get(code); err == nil {
			f.metrics = append(f.metrics, m)
		}
	}
	for _, s := range r.Sections {
		sf := sectionFacts{Section: s}
		switch s.Kind {
		case FiguresSection:
			for _, code := range s.Metrics {
				sf.figures = append(sf.figures, f.figure(ctx, figures, code))
			}
		case LineSection:
			sf.chart, sf.failure = f.line(ctx, figures, s)
		case BarsSection:
			sf.chart, sf.failure = f.bars(ctx, figures, s)
		}
		f.sections = append(f.sections, sf)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return f, nil
}

// noRows is the flag of a row that is counted as zero, since there are no rows.
const noRows = "no_rows"

// query asks for periods from one to another, and says why it can't be had.
func (f *facts) query(ctx context.Context, figures Figures, code string, from, to metric.Period, by []string) (*metric.Table, *metric.Metric, *failure) {
	m, err := figures.Get(code)
	if err != nil {
		return nil, nil, &failure{kind: unknownMetric, err: err}
	}
	table, err := figures.Query(ctx, metric.Request{
		Metric: code, Grain: f.report.Period, From: from.Label, To: to.Label, By: by, AsOf: f.asOf,
	})
	var refused *metric.RequestError
	switch {
	case err == nil:
		return table, m, nil
	case errors.As(err, &refused):
		return nil, m, &failure{kind: notAsked, err: err}
	}
	for _, name := range m.Models() {
		i := slices.IndexFunc(f.state.Models, func(s ModelState) bool { return s.Name == name })
		if f.stateErr == nil && (i < 0 || f.state.Models[i].BuiltAt.IsZero()) {
			return nil, m, &failure{kind: notBuilt, model: name, err: err}
		}
	}
	return nil, m, &failure{kind: queryFailed, err: err}
}

func (f *facts) figure(ctx context.Context, figures Figures, code string) figureFacts {
	compared := f.compared()
	from := compared[0]
	for _, p := range compared {
		if p.Start.Before(from.Start) {
			from = p
		}
	}
	out := figureFacts{code: code}
	var table *metric.Table
	if table, out.metric, out.failure = f.query(ctx, figures, code, from, f.period, nil); out.failure != nil {
		return out
	}
	out.now = standing{period: f.period, row: rowOf(table, table.Rows, f.period)}
	for _, p := range compared {
		out.against = append(out.against, standing{period: p, row: rowOf(table, table.Rows, p)})
	}
	return out
}

// silent tells whether no event has come for the period: its zeros are then
// more likely those of a source that stands still.
func (f *facts) silent() bool {
	latest := f.state.latest()
	begin := time.Date(f.period.Start.Year(), f.period.Start.Month(), f.period.Start.Day(), 0, 0, 0, 0, f.company.Zone)
	return f.stateErr == nil && latest.Before(begin)
}

// compared are the periods that a figure stands beside: of a year just the one
// before.
func (f *facts) compared() []metric.Period {
	before := f.back(1)
	yearAgo := f.company.Calendar.PeriodOf(f.period.Start.AddDate(-1, 0, 0), f.report.Period)
	if before.Label == yearAgo.Label {
		return []metric.Period{before}
	}
	return []metric.Period{before, yearAgo}
}

// back is the period so many before the report's.
func (f *facts) back(n int) metric.Period {
	p := f.period
	for range n {
		p = f.company.Calendar.PeriodOf(p.Start.AddDate(0, 0, -1), f.report.Period)
	}
	return p
}

// rowOf finds a period's row among rows of one series. A period without rows
// has none; for what is counted that is zero, unless nothing is known of any
// time before it, which is more likely the time before the company's data.
func rowOf(table *metric.Table, rows []metric.Row, period metric.Period) *metric.Row {
	earlier := false
	for i := range rows {
		r := &rows[i]
		if r.Period == period.Label {
			return r
		}
		earlier = earlier || r.Start != nil && r.Start.Before(period.Start)
	}
	if !earlier || !counted(table.Metric) {
		return nil
	}
	none, zero := int64(0), 0.0
	start := period.Start
	return &metric.Row{Period: period.Label, Start: &start, Numerator: "0", Value: &zero, N: &none, Flags: []string{noRows}}
}

// counted tells whether no rows at all make the figure zero.
func counted(m *metric.Metric) bool {
	switch m.Kind {
	case metric.Count, metric.Sum, metric.Distinct:
		return true
	default:
		return false
	}
}

func (f *facts) line(ctx context.Context, figures Figures, s Section) (*chartFacts, *failure) {
	var by []string
	if s.By != "" {
		by = []string{s.By}
	}
	table, m, failed := f.query(ctx, figures, s.Metrics[0], f.back(s.Periods-1), f.period, by)
	if failed != nil {
		return nil, failed
	}
	c := &chartFacts{metric: m}
	for n := s.Periods - 1; n >= 0; n-- {
		c.periods = append(c.periods, f.back(n))
	}
	for _, group := range grouped(table) {
		one := seriesFacts{name: group.name}
		for _, p := range c.periods {
			one.rows = append(one.rows, rowOf(table, group.rows, p))
		}
		c.series = append(c.series, one)
	}
	if s.By == "" && len(c.series) == 0 {
		c.series = []seriesFacts{{rows: make([]*metric.Row, len(c.periods))}}
	}
	c.keep(maxLines)
	return c, nil
}

func (f *facts) bars(ctx context.Context, figures Figures, s Section) (*chartFacts, *failure) {
	table, m, failed := f.query(ctx, figures, s.Metrics[0], f.period, f.period, []string{s.By})
	if failed != nil {
		return nil, failed
	}
	c := &chartFacts{metric: m}
	for _, group := range grouped(table) {
		if row := rowOf(table, group.rows, f.period); row != nil {
			c.series = append(c.series, seriesFacts{name: group.name, rows: []*metric.Row{row}})
		}
	}
	c.keep(maxBars)
	// The largest first; what can't be assessed last.
	slices.SortStableFunc(c.series, func(a, b seriesFacts) int {
		return cmp.Compare(valueOr(b.rows[0], math.Inf(-1)), valueOr(a.rows[0], math.Inf(-1)))
	})
	return c, nil
}

func valueOr(r *metric.Row, missing float64) float64 {
	if r == nil || r.Value == nil {
		return missing
	}
	return *r.Value
}

type group struct {
	name *string
	rows []metric.Row
}

// grouped splits a table by its dimension, if it has one, in the order in which
// the values come. Rows without a period belong nowhere.
func grouped(table *metric.Table) []group {
	var groups []group
	for _, r := range table.Rows {
		if r.Start == nil {
			continue
		}
		var name *string
		if len(r.Dimensions) > 0 {
			name = r.Dimensions[0]
		}
		i := slices.IndexFunc(groups, func(g group) bool { return equalText(g.name, name) })
		if i < 0 {
			i = len(groups)
			groups = append(groups, group{name: name})
		}
		groups[i].rows = append(groups[i].rows, r)
	}
	return groups
}

func equalText(a, b *string) bool { return a == b || a != nil && b != nil && *a == *b }

// keep keeps the series with the most behind them, and remembers the others'
// names: they are told of and not dropped in silence.
func (c *chartFacts) keep(most int) {
	slices.SortStableFunc(c.series, func(a, b seriesFacts) int { return cmp.Compare(b.weight(), a.weight()) })
	if len(c.series) <= most {
		return
	}
	for _, s := range c.series[most:] {
		c.left = append(c.left, s.name)
	}
	c.series = c.series[:most]
}

// weight is how many rows are behind a series, or how much where that is not known.
func (s seriesFacts) weight() float64 {
	total := 0.0
	for _, r := range s.rows {
		switch {
		case r == nil:
		case r.N != nil:
			total += float64(*r.N)
		case r.Denominator != "":
			total += math.Abs(decimal(r.Denominator))
		case r.Numerator != "":
			total += math.Abs(decimal(r.Numerator))
		default:
			total += math.Abs(valueOr(r, 0))
		}
	}
	return total
}

func decimal(text string) float64 {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0
	}
	return f
}
