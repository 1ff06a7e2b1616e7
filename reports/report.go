// Package reports makes scheduled reports of the figures and brings them to
// the people who asked for them. A report is one YAML file; each time it is
// made it becomes an edition: one HTML file a language that holds its pictures
// itself, and the same as a mail.
//
// Its guarantees: an occurrence of a schedule makes one edition, however often
// the process is killed or the clock is put back; an edition is never written
// over; a section that can't be computed says so in its place; and a mail that
// can't be delivered is tried again or shown, never dropped. They rest on the
// Ledger, files that are written once and never changed.
//
// The package reads metrics through an interface and never the stream or the
// database; cmd hands it what it needs.
package reports

import (
	"fmt"
	"maps"
	"slices"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// Report is one file of reports/.
type Report struct {
	Path     string // the file it came from
	Name     string
	Title    yamlfile.Text
	Period   metric.Grain // month, quarter or year
	Schedule *Schedule    // nil: only made when asked for
	To       []Address
	Sections []Section

	doc *yamlfile.Doc
}

// Address is one entry of a report's to: a role or a mail address.
type Address struct {
	Role, Mail string
}

// Section is one part of a report, in the order of the file.
type Section struct {
	Kind    SectionKind
	Metrics []string // of figures several, otherwise one
	By      string   // of a line empty where it is not split
	Periods int      // of a line: how many, the report's own the last
}

// SectionKind is what a section shows.
type SectionKind string

// The kinds of sections.
const (
	// FiguresSection is a table of metrics in the report's period beside the period
	// before and the same period of the year before.
	FiguresSection SectionKind = "figures"
	// LineSection is a metric over several periods.
	LineSection SectionKind = "line"
	// BarsSection is a metric of the report's period by a dimension.
	BarsSection SectionKind = "bars"
)

// codes lists the metrics of a report in the order of their first use.
func (r *Report) codes() []string {
	var list []string
	for _, s := range r.Sections {
		for _, code := range s.Metrics {
			if !slices.Contains(list, code) {
				list = append(list, code)
			}
		}
	}
	return list
}

// Set holds the reports of a project.
type Set struct {
	reports map[string]*Report
}

// Names lists the reports, sorted.
func (s *Set) Names() []string { return slices.Sorted(maps.Keys(s.reports)) }

// All lists the reports by name.
func (s *Set) All() []*Report {
	var all []*Report
	for _, name := range s.Names() {
		all = append(all, s.reports[name])
	}
	return all
}

// Get returns the report of this name. The error names the nearest one.
func (s *Set) Get(name string) (*Report, error) {
	if r := s.reports[name]; r != nil {
		return r, nil
	}
	names := s.Names()
	if near := yamlfile.Nearest(name, names); near != "" {
		return nil, fmt.Errorf("there is no report %q; did you mean %s?", name, near)
	}
	return nil, fmt.Errorf("there is no report %q; there are: %s", name, list(names))
}
