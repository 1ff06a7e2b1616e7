package serving

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/funnelhouse/funnelhouse/contracts"
	"github.com/funnelhouse/funnelhouse/warehouse"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

const wonShare = `metric: won_share
label: {en: Won share, zh-Hans: 赢单率}
description: {en: Share of the deals that were won.}
owner: sales
version: 3
unit: percent
direction: higher
kind: ratio
model: marts.deals
entity: deal_id
time: closed_date
numerator: {where: is_won}
dimensions: [channel]
`

const bookings = `metric: bookings
label: Bookings
description: Amount of the deals.
owner: sales
version: 1
unit: currency
kind: sum
model: marts.deals
entity: deal_id
time: closed_date
value: amount
dimensions: [channel]
`

const unbuilt = `metric: unbuilt
label: Unbuilt
description: Rows of a model without a table.
owner: sales
version: 1
unit: count
kind: count
model: marts.nothing
entity: id
time: day
`

// fixed serves one set of metrics.
type fixed struct {
	set *metric.Set
	wh  *warehouse.Warehouse
}

func (f fixed) All() ([]*metric.Metric, error)          { return f.set.All(), nil }
func (f fixed) Get(code string) (*metric.Metric, error) { return f.set.Get(code) }
func (f fixed) Query(ctx context.Context, req metric.Request) (*metric.Table, error) {
	return f.set.Query(ctx, f.wh.DB(), metric.Company{}, req)
}

