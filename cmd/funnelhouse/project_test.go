package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/funnelhouse/funnelhouse/ingest/kafka"
)

// The project that is built in holds all its examples and cases.
func TestBuiltInProject(t *testing.T) {
	t.Parallel()
	out := must(t, t.TempDir(), "check")
	if !strings.HasPrefix(out, "all right: 30 contracts with ") {
		t.Errorf("check says %q", out)
	}
}

// The sources that are built in name more topics than a company has at first:
// those that aren't there hold nothing up, and are read whole once they are.
func TestBuiltInSourcesAwaitTopics(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	producer := broker(t, dir, "")
	send(t, producer, kafka.Message{Value: created("L-1", "")})
	must(t, dir, "ingest", "--once")
	same(t, "the leads", ask(t, dir, "select lead_id from raw.lead_created_v1"), "L-1")

	const topic = "service.events"
	if err := producer.CreateTopic(t.Context(), topic, 1, nil); err != nil {
		t.Fatal(err)
	}
	opened := `{"specversion":"1.0","id":"1","source":"/service","type":"case.opened.v1","time":"2026-03-01T00:00:00Z","data":{"case_id":"S-1","kind":"complaint"}}`
	if err := producer.Produce(t.Context(), topic, []kafka.Message{{Value: []byte(opened)}}); err != nil {
		t.Fatal(err)
	}
	must(t, dir, "ingest", "--once")
	same(t, "the cases", ask(t, dir, "select case_id from raw.case_opened_v1"), "S-1")

	none := t.TempDir()
	broker(t, none, "")
	write(t, none, "sources/hr.yaml", "source: hr\nkafka: {topics: [hr.events]}\nenvelope: cloudevents\n")
	must(t, none, "ingest", "--once")
}

