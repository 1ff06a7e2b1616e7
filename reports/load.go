package reports

import (
	"errors"
	"fmt"
	"io/fs"
	"net/mail"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

const notYet = "is not in this version"

var reportName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,63}$`)

// Roles are those that a report may be sent to.
func Roles() []string {
	return []string{"management", "analyst", "marketing", "rnd", "sales", "service"}
}

// file is a report as it is written.
type file struct {
	Report   string        `yaml:"report" required:"true" doc:"Name of the report, which is also the file's name."`
	Title    yamlfile.Text `yaml:"title" required:"true" doc:"The title that people read, by language."`
	Period   string        `yaml:"period" required:"true" enum:"month|quarter|year" doc:"What one edition is about."`
	Send     *sendFile     `yaml:"send" doc:"When serve makes it. Default: only when it is asked for."`
	To       []string      `yaml:"to" doc:"Who gets it by mail: role:management, or a mail address."`
	Formats  []format      `yaml:"formats" doc:"What is written. Default: [html]."`
	Sections []sectionFile `yaml:"sections" required:"true" doc:"What it shows, from top to bottom."`
}

type sendFile struct {
	Cron   string `yaml:"cron" doc:"Minute, hour, day of the month, month, day of the week: '0 8 2 * *' is 8:00 on every second. Also L (last day), 15W (working day nearest to the 15th), 5#1 (first Friday)."`
	Zone   string `yaml:"zone" doc:"Time zone of cron. Default: company.zone. Periods are always the company's."`
	When   closed `yaml:"when" doc:"Not in this version."`
	Latest later  `yaml:"latest" doc:"Not in this version."`
}

// sectionFile is a section as it is written: a mapping, or the bare word of a
// section that is still to come.
type sectionFile struct {
	Figures   []string `yaml:"figures" doc:"Codes of metrics: value, change, n and interval in a table."`
	Line      string   `yaml:"line" doc:"Code of a metric: its course over several periods."`
	Bars      string   `yaml:"bars" doc:"Code of a metric: the report's period, one bar for each value of a dimension."`
	By        string   `yaml:"by" doc:"Dimension: a line or a bar for each value."`
	Periods   *int     `yaml:"periods" doc:"Of a line: how many periods. Default: 13 months, 9 quarters or 5 years."`
	Scorecard later    `yaml:"scorecard" doc:"Not in this version."`
}

// format, closed and later know the words of other versions, so that who writes one is
// told so and not that it is unknown.
type (
	format string
	closed struct{}
	later  struct{}
)

// UnmarshalYAML accepts html.
func (f *format) UnmarshalYAML(decode func(any) error) error {
	if err := decode((*string)(f)); err != nil {
		return err
	}
	switch *f {
	case "html":
		return nil
	case "pdf", "xlsx":
		return &yamlfile.Problem{Message: string(*f) + " " + notYet, Fix: "write [html]"}
	}
	return &yamlfile.Problem{Message: fmt.Sprintf("%q is no format", *f), Fix: "write [html]"}
}

// JSONSchema describes the words for editors.
func (format) JSONSchema() map[string]any { return map[string]any{"enum": []string{"html"}} }

// UnmarshalYAML refuses any value.
func (*closed) UnmarshalYAML(func(any) error) error {
	return &yamlfile.Problem{Message: notYet, Fix: `write cron: "0 8 2 * *" instead`}
}

// JSONSchema refuses any value.
func (closed) JSONSchema() map[string]any { return map[string]any{"not": map[string]any{}} }

// UnmarshalYAML refuses any value.
func (*later) UnmarshalYAML(func(any) error) error {
	return &yamlfile.Problem{Message: notYet, Fix: "remove it"}
}

// JSONSchema refuses any value.
func (later) JSONSchema() map[string]any { return map[string]any{"not": map[string]any{}} }

// UnmarshalYAML reads a mapping, and knows the bare words of other versions.
func (s *sectionFile) UnmarshalYAML(decode func(any) error) error {
	var v any
	if err := decode(&v); err != nil {
		return err
	}
	if word, ok := v.(string); ok {
		if word == "adjustments" || word == "data_quality" {
			return &yamlfile.Problem{Message: "the section " + word + " " + notYet, Fix: "remove it"}
		}
		return &yamlfile.Problem{Message: fmt.Sprintf("%q is no section", word), Fix: "write {figures: [CODE]}, {line: CODE} or {bars: CODE, by: DIMENSION}"}
	}
	type plain sectionFile
	return decode((*plain)(s))
}

// JSONSchema describes the sections for editors.
func (sectionFile) JSONSchema() map[string]any {
	text := func(doc string) map[string]any { return map[string]any{"type": "string", "description": doc} }
	section := func(required []string, properties map[string]any) map[string]any {
		return map[string]any{"type": "object", "required": required, "properties": properties, "additionalProperties": false}
	}
	return map[string]any{"oneOf": []any{
		section([]string{"figures"}, map[string]any{"figures": map[string]any{
			"type": "array", "minItems": 1, "items": map[string]any{"type": "string"},
			"description": "Codes of metrics: value, change, n and interval in a table.",
		}}),
		section([]string{"line"}, map[string]any{
			"line": text("Code of a metric: its course over several periods."),
			"by":   text("Dimension: a line for each value."),
			"periods": map[string]any{
				"type": "integer", "minimum": leastPeriods, "maximum": mostPeriods,
				"description": "How many periods. Default: 13 months, 9 quarters or 5 years.",
			},
		}),
		section([]string{"bars", "by"}, map[string]any{
			"bars": text("Code of a metric in the report's period."),
			"by":   text("Dimension: a bar for each value."),
		}),
	}}
}

// A line has so many periods: one is no line, and more than three years of
// months can't be read in a mail.
const leastPeriods, mostPeriods = 2, 37

// SchemaJSON returns the JSON Schema of a report, for editors.
func SchemaJSON() ([]byte, error) {
	return yamlfile.Schema("funnelhouse report", "What people get, when and how: reports/<report>.yaml", file{})
}

// Load reads the reports, which are the .yaml files at the root of files.
// company is the zone that a schedule without one of its own is in. What is
// wrong comes back as yamlfile.Problems, all joined; no report at all is no
// error.
func Load(files fs.FS, company *time.Location) (*Set, error) {
	all, problems, err := yamlfile.ReadFolder(files, ".", "report")
	if err != nil {
		return nil, err
	}
	s := &Set{reports: map[string]*Report{}}
	for _, f := range all {
		l := &loader{company: company}
		if r := l.report(f.Path, f.Data); r != nil {
			s.reports[r.Name] = r
		}
		problems = append(problems, l.problems...)
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return s, nil
}

type loader struct {
	company  *time.Location
	doc      *yamlfile.Doc
	problems []error
}

func (l *loader) tell(field, fix, format string, args ...any) {
	l.problems = append(l.problems, l.doc.Problem(field, fmt.Sprintf(format, args...), fix))
}

// report returns nil for a file that can't be decoded.
func (l *loader) report(name string, data []byte) *Report {
	var f file
	var err error
	if l.doc, err = yamlfile.Decode(name, data, &f); err != nil {
		l.problems = append(l.problems, err)
		return nil
	}
	r := &Report{Path: name, Name: f.Report, Title: f.Title, Period: metric.Grain(f.Period), doc: l.doc}
	if !reportName.MatchString(f.Report) {
		l.tell("report", "write lower-case letters, digits, - and _, beginning with a letter, at most 64", "%q is no name", f.Report)
	} else if base := strings.TrimSuffix(path.Base(name), ".yaml"); base != f.Report {
		l.tell("report", "write "+base+", or rename the file to "+f.Report+".yaml", "%s is not the file's name", f.Report)
	}
	for language, title := range f.Title {
		// It becomes the subject of a mail, which is one line.
		if strings.TrimSpace(title) == "" || strings.ContainsFunc(title, unicode.IsControl) {
			l.tell("title."+language, "write it on one line", "is empty or holds a line break")
		}
	}
	if f.Send != nil {
		l.schedule(r, f.Send)
	}
	for i, to := range f.To {
		l.address(r, i, to, f.To[:i])
	}
	for i, s := range f.Sections {
		r.Sections = append(r.Sections, l.section(fmt.Sprintf("sections[%d]", i), s, r.Period))
	}
	if len(f.Sections) == 0 {
		l.tell("sections", "write at least {figures: [CODE]}", "is empty")
	}
	return r
}

func (l *loader) schedule(r *Report, f *sendFile) {
	zone := l.company
	if f.Zone != "" {
		var err error
		if zone, err = time.LoadLocation(f.Zone); err != nil || f.Zone == "Local" {
			l.tell("send.zone", "write a name of the IANA database, like Asia/Shanghai", "%q is no time zone", f.Zone)
			return
		}
	}
	if f.Cron == "" {
		l.tell("send", "write send: {cron: \"0 8 2 * *\"}", "has no cron")
		return
	}
	s, err := NewSchedule(f.Cron, zone)
	if err != nil {
		l.tell("send.cron", "write minute, hour, day, month, weekday, like \"0 8 2 * *\"", "%v", err)
		return
	}
	r.Schedule = s
}

func (l *loader) address(r *Report, i int, to string, before []string) {
	field := fmt.Sprintf("to[%d]", i)
	if slices.Contains(before, to) {
		l.tell(field, "keep one of them", "%s stands twice", to)
		return
	}
	if role, ok := strings.CutPrefix(to, "role:"); ok {
		if !slices.Contains(Roles(), role) {
			fix := "write one of: " + list(Roles())
			if near := yamlfile.Nearest(role, Roles()); near != "" {
				fix = "did you mean role:" + near + "?"
			}
			l.tell(field, fix, "there is no role %q", role)
			return
		}
		r.To = append(r.To, Address{Role: role})
		return
	}
	if a, err := mail.ParseAddress(to); err != nil || a.Address != to {
		l.tell(field, "write role:management, or one like wang@example.com", "%q is neither a role nor a mail address", to)
		return
	}
	r.To = append(r.To, Address{Mail: to})
}

func (l *loader) section(field string, f sectionFile, grain metric.Grain) Section {
	s := Section{By: f.By}
	kinds := 0
	if f.Figures != nil {
		s.Kind, s.Metrics, kinds = FiguresSection, f.Figures, kinds+1
	}
	if f.Line != "" {
		s.Kind, s.Metrics, kinds = LineSection, []string{f.Line}, kinds+1
	}
	if f.Bars != "" {
		s.Kind, s.Metrics, kinds = BarsSection, []string{f.Bars}, kinds+1
	}
	if kinds != 1 {
		l.tell(field, "write {figures: [CODE]}, {line: CODE} or {bars: CODE, by: DIMENSION}", "holds %d of figures, line and bars", kinds)
		return s
	}
	for i, code := range f.Figures {
		if slices.Contains(f.Figures[:i], code) {
			l.tell(fmt.Sprintf("%s.figures[%d]", field, i), "keep one of them", "%s stands twice", code)
		}
	}
	switch {
	case s.Kind == FiguresSection && len(f.Figures) == 0:
		l.tell(field+".figures", "write at least one code", "is empty")
	case s.Kind == FiguresSection && f.By != "":
		l.tell(field+".by", "remove it, or write bars: CODE for each", "figures aren't split")
	case s.Kind == BarsSection && f.By == "":
		l.tell(field+".bars", "add by: DIMENSION", "has no dimension")
	}
	switch {
	case f.Periods != nil && s.Kind != LineSection:
		l.tell(field+".periods", "remove it", "only a line has periods")
	case f.Periods != nil && (*f.Periods < leastPeriods || *f.Periods > mostPeriods):
		l.tell(field+".periods", fmt.Sprintf("write a number from %d to %d", leastPeriods, mostPeriods), "%d periods are no line that one can read", *f.Periods)
	case f.Periods != nil:
		s.Periods = *f.Periods
	case s.Kind == LineSection:
		// A year and one more, so that the period of the year before is on it.
		s.Periods = map[metric.Grain]int{metric.Month: 13, metric.Quarter: 9, metric.Year: 5}[grain]
	}
	return s
}

func list(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}
