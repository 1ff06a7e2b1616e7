package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/funnelhouse/funnelhouse/demo"
)

// The demo's figures equal the books that the company kept, a second run
// loads nothing twice, and a lost warehouse comes back with the same figures.
func TestDemo(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "try")
	first := must(t, dir, "demo", "--leads", "3000")

	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	year, err := demo.Act(demo.Config{Leads: 3000, Zone: zone})
	if err != nil {
		t.Fatal(err)
	}
	holdBooks(t, year.Books.Cohorts, figuresOf(t, dir, "lead_to_won"), func(f figure) string { return f.Period })
	holdBooks(t, year.Books.Channels, figuresOf(t, dir, "lead_to_won", "--grain", "total", "--by", "channel"),
		func(f figure) string { return *f.Channel })
	counts := func() []string {
		return ask(t, dir, `select sum(fetched), sum(quarantined), sum(tombstones), sum(events),
			(select count(*) from staging.lead_created_duplicates) + (select count(*) from staging.lead_merged_duplicates)
			+ (select count(*) from staging.lead_stage_changed_duplicates) from ingest.ledger`)
	}
	books := year.Books
	want := []string{strings.Join([]string{
		itoa(len(year.Messages)), itoa(books.Broken), itoa(books.Tombstones), itoa(books.Events), itoa(books.Duplicates),
	}, ",")}
	same(t, "the ledger", counts(), want...)

	figures := must(t, dir, "metric", "lead_to_won", "--by", "channel", "--format", "csv")
	second := must(t, dir, "demo", "--leads", "3000")
	if !strings.Contains(second, "nothing new") || !strings.Contains(second, "sent      0 messages") {
		t.Errorf("the second run says:\n%s", second)
	}
	if table(first) != table(second) {
		t.Errorf("the second run shows another table:\n%s\n%s", first, second)
	}
	same(t, "the ledger after the second run", counts(), want...)

	for _, name := range []string{"warehouse.duckdb", "warehouse.duckdb.wal"} {
		if err := os.Remove(filepath.Join(dir, "data", name)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	must(t, dir, "ingest", "--once")
	must(t, dir, "build")
	if again := must(t, dir, "metric", "lead_to_won", "--by", "channel", "--format", "csv"); again != figures {
		t.Errorf("after the warehouse was lost the figures differ:\n%s\n%s", figures, again)
	}
	same(t, "ingest again", strings.Split(must(t, dir, "ingest", "--once"), "\n")[:1], "nothing new: every record was loaded before")
}

// holdBooks compares a metric's rows with the company's books, both ways.
func holdBooks(t *testing.T, books map[string]demo.Cohort, rows []figure, key func(figure) string) {
	t.Helper()
	got := map[string]demo.Cohort{}
	for _, r := range rows {
		got[key(r)] = demo.Cohort{Leads: int(*r.Denominator), Won: int(r.Numerator)}
	}
	if !maps.Equal(got, books) {
		t.Errorf("the metric gives %v\nthe books say    %v", got, books)
	}
}

// table is the part of the demo's output between its empty lines.
func table(out string) string {
	parts := strings.Split(out, "\n\n")
	return parts[slices.IndexFunc(parts, func(p string) bool { return strings.Contains(p, "period") })]
}

func itoa(n int) string { return strings.ReplaceAll(count(int64(n)), ",", "") }

// A send that was cut off goes on where it stopped.
func TestDemoGoesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, dir, "demo", "--leads", "300")
	all := ask(t, dir, "select topic, partition, next_offset from ingest.offsets order by all")

	cut := t.TempDir()
	write(t, cut, configFile, demoConfig)
	h, err := openHouse(t.Context(), mkdirData(t, cut), quiet())
	if err != nil {
		t.Fatal(err)
	}
	year, err := demo.Act(demo.Config{Leads: 300, Zone: h.zone()})
	if err != nil {
		t.Fatal(err)
	}
	part := *year
	part.Messages = part.Messages[:len(part.Messages)/3]
	if _, err := h.sendDemo(t.Context(), &part, &progress{}); err != nil {
		t.Fatal(err)
	}
	if err := h.close(); err != nil {
		t.Fatal(err)
	}
	must(t, cut, "demo", "--leads", "300")
	same(t, "the topic's ends", ask(t, cut, "select topic, partition, next_offset from ingest.offsets order by all"), all...)
	same(t, "the events", ask(t, cut, "select count(*), count(distinct _id) from raw.lead_created_v1"),
		ask(t, dir, "select count(*), count(distinct _id) from raw.lead_created_v1")...)
}

func TestDemoLeavesACompanyOfItsOwn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, configFile, "kafka: {brokers: [kafka-1:9092]}\n")
	refuses(t, dir, exitUsage, []string{"another folder"}, "demo")
}
