package sources

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
)

func TestDefaultSources(t *testing.T) {
	t.Parallel()
	got, err := Load(Files)
	if err != nil {
		t.Fatal(err)
	}
	var want []*Source
	for _, name := range []string{"crm", "hr", "market", "rnd", "service", "survey"} {
		want = append(want, &Source{
			Path: name + ".yaml", Name: name, Kafka: &Kafka{Topics: []string{name + ".events"}}, Framing: "none", Envelope: "cloudevents",
		})
	}
	if !reflect.DeepEqual(got, want) {
		for _, s := range got {
			t.Errorf("got %+v", s)
		}
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	got, err := Load(fstest.MapFS{
		"b.yaml":     {Data: []byte("source: b-2\nkafka: {topics: [x, 'y.*', '?'], start: latest}\n")},
		"a.yaml":     {Data: []byte("source: a_1\nkafka:\n  topics: [__consumer_offsets]\n  start: 2026-10-01T00:00:00.5+08:00\n")},
		"readme.md":  {Data: []byte("?")},
		"sub/c.yaml": {Data: []byte("?")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Name != "a_1" || got[1].Name != "b-2" {
		t.Fatalf("got %v", got)
	}
	a, b := got[0], got[1]
	if at := time.Date(2026, 9, 30, 16, 0, 0, 500_000_000, time.UTC); !a.Kafka.Start.At.Equal(at) || a.Kafka.Start.Latest {
		t.Errorf("start of a: %+v", a.Kafka.Start)
	}
	if !b.Kafka.Start.At.IsZero() || !b.Kafka.Start.Latest || !slices.Equal(b.Kafka.Topics, []string{"x", "y.*", "?"}) {
		t.Errorf("b: %+v", b.Kafka)
	}
	if b.Framing != "none" || b.Envelope != "cloudevents" {
		t.Errorf("b: %+v", b)
	}
	if none, err := Load(fstest.MapFS{}); err != nil || len(none) != 0 {
		t.Errorf("no source: %v %v", none, err)
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	const only = "this version reads CloudEvents from Kafka only"
	for name, c := range map[string]struct{ text, want string }{
		"unknown key":       {"source: a\nkafka: {topics: [x]}\nenvelop: json\n", "3:1: envelop: unknown key; did you mean envelope?"},
		"unknown kafka key": {"source: a\nkafka: {topic: [x]}\n", "2:1: kafka.topics: is missing; add topics:\na.yaml:2:9: kafka.topic: unknown key; did you mean topics?"},
		"no source":         {"kafka: {topics: [x]}\n", "1:1: source: is missing; add source:"},
		"bad name":          {"source: A b\nkafka: {topics: [x]}\n", `1:9: source: "A b" is no name; write lower-case letters, digits, _ and -, beginning with a letter`},
		"no kafka":          {"source: a\n", "1:1: kafka: is missing; add kafka: {topics: [NAME]}"},
		"no topic":          {"source: a\nkafka: {topics: []}\n", "2:9: kafka.topics: names no topic; write at least one"},
		"one topic as text": {"source: a\nkafka: {topics: x}\n", "2:17: kafka.topics: is text where a list is expected; write [a, b], also for one"},
		"confluent":         {"source: a\nkafka: {topics: [x]}\nframing: confluent\n", `3:10: framing: "confluent": ` + only + "; write none"},
		"debezium":          {"source: a\nkafka: {topics: [x]}\nenvelope: debezium\n", `3:11: envelope: "debezium": ` + only + "; write cloudevents"},
		"envelope number":   {"source: a\nkafka: {topics: [x]}\nenvelope: 1\n", `3:11: envelope: is the number 1 where text is expected; write "1", with the quotes`},
		"files":             {"source: a\nkafka: {topics: [x]}\nzone: UTC\nfiles:\n  - match: x\n", "3:7: zone: " + only + "; remove this key\na.yaml:4:1: files: " + only + "; remove this key"},
		"http and events":   {"source: a\nkafka: {topics: [x]}\nhttp: {topic: x}\nevents: []\n", "3:1: http: " + only + "; remove this key\na.yaml:4:1: events: " + only + "; remove this key"},
		"start":             {"source: a\nkafka: {topics: [x], start: soon}\n", `2:29: kafka.start: "soon" is no place to start from; write earliest, latest or an instant with its offset, such as 2026-10-01T00:00:00+08:00`},
		"start without offset": {
			"source: a\nkafka: {topics: [x], start: 2026-10-01T00:00:00}\n",
			`2:29: kafka.start: "2026-10-01T00:00:00" is no place to start from; write earliest, latest or an instant with its offset, such as 2026-10-01T00:00:00+08:00`,
		},
		"start as Kafka's number": {
			"source: a\nkafka: {topics: [x], start: 1969-12-31T23:59:59.999Z}\n",
			"2:29: kafka.start: 1969-12-31T23:59:59.999Z is before 1970; write earliest, latest or an instant with its offset, such as 2026-10-01T00:00:00+08:00",
		},
		"illegal topic":  {"source: a\nkafka: {topics: [x, 'a b']}\n", `2:21: kafka.topics[1]: "a b" is no name of a topic; write letters, digits, dot, _ and -, at most 249, or a pattern with * and ?`},
		"topic too long": {"source: a\nkafka: {topics: [" + strings.Repeat("x", 250) + "]}\n", `2:18: kafka.topics[0]: "` + strings.Repeat("x", 250) + `" is no name of a topic; write letters, digits, dot, _ and -, at most 249, or a pattern with * and ?`},
		"topic of dots":  {"source: a\nkafka: {topics: [..]}\n", `2:18: kafka.topics[0]: ".." is no name of a topic; write letters, digits, dot, _ and -, at most 249, or a pattern with * and ?`},
		"empty topic":    {"source: a\nkafka: {topics: ['']}\n", `2:18: kafka.topics[0]: "" is no name of a topic; write letters, digits, dot, _ and -, at most 249, or a pattern with * and ?`},
		"regular expression": {
			"source: a\nkafka: {topics: ['crm\\.[a-z]*']}\n",
			`2:18: kafka.topics[0]: "crm\\.[a-z]*" is no name of a topic; write letters, digits, dot, _ and -, at most 249, or a pattern with * and ?`,
		},
		"topic twice":       {"source: a\nkafka: {topics: [x, x]}\n", "2:21: kafka.topics[1]: x stands twice; keep one of them"},
		"internal pattern":  {"source: a\nkafka: {topics: ['__*']}\n", "2:18: kafka.topics[0]: __* matches nothing: topics that begin with __ are Kafka's own; write the topic's very name"},
		"topic as a number": {"source: a\nkafka: {topics: [1]}\n", `2:18: kafka.topics[0]: is the number 1 where text is expected; write "1", with the quotes`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Load(fstest.MapFS{"a.yaml": {Data: []byte(c.text)}})
			if want := "a.yaml:" + c.want; err == nil || err.Error() != want {
				t.Errorf("\n got %v\nwant %s", err, want)
			}
		})
	}
}

func TestLoadHoldsFilesTogether(t *testing.T) {
	t.Parallel()
	_, err := Load(fstest.MapFS{
		"a.yaml": {Data: []byte("source: a\nkafka: {topics: [x, y]}\n")},
		"b.yaml": {Data: []byte("source: a\nkafka: {topics: [y, 'x*']}\n")},
		"c.yml":  {Data: []byte("source: c\nkafka: {topics: [z]}\n")},
	})
	want := `b.yaml:1:9: source: a is the source of a.yaml already; name one of them otherwise
b.yaml:2:18: kafka.topics[0]: y is read by a.yaml already; remove it from one of them
c.yml: the file of a source ends in .yaml; rename it to c.yaml`
	if err == nil || err.Error() != want {
		t.Errorf("\n got %v\nwant %s", err, want)
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	s := &Source{Kafka: &Kafka{Topics: []string{"crm.events", "erp.*", "p?", "*-cdc", "__internal"}}}
	for topic, want := range map[string]bool{
		"crm.events": true, "crm_events": false, "crm.events2": false, "crm": false, "erp.": true, "erp.a.b": true, "erp": false,
		"p1": true, "p": false, "p12": false, "-cdc": true, "a.b-cdc": true, "a.b-cdc.c": false,
		"__internal": true, "__other-cdc": false, "_other-cdc": true, "": false, "CRM.events": false,
	} {
		if got := s.Matches(topic); got != want {
			t.Errorf("Matches(%q) = %v", topic, got)
		}
	}
	if (&Source{}).Matches("x") {
		t.Error("a source without Kafka matches")
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	a := &Source{Path: "a.yaml", Kafka: &Kafka{Topics: []string{"crm.*", "x"}}}
	b := &Source{Path: "b.yaml", Kafka: &Kafka{Topics: []string{"*.events", "crm.deals"}}}
	list := []*Source{{Path: "none.yaml"}, a, b}
	for topic, want := range map[string]*Source{"crm.leads": a, "x": a, "erp.events": b, "crm.deals": b, "y": nil, "__crm.events": nil} {
		if got, err := Find(list, topic); got != want || err != nil {
			t.Errorf("Find(%q) = %v, %v", topic, got, err)
		}
	}
	got, err := Find(list, "crm.events")
	want := "topic crm.events matches crm.* of a.yaml and *.events of b.yaml; narrow one of them, or write the topic's name into the one that shall read it"
	if got != nil || err == nil || err.Error() != want {
		t.Errorf("\n got %v, %v\nwant %s", got, err, want)
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
	c := jsonschema.NewCompiler()
	if err := c.AddResource("source.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("source.json")
	if err != nil {
		t.Fatal(err)
	}
	const good = "source: crm\nkafka: {topics: [crm.events], start: earliest}\nframing: none\nenvelope: cloudevents\n"
	for text, want := range map[string]bool{
		good:                                   true,
		strings.Replace(good, "none", "x", 1):  false,
		good + "files: []\n":                   false,
		strings.Replace(good, "start", "s", 1): false,
		strings.Replace(good, "kafka", "k", 1): false,
	} {
		var v any
		if _, err := yamlfile.Decode("x.yaml", []byte(text), &v); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); (err == nil) != want {
			t.Errorf("%s\n%v", text, err)
		}
		if _, err := Load(fstest.MapFS{"x.yaml": {Data: []byte(text)}}); (err == nil) != want {
			t.Errorf("%s\n%v", text, err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("source: crm\nkafka: {topics: [crm.events, 'a*?'], start: 2026-10-01T00:00:00Z}\n", "crm.events")
	f.Add("source: crm\nkafka: {topics: [__x]}\nframing: none\nenvelope: cloudevents\n", "__x")
	f.Fuzz(func(t *testing.T, text, topic string) {
		list, err := Load(fstest.MapFS{"a.yaml": {Data: []byte(text)}})
		if err != nil {
			if len(yamlfile.Problems(err)) == 0 {
				t.Fatalf("no Problem: %v", err)
			}
			return
		}
		s := list[0]
		if s.Name == "" || s.Kafka == nil || len(s.Kafka.Topics) == 0 || s.Framing != "none" || s.Envelope != "cloudevents" {
			t.Fatalf("half a source: %+v", s)
		}
		found, err := Find(list, topic)
		if err != nil || (found == s) != s.Matches(topic) {
			t.Fatalf("Find %v %v, Matches %v", found, err, s.Matches(topic))
		}
	})
}
