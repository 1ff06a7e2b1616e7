package metric

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
)

// file is a metric's YAML as it is written.
type file struct {
	Metric      string                     `yaml:"metric" required:"true" doc:"The metric's code, which is also the file's name."`
	Label       yamlfile.Text              `yaml:"label" required:"true" doc:"The name that people read, by language."`
	Description yamlfile.Text              `yaml:"description" required:"true" doc:"What is counted, in one or two sentences."`
	Owner       string                     `yaml:"owner" required:"true" doc:"The department that answers for the definition."`
	Version     int                        `yaml:"version" required:"true" doc:"Grows when the definition changes what is counted. Starts at 1."`
	Unit        string                     `yaml:"unit" required:"true" enum:"percent|count|days|hours|minutes|currency|points|number" doc:"How a value is shown. A percent is kept as a share: 0.25 is shown as 25 %."`
	Direction   string                     `yaml:"direction" enum:"higher|lower" doc:"Which way is better. Leave it out where neither is."`
	MinimumN    *int                       `yaml:"minimum_n" doc:"A row with fewer is flagged small_n. Default: none."`
	Kind        string                     `yaml:"kind" required:"true" enum:"count|sum|ratio|average|distinct|percentile|conversion|derived" doc:"How it is computed."`
	Model       string                     `yaml:"model" doc:"schema.table: the model whose rows are counted."`
	Entity      names                      `yaml:"entity" doc:"The column or columns that identify a row: the model's whole grain."`
	Time        string                     `yaml:"time" doc:"The DATE column that says which period a row belongs to."`
	Where       string                     `yaml:"where" doc:"SQL condition: the rows that the metric is about. Default: all."`
	Excluded    yamlfile.Ordered[string]   `yaml:"excluded" doc:"Reason and SQL condition, in order: rows left out. The first that holds counts."`
	Dimensions  []string                   `yaml:"dimensions" doc:"Columns by which it can be split and filtered."`
	Value       string                     `yaml:"value" doc:"The number that a sum, an average or a percentile is made of: a column, or SQL over columns."`
	At          *float64                   `yaml:"at" doc:"Which percentile: 0.5 is the median, 0.9 the value below which nine of ten rows lie."`
	Interval    bool                       `yaml:"interval" doc:"An average carries the 95 % interval of the mean. Default: false."`
	Distinct    string                     `yaml:"distinct" doc:"The column whose different values are counted."`
	Numerator   *partDef                   `yaml:"numerator" doc:"The part of a ratio that is divided."`
	Denominator *partDef                   `yaml:"denominator" doc:"The part of a ratio that it is divided by. Default: all rows, counted."`
	Reached     string                     `yaml:"reached" doc:"The DATE column that says when a row got there."`
	Window      string                     `yaml:"window" doc:"'180 days', counted from time; or none: every row with reached counts."`
	Inputs      yamlfile.Ordered[inputDef] `yaml:"inputs" doc:"The metrics of a derived metric, each under the name that expr uses."`
	Expr        string                     `yaml:"expr" doc:"Names of inputs, numbers, + - * / and parentheses."`
}

// partDef is one side of a ratio.
type partDef struct {
	Where string `yaml:"where" doc:"SQL condition: the rows of this part. Default: all. The numerator's are sought among the denominator's."`
	Value string `yaml:"value" doc:"A column or SQL over columns, added up over these rows. Default: the rows are counted."`
}

func (d partDef) part() Part {
	return Part{Where: strings.TrimSpace(d.Where), Value: strings.TrimSpace(d.Value)}
}

// names is one name or a list of them.
type names []string

// UnmarshalYAML reads a string or a list of strings.
func (n *names) UnmarshalYAML(decode func(any) error) error {
	var v any
	if err := decode(&v); err != nil {
		return err
	}
	if _, ok := v.([]any); ok {
		return decode((*[]string)(n))
	}
	var one string
	if err := decode(&one); err != nil {
		return err
	}
	*n = names{one}
	return nil
}

