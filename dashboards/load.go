package dashboards

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// file is a page as it is written.
type file struct {
	Page  string        `yaml:"page" required:"true" doc:"Name of the page, and its address: /pages/NAME. The page named overview is opened first."`
	Title yamlfile.Text `yaml:"title" required:"true" doc:"Heading of the page, by language."`
	Grain string        `yaml:"grain" doc:"Length of the periods that the page opens with; readers can change it. Default: month." enum:"month|quarter|year"`
	Rows  [][]cellFile  `yaml:"rows" required:"true" doc:"What stands beside each other, row by row."`
}

type cellFile struct {
	Figure  string `yaml:"figure" doc:"Metric whose last settled period is shown as a number, with the period before and the year before."`
	Line    string `yaml:"line" doc:"Metric that is shown over the last periods."`
	Bars    string `yaml:"bars" doc:"Metric that is shown as bars: by the dimension in by, otherwise over the last periods."`
	By      string `yaml:"by" doc:"Dimension of the metric that a line or bars are split by."`
	Compare string `yaml:"compare" doc:"What a line is compared with: previous_year." enum:"previous_year"`
}

var pageName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`)

// most that a page holds: each chart takes its time to draw.
const (
	mostRows  = 40
	mostCells = 12 // of a row
)

// SchemaJSON returns the JSON Schema of a page's file, for editors.
func SchemaJSON() ([]byte, error) {
	return yamlfile.Schema("page", "A page of funnelhouse: dashboards/pages/<page>.yaml", file{})
}

// Load reads the pages, which are the .yaml files at the root of files. What is
// wrong in any of them comes back as yamlfile.Problems, all joined; no page at
// all is no error.
func Load(files fs.FS) (*Set, error) {
	all, problems, err := yamlfile.ReadFolder(files, ".", "page")
	if err != nil {
		return nil, err
	}
	l := &loader{names: map[string]string{}, problems: problems}
	set := &Set{}
	for _, f := range all {
		if p := l.page(f.Path, f.Data); p != nil {
			set.pages = append(set.pages, p)
		}
	}
	if len(l.problems) > 0 {
		return nil, errors.Join(l.problems...)
	}
	slices.SortStableFunc(set.pages, func(a, b *Page) int {
		return order(a.Name) - order(b.Name)
	})
	return set, nil
}

func order(name string) int {
	if name == "overview" {
		return 0
	}
	return 1
}

// loader knows what the files before have named.
type loader struct {
	doc      *yamlfile.Doc
	names    map[string]string // page to file
	problems []error
}

func (l *loader) report(field, fix, format string, args ...any) {
	l.problems = append(l.problems, l.doc.Problem(field, fmt.Sprintf(format, args...), fix))
}

// page returns nil for a file that can't be decoded.
func (l *loader) page(path string, data []byte) *Page {
	f := file{Grain: string(metric.Month)}
	var err error
	if l.doc, err = yamlfile.Decode(path, data, &f); err != nil {
		l.problems = append(l.problems, err)
		return nil
	}
	p := &Page{Path: path, Name: f.Page, Title: f.Title, Grain: metric.Grain(f.Grain), doc: l.doc}
	if !pageName.MatchString(f.Page) {
		l.report("page", "write lower-case letters, digits and -, beginning with a letter, for example sales", "%q is no name", f.Page)
	}
	if first, ok := l.names[f.Page]; ok {
		l.report("page", "name one of them otherwise", "%s names the page %s already", first, f.Page)
	}
	l.names[f.Page] = path
	if len(f.Rows) == 0 || len(f.Rows) > mostRows {
		l.report("rows", "write one or more, for example - [{figure: lead_to_won}]", "are %d, not 1 to %d", len(f.Rows), mostRows)
	}
	for i, row := range f.Rows {
		field := fmt.Sprintf("rows[%d]", i)
		if len(row) == 0 || len(row) > mostCells {
			l.report(field, "write what stands in it, for example [{figure: lead_to_won}]", "holds %d, not 1 to %d", len(row), mostCells)
		}
		cells := make([]Cell, len(row))
		for j := range row {
			cells[j] = l.cell(fmt.Sprintf("%s[%d]", field, j), &row[j])
		}
		p.Rows = append(p.Rows, cells)
	}
	return p
}

func (l *loader) cell(field string, f *cellFile) Cell {
	c := Cell{By: f.By, PreviousYear: f.Compare != "", field: field}
	given := 0
	for kind, code := range map[Kind]string{Figure: f.Figure, Line: f.Line, Bars: f.Bars} {
		if code != "" {
			c.Kind, c.Metric = kind, code
			given++
		}
	}
	switch {
	case given == 0:
		l.report(field, "write figure, line or bars and a metric, for example {figure: lead_to_won}", "shows nothing")
	case given > 1:
		l.report(field, "make two of it", "shows more than one of figure, line and bars")
	case c.Kind == Figure && f.By != "":
		l.report(field+".by", "write {bars: "+c.Metric+", by: "+f.By+"}", "a figure is one number and can't be split")
	case c.Kind != Line && c.PreviousYear:
		l.report(field+".compare", "remove it, or write line: "+c.Metric, "is for lines; a figure shows the year before by itself")
	case c.By != "" && c.PreviousYear:
		l.report(field+".compare", "remove compare or by", "can't be read beside a line for each %s", f.By)
	}
	return c
}
