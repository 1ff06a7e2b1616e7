package contracts

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"
)

func TestExamples(t *testing.T) {
	t.Parallel()
	c := &Contract{Event: "lead.created", Major: 1}
	const lines = `{"event": {"type":"lead.created.v1",  "data":{"a":"线"}} }` + "\n\n" +
		`{"reason":"unknown_envelope","event":["no", "event"]}`
	list, err := Examples(fstest.MapFS{"testdata/lead.created.v1.jsonl": {Data: []byte(lines)}}, c)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 2 {
		t.Fatalf("%d examples", len(list))
	}
	if e := list[0]; string(e.Event) != `{"type":"lead.created.v1",  "data":{"a":"线"}}` || e.Reason != "" || e.Line != 1 || e.Path != "testdata/lead.created.v1.jsonl" {
		t.Errorf("first: %+v %s", e, e.Event)
	}
	if e := list[1]; string(e.Event) != `["no", "event"]` || e.Reason != "unknown_envelope" || e.Line != 3 {
		t.Errorf("second: %+v %s", e, e.Event)
	}
}

func TestExamplesRefuse(t *testing.T) {
	t.Parallel()
	const good = `{"event":{"type":"lead.created.v1"}}` + "\n"
	const bad = `{"event":{},"reason":"missing_field"}` + "\n"
	for name, c := range map[string]struct{ text, want string }{
		"none valid":       {bad, `: no valid example; add a line {"event": {…}}`},
		"none invalid":     {good, `: no invalid example; add a line {"event": {…}, "reason": "missing_field"}`},
		"empty":            {"\n", `: no valid example; add a line {"event": {…}}`},
		"no JSON":          {good + bad + "{\n", `:3:1: no example: unexpected EOF; write {"event": {…}} or {"event": {…}, "reason": "missing_field"} on one line`},
		"unknown key":      {good + `{"event":{},"raeson":"x"}`, `:2:1: no example: json: unknown field "raeson"; write {"event": {…}} or {"event": {…}, "reason": "missing_field"} on one line`},
		"two on a line":    {good + strings.TrimSpace(bad) + bad, ":2:1: the line goes on behind the example; write one example a line"},
		"no event":         {good + `{"reason":"missing_field"}`, ":2:1: event: is missing; add the event"},
		"reason, near":     {good + `{"event":{},"reason":"mising_field"}`, `:2:1: reason: "mising_field" is no reason of the quarantine; did you mean missing_field?`},
		"reason, far":      {good + `{"event":{},"reason":"no"}`, `:2:1: reason: "no" is no reason of the quarantine; write ` + strings.Join(reasons(), ", ")},
		"reason, empty":    {good + `{"event":{},"reason":""}`, `:2:1: reason: "" is no reason of the quarantine; write ` + strings.Join(reasons(), ", ")},
		"another type":     {`{"event":{"type":"lead.created.v2"}}`, `:1:1: event.type: is "lead.created.v2"; write lead.created.v1, or move the line to the file of that type`},
		"not an event":     {`{"event":null}`, `:1:1: event.type: is ""; write lead.created.v1, or move the line to the file of that type`},
		"a list, no event": {`{"event":[]}`, ":1:1: event: is no event: json: cannot unmarshal array into Go value of type struct { Type string \"json:\\\"type\\\"\" }; write a structured CloudEvent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list, err := Examples(fstest.MapFS{"testdata/lead.created.v1.jsonl": {Data: []byte(c.text)}}, &Contract{Event: "lead.created", Major: 1})
			if want := "testdata/lead.created.v1.jsonl" + c.want; err == nil || err.Error() != want || list != nil {
				t.Errorf("\n got %v\nwant %s", err, want)
			}
		})
	}
}

func TestCheckExamples(t *testing.T) {
	t.Parallel()
	if err := CheckExamples(Files, defaults(t)); err != nil {
		t.Error(err)
	}
	files := fstest.MapFS{
		"lead.created.v1.yaml":           smallFile("lead.created"),
		"lead.won.v1.yaml":               smallFile("lead.won"),
		"testdata/lead.creatd.v1.jsonl":  {Data: []byte("{}")},
		"testdata/other.thing.v1.jsonl":  {Data: []byte("{}")},
		"testdata/readme.txt":            {Data: []byte("?")},
		"testdata/lead.created.v1.jsonl": {Data: []byte(`{"event":{"type":"lead.created.v1"}}` + "\n" + `{"event":{},"reason":"missing_field"}`)},
	}
	set, err := Load(files)
	if err != nil {
		t.Fatal(err)
	}
	want := `testdata/lead.won.v1.jsonl: lead.won.v1 has no examples; write at least one line {"event": {…}} and one line {"event": {…}, "reason": "missing_field"}
testdata/lead.creatd.v1.jsonl: no contract lead.creatd.v1.yaml; did you mean lead.created.v1.jsonl?
testdata/other.thing.v1.jsonl: no contract other.thing.v1.yaml; write it, or remove the examples
testdata/readme.txt: is no examples file; name it <event>.v<major>.jsonl, or remove it`
	if err := CheckExamples(files, set); err == nil || err.Error() != want {
		t.Errorf("\n got %v\nwant %s", err, want)
	}
	if err := CheckExamples(fstest.MapFS{}, &Set{}); err != nil {
		t.Errorf("no contract and no examples: %v", err)
	}
}

