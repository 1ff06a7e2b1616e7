package dashboards

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/funnelhouse/funnelhouse/charts"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// onePage is a site of one row.
func onePage(t *testing.T, metrics Metrics, row string, change func(*Config)) http.Handler {
	t.Helper()
	return newSite(t, metrics, func(c *Config) {
		pages, err := Load(files("page: overview\ntitle: {en: Overview, zh-Hans: 总览, zh-Hant: 總覽}\nrows:\n  - " + row + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		c.Pages = pages
		if change != nil {
			change(c)
		}
	}).Handler()
}

func get(t *testing.T, h http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return answer
}

var (
	tags   = regexp.MustCompile(`(?s)<script.*?</script>|<svg.*?</svg>|<[^>]*>`)
	spaces = regexp.MustCompile(`\s+`)
)

// text is what a reader reads of a page.
func text(body string) string {
	return spaces.ReplaceAllString(strings.NewReplacer("&#43;", "+", "&#39;", "'", "&#34;", `"`, "&lt;", "<", "&gt;", ">", "&amp;", "&", "\u00a0", " ").Replace(tags.ReplaceAllString(body, " ")), " ")
}

func expect(t *testing.T, body string, has []string, lacks ...string) {
	t.Helper()
	read := text(body)
	for _, want := range has {
		if !strings.Contains(read, want) {
			t.Errorf("the page lacks %q:\n%s", want, read)
		}
	}
	for _, not := range lacks {
		if strings.Contains(read, not) {
			t.Errorf("the page has %q:\n%s", not, read)
		}
	}
}

// rows answers with rows made by hand, by period; every other period has none.
type rows map[string]metric.Row

func (r rows) change(q metric.Request, table *metric.Table) (*metric.Table, error) {
	table.Rows = nil
	if len(q.By) == 0 {
		for period, row := range r {
			row.Period = period
			table.Rows = append(table.Rows, row)
		}
	}
	return table, nil
}

func value1(v float64) metric.Row { return metric.Row{Value: &v, N: new(int64(100))} }

// between is a share with its interval.
func between(low, v, high float64) metric.Row {
	return metric.Row{Value: &v, CILow: &low, CIHigh: &high, N: new(int64(250))}
}

func (r rows) page(t *testing.T, row, path string, more ...func(*Config)) string {
	t.Helper()
	var change func(*Config)
	if len(more) > 0 {
		change = more[0]
	}
	calendar := metric.Company{}
	if change != nil {
		var c Config
		change(&c)
		calendar = c.Calendar
	}
	answer := get(t, onePage(t, &fake{Set: metricSet(t), change: r.change, calendar: calendar}, row, change), path)
	if answer.Code != http.StatusOK {
		t.Fatalf("status %d: %s", answer.Code, answer.Body)
	}
	return answer.Body.String()
}

func flagged(row metric.Row, flags ...string) metric.Row {
	row.Flags = flags
	return row
}

func TestFigure(t *testing.T) {
	for _, c := range []struct {
		name, figure, path string
		rows               rows
		has                []string
		lacks              []string
	}{
		{
			"better", "otd_original", "/?lang=en",
			rows{"2026-11": value1(0.5), "2026-10": value1(0.82), "2026-09": value1(0.80), "2025-10": value1(0.70)},
			[]string{"82.0 % October 2026 ▲ +2.0 pp better against September 2026 (80.0 %) ▲ +12.0 pp better against October 2025 (70.0 %) November 2026 so far: 50.0 % n = 100"},
			nil,
		},
		{
			"lower is better", "defect_density", "/?lang=en",
			rows{"2026-10": value1(0.8), "2026-09": value1(1), "2025-10": value1(0.5)},
			[]string{"▼ −20.0 % better against September", "▲ +60.0 % worse against October 2025 (0.50)"},
			[]string{"so far"},
		},
		{
			"within chance", "csat_top2", "/?lang=en",
			rows{"2026-10": between(0.78, 0.83, 0.87), "2026-09": between(0.75, 0.80, 0.84), "2025-10": between(0.55, 0.60, 0.65)},
			[]string{"+3.0 pp within chance", "+23.0 pp better", "n = 250 95 % interval 78.0 % to 87.0 %"},
			nil,
		},
		{
			"few cases", "csat_top2", "/?lang=en",
			rows{"2026-10": flagged(value1(0.9), metric.SmallN), "2026-09": value1(0.8)},
			[]string{"+10.0 pp few cases against", "few cases: read with care"},
			[]string{"better"},
		},
		{
			"no change", "otd_original", "/?lang=en",
			rows{"2026-10": value1(0.8), "2026-09": value1(0.80001)},
			[]string{"= ±0.0 pp no change"},
			nil,
		},
		{
			"not assessable", "otd_original", "/?lang=en",
			rows{"2026-10": {N: new(int64(0))}},
			[]string{"not assessable October 2026"},
			[]string{"against"},
		},
		{
			"not assessable yet", "share_revenue", "/?lang=en",
			rows{"2026-11": {}, "2026-10": {Numerator: "5"}, "2026-09": value1(0.2), "2026-08": value1(0.1)},
			[]string{"20.0 % September 2026 ▲ +10.0 pp better against August 2026 (10.0 %) October 2026: not assessable November 2026 so far: not assessable"},
			nil,
		},
		{"no longer assessable", "share_revenue", "/?lang=en", rows{"2026-06": value1(0.2)}, []string{"no data October 2026"}, []string{"20.0 %"}},
		{"nothing at all", "otd_original", "/?lang=en", rows{}, []string{"no data October 2026"}, []string{"against"}},
		{
			"a count without rows is 0", "converted_customers", "/?lang=en",
			rows{"2026-09": value1(4)},
			[]string{"0 October 2026 ▼ −100.0 % worse against September 2026 (4) November 2026 so far: 0"},
			[]string{"n = "},
		},
		{"before the first row there is nothing", "converted_customers", "/?lang=en", rows{"2026-11": value1(4)}, []string{"no data October 2026", "so far: 4"}, nil},
		{
			"cohorts that ripen", "lead_to_won", "/?lang=en",
			rows{
				"2026-11": flagged(value1(0.001), metric.Immature), "2026-10": flagged(value1(0.02), metric.Immature),
				"2026-09": flagged(value1(0.05), metric.Immature), "2026-08": value1(0.12), "2026-07": value1(0.11), "2025-08": value1(0.14),
			},
			[]string{"12.0 % August 2026", "against July 2026", "−2.0 pp worse against August 2025", "October 2026: 2.0 % (still ripening: its window is open)", "November 2026 so far: 0.1 %"},
			nil,
		},
		{
			"nothing has ripened", "lead_to_won", "/?lang=en",
			rows{"2026-10": flagged(value1(0.02), metric.Immature), "2025-10": value1(0.1)},
			[]string{"2.0 % October 2026", "▼ −8.0 pp not comparable yet", "still ripening"},
			nil,
		},
		{
			"all ripen", "lead_to_won", "/?lang=en",
			rows{"2026-10": flagged(value1(0.02), metric.Immature), "2026-09": flagged(value1(0.04), metric.Immature)},
			[]string{"2.0 % October 2026", "▼ −2.0 pp not comparable yet against", "still ripening: its window is open"},
			[]string{"worse"},
		},
		{
			"quarters", "otd_original", "/?lang=en&grain=quarter",
			rows{"2026-Q4": value1(0.5), "2026-Q3": value1(0.82), "2026-Q2": value1(0.80), "2025-Q3": value1(0.70)},
			[]string{"82.0 % Q3 2026", "against Q2 2026", "against Q3 2025", "Q4 2026 so far: 50.0 %"},
			nil,
		},
		{
			"years", "otd_original", "/?lang=zh-Hans&grain=year",
			rows{"2026": value1(0.5), "2025": value1(0.82), "2024": value1(0.80)},
			[]string{"82.0 % 2025年", "▲ +2.0 个百分点 改善 较2024年（80.0 %）", "2026年至今：50.0 %"},
			nil,
		},
		{
			"amounts", "bookings", "/?lang=zh-Hant",
			rows{"2026-10": value1(1234567.89), "2026-09": value1(1e6)},
			[]string{"CNY 1,234,568 2026年10月", "▲ +23.5 % 改善 較2026年9月（CNY 1,000,000）"},
			nil,
		},
		{"days", "sales_cycle", "/?lang=en", rows{"2026-10": value1(41.5), "2026-09": value1(45)}, []string{"41.5 days October 2026", "▼ −7.8 % better"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			expect(t, c.rows.page(t, "[{figure: "+c.figure+"}]", c.path), c.has, c.lacks...)
		})
	}
}

func TestToneIsNeverColourAlone(t *testing.T) {
	body := rows{"2026-10": value1(0.82), "2026-09": value1(0.80), "2025-10": value1(0.9)}.page(t, "[{figure: otd_original}]", "/?lang=en")
	for _, want := range []string{`<li class="good">`, `>better<`, `<li class="bad">`, `>worse<`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

func TestFiscalYear(t *testing.T) {
	body := rows{"2026/27-Q3": value1(0.5), "2026/27-Q2": value1(0.82), "2026/27-Q1": value1(0.80), "2025/26-Q2": value1(0.70)}.
		page(t, "[{figure: otd_original}, {line: otd_original}]", "/?lang=en&grain=quarter", func(c *Config) {
			c.Calendar = metric.Company{FiscalYearStarts: time.April}
		})
	expect(t, body, []string{"82.0 % Q2 2026/27", "against Q1 2026/27", "against Q2 2025/26", "Q3 2026/27 so far: 50.0 %"})
}

func TestLine(t *testing.T) {
	body := rows{
		"2026-11": value1(0.5), "2026-10": between(0.78, 0.82, 0.86), "2026-09": {N: new(int64(0))}, "2025-10": value1(0.70), "2025-11": value1(0.71),
	}.page(t, "[{line: otd_original, compare: previous_year}]", "/?lang=en")
	expect(t, body, []string{
		"On-time delivery (first date) Last 13 months", "Dotted or pale: may still change",
		"Period Value A year before n 95 % interval Notes 2026-11 50.0 % 71.0 % 100 – still running 2026-10 82.0 % 70.0 % 250 78.0 % – 86.0 % 2026-09 not assessable – 0 – 2026-08 – – – –",
	})
	if strings.Count(body, "<svg") != 2 || strings.Count(body, `<script type="application/json">`) != 1 {
		t.Error("a chart is two pictures and one option")
	}
	// A year of years is the series itself.
	body = rows{"2025": value1(0.5), "2024": value1(0.4)}.page(t, "[{line: otd_original, compare: previous_year}]", "/?lang=en&grain=year")
	expect(t, body, []string{"Last 3 years", "Period Value n"}, "A year before")
}

func TestBarsBy(t *testing.T) {
	metrics := &fake{Set: metricSet(t), change: func(q metric.Request, table *metric.Table) (*metric.Table, error) {
		if len(q.By) == 0 {
			return table, nil
		}
		if q.From != "2026-10" || q.To != "2026-10" {
			return nil, fmt.Errorf("asked from %s to %s", q.From, q.To)
		}
		table.Rows = nil
		for i := range 15 {
			row := value1(float64(i) / 100)
			row.Dimensions = []*string{new(fmt.Sprintf("unit %d", i))}
			table.Rows = append(table.Rows, row)
		}
		table.Rows[3].Dimensions = []*string{nil}
		table.Rows[14].Value = nil
		table.Rows[13].Flags = []string{metric.SmallN}
		return table, nil
	}}
	body := get(t, onePage(t, metrics, "[{bars: otd_original, by: department}]", nil), "/?lang=en").Body.String()
	expect(t, body, []string{
		"By department, October 2026", "12 of 15 shown; the table has all Pale: few cases",
		"Department Value n 95 % interval Notes unit 13 13.0 % 100 – few cases: read with care unit 12 12.0 %", "not stated 3.0 %", "unit 14 not assessable",
	})
}

func TestLinesBy(t *testing.T) {
	body := get(t, onePage(t, &fake{Set: metricSet(t)}, "[{line: csat_top2, by: channel}, {bars: bookings}]", nil), "/?lang=zh-Hant").Body.String()
	expect(t, body, []string{"按通路，最近 13 個月", "圖中顯示 6 項，共 7 項；表中列出全部", "期間 通路 數值 n"})
}

// A figure that fails says so in its place and leaves the others alone. What
// the database says may hold values of rows.
func TestFailure(t *testing.T) {
	refused := &fake{Set: metricSet(t), change: func(q metric.Request, table *metric.Table) (*metric.Table, error) {
		if q.Metric == "csat_top2" {
			return nil, &metric.RequestError{Field: "metric", Err: errors.New("marts.x is not built yet: run funnelhouse build")}
		}
		if len(q.By) > 0 {
			return nil, errors.New("secret-4712")
		}
		return table, nil
	}}
	body := get(t, onePage(t, refused, "[{figure: broken}, {figure: csat_top2}, {line: broken}, {figure: otd_original}, {bars: otd_original, by: channel}, {line: otd_original, by: channel}]", nil), "/?lang=en").Body.String()
	expect(t, body, []string{
		"A figure that fails Can't be shown broken could not be computed; the log of funnelhouse says why.", "Can't be shown marts.x is not built yet: run funnelhouse build", "October 2026",
	}, "secret")
	if n := strings.Count(body, `class="failed"`); n != 5 {
		t.Errorf("%d figures fail, not 5", n)
	}
}

func TestHostileText(t *testing.T) {
	hostile := `</script><script>alert(1)</script>"'><img src=x onerror=alert(1)>` + strings.Repeat("長", 5000) + "\u202E"
	metrics := &fake{Set: metricSet(t), change: func(_ metric.Request, table *metric.Table) (*metric.Table, error) {
		for i := range table.Rows {
			if len(table.Dimensions) > 0 {
				table.Rows[i].Dimensions = []*string{&hostile}
				table.Rows[i].Flags = []string{"<b>new_flag"}
			}
		}
		return table, nil
	}}
	h := onePage(t, metrics, "[{bars: otd_original, by: channel}, {line: otd_original, by: channel}]", func(c *Config) { c.Company, c.Currency = hostile, hostile })
	for _, path := range []string{"/", "/?lang=%3Cscript%3E&grain=%22%3E%3Cscript%3E", "/pages/%3Cscript%3Ealert(1)%3C%2Fscript%3E"} {
		body := get(t, h, path).Body.String()
		for _, never := range []string{"<script>alert", "<img", "<b>", "onerror=alert(1)>"} {
			if strings.Contains(body, never) {
				t.Errorf("%s: the page holds %s", path, never)
			}
		}
	}
}

// A page can be read as of a day that has passed; not as of one to come.
func TestAsOf(t *testing.T) {
	asked := &fake{Set: metricSet(t), change: func(q metric.Request, table *metric.Table) (*metric.Table, error) {
		if got := q.AsOf.Format(time.DateOnly); got != "2026-03-31" || q.To != "2026-03" {
			return nil, fmt.Errorf("asked to %s as of %s", q.To, got)
		}
		return table, nil
	}}
	body := get(t, onePage(t, asked, "[{figure: otd_original}]", nil), "/?lang=en&as_of=2026-03-31").Body.String()
	expect(t, body, []string{"As of 31 March 2026", "February 2026", "March 2026 so far"}, "Can't be shown")
	if !strings.Contains(body, `href="/?as_of=2026-03-31&amp;grain=quarter&amp;lang=en"`) {
		t.Error("the day is lost on the way to another period")
	}
	for _, wrong := range []string{"2027-01-01", "0001-01-01", "x", "%3Cscript%3E", "2026-02-30"} {
		expect(t, get(t, onePage(t, &fake{Set: metricSet(t)}, "[{figure: otd_original}]", nil), "/?lang=en&as_of="+wrong).Body.String(), []string{"As of 25 November 2026", "October 2026"})
	}
}

func TestEmptyChart(t *testing.T) {
	body := rows{}.page(t, "[{line: otd_original, compare: previous_year}, {bars: otd_original, by: channel}]", "/?lang=en")
	if strings.Contains(body, "<svg") || strings.Count(body, `<p class="empty">no data</p>`) != 2 {
		t.Error("a chart of nothing is drawn")
	}
}

func TestHeadersAndAssets(t *testing.T) {
	h := newSite(t, &fake{Set: metricSet(t)}, nil).Handler()
	for _, path := range []string{"/", "/pages/overview", "/nothing", "/pages/nothing", "/static/page.css", "/static/nothing"} {
		answer := get(t, h, path)
		csp := answer.Header().Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || answer.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, answer.Header())
		}
		if want := map[bool]int{true: 404, false: 200}[strings.Contains(path, "nothing")]; answer.Code != want {
			t.Errorf("%s: status %d", path, answer.Code)
		}
	}
	body := get(t, h, "/").Body.String()
	for _, address := range regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(body, -1) {
		if !strings.HasPrefix(address[1], "/") && !strings.HasPrefix(address[1], "#") && address[1] != "data:," {
			t.Errorf("the page points to %s", address[1])
		}
	}
	for _, address := range regexp.MustCompile(`"(/static/[^"]*)"`).FindAllStringSubmatch(body, -1) {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, address[1], nil)
		request.Header.Set("Accept-Encoding", "gzip")
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, request)
		if answer.Code != 200 || !strings.Contains(answer.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", address[1], answer.Code, answer.Header())
		}
		z, err := gzip.NewReader(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		if data, err := io.ReadAll(z); err != nil || len(data) < 1000 {
			t.Errorf("%s: %d bytes, %v", address[1], len(data), err)
		}
		request.Header.Set("If-None-Match", answer.Header().Get("ETag"))
		again := httptest.NewRecorder()
		h.ServeHTTP(again, request)
		if again.Code != http.StatusNotModified {
			t.Errorf("%s: status %d for what is known", address[1], again.Code)
		}
	}
	post := httptest.NewRecorder()
	h.ServeHTTP(post, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil))
	if post.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: status %d", post.Code)
	}
}

