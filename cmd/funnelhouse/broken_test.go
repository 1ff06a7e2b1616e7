package main

import (
	"bytes"
	"crypto/md5"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/funnelhouse/funnelhouse/ingest"
	"github.com/funnelhouse/funnelhouse/ingest/kafka"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func mkdirData(t testing.TB, dir string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Whatever a producer sends, the rest of the batch is loaded, and what is
// refused lies in quarantine with its reason and its bytes.
func TestBrokenRecords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broker(t, dir, "")
	partition := int32(0)
	broken := []struct {
		reason string
		value  []byte
	}{
		{"invalid_json", []byte("lead created")},
		{"invalid_json", created("x", "")[:60]},
		{"unknown_type", bytes.Replace(created("x", ""), []byte("created.v1"), []byte("invented.v1"), 1)},
		{"missing_field", bytes.Replace(created("x", ""), []byte(`,"channel":"web"`), nil, 1)},
		{"wrong_type", created("x", `,"campaign":7`)},
		{"not_allowed", created("x", `,"potential":"Z"`)},
		{"invalid_time", bytes.Replace(created("x", ""), []byte("2026-03-01"), []byte("2026-02-30"), 1)},
		{"invalid_time", bytes.Replace(created("x", ""), []byte("+08:00"), nil, 1)},
		{"too_long", created(strings.Repeat("x", 1000), "")},
		{"invalid_utf8", created("\xff\xfe", "")},
		{"too_large", created("x", `,"note":"`+strings.Repeat("n", 10<<20)+`"`)},
		{"too_deep", created("x", `,"note":`+strings.Repeat("[", 1000)+strings.Repeat("]", 1000))},
		{"empty_value", []byte{}},
		{"unknown_envelope", []byte(`{"before":null,"after":{"id":1},"op":"c"}`)},
		{"scale", created("x", `,"expected_amount":1.005`)},
	}
	var messages []kafka.Message
	for i, b := range broken {
		messages = append(
			messages,
			kafka.Message{Value: b.value, Key: fmt.Appendf(nil, "key-%d", i), Partition: &partition, Headers: []ingest.Header{{Key: "trace", Value: []byte{byte(i), 0xff}}}},
			kafka.Message{Value: created(fmt.Sprint("L-", i), `,"expected_amount":"12.50","more":[1]`), Partition: &partition},
		)
	}
	messages = append(messages, kafka.Message{Key: []byte("gone"), Value: nil, Partition: &partition})
	sendLarge(t, dir, messages...)
	out := must(t, dir, "ingest", "--once")
	// How many batches it takes is a matter of time: a slow reading closes one by age.
	counts := fmt.Sprintf(": %d loaded, %d quarantined, 1 tombstones\n", len(broken), len(broken))
	if !strings.HasPrefix(out, fmt.Sprintf("%d records in ", len(messages))) || !strings.Contains(out, counts) || !strings.Contains(out, "ingest.quarantine") {
		t.Errorf("ingest says %q, want %d records%sand where to look", out, len(messages), counts)
	}
	same(t, "the leads", ask(t, dir, "select count(*), count(distinct lead_id), min(expected_amount), min(_extra) from raw.lead_created_v1"),
		`15,15,12.50,"{""more"":[1]}"`)
	for i, b := range broken {
		offset := 2 * i
		got := ask(t, dir, fmt.Sprintf(`select reason, md5(value), octet_length(value), decode(key), json_extract_string(headers, '$[0].base64') is not null, length(message) > 10
			from ingest.quarantine where record_offset = %d`, offset))
		same(t, fmt.Sprintf("record %d", offset), got, fmt.Sprintf("%s,%x,%d,key-%d,true,true", b.reason, md5.Sum(b.value), len(b.value), i))
	}
	same(t, "the bytes", ask(t, dir, "select decode(value) from ingest.quarantine where record_offset = 0"), "lead created")
	same(t, "the ledger", ask(t, dir, "select sum(fetched), sum(loaded), sum(quarantined), sum(tombstones), sum(filtered) from ingest.ledger"), "31,15,15,1,0")
}

// Every broken file is named with its line and the fix, and ends with 2.
func TestBrokenFiles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, file, from, to string
		words                []string
		commands             []string
	}{
		{"config", configFile, "", "compny: {name: x}\n", []string{"funnelhouse.yaml:1:1", "compny", "company"}, []string{"check", "ingest", "build", "serve"}},
		{"config currency", configFile, "", "company: {currency: yuan}\n", []string{"funnelhouse.yaml:1", "company.currency", "like CNY"}, []string{"check", "build"}},
		{"config value", configFile, "", "company: {zone: Mars/Olympus}\n", []string{"funnelhouse.yaml:1", "company.zone", "Asia/Shanghai"}, []string{"check", "build"}},
		{"plain password", configFile, "", "kafka: {brokers: [\"a:1\"], sasl: {mechanism: PLAIN, username: u, password: secret}}\n", []string{"funnelhouse.yaml:1", "password"}, []string{"check", "serve"}},
		{"contract", "contracts/lead.created.v1.yaml", "logicalType: string", "logicalType: strng", []string{"contracts/lead.created.v1.yaml:", "logicalType", "strng"}, []string{"check", "ingest"}},
		{"example", "contracts/testdata/lead.created.v1.jsonl", `"lead_id"`, `"leed_id"`, []string{"contracts/testdata/lead.created.v1.jsonl:1:1: reason", "missing_field"}, []string{"check"}},
		{"source", "sources/crm.yaml", "topics:", "topcs:", []string{"sources/crm.yaml:", "topcs", "topics"}, []string{"check", "serve"}},
		{"model header", "sql/marts/leads.sql", "grain:", "gran:", []string{"sql/marts/leads.sql:", "gran", "grain"}, []string{"check", "build"}},
		{"model SQL", "sql/marts/leads.sql", "staging.lead_created", "staging.lead_creatd", []string{"sql/marts/leads.sql:", "staging.lead_creatd", "staging.lead_created"}, []string{"check", "build"}},
		{"metric", "sql/metrics/lead_to_won.yaml", "reached: won_date", "reached: won_dat", []string{"sql/metrics/lead_to_won.yaml:", "reached", "won_date"}, []string{"check", "build", "metric lead_to_won"}},
		{"metric's model", "sql/metrics/lead_to_won.yaml", "marts.leads", "marts.lead", []string{"sql/metrics/lead_to_won.yaml:", "model", "marts.leads"}, []string{"check", "build", "metric lead_to_won"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			must(t, dir, "init")
			path := filepath.Join(dir, c.file)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			broken := c.to
			if c.from != "" {
				broken = strings.Replace(string(text), c.from, c.to, 1)
			}
			if broken == string(text) {
				t.Fatalf("%s holds no %q", c.file, c.from)
			}
			write(t, dir, c.file, broken)
			for _, command := range c.commands {
				refuses(t, dir, exitUsage, c.words, strings.Fields(command)...)
			}
		})
	}
}

