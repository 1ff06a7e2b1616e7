package contracts

import (
	"bytes"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/funnelhouse/funnelhouse/internal/realdata"
	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
)

// small is a contract with little in it; % stands for the event type.
const small = `apiVersion: v3.1.0
kind: DataContract
id: %
version: 1.0.0
status: active
schema:
  - name: data
    properties:
      - {name: lead_id, logicalType: string}
`

func smallFile(event string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(strings.ReplaceAll(small, "%", event))}
}

func names(list []*Contract) []string {
	var out []string
	for _, c := range list {
		out = append(out, c.Name())
	}
	return out
}

func TestSet(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"lead.created.v1.yaml": smallFile("lead.created"),
		"lead.won.v1.yaml":     smallFile("lead.won"),
		"a.b.c_d.v1.yaml":      smallFile("a.b.c_d"),
		"notes.md":             {Data: []byte("not a contract")},
		"sub/x.yaml":           {Data: []byte("not a contract")},
	}
	for _, major := range []string{"2", "10"} {
		f := smallFile("lead.created")
		f.Data = bytes.ReplaceAll(f.Data, []byte("1.0.0"), []byte(major+".3.1"))
		files["lead.created.v"+major+".yaml"] = f
	}
	set, err := Load(files)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a.b.c_d.v1", "lead.created.v1", "lead.created.v2", "lead.created.v10", "lead.won.v1"}
	if got := names(set.All()); !slices.Equal(got, want) {
		t.Errorf("All: %v", got)
	}
	if got := set.Names(); !slices.Equal(got, want) {
		t.Errorf("Names: %v", got)
	}
	if got := names(set.Event("lead.created")); !slices.Equal(got, want[1:4]) {
		t.Errorf("Event: %v", got)
	}
	if got := set.Event("lead"); got != nil {
		t.Errorf("Event of a part: %v", got)
	}
	if c := set.Lookup("lead.created.v10"); c == nil || c.Major != 10 || c.Version != "10.3.1" || c.Table() != "lead_created_v10" {
		t.Errorf("Lookup: %+v", c)
	}
	for _, name := range []string{"lead.created", "lead.created.v3", ""} {
		if c := set.Lookup(name); c != nil {
			t.Errorf("Lookup(%q) = %v", name, c.Name())
		}
	}
	set.All()[0] = nil
	if set.All()[0] == nil {
		t.Error("the caller of All changed the set")
	}
}

func TestEmptySet(t *testing.T) {
	t.Parallel()
	set, err := Load(fstest.MapFS{})
	if err != nil || len(set.All()) != 0 {
		t.Errorf("%v, %v", set, err)
	}
}

func TestLoadReportsEveryFile(t *testing.T) {
	t.Parallel()
	_, err := Load(fstest.MapFS{
		"a.b_c.v1.yaml": smallFile("a.b_c"),
		"a_b.c.v1.yaml": smallFile("a_b.c"),
		"x.y.v1.yaml":   {Data: []byte("kind: [")},
		"x.z.v1.yml":    smallFile("x.z"),
	})
	want := `x.y.v1.yaml:1:7: not YAML: sequence end token ']' not found; close the bracket
x.z.v1.yml: the file of a contract ends in .yaml; rename it to x.z.v1.yaml
a_b.c.v1.yaml:3:5: id: a_b.c.v1 and a.b_c.v1 of a.b_c.v1.yaml would share the table raw.a_b_c_v1; name one of them otherwise`
	if err == nil || err.Error() != want {
		t.Errorf("\n got %v\nwant %s", err, want)
	}
}

