package model

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/funnelhouse/funnelhouse/contracts"
	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
	files "github.com/funnelhouse/funnelhouse/sql"
)

// warehouseOf opens a database with the schemas, macros and empty raw tables
// that every warehouse has; path is empty for one in memory.
func warehouseOf(t testing.TB, path string, events []*contracts.Contract) *sql.DB {
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
	run(t, db, "set global TimeZone = 'UTC'", "create schema raw", "create schema staging", "create schema marts",
		"create macro business_date(instant) as cast(instant at time zone 'Asia/Shanghai' as date)",
		"create macro is_company_currency(code) as code = 'CNY'")
	for _, c := range events {
		run(t, db, rawTable(c))
	}
	return db
}

func rawTable(c *contracts.Contract) string {
	columns := []string{
		"_topic varchar", "_epoch integer", "_partition integer", "_offset bigint", "_n integer", "_batch_id bigint",
		"_ingested_at timestamptz", "_id varchar", "_source varchar", "_subject varchar", "_occurred_at timestamptz",
	}
	for _, f := range c.Fields {
		kind := map[contracts.Type]string{
			contracts.String: "varchar", contracts.Integer: "bigint", contracts.Double: "double", contracts.Boolean: "boolean",
			contracts.Date: "date", contracts.Timestamp: "timestamptz",
			contracts.Decimal: fmt.Sprintf("decimal(%d,%d)", f.Precision, f.Scale),
		}[f.Type]
		columns = append(columns, f.Name+" "+kind)
	}
	return "create table raw." + c.Table() + " (" + strings.Join(append(columns, "_extra varchar"), ", ") + ")"
}

func run(t testing.TB, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.ExecContext(context.Background(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// show gives the rows of a query as text, cells by | and rows by a space.
func show(t testing.TB, db *sql.DB, query string) string {
	t.Helper()
	rows, err := textRows(t.Context(), db, query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = strings.Join(r, "|")
	}
	return strings.Join(out, " ")
}

// signals is a small event with a key of its own: (subject, kind).
func signals() []*contracts.Contract {
	field := func(name string) contracts.Field { return contracts.Field{Name: name, Type: contracts.String} }
	return []*contracts.Contract{
		{
			Event: "signal.seen", Major: 1, Fields: []contracts.Field{field("kind"), {Name: "amount", Type: contracts.Integer}},
			DedupeKey: []contracts.Key{{Attribute: "subject"}, {Field: "kind"}},
		},
		{Event: "other.seen", Major: 1, Fields: []contracts.Field{field("kind")}, DedupeKey: []contracts.Key{{Attribute: "source"}, {Attribute: "id"}}},
	}
}

const position5 = "_topic, _epoch, _partition, _offset, _n"

// described writes a header.
func described(more string, columns ...string) string {
	out := "/*\ndescription: A test.\n" + more + "columns:\n"
	for _, c := range columns {
		name, tests, _ := strings.Cut(c, " ")
		if tests != "" {
			tests = ", tests: " + tests
		}
		out += "  " + name + ": {description: A column" + tests + "}\n"
	}
	return out + "*/\n"
}

// project is a set of files that load and check.
func projectFiles() fstest.MapFS {
	return fstest.MapFS{
		"staging/signals.sql": {Data: []byte(described("grain: event_id\nevent: signal.seen\n",
			"_topic", "_epoch", "_partition", "_offset", "_n", "event_id", "subject", "kind", "amount") +
			"select " + position5 + ", _id as event_id, _subject as subject, kind, amount from raw.signal_seen_v1\n")},
		"marts/totals.sql": {Data: []byte(described("grain: kind\n", "kind", "total [{expression: total < 100}, {expression: total < 50, severity: warn}]") +
			"select kind, cast(sum(amount) as bigint) as total from staging.signals group by kind\n")},
		"marts/big.sql": {Data: []byte(described("grain: kind\nmaterialized: view\n", "kind", "total") +
			"select kind, total from marts.totals where total > 10;\n")},
	}
}

func mustLoad(t testing.TB, db *sql.DB, fsys fs.FS) *Project {
	t.Helper()
	p, err := load(t.Context(), fsys, signals(), db)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// with returns the files with some changed (an empty text removes one).
func with(changes ...string) fstest.MapFS {
	fsys := projectFiles()
	for i := 0; i < len(changes); i += 2 {
		if changes[i+1] == "" {
			delete(fsys, changes[i])
			continue
		}
		fsys[changes[i]] = &fstest.MapFile{Data: []byte(changes[i+1])}
	}
	return fsys
}

// shipped loads the models that the project hands out.
func shipped(t testing.TB) (*contracts.Set, *Project, *sql.DB) {
	t.Helper()
	set, err := contracts.Load(contracts.Files)
	if err != nil {
		t.Fatal(err)
	}
	db := warehouseOf(t, "", set.All())
	p, err := Load(t.Context(), files.Files, set, db)
	if err != nil {
		t.Fatal(err)
	}
	return set, p, db
}

func problems(t testing.TB, err error) []*yamlfile.Problem {
	t.Helper()
	list := yamlfile.Problems(err)
	if err != nil && len(list) == 0 {
		t.Fatalf("no problem in a file, but %v", err)
	}
	return list
}

func TestShippedModelsAndCases(t *testing.T) {
	t.Parallel()
	_, p, db := shipped(t)
	if err := Check(t.Context(), p, db); err != nil {
		t.Fatal(err)
	}
	models := map[string]bool{}
	for _, c := range p.Cases() {
		if !p.Has(c.Name) || c.OfMetric {
			continue // a metric's
		}
		models[c.Name] = true
		if err := RunCase(t.Context(), p, c.Name, c.Path, db); err != nil {
			t.Error(err)
		}
	}
	for _, m := range p.Models() {
		if !models[m.Name] {
			t.Errorf("%s has no case", m)
		}
		if n := show(t, db, "select count(*) from "+m.Table().SQL()); n != "0" {
			t.Errorf("%s rows are left in %s", n, m)
		}
	}
}
