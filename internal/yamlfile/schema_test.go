package yamlfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestSchemaAgreesWithDecode holds the two readers of one struct against the
// same files.
func TestSchemaAgreesWithDecode(t *testing.T) {
	t.Parallel()
	schema := compile(t, sample{})
	for name, c := range map[string]struct {
		text string
		good bool
	}{
		"all":                 {"owner: x\ntitle: {en: a, zh-Hant: b}\ncount: 1\nshare: 0.5\non: true\ncolumns: [{name: a, kind: text, inner: [{name: b}]}]\nfirst: {b: x}\nany: [1]\nformats: [pdf]\n", true},
		"title as text":       {"title: a\n", true},
		"unknown key":         {"ownr: x\n", false},
		"unknown inside":      {"columns: [{name: a, nmae: b}]\n", false},
		"unknown deep inside": {"columns: [{name: a, inner: [{name: b, c: d}]}]\n", false},
		"unknown in a map":    {"by_name: {x: {name: a, b: c}}\n", false},
		"missing":             {"columns: [{kind: text}]\n", false},
		"enum":                {"columns: [{name: a, kind: txt}]\n", false},
		"enum in a list":      {"formats: [doc]\n", false},
		"number for text":     {"owner: 5\n", false},
		"text for number":     {"count: '5'\n", false},
		"fraction":            {"count: 5.5\n", false},
		"negative":            {"size: -5\n", false},
		"null":                {"owner: ~\n", false},
		"language":            {"title: {fr: a}\n", false},
		"no language":         {"title: {}\n", false},
		"list for text":       {"first: {a: [b]}\n", false},
		"the document":        {"[a]\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := Decode("x.yaml", []byte(c.text), &sample{}); (err == nil) != c.good {
				t.Errorf("Decode: %v", err)
			}
			var value any
			if _, err := Decode("x.yaml", []byte(c.text), &value); err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(value); (err == nil) != c.good {
				t.Errorf("schema: %v", err)
			}
		})
	}
}

func compile(t *testing.T, v any) *jsonschema.Schema {
	t.Helper()
	data, err := Schema("sample", "A sample.", v)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("sample.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("sample.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestSchemaText(t *testing.T) {
	t.Parallel()
	data, err := Schema("Sample", "A sample.", &sample{})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Title, Description string
		Schema             string         `json:"$schema"`
		Defs               map[string]any `json:"$defs"`
		Properties         map[string]map[string]any
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if got.Title != "Sample" || got.Description != "A sample." || got.Schema != "https://json-schema.org/draft/2020-12/schema" {
		t.Errorf("head: %+v", got)
	}
	if got.Properties["owner"]["description"] != "Who answers for it." {
		t.Errorf("owner: %v", got.Properties["owner"])
	}
	if len(got.Defs) != 1 || got.Defs["column"] == nil {
		t.Errorf("$defs: %v", got.Defs)
	}
	if _, ok := got.Properties["Invisible"]; ok {
		t.Error("a hidden field shows")
	}
}

type tree struct {
	Children []tree `yaml:"children"`
}

type blind struct{ X silent }

type silent struct{}

func (*silent) UnmarshalYAML(func(any) error) error { return errors.New("never") }

func TestSchemaOfOddStructs(t *testing.T) {
	t.Parallel()
	schema := compile(t, tree{})
	if err := schema.Validate(map[string]any{"children": []any{map[string]any{"children": []any{}}}}); err != nil {
		t.Error(err)
	}
	if err := schema.Validate(map[string]any{"children": []any{map[string]any{"child": []any{}}}}); err == nil {
		t.Error("an unknown key of a struct that holds itself passes")
	}
	if _, err := Schema("blind", "", blind{}); err == nil || !strings.Contains(err.Error(), "silent decodes itself and has no JSONSchema()") {
		t.Error(err)
	}
	if _, err := Schema("text", "", "x"); err == nil {
		t.Error("a schema of text")
	}
	if _, err := Schema("channel", "", struct{ C chan int }{}); err == nil {
		t.Error("a schema of a channel")
	}
}
