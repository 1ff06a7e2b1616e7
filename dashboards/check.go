package dashboards

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// Check holds every cell against the metrics: that there is the metric, and
// that it has the dimension. All problems come back joined.
func Check(pages *Set, metrics *metric.Set) error {
	var problems []error
	for _, p := range pages.pages {
		for _, row := range p.Rows {
			for _, c := range row {
				if problem := p.check(&c, metrics); problem != nil {
					problems = append(problems, problem)
				}
			}
		}
	}
	return errors.Join(problems...)
}

// check returns nil for a cell that the metrics can answer.
func (p *Page) check(c *Cell, metrics *metric.Set) *yamlfile.Problem {
	m, err := metrics.Get(c.Metric)
	if err != nil {
		return p.doc.Problem(c.field+"."+string(c.Kind), fmt.Sprintf("there is no metric %q", c.Metric), "write "+nearest(c.Metric, metrics.Names()))
	}
	if c.By == "" || slices.Contains(m.Dimensions, c.By) {
		return nil
	}
	return p.doc.Problem(c.field+".by", fmt.Sprintf("%s has no dimension %q", c.Metric, c.By), "write "+nearest(c.By, m.Dimensions))
}

// nearest is the word that was meant, or all there are.
func nearest(word string, known []string) string {
	if near := yamlfile.Nearest(word, known); near != "" {
		return near
	}
	if len(known) == 0 {
		return "nothing here: there are none"
	}
	return "one of " + strings.Join(known, ", ")
}

// Fit returns the pages without the cells that these metrics can't answer, and
// without pages that nothing is left of. It is for the pages built into the
// program, which name metrics that a project may have replaced by its own; a
// project's own pages are held to Check. Where nothing is left, one page shows
// every metric.
func (s *Set) Fit(metrics *metric.Set) *Set {
	fitted := &Set{}
	for _, p := range s.pages {
		kept := *p
		kept.Rows = nil
		for _, row := range p.Rows {
			row = slices.DeleteFunc(slices.Clone(row), func(c Cell) bool { return p.check(&c, metrics) != nil })
			if len(row) > 0 {
				kept.Rows = append(kept.Rows, row)
			}
		}
		if len(kept.Rows) > 0 {
			fitted.pages = append(fitted.pages, &kept)
		}
	}
	if len(fitted.pages) == 0 && len(metrics.Names()) > 0 {
		fitted.pages = []*Page{everything(metrics)}
	}
	return fitted
}

// everything is a page of all metrics.
func everything(metrics *metric.Set) *Page {
	p := &Page{
		Name: "overview", Grain: metric.Month,
		Title: yamlfile.Text{"en": "Overview", "zh-Hans": "总览", "zh-Hant": "總覽"},
	}
	var lines []Cell
	for i, name := range metrics.Names() {
		if i%6 == 0 {
			p.Rows = append(p.Rows, nil)
		}
		last := len(p.Rows) - 1
		p.Rows[last] = append(p.Rows[last], Cell{Kind: Figure, Metric: name})
		lines = append(lines, Cell{Kind: Line, Metric: name, PreviousYear: true})
	}
	for pair := range slices.Chunk(lines, 2) {
		p.Rows = append(p.Rows, pair)
	}
	return p
}