// JSONSchema describes names for editors.
func (names) JSONSchema() map[string]any {
	one := map[string]any{"type": "string"}
	return map[string]any{"oneOf": []any{one, map[string]any{"type": "array", "items": one, "minItems": 1}}}
}

// inputDef is the code of a metric, or a mapping that says more.
type inputDef struct {
	Metric string   `yaml:"metric" required:"true" doc:"The code of the metric."`
	Across []string `yaml:"across" doc:"Dimensions that this input is taken whole across."`
}

// UnmarshalYAML reads a string or a mapping.
func (d *inputDef) UnmarshalYAML(decode func(any) error) error {
	var v any
	if err := decode(&v); err != nil {
		return err
	}
	if _, ok := v.(map[string]any); ok {
		type plain inputDef
		return decode((*plain)(d))
	}
	return decode(&d.Metric)
}

// JSONSchema describes an input for editors.
func (inputDef) JSONSchema() map[string]any {
	text := map[string]any{"type": "string"}
	return map[string]any{"oneOf": []any{text, map[string]any{
		"type":                 "object",
		"required":             []any{"metric"},
		"additionalProperties": false,
		"properties": map[string]any{
			"metric": map[string]any{"type": "string", "description": "The code of the metric."},
			"across": map[string]any{
				"type": "array", "items": text, "description": "Dimensions that this input is taken whole across.",
			},
		},
	}}}
}

// Load reads metrics/*.yaml of the sql/ folder. All problems of all files come
// back together, each a *yamlfile.Problem. A project without the folder has no
// metrics.
func Load(files fs.FS) (*Set, error) {
	list, misnamed, err := yamlfile.ReadFolder(files, "metrics", "metric")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	s := &Set{metrics: map[string]*Metric{}}
	var problems []error
	for _, f := range list {
		m, err := parse(f.Path, f.Data)
		if m != nil {
			s.metrics[m.Name] = m
		}
		problems = append(problems, err)
	}
	if err := errors.Join(append(problems, misnamed...)...); err != nil {
		// Inputs are not looked up: most of what would be missing is only broken.
		return nil, err
	}
	if err := s.resolve(); err != nil {
		return nil, err
	}
	return s, nil
}

// loader collects the problems of one file.
type loader struct {
	f        file
	doc      *yamlfile.Doc
	problems []error
}

func (l *loader) problem(field, fix, format string, args ...any) {
	l.problems = append(l.problems, l.doc.Problem(field, fmt.Sprintf(format, args...), fix))
}

var (
	codePattern = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	// Columns are those that models make, which are lower case.
	columnPattern = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)
	modelPattern  = regexp.MustCompile(`^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$`)
	windowPattern = regexp.MustCompile(`^([1-9][0-9]{0,4}) days?$`)
)

func parse(name string, data []byte) (*Metric, error) {
	l := &loader{}
	var err error
	l.doc, err = yamlfile.Decode(name, data, &l.f)
	if err != nil {
		return nil, laterKind(name, data, err)
	}
	l.head(name)
	l.keys()
	m := l.metric(name)
	switch m.Kind {
	case Derived:
		l.derived(m)
	case Count, Sum, Ratio, Average, Distinct, Percentile, Conversion:
		l.rows(m)
	}
	return m, errors.Join(l.problems...)
}

// laterKind puts the kind before its keys: a metric of a kind that is still to
// come would otherwise be told only that its keys are unknown.
func laterKind(name string, data []byte, err error) error {
	var f map[string]any
	doc, mapErr := yamlfile.Decode(name, data, &f)
	if mapErr != nil {
		return err
	}
	if kind, ok := f["kind"].(string); ok && has(laterKinds(), kind) {
		return doc.Problem("kind", "kind "+kind+" is not in this version", "write "+strings.Join(kinds(), ", "))
	}
	return err
}

