package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/funnelhouse/funnelhouse/demo"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// truthOf reads the books that a demo has written.
func truthOf(t testing.TB, dir string) *demo.Truth {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "data", truthFile))
	if err != nil {
		t.Fatal(err)
	}
	var truth demo.Truth
	if err := json.Unmarshal(data, &truth); err != nil {
		t.Fatal(err)
	}
	return &truth
}

// holdLedger compares what was ingested with what the company has sent.
func holdLedger(t *testing.T, dir string, sent demo.Sent) {
	t.Helper()
	broken := 0
	var reasons []string
	for reason, n := range sent.Broken {
		broken += n
		reasons = append(reasons, fmt.Sprintf("%s,%d", reason, n))
	}
	slices.Sort(reasons)
	same(t, "the quarantine", ask(t, dir, "select reason, count(*) from ingest.quarantine group by reason order by reason"), reasons...)
	same(t, "the ledger", ask(t, dir, "select sum(fetched), sum(events), sum(quarantined), sum(tombstones), sum(filtered) from ingest.ledger"),
		fmt.Sprintf("%d,%d,%d,%d,0", sent.Messages, sent.Events, broken, sent.Tombstones))
	var topics []string
	for topic, n := range sent.Topics {
		topics = append(topics, fmt.Sprintf("%s,%d", topic, n))
	}
	slices.Sort(topics)
	same(t, "the topics", ask(t, dir, "select topic, sum(fetched) from ingest.ledger group by topic having sum(fetched) > 0 order by topic"), topics...)
}

// The demo's figures equal the books that the company kept, a second run
// loads nothing twice, and a lost warehouse comes back with the same figures.
func TestDemo(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "try")
	first := must(t, dir, "demo", "--months", "6", "--scale", "0.1", "--end", "2026-09")
	truth := truthOf(t, dir)
	if strings.Count(first, "= books") != 5 || truth.AsOf != "2026-09-30" || truth.Zone != "Asia/Shanghai" || len(truth.Figures) < 200 {
		t.Errorf("the demo says:\n%s", first)
	}
	holdLedger(t, dir, truth.Sent)

	second := must(t, dir, "demo")
	if !strings.Contains(second, "nothing new") || !strings.Contains(second, "sent      0 messages") || !strings.Contains(second, "acted     6 months to 2026-09-30") {
		t.Errorf("the second run says:\n%s", second)
	}
	if table(first) != table(second) {
		t.Errorf("the second run shows another table:\n%s\n%s", first, second)
	}
	holdLedger(t, dir, truth.Sent)

	for _, name := range []string{"warehouse.duckdb", "warehouse.duckdb.wal"} {
		if err := os.Remove(filepath.Join(dir, "data", name)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	if again := must(t, dir, "demo", "--seed", "1", "--scale", "0.1"); table(first) != table(again) {
		t.Errorf("after the warehouse was lost the table differs:\n%s\n%s", first, again)
	}
	holdLedger(t, dir, truth.Sent)
	same(t, "ingest again", strings.Split(must(t, dir, "ingest", "--once"), "\n")[:1], "nothing new: every record was loaded before")
}

// Whatever company it is, in whatever year and zone: all that its metrics say
// is what its books say.
func TestDemoEqualsBooks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, config string
		args         []string
	}{
		{"another seed", "", []string{"--seed", "2", "--months", "9", "--end", "2026-03"}},
		{"a fiscal year and another zone", "  zone: America/New_York\n  currency: USD\n  fiscal_year_starts: april\n", []string{"--seed", "3", "--months", "6", "--end", "2025-11"}},
		{"no currency", "  zone: UTC\n", []string{"--seed", "4", "--months", "7", "--end", "2026-08"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if c.config != "" {
				write(t, dir, configFile, "company:\n  name: x\n"+c.config+"kafka: {embedded: data/broker}\n")
			}
			out := must(t, dir, append([]string{"demo", "--scale", "0.1"}, c.args...)...)
			if strings.Count(out, "= books") != 5 {
				t.Errorf("the demo says:\n%s", out)
			}
			holdLedger(t, dir, truthOf(t, dir).Sent)
		})
	}
}

// table is the part of the demo's output between its empty lines.
func table(out string) string {
	parts := strings.Split(out, "\n\n")
	return parts[slices.IndexFunc(parts, func(p string) bool { return strings.Contains(p, "by month") })]
}

// A figure that differs from the books is told with its row and both values,
// and the demo fails.
func TestDemoTellsDifferences(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, configFile, demoConfig)
	must(t, dir, "init")
	path := filepath.Join(dir, "sql", "metrics", "new_leads.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(text, "where: channel <> 'web'\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{"metrics/csat_top2.yaml", "testdata/csat_top2"} {
		if err := os.RemoveAll(filepath.Join(dir, "sql", gone)); err != nil {
			t.Fatal(err)
		}
	}
	refuses(t, dir, exitFailure, []string{
		"differences from the company's books", "new_leads, month 2026-08: the books say numerator", "the metric says",
	}, "demo", "--months", "2", "--scale", "0.05", "--end", "2026-09")
}

