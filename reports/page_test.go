package reports

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/funnelhouse/funnelhouse/charts"
	sqlfiles "github.com/funnelhouse/funnelhouse/sql"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

var update = flag.Bool("update", false, "write the golden files anew")

const monthly = `report: a
title: {en: Management report, zh-Hans: 管理月报, zh-Hant: 管理月報}
period: month
sections:
  - figures: [converted_customers, bookings, lead_to_won, csat_top2, nps, share_revenue, otd_original, defect_density, first_response_time]
  - {line: lead_to_won, periods: 13}
  - {line: csat_top2, by: product}
  - {line: bookings}
  - {bars: csat_top2, by: channel}
  - {bars: bookings, by: product}
  - {line: converted_customers, periods: 13}
`

func reportOf(t testing.TB, text string) *Report {
	t.Helper()
	set, err := Load(fstest.MapFS{"a.yaml": {Data: []byte(text)}}, zone(t, "Asia/Shanghai"))
	if err != nil {
		t.Fatal(err)
	}
	return set.All()[0]
}

func period(t testing.TB, label string) metric.Period {
	t.Helper()
	p, err := metric.Company{}.ParsePeriod(label)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func day(t testing.TB, text string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func demoCompany(t testing.TB) Company {
	t.Helper()
	return Company{Name: "Demo", Zone: zone(t, "Asia/Shanghai"), Currency: "CNY", Languages: []string{"en", "zh-Hans", "zh-Hant"}}
}

// fakeCharts draws one white point, and keeps what it was asked for.
type fakeCharts struct {
	err   error
	specs []charts.Spec
}

var whitePoint = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00:~\x9bU\x00\x00\x00\nIDATx\x9cc\xf8\x0f\x00\x01\x01\x01\x00\x1b\xb6\xeeV\x00\x00\x00\x00IEND\xaeB`\x82")

func (f *fakeCharts) PNG(_ context.Context, spec charts.Spec, _ float64) ([]byte, error) {
	f.specs = append(f.specs, spec)
	return whitePoint, f.err
}

func viewOf(t testing.TB, f *facts, language string, c Charts) *pageView {
	t.Helper()
	w := &writer{words: wordsIn(language), facts: f, edition: 1, charts: c}
	v, err := w.page(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func factsOf(t testing.TB, figures Figures, text, label, asOf string) *facts {
	t.Helper()
	f, err := gather(t.Context(), figures, demoCompany(t), reportOf(t, text), period(t, label), day(t, asOf))
	if err != nil {
		t.Fatal(err)
	}
	f.madeAt = time.Date(2026, 11, 2, 0, 0, 30, 0, time.UTC)
	return f
}

// golden holds a text against a file, or writes the file.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; look at it, then run with -update:\n%s", path, got)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	f := factsOf(t, newFake(), monthly, "2026-10", "2026-11-02")
	for _, l := range languages() {
		golden(t, "monthly."+l+".txt", renderText(viewOf(t, f, l, &fakeCharts{})))
	}
	quarterly := strings.NewReplacer("period: month", "period: quarter", ", periods: 13", "").Replace(monthly)
	golden(t, "quarterly.zh-Hant.txt", renderText(viewOf(t, factsOf(t, newFake(), quarterly, "2026-Q3", "2026-11-02"), "zh-Hant", &fakeCharts{})))
	yearly := strings.NewReplacer("period: month", "period: year", ", periods: 13", "").Replace(monthly)
	golden(t, "yearly.en.txt", renderText(viewOf(t, factsOf(t, newFake(), yearly, "2025", "2026-11-02"), "en", &fakeCharts{})))

	html, err := renderHTML(viewOf(t, factsOf(t, newFake(), head+"sections: [{figures: [csat_top2, lead_to_won]}, {line: bookings}, {bars: nps, by: product}]\n", "2026-10", "2026-11-02"), "en", &fakeCharts{}))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "short.en.html", html)
}

// With real pictures a page is one file that nobody has to fetch anything for,
// and that mail programs don't cut off.
func TestPageWithPictures(t *testing.T) {
	t.Parallel()
	renderer, err := charts.NewRenderer()
	if err != nil {
		t.Fatal(err)
	}
	html, err := renderHTML(viewOf(t, factsOf(t, newFake(), monthly, "2026-10", "2026-11-02"), "zh-Hans", renderer))
	if err != nil {
		t.Fatal(err)
	}
	if found := regexp.MustCompile(`(?i)https?://|<script|<link|@import|url\(`).Find(html); found != nil {
		t.Errorf("the page holds %s", found)
	}
	text, pictures, err := inline(html)
	if err != nil {
		t.Fatal(err)
	}
	// Gmail cuts a mail off behind 102 kB of text.
	if len(text) > 100_000 {
		t.Errorf("the text is of %d bytes", len(text))
	}
	if len(pictures) != 6 || strings.Count(string(text), "cid:chart-") != 6 || strings.Contains(string(text), "data:") {
		t.Errorf("%d pictures, %d of them referred to", len(pictures), strings.Count(string(text), "cid:chart-"))
	}
	for _, p := range pictures {
		c, err := png.DecodeConfig(bytes.NewReader(p))
		if err != nil || c.Width != pictureScale*pictureWidth {
			t.Errorf("a picture of %d pixels, %v", c.Width, err)
		}
	}
	if n := len(regexp.MustCompile(`<img [^>]*alt="[^"]{20,}"`).FindAll(html, -1)); n != 6 {
		t.Errorf("%d pictures say what they show", n)
	}
}