func TestLanguagesAndPeriods(t *testing.T) {
	h := onePage(t, &fake{Set: metricSet(t)}, "[{figure: otd_original}]", func(c *Config) { c.Languages = []string{"zh-Hant", "en"} })
	for path, lang := range map[string]string{"/": "zh-Hant", "/?lang=en": "en", "/?lang=zh-Hans": "zh-Hans", "/?lang=xx": "zh-Hant"} {
		body := get(t, h, path).Body.String()
		if !strings.Contains(body, `<html lang="`+lang+`">`) {
			t.Errorf("%s isn't in %s", path, lang)
		}
	}
	body := get(t, h, "/?lang=en&grain=quarter").Body.String()
	for _, want := range []string{`href="/?lang=en"`, `href="/?grain=quarter&amp;lang=en" aria-current="true"`, `href="/?grain=quarter&amp;lang=zh-Hans"`, `href="/?grain=year&amp;lang=en"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

// Every language says everything, in formats of the same kind.
func TestWords(t *testing.T) {
	verbs := regexp.MustCompile(`%[^ ]`)
	want := fmt.Sprintf("%v", verbs.FindAllString(fmt.Sprint(english()), -1))
	for _, l := range languages() {
		w := wordsOf(l.Code)
		all := fmt.Sprintf("%#v", w)
		if strings.Contains(all, `:""`) {
			t.Errorf("%s lacks a word: %s", l.Code, all)
		}
		if got := fmt.Sprintf("%v", verbs.FindAllString(fmt.Sprint(w), -1)); len(got) != len(want) {
			t.Errorf("%s has other formats: %s, want %s", l.Code, got, want)
		}
	}
}

func TestStatus(t *testing.T) {
	site := newSite(t, &fake{Set: metricSet(t)}, func(c *Config) {
		c.Fresh = func(context.Context) (Freshness, error) {
			return Freshness{LoadedAt: day.Add(time.Hour), NotBuilt: 2}, nil
		}
	})
	expect(t, get(t, site.Handler(), "/?lang=en").Body.String(),
		[]string{"As of 25 November 2026 last data loaded 2026-11-25 09:00 Asia/Shanghai", "2 of the models failed in the last build"}, "figures computed", "mistakes")
	site.SetStale(true)
	expect(t, get(t, site.Handler(), "/?lang=en").Body.String(), []string{"The project's files have mistakes"})
	empty := newSite(t, &fake{Set: metricSet(t)}, func(c *Config) { c.Pages = nil })
	if answer := get(t, empty.Handler(), "/"); answer.Code != 404 {
		t.Errorf("without a page: status %d", answer.Code)
	}
	empty.SetStale(true)
	if answer := get(t, empty.Handler(), "/"); answer.Code != 503 {
		t.Errorf("without a good page: status %d", answer.Code)
	}
}

func TestManyReaders(t *testing.T) {
	h := onePage(t, &fake{Set: metricSet(t)}, "[{figure: otd_original}, {line: otd_original}, {bars: otd_original, by: channel}]", nil)
	want := get(t, h, "/").Body.String()
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			if got := get(t, h, "/").Body.String(); got != want {
				t.Error("two readers see different pages")
			}
		})
	}
	group.Wait()
}

func TestDarkColorsCoverThePalette(t *testing.T) {
	css := string(newSite(t, &fake{Set: metricSet(t)}, nil).assets["page.css"].data)
	for light, dark := range charts.Dark() {
		if dark == "" || !strings.Contains(css, `.picture [stroke="`+light+`" i] { stroke: `+dark) {
			t.Errorf("%s has no dark counterpart", light)
		}
	}
}

func TestNewNeedsItsParts(t *testing.T) {
	if _, err := New(Config{}, nil, nil); err == nil {
		t.Error("no error")
	}
}
