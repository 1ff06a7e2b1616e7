// Package charts draws figures. A [Spec] says what is seen; it becomes one
// ECharts option, which the page's ECharts draws and the server's too, so that
// page, mail and print show the same picture. The server's ECharts runs inside
// this process, in a JavaScript engine in Go: no browser, no address outside.
//
// What ECharts draws is read again and written out anew from a short list of
// elements and attributes, so that no text of a label can become markup.
package charts

import (
	"errors"
	"fmt"
	"math"
)

// Kind is the form of a chart.
type Kind string

// The kinds. Bars always begin at 0.
const (
	Line Kind = "line"
	Bars Kind = "bars"
)

// Series is one line, or the bars of one colour.
type Series struct {
	Name   string
	Values []*float64 // one for each label; nil: none, a gap
	// Provisional marks values that may still change, by label: drawn dotted and
	// hollow, or pale. Default: none are.
	Provisional []bool
	// Dashed is for what the others are compared with: thin, grey and dashed.
	Dashed bool
}

// Spec is what a chart shows.
type Spec struct {
	Kind   Kind
	Title  string
	Labels []string
	Series []Series
	// Unit is a metric's: percent (of shares between 0 and 1), count, days, hours,
	// minutes, currency, points or number.
	Unit     string
	Currency string // ISO 4217 code, shown where the unit is currency
	Language string // en, zh-Hans or zh-Hant
	// Horizontal lays bars on their side, the first label on top. They suit long
	// labels.
	Horizontal    bool
	Width, Height int // in pixels. Default: 640 and 280
}

// The default size, and the largest: a picture is held in memory.
const (
	defaultWidth  = 640
	defaultHeight = 280
	largestSide   = 4000
	mostPoints    = 10_000
)

// check fills defaults and refuses what can't be drawn.
func (s *Spec) check() error {
	var problems []error
	if s.Kind != Line && s.Kind != Bars {
		problems = append(problems, fmt.Errorf("there is no kind of chart %q; write line or bars", s.Kind))
	}
	if s.Width == 0 {
		s.Width = defaultWidth
	}
	if s.Height == 0 {
		s.Height = defaultHeight
	}
	if min(s.Width, s.Height) < 80 || max(s.Width, s.Height) > largestSide {
		problems = append(problems, fmt.Errorf("%d x %d is no size from 80 to %d pixels", s.Width, s.Height, largestSide))
	}
	if len(s.Labels)*max(len(s.Series), 1) > mostPoints {
		problems = append(problems, fmt.Errorf("%d labels in %d series are more than %d points", len(s.Labels), len(s.Series), mostPoints))
	}
	for _, series := range s.Series {
		if len(series.Values) != len(s.Labels) {
			problems = append(problems, fmt.Errorf("series %s has %d values for %d labels", short(series.Name, 40), len(series.Values), len(s.Labels)))
		}
		for _, v := range series.Values {
			if v != nil && (math.IsNaN(*v) || math.IsInf(*v, 0)) {
				problems = append(problems, fmt.Errorf("series %s holds %v, which is no number", short(series.Name, 40), *v))
				break
			}
		}
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("chart %s: %w", short(s.Title, 60), err)
	}
	return nil
}

// provisional tells whether the value at i may still change.
func (s *Series) provisional(i int) bool { return i < len(s.Provisional) && s.Provisional[i] }