func TestInit(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "company")
	if err := os.Mkdir(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "sources/crm.yaml", "source: crm\nkafka: {topics: [mine]}\nenvelope: cloudevents\n")
	out := must(t, dir, "init")
	if !strings.Contains(out, "kept 1 file that existed") {
		t.Errorf("init says %q", out)
	}
	must(t, dir, "check")
	kept, err := os.ReadFile(filepath.Join(dir, "sources/crm.yaml"))
	if err != nil || !bytes.Contains(kept, []byte("mine")) {
		t.Errorf("init wrote over a file: %s (%v)", kept, err)
	}
	if !strings.Contains(out, "name your brokers") {
		t.Errorf("init does not say what comes next: %q", out)
	}
	// Who has a configuration isn't asked for one.
	write(t, dir, configFile, "kafka: {brokers: [\"kafka-1:9092\"]}\n")
	if out := must(t, dir, "init"); strings.Contains(out, "name your brokers") || !strings.Contains(out, "funnelhouse check") {
		t.Errorf("init beside a configuration says %q", out)
	}
	refuses(t, filepath.Join(dir, configFile), exitUsage, []string{"is a file", "--dir"}, "init")
	refuses(t, filepath.Join(dir, configFile), exitUsage, []string{"is a file", "--dir"}, "demo")
	for _, name := range []string{configFile, "contracts/lead.created.v1.yaml", "contracts/testdata/lead.created.v1.jsonl", "sql/marts/leads.sql", "sql/metrics/lead_to_won.yaml"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

// What the design promises of additions: an event type is a contract, its
// examples and a staging model; a metric is one file and one case; neither
// needs Go.
func TestAdditions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	producer := broker(t, dir, "")
	config, err := os.ReadFile(filepath.Join(dir, configFile))
	if err != nil {
		t.Fatal(err)
	}
	must(t, dir, "init")
	write(t, dir, configFile, string(config))
	before := must(t, dir, "check")

	write(t, dir, "contracts/lead.scored.v1.yaml", `apiVersion: v3.1.0
kind: DataContract
id: lead.scored
version: 1.0.0
status: active
schema:
  - name: lead_scored
    logicalType: object
    properties:
      - {name: lead_id, logicalType: string, required: true}
      - {name: score, logicalType: integer, required: true, logicalTypeOptions: {minimum: 0, maximum: 100}}
`)
	write(t, dir, "contracts/testdata/lead.scored.v1.jsonl",
		`{"event":{"specversion":"1.0","id":"1","source":"/crm","type":"lead.scored.v1","time":"2026-03-01T00:00:00Z","data":{"lead_id":"L-1","score":70}}}
{"event":{"specversion":"1.0","id":"1","source":"/crm","type":"lead.scored.v1","time":"2026-03-01T00:00:00Z","data":{"lead_id":"L-1","score":700}},"reason":"out_of_range"}
`)
	write(t, dir, "sql/staging/lead_scored.sql", `/*
description: One row per lead.scored event.
grain: [source, event_id]
event: lead.scored
columns:
  _topic:      {description: Topic.}
  _epoch:      {description: Epoch.}
  _partition:  {description: Partition.}
  _offset:     {description: Offset.}
  _n:          {description: Event of the record.}
  _batch_id:   {description: Batch.}
  event_id:    {description: Identity of the event.}
  source:      {description: Where it was produced.}
  subject:     {description: What it is about.}
  occurred_at: {description: When it was scored.}
  ingested_at: {description: When it came in.}
  lead_id:     {description: The lead., tests: [not_null]}
  score:       {description: From 0 to 100.}
*/
select
    _topic, _epoch, _partition, _offset, _n, _batch_id,
    _id as event_id, _source as source, _subject as subject, _occurred_at as occurred_at, _ingested_at as ingested_at,
    lead_id, score
from raw.lead_scored_v1
`)
	write(t, dir, "sql/metrics/web_leads.yaml", `metric: web_leads
label: {en: Leads from the web, zh-Hans: 网络线索, zh-Hant: 網路線索}
description: Leads whose first touch was the web.
owner: marketing
version: 1
unit: count
direction: higher
kind: count
model: marts.leads
entity: lead_id
time: created_date
where: channel = 'web'
dimensions: [region]
`)
	write(t, dir, "sql/testdata/web_leads/plain.yaml", `given:
  marts.leads:
    - {lead_id: a, channel: web, created_date: 2026-03-01}
    - {lead_id: b, channel: partner, created_date: 2026-03-02}
as_of: 2026-10-31
grain: month
expect:
  - {period: 2026-03, numerator: 1}
`)
	after := must(t, dir, "check")
	if before == after || !strings.Contains(after, "31 contracts") {
		t.Errorf("check says %q", after)
	}

	scored := func(id, score string) []byte {
		return []byte(`{"specversion":"1.0","id":"` + id + `","source":"/crm","type":"lead.scored.v1","time":"2026-03-01T00:00:00Z","data":{"lead_id":"L-1","score":` + score + `}}`)
	}
	send(t, producer, kafka.Message{Value: created("L-1", "")}, kafka.Message{Value: scored("1", "70")},
		kafka.Message{Value: scored("1", "70")}, kafka.Message{Value: scored("2", "700")})
	must(t, dir, "ingest", "--once")
	must(t, dir, "build")
	same(t, "the scores", ask(t, dir, "select lead_id, score from staging.lead_scored"), "L-1,70")
	same(t, "the duplicates", ask(t, dir, "select lead_id, score from staging.lead_scored_duplicates"), "L-1,70")
	same(t, "the quarantine", ask(t, dir, "select reason, event_type from ingest.quarantine"), "out_of_range,lead.scored.v1")
	if f := figuresOf(t, dir, "web_leads"); len(f) != 1 || f[0].Numerator != 1 {
		t.Errorf("the new metric gives %+v", f)
	}
}

func TestSchemas(t *testing.T) {
	t.Parallel()
	for _, k := range fileKinds() {
		var schema map[string]any
		if err := json.Unmarshal([]byte(must(t, t.TempDir(), "schema", k.name)), &schema); err != nil {
			t.Errorf("%s: %v", k.name, err)
		}
		if schema["type"] != "object" || schema["additionalProperties"] != false {
			t.Errorf("%s: %v", k.name, schema)
		}
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, configFile, "company: {name: x}\n")
	const query = "select 1 as n, '线索, \"a\"' as label, null as nothing, 1.50 as amount union all select 20, 'b', 'c', 2.25 order by 1"
	for format, want := range map[string]string{
		"csv":   "n,label,nothing,amount\n1,\"线索, \"\"a\"\"\",,1.50\n20,b,c,2.25\n",
		"json":  "[\n {\"n\": 1, \"label\": \"线索, \\\"a\\\"\", \"nothing\": null, \"amount\": 1.50},\n {\"n\": 20, \"label\": \"b\", \"nothing\": \"c\", \"amount\": 2.25}\n]\n",
		"table": " n  label      nothing  amount\n--  ---------  -------  ------\n 1  线索, \"a\"             1.50\n20  b          c          2.25\n",
	} {
		if got := must(t, dir, "query", "--format", format, query); got != want {
			t.Errorf("%s:\n%q\nwant\n%q", format, got, want)
		}
	}
	if got := must(t, dir, "query", "--format", "json", "select 1 where false"); got != "[]\n" {
		t.Errorf("no rows: %q", got)
	}
}
