package metric

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
	"github.com/funnelhouse/funnelhouse/warehouse/cases"
)

func TestLoadProject(t *testing.T) {
	t.Parallel()
	set := projectSet(t)
	m, err := set.Get("lead_to_won")
	if err != nil {
		t.Fatal(err)
	}
	if m.Window != 180 || m.Open || m.MinimumN != 30 || m.Unit != "percent" || m.Direction != "higher" || m.Kind != Conversion {
		t.Errorf("got %+v", m)
	}
	derived, err := set.Get("lead_to_won_period")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(derived.Dimensions, " "); got != "channel campaign product region salesperson department" {
		t.Errorf("dimensions of a derived metric: %s", got)
	}
	if got := strings.Join(derived.Models(), " "); got != "marts.leads" {
		t.Errorf("models of a derived metric: %s", got)
	}
	for _, m := range wholeSet(t).All() {
		for _, lang := range []string{"en", "zh-Hans", "zh-Hant"} {
			if m.Labels[lang] == "" || m.Description[lang] == "" {
				t.Errorf("%s has no label or description in %s", m.Name, lang)
			}
		}
	}
}

func TestLoadWithoutMetrics(t *testing.T) {
	t.Parallel()
	set, err := Load(fstest.MapFS{"marts/x.sql": {}})
	if err != nil || len(set.All()) != 0 {
		t.Errorf("got %d metrics, %v", len(set.All()), err)
	}
}

func TestExcludedKeepsItsOrder(t *testing.T) {
	t.Parallel()
	set := mustLoad(t, countOf("m", "excluded: {zebra: channel is null, ant: region is null, middle: product is null}"))
	var order []string
	for _, c := range set.metrics["m"].Excluded {
		order = append(order, c.Reason)
	}
	if got := strings.Join(order, " "); got != "zebra ant middle" {
		t.Errorf("got %s", got)
	}
}

func TestEntityMayBeAList(t *testing.T) {
	t.Parallel()
	set := mustLoad(t, definition("m", "count", "model: marts.x", "entity: [a, b]", "time: d"))
	if got := strings.Join(set.metrics["m"].Entity, " "); got != "a b" {
		t.Errorf("got %s", got)
	}
}

