package model

import (
	"slices"
	"strings"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
	"github.com/funnelhouse/funnelhouse/warehouse/sqltree"
)

// header is the YAML in a model's first comment.
type header struct {
	Description  yamlfile.Text                `yaml:"description" required:"true" doc:"What one row is, in a sentence."`
	Grain        grain                        `yaml:"grain" required:"true" doc:"The column, or the list of columns, that tells one row from another. It is always tested: unique and never null."`
	Materialized string                       `yaml:"materialized" doc:"table (default) or view. A view has no rows of its own: where a test fails, its old text stays and reads the new tables. A staging model is a table."`
	Owner        string                       `yaml:"owner" doc:"The department that answers for the model."`
	Event        string                       `yaml:"event" doc:"In staging: the event type, like lead.created, whose rows are kept once per dedupe key. The others go to staging.<model>_duplicates."`
	Columns      yamlfile.Ordered[columnDocs] `yaml:"columns" required:"true" doc:"Every column of the result, in the order of its select list."`
}

// columnDocs is what a header says of one column.
type columnDocs struct {
	Description yamlfile.Text `yaml:"description" required:"true" doc:"What the column holds, with its unit."`
	Tests       []testDef     `yaml:"tests" doc:"What has to hold for every row. A null passes every test but not_null."`
}

// HeaderSchema is the JSON Schema of a model's header.
func HeaderSchema() ([]byte, error) {
	return yamlfile.Schema("funnelhouse model header",
		"The YAML in the comment that a model's SQL file begins with.", header{})
}

// readHeader decodes the comment that the file begins with.
func readHeader(path, text string) (*header, *yamlfile.Doc, error) {
	trimmed := strings.TrimLeft(text, " \t\r\n\ufeff")
	line := strings.Count(text[:len(text)-len(trimmed)], "\n") + 1
	inside, ok := strings.CutPrefix(trimmed, "/*")
	if !ok {
		return nil, nil, &yamlfile.Problem{
			Path: path, Line: line, Column: 1, Message: "the file doesn't begin with its header",
			Fix: "begin with /* and a YAML text that has description, grain and columns, and end it with */",
		}
	}
	inside, _, ok = strings.Cut(inside, "*/")
	if !ok {
		return nil, nil, &yamlfile.Problem{Path: path, Line: line, Column: 1, Message: "the header's comment has no end", Fix: "end it with */"}
	}
	var h header
	doc, err := yamlfile.DecodeAt(path, []byte(inside), line, &h)
	return &h, doc, err
}

// grain is one column or a list of them.
type grain []string

// UnmarshalYAML reads a name or a list of names.
func (g *grain) UnmarshalYAML(decode func(any) error) error {
	var v any
	if err := decode(&v); err != nil {
		return err
	}
	if _, ok := v.([]any); ok {
		return decode((*[]string)(g))
	}
	var one string
	if err := decode(&one); err != nil {
		return err
	}
	*g = grain{one}
	return nil
}

// JSONSchema describes a grain for editors.
func (grain) JSONSchema() map[string]any {
	one := map[string]any{"type": "string"}
	return map[string]any{"oneOf": []any{one, map[string]any{"type": "array", "items": one, "minItems": 1}}}
}

// testDef is a test as it is written: a word, or a mapping with one test's key.
type testDef struct{ Test }

// testKeys is the mapping form of a test.
type testKeys struct {
	Unique         *bool         `yaml:"unique"`
	NotNull        *bool         `yaml:"not_null"`
	AcceptedValues []any         `yaml:"accepted_values"`
	Relationships  *relationship `yaml:"relationships"`
	Expression     string        `yaml:"expression"`
	Severity       string        `yaml:"severity" enum:"fail|warn"`
}

type relationship struct {
	To     string `yaml:"to" required:"true"`
	Column string `yaml:"column" required:"true"`
}

func testWords() []string {
	return []string{string(Unique), string(NotNull), string(AcceptedValues), string(Relationships), string(Expression)}
}

