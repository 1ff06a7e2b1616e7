package yamlfile

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

type shared struct {
	Owner string `yaml:"owner" doc:"Who answers for it."`
}

type column struct {
	Name    string   `yaml:"name" required:"true"`
	Kind    string   `yaml:"kind" enum:"text|number"`
	Allowed []string `yaml:"allowed"`
	Inner   []column `yaml:"inner"`
}

type sample struct {
	shared    `yaml:",inline"`
	Title     Text              `yaml:"title"`
	Count     int8              `yaml:"count"`
	Size      uint16            `yaml:"size"`
	Share     *float64          `yaml:"share"`
	On        bool              `yaml:"on"`
	At        time.Time         `yaml:"at"`
	Columns   []column          `yaml:"columns"`
	ByName    map[string]column `yaml:"by_name"`
	First     Ordered[string]   `yaml:"first"`
	Any       any               `yaml:"any"`
	Tests     []oneOrMany       `yaml:"tests"`
	Formats   []string          `yaml:"formats" enum:"html|pdf"`
	Untagged  string
	Invisible string `yaml:"-"`
}

// oneOrMany is text or a mapping, as tests of a column are.
type oneOrMany struct {
	Word string
	Col  column
}

func (o *oneOrMany) UnmarshalYAML(decode func(any) error) error {
	if decode(&o.Word) == nil {
		if o.Word == "bad" {
			return errors.New("bad is no word")
		}
		if o.Word == "worse" {
			return &Problem{Field: "inside", Message: "worse than bad", Fix: "write good"}
		}
		return nil
	}
	return decode(&o.Col)
}

func (oneOrMany) JSONSchema() map[string]any {
	return map[string]any{"oneOf": []any{map[string]any{"type": "string"}, map[string]any{"type": "object"}}}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	var got sample
	doc, err := Decode("x.yaml", []byte(`# a comment
owner: 'marketing'
title: {en: Lead, zh-Hans: 线索}
count: -5
size: 65535
share: 1e-2
on: true
at: 2026-10-03T09:12:44+08:00
columns:
  - name: a   # trailing
    kind: text
    allowed: [x, "1", 'true']
  - {name: b, inner: [{name: c}]}
by_name:
  a.b: {name: d}
first: {z: 1st, a: 2nd}
any: {n: 3, f: 1.50, s: "3", l: [~, false, 2026-10-31], big: 99999999999999999999}
tests: [unique, {name: e}]
formats: [html]
untagged: |
  line one
  line two
`), &got)
	if err != nil {
		t.Fatal(err)
	}
	share := 0.01
	want := sample{
		shared: shared{Owner: "marketing"}, Title: Text{"en": "Lead", "zh-Hans": "线索"}, Count: -5, Size: 65535, Share: &share,
		On: true, At: got.At, Columns: []column{
			{Name: "a", Kind: "text", Allowed: []string{"x", "1", "true"}},
			{Name: "b", Inner: []column{{Name: "c"}}},
		},
		ByName: map[string]column{"a.b": {Name: "d"}}, First: Ordered[string]{{"z", "1st"}, {"a", "2nd"}},
		Any: map[string]any{
			"n": int64(3), "f": 1.5, "s": "3", "l": []any{nil, false, "2026-10-31"}, "big": 1e20,
		},
		Tests: []oneOrMany{{Word: "unique"}, {Col: column{Name: "e"}}}, Formats: []string{"html"},
		Untagged: "line one\nline two\n",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("decoded\n%+v\nwant\n%+v", got, want)
	}
	if at := time.Date(2026, 10, 3, 1, 12, 44, 0, time.UTC); !got.At.Equal(at) {
		t.Errorf("at = %v, want %v", got.At, at)
	}
	if v, ok := got.First.Get("a"); v != "2nd" || !ok {
		t.Errorf("Get(a) = %q, %v", v, ok)
	}
	if _, ok := got.First.Get("b"); ok {
		t.Error("Get(b) found a key that isn't there")
	}
	for field, want := range map[string]string{
		"":                               "x.yaml:2:1: m; f",
		"owner":                          "x.yaml:2:8: owner: m; f",
		"title.zh-Hans":                  "x.yaml:3:28: title.zh-Hans: m; f",
		"columns":                        "x.yaml:9:1: columns: m; f",
		"columns[0].kind":                "x.yaml:11:11: columns[0].kind: m; f",
		"columns[0].allowed[1]":          "x.yaml:12:18: columns[0].allowed[1]: m; f",
		"columns[0].missing":             "x.yaml:10:5: columns[0].missing: m; f",
		"columns[1].inner[0].name":       "x.yaml:13:30: columns[1].inner[0].name: m; f",
		"columns[7].name":                "x.yaml:9:1: columns[7].name: m; f",
		"by_name.a.b.name":               "x.yaml:15:15: by_name.a.b.name: m; f",
		"nowhere.at[0].all":              "x.yaml:2:1: nowhere.at[0].all: m; f",
		"first.a":                        "x.yaml:16:20: first.a: m; f",
		"untagged":                       "x.yaml:20:11: untagged: m; f",
		"columns[x]":                     "x.yaml:9:1: columns[x]: m; f",
		"columns[-1]":                    "x.yaml:9:1: columns[-1]: m; f",
		"columns[99999999999999999999].": "x.yaml:9:1: columns[99999999999999999999].: m; f",
	} {
		if got := doc.Problem(field, "m", "f").Error(); got != want {
			t.Errorf("Problem(%q) = %s, want %s", field, got, want)
		}
	}
}

