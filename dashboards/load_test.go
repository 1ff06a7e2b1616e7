package dashboards

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
)

func files(pages ...string) fs.FS {
	m := fstest.MapFS{}
	for i, p := range pages {
		m[string(rune('a'+i))+".yaml"] = &fstest.MapFile{Data: []byte(p)}
	}
	return m
}

const head = "page: sales\ntitle: Sales\n"

func TestLoad(t *testing.T) {
	set, err := Load(files("page: sales\ntitle: {en: Sales, zh-Hans: 销售}\ngrain: quarter\nrows:\n  - [{figure: bookings}]\n  - [{line: bookings, compare: previous_year}, {bars: bookings, by: channel}, {line: bookings, by: product}, {bars: bookings}]\n",
		"page: overview\ntitle: Overview\nrows: [[{figure: bookings}]]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if all := set.All(); len(all) != 2 || all[0].Name != "overview" || all[1].Grain != "quarter" || all[0].Grain != "month" {
		t.Errorf("%+v", all)
	}
	cells := set.Get("sales").Rows[1]
	if len(cells) != 4 || !cells[0].PreviousYear || cells[1].By != "channel" || cells[2].Kind != Line || cells[3].Kind != Bars {
		t.Errorf("%+v", cells)
	}
	if set.Get("nothing") != nil {
		t.Error("there is a page that nobody wrote")
	}
	if err := Check(set, metricSet(t)); err != nil {
		t.Error(err)
	}
}

func TestProblems(t *testing.T) {
	for _, c := range []struct {
		name, page string
		want       []string
	}{
		{"unknown key", head + "rows: [[{figur: bookings}]]\n", []string{"a.yaml:3:10", "unknown key", "did you mean figure?"}},
		{"no title", "page: sales\nrows: [[{figure: bookings}]]\n", []string{"title: is missing"}},
		{"name", "page: Sales!\ntitle: x\nrows: [[{figure: bookings}]]\n", []string{"a.yaml:1:7: page", "is no name", "for example sales"}},
		{"grain", head + "grain: week\nrows: [[{figure: bookings}]]\n", []string{"a.yaml:3:8: grain", "month"}},
		{"no rows", head + "rows: []\n", []string{"rows: are 0, not 1 to 40"}},
		{"empty row", head + "rows: [[]]\n", []string{"rows[0]: holds 0, not 1 to 12"}},
		{"nothing", head + "rows: [[{by: channel}]]\n", []string{"rows[0][0]: shows nothing"}},
		{"two", head + "rows: [[{figure: bookings, line: bookings}]]\n", []string{"rows[0][0]: shows more than one"}},
		{"figure by", head + "rows: [[{figure: bookings, by: channel}]]\n", []string{"rows[0][0].by", "write {bars: bookings, by: channel}"}},
		{"bars compare", head + "rows: [[{bars: bookings, compare: previous_year}]]\n", []string{"rows[0][0].compare: is for lines"}},
		{"both", head + "rows: [[{line: bookings, by: channel, compare: previous_year}]]\n", []string{"rows[0][0].compare", "remove compare or by"}},
		{"compare", head + "rows: [[{line: bookings, compare: last_year}]]\n", []string{"rows[0][0].compare", "previous_year"}},
		{"metric", head + "rows: [[{figure: booking}]]\n", []string{"a.yaml:3:", "rows[0][0].figure: there is no metric \"booking\"; write bookings"}},
		{"dimension", head + "rows: [[{bars: bookings, by: chanel}]]\n", []string{"rows[0][0].by: bookings has no dimension \"chanel\"; write channel"}},
		{"far off", head + "rows: [[{bars: bookings, by: colour}]]\n", []string{"write one of channel, product, department, market_id"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, err := Load(files(c.page))
			if err == nil {
				err = Check(set, metricSet(t))
			}
			if len(yamlfile.Problems(err)) == 0 {
				t.Fatalf("no problem: %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nlacks %q", err, want)
				}
			}
		})
	}
}

func TestTwoPagesOfOneName(t *testing.T) {
	_, err := Load(files(head+"rows: [[{figure: bookings}]]\n", head+"rows: [[{figure: bookings}]]\n"))
	if err == nil || !strings.Contains(err.Error(), "b.yaml:1:7: page: a.yaml names the page sales already") {
		t.Error(err)
	}
}

func TestFit(t *testing.T) {
	metrics := metricSet(t)
	set, err := Load(files(head+"rows:\n  - [{figure: bookings}, {figure: nowhere}]\n  - [{bars: bookings, by: nothing}]\n", "page: lost\ntitle: x\nrows: [[{figure: nowhere}]]\n"))
	if err != nil {
		t.Fatal(err)
	}
	fitted := set.Fit(metrics)
	if len(fitted.All()) != 1 || len(fitted.All()[0].Rows) != 1 || len(fitted.All()[0].Rows[0]) != 1 {
		t.Errorf("%+v", fitted.All())
	}
	if len(set.All()) != 2 || len(set.Get("sales").Rows) != 2 {
		t.Error("the set itself was changed")
	}
	lost, err := Load(files("page: lost\ntitle: x\nrows: [[{figure: nowhere}]]\n"))
	if err != nil {
		t.Fatal(err)
	}
	fitted = lost.Fit(metrics)
	if len(fitted.All()) != 1 || len(fitted.All()[0].Rows[0]) != 6 {
		t.Errorf("where nothing is left, not every metric is shown: %+v", fitted.All())
	}
	if err := Check(fitted, metrics); err != nil {
		t.Error(err)
	}
}

func TestSchema(t *testing.T) {
	data, err := SchemaJSON()
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(data, &schema); err != nil || schema["title"] != "page" {
		t.Error(err, schema["title"])
	}
}

// The page in the documentation is one.
func TestDocumentedPage(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "formats.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "```yaml\npage: ")
	page, _, end := strings.Cut(rest, "```")
	if !ok || !end {
		t.Fatal("docs/formats.md holds no page")
	}
	set, err := Load(files("page: " + page))
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(set, metricSet(t)); err != nil {
		t.Error(err)
	}
}