// UnmarshalYAML reads a test in either form.
func (d *testDef) UnmarshalYAML(decode func(any) error) error {
	var v any
	if err := decode(&v); err != nil {
		return err
	}
	if _, ok := v.(map[string]any); ok {
		var keys testKeys
		if err := decode(&keys); err != nil {
			return err
		}
		return d.fromKeys(keys)
	}
	var word string
	if err := decode(&word); err != nil {
		return err
	}
	switch kind := TestKind(word); kind {
	case Unique, NotNull:
		d.Test = Test{Kind: kind, Severity: Fail}
		return nil
	case AcceptedValues, Relationships, Expression:
		return &yamlfile.Problem{Message: word + " needs to be told more", Fix: testExample(kind)}
	default:
		fix := "write one of " + strings.Join(testWords(), ", ")
		if near := yamlfile.Nearest(word, testWords()); near != "" {
			fix = "did you mean " + near + "?"
		}
		return &yamlfile.Problem{Message: word + " is no test", Fix: fix}
	}
}

func testExample(kind TestKind) string {
	switch kind {
	case AcceptedValues:
		return "write {accepted_values: [a, b]}"
	case Relationships:
		return "write {relationships: {to: marts.customers, column: customer_id}}"
	case Expression:
		return `write {expression: "amount >= 0"}`
	case Unique, NotNull:
	}
	return "write " + string(kind)
}

func (d *testDef) fromKeys(keys testKeys) error {
	var tests []Test
	for kind, given := range map[TestKind]*bool{Unique: keys.Unique, NotNull: keys.NotNull} {
		if given == nil {
			continue
		}
		if !*given {
			return &yamlfile.Problem{Field: string(kind), Message: "a test is there or it isn't", Fix: "remove it"}
		}
		tests = append(tests, Test{Kind: kind})
	}
	if keys.AcceptedValues != nil {
		values, err := literals(keys.AcceptedValues)
		if err != nil {
			return err
		}
		tests = append(tests, Test{Kind: AcceptedValues, values: values})
	}
	if r := keys.Relationships; r != nil {
		schema, name, ok := strings.Cut(r.To, ".")
		if !ok {
			return &yamlfile.Problem{Field: "relationships.to", Message: r.To + " has no schema", Fix: testExample(Relationships)}
		}
		tests = append(tests, Test{Kind: Relationships, to: sqltree.Table{Schema: schema, Name: name}, toColumn: r.Column})
	}
	if keys.Expression != "" {
		tests = append(tests, Test{Kind: Expression, expression: keys.Expression})
	}
	if len(tests) != 1 {
		return &yamlfile.Problem{Message: "is not one test", Fix: "write one of " + strings.Join(testWords(), ", ") + " and, where it is only to be reported, severity: warn"}
	}
	d.Test = tests[0]
	d.Severity = Fail
	if keys.Severity != "" {
		d.Severity = Severity(keys.Severity)
	}
	return nil
}

// literals writes the values of a list as SQL.
func literals(values []any) ([]string, error) {
	if len(values) == 0 {
		return nil, &yamlfile.Problem{Field: "accepted_values", Message: "the list is empty", Fix: testExample(AcceptedValues)}
	}
	out := make([]string, len(values))
	for i, v := range values {
		s, ok := yamlfile.ScalarText(v)
		if !ok {
			return nil, &yamlfile.Problem{Field: "accepted_values", Message: "a value is neither text nor a number nor true nor false", Fix: testExample(AcceptedValues)}
		}
		out[i] = s
		if _, text := v.(string); text {
			out[i] = quoteText(s)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// JSONSchema describes a test for editors.
func (testDef) JSONSchema() map[string]any {
	severity := map[string]any{"enum": []any{"fail", "warn"}, "description": "fail (default) keeps the standing table; warn is reported."}
	yes := map[string]any{"const": true}
	one := func(key string, value map[string]any) map[string]any {
		return map[string]any{
			"type": "object", "required": []any{key}, "additionalProperties": false,
			"properties": map[string]any{key: value, "severity": severity},
		}
	}
	name := map[string]any{"type": "string"}
	return map[string]any{"oneOf": []any{
		map[string]any{"enum": []any{string(Unique), string(NotNull)}},
		one(string(Unique), yes),
		one(string(NotNull), yes),
		one(string(AcceptedValues), map[string]any{
			"type": "array", "minItems": 1, "items": map[string]any{"type": []any{"string", "number", "boolean"}},
		}),
		one(string(Relationships), map[string]any{
			"type": "object", "required": []any{"to", "column"}, "additionalProperties": false,
			"properties": map[string]any{"to": name, "column": name},
		}),
		one(string(Expression), map[string]any{"type": "string", "description": "An SQL condition on the columns of one row."}),
	}}
}
