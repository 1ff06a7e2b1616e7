// Package metric turns a metric's definition into rows at any grain. A metric
// is one YAML file: a condition or a value on rows of one model at one entity,
// so that the rows behind a figure can always be listed; two models meet only
// in a derived metric. A ratio is carried as numerator and denominator and
// divided only to be shown, so parts always add up to their whole.
//
// The package reads definitions and writes SQL. It owns no table: warehouse
// opens the database, warehouse/model builds the models, cmd prints the rows.
package metric

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
)

// Kind is how a metric is computed.
type Kind string

// The kinds of this version.
const (
	// Count is the number of rows.
	Count Kind = "count"
	// Conversion is the share of the rows of a cohort that reached a date.
	Conversion Kind = "conversion"
	// Derived is an expression over other metrics.
	Derived Kind = "derived"
)

func kinds() []string { return []string{string(Count), string(Conversion), string(Derived)} }

// laterKinds are documented and still to come.
func laterKinds() []string {
	return []string{"sum", "ratio", "average", "distinct", "percentile", "cumulative", "period_end"}
}

// Metric is one file of metrics/.
type Metric struct {
	Path        string        // the file it came from
	Name        string        // its code: lead_to_won
	Labels      yamlfile.Text // its name, by language
	Description yamlfile.Text
	Owner       string // the department that answers for it
	Version     int    // grows when the definition changes what is counted
	Unit        string // percent, count, days, hours, minutes, currency, points, number
	// Direction is which way is better: higher, lower, or empty where neither is.
	Direction string
	// MinimumN is the n below which a row is flagged small_n. 0: never.
	MinimumN int
	Kind     Kind
	// Dimensions are the columns that it can be split by. Of a derived metric
	// they follow from its inputs.
	Dimensions []string

	// Of every kind but derived:

	Model    string      // schema.table
	Entity   []string    // the columns that identify a row; the model's whole grain
	Time     string      // the DATE column that says which period a row belongs to
	Where    string      // which rows the metric is about; empty: all
	Excluded []Condition // rows left out, with the reason; the first that holds counts

	// Of a conversion:

	Reached string // the DATE column that says when the row got there
	// Window is the number of days within which Reached counts. Open instead
	// counts it whenever it came, before Time too.
	Window int
	Open   bool

	// Of a derived metric:

	Inputs []Input
	Expr   string

	doc  *yamlfile.Doc
	expr node
	// window is the longest window of the cohorts in it, inputs included.
	window int
	models []string
}

// Condition is one reason for leaving a row out, with its SQL.
type Condition struct {
	Reason, SQL string
}

// Input is one metric that a derived metric is made of.
type Input struct {
	Alias  string // its name in the expression
	Metric string
	// Across lists dimensions that this input is never split or filtered by:
	// where the others are, it is taken whole.
	Across []string
}

// Label is the metric's name in a language, or in the nearest one that it has.
func (m *Metric) Label(lang string) string {
	if label := m.Labels.In(lang); label != "" {
		return label
	}
	return m.Name
}

// Models lists the models that the metric reads, those of its inputs included,
// sorted.
func (m *Metric) Models() []string { return slices.Clone(m.models) }

// Interval tells whether its rows carry a confidence interval.
func (m *Metric) Interval() bool { return m.Kind == Conversion }

// Set holds the metrics of a project.
type Set struct {
	metrics map[string]*Metric
}

// All lists the metrics by name.
func (s *Set) All() []*Metric {
	all := make([]*Metric, 0, len(s.metrics))
	for _, name := range s.Names() {
		all = append(all, s.metrics[name])
	}
	return all
}

// Names lists the metrics' codes, sorted.
func (s *Set) Names() []string { return slices.Sorted(maps.Keys(s.metrics)) }

// Has tells whether there is a metric of this code.
func (s *Set) Has(name string) bool { return s.metrics[name] != nil }

// Get returns the metric of this code. The error names the nearest one.
func (s *Set) Get(name string) (*Metric, error) {
	if m := s.metrics[name]; m != nil {
		return m, nil
	}
	names := s.Names()
	if near := yamlfile.Nearest(name, names); near != "" {
		return nil, fmt.Errorf("there is no metric %q; did you mean %s?", name, near)
	}
	return nil, fmt.Errorf("there is no metric %q; there are: %s", name, orNone(names))
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func has(list []string, s string) bool { return slices.Contains(list, s) }