// nearestOr is the nearest known word, or all of them.
func nearestOr(word string, known []string) string {
	if near := yamlfile.Nearest(word, known); near != "" {
		return near
	}
	return orNone(known)
}

// head checks the keys that every kind has.
func (l *loader) head(name string) {
	f := &l.f
	base := strings.TrimSuffix(path.Base(name), ".yaml")
	switch {
	case !codePattern.MatchString(f.Metric):
		l.problem("metric", "write lower-case words joined by _, for example lead_to_won", "%q is no code", f.Metric)
	case f.Metric != base:
		l.problem("metric", "rename the file to "+f.Metric+".yaml or write "+base, "the file is named %s", base)
	}
	l.need("owner", f.Owner, "name the department that answers for the definition")
	if f.Label.In("en") == "" {
		l.problem("label", "write the name that people read", "is missing")
	}
	if f.Description.In("en") == "" {
		l.problem("description", "say what is counted", "is missing")
	}
	if f.Version < 1 {
		l.problem("version", "start at 1 and raise it when the definition changes what is counted", "must be 1 or more")
	}
	if f.MinimumN != nil && *f.MinimumN < 1 {
		l.problem("minimum_n", "write the smallest n that is worth judging, or leave it out", "must be 1 or more")
	}
}

func (l *loader) need(field, value, fix string) {
	if strings.TrimSpace(value) == "" {
		l.problem(field, fix, "is missing")
	}
}

// keys refuses the keys of another kind.
func (l *loader) keys() {
	f, kind := &l.f, Kind(l.f.Kind)
	for _, key := range []struct {
		name    string
		present bool
		of      []Kind
	}{
		{"minimum_n", f.MinimumN != nil, rowKinds()},
		{"model", f.Model != "", rowKinds()},
		{"entity", f.Entity != nil, rowKinds()},
		{"time", f.Time != "", rowKinds()},
		{"where", f.Where != "", rowKinds()},
		{"excluded", f.Excluded != nil, rowKinds()},
		{"dimensions", f.Dimensions != nil, rowKinds()},
		{"value", f.Value != "", []Kind{Sum, Average, Percentile}},
		{"at", f.At != nil, []Kind{Percentile}},
		{"interval", f.Interval, []Kind{Average}},
		{"distinct", f.Distinct != "", []Kind{Distinct}},
		{"numerator", f.Numerator != nil, []Kind{Ratio}},
		{"denominator", f.Denominator != nil, []Kind{Ratio}},
		{"reached", f.Reached != "", []Kind{Conversion}},
		{"window", f.Window != "", []Kind{Conversion}},
		{"inputs", f.Inputs != nil, []Kind{Derived}},
		{"expr", f.Expr != "", []Kind{Derived}},
	} {
		if key.present && !slices.Contains(key.of, kind) {
			fix := "remove it"
			switch {
			case key.name == "dimensions":
				fix = "remove it: the dimensions of a derived metric follow from its inputs"
			case key.name == "value" && kind == Ratio:
				fix = "write it inside numerator or denominator"
			}
			l.problem(key.name, fix, "a %s has no %s", kind, key.name)
		}
	}
}

func (l *loader) metric(name string) *Metric {
	f := &l.f
	m := &Metric{
		Path: name, Name: f.Metric, Labels: f.Label, Description: f.Description, Owner: f.Owner, Version: f.Version,
		Unit: f.Unit, Direction: f.Direction, Kind: Kind(f.Kind), Dimensions: f.Dimensions,
		Model: f.Model, Entity: f.Entity, Time: f.Time, Where: f.Where, Value: strings.TrimSpace(f.Value), MeanInterval: f.Interval,
		Distinct: f.Distinct, Reached: f.Reached, Expr: f.Expr, doc: l.doc,
	}
	if f.At != nil {
		m.At = *f.At
	}
	if f.Numerator != nil {
		m.Numerator = f.Numerator.part()
	}
	if f.Denominator != nil {
		m.Denominator = f.Denominator.part()
	}
	if f.MinimumN != nil {
		m.MinimumN = *f.MinimumN
	}
	for _, e := range f.Excluded {
		m.Excluded = append(m.Excluded, Condition{Reason: e.Key, SQL: e.Value})
	}
	for _, e := range f.Inputs {
		m.Inputs = append(m.Inputs, Input{Alias: e.Key, Metric: e.Value.Metric, Across: e.Value.Across})
	}
	return m
}