func TestDecodeAtShiftsLines(t *testing.T) {
	t.Parallel()
	var got column
	doc, err := DecodeAt("leads.sql", []byte("name: a\nkind: text\n"), 2, &got)
	if err != nil {
		t.Fatal(err)
	}
	if s := doc.Problem("kind", "m", "").Error(); s != "leads.sql:3:7: kind: m" {
		t.Error(s)
	}
	for text, want := range map[string]string{
		"name: a\nkinds: text\n":  "leads.sql:3:1: kinds: unknown key; did you mean kind?",
		"name: a\nname: b\n":      "leads.sql:3:1: name: stands twice, first in line 2; keep one of them",
		"name: a\n\tkind: text\n": "leads.sql:3:1: a tab in the indentation; indent with spaces",
		"name: a\nkind: [\n":      "leads.sql:3:7: not YAML: sequence end token ']' not found; close the bracket",
		"":                        "leads.sql:2:1: the file is empty; write it or remove it",
	} {
		if _, err := DecodeAt("leads.sql", []byte(text), 2, &column{}); err == nil || err.Error() != want {
			t.Errorf("%q:\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"unknown key, near":     {"ownr: x\n", "x.yaml:1:1: ownr: unknown key; did you mean owner?"},
		"unknown key, far":      {"columns: [{name: a, zzzzzz: 1}]\n", "x.yaml:1:21: columns[0].zzzzzz: unknown key; known here: name, kind, allowed, inner"},
		"unknown key, other's":  {"nonsense: x\n", "x.yaml:1:1: nonsense: unknown key; known here: owner, title, count, size, share, on, at, columns, by_name, first, any, tests, formats, untagged"},
		"unknown key in a map":  {"by_name: {a: {name: b, knd: text}}\n", "x.yaml:1:24: by_name.a.knd: unknown key; did you mean kind?"},
		"several":               {"ownr: x\ncount: y\n", "x.yaml:1:1: ownr: unknown key; did you mean owner?\nx.yaml:2:8: count: is text where a whole number is expected; write digits, without quotes"},
		"duplicate key":         {"on: true\nowner: x\non: false\n", "x.yaml:3:1: on: stands twice, first in line 1; keep one of them"},
		"duplicate deep":        {"columns:\n  - {name: a, 'name': b}\n", "x.yaml:2:15: columns[0].name: stands twice, first in line 2; keep one of them"},
		"tab":                   {"columns:\n\t- name: a\n", "x.yaml:2:1: a tab in the indentation; indent with spaces"},
		"tab behind spaces":     {"columns:\n  \t- name: a\n", "x.yaml:2:3: a tab in the indentation; indent with spaces"},
		"BOM":                   {"\ufeffowner: x\n", "x.yaml:1:1: begins with a byte order mark; save it as UTF-8 without BOM"},
		"UTF-16":                {"\xff\xfeo\x00", "x.yaml:1:1: is UTF-16; save it as UTF-8"},
		"CRLF":                  {"owner: x\r\non: true\r\n", "x.yaml:1:9: the line ends with a carriage return; save the file with LF line ends (Unix), not CRLF (Windows)"},
		"not UTF-8":             {"owner: x\ntitle: \xcf\xdf\n", "x.yaml:2:8: not UTF-8; save it as UTF-8"},
		"invisible":             {"owner: 线\x00\n", "x.yaml:1:9: an invisible character (U+0000); remove it"},
		"empty":                 {"", "x.yaml:1:1: the file is empty; write it or remove it"},
		"only comments":         {"# later\n", "x.yaml:1:1: the file is empty; write it or remove it"},
		"two documents":         {"owner: x\n---\nowner: y\n", "x.yaml:2:1: a second document begins here; keep one document a file"},
		"anchor":                {"owner: &a x\ntitle: *a\nuntagged: *a\n", "x.yaml:1:8: owner: anchors (&name) and aliases (*name) are not read; write the value itself wherever it is used"},
		"merge key":             {"by_name: {a: {<<: {name: b}}}\n", "x.yaml:1:15: by_name.a: merge keys (<<) are not read; write the keys themselves"},
		"tag":                   {"owner: !!str 5\n", "x.yaml:1:8: owner: tags (!name) are not read; remove it; text that looks like a number goes in quotes"},
		"complex key":           {"? [a]\n: b\n", "x.yaml:2:1: not YAML: found an invalid key for this map; check indentation, brackets and quotes"},
		"key with a mark":       {"? a\n: b\n", "x.yaml:1:1: a key must be plain text; write it as text, in quotes where it is none"},
		"null key":              {"~: b\n", "x.yaml:1:1: a key must be plain text; write it as text, in quotes where it is none"},
		"no value":              {"owner:\non: true\n", "x.yaml:1:1: owner: has no value; write one or remove the key"},
		"no value in a list":    {"formats: [html, ~]\n", "x.yaml:1:17: formats[1]: has no value; write one or remove the key"},
		"missing":               {"columns:\n  - kind: text\n", "x.yaml:2:5: columns[0].name: is missing; add name:"},
		"enum":                  {"columns: [{name: a, kind: txt}]\n", `x.yaml:1:27: columns[0].kind: "txt" is not known here; write text`},
		"enum in a list":        {"formats: [html, docx]\n", `x.yaml:1:17: formats[1]: "docx" is not known here; write html or pdf`},
		"number for text":       {"owner: 1.10\n", `x.yaml:1:8: owner: is the number 1.10 where text is expected; write "1.10", with the quotes`},
		"boolean for text":      {"owner: true\n", `x.yaml:1:8: owner: is true where text is expected; write "true", with the quotes`},
		"code for text":         {"owner: 007\n", `x.yaml:1:8: owner: is the number 007 where text is expected; write "007", with the quotes`},
		"exponent for text":     {"owner: 1e3\n", `x.yaml:1:8: owner: is the number 1e3 where text is expected; write "1e3", with the quotes`},
		"list for text":         {"owner: [a]\n", "x.yaml:1:1: owner: is a list where text is expected; write text"},
		"text for list":         {"formats: html\n", "x.yaml:1:10: formats: is text where a list is expected; write [a, b], also for one"},
		"list for mapping":      {"by_name: [a]\n", "x.yaml:1:1: by_name: is a list where keys and values are expected; write key: value"},
		"list for ordered":      {"first: [a]\n", "x.yaml:1:1: first: is a list where keys and values are expected; write key: value"},
		"document is a list":    {"- a\n- b\n", "x.yaml:1:1: is a list where keys and values are expected; write key: value"},
		"document is text":      {"owner\n", "x.yaml:1:1: is text where keys and values are expected; write key: value"},
		"text for boolean":      {"on: yes\n", "x.yaml:1:5: on: is text where true or false is expected; write true or false"},
		"fraction for integer":  {"count: 1.5\n", "x.yaml:1:8: count: is the number 1.5 where a whole number is expected; write digits, without quotes"},
		"hex for integer":       {"count: 0x1F\n", "x.yaml:1:8: count: is the number 0x1F where a whole number is expected; write digits, without quotes"},
		"too large":             {"count: 128\n", "x.yaml:1:8: count: the number 128 is too large here; write a smaller one"},
		"negative":              {"size: -1\n", "x.yaml:1:7: size: the number -1 is negative or too large here; write a number from 0"},
		"quoted for number":     {"share: '1'\n", "x.yaml:1:8: share: is text where a number is expected; write digits, without quotes"},
		"infinite":              {"share: .inf\n", "x.yaml:1:8: share: is the number .inf where a number is expected; write digits, without quotes"},
		"too large a float":     {"share: 1e999\n", "x.yaml:1:8: share: the number 1e999 is too large; write a smaller one"},
		"odd number in any":     {"any: [1_000]\n", "x.yaml:1:7: any[0]: 1_000 is neither a plain number nor text; write plain digits, or put it in quotes"},
		"unknown language":      {"title: {en: a, zh-hant: b}\n", "x.yaml:1:25: title.zh-hant: unknown language; write zh-Hant"},
		"no language":           {"title: {}\n", "x.yaml:1:1: title: names no language; write en, zh-Hans or zh-Hant"},
		"title without value":   {"title:\n", "x.yaml:1:1: title: has no value; write one or remove the key"},
		"number as title":       {"title: {en: 5}\n", `x.yaml:1:13: title.en: is the number 5 where text is expected; write "5", with the quotes`},
		"bad time":              {"at: yesterday\n", `x.yaml:1:5: at: parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"`},
		"a type's own error":    {"tests:\n  - bad\n", "x.yaml:2:5: tests[0]: bad is no word"},
		"a type's own problem":  {"tests: [worse]\n", "x.yaml:1:9: tests[0].inside: worse than bad; write good"},
		"unknown key in a type": {"tests: [{nme: a}]\n", "x.yaml:1:9: tests[0].name: is missing; add name:\nx.yaml:1:10: tests[0].nme: unknown key; did you mean name?"},
		"colon in text":         {"owner: a: b\n", "x.yaml:1:8: not YAML: mapping value is not allowed in this context; check the indentation, and put text that holds a colon and a space in quotes"},
		"reserved character":    {"owner: @a\n", "x.yaml:1:8: not YAML: '@' is a reserved character; put text that begins with this character in quotes"},
		"open quote":            {"owner: 'a\n", "x.yaml:1:8: not YAML: could not find end character of single-quoted text; close the quote"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc, err := Decode("x.yaml", []byte(c.text), &sample{})
			if err == nil || err.Error() != c.want {
				t.Errorf("\n got %v\nwant %s", err, c.want)
			}
			if doc != nil {
				t.Error("a Doc beside an error")
			}
			for _, p := range Problems(err) {
				if p.Line < 1 || p.Column < 1 {
					t.Errorf("no place: %v", p)
				}
			}
		})
	}
}

// Each of these takes the parser from seconds to for ever, or its stack.
func TestDecodeIsBounded(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x, x]\n"
	for c := 'b'; c < 'z'; c++ {
		bomb += string(c) + ": &" + string(c) + " [*" + string(c-1) + ", *" + string(c-1) + "]\n"
	}
	deep := ""
	for i := range 150 {
		deep += strings.Repeat(" ", i) + "a:\n"
	}
	for name, c := range map[string]struct{ text, want string }{
		"alias bomb":    {bomb, "x.yaml:1:4: a: anchors (&name) and aliases (*name) are not read; write the value itself wherever it is used"},
		"size":          {"a: '" + strings.Repeat("x", 1<<20) + "'\n", "x.yaml: is 1048582 bytes long; at most 1048576 are read; split it into several files"},
		"brackets":      {"a: " + strings.Repeat("[", 200_000), "x.yaml:1:1: 200000 brackets are open here; close them"},
		"bracket lines": {strings.Repeat("a: [\n", 100_000), "x.yaml:1001:1: 1001 brackets are open here; close them"},
		"dashes":        {strings.Repeat("- ", 100_000), "x.yaml:1:1: nested more than 100 levels deep; make it flatter"},
		"closed flow":   {"a: " + strings.Repeat("[", 150) + strings.Repeat("]", 150), "x.yaml:1:104: a" + strings.Repeat("[0]", 100) + ": nested more than 100 levels deep; make it flatter"},
		"indentation":   {deep, "x.yaml:102:102: a" + strings.Repeat(".a", 100) + ": nested more than 100 levels deep; make it flatter"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out any
			if _, err := Decode("x.yaml", []byte(c.text), &out); err == nil || err.Error() != c.want {
				t.Errorf("\n got %.300v\nwant %s", err, c.want)
			}
		})
	}
}