// Nothing that can't be computed is left out in silence.
func TestLacking(t *testing.T) {
	t.Parallel()
	fake := newFake()
	fake.broken["csat_top2"] = errors.New("Conversion Error: could not convert wang@example.com")
	fake.broken["lead_to_won"] = &metric.RequestError{Field: "by", Err: errors.New("refused")}
	delete(fake.metrics, "nps")
	// Models are known of metrics that were loaded.
	set, err := metric.Load(sqlfiles.Files)
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{"new_leads", "won_leads"} {
		if fake.metrics[code], err = set.Get(code); err != nil {
			t.Fatal(err)
		}
	}
	fake.state.Models[0].Failed = true
	text := head + "sections: [{figures: [csat_top2, nps, new_leads]}, {line: lead_to_won}, {bars: csat_top2, by: channel}]\n"
	f := factsOf(t, fake, text, "2026-10", "2026-10-15")
	f.prepareErr = errors.New("x")
	v := viewOf(t, f, "en", &fakeCharts{})
	want := []string{
		"The data could not be brought up to date before this report was made; it may lack the latest events.",
		"The period is not over: figures go up to 15 October 2026 and are not compared.",
		"Customer satisfaction (top 2), Customer satisfaction (top 2) by channel could not be computed: the warehouse could not answer; an analyst can find out why.",
		"nps could not be computed: there is no such metric.",
		"Lead-to-customer rate by month could not be computed: by: refused",
		"The model marts.leads could not be rebuilt; figures from it are as of 2 November 2026, 07:58: New leads.",
	}
	if !slices.Equal(v.Lacking, want) {
		t.Errorf("lacking\n got %s\nwant %s", strings.Join(v.Lacking, "\n     "), strings.Join(want, "\n     "))
	}
	if v.Sections[0].Figures[0].Missing == "" || v.Sections[0].Figures[1].Missing == "" || v.Sections[1].Missing == "" || v.Sections[2].Missing == "" {
		t.Errorf("a section is silent: %+v", v.Sections)
	}
	html, err := renderHTML(v)
	if err != nil || bytes.Contains(html, []byte("wang@")) {
		t.Errorf("the page holds a value of a row, %v", err)
	}

	// A model that was never built, and a warehouse that doesn't answer at all.
	fake.broken["new_leads"] = errors.New("no such table")
	fake.state.Models = nil
	v = viewOf(t, factsOf(t, fake, head+"sections: [{figures: [new_leads]}]\n", "2026-10", "2026-11-02"), "en", &fakeCharts{})
	if want := []string{"New leads could not be computed: the model marts.leads is not built."}; !slices.Equal(v.Lacking, want) {
		t.Errorf("got %q", v.Lacking)
	}
	// Before the company's first day nothing was counted, and nothing was zero.
	v = viewOf(t, factsOf(t, fake, head+"sections: [{figures: [bookings, share_revenue]}]\n", "2023-10", "2026-11-02"), "en", &fakeCharts{})
	if f := v.Sections[0].Figures; f[0].Missing != "No data for this period." || f[0].Value != "–" || f[1].Missing != "not assessable" {
		t.Errorf("got %+v", f)
	}
	// Sources that stand still are no zero.
	fake.state.Topics = fake.state.Topics[:1]
	v = viewOf(t, factsOf(t, fake, head+"sections: [{figures: [bookings]}]\n", "2026-12", "2027-01-02"), "en", &fakeCharts{})
	if want := []string{"No event of this period has come: the latest one is of 2 November 2026, 07:51."}; !slices.Equal(v.Lacking, want) {
		t.Errorf("got %q", v.Lacking)
	}
	fake.state.Topics = nil
	if v = viewOf(t, factsOf(t, fake, head+"sections: [{figures: [bookings]}]\n", "2026-12", "2027-01-02"), "zh-Hans", &fakeCharts{}); !slices.Equal(v.Lacking, []string{"尚未收到任何事件。"}) {
		t.Errorf("got %q", v.Lacking)
	}
	fake.stateErr = errors.New("closed")
	v = viewOf(t, factsOf(t, fake, head+"sections: [{figures: [new_leads]}]\n", "2026-10", "2026-11-02"), "zh-Hans", &fakeCharts{})
	if want := []string{"无法得知数据的新旧程度。", "New leads无法计算：数据仓库未能作答，分析人员可以查明原因。"}; len(v.Lacking) != 2 || v.Lacking[0] != want[0] {
		t.Errorf("got %q", v.Lacking)
	}
}

