package main

import (
	"fmt"
	"io/fs"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/funnelhouse/funnelhouse/dashboards"
	"github.com/funnelhouse/funnelhouse/ingest/kafka"
	sqlfiles "github.com/funnelhouse/funnelhouse/sql"
)

// The pages that are built in name metrics and dimensions that are built in.
func TestBuiltInPages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	metrics, err := loadMetrics(dir)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := loadPages(dir, metrics)
	if err != nil {
		t.Fatal(err)
	}
	if err := dashboards.Check(pages, metrics); err != nil {
		t.Error(err)
	}
	files, err := dashboards.Files()
	if err != nil {
		t.Fatal(err)
	}
	all, err := dashboards.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	if err := dashboards.Check(all, metrics); err != nil {
		t.Error(err)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	producer := broker(t, dir, "company: {name: 'Acme & Sons', zone: Asia/Shanghai, languages: [zh-Hant, en]}\n")
	lastMonth := time.Now().AddDate(0, 0, -time.Now().Day()).Format(time.RFC3339)
	for i := range 3 {
		event := strings.Replace(string(created(fmt.Sprint("L-", i), "")), "2026-03-01T09:00:00+08:00", lastMonth, 1)
		send(t, producer, kafka.Message{Value: []byte(event)})
	}
	must(t, dir, "ingest", "--once")
	h, err := openHouse(t.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.close(); err != nil {
			t.Error(err)
		}
	}()
	handler, err := h.pages()
	if err != nil {
		t.Fatal(err)
	}
	server, _ := handler.(*pageServer)
	get := func(path string) (int, string) {
		server.looked = time.Time{}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), "GET", path, nil))
		return answer.Code, answer.Body.String()
	}
	expect := func(step, path string, status int, has []string, lacks ...string) {
		t.Helper()
		code, body := get(path)
		if code != status {
			t.Errorf("%s: status %d, want %d", step, code, status)
		}
		for _, want := range has {
			if !strings.Contains(body, want) {
				t.Errorf("%s: the page lacks %q\n%.1500s", step, want, body)
			}
		}
		for _, not := range lacks {
			if strings.Contains(body, not) {
				t.Errorf("%s: the page has %q", step, not)
			}
		}
	}

	expect("not built", "/?lang=en", 200, []string{"Acme &amp; Sons", "marts.leads is not built yet: run funnelhouse build"})
	if _, err := h.build(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	expect("built", "/", 200, []string{`lang="zh-Hant"`, `data-metric="lead_to_won"`, "Asia/Shanghai"}, "not built", "failed")
	expect("no such page", "/pages/nothing?lang=en", 404, []string{"There is no such page."})

	own := "page: overview\ntitle: Mine\nrows:\n  - [{figure: new_leads}]\n"
	write(t, dir, "dashboards/pages/overview.yaml", own)
	expect("a page of its own", "/", 200, []string{"<h1>Mine</h1>", `<p class="value">3</p>`}, "stale")
	write(t, dir, "dashboards/pages/overview.yaml", strings.Replace(own, "new_leads", "new_lead", 1))
	expect("a mistake", "/?lang=en", 200, []string{"<h1>Mine</h1>", "files have mistakes"})
	refuses(t, dir, exitUsage, []string{"dashboards/pages/overview.yaml:4", `there is no metric "new_lead"`, "write new_leads"}, "check")
	write(t, dir, "dashboards/pages/overview.yaml", strings.Replace(own, "Mine", "Ours", 1))
	expect("mended", "/?lang=en", 200, []string{"<h1>Ours</h1>"}, "files have mistakes")
	metrics, err := fs.ReadFile(sqlfiles.Files, "metrics/new_leads.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(dir, "sql"), sqlfiles.Files); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "sql/metrics/new_leads.yaml", strings.Replace(string(metrics), "kind: count", "kind: counts", 1))
	if _, err := h.build(t.Context(), nil); err == nil {
		t.Error("a broken metric was built")
	}
	expect("a broken metric", "/?lang=en", 200, []string{`<p class="value">3</p>`, "files have mistakes"})
	write(t, dir, "sql/metrics/new_leads.yaml", strings.Replace(string(metrics), "New leads", "Fresh leads", 1))
	if _, err := h.build(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	expect("another name for a metric", "/?lang=en", 200, []string{`<p class="value">3</p>`, "Fresh leads"}, "files have mistakes")
	if err := os.Remove(filepath.Join(dir, "dashboards/pages/overview.yaml")); err != nil {
		t.Fatal(err)
	}
	expect("no page left", "/?lang=en", 404, []string{"No page has been defined"})
}

// A process that starts with pages that have mistakes says so, and shows them
// as soon as they are mended.
func TestPagesBrokenFromTheStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "dashboards/pages/overview.yaml", "page: overview\n")
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o750); err != nil {
		t.Fatal(err)
	}
	h, err := openHouse(t.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.close(); err != nil {
			t.Error(err)
		}
	}()
	handler, err := h.pages()
	if err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
	if answer.Code != 503 || !strings.Contains(answer.Body.String(), "files have mistakes") {
		t.Errorf("status %d\n%s", answer.Code, answer.Body)
	}
}