// Every rule of a default contract has an example that breaks this rule and
// no other: the type of each field, required, lengths, allowed values, digits.
func TestDefaultExamplesCoverEveryRule(t *testing.T) {
	t.Parallel()
	for _, c := range defaults(t).All() {
		list, err := Examples(Files, c)
		if err != nil {
			t.Fatal(err)
		}
		broken := map[string]bool{}
		for _, e := range list {
			var event struct {
				Data map[string]any `json:"data"`
			}
			if err := json.Unmarshal(e.Event, &event); err != nil {
				t.Fatalf("%s:%d: %v", e.Path, e.Line, err)
			}
			for i := range c.Fields {
				if why := breaks(&c.Fields[i], event.Data); why != "" {
					if why != e.Reason {
						t.Errorf("%s:%d: %s is %s, the line says %q", e.Path, e.Line, c.Fields[i].Name, why, e.Reason)
					}
					broken[c.Fields[i].Name+" "+why] = true
				}
			}
		}
		for i := range c.Fields {
			for _, why := range rules(&c.Fields[i]) {
				if !broken[c.Fields[i].Name+" "+why] {
					t.Errorf("%s: no example breaks %s by %s", c.Name(), c.Fields[i].Name, why)
				}
			}
		}
	}
}

// rules are the reasons for which the values of a field can be refused.
func rules(f *Field) []string {
	list := []string{"wrong_type"}
	if f.Required {
		list = append(list, "missing_field")
	}
	if f.MinLength > 0 {
		list = append(list, "too_short")
	}
	if f.MaxLength > 0 {
		list = append(list, "too_long")
	}
	if f.Pattern != nil {
		list = append(list, "pattern")
	}
	if len(f.Allowed) > 0 {
		list = append(list, "not_allowed")
	}
	if f.Minimum != nil || f.Maximum != nil {
		list = append(list, "out_of_range")
	}
	if f.Type == Decimal {
		list = append(list, "scale")
	}
	if f.Type == Date || f.Type == Timestamp {
		list = append(list, "invalid_time")
	}
	return list
}

// breaks says which rule of the field the data breaks, as far as the default
// contracts have rules. It is written from docs/formats.md, apart from the
// validation that it stands beside.
func breaks(f *Field, data map[string]any) string {
	v := data[f.Name]
	s, isText := v.(string)
	switch {
	case v == nil && f.Required:
		return "missing_field"
	case v == nil:
		return ""
	case f.Type == Decimal, f.Type == Integer:
		return breaksNumber(f, v)
	case f.Type == Boolean:
		if _, isBool := v.(bool); !isBool {
			return "wrong_type"
		}
		return ""
	case !isText:
		return "wrong_type"
	case f.Type == Date, f.Type == Timestamp:
		return breaksTime(f, s)
	case utf8.RuneCountInString(s) < f.MinLength:
		return "too_short"
	case f.MaxLength > 0 && utf8.RuneCountInString(s) > f.MaxLength:
		return "too_long"
	case f.Pattern != nil && !f.Pattern.MatchString(s):
		return "pattern"
	case len(f.Allowed) > 0 && !slices.Contains(f.Allowed, s):
		return "not_allowed"
	}
	return ""
}

func breaksTime(f *Field, s string) string {
	layout := time.DateOnly
	if f.Type == Timestamp {
		layout = time.RFC3339
	}
	if _, err := time.Parse(layout, s); err != nil {
		return "invalid_time"
	}
	return ""
}

// breaksNumber holds a value against a decimal or a whole number; of the two
// only a decimal may stand in a text.
func breaksNumber(f *Field, v any) string {
	var text string
	switch v := v.(type) {
	case string:
		if f.Type == Integer {
			return "wrong_type"
		}
		text = v
	case float64:
		raw, err := json.Marshal(v)
		if err != nil {
			return err.Error()
		}
		text = string(raw)
	default:
		return "wrong_type"
	}
	value, err := strconv.ParseFloat(text, 64)
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	switch {
	case err != nil || f.Type == Integer && fraction != "":
		return "wrong_type"
	case f.Type == Decimal && (len(whole) > f.Precision-f.Scale || len(fraction) > f.Scale):
		return "scale"
	case f.Minimum != nil && value < *f.Minimum, f.Maximum != nil && value > *f.Maximum:
		return "out_of_range"
	}
	return ""
}

func FuzzExamples(f *testing.F) {
	f.Add(`{"event":{"type":"lead.created.v1"}}` + "\n" + `{"event":{},"reason":"scale"}`)
	f.Add("{\"event\":{\"type\":\"lead.created.v1\"},\"reason\":null}\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := Examples(fstest.MapFS{"testdata/lead.created.v1.jsonl": {Data: []byte(text)}}, &Contract{Event: "lead.created", Major: 1})
		if (err == nil) != (len(list) >= 2) {
			t.Fatalf("%d examples, %v", len(list), err)
		}
		for _, e := range list {
			if !json.Valid(e.Event) || !strings.Contains(text, string(e.Event)) {
				t.Fatalf("event %q", e.Event)
			}
		}
	})
}