func TestLoadProblems(t *testing.T) {
	t.Parallel()
	won, fresh := countOf("won", "dimensions: [channel, region]"), countOf("fresh", "dimensions: [channel]")
	for _, test := range []struct {
		name    string
		metrics []string
		want    string
	}{
		{"unknown key", []string{countOf("m", "wher: x")}, "metrics/m.yaml:11:1: wher: unknown key; did you mean where?"},
		{"later kind", []string{definition("m", "cumulative", "of: x")}, "metrics/m.yaml:7:7: kind: kind cumulative is not in this version; write count, sum, ratio, average, distinct, percentile, conversion, derived"},
		{"unknown kind", []string{definition("m", "conversoin")}, "metrics/m.yaml:7:7: kind:"},
		{"file name", []string{strings.Replace(countOf("m"), "metric: m", "metric: other", 1)}, ""},
		{"no code", []string{countOf("M-1")}, `metric: "M-1" is no code`},
		{"version", []string{strings.Replace(countOf("m"), "version: 1", "version: 0", 1)}, "metrics/m.yaml:5:10: version: must be 1 or more"},
		{"owner", []string{strings.Replace(countOf("m"), "owner: o\n", "", 1)}, "owner: is missing"},
		{"unit", []string{strings.Replace(countOf("m"), "unit: number", "unit: percents", 1)}, "metrics/m.yaml:6:7: unit:"},
		{"direction", []string{countOf("m", "direction: up")}, "direction:"},
		{"minimum_n", []string{countOf("m", "minimum_n: 0")}, "minimum_n: must be 1 or more"},
		{"window on a count", []string{countOf("m", "window: 30 days")}, "metrics/m.yaml:11:9: window: a count has no window; remove it"},
		{"model", []string{definition("m", "count", "model: leads", "entity: a", "time: d")}, `metrics/m.yaml:8:8: model: "leads" names no model; write schema.table`},
		{"no model", []string{definition("m", "count", "entity: a", "time: d")}, "model: "},
		{"no entity", []string{definition("m", "count", "model: a.b", "time: d")}, "entity: is missing"},
		{"no time", []string{definition("m", "count", "model: a.b", "entity: a")}, "time: is missing"},
		{"no column", []string{definition("m", "count", "model: a.b", "entity: a", `time: "d) --"`)}, `time: "d) --" is no column`},
		{"dimension twice", []string{countOf("m", "dimensions: [a, b, a]")}, "metrics/m.yaml:11:20: dimensions[2]: a stands twice"},
		{"dimension of the result", []string{countOf("m", "dimensions: [value]")}, `dimensions[0]: "value" is a column of the result`},
		{"excluded empty", []string{countOf("m", "excluded: {why: \"\"}")}, "excluded.why: is missing"},
		{"excluded reason", []string{countOf("m", "excluded: {Why Not: a}")}, `excluded.Why Not: "Why Not" is no reason`},
		{"window", []string{conversionOf("m", "six months")}, `metrics/m.yaml:12:9: window: "six months" is no window`},
		{"window missing", []string{definition("m", "conversion", "model: a.b", "entity: a", "time: d", "reached: r")}, "window:"},
		{"window of zero", []string{conversionOf("m", "0 days")}, "is no window"},
		{"reached is time", []string{strings.Replace(conversionOf("m", "none"), "won_date", "created_date", 1)}, "reached: is the same column as time"},
		{"no inputs", []string{definition("m", "derived", "expr: 1 / 2")}, "inputs: are missing"},
		{"no expr", []string{won, definition("m", "derived", "inputs: {won: won}")}, "expr: is missing"},
		{"derived with a model", []string{won, definition("m", "derived", "inputs: {won: won}", "expr: won", "model: a.b")}, "model: a derived has no model"},
		{"derived with dimensions", []string{won, definition("m", "derived", "inputs: {won: won}", "expr: won", "dimensions: [a]")}, "follow from its inputs"},
		{"unknown input", []string{won, definition("m", "derived", "inputs: {a: wno}", "expr: a")}, `metrics/m.yaml:8:13: inputs.a: there is no metric "wno"; write won`},
		{"unknown name", []string{won, fresh, definition("m", "derived", "inputs: {won: won, new: fresh}", "expr: wn / new")}, `metrics/m.yaml:9:7: expr: there is no input "wn"; write won`},
		{"unused input", []string{won, fresh, definition("m", "derived", "inputs: {won: won, new: fresh}", "expr: won")}, "inputs.new: is not used"},
		{"function", []string{won, definition("m", "derived", "inputs: {won: won}", "expr: max(won)")}, `expr: unexpected "(" at character 4`},
		{"input name", []string{won, definition("m", "derived", "inputs: {every_period: won}", "expr: every_period")}, "is no name for an input"},
		{"double underscore", []string{won, definition("m", "derived", "inputs: {a__b: won}", "expr: a__b")}, "is no name for an input"},
		{
			"across nothing",
			[]string{won, fresh, definition("m", "derived", "inputs: {won: won, new: {metric: fresh, across: [regoin]}}", "expr: won / new")},
			`inputs.new.across[0]: no other input has the dimension "regoin"; write region`,
		},
		{"input key", []string{won, definition("m", "derived", "inputs: {won: {metrc: won}}", "expr: won")}, "inputs.won.metrc: unknown key; did you mean metric?"},
		{
			"circle",
			[]string{
				definition("a", "derived", "inputs: {b: b}", "expr: b"), definition("b", "derived", "inputs: {c: c}", "expr: c"),
				definition("c", "derived", "inputs: {b: b}", "expr: b"),
			},
			"metrics/b.yaml:8:1: inputs: goes in a circle: b > c > b",
		},
		{"itself", []string{definition("a", "derived", "inputs: {a: a}", "expr: a")}, "goes in a circle: a > a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := loadText(t, test.metrics...)
			if test.name == "file name" {
				_, err = Load(fstest.MapFS{"metrics/m.yaml": {Data: []byte(test.metrics[0])}})
				test.want = "metrics/m.yaml:1:9: metric: the file is named m; rename the file to other.yaml or write m"
			}
			if len(yamlfile.Problems(err)) == 0 || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestLoadTellsAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := loadText(t, countOf("a", "minimum_n: 0", "window: x"), countOf("b", "reached: x"))
	if got := len(yamlfile.Problems(err)); got != 3 {
		t.Errorf("got %d problems: %v", got, err)
	}
}

func TestACircleIsToldOnce(t *testing.T) {
	t.Parallel()
	_, err := loadText(
		t, definition("a", "derived", "inputs: {z: z}", "expr: z"), definition("m", "derived", "inputs: {z: z}", "expr: z"),
		definition("z", "derived", "inputs: {m: m}", "expr: m"),
	)
	if got := len(yamlfile.Problems(err)); got != 1 {
		t.Errorf("got %d problems: %v", got, err)
	}
}

func TestLoadRefusesYml(t *testing.T) {
	t.Parallel()
	_, err := Load(fstest.MapFS{"metrics/m.yml": {Data: []byte("metric: m")}, "metrics/README.md": {}})
	if err == nil || err.Error() != "metrics/m.yml: the file of a metric ends in .yaml; rename it to metrics/m.yaml" {
		t.Errorf("got %v", err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(countOf("m", "where: a > $as_of", "excluded: {a: b}", "dimensions: [c]"))
	f.Add(conversionOf("m", "180 days"))
	f.Add(definition("m", "derived", "inputs: {a: m}", "expr: a"))
	f.Add(definition("m", "derived", "inputs: {a: {metric: m, across: [b]}}", "expr: (a + 1) / a"))
	f.Fuzz(func(t *testing.T, text string) {
		set, err := Load(fstest.MapFS{"metrics/m.yaml": {Data: []byte(text)}})
		if err != nil {
			if len(yamlfile.Problems(err)) == 0 {
				t.Errorf("not a problem of the file: %v", err)
			}
			return
		}
		for _, m := range set.All() {
			if m.Name != "m" || m.Label("en") == "" || len(m.Models()) != 1 {
				t.Errorf("loaded %+v", m)
			}
		}
	})
}

func compileSchema(t *testing.T, data []byte, err error) *jsonschema.Schema {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func validate(t *testing.T, schema *jsonschema.Schema, text string) error {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return schema.Validate(v)
}

func TestSchemas(t *testing.T) {
	t.Parallel()
	data, err := DefinitionSchema()
	definitions := compileSchema(t, data, err)
	data, err = CaseSchema()
	questions := compileSchema(t, data, err)
	files := projectFiles()
	for _, m := range wholeSet(t).All() {
		paths, err := fs.Glob(files, "testdata/"+m.Name+"/*.yaml")
		if err != nil {
			t.Fatal(err)
		}
		asked := 0
		for _, path := range append(paths, m.Path) {
			text, err := fs.ReadFile(files, path)
			if err != nil {
				t.Fatal(err)
			}
			if path != m.Path && !cases.OfMetric(path, text) {
				continue // a model's of the same name
			}
			schema := questions
			if path == m.Path {
				schema = definitions
			} else {
				asked++
			}
			if err := validate(t, schema, string(text)); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
		if asked == 0 {
			t.Errorf("metric %s has no case", m.Name)
		}
	}
	for name, text := range map[string]string{
		"unknown key": countOf("m", "wher: x"),
		"kind":        definition("m", "period_end"),
		"part":        dealsOf("m", "ratio", "numerator: {were: is_won}"),
		"at":          dealsOf("m", "percentile", "value: amount", "at: half"),
		"input":       definition("m", "derived", "inputs: {a: {metrc: b}}", "expr: a"),
	} {
		if validate(t, definitions, text) == nil {
			t.Errorf("%s: the schema accepts it", name)
		}
	}
}

// The examples of the documentation are metrics as they are written: they load,
// and the schema takes them.
func TestDocumentedMetrics(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "formats.md"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := DefinitionSchema()
	definitions := compileSchema(t, data, err)
	var metrics []string
	for _, block := range strings.Split(string(text), "```yaml\n")[1:] {
		if block, _, _ = strings.Cut(block, "```"); strings.HasPrefix(block, "metric: ") {
			metrics = append(metrics, block)
			if err := validate(t, definitions, block); err != nil {
				t.Error(err)
			}
		}
	}
	shown := map[string]bool{}
	for _, m := range mustLoad(t, metrics...).All() {
		shown[string(m.Kind)] = true
	}
	for _, kind := range kinds() {
		if !shown[kind] {
			t.Errorf("the kind %s has no example", kind)
		}
	}
}
