package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/funnelhouse/funnelhouse/ingest/kafka"
	"github.com/funnelhouse/funnelhouse/internal/realdata"
	sqlfiles "github.com/funnelhouse/funnelhouse/sql"
)

// readCSV returns a file's rows by column name.
func readCSV(t *testing.T, path string) []map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, name := range lines[0] {
			row[name] = line[i]
		}
		rows = append(rows, row)
	}
	return rows
}

func cloudEvent(t *testing.T, source, kind, id string, at time.Time, data map[string]string) []byte {
	t.Helper()
	value, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": id, "source": source, "type": kind, "time": at.Format(time.RFC3339), "data": data,
	})
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// The leads and closed deals of a real marketplace, sent through the Kafka
// protocol, give the figures that are known of them.
func TestKnownAnswers(t *testing.T) {
	t.Parallel()
	leads := readCSV(t, realdata.Path(t, "olist/marketing_qualified_leads.csv"))
	deals := readCSV(t, realdata.Path(t, "olist/closed_deals.csv"))

	dir := t.TempDir()
	producer := broker(t, dir, "company: {zone: America/Sao_Paulo}\n")
	// The project counts a win whenever it came.
	if err := os.CopyFS(filepath.Join(dir, "sql"), sqlfiles.Files); err != nil {
		t.Fatal(err)
	}
	definition, err := os.ReadFile(filepath.Join(dir, "sql/metrics/lead_to_won.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	open := strings.Replace(string(definition), "window: 180 days", "window: none", 1)
	write(t, dir, "sql/metrics/lead_to_won.yaml", open)
	if open == string(definition) {
		t.Fatal("the metric's window was not found")
	}
	// Its cases are about the window that this project does not have.
	if err := os.RemoveAll(filepath.Join(dir, "sql/testdata/lead_to_won")); err != nil {
		t.Fatal(err)
	}
	must(t, dir, "check")

	zone, err := time.LoadLocation("America/Sao_Paulo")
	if err != nil {
		t.Fatal(err)
	}
	parse := func(layout, text string) time.Time {
		at, err := time.ParseInLocation(layout, text, zone)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	var messages []kafka.Message
	for _, l := range leads {
		channel := l["origin"]
		if channel == "" {
			channel = "blank"
		}
		// Midday: in some years midnight does not exist there on one day.
		at := parse("2006-01-02 15", l["first_contact_date"]+" 12")
		messages = append(messages, kafka.Message{Key: []byte(l["mql_id"]), Value: cloudEvent(t, "/olist", "lead.created.v1", l["mql_id"], at,
			map[string]string{"lead_id": l["mql_id"], "channel": channel})})
	}
	for _, d := range deals {
		at := parse("2006-01-02 15:04:05", d["won_date"])
		messages = append(messages, kafka.Message{Key: []byte(d["mql_id"]), Value: cloudEvent(t, "/olist", "lead.stage_changed.v1", d["mql_id"]+":won", at,
			map[string]string{"lead_id": d["mql_id"], "to_stage": "won", "owner_id": d["sr_id"]})})
	}
	send(t, producer, messages...)
	if out := must(t, dir, "ingest", "--once"); !strings.HasPrefix(out, "8,842 records in ") || !strings.Contains(out, ": 8,842 loaded\n") {
		t.Errorf("ingest says %q, want 8,842 records, all loaded", out)
	}
	must(t, dir, "build")

	total := figuresOf(t, dir, "lead_to_won", "--grain", "total")
	if len(total) != 1 || total[0].Numerator != 842 || *total[0].Denominator != 8000 || percentOf(total[0].Value, 3) != "10.525" {
		t.Errorf("in all %+v, want 842 of 8000 = 10.525 %%", total)
	}
	if len(total) == 1 && fmt.Sprint(total[0].Flags) != "[reached_before_start]" {
		t.Errorf("flags %v, want the one deal that was won before its lead came", total[0].Flags)
	}

	channels := map[string]string{}
	for _, f := range figuresOf(t, dir, "lead_to_won", "--grain", "total", "--by", "channel") {
		channels[*f.Channel] = fmt.Sprintf("%v/%v %s", f.Numerator, *f.Denominator, percentOf(f.Value, 2))
	}
	for channel, want := range map[string]string{
		"paid search": "195/1586 12.30", "organic search": "271/2296 11.80", "social": "75/1350 5.56",
		"unknown": "179/1099 16.29", "blank": "14/60 23.33",
	} {
		if channels[channel] != want {
			t.Errorf("channel %s: %s, want %s", channel, channels[channel], want)
		}
	}
	byMonth := func(metric string) (shares []string) {
		for _, f := range figuresOf(t, dir, metric, "--from", "2018-01", "--to", "2018-05") {
			shares = append(shares, f.Period+" "+percentOf(f.Value, 2))
		}
		return shares
	}
	same(t, "by cohort", byMonth("lead_to_won"), "2018-01 13.32", "2018-02 14.49", "2018-03 14.22", "2018-04 13.54", "2018-05 9.98")
	same(t, "by period", byMonth("lead_to_won_period"), "2018-01 6.40", "2018-02 10.99", "2018-03 12.52", "2018-04 15.31", "2018-05 9.36")
	same(t, "days to win", ask(t, dir, `select quantile_cont(d, 0.5)::integer, max(d), count(*) filter (where d < 0)
		from (select won_date - created_date as d from marts.leads where won_date is not null)`), "14,427,1")
}
