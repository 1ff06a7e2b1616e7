package metric

import (
	"database/sql"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"
)

// leadsTable has the columns of the model marts.leads.
const leadsTable = `
create table marts.leads (
    lead_id varchar, channel varchar, campaign varchar, product varchar, region varchar, potential varchar,
    salesperson varchar, department varchar, created_at timestamptz, created_date date, mql_at timestamptz, sal_at timestamptz,
    sql_at timestamptz, opportunity_at timestamptz, won_at timestamptz, lost_at timestamptz, won_date date,
    lost_date date, lead_count bigint
)`

var leadsModel = map[string]Model{"marts.leads": {
	Grain: []string{"lead_id"},
	Columns: map[string]string{
		"lead_id": "VARCHAR", "channel": "VARCHAR", "campaign": "VARCHAR", "product": "VARCHAR", "region": "VARCHAR",
		"potential": "VARCHAR", "salesperson": "VARCHAR", "department": "VARCHAR", "created_at": "TIMESTAMP WITH TIME ZONE", "created_date": "DATE",
		"mql_at": "TIMESTAMP WITH TIME ZONE", "won_at": "TIMESTAMP WITH TIME ZONE", "won_date": "DATE", "lost_date": "DATE",
		"lead_count": "BIGINT",
	},
}}

func openDB(t testing.TB, statements ...string) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", filepath.Join(t.TempDir(), "test.duckdb"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	exec(t, db, "create schema marts")
	for _, s := range statements {
		exec(t, db, s)
	}
	return db
}

func exec(t testing.TB, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%v\n%s", err, statement)
	}
}

// projectFiles is the sql/ folder of the project.
func projectFiles() fs.FS { return os.DirFS(filepath.Join("..", "..", "sql")) }

// projectSet holds the project's metrics on leads, which leadsTable can answer.
func projectSet(t testing.TB) *Set {
	t.Helper()
	files := fstest.MapFS{}
	for _, name := range []string{"lead_to_won", "lead_to_won_period", "new_leads", "won_leads"} {
		file := "metrics/" + name + ".yaml"
		text, err := fs.ReadFile(projectFiles(), file)
		if err != nil {
			t.Fatal(err)
		}
		files[file] = &fstest.MapFile{Data: text}
	}
	set, err := Load(files)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// wholeSet holds all metrics of the project.
func wholeSet(t testing.TB) *Set {
	t.Helper()
	set, err := Load(projectFiles())
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// loadText loads metrics given as YAML; each names itself in its first line.
func loadText(t testing.TB, metrics ...string) (*Set, error) {
	t.Helper()
	files := fstest.MapFS{}
	for _, text := range metrics {
		first, _, _ := strings.Cut(text, "\n")
		name := strings.TrimSpace(strings.TrimPrefix(first, "metric:"))
		files[path.Join("metrics", name+".yaml")] = &fstest.MapFile{Data: []byte(text)}
	}
	return Load(files)
}

func mustLoad(t testing.TB, metrics ...string) *Set {
	t.Helper()
	set, err := loadText(t, metrics...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// definition writes a metric with what every kind needs, then the lines given.
func definition(name, kind string, lines ...string) string {
	return "metric: " + name + "\nlabel: L\ndescription: D\nowner: o\nversion: 1\nunit: number\nkind: " + kind + "\n" +
		strings.Join(lines, "\n") + "\n"
}

func countOf(name string, lines ...string) string {
	return definition(name, "count", append([]string{"model: marts.leads", "entity: lead_id", "time: created_date"}, lines...)...)
}

func conversionOf(name, window string, lines ...string) string {
	return definition(name, "conversion", append([]string{
		"model: marts.leads", "entity: lead_id", "time: created_date", "reached: won_date", "window: " + window,
	}, lines...)...)
}

func day(text string) time.Time {
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return d
}

// october is the day as of which most tests ask.
func october() time.Time { return day("2026-10-31") }

func query(t testing.TB, set *Set, db *sql.DB, req Request) *Table {
	t.Helper()
	if req.AsOf.IsZero() {
		req.AsOf = october()
	}
	table, err := set.Query(t.Context(), db, Company{}, req)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// show writes rows as text, one a line: period, dimensions, numerator,
// denominator, value, flags.
func show(table *Table) string {
	var lines []string
	for i := range table.Rows {
		r := &table.Rows[i]
		var cells []string
		for _, key := range append(append([]string{"period"}, table.Dimensions...), colNumerator, colDenominator, colValue, "flags") {
			cells = append(cells, table.cell(r, key))
		}
		lines = append(lines, strings.Join(cells, " "))
	}
	return strings.Join(lines, "\n")
}

func wantShown(t *testing.T, table *Table, want ...string) {
	t.Helper()
	if got := show(table); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestLabel(t *testing.T) {
	t.Parallel()
	m, err := projectSet(t).Get("lead_to_won")
	if err != nil {
		t.Fatal(err)
	}
	for lang, want := range map[string]string{
		"en": "Lead-to-customer rate", "zh-Hans": "线索成交率", "zh-Hant": "線索成交率", "de": "Lead-to-customer rate",
	} {
		if got := m.Label(lang); got != want {
			t.Errorf("label in %s: got %s, want %s", lang, got, want)
		}
	}
}

func TestGetNamesTheNearest(t *testing.T) {
	t.Parallel()
	set := projectSet(t)
	_, err := set.Get("lead_to_wno")
	if err == nil || err.Error() != `there is no metric "lead_to_wno"; did you mean lead_to_won?` {
		t.Errorf("got %v", err)
	}
	_, err = set.Get("defect_density")
	if err == nil || !strings.Contains(err.Error(), "there are: lead_to_won, lead_to_won_period, new_leads, won_leads") {
		t.Errorf("got %v", err)
	}
}