// house is a server on a socket.
type house struct {
	url string
	wh  *warehouse.Warehouse
	log *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func serve(t *testing.T, cfg Config) house {
	t.Helper()
	set, err := contracts.Load(contracts.Files)
	if err != nil {
		t.Fatal(err)
	}
	wh, err := warehouse.Open(t.Context(), warehouse.Config{Contracts: set})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := wh.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, statement := range []string{
		`create table marts.deals (deal_id varchar, channel varchar, closed_date date, is_won boolean, amount decimal(18, 2))`,
		`insert into marts.deals values ('a', 'web', date '2026-01-10', true, 1234567.5), ('b', 'web', date '2026-01-11', false, 0.25),
			('c', null, date '2026-02-01', true, null), ('d', '网, "x"', date '2026-02-02', true, 10), ('e', 'web', date '2026-12-01', true, 1)`,
	} {
		if _, err := wh.DB().ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	files := fstest.MapFS{}
	for name, text := range map[string]string{"won_share": wonShare, "bookings": bookings, "unbuilt": unbuilt} {
		files["metrics/"+name+".yaml"] = &fstest.MapFile{Data: []byte(text)}
	}
	metrics, err := metric.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	log := &lockedBuffer{}
	cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	cfg.Today = func() time.Time { return time.Date(2026, time.October, 31, 0, 0, 0, 0, time.UTC) }
	s, err := New(cfg, wh, fixed{metrics, wh})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	return house{server.URL, wh, log}
}

type got struct {
	status int
	header http.Header
	body   string
}

// send sends a request; headers come in pairs.
func (h house) send(t *testing.T, method, path, body string, headers ...string) got {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, h.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return got{answer.StatusCode, answer.Header, string(text)}
}

func (h house) ask(t *testing.T, sql string, headers ...string) got {
	t.Helper()
	return h.send(t, http.MethodPost, "/v1/query", sql, append([]string{"Content-Type", "text/plain"}, headers...)...)
}

// fails holds an answer against the status, field and words of a failure.
func (g got) fails(t *testing.T, what string, status int, field string, words ...string) {
	t.Helper()
	var failure struct{ Error, Field string }
	if err := json.Unmarshal([]byte(g.body), &failure); err != nil || failure.Error == "" {
		t.Errorf("%s: %q is no failure (%v)", what, g.body, err)
	}
	if g.status != status || failure.Field != field || g.header.Get("Content-Type") != "application/json" {
		t.Errorf("%s: got %d %s, want %d about %q", what, g.status, g.body, status, field)
	}
	for _, word := range words {
		if !strings.Contains(failure.Error, word) {
			t.Errorf("%s: %q lacks %q", what, failure.Error, word)
		}
	}
}

// every row of the question has a value of every sort that a format may stumble
// over.
const question = `select deal_id, channel, closed_date, is_won, amount, 170141183460469231731687303715884105727::hugeint as big,
	'' as nothing, [1, 2] as list, 'nan'::double as nan from marts.deals order by 1`

func TestQueryJSON(t *testing.T) {
	t.Parallel()
	h := serve(t, Config{})
	for _, g := range []got{
		h.ask(t, question),
		h.send(t, http.MethodPost, "/v1/query?format=json", `{"sql": `+quote(question)+`}`, "Content-Type", "application/json; charset=utf-8"),
	} {
		if g.status != http.StatusOK || g.header.Get("Content-Type") != "application/json" {
			t.Fatalf("got %d %s", g.status, g.body)
		}
		var answer struct {
			Columns []struct{ Name, Type string }
			Rows    [][]json.RawMessage
		}
		if err := json.Unmarshal([]byte(g.body), &answer); err != nil {
			t.Fatalf("%v in %s", err, g.body)
		}
		if c := fmt.Sprint(answer.Columns[:5]); c != "[{deal_id VARCHAR} {channel VARCHAR} {closed_date DATE} {is_won BOOLEAN} {amount DECIMAL(18,2)}]" {
			t.Errorf("columns %s", c)
		}
		want := `["d" "网, \"x\"" "2026-02-02" true 10.00 170141183460469231731687303715884105727 "" [1,2] "NaN"]`
		if len(answer.Rows) != 5 || fmt.Sprintf("%s", answer.Rows[3]) != want {
			t.Errorf("%d rows, the fourth %s", len(answer.Rows), answer.Rows[3])
		}
		if string(answer.Rows[2][1]) != "null" {
			t.Errorf("null is %s", answer.Rows[2][1])
		}
	}
	if g := h.ask(t, "select 1 as x where false"); g.body != "{\"columns\": [{\"name\":\"x\",\"type\":\"INTEGER\"}], \"rows\": [\n]}\n" {
		t.Errorf("without rows: %q", g.body)
	}
}

func quote(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestQueryCSV(t *testing.T) {
	t.Parallel()
	h := serve(t, Config{})
	g := h.ask(t, question, "Accept", "text/csv")
	if g.status != http.StatusOK || g.header.Get("Content-Type") != "text/csv; charset=utf-8; header=present" {
		t.Fatalf("got %d %v %s", g.status, g.header, g.body)
	}
	rows, err := csv.NewReader(strings.NewReader(g.body)).ReadAll()
	if err != nil || len(rows) != 6 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if got := strings.Join(rows[4], "|"); got != `d|网, "x"|2026-02-02|true|10.00|170141183460469231731687303715884105727||[1,2]|NaN` {
		t.Errorf("got %s", got)
	}
	if !strings.Contains(g.body, "c,,2026-02-01,true,,1701") || !strings.Contains(g.body, `727,"","[1,2]"`) {
		t.Errorf("null and the empty text are not told apart:\n%s", g.body)
	}
	if g := h.ask(t, "select * from (values (null), ('x')) t(a)", "Accept", "text/csv"); g.body != "a\n\"\"\nx\n" {
		t.Errorf("one column: %q", g.body)
	}
}

func readArrow(t *testing.T, body string) (*arrow.Schema, []arrow.RecordBatch) {
	t.Helper()
	reader, err := ipc.NewReader(strings.NewReader(body))
	if err != nil {
		t.Fatalf("%v in %q", err, body)
	}
	var batches []arrow.RecordBatch
	for reader.Next() {
		batch := reader.RecordBatch()
		batch.Retain()
		batches = append(batches, batch)
	}
	if err := reader.Err(); err != nil {
		t.Fatal(err)
	}
	return reader.Schema(), batches
}

func TestQueryArrow(t *testing.T) {
	t.Parallel()
	h := serve(t, Config{})
	g := h.ask(t, "select i, (i / 4)::decimal(18, 2) as quarter, case when i % 2 = 0 then '双' end as even from range(10000) r(i)",
		"Accept", "application/vnd.apache.arrow.stream")
	if g.status != http.StatusOK || g.header.Get("Content-Type") != "application/vnd.apache.arrow.stream" {
		t.Fatalf("got %d %s", g.status, g.body)
	}
	schema, batches := readArrow(t, g.body)
	if len(schema.Fields()) != 3 || schema.Field(1).Type.String() != "decimal(18, 2)" {
		t.Errorf("schema %s", schema)
	}
	row := 0
	for _, b := range batches {
		for i := range int(b.NumRows()) {
			even := "(null)"
			if row%2 == 0 {
				even = "双"
			}
			if b.Column(0).ValueStr(i) != fmt.Sprint(row) || b.Column(2).ValueStr(i) != even {
				t.Fatalf("row %d is %s %s", row, b.Column(0).ValueStr(i), b.Column(2).ValueStr(i))
			}
			row++
		}
	}
	if row != 10000 {
		t.Errorf("%d rows", row)
	}
	if schema, batches := readArrow(t, h.send(t, http.MethodPost, "/v1/query?format=arrow", "select 1 as x where false", "Content-Type", "text/plain").body); len(schema.Fields()) != 1 || len(batches) != 0 {
		t.Errorf("without rows: %s, %d batches", schema, len(batches))
	}
}

// The types that DuckDB has and JSON or Arrow lacks are answered or refused,
// and never end the server.
func TestQueryTypes(t *testing.T) {
	t.Parallel()
	h := serve(t, Config{})
	for _, value := range []string{
		"null", "'101'::bit", "time '01:02:03'", "'01:02:03+08'::timetz", "interval '1 month 2 days'", "uuid()", "'a'::enum ('a', 'b')",
		"{'a': 1, 'b': ['x', null]}", "map {'k': 1.5}", "[[1], [2, null]]", "union_value(num := 2)", "'\\xFF\\x00'::blob", "1::utinyint",
		"170141183460469231731687303715884105727::hugeint", "340282366920938463463374607431768211455::uhugeint", "'infinity'::date",
		"'-infinity'::timestamp", "timestamp_ns '2026-01-01 00:00:00.123456789'", "'[1,2]'::json", "array_value(1.5, 2.5)",
		"123456789012345678901234567890123456789012345678901234567890::bignum", "1.5::float", "repeat('长', 100000)",
	} {
		for _, format := range []string{"json", "csv", "arrow"} {
			g := h.send(t, http.MethodPost, "/v1/query?format="+format, "select "+value+" as v from range(3)", "Content-Type", "text/plain")
			if g.status != http.StatusOK && g.status != http.StatusBadRequest {
				t.Errorf("%s as %s: %d %s", value, format, g.status, g.body)
			}
			if format != "arrow" && g.status != http.StatusOK {
				t.Errorf("%s as %s: %d %s", value, format, g.status, g.body)
			}
			if format == "arrow" && g.status == http.StatusOK {
				readArrow(t, g.body)
			}
		}
	}
}

func TestHostileSQL(t *testing.T) {
	t.Parallel()
	h := serve(t, Config{})
	dir := t.TempDir()
	for _, sql := range []string{
		"select 1; select 2", "drop table marts.deals; select 1", "select 1; drop table marts.deals", "drop table marts.deals",
		"copy (select 1) to '" + dir + "/x.csv'", "copy marts.deals from '/etc/passwd'", "select * from read_csv('/etc/passwd')",
		"select * from '/etc/passwd'", "select * from read_text('/etc/passwd')", "select * from glob('/*')", "attach '" + dir + "/x.duckdb' as x",
		"pragma database_list", "set memory_limit = '100GB'", "install httpfs", "load httpfs", "select * from 'https://127.0.0.1:1/x.parquet'",
		"export database '" + dir + "/x'", "insert into marts.deals values ('z', 'z', null, null, null)", "delete from marts.deals",
		"with x as (select 1) update marts.deals set channel = ''", "begin", "commit", "checkpoint", "call pragma_version()", "explain analyze delete from marts.deals",
		"create temp table x (a int)", "select nextval('x')", "prepare p as select 1", "vacuum", "use marts", "select $1", "select \x00",
	} {
		for _, format := range []string{"json", "csv", "arrow"} {
			h.send(t, http.MethodPost, "/v1/query?format="+format, sql, "Content-Type", "text/plain").
				fails(t, sql+" as "+format, http.StatusBadRequest, "sql")
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("files were written: %v %v", entries, err)
	}
	if g := h.ask(t, "select count(*) from marts.deals", "Accept", "text/csv"); !strings.HasSuffix(g.body, "\n5\n") {
		t.Errorf("the rows afterwards: %s", g.body)
	}
	if h.log.String() != "" {
		t.Errorf("the log holds mistakes of the questions:\n%s", h.log)
	}
}

func TestWrongQuestions(t *testing.T) {
	t.Parallel()
	h := serve(t, Config{})
	h.ask(t, "select chanel from marts.deals").fails(t, "column", 400, "sql", "chanel")
	h.ask(t, "selec 1").fails(t, "syntax", 400, "sql", "selec")
	h.ask(t, "select 'x'::int").fails(t, "conversion", 400, "sql", "Conversion Error")
	h.ask(t, " ").fails(t, "empty", 400, "sql", "write one SELECT")
	h.ask(t, "select 1", "Accept", "application/xml").fails(t, "accept", 406, "Accept", "?format=json")
	h.ask(t, "select 1", "Accept", "application/json;q=0, text/html").fails(t, "accept nothing", 406, "Accept")
	h.ask(t, "select 1", "Content-Type", "application/x-www-form-urlencoded").fails(t, "form", 415, "Content-Type", "application/json")
	h.ask(t, "select 1", "Content-Type", "text/plain; charset=gbk").fails(t, "charset", 415, "Content-Type", "UTF-8")
	h.send(t, http.MethodPost, "/v1/query?format=xml", "select 1", "Content-Type", "text/plain").fails(t, "format", 400, "format", "json, csv or arrow")
	h.send(t, http.MethodPost, "/v1/query?limit=5", "select 1", "Content-Type", "text/plain").fails(t, "parameter", 400, "limit", "there are: format")
	for _, body := range []string{`{"sql": 1}`, `{"query": "select 1"}`, `{"sql": "select 1", "x": 1}`, `{"sql": "select 1"} {}`, `[]`, `select 1`, `null`, ``} {
		h.send(t, http.MethodPost, "/v1/query", body, "Content-Type", "application/json").fails(t, body, 400, "sql")
	}
	g := h.send(t, http.MethodGet, "/v1/query", "")
	g.fails(t, "GET a query", 405, "", "POST")
	if g.header.Get("Allow") != "POST" {
		t.Errorf("Allow: %s", g.header.Get("Allow"))
	}
	h.send(t, http.MethodPost, "/v1/metrics/won_share", "").fails(t, "POST a metric", 405, "", "GET")
	h.send(t, http.MethodOptions, "/v1/query", "").fails(t, "OPTIONS", 405, "")
	h.send(t, http.MethodGet, "/v1/nothing", "").fails(t, "no such path", 404, "", "POST /v1/query")
	h.ask(t, strings.Repeat(" ", bodyLimit)+"select 1").fails(t, "large body", 413, "", "1048576")
	if g := h.ask(t, strings.Repeat(" ", bodyLimit-10)+"select 1"); g.status != 200 {
		t.Errorf("a body at the limit: %d", g.status)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	h := serve(t, Config{Language: "zh-Hans"})
	g := h.send(t, http.MethodGet, "/v1/metrics/won_share?by=channel&from=2026-01&to=2026-Q1&where="+url.QueryEscape("channel = 'web' or channel is null"), "")
	want := `{"metric":"won_share","label":"赢单率","version":3,"unit":"percent","grain":"month","as_of":"2026-10-31","dimensions":["channel"],"rows": [
 {"period": "2026-01", "channel": "web", "numerator": 1, "denominator": 2, "value": 0.5, "n": 2, "ci_low": `
	if g.status != 200 || !strings.HasPrefix(g.body, want) {
		t.Errorf("got %d %s\nwant %s", g.status, g.body, want)
	}
	var answer struct{ Rows []map[string]any }
	if err := json.Unmarshal([]byte(g.body), &answer); err != nil || len(answer.Rows) != 2 || answer.Rows[1]["channel"] != nil {
		t.Errorf("%v in %s", err, g.body)
	}
	if g := h.send(t, http.MethodGet, "/v1/metrics/bookings?grain=year&format=csv&by=channel,&as_of=2026-12-31", ""); g.body !=
		"period,channel,numerator,denominator,value,n,ci_low,ci_high,flags\n2026,web,1234568.75,,1234568.75,3,,,\n2026,\"网, \"\"x\"\"\",10,,10,1,,,\n" {
		t.Errorf("csv: %s", g.body)
	}
	if g := h.send(t, http.MethodGet, "/v1/metrics/bookings?from=2030", ""); !strings.HasSuffix(g.body, "\"rows\": [\n]}\n") {
		t.Errorf("no rows: %s", g.body)
	}
	list := h.send(t, http.MethodGet, "/v1/metrics", "")
	if err := json.Unmarshal([]byte(list.body), &struct{ Metrics []listed }{}); err != nil || list.status != 200 ||
		!strings.Contains(list.body, `{"metric":"won_share","label":"赢单率","labels":{"en":"Won share","zh-Hans":"赢单率"}`) {
		t.Errorf("list: %v %s", err, list.body)
	}
	if g := h.send(t, http.MethodHead, "/v1/metrics", ""); g.status != 200 || g.body != "" {
		t.Errorf("HEAD: %d %q", g.status, g.body)
	}
}

func TestMetricArrow(t *testing.T) {
	t.Parallel()
	h := serve(t, Config{})
	schema, batches := readArrow(t, h.send(t, http.MethodGet, "/v1/metrics/bookings?by=channel", "", "Accept", "application/vnd.apache.arrow.stream, */*;q=0.1").body)
	about := schema.Metadata()
	if unit, ok := about.GetValue("unit"); !ok || unit != "currency" {
		t.Errorf("metadata %v", about)
	}
	var lines []string
	for _, b := range batches {
		for i := range int(b.NumRows()) {
			var cells []string
			for c := range int(b.NumCols()) {
				cells = append(cells, b.Column(c).ValueStr(i))
			}
			lines = append(lines, strings.Join(cells, "|"))
		}
	}
	want := "2026-01|web|1234567.75|(null)|1.23456775e+06|2|(null)|(null)|[]\n2026-02|网, \"x\"|10|(null)|10|1|(null)|(null)|[]"
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	_, batches = readArrow(t, h.send(t, http.MethodGet, "/v1/metrics/bookings?format=arrow&grain=total", "").body)
	if got := batches[0].Column(7).ValueStr(0); got != `["without_value"]` {
		t.Errorf("flags %s", got)
	}
}

func TestWrongMetrics(t *testing.T) {
	t.Parallel()
	h := serve(t, Config{})
	for path, want := range map[string]struct {
		status int
		field  string
		word   string
	}{
		"won_shre":                   {404, "metric", "did you mean won_share"},
		"won_share?grain=mnth":       {400, "grain", "did you mean month"},
		"won_share?from=yesterday":   {400, "from", "is no period"},
		"won_share?by=chanel":        {400, "by", "did you mean channel"},
		"won_share?where=amount>1":   {400, "where", "no dimension"},
		"won_share?where=(select+1)": {400, "where", "subquery"},
		"won_share?where=channel=1":  {400, "where", "Conversion Error"},
		"won_share?as_of=2026":       {400, "as_of", "is no day"},
		"won_share?grian=month":      {400, "grian", "there are: as_of, by"},
		"won_share?grain=a&grain=b":  {400, "grain", "stands twice"},
		"unbuilt":                    {503, "metric", "marts.nothing is not built yet"},
	} {
		h.send(t, http.MethodGet, "/v1/metrics/"+path, "").fails(t, path, want.status, want.field, want.word)
	}
}

// A page of another site must not be able to ask through a browser.
func TestOtherSites(t *testing.T) {
	t.Parallel()
	h := serve(t, Config{})
	for _, host := range []string{"evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "10.0.0.1", "169.254.1.1:8080", "[::2]:80", "0.0.0.0", "2130706433"} {
		h.ask(t, "select 1", "Host", host).fails(t, host, 403, "Host", "127.0.0.1")
		h.send(t, http.MethodGet, "/v1/metrics", "", "Host", host).fails(t, host, 403, "Host")
	}
	for _, host := range []string{"localhost", "LOCALHOST:8080", "127.0.0.1", "127.1.2.3:99", "[::1]:8080", "[::1]", "localhost.:80"} {
		if g := h.ask(t, "select 1", "Host", host); g.status != 200 {
			t.Errorf("%s: %d %s", host, g.status, g.body)
		}
	}
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Origin", "https://evil.example"},
		{"Origin", "null"},
		{"Origin", "http://127.0.0.1:1"},
		{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"},
	} {
		h.ask(t, "select 1", headers...).fails(t, fmt.Sprint(headers), 403, "Origin")
	}
	h.send(t, http.MethodGet, "/v1/metrics", "", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors").fails(t, "a script of another site", 403, "Origin")
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Site", "none"}, {"Origin", h.url}, {"Sec-Fetch-Site", "same-origin", "Origin", "https://proxy.example"},
	} {
		g := h.ask(t, "select 1", headers...)
		if g.status != 200 {
			t.Errorf("%v: %d %s", headers, g.status, g.body)
		}
		for name := range g.header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%v: the header %s", headers, name)
			}
		}
		if g.header.Get("X-Content-Type-Options") != "nosniff" || g.header.Get("Cache-Control") != "no-store" {
			t.Errorf("headers %v", g.header)
		}
	}
	if g := h.send(t, http.MethodGet, "/v1/metrics", "", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"); g.status != 200 {
		t.Errorf("a link that was followed: %d", g.status)
	}
}

const forever = "select count(*) from range(100000000) a, range(100000000) b where a.range + b.range = 1"

func TestLimit(t *testing.T) {
	t.Parallel()
	h := serve(t, Config{Limit: 300 * time.Millisecond})
	for _, format := range []string{"json", "arrow"} {
		h.send(t, http.MethodPost, "/v1/query?format="+format, forever, "Content-Type", "text/plain").fails(t, format, 400, "", "longer than 300ms")
	}
}

// Questions wait for their turn, and not for ever.
func TestTurns(t *testing.T) {
	t.Parallel()
	h := serve(t, Config{Queries: 1, Wait: 100 * time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url+"/v1/query", strings.NewReader(forever))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "text/plain")
	first := make(chan error, 1)
	go func() {
		answer, err := http.DefaultClient.Do(r)
		if err == nil {
			err = answer.Body.Close()
		}
		first <- err
	}()
	eventually(t, "a question that has to wait", func() bool { return h.ask(t, "select 1").status == http.StatusServiceUnavailable })
	g := h.ask(t, "select 1")
	g.fails(t, "busy", 503, "", "ask again later")
	if g.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	h.send(t, http.MethodGet, "/v1/metrics/won_share", "").fails(t, "busy", 503, "")
	// The client goes: its query ends, and the next one has its turn.
	cancel()
	<-first
	eventually(t, "a free turn", func() bool { return h.ask(t, "select 1").status == http.StatusOK })
	if h.log.String() != "" {
		t.Errorf("a client that went is logged:\n%s", h.log)
	}
}

// dial sends a question over a connection of its own.
func (h house) dial(t *testing.T, request string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	return conn
}

func post(sql, more string) string {
	return fmt.Sprintf("POST /v1/query%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", more, len(sql), sql)
}

// A client that stops reading holds a transaction until the limit and no
// longer.
func TestClientThatStopsReading(t *testing.T) {
	t.Parallel()
	h := serve(t, Config{Queries: 1, Limit: time.Second})
	for _, format := range []string{"?format=json", "?format=csv", "?format=arrow"} {
		conn := h.dial(t, post("select i, repeat('x', 1000) as x from range(50000) r(i)", format))
		started := time.Now()
		head, err := bufio.NewReaderSize(conn, 16).ReadString('\n')
		if err != nil || !strings.Contains(head, "200 OK") {
			t.Fatalf("%s: %q, %v", format, head, err)
		}
		eventually(t, "a free turn", func() bool { return h.ask(t, "select 1").status == http.StatusOK })
		if took := time.Since(started); took > 20*time.Second {
			t.Errorf("%s: %v", format, took)
		}
		// What was sent ends without the end of the body, so that it can't be
		// taken for the whole.
		body, err := io.ReadAll(conn)
		if err == nil && bytes.HasSuffix(body, []byte("0\r\n\r\n")) {
			t.Errorf("%s: the answer looks complete after %d bytes", format, len(body))
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := h.wh.Checkpoint(t.Context()); err != nil {
		t.Errorf("a reader is still open: %v", err)
	}
}

func TestCutConnection(t *testing.T) {
	t.Parallel()
	h := serve(t, Config{Queries: 1})
	for _, conn := range []net.Conn{
		h.dial(t, post(forever, "")),
		h.dial(t, post("select i, repeat('x', 1000) as x from range(50000) r(i)", "")),
		h.dial(t, "POST /v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nselect"),
	} {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
	eventually(t, "a free turn", func() bool { return h.ask(t, "select 1").status == http.StatusOK })
	if h.log.String() != "" {
		t.Errorf("a client that went is logged:\n%s", h.log)
	}
}

// A body that doesn't come to its end is not waited for, and the time that it
// may take doesn't end a question that takes longer.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	h := serve(t, Config{BodyWithin: 100 * time.Millisecond})
	conn := h.dial(t, "POST /v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nselect")
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusBadRequest {
		t.Errorf("got %d", answer.StatusCode)
	}
	slow := "select count(*) from range(10000) a, range(10000) b where a.range * b.range % 7 = 3"
	started := time.Now()
	g := h.ask(t, slow)
	if g.status != http.StatusOK {
		t.Errorf("a question of %v: %d %s", time.Since(started), g.status, g.body)
	}
	if took := time.Since(started); took < 100*time.Millisecond {
		t.Logf("the question took only %v", took)
	}
}

// eventually polls a condition, which sockets need.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not happen in 30 s", what)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}
