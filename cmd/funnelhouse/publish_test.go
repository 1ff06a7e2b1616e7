package main

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/funnelhouse/funnelhouse/demo"
	"github.com/funnelhouse/funnelhouse/ingest/kafka"
	"github.com/funnelhouse/funnelhouse/warehouse/publish"
)

// published is the current build, whose files are all as its manifest says.
func published(t testing.TB, dir string) (folder string, m *publish.Manifest) {
	t.Helper()
	folder, err := filepath.EvalSymlinks(filepath.Join(dir, "data", publishedFolder, "current"))
	if err != nil {
		t.Fatal(err)
	}
	if m, err = publish.Read(folder); err != nil {
		t.Fatal(err)
	}
	if err := publish.Verify(folder, m); err != nil {
		t.Error(err)
	}
	return folder, m
}

// builds counts the published builds.
func builds(t testing.TB, dir string) int {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "data", publishedFolder))
	if err != nil {
		return 0 // there is none yet
	}
	n := 0
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			n++
		}
	}
	return n
}

// askPublished asks the current build's marts.duckdb for one value.
func askPublished(t testing.TB, dir, query string) string {
	t.Helper()
	folder, _ := published(t, dir)
	db, err := sql.Open("duckdb", filepath.Join(folder, "marts.duckdb")+"?access_mode=read_only")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "set global TimeZone = 'UTC'"); err != nil {
		t.Fatal(err)
	}
	var text string
	if err := db.QueryRowContext(t.Context(), query).Scan(&text); err != nil {
		t.Fatalf("%v\n%s", err, query)
	}
	return text
}

// What is published of the demo company is what its marts and metrics say.
func TestPublish(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	said := must(t, dir, "demo", "--months", "2", "--scale", "0.05", "--end", "2026-02")
	folder, m := published(t, dir)
	if want := fmt.Sprintf("published %[1]d files, %[1]d files of them new", len(m.Files)); !strings.Contains(said, want) {
		t.Errorf("demo does not say %q: %s", want, said)
	}
	report := filepath.Join(dir, "data", "reports", demoReport, "2026-02", "1.en.html")
	if page, err := os.ReadFile(report); err != nil || !strings.Contains(string(page), "February 2026") {
		t.Errorf("the report of the last month: %v", err)
	}
	same(t, "the zone and offsets", []string{m.Zone, fmt.Sprint(len(m.Offsets), m.UpToBatch > 0, m.Project != "")}, "Asia/Shanghai",
		fmt.Sprint(len(demo.Topics())*demoPartitions, " true true"))
	const leads = "select md5(string_agg(cast(l as varchar), chr(10) order by lead_id)) from marts.leads l"
	same(t, "the leads", ask(t, dir, leads), askPublished(t, dir, leads))
	const won = "select string_agg(period || ' ' || cast(numerator as bigint) || '/' || cast(denominator as bigint), ' ' order by period) from metrics.values " +
		"where metric = 'lead_to_won' and grain = 'month' and dimension is null"
	var figures []string
	for _, f := range figuresOf(t, dir, "lead_to_won") {
		figures = append(figures, fmt.Sprintf("%s %.0f/%.0f", f.Period, f.Numerator, *f.Denominator))
	}
	same(t, "the figures", []string{askPublished(t, dir, won)}, strings.Join(figures, " "))

	if said := must(t, dir, "publish"); !strings.Contains(said, "nothing new since "+folder) {
		t.Errorf("publish says %q the second time", said)
	}
	same(t, "builds", []string{strconv.Itoa(builds(t, dir))}, "1")
	refuses(t, dir, exitFailure, []string{"disabled"}, "query", "from read_parquet('"+filepath.Join(folder, "marts", "leads.parquet")+"')")
}

func TestPublishBeforeBuild(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, configFile, "kafka: {brokers: [\"127.0.0.1:1\"]}\n")
	refuses(t, dir, exitFailure, []string{"not built yet", "funnelhouse build --dir " + dir}, "publish")
	same(t, "builds", []string{strconv.Itoa(builds(t, dir))}, "0")
}