// A model whose test fails is told with the way to the rows that break it.
func TestBuildShowsTheRows(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	producer := broker(t, dir, "")
	must(t, dir, "init")
	send(t, producer, kafka.Message{Value: created("L-1", "")}, kafka.Message{Value: created("L-2", "")})
	must(t, dir, "ingest", "--once")
	must(t, dir, "build")
	text, err := os.ReadFile(filepath.Join(dir, "sql/marts/leads.sql"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "sql/marts/leads.sql", strings.Replace(string(text), "tests: [not_null]", "tests: [not_null, {expression: lead_id <> 'L-2'}]", 1))
	r := runIn(t, dir, "build")
	if r.code != exitFailure || !strings.Contains(r.err, "marts.leads") || !strings.Contains(r.err, "for 1 row\n") {
		t.Errorf("build ends with %d and says %q, want the model and how many rows", r.code, r.err)
	}
	_, query, found := strings.Cut(r.out, "the rows: ")
	if !found {
		t.Fatalf("build does not say how to see the rows:\n%s", r.out)
	}
	same(t, "the rows", ask(t, dir, "select lead_id from ("+query+")"), "L-2")
	same(t, "the leads", ask(t, dir, "select count(*) from marts.leads"), "2")
}

// What the configuration names and isn't there is a mistake in it, told when it
// is needed: check proves the files where the secrets are not.
func TestConnectionNeedsItsFiles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, kafka string
		words       []string
	}{
		{"authorities", `tls: {ca_file: nowhere.pem}`, []string{"kafka.tls.ca_file", "nowhere.pem", "PEM"}},
		{"no authorities", `tls: {ca_file: funnelhouse.yaml}`, []string{"kafka.tls.ca_file", "funnelhouse.yaml", "PEM"}},
		{"certificate", `tls: {cert_file: nowhere.pem, key_file: nowhere.key}`, []string{"kafka.tls.cert_file", "nowhere.pem", "PEM"}},
		{"variable", `sasl: {mechanism: PLAIN, username: u, password: {env: FUNNELHOUSE_TEST_NOWHERE}}`, []string{"kafka.sasl.password", "FUNNELHOUSE_TEST_NOWHERE", "set it"}},
		{"password", `sasl: {mechanism: PLAIN, username: u, password: {file: nowhere.txt}}`, []string{"kafka.sasl.password", "nowhere.txt"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, configFile, "kafka:\n  brokers: [\"127.0.0.1:1\"]\n  "+c.kafka+"\n")
			must(t, dir, "check")
			refuses(t, dir, exitUsage, append(c.words, configFile), "ingest", "--once")
			refuses(t, dir, exitUsage, append(c.words, configFile), "serve")
		})
	}
}

