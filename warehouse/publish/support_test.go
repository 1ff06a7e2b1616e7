package publish

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/funnelhouse/funnelhouse/contracts"
	"github.com/funnelhouse/funnelhouse/warehouse"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// arrowContext is for readers that outlive no test.
var arrowContext = context.Background()

var monday = time.Date(2026, 11, 2, 8, 30, 0, 0, time.UTC)

// house is a warehouse with marts as a test makes them.
type house struct {
	testing.TB
	wh        *warehouse.Warehouse
	dir       string // of the builds
	now       time.Time
	content   Content
	publisher *Publisher
}

// built has the table that every build of models leaves.
const built = `create schema if not exists build;
	create table if not exists build.models (model varchar, status varchar, batch_id bigint);
	insert into build.models values ('marts.any', 'built', 7)`

// batch is one that read the topic up to an offset.
func batch(id, next int) string {
	return fmt.Sprintf("insert into ingest.ledger values (%d, now(), 'crm.events', 0, 0, %d, %d, 1, 1, 0, 0, 0, 1, 0, 1)", id, next-1, next)
}

func open(t testing.TB, set *contracts.Set) *house {
	t.Helper()
	wh, err := warehouse.Open(t.Context(), warehouse.Config{Path: filepath.Join(t.TempDir(), "w.duckdb"), Contracts: set})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := wh.Close(); err != nil {
			t.Error(err)
		}
	})
	none, err := metric.Load(fstest.MapFS{})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{TB: t, wh: wh, dir: filepath.Join(t.TempDir(), "published"), now: monday}
	h.content = Content{Metrics: none, AsOf: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)}
	h.publisher = h.another(Config{})
	return h
}

// small has a warehouse without events and these tables in schema marts.
func small(t testing.TB, tables ...string) *house {
	t.Helper()
	set, err := contracts.Load(fstest.MapFS{})
	if err != nil {
		t.Fatal(err)
	}
	h := open(t, set)
	h.run(built)
	for _, table := range tables {
		name, _, _ := strings.Cut(table, " ")
		h.run("create table marts." + table)
		h.content.Models = append(h.content.Models, Model{Schema: "marts", Name: name, Description: "Rows of " + name + ", isn't it?"})
	}
	return h
}

// another publisher of the same folder.
func (h *house) another(cfg Config) *Publisher {
	h.Helper()
	cfg.Dir, cfg.Warehouse = h.dir, h.wh
	cfg.Now = func() time.Time { return h.now }
	p, err := New(cfg)
	if err != nil {
		h.Fatal(err)
	}
	return p
}

func (h *house) run(statements ...string) {
	h.Helper()
	for _, s := range statements {
		if _, err := h.wh.DB().ExecContext(h.Context(), s); err != nil {
			h.Fatalf("%v\n%s", err, s)
		}
	}
}

func (h *house) publish() *Result {
	h.Helper()
	r, err := h.publisher.Publish(h.Context(), h.content)
	if err != nil {
		h.Fatal(err)
	}
	return r
}

// current is the name of the current build, whose files are all as its manifest
// says; empty where there is none.
func (h *house) current() string {
	h.Helper()
	name, err := os.Readlink(filepath.Join(h.dir, currentLink))
	if os.IsNotExist(err) {
		return ""
	}
	if err != nil {
		h.Fatal(err)
	}
	m, err := Read(filepath.Join(h.dir, name))
	if err != nil {
		h.Fatal(err)
	}
	if err := Verify(filepath.Join(h.dir, name), m); err != nil {
		h.Error(err)
	}
	if m.Build != name {
		h.Errorf("the manifest of %s is that of %s", name, m.Build)
	}
	return name
}

// lies lists what lies in the folder of the builds.
func (h *house) lies() string {
	h.Helper()
	entries, err := os.ReadDir(h.dir)
	if err != nil {
		h.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func (h *house) file(parts ...string) string {
	return filepath.Join(append([]string{h.dir, currentLink}, parts...)...)
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// rowsOf asks DuckDB, cells as text with | between.
func rowsOf(t testing.TB, q querier, query string) (out []string) {
	t.Helper()
	rows, err := q.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%v\n%s", err, query)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, to := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			to[i] = &values[i]
		}
		if err := rows.Scan(to...); err != nil {
			t.Fatal(err)
		}
		var cells []string
		for _, v := range values {
			cells = append(cells, cell(v))
		}
		out = append(out, strings.Join(cells, "|"))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// duck opens a DuckDB apart from the warehouse's; path is empty for one in memory.
func duck(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := db.ExecContext(t.Context(), "set global TimeZone = 'UTC'"); err != nil {
		t.Fatal(err)
	}
	return db
}

// equal compares rows whatever their order.
func equal(t testing.TB, what string, got, want []string) {
	t.Helper()
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if len(got) != len(want) {
		t.Errorf("%s: %d rows, want %d", what, len(got), len(want))
		return
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%s: row %d\n got %s\nwant %s", what, i, got[i], want[i])
			return
		}
	}
}

func is(t testing.TB, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%s\n got %s\nwant %s", what, g, w)
	}
}

func says(t testing.TB, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Error("no error")
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q lacks %q", err, w)
		}
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