// serve publishes after builds, at most as often as it may; whoever asks gets
// it at once.
func TestServePublishesAtMostEvery(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	producer := broker(t, dir, "publish: {at_most_every: 1 hour}\n")
	log, stop := background(t, dir, "serve")
	eventually(t, "the first publish", func() bool { return strings.Contains(log.String(), "msg=published") })
	same(t, "the leads", []string{askPublished(t, dir, "select count(*) from leads")}, "0")
	send(t, producer, kafka.Message{Value: created("L-1", "")})
	eventually(t, "the lead in the mart", func() bool { return fmt.Sprint(ask(t, dir, "select count(*) from marts.leads")) == "[1]" })
	same(t, "builds within the hour", []string{strconv.Itoa(builds(t, dir))}, "1")
	first, _ := published(t, dir)

	must(t, dir, "publish")
	same(t, "the leads on demand", []string{askPublished(t, dir, "select lead_id from marts.leads")}, "L-1")
	same(t, "builds on demand", []string{strconv.Itoa(builds(t, dir))}, "2")
	if _, err := publish.Read(first); err != nil {
		t.Errorf("the build before: %v", err)
	}
	// Files that an analyst is still writing are not those that were built.
	write(t, dir, "sql/marts/broken.sql", "select")
	if said := must(t, dir, "publish"); !strings.Contains(said, "nothing new") {
		t.Errorf("publish beside unfinished files says %q", said)
	}
	refuses(t, dir, exitFailure, []string{"disabled"}, "query", "from read_parquet('"+filepath.Join(first, "marts", "leads.parquet")+"')")
	if code := stop(); code != exitOK {
		t.Errorf("serve ends with %d:\n%s", code, log)
	}
}

// serve publishes again after another build, and tries again what failed.
func TestServePublishesAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	producer := broker(t, dir, "publish: {at_most_every: 1 second}\n")
	place := filepath.Join(dir, "data", publishedFolder)
	write(t, dir, filepath.Join("data", publishedFolder), "in the way\n")
	log, stop := background(t, dir, "serve")
	eventually(t, "a failed publish", func() bool { return strings.Contains(log.String(), "not published") })
	if err := os.Remove(place); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the first publish", func() bool { return builds(t, dir) == 1 })
	send(t, producer, kafka.Message{Value: created("L-1", "")})
	eventually(t, "another build", func() bool { return builds(t, dir) == 2 })
	eventually(t, "the lead", func() bool { return askPublished(t, dir, "select count(*) from leads") == "1" })
	// What somebody else builds in this process is published, too.
	must(t, dir, "init")
	model := filepath.Join(dir, "sql", "marts", "leads.sql")
	text, err := os.ReadFile(model)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(model, []byte(strings.Replace(string(text), "One row per lead", "One row for each lead", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, dir, "build")
	eventually(t, "the other description", func() bool {
		return strings.HasPrefix(askPublished(t, dir, "select comment from duckdb_tables() where table_name = 'leads'"), "One row for each lead")
	})
	if code := stop(); code != exitOK {
		t.Errorf("serve ends with %d:\n%s", code, log)
	}
}

func TestUntilTomorrow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		zone, now string
		want      time.Duration
	}{
		{"UTC", "2026-11-02T23:59:59Z", time.Second},
		{"Asia/Shanghai", "2026-11-02T16:00:00Z", 24 * time.Hour},
		{"Europe/Berlin", "2026-10-24T22:00:00Z", 25 * time.Hour}, // summer time ends
		{"Europe/Berlin", "2026-03-28T23:00:00Z", 23 * time.Hour},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := untilTomorrow(now, zone); got != c.want {
			t.Errorf("from %s in %s it is %s until tomorrow, want %s", c.now, c.zone, got, c.want)
		}
	}
}