// A picture that can't be drawn leaves its table, and says so.
func TestChartFails(t *testing.T) {
	t.Parallel()
	f := factsOf(t, newFake(), head+"sections: [{bars: nps, by: product}]\n", "2026-10", "2026-11-02")
	w := &writer{words: english(), facts: f, charts: &fakeCharts{err: errors.New("no font")}}
	v, err := w.page(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := v.Sections[0]
	if s.Picture != nil || len(s.Table.Rows) != 5 || s.Notes[0] != w.chartFailed || len(w.failures) != 1 {
		t.Errorf("got %+v, failures %v", s, w.failures)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.page(cancelled); !errors.Is(err, context.Canceled) {
		t.Errorf("a page that is broken off: %v", err)
	}
}

func TestCharts(t *testing.T) {
	t.Parallel()
	c := &fakeCharts{}
	f := factsOf(t, newFake(), head+"sections: [{line: csat_top2, by: channel, periods: 3}, {bars: csat_top2, by: channel}, {line: lead_to_won, periods: 9}]\n", "2026-10", "2026-11-02")
	v := viewOf(t, f, "en", c)
	line, bars, young := c.specs[0], c.specs[1], c.specs[2]
	if len(line.Series) != maxLines || !slices.Equal(line.Labels, []string{"Aug 26", "Sep 26", "Oct 26"}) {
		t.Errorf("%d lines over %v", len(line.Series), line.Labels)
	}
	if notes := v.Sections[0].Notes; len(notes) == 0 || notes[0] != "Not shown, since fewer cases are behind them: unknown, (none)." {
		t.Errorf("notes %q", notes)
	}
	if bars.Kind != charts.Bars || len(bars.Labels) != 8 || !slices.IsSortedFunc(bars.Series[0].Values, func(a, b *float64) int { return int(1e9 * (*b - *a)) }) {
		t.Errorf("bars %v", bars.Labels)
	}
	if want := []bool{false, false, false, true, true, true, true, true, true}; !slices.Equal(young.Series[0].Provisional, want) {
		t.Errorf("provisional %v", young.Series[0].Provisional)
	}
	if notes := v.Sections[2].Notes; !slices.Equal(notes, []string{"Not mature yet: its youngest cases may still count later. (May 26 to Oct 26)"}) {
		t.Errorf("notes %q", notes)
	}
}

// Text of a company's own files can't become markup, or end a line.
func TestPageEscapes(t *testing.T) {
	t.Parallel()
	fake := newFake()
	fake.metrics["nps"].Labels["en"] = `<script>alert(1)</script>" onload="x`
	f := factsOf(t, fake, "report: a\ntitle: \"<b>&\"\nperiod: month\nsections: [{figures: [nps]}, {line: nps}]\n", "2026-10", "2026-11-02")
	f.company.Name = "A & B <img src=x>"
	html, err := renderHTML(viewOf(t, f, "en", &fakeCharts{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<script", `" onload="`, "<b>", "<img src=x"} {
		if bytes.Contains(html, []byte(bad)) {
			t.Errorf("the page holds %s", bad)
		}
	}
}