func TestWrongCommandLines(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, command := range [][]string{{"serve"}, {"ingest", "--once"}, {"build"}, {"query", "select 1"}, {"metric", "lead_to_won"}} {
		refuses(t, dir, exitUsage, []string{"no project", "--dir", "funnelhouse demo"}, command...)
	}
	if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
		t.Error("a folder that is no project got a data folder")
	}
	write(t, dir, configFile, "company: {name: x}\n")
	for _, c := range []struct {
		words []string
		args  []string
	}{
		{[]string{"no kafka", "brokers", "funnelhouse demo"}, []string{"serve"}},
		{[]string{"no kafka", "brokers", "funnelhouse demo"}, []string{"ingest", "--once"}},
		{[]string{"bild", "build", "--help"}, []string{"bild"}},
		{[]string{"--onec", "ingest --help"}, []string{"ingest", "--onec"}},
		{[]string{"query"}, []string{"query"}},
		{[]string{"xml", "csv"}, []string{"query", "select 1", "--format", "xml"}},
		{[]string{"led_to_won", "lead_to_won"}, []string{"metric", "led_to_won"}},
		{[]string{"--grain", "quarter"}, []string{"metric", "lead_to_won", "--grain", "quater"}},
		{[]string{"--by", "channel"}, []string{"metric", "lead_to_won", "--by", "chanel"}},
		{[]string{"--from", "2026-Q3"}, []string{"metric", "lead_to_won", "--from", "last year"}},
		{[]string{"--where"}, []string{"metric", "lead_to_won", "--where", "email = 'x'"}},
		{[]string{"--as-of", "2025-12-31"}, []string{"metric", "lead_to_won", "--as-of", "yesterday"}},
		{[]string{"contrct", "contract"}, []string{"schema", "contrct"}},
	} {
		refuses(t, dir, exitUsage, c.words, c.args...)
	}
	refuses(t, filepath.Join(dir, "nowhere"), exitUsage, []string{"no folder", "--dir"}, "query", "select 1")
	refuses(t, dir, exitFailure, []string{"marts.leads", "funnelhouse build"}, "metric", "lead_to_won")
	refuses(t, dir, exitFailure, []string{"one SELECT"}, "query", "drop table ingest.offsets")
	refuses(t, dir, exitFailure, []string{"nowhere"}, "query", "select * from marts.nowhere")
}