func TestDifferences(t *testing.T) {
	t.Parallel()
	web, one, n := "web", 1.0, int64(3)
	f := &demo.Figure{Metric: "m", Grain: "month", By: []string{"channel"}, Rows: []demo.Row{
		{Period: "2026-01", Dimensions: []*string{&web}, Numerator: "3", Denominator: "3", Value: &one, N: &n},
		{Period: "2026-01", Dimensions: []*string{nil}, Numerator: "3", Denominator: "3", Value: &one, N: &n},
	}}
	rows := func(change func(r []metric.Row) []metric.Row) *metric.Table {
		return &metric.Table{Rows: change([]metric.Row{
			{Period: "2026-01", Dimensions: []*string{&web}, Numerator: "3", Denominator: "3", Value: new(1 + 1e-12), N: &n},
			{Period: "2026-01", Dimensions: []*string{nil}, Numerator: "3", Denominator: "3", Value: &one, N: &n},
		})}
	}
	for _, c := range []struct {
		name   string
		change func(r []metric.Row) []metric.Row
		words  string
	}{
		{"the same", func(r []metric.Row) []metric.Row { return r }, ""},
		{"a row less", func(r []metric.Row) []metric.Row { return r[:1] }, "month 2026-01, channel null: the books say numerator 3, denominator 3, value 1, n 3, the metric has no such row"},
		{"a row more", func(r []metric.Row) []metric.Row { return append(r, metric.Row{Numerator: "1"}) }, "month without a period: the books have no such row, the metric says numerator 1, no value"},
		{"a numerator", func(r []metric.Row) []metric.Row { r[0].Numerator = "2"; return r }, `month 2026-01, channel "web": the books say`},
		{"a denominator", func(r []metric.Row) []metric.Row { r[0].Denominator = ""; return r }, `month 2026-01, channel "web": the books say`},
		{"a value", func(r []metric.Row) []metric.Row { r[0].Value = new(1 + 1e-8); return r }, `month 2026-01, channel "web": the books say`},
		{"no value", func(r []metric.Row) []metric.Row { r[0].Value = nil; return r }, `month 2026-01, channel "web": the books say`},
		{"n", func(r []metric.Row) []metric.Row { r[0].N = new(int64(4)); return r }, `month 2026-01, channel "web": the books say`},
		{"no n", func(r []metric.Row) []metric.Row { r[0].N = nil; return r }, `month 2026-01, channel "web": the books say`},
	} {
		list := differences(f, rows(c.change))
		if c.words == "" && len(list) > 0 || c.words != "" && (len(list) != 1 || !strings.HasPrefix(list[0].where+": "+list[0].message, c.words)) {
			t.Errorf("%s: %v", c.name, list)
		}
	}
}

// A send that was cut off goes on where it stopped.
func TestDemoGoesOn(t *testing.T) {
	t.Parallel()
	cut := t.TempDir()
	write(t, cut, configFile, demoConfig)
	h, err := openHouse(t.Context(), mkdirData(t, cut), quiet())
	if err != nil {
		t.Fatal(err)
	}
	company, err := h.act(demo.Parameters{Seed: 1, Months: 2, Scale: 0.05, End: "2026-09"})
	if err != nil {
		t.Fatal(err)
	}
	if err := writeJSON(filepath.Join(cut, "data", demoFile), demoRecord{company.Truth.Parameters, checksum(company.Messages)}); err != nil {
		t.Fatal(err)
	}
	producer, holds, err := h.demoTopics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	part := *company
	part.Messages = part.Messages[:len(part.Messages)/3]
	if _, err := sendDemo(t.Context(), producer, &part, holds, &progress{}); err != nil {
		t.Fatal(err)
	}
	if err := producer.Close(); err != nil {
		t.Fatal(err)
	}
	if err := h.close(); err != nil {
		t.Fatal(err)
	}
	must(t, cut, "demo")
	want := map[string]int{}
	for i := range company.Messages {
		want[fmt.Sprintf("%s,%d", company.Messages[i].Topic, demoPartition(company.Messages[i].Key))]++
	}
	var ends []string
	for partition, n := range want {
		ends = append(ends, fmt.Sprintf("%s,%d", partition, n))
	}
	slices.Sort(ends)
	same(t, "the topics' ends", ask(t, cut, "select topic, partition, next_offset from ingest.offsets where next_offset > 0 order by all"), ends...)
	holdLedger(t, cut, company.Truth.Sent)
}

// A folder keeps its company: what would mix two of them is refused.
func TestDemoKeepsItsCompany(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, dir, "demo", "--months", "1", "--scale", "0.02", "--seed", "9", "--end", "2026-02")
	for flag, value := range map[string]string{"--months": "2", "--scale": "0.03", "--seed": "1", "--end": "2026-01"} {
		refuses(t, dir, exitUsage, []string{"another folder", flag}, "demo", flag, value)
	}
	config, err := os.ReadFile(filepath.Join(dir, configFile))
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, configFile, strings.Replace(string(config), "Asia/Shanghai", "Asia/Tokyo", 1))
	refuses(t, dir, exitUsage, []string{"another folder", "zone"}, "demo")
	write(t, dir, configFile, string(config))
	must(t, dir, "demo", "--months", "1", "--end", "2026-02")

	if err := os.Remove(filepath.Join(dir, "data", demoFile)); err != nil {
		t.Fatal(err)
	}
	refuses(t, dir, exitUsage, []string{"another folder", "crm.events"}, "demo")
	for flag, value := range map[string]string{"--months": "0", "--scale": "0", "--seed": "0", "--end": "2026-13"} {
		refuses(t, t.TempDir(), exitUsage, []string{flag, value}, "demo", flag, value)
	}
}

func TestDemoLeavesACompanyOfItsOwn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, configFile, "kafka: {brokers: [kafka-1:9092]}\n")
	refuses(t, dir, exitUsage, []string{"another folder"}, "demo")
}
