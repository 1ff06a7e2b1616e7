package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/funnelhouse/funnelhouse/contracts"
	"github.com/funnelhouse/funnelhouse/ingest/kafka"
	"github.com/funnelhouse/funnelhouse/internal/smtptest"
	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
	"github.com/funnelhouse/funnelhouse/reports"
	sqlfiles "github.com/funnelhouse/funnelhouse/sql"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

const leadReport = `report: leads
title: {en: Leads, zh-Hans: 线索月报}
period: month
send: {cron: "0 8 2 * *"}
to: [role:management, other@example.com]
sections:
  - figures: [new_leads, lead_to_won]
  - {line: new_leads}
  - {bars: new_leads, by: channel}
`

// reporting is a project with a lead of March 2026, a report and a mail server.
func reporting(t testing.TB) (dir string, server *smtptest.Server, producer *kafka.Producer) {
	t.Helper()
	dir = t.TempDir()
	server = smtptest.New(t, smtptest.Config{})
	producer = broker(t, dir, fmt.Sprintf(`company: {name: 示例, zone: Asia/Shanghai, languages: [en, zh-Hans]}
mail: {host: 127.0.0.1, port: %d, tls: none, from: reports@example.com}
users:
  - {name: wang, mail: wang@example.com, role: management, language: zh-Hans}
  - {name: li, mail: li@example.com, role: sales}
`, server.Port))
	write(t, dir, "reports/leads.yaml", leadReport)
	for name, files := range map[string]fs.FS{
		"contracts/lead.created.v1.yaml": contracts.Files, "contracts/testdata/lead.created.v1.jsonl": contracts.Files,
		"sql/staging/lead_created.sql": sqlfiles.Files,
	} {
		_, path, _ := strings.Cut(name, "/")
		data, err := fs.ReadFile(files, path)
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, name, string(data))
	}
	write(t, dir, "sql/marts/leads.sql", smallMart)
	write(t, dir, "sql/metrics/new_leads.yaml", smallMetric)
	write(t, dir, "sql/metrics/lead_to_won.yaml", strings.NewReplacer("metric: new_leads", "metric: lead_to_won", "unit: count", "unit: percent",
		"kind: count", "kind: conversion\nreached: won_date\nwindow: 180 days").Replace(smallMetric))
	send(t, producer, kafka.Message{Value: created("L-1", "")})
	return dir, server, producer
}

// The models of these tests are few: they are built again and again.
const smallMart = `/*
description: One row per lead.
grain: lead_id
owner: marketing
columns:
  lead_id:      {description: The lead., tests: [unique]}
  channel:      {description: How it was won.}
  created_date: {description: The day on which it became known.}
  won_date:     {description: The day on which it became a customer.}
*/
select
    lead_id,
    channel,
    business_date(occurred_at) as created_date,
    null::date as won_date
from staging.lead_created
`

const smallMetric = `metric: new_leads
label: {en: New leads, zh-Hans: 新增线索数}
description: Leads that became known in the period.
owner: marketing
version: 1
unit: count
direction: higher
kind: count
model: marts.leads
entity: lead_id
time: created_date
dimensions: [channel]
`

