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
	// Sum is a value added over the rows.
	Sum Kind = "sum"
	// Ratio is one part of the rows, or of their values, by another.
	Ratio Kind = "ratio"
	// Average is the mean of a value.
	Average Kind = "average"
	// Distinct is the number of different values of a column.
	Distinct Kind = "distinct"
	// Percentile is a value below which a given share of the rows lies.
	Percentile Kind = "percentile"
	// Conversion is the share of the rows of a cohort that reached a date.
	Conversion Kind = "conversion"
	// Derived is an expression over other metrics.
	Derived Kind = "derived"
)

// kinds lists them in the order in which they are documented.
func kinds() []string {
	list := make([]string, 0, len(rowKinds())+1)
	for _, kind := range append(rowKinds(), Derived) {
		list = append(list, string(kind))
	}
	return list
}

// rowKinds are those that are computed from the rows of one model.
func rowKinds() []Kind {
	return []Kind{Count, Sum, Ratio, Average, Distinct, Percentile, Conversion}
}

// laterKinds are documented and still to come.
func laterKinds() []string { return []string{"cumulative", "period_end"} }

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

	// Value is the number that a sum, an average or a percentile is made of: a
	// column, or SQL over columns.
	Value string
	// At is the place of a percentile, from 0 to 1: 0.5 is the median.
	At float64
	// MeanInterval says that an average carries the 95 % interval of the mean.
	MeanInterval bool
	// Distinct is the column whose different values are counted.
	Distinct string
	// Numerator and Denominator are the parts of a ratio. The rows of the
	// numerator are always some of the denominator's.
	Numerator, Denominator Part

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

// Part is one side of a ratio: the rows that satisfy Where (empty: all), counted,
// or their Value added up.
type Part struct{ Where, Value string }

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
func (m *Metric) Interval() bool { return m.proportion() || m.MeanInterval }

// proportion tells whether the numerator counts rows of the denominator.
func (m *Metric) proportion() bool {
	return m.Kind == Conversion || m.Kind == Ratio && m.Numerator.Value == "" && m.Denominator.Value == ""
}

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
