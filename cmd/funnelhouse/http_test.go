package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/funnelhouse/funnelhouse/ingest/kafka"
)

var answeringAt = regexp.MustCompile(`url=(http://\S+)`)

// addressOf waits until serve says where it answers.
func addressOf(t *testing.T, log *lockedBuffer) string {
	t.Helper()
	eventually(t, "the address", func() bool { return answeringAt.MatchString(log.String()) })
	return answeringAt.FindStringSubmatch(log.String())[1]
}

func fetch(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "text/plain")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// What serve answers by HTTP is what the command line says, and a metric that
// an analyst adds is there after the next build.
func TestServeAnswers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	producer := broker(t, dir, "company: {zone: Asia/Shanghai, languages: [zh-Hans]}\n")
	send(t, producer, kafka.Message{Value: created("L-1", "")}, kafka.Message{Value: created("L-2", "")})
	log, stop := background(t, dir, "serve")
	url := addressOf(t, log)
	must(t, dir, "ingest", "--once")
	must(t, dir, "build")

	status, body := fetch(t, http.MethodPost, url+"/v1/query?format=csv", "select count(*) as leads from marts.leads")
	if status != http.StatusOK || body != "leads\n2\n" {
		t.Errorf("query: %d %q", status, body)
	}
	status, body = fetch(t, http.MethodGet, url+"/v1/metrics/new_leads?by=channel", "")
	var answer struct {
		Label string
		Rows  json.RawMessage
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != http.StatusOK || answer.Label != "新增线索数" {
		t.Errorf("metric: %d %s (%v)", status, body, err)
	}
	rows := must(t, dir, "metric", "new_leads", "--by", "channel", "--format", "json")
	if got := string(answer.Rows); strings.Join(strings.Fields(got), "") != strings.Join(strings.Fields(rows), "") {
		t.Errorf("by HTTP\n%s\nby command\n%s", got, rows)
	}

	must(t, dir, "init")
	write(t, dir, "sql/metrics/web_leads.yaml", `metric: web_leads
label: Web leads
description: Leads by web.
owner: marketing
version: 1
unit: count
kind: count
model: marts.leads
entity: lead_id
time: created_date
where: channel = 'web'
`)
	if status, body := fetch(t, http.MethodGet, url+"/v1/metrics/web_leads", ""); status != http.StatusNotFound {
		t.Errorf("before the build: %d %s", status, body)
	}
	must(t, dir, "build")
	if status, body := fetch(t, http.MethodGet, url+"/v1/metrics/web_leads", ""); status != http.StatusOK || !strings.Contains(body, `"numerator": 2`) {
		t.Errorf("after the build: %d %s", status, body)
	}
	if code := stop(); code != exitOK {
		t.Errorf("serve ends with %d:\n%s", code, log)
	}
	if _, err := net.DialTimeout("tcp", strings.TrimPrefix(url, "http://"), time.Second); err == nil {
		t.Error("the port is still open")
	}
}

// A question under way doesn't keep serve from stopping.
func TestServeStopsWithinItsTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broker(t, dir, "")
	log, stop := background(t, dir, "serve")
	url := addressOf(t, log)
	asked := make(chan error, 1)
	go func() {
		answer, err := http.Post(url+"/v1/query", "text/plain", strings.NewReader("select count(*) from range(100000000) a, range(100000000) b where a.range + b.range = 1"))
		if err == nil {
			err = answer.Body.Close()
		}
		asked <- err
	}()
	eventually(t, "the question", func() bool { return strings.Contains(log.String(), "models built") })
	started := time.Now()
	if code := stop(); code != exitOK || time.Since(started) > stopWithin+10*time.Second {
		t.Errorf("serve ends with %d after %v:\n%s", code, time.Since(started), log)
	}
	<-asked
}

func TestServeAddressTaken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	broker(t, dir, fmt.Sprintf("server: {listen: %q}\n", taken.Addr()))
	refuses(t, dir, exitFailure, []string{"server.listen", taken.Addr().String(), "address already in use", configFile}, "serve")
}