func TestReport(t *testing.T) {
	t.Parallel()
	dir, server, _ := reporting(t)
	must(t, dir, "check")
	refuses(t, dir, exitFailure, []string{"no model is built yet: run funnelhouse build"}, "report", "leads", "--period", "2026-03")
	must(t, dir, "ingest", "--once")
	must(t, dir, "build")

	// An edition, then another one.
	for n := range 2 {
		out := strings.TrimSpace(must(t, dir, "report", "leads", "--period", "2026-03", "--language", "zh-Hans"))
		if want := fmt.Sprintf("data/reports/leads/2026-03/%d.zh-Hans.html", n+1); !strings.HasSuffix(filepath.ToSlash(out), want) {
			t.Errorf("made %s, want %s", out, want)
		}
		page, err := os.ReadFile(filepath.Join(dir, "data", "reports", "leads", "2026-03", fmt.Sprintf("%d.zh-Hans.html", n+1)))
		if err != nil || !strings.Contains(string(page), "新增线索数") || strings.Count(string(page), "data:image/png") != 2 {
			t.Errorf("the page: %v\n%.400s", err, page)
		}
	}
	// A look is no edition.
	if out := must(t, dir, "report", "leads", "--period", "2026-03", "--out", "-"); !strings.HasPrefix(out, "<!DOCTYPE html>") || !strings.Contains(out, "March 2026") {
		t.Errorf("got %.200s", out)
	}
	file := filepath.Join(t.TempDir(), "look.html")
	if out := must(t, dir, "report", "leads", "--out", file); out != "" {
		t.Errorf("says %q", out)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
	// What the page lacks is said at once.
	if r := runIn(t, dir, "report", "leads", "--period", "2026-04", "--out", "-"); r.code != exitOK || !strings.Contains(r.err, "the report lacks: No event of this period has come: the latest one is of 1 March 2026, 09:00.") {
		t.Errorf("exit %d\n%s", r.code, r.err)
	}

	// Mails: one is refused for good, the other goes to its reader.
	server.Then("RCPT", "", "550 5.1.1 no such user")
	r := runIn(t, dir, "report", "leads", "--period", "2026-03", "--send")
	if r.code != exitFailure || !strings.Contains(r.out, "sent to wang@example.com") || !strings.Contains(r.err, "not sent to other@example.com") || !strings.Contains(r.err, "1 mail of 2 could not be sent; see: funnelhouse reports leads") {
		t.Errorf("exit %d\n%s%s", r.code, r.out, r.err)
	}
	if got := server.Received(); len(got) != 1 || subject(t, got[0]) != "线索月报 · 2026年3月" {
		t.Errorf("%d mails", len(got))
	}
	var list []map[string]any
	if err := json.Unmarshal([]byte(must(t, dir, "reports", "--format", "json")), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || list[0]["report"] != "leads" || list[0]["edition"] != 3.0 || list[0]["sent"] != 1.0 || list[0]["failed"] != 1.0 || list[0]["next"] == nil {
		t.Errorf("got %v", list)
	}
	var lines []map[string]any
	if err := json.Unmarshal([]byte(must(t, dir, "reports", "leads", "--format", "json")), &lines); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range lines {
		got = append(got, fmt.Sprint(l["edition"], " ", l["recipient"], " ", l["state"]))
	}
	same(t, "editions", got, "1 <nil> made", "2 <nil> made", "3 wang@example.com sent", "3 other@example.com failed")
	if e, ok := lines[3]["error"].(string); !ok || !strings.Contains(e, "no such user") {
		t.Errorf("the error is %v", lines[3]["error"])
	}
}

func subject(t testing.TB, m smtptest.Mail) string {
	t.Helper()
	message, err := mail.ReadMessage(strings.NewReader(m.Data))
	if err != nil {
		t.Fatal(err)
	}
	text, err := (&mime.WordDecoder{}).DecodeHeader(message.Header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestReportRefuses(t *testing.T) {
	t.Parallel()
	dir, _, _ := reporting(t)
	write(t, dir, "reports/nobody.yaml", strings.NewReplacer("report: leads", "report: nobody", "role:management, other@example.com", "role:rnd").Replace(leadReport))
	for _, c := range []struct {
		words []string
		args  []string
	}{
		{[]string{`there is no report "lead"; did you mean leads?`}, []string{"report", "lead"}},
		{[]string{`there is no report "lead"; did you mean leads?`}, []string{"reports", "lead"}},
		{[]string{"2026-Q1 is a quarter, and leads is by month"}, []string{"report", "leads", "--period", "2026-Q1"}},
		{[]string{`"March" is no period`}, []string{"report", "leads", "--period", "March"}},
		{[]string{"2999-01 has not begun"}, []string{"report", "leads", "--period", "2999-01"}},
		{[]string{`--language "fr"`}, []string{"report", "leads", "--language", "fr"}},
		{[]string{"give one of them"}, []string{"report", "leads", "--send", "--out", "x"}},
		{[]string{"nobody gets nobody"}, []string{"report", "nobody", "--send"}},
		{[]string{`--format "xml"`}, []string{"reports", "--format", "xml"}},
	} {
		refuses(t, dir, exitUsage, c.words, c.args...)
	}
	write(t, dir, configFile, "company: {zone: UTC}\n")
	refuses(t, dir, exitUsage, []string{"there is no mail in funnelhouse.yaml"}, "report", "leads", "--send")

	write(t, dir, "reports/leads.yaml", leadReport+"  - scorecard: department\n  - {line: led_to_won}\n  - {bars: new_leads, by: chanel}\n")
	refuses(t, dir, exitUsage, []string{"reports/leads.yaml:10:16: sections[3].scorecard: is not in this version; remove it"}, "check")
	write(t, dir, "reports/leads.yaml", leadReport+"  - {line: led_to_won}\n  - {bars: new_leads, by: chanel}\n")
	refuses(t, dir, exitUsage, []string{
		`reports/leads.yaml:10:12: sections[3].line: there is no metric "led_to_won"; did you mean lead_to_won?`,
		`reports/leads.yaml:11:27: sections[4].by: new_leads has no dimension "chanel"; did you mean channel?`,
	}, "check")
}

// The process was down when a report was due: it is made when it comes up,
// mailed once, and never again.
func TestServeReports(t *testing.T) {
	t.Parallel()
	dir, server, producer := reporting(t)
	send(t, producer, kafka.Message{Value: created("L-2", "")})
	// Somebody ran serve months ago.
	write(t, dir, "data/records/reports/leads/schedules/0001.json",
		fmt.Sprintf(`{"cron": "0 8 2 * *", "zone": "Asia/Shanghai", "since": %q}`, time.Now().AddDate(0, -3, 0).UTC().Format(time.RFC3339)))
	log, stop := background(t, dir, "serve")
	eventually(t, "two mails", func() bool { return len(server.Received()) == 2 })
	out := must(t, dir, "reports", "leads", "--format", "csv")
	if strings.Count(out, ",sent,") != 2 {
		t.Errorf("reports says\n%s", out)
	}
	if out := must(t, dir, "reports"); !strings.Contains(out, "leads") {
		t.Errorf("reports says\n%s", out)
	}
	// A report that is asked for meanwhile is made by the same keeper.
	must(t, dir, "report", "leads", "--period", "2026-03", "--send")
	if code := stop(); code != exitOK {
		t.Errorf("serve ends with %d:\n%s", code, log)
	}
	if text := log.String(); strings.Contains(text, "@example.com") || !strings.Contains(text, "report sent") || !strings.Contains(text, "were missed") {
		t.Errorf("the log:\n%s", text)
	}
	log, stop = background(t, dir, "serve")
	eventually(t, "the next build", func() bool { return strings.Contains(log.String(), "models built") })
	stop()
	if n := len(server.Received()); n != 4 {
		t.Errorf("%d mails after a restart:\n%s", n, log)
	}
	// It was made after what had been sent was built.
	page, err := filepath.Glob(filepath.Join(dir, "data", "reports", "leads", "*", "1.en.txt"))
	if err != nil || len(page) != 2 {
		t.Errorf("pages %v, %v", page, err)
	}
}

// A project with its own sql and no reports gets of the built-in one what its
// metrics can answer.
func TestBuiltInReport(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		write func(dir string)
		want  []string
	}{
		{"built-in sql", func(string) {}, []string{"management-monthly"}},
		{"other metrics", func(dir string) { write(t, dir, "sql/metrics/.keep", "") }, nil},
		{"some of them", func(dir string) {
			write(t, dir, "sql/metrics/lead_to_won.yaml", strings.Replace(smallMetric, "metric: new_leads", "metric: lead_to_won", 1))
		}, []string{"management-monthly"}},
		{"own reports", func(dir string) { write(t, dir, "reports/leads.yaml", leadReport) }, []string{"leads"}},
		{"no reports", func(dir string) { write(t, dir, "reports/.keep", "") }, nil},
	} {
		dir := t.TempDir()
		c.write(dir)
		set, err := loadReports(dir, time.UTC)
		if err != nil || !slices.Equal(set.Names(), c.want) {
			t.Errorf("%s: %v, %v", c.name, set.Names(), err)
		}
	}
	dir := t.TempDir()
	must(t, dir, "init")
	if set, err := loadReports(dir, time.UTC); err != nil || !slices.Equal(set.Names(), []string{"management-monthly"}) {
		t.Errorf("init: %v, %v", set.Names(), err)
	}
	if err := os.WriteFile(filepath.Join(dir, "reports", "x.yaml"), []byte("report: y\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := loadReports(dir, time.UTC); len(yamlfile.Problems(err)) == 0 || !strings.HasPrefix(err.Error(), "reports/x.yaml:1:1") {
		t.Errorf("got %v", err)
	}
}

// Roles that a report may be sent to are those that a user may have.
func TestRoles(t *testing.T) {
	t.Parallel()
	for _, role := range append(reports.Roles(), "boss") {
		dir := t.TempDir()
		write(t, dir, configFile, fmt.Sprintf("users: [{name: a, mail: a@example.com, role: %s}]\n", role))
		if _, _, err := loadConfig(dir); (err == nil) != (role != "boss") {
			t.Errorf("%s: %v", role, err)
		}
	}
	dir := t.TempDir()
	write(t, dir, configFile, "mail: {host: smtp.example.com, from: a@example.com, tls: none}\n")
	if _, _, err := loadConfig(dir); err == nil || !strings.Contains(err.Error(), "mail.tls: none would carry reports in clear to another machine") {
		t.Errorf("got %v", err)
	}
}

// The figures of a report are of one moment, whatever is built meanwhile; and
// what they were made from is known.
func TestPressRoom(t *testing.T) {
	t.Parallel()
	dir, _, producer := reporting(t)
	must(t, dir, "ingest", "--once")
	must(t, dir, "build")
	send(t, producer, kafka.Message{Value: created("L-2", "")}, kafka.Message{Value: []byte("broken")})
	h, err := openHouse(t.Context(), dir, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.close(); err != nil {
			t.Error(err)
		}
	}()
	room := pressRoom{h}
	leads := func(f reports.Figures) string {
		t.Helper()
		table, err := f.Query(t.Context(), metric.Request{Metric: "new_leads", From: "2026-03", To: "2026-03", AsOf: h.today()})
		if err != nil || len(table.Rows) != 1 {
			t.Fatalf("%+v, %v", table, err)
		}
		return table.Rows[0].Numerator
	}
	before, err := room.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := room.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := room.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if b, a := leads(before), leads(after); b != "1" || a != "2" {
		t.Errorf("%s leads before and %s after", b, a)
	}
	this, err := h.company().ParsePeriod(time.Now().Format("2006-01"))
	if err != nil {
		t.Fatal(err)
	}
	state, err := after.State(t.Context(), this)
	if err != nil {
		t.Fatal(err)
	}
	if len(state.Models) != 2 || state.Models[0].Failed || state.Models[0].BuiltAt.IsZero() {
		t.Errorf("models %+v", state.Models)
	}
	if len(state.Topics) != 1 || !state.Topics[0].OccurredAt.Equal(time.Date(2026, 3, 1, 1, 0, 0, 0, time.UTC)) || state.Topics[0].ReceivedAt.IsZero() || state.Refused != 1 {
		t.Errorf("topics %+v, refused %d", state.Topics, state.Refused)
	}
	if err := errors.Join(before.Close(), after.Close()); err != nil {
		t.Error(err)
	}
}