func TestDecodeKeepsBracketsInText(t *testing.T) {
	t.Parallel()
	var got map[string]string
	text := "a: '[[[ {{{'\nb: \"x\" # [[[\nc: from [0, 100)\n" + `d: "\"["` + "\n"
	if _, err := Decode("x.yaml", []byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if want := (map[string]string{"a": "[[[ {{{", "b": "x", "c": "from [0, 100)", "d": `"[`}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestDecodeNeedsPointer(t *testing.T) {
	t.Parallel()
	if _, err := Decode("x.yaml", []byte("a: b"), sample{}); err == nil || !strings.Contains(err.Error(), "not a pointer") {
		t.Error(err)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	a, b := &Problem{Message: "a"}, &Problem{Message: "b"}
	got := Problems(fmt.Errorf("load: %w", errors.Join(a, errors.New("other"), fmt.Errorf("again: %w", b))))
	if !reflect.DeepEqual(got, []*Problem{a, b}) || Problems(nil) != nil {
		t.Errorf("got %v", got)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		"a: 1\nb: [x, 'y']\n", "? x\n: y\n", "a: !!str &x 5\nb: *x\n", "- |\n  x\n- >-\n  y\n", "a: {b: [c, {d: ~}]}\n",
		"---\na: 1\n...\n", "\"\\u263a\": 'it''s'\n", "a:\n  - b: c\n    d: e\n", "%YAML 1.2\n---\na\n", "a: 'x\n  y'\n", "title: {en: x}\ncount: 5\nfirst: {a: b}",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var plain any
		for _, out := range []any{&plain, &sample{}} {
			doc, err := Decode("x.yaml", []byte(s), out)
			if (doc == nil) != (err != nil) {
				t.Fatalf("doc %v, error %v", doc, err)
			}
			list := Problems(err)
			if err != nil && len(list) == 0 {
				t.Fatalf("no Problem: %v", err)
			}
			for _, p := range list {
				if len(s) <= maxBytes && (p.Line < 1 || p.Line > strings.Count(s, "\n")+2 || p.Column < 1) {
					t.Fatalf("a place outside the file: %v", p)
				}
			}
		}
	})
}

// A colon without a space behind it is part of the text, also inside brackets
// inside braces, where the lexer cuts it.
func TestDecodeKeepsColonsInText(t *testing.T) {
	var out struct {
		Kafka struct {
			Brokers []string `yaml:"brokers"`
			Start   string   `yaml:"start"`
		} `yaml:"kafka"`
	}
	for _, text := range []string{
		"kafka: {brokers: [kafka-1:9092, a:b:c], start: 2026-01-01T00:00:00Z}",
		"kafka:\n  brokers: [kafka-1:9092, a:b:c]\n  start: 2026-01-01T00:00:00Z\n",
		`kafka: {"brokers":["kafka-1:9092", 'a:b:c'], "start":"2026-01-01T00:00:00Z"}`,
	} {
		if _, err := Decode("c.yaml", []byte(text), &out); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := strings.Join(append(out.Kafka.Brokers, out.Kafka.Start), " "); got != "kafka-1:9092 a:b:c 2026-01-01T00:00:00Z" {
			t.Errorf("%s: %s", text, got)
		}
	}
}