func defaults(t *testing.T) *Set {
	t.Helper()
	set, err := Load(Files)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestDefaultContracts(t *testing.T) {
	t.Parallel()
	set := defaults(t)
	if got, want := len(set.Names()), 30; got != want {
		t.Errorf("%d contracts, want %d: %v", got, want, set.Names())
	}
	var personal []string
	for _, c := range set.All() {
		if c.Owner == "" || c.Domain == "" || c.Status != "active" {
			t.Errorf("%s lacks owner, domain or status: %+v", c.Name(), c)
		}
		if !slices.Equal(c.DedupeKey, []Key{{Attribute: "source"}, {Attribute: "id"}}) {
			t.Errorf("%s: dedupe key %v", c.Name(), c.DedupeKey)
		}
		inAllLanguages(t, c.Name(), c.Purpose)
		for _, f := range c.Fields {
			inAllLanguages(t, c.Name()+" label of "+f.Name, f.Label)
			inAllLanguages(t, c.Name()+" description of "+f.Name, f.Description)
			if f.Personal {
				personal = append(personal, c.Event+" "+f.Name)
			}
			if f.Type == Decimal && f.Name != "size" && f.Unit != "currency" {
				t.Errorf("%s %s: the unit of an amount is %q", c.Name(), f.Name, f.Unit)
			}
		}
		if !c.hasField("recorded_at") {
			t.Errorf("%s doesn't say when it was recorded", c.Name())
		}
	}
	if want := []string{"lead.created email", "survey.response_submitted comment"}; !slices.Equal(personal, want) {
		t.Errorf("personal data: %v, want %v", personal, want)
	}
	amount := set.Lookup("lead.created.v1").Fields[8]
	if amount.Name != "expected_amount" || amount.Type != Decimal || amount.Precision != 18 || amount.Scale != 2 || amount.Unit != "currency" {
		t.Errorf("amount: %+v", amount)
	}
}

func inAllLanguages(t *testing.T, what string, text yamlfile.Text) {
	t.Helper()
	for _, lang := range []string{"en", "zh-Hans", "zh-Hant"} {
		if text[lang] == "" {
			t.Errorf("%s is not there in %s", what, lang)
		}
	}
}

// The standard's own schema is the judge of what we call a contract.
func TestDefaultContractsAreODCS(t *testing.T) {
	t.Parallel()
	file, err := os.Open(realdata.Path(t, "odcs/odcs-json-schema-v3.1.0.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}()
	doc, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	schema := compile(t, doc)
	for _, c := range defaults(t).All() {
		if err := schema.Validate(asAny(t, c.Path)); err != nil {
			t.Errorf("%s: %v", c.Path, err)
		}
	}
	broken := asAny(t, "lead.created.v1.yaml").(map[string]any)
	delete(broken, "kind")
	if schema.Validate(broken) == nil {
		t.Error("a contract without its kind passes")
	}
	if err := schema.Validate(decodeAny(t, full)); err != nil {
		t.Errorf("the contract with everything in it: %v", err)
	}
}

func TestSchemaJSON(t *testing.T) {
	t.Parallel()
	data, err := SchemaJSON()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	schema := compile(t, doc)
	for _, c := range defaults(t).All() {
		if err := schema.Validate(asAny(t, c.Path)); err != nil {
			t.Errorf("%s: %v", c.Path, err)
		}
	}
	if err := schema.Validate(decodeAny(t, full)); err != nil {
		t.Error(err)
	}
	for _, change := range [][2]string{
		{"domain: lead", "domian: lead"},
		{"logicalTypeOptions: {minLength", "logicalTypeOptions: {minLenght"},
		{"property: dedupeKey, value: [source", "property: dedupeKeys, value: [source"},
		{"property: dedupeKey, value: [source", "property: dedupeKey, value: [sauce"},
		{"property: unit", "property: units"},
		{"severity: warning", "severity: warn"},
		{"lead_id: {zh-Hans", "lead_id: {zh-hans"},
	} {
		text := strings.Replace(full, change[0], change[1], 1)
		if text == full {
			t.Fatalf("nothing to change: %s", change[0])
		}
		if schema.Validate(decodeAny(t, text)) == nil {
			t.Errorf("the schema lets %q pass", change[1])
		}
		if _, _, err := parse("lead.created.v1.yaml", []byte(text)); err == nil {
			t.Errorf("parse lets %q pass", change[1])
		}
	}
}

func compile(t *testing.T, doc any) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	if err := c.AddResource("contract.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("contract.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func asAny(t *testing.T, name string) any {
	t.Helper()
	data, err := fs.ReadFile(Files, name)
	if err != nil {
		t.Fatal(err)
	}
	return decodeAny(t, string(data))
}

func decodeAny(t *testing.T, text string) any {
	t.Helper()
	var v any
	if _, err := yamlfile.Decode("x.yaml", []byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}