// rows checks a metric that counts the rows of one model.
func (l *loader) rows(m *Metric) {
	if !modelPattern.MatchString(m.Model) {
		l.problem("model", "write schema.table, for example marts.leads", "%q names no model", m.Model)
	}
	if len(m.Entity) == 0 {
		l.problem("entity", "write the model's grain, for example lead_id", "is missing")
	}
	l.columns("entity", m.Entity)
	l.column("time", m.Time)
	l.columns("dimensions", m.Dimensions)
	for i, d := range m.Dimensions {
		if has(reservedNames(), d) {
			l.problem(index("dimensions", i), "give the model's column another name", "%q is a column of the result", d)
		}
	}
	for _, c := range m.Excluded {
		if !codePattern.MatchString(c.Reason) {
			l.problem("excluded."+c.Reason, "write lower-case words joined by _, for example not_yet_due", "%q is no reason", c.Reason)
		}
		l.need("excluded."+c.Reason, c.SQL, "write a SQL condition")
	}
	l.measure(m)
}

// measure checks what is counted or added up of the rows.
func (l *loader) measure(m *Metric) {
	switch m.Kind {
	case Sum, Average:
		l.need("value", m.Value, "name the column that is added up, for example amount")
	case Percentile:
		l.need("value", m.Value, "name the column of the values, for example cycle_days")
		if l.f.At == nil || *l.f.At < 0 || *l.f.At > 1 {
			l.problem("at", "write 0.5 for the median, 0.9 for the value below which nine of ten rows lie", "must be a number from 0 to 1")
		}
	case Distinct:
		l.column("distinct", m.Distinct)
	case Ratio:
		switch {
		case l.f.Numerator == nil:
			l.problem("numerator", "write which rows are the numerator, for example {where: is_won}", "is missing")
		case m.Numerator == Part{} && m.Denominator.Value == "":
			l.problem("numerator", "write where, value or both", "is the same as the denominator")
		}
	case Conversion:
		l.conversion(m)
	case Count, Derived:
	}
}

func (l *loader) conversion(m *Metric) {
	l.column("reached", m.Reached)
	if m.Reached == m.Time && m.Time != "" {
		l.problem("reached", "name the column of the day on which the row got there", "is the same column as time")
	}
	if l.f.Window == "none" {
		m.Open = true
		return
	}
	parts := windowPattern.FindStringSubmatch(l.f.Window)
	if parts == nil {
		l.problem("window", `write a number of days, for example "180 days", or none`, "%q is no window", l.f.Window)
		return
	}
	days, err := strconv.Atoi(parts[1])
	if err != nil {
		l.problem("window", `write a number of days, for example "180 days"`, "%q is no window", l.f.Window)
	}
	m.Window, m.window = days, days
}

func (l *loader) column(field, name string) {
	if name == "" {
		l.problem(field, "name a column of the model", "is missing")
	} else if !columnPattern.MatchString(name) {
		l.problem(field, "name a column of the model, in lower case", "%q is no column", name)
	}
}

func (l *loader) columns(field string, list []string) {
	for i, name := range list {
		l.column(index(field, i), name)
		if has(list[:i], name) {
			l.problem(index(field, i), "remove one", "%s stands twice", name)
		}
	}
}

func index(field string, i int) string { return field + "[" + strconv.Itoa(i) + "]" }
