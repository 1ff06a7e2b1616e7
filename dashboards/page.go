// Package dashboards shows metrics as web pages. A page is one YAML file: rows
// of figures, lines and bars, each naming a metric. The pages are whole without
// JavaScript; with it, the same charts answer to the pointer. Nothing on a page
// comes from another address.
package dashboards

import (
	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// Page is one file of pages/.
type Page struct {
	Path  string // the file it came from
	Name  string // its address: /pages/overview
	Title yamlfile.Text
	Grain metric.Grain // of the periods it opens with: month, quarter or year
	Rows  [][]Cell

	doc *yamlfile.Doc
}

// Kind is what a cell shows.
type Kind string

// The kinds of cells.
const (
	// Figure is a metric's last settled period as a number, with what it changed by.
	Figure Kind = "figure"
	// Line is a metric over the last periods.
	Line Kind = "line"
	// Bars are a metric's values by a dimension, or over the last periods.
	Bars Kind = "bars"
)

// Cell is one metric on a page.
type Cell struct {
	Kind   Kind
	Metric string
	// By is the dimension that a chart is split by; empty: none.
	By string
	// PreviousYear lays the same periods of the year before behind a line.
	PreviousYear bool

	field string // where it stands in its file
}

// Set holds the pages of a project.
type Set struct {
	pages []*Page
}

// All lists the pages by the names of their files, the one that is opened
// first before the others: overview, where there is one.
func (s *Set) All() []*Page { return s.pages }

// first is the page that is opened first; nil where there is none.
func (s *Set) first() *Page {
	if len(s.pages) == 0 {
		return nil
	}
	return s.pages[0]
}

// Get returns the page of this name, or nil.
func (s *Set) Get(name string) *Page {
	for _, p := range s.pages {
		if p.Name == name {
			return p
		}
	}
	return nil
}
