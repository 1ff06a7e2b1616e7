package model

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"
)

// signal appends a row to the raw table of signals.
func signal(batch, offset int, subject, kind string, amount int) string {
	who := quoteText(subject)
	if subject == "" {
		who = "null"
	}
	return fmt.Sprintf(`insert into raw.signal_seen_v1 (_topic, _epoch, _partition, _offset, _n, _batch_id, _id, _source, _subject, kind, amount)
		values ('t', 0, 0, %d, 0, %d, 'e%d', 's', %s, '%s', %d)`, offset, batch, offset, who, kind, amount)
}

func runner(t testing.TB, db *sql.DB) *Runner {
	t.Helper()
	r, err := New(Config{DB: db, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustBuild(t testing.TB, r *Runner, p *Project) *Result {
	t.Helper()
	result, err := r.Build(t.Context(), p, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// summary is a result in a line: model, status, rows.
func summary(r *Result) string {
	var out []string
	for _, m := range r.Models {
		out = append(out, fmt.Sprintf("%s:%s:%d", m.Model, m.Status, m.Rows))
	}
	return strings.Join(out, " ")
}

func tables(t testing.TB, db *sql.DB) string {
	t.Helper()
	standing, err := listTables(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for table, view := range standing {
		kind := ""
		if view {
			kind = "(view)"
		}
		names = append(names, table.String()+kind)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func expect(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s\ngot  %s\nwant %s", what, got, want)
	}
}

func TestNewWantsADatabase(t *testing.T) {
	t.Parallel()
	if _, err := New(Config{}); err == nil {
		t.Error("a runner without a database")
	}
}

func TestBuild(t *testing.T) {
	t.Parallel()
	db := warehouseOf(t, filepath.Join(t.TempDir(), "w.duckdb"), signals())
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	var steps []string
	r, err := New(Config{
		DB:       db,
		Now:      func() time.Time { now = now.Add(time.Second); return now },
		Progress: func(m string, done, total int) { steps = append(steps, fmt.Sprintf("%s %d/%d", m, done, total)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	p := mustLoad(t, db, projectFiles())
	result := mustBuild(t, r, p)
	expect(t, "empty", summary(result), "staging.signals:built:0 marts.totals:built:0 marts.big:built:0")
	expect(t, "progress", strings.Join(steps, ", "), "staging.signals 0/3, marts.totals 1/3, marts.big 2/3,  3/3")
	expect(t, "tables", tables(t, db), "marts.big(view) marts.totals staging.signals staging.signals_duplicates")

	run(t, db, signal(1, 1, "a", "x", 5), signal(1, 2, "a", "y", 20), signal(2, 3, "a", "x", 7), signal(3, 4, "", "x", 1), signal(3, 5, "", "x", 1))
	result = mustBuild(t, r, p)
	expect(t, "rows", summary(result), "staging.signals:built:4 marts.totals:built:2 marts.big:built:1")
	if result.UpToBatch != 3 || result.Models[0].Duplicates != 1 || result.ProjectHash != p.Hash || result.Seconds <= 0 {
		t.Errorf("result %+v", result)
	}
	expect(t, "duplicates", show(t, db, "select _offset, kind from staging.signals_duplicates"), "3|x")
	expect(t, "winners", show(t, db, "select _offset from staging.signals order by 1"), "1 2 4 5")
	expect(t, "mart", show(t, db, "select kind, total from marts.totals order by 1"), "x|7 y|20")
	expect(t, "view", show(t, db, "select kind, total from marts.big"), "y|20")
	expect(t, "columns of duplicates", show(t, db, "select string_agg(column_name, ' ' order by column_index) from duckdb_columns() where table_name = 'signals_duplicates'"),
		"_topic _epoch _partition _offset _n event_id subject kind amount")
	expect(t, "state", show(t, db, "select model, rows, status, batch_id, coalesce(message, ''), project_hash = '"+p.Hash+"', seconds, built_at > '2026-03-01' from build.models order by model"),
		"marts.big|1|built|3||true|1|true marts.totals|2|built|3||true|1|true staging.signals|4|built|3||true|1|true")
}

func TestBuildReportsFailedTests(t *testing.T) {
	t.Parallel()
	db := warehouseOf(t, "", signals())
	r, p := runner(t, db), mustLoad(t, db, projectFiles())
	run(t, db, signal(1, 1, "a", "x", 60))
	result := mustBuild(t, r, p)
	expect(t, "a warning stops nothing", summary(result), "staging.signals:built:1 marts.totals:built:1 marts.big:built:1")
	failed := result.Models[1].FailedTests
	if len(failed) != 1 || failed[0].Test != "total < 50" || failed[0].Severity != Warn || failed[0].Count != 1 {
		t.Errorf("failed tests %+v", failed)
	}
	expect(t, "its rows", show(t, db, failed[0].SQL), "x|60")

	run(t, db, signal(2, 2, "a", "y", 5), signal(2, 3, "b", "x", 60))
	result, err := r.Build(t.Context(), p, Options{})
	if err == nil || !strings.Contains(err.Error(), "build marts.totals: test total < 100 does not hold for 1 row") {
		t.Errorf("got error %v", err)
	}
	expect(t, "statuses", summary(result), "staging.signals:built:3 marts.totals:failed:2 marts.big:skipped:0")
	expect(t, "the mart stands as it was", show(t, db, "select * from marts.totals"), "x|60")
	expect(t, "the view reads it", show(t, db, "select * from marts.big"), "x|60")
	expect(t, "staging went on", show(t, db, "select count(*) from staging.signals"), "3")
	expect(t, "skipped because", result.Models[2].Message, "it reads marts.totals, which was not built")
	expect(t, "the rows that fail", show(t, db, result.Models[1].FailedTests[0].SQL), "x|120")
	expect(t, "state", show(t, db, "select model, rows, status, batch_id, coalesce(message, '') from build.models order by model"),
		"marts.big|1|skipped|1|it reads marts.totals, which was not built marts.totals|1|failed|1|test total < 100 does not hold for 1 row staging.signals|3|built|2|")

	// The next build drops what was left to look at, and adopts all again.
	expect(t, "left to look at", tables(t, db), "marts.big(view) marts.totals marts.totals__next staging.signals staging.signals_duplicates")
	run(t, db, "update raw.signal_seen_v1 set amount = 1")
	mustBuild(t, r, p)
	expect(t, "tables", tables(t, db), "marts.big(view) marts.totals staging.signals staging.signals_duplicates")
	expect(t, "mart", show(t, db, "select kind, total from marts.totals order by 1"), "x|2 y|1")
	expect(t, "state", show(t, db, "select distinct status, message is null from build.models"), "built|true")
}

func TestEveryTestFindsItsRows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tests string
		want  string // test count
	}{
		"unique":             {"unique", "kind unique 1"},
		"not_null":           {"not_null", "kind not_null 2"},
		"accepted_values":    {"{accepted_values: [x, 'y''y']}", "kind in ('x', 'y''y') 1"},
		"relationships":      {"{relationships: {to: staging.known, column: kind}}", "kind in staging.known.kind 1"},
		"relationship to it": {"{relationships: {to: marts.m, column: kind}}", ""},
		"expression":         {"{expression: kind <> 'z'}", "kind <> 'z' 1"},
		"expression comment": {`{expression: "kind <> 'z' -- no z"}`, "kind <> 'z' -- no z 1"},
	} {
		t.Run(name, func(t *testing.T) {
			db := warehouseOf(t, "", signals())
			files := fstest.MapFS{
				"staging/known.sql": {Data: []byte(described("grain: kind\n", "kind") + "select distinct kind from raw.other_seen_v1")},
				"staging/all.sql":   {Data: []byte(described("grain: offset_\n", "offset_", "kind") + "select _offset as offset_, nullif(kind, '') as kind from raw.signal_seen_v1")},
				"marts/m.sql": {Data: []byte(described("grain: offset_\n", "offset_", "kind ["+c.tests+"]") +
					"select offset_, kind from staging.all")},
			}
			run(t, db, signal(1, 1, "a", "x", 1), signal(1, 2, "a", "x", 1), signal(1, 3, "a", "z", 1), signal(1, 4, "a", "", 1), signal(1, 5, "a", "", 1),
				"insert into raw.other_seen_v1 (kind, _batch_id) values ('x', 1), (null, 1), ('late', 9)", "delete from raw.other_seen_v1 where kind is null")
			result, err := runner(t, db).Build(t.Context(), mustLoad(t, db, files), Options{})
			got := ""
			for _, m := range result.Models {
				for _, f := range m.FailedTests {
					got += fmt.Sprintf("%s %d", f.Test, f.Count)
					if n := show(t, db, "select count(*) from ("+f.SQL+")"); n != fmt.Sprint(f.Count) {
						t.Errorf("%s finds %s rows, want %d", f.SQL, n, f.Count)
					}
				}
			}
			if got != c.want || (err == nil) != (c.want == "") {
				t.Errorf("got %q and %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestBuildSurvivesABrokenQuery(t *testing.T) {
	t.Parallel()
	db := warehouseOf(t, "", signals())
	r := runner(t, db)
	p := mustLoad(t, db, with("marts/bad.sql", mart("select cast(kind as integer)::varchar as kind from staging.signals")))
	run(t, db, signal(1, 1, "a", "x", 1))
	result, err := r.Build(t.Context(), p, Options{})
	if err == nil || !strings.Contains(err.Error(), "build marts.bad: Conversion Error") {
		t.Errorf("got error %v", err)
	}
	expect(t, "statuses", summary(result), "staging.signals:built:1 marts.bad:failed:0 marts.totals:built:1 marts.big:built:0")
	expect(t, "tables", tables(t, db), "marts.big(view) marts.totals staging.signals staging.signals_duplicates")
	expect(t, "state", show(t, db, "select status, rows is null, built_at is null, message like 'Conversion Error%' from build.models where model = 'marts.bad'"), "failed|true|true|true")
}

func TestBuildFollowsTheProject(t *testing.T) {
	t.Parallel()
	db := warehouseOf(t, "", signals())
	r := runner(t, db)
	run(t, db, signal(1, 1, "a", "x", 20))
	mustBuild(t, r, mustLoad(t, db, projectFiles()))
	// big becomes a table and totals a view; the event and its duplicates go.
	result := mustBuild(t, r, mustLoad(t, db, with(
		"staging/signals.sql", described("grain: event_id\n", "event_id", "kind", "amount")+"select _id as event_id, kind, amount from raw.signal_seen_v1",
		"marts/totals.sql", described("grain: kind\nmaterialized: view\n", "kind", "total")+"select kind, cast(sum(amount) as bigint) as total from staging.signals group by kind",
		"marts/big.sql", described("grain: kind\n", "kind", "total")+"select kind, total from marts.totals",
	)))
	expect(t, "tables", tables(t, db), "marts.big marts.totals(view) staging.signals")
	expect(t, "dropped", strings.Join(result.Dropped, " "), "staging.signals_duplicates")
	expect(t, "table over a view", show(t, db, "select * from marts.big"), "x|20")
	// Models go.
	result = mustBuild(t, r, mustLoad(t, db, with("marts/big.sql", "", "marts/totals.sql", "")))
	expect(t, "tables", tables(t, db), "staging.signals staging.signals_duplicates")
	expect(t, "dropped", strings.Join(result.Dropped, " "), "marts.big marts.totals")
	expect(t, "state", show(t, db, "select model from build.models"), "staging.signals")
}

func TestBuildKeepsWhatIsUnchanged(t *testing.T) {
	t.Parallel()
	db := warehouseOf(t, "", signals())
	r := runner(t, db)
	files := with("staging/others.sql", described("grain: event_id\n", "event_id", "kind")+"select _id as event_id, kind from raw.other_seen_v1")
	p := mustLoad(t, db, files)
	again := func(p *Project) string {
		t.Helper()
		result, err := r.Build(t.Context(), p, Options{KeepUnchanged: true})
		if err != nil {
			t.Fatal(err)
		}
		return summary(result)
	}
	run(t, db, signal(1, 1, "a", "x", 20))
	expect(t, "first", again(p), "staging.others:built:0 staging.signals:built:1 marts.totals:built:1 marts.big:built:1")
	expect(t, "nothing new", again(p), "staging.others:kept:0 staging.signals:kept:0 marts.totals:kept:0 marts.big:kept:0")
	expect(t, "rows in the state", show(t, db, "select rows, status, batch_id from build.models where model = 'marts.totals'"), "1|kept|1")
	run(t, db, signal(2, 2, "b", "y", 3))
	expect(t, "a batch of signals", again(p), "staging.others:kept:0 staging.signals:built:2 marts.totals:built:2 marts.big:built:1")
	expect(t, "nothing new again", again(p), "staging.others:kept:0 staging.signals:kept:0 marts.totals:kept:0 marts.big:kept:0")
	run(t, db, "drop view marts.big")
	expect(t, "one is gone", again(p), "staging.others:kept:0 staging.signals:kept:0 marts.totals:kept:0 marts.big:built:1")
	files["marts/totals.sql"] = &fstest.MapFile{Data: append(files["marts/totals.sql"].Data, '\n')}
	expect(t, "another project", again(mustLoad(t, db, files)), "staging.others:built:0 staging.signals:built:2 marts.totals:built:2 marts.big:built:1")
	mustBuild(t, r, p)
}

// A build reads raw rows up to one batch, though newer ones arrive while it
// runs.
func TestBuildReadsOneMoment(t *testing.T) {
	t.Parallel()
	db := warehouseOf(t, "", signals())
	run(t, db, signal(1, 1, "a", "x", 1))
	p := mustLoad(t, db, with("staging/twice.sql", described("grain: event_id\n", "event_id", "kind")+
		"select raw.signal_seen_v1._id as event_id, s.kind from raw.signal_seen_v1 join raw.signal_seen_v1 as s using (_id)"))
	batch := 1
	r, err := New(Config{DB: db, Progress: func(string, int, int) {
		batch++
		run(t, db, signal(batch, batch, "a", fmt.Sprint("k", batch), 1))
	}})
	if err != nil {
		t.Fatal(err)
	}
	result := mustBuild(t, r, p)
	expect(t, "rows of batch 1 alone", summary(result), "staging.signals:built:1 staging.twice:built:1 marts.totals:built:1 marts.big:built:0")
	if result = mustBuild(t, r, p); result.UpToBatch != 6 || result.Models[0].Rows != 6 || result.Models[1].Rows != 6 {
		t.Errorf("the next one reads up to 6: %s", summary(result))
	}
}

// Readers see a set of tables of one build, whatever else goes on; an appender
// is never held up.
func TestBuildBesideAppenderAndReaders(t *testing.T) {
	t.Parallel()
	db := warehouseOf(t, filepath.Join(t.TempDir(), "w.duckdb"), signals())
	r, p := runner(t, db), mustLoad(t, db, with("marts/totals.sql", described("grain: kind\n", "kind", "total")+
		"select kind, count(*) as total from staging.signals group by kind", "marts/big.sql", described("grain: kind\nmaterialized: view\n", "kind", "total")+
		"select kind, total from marts.totals"))
	run(t, db, signal(1, 1, "s1", "x", 1))
	mustBuild(t, r, p)
	ctx, stop := context.WithCancel(t.Context())
	var others sync.WaitGroup
	var appended, read int
	others.Go(func() {
		for ctx.Err() == nil {
			appended++
			if _, err := db.ExecContext(context.Background(), signal(appended+1, appended+1, fmt.Sprint("s", appended+1), "x", 1)); err != nil {
				t.Errorf("append: %v", err)
				return
			}
		}
	})
	others.Go(func() {
		for ctx.Err() == nil {
			read++
			var staging, marts, view int
			err := db.QueryRowContext(context.Background(), `select (select count(*) from staging.signals),
				(select sum(total) from marts.totals), (select sum(total) from marts.big)`).Scan(&staging, &marts, &view)
			if err != nil || staging != marts || marts != view {
				t.Errorf("a reader sees %d, %d and %d: %v", staging, marts, view, err)
				return
			}
		}
	})
	for range 15 {
		mustBuild(t, r, p)
	}
	stop()
	others.Wait()
	if appended < 2 || read < 2 {
		t.Errorf("%d appends and %d reads are no company", appended, read)
	}
	result := mustBuild(t, r, p)
	if result.Models[0].Rows != int64(appended)+1 {
		t.Errorf("%d rows, appended %d", result.Models[0].Rows, appended+1)
	}
}

func TestBuildEndsWithItsContext(t *testing.T) {
	t.Parallel()
	db := warehouseOf(t, "", signals())
	p := mustLoad(t, db, projectFiles())
	run(t, db, signal(1, 1, "a", "x", 20))
	mustBuild(t, runner(t, db), p)
	run(t, db, signal(2, 2, "b", "x", 20))
	ctx, cancel := context.WithCancel(t.Context())
	r, err := New(Config{DB: db, Progress: func(m string, _, _ int) {
		if m == "marts.big" {
			cancel()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	result, err := r.Build(ctx, p, Options{})
	if result != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v", result, err)
	}
	expect(t, "nothing was adopted", show(t, db, "select * from marts.totals"), "x|20")
	expect(t, "left behind", tables(t, db), "marts.big(view) marts.totals marts.totals__next staging.signals staging.signals__next staging.signals_duplicates staging.signals_duplicates__next")
	mustBuild(t, runner(t, db), p)
	expect(t, "dropped", tables(t, db), "marts.big(view) marts.totals staging.signals staging.signals_duplicates")
}

func TestATestAloneKeepsNobodyBack(t *testing.T) {
	t.Parallel()
	db := warehouseOf(t, "", signals())
	r := runner(t, db)
	files := with("staging/others.sql", described("grain: event_id\n", "event_id", "kind [{relationships: {to: marts.totals, column: kind}, severity: warn}]")+
		"select _id as event_id, kind from raw.other_seen_v1")
	p := mustLoad(t, db, files)
	run(t, db, "insert into raw.other_seen_v1 (_id, kind, _batch_id) values ('o', 'x', 1)", signal(1, 1, "a", "x", 200))
	result, err := r.Build(t.Context(), p, Options{})
	if err == nil {
		t.Error("the total of 200 is over the limit")
	}
	expect(t, "there is nothing to test against", summary(result), "staging.signals:built:1 marts.totals:failed:1 staging.others:skipped:0 marts.big:skipped:0")
	expect(t, "why", result.Models[2].Message, "a test looks into marts.totals, which there is not yet")
	run(t, db, "update raw.signal_seen_v1 set amount = 1")
	mustBuild(t, r, p)
	run(t, db, "update raw.signal_seen_v1 set amount = 200, kind = 'y'")
	result, err = r.Build(t.Context(), p, Options{})
	if err == nil || len(result.Models[2].FailedTests) != 0 {
		t.Errorf("others are tested against the totals that stand: %v %+v", err, result.Models[2])
	}
	expect(t, "built", summary(result), "staging.signals:built:1 marts.totals:failed:1 staging.others:built:1 marts.big:skipped:0")
}
