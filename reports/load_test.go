package reports

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

const head = "report: a\ntitle: A\nperiod: month\n"

func one(text string) fstest.MapFS { return fstest.MapFS{"a.yaml": {Data: []byte(text)}} }

func TestDefaultReports(t *testing.T) {
	t.Parallel()
	set, err := Load(Files, zone(t, "Asia/Shanghai"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := set.Get("management-monthly")
	if err != nil {
		t.Fatal(err)
	}
	if r.Title.In("zh-Hant") != "管理月報" || r.Period != metric.Month || !reflect.DeepEqual(r.To, []Address{{Role: "management"}}) {
		t.Errorf("got %+v", r)
	}
	at, ok := r.Schedule.Next(time.Date(2026, 10, 15, 0, 0, 0, 0, time.UTC))
	if !ok || at.Wall != "2026-11-02T08:00" || at.At.UTC().Format(time.RFC3339) != "2026-11-02T00:00:00Z" {
		t.Errorf("comes %+v", at)
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	set, err := Load(fstest.MapFS{
		"b.yaml": {Data: []byte(`report: b
title: {en: B, zh-Hans: 乙}
period: quarter
send: {cron: "30 9 L * *", zone: Europe/Berlin}
to: ["role:sales", wang@example.com]
sections:
  - {line: x, by: channel}
  - {line: x, periods: 4}
  - {bars: y, by: channel}
  - figures: [x, y]
`)},
		"a.yaml":    {Data: []byte(head + "sections: [{line: z}]\n")},
		"readme.md": {Data: []byte("?")},
	}, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	if got := set.Names(); !slices.Equal(got, []string{"a", "b"}) {
		t.Fatalf("got %v", got)
	}
	a, b := set.All()[0], set.All()[1]
	if a.Schedule != nil || a.To != nil || a.Sections[0].Periods != 13 {
		t.Errorf("a: %+v", a)
	}
	want := []Section{
		{Kind: LineSection, Metrics: []string{"x"}, By: "channel", Periods: 9},
		{Kind: LineSection, Metrics: []string{"x"}, Periods: 4},
		{Kind: BarsSection, Metrics: []string{"y"}, By: "channel"},
		{Kind: FiguresSection, Metrics: []string{"x", "y"}},
	}
	if !reflect.DeepEqual(b.Sections, want) {
		t.Errorf("sections\n got %+v\nwant %+v", b.Sections, want)
	}
	if b.Schedule.Cron != "30 9 L * *" || b.Schedule.Zone.String() != "Europe/Berlin" {
		t.Errorf("schedule %+v", b.Schedule)
	}
	if got := b.codes(); !slices.Equal(got, []string{"x", "y"}) {
		t.Errorf("codes %v", got)
	}
	if none, err := Load(fstest.MapFS{}, time.UTC); err != nil || len(none.All()) != 0 {
		t.Errorf("no report: %v %v", none, err)
	}
	if _, err := set.Get("aa"); err == nil || !strings.Contains(err.Error(), "did you mean a?") {
		t.Errorf("a name nearby: %v", err)
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	const line = "sections: [{line: x}]\n"
	for name, c := range map[string]struct{ text, want string }{
		"unknown key":       {head + "section: []\n" + line, "4:1: section: unknown key; did you mean sections?"},
		"no sections":       {head, "1:1: sections: is missing; add sections:"},
		"empty":             {head + "sections: []\n", "4:1: sections: is empty; write at least {figures: [CODE]}"},
		"other name":        {"report: b\ntitle: B\nperiod: month\n" + line, "1:9: report: b is not the file's name; write a, or rename the file to b.yaml"},
		"bad name":          {"report: ../a\ntitle: B\nperiod: month\n" + line, `1:9: report: "../a" is no name; write lower-case letters, digits, - and _, beginning with a letter, at most 64`},
		"week":              {"report: a\ntitle: B\nperiod: week\n" + line, `3:9: period: "week" is not known here; write month, quarter or year`},
		"two lines":         {"report: a\ntitle: {en: \"A\\r\\nBcc: x@example.com\"}\nperiod: month\n" + line, "2:13: title.en: is empty or holds a line break; write it on one line"},
		"closed":            {head + "send: {when: closed, latest: \"day 10 09:00\"}\n" + line, "4:14: send.when: is not in this version; write cron: \"0 8 2 * *\" instead\na.yaml:4:30: send.latest: is not in this version; remove it"},
		"no cron":           {head + "send: {zone: UTC}\n" + line, "4:1: send: has no cron; write send: {cron: \"0 8 2 * *\"}"},
		"bad cron":          {head + "send: {cron: \"0 8 32 * *\"}\n" + line, `4:14: send.cron: the day of the month "32" is not from 1 to 31; write minute, hour, day, month, weekday, like "0 8 2 * *"`},
		"bad zone":          {head + "send: {cron: \"0 8 2 * *\", zone: Shanghai}\n" + line, `4:33: send.zone: "Shanghai" is no time zone; write a name of the IANA database, like Asia/Shanghai`},
		"zone Local":        {head + "send: {cron: \"0 8 2 * *\", zone: Local}\n" + line, `4:33: send.zone: "Local" is no time zone; write a name of the IANA database, like Asia/Shanghai`},
		"pdf":               {head + "formats: [html, pdf]\n" + line, "4:17: formats[1]: pdf is not in this version; write [html]"},
		"xlsx":              {head + "formats: [xlsx]\n" + line, "4:11: formats[0]: xlsx is not in this version; write [html]"},
		"no format":         {head + "formats: [htm]\n" + line, `4:11: formats[0]: "htm" is no format; write [html]`},
		"role":              {head + "to: [role:managment]\n" + line, `4:6: to[0]: there is no role "managment"; did you mean role:management?`},
		"far role":          {head + "to: [role:x]\n" + line, `4:6: to[0]: there is no role "x"; write one of: management, analyst, marketing, rnd, sales, service`},
		"address":           {head + "to: [wang, \"W <w@example.com>\"]\n" + line, `4:6: to[0]: "wang" is neither a role nor a mail address; write role:management, or one like wang@example.com` + "\n" + `a.yaml:4:12: to[1]: "W <w@example.com>" is neither a role nor a mail address; write role:management, or one like wang@example.com`},
		"address injection": {head + "to: [\"w@example.com\\nBcc: x@example.com\"]\n" + line, `4:6: to[0]: "w@example.com\nBcc: x@example.com" is neither a role nor a mail address; write role:management, or one like wang@example.com`},
		"twice":             {head + "to: [w@example.com, w@example.com]\n" + line, "4:21: to[1]: w@example.com stands twice; keep one of them"},
		"scorecard":         {head + "sections: [{scorecard: department}]\n", "4:24: sections[0].scorecard: is not in this version; remove it"},
		"bare words":        {head + "sections: [adjustments, data_quality, x]\n", "4:12: sections[0]: the section adjustments is not in this version; remove it\na.yaml:4:25: sections[1]: the section data_quality is not in this version; remove it\na.yaml:4:39: sections[2]: \"x\" is no section; write {figures: [CODE]}, {line: CODE} or {bars: CODE, by: DIMENSION}"},
		"nothing in it":     {head + "sections: [{by: channel}]\n", "4:12: sections[0]: holds 0 of figures, line and bars; write {figures: [CODE]}, {line: CODE} or {bars: CODE, by: DIMENSION}"},
		"two in one":        {head + "sections: [{line: x, bars: y, by: z}]\n", "4:12: sections[0]: holds 2 of figures, line and bars; write {figures: [CODE]}, {line: CODE} or {bars: CODE, by: DIMENSION}"},
		"no figures":        {head + "sections: [{figures: []}]\n", "4:13: sections[0].figures: is empty; write at least one code"},
		"figure twice":      {head + "sections: [{figures: [x, x]}]\n", "4:26: sections[0].figures[1]: x stands twice; keep one of them"},
		"figures by":        {head + "sections: [{figures: [x], by: y}]\n", "4:31: sections[0].by: figures aren't split; remove it, or write bars: CODE for each"},
		"bars without by":   {head + "sections: [{bars: x}]\n", "4:19: sections[0].bars: has no dimension; add by: DIMENSION"},
		"periods of bars":   {head + "sections: [{bars: x, by: y, periods: 3}]\n", "4:38: sections[0].periods: only a line has periods; remove it"},
		"one period":        {head + "sections: [{line: x, periods: 1}]\n", "4:31: sections[0].periods: 1 periods are no line that one can read; write a number from 2 to 37"},
		"unknown in it":     {head + "sections: [{lines: x}]\n", "4:13: sections[0].lines: unknown key; did you mean line?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Load(one(c.text), time.UTC)
			if want := "a.yaml:" + c.want; err == nil || err.Error() != want {
				t.Errorf("\n got %v\nwant %s", err, want)
			}
		})
	}
	_, err := Load(fstest.MapFS{"c.yml": {Data: []byte(head)}}, time.UTC)
	if want := "c.yml: the file of a report ends in .yaml; rename it to c.yaml"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	metrics := fakeDefinitions{"lead_to_won": {Name: "lead_to_won", Dimensions: []string{"channel", "product"}}}
	load := func(sections string) *Set {
		set, err := Load(one(head+"sections: "+sections+"\n"), time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	if err := Check(load("[{figures: [lead_to_won]}, {line: lead_to_won, by: product}, {bars: lead_to_won, by: channel}]"), metrics); err != nil {
		t.Error(err)
	}
	err := Check(load("[{figures: [lead_to_won, led_to_won]}, {line: x}, {line: lead_to_won, by: chanel}, {bars: lead_to_won, by: salesperson}]"), metrics)
	want := `a.yaml:4:36: sections[0].figures[1]: there is no metric "led_to_won"; did you mean lead_to_won?
a.yaml:4:57: sections[1].line: there is no metric "x"; there are: lead_to_won
a.yaml:4:85: sections[2].by: lead_to_won has no dimension "chanel"; did you mean channel?
a.yaml:4:118: sections[3].by: lead_to_won has no dimension "salesperson"; its dimensions are: channel, product`
	if err == nil || err.Error() != want {
		t.Errorf("\n got %v\nwant %s", err, want)
	}
	if n := len(yamlfile.Problems(err)); n != 4 {
		t.Errorf("%d problems", n)
	}
}

func TestFit(t *testing.T) {
	t.Parallel()
	set, err := Load(fstest.MapFS{
		"a.yaml": {Data: []byte(head + "sections: [{figures: [x, y]}, {line: x, by: channel}, {line: x, by: product}, {bars: y, by: channel}, {line: x}]\n")},
		"b.yaml": {Data: []byte(strings.Replace(head, "report: a", "report: b", 1) + "sections: [{line: y}]\n")},
	}, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	metrics := fakeDefinitions{"x": {Name: "x", Dimensions: []string{"channel"}}}
	fit := set.Fit(metrics)
	if err := Check(fit, metrics); err != nil || !slices.Equal(fit.Names(), []string{"a"}) {
		t.Fatalf("%v, %v", fit.Names(), err)
	}
	if s := fit.All()[0].Sections; len(s) != 3 || !slices.Equal(s[0].Metrics, []string{"x"}) || s[1].By != "channel" || s[2].By != "" {
		t.Errorf("sections %+v", s)
	}
	if len(set.All()[0].Sections) != 5 {
		t.Error("it changed what it was made from")
	}
}

// fakeDefinitions stands for a metric.Set, and answers as one does.
type fakeDefinitions map[string]*metric.Metric

func (f fakeDefinitions) Get(code string) (*metric.Metric, error) {
	if m := f[code]; m != nil {
		return m, nil
	}
	var names []string
	for name := range f {
		names = append(names, name)
	}
	if near := yamlfile.Nearest(code, names); near != "" {
		return nil, fmt.Errorf("there is no metric %q; did you mean %s?", code, near)
	}
	return nil, fmt.Errorf("there is no metric %q; there are: %s", code, list(names))
}

// What the schema allows and what Load takes are the same.
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
	if err := c.AddResource("report.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("report.json")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		`{"report":"a","title":"A","period":"month","sections":[{"figures":["x"]},{"line":"x","by":"y","periods":4},{"bars":"x","by":"y"}]}`:                          true,
		`{"report":"a","title":{"en":"A"},"period":"year","send":{"cron":"0 8 2 * *","zone":"UTC"},"to":["role:sales"],"formats":["html"],"sections":[{"line":"x"}]}`: true,
		`{"report":"a","title":"A","period":"month","sections":[{"bars":"x"}]}`:                                                                                       false,
		`{"report":"a","title":"A","period":"month","sections":["adjustments"]}`:                                                                                      false,
		`{"report":"a","title":"A","period":"month","sections":[{"scorecard":"department"}]}`:                                                                         false,
		`{"report":"a","title":"A","period":"month","formats":["pdf"],"sections":[{"line":"x"}]}`:                                                                     false,
		`{"report":"a","title":"A","period":"month","send":{"when":"closed"},"sections":[{"line":"x"}]}`:                                                              false,
		`{"report":"a","title":"A","period":"week","sections":[{"line":"x"}]}`:                                                                                        false,
		`{"report":"a","title":"A","period":"month","sections":[{"line":"x","periods":1}]}`:                                                                           false,
		`{"report":"a","title":"A","period":"month"}`:                                                                                                                 false,
	} {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); (err == nil) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(head + "sections: [{figures: [x]}, {line: x, by: y}, {bars: x, by: y}]\n"))
	f.Add([]byte(head + "send: {cron: \"0 8 L * *\", zone: Asia/Shanghai}\nto: [\"role:sales\", w@example.com]\nsections: [adjustments]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := Load(fstest.MapFS{"a.yaml": {Data: data}}, time.UTC)
		if err == nil && len(set.All()) != 1 {
			t.Errorf("loaded %d", len(set.All()))
		}
		if err != nil && len(yamlfile.Problems(err)) == 0 {
			t.Errorf("no problem of the file: %v", err)
		}
	})
}
