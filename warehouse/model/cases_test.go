package model

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
	"github.com/funnelhouse/funnelhouse/warehouse/cases"
)

func TestRunCase(t *testing.T) {
	t.Parallel()
	const raw = "given:\n  raw.signal_seen_v1:\n    - {_subject: a, kind: x, amount: 20}\n    - {_subject: a, kind: x, amount: 7}\n    - {_subject: b, kind: x, amount: 1}\n"
	for name, c := range map[string]struct {
		model, text, want string // want: how the error begins; empty: none
	}{
		"through the models between": {"totals", raw + "expect:\n  - {kind: x, total: 21}\n", ""},
		"two steps, to a view":       {"big", raw + "expect: [{total: 21, kind: x}]\n", ""},
		"the staging model itself":   {"signals", raw + "expect:\n  - {subject: b, _offset: 2, event_id: event-2, _topic: case}\n  - {subject: a, _offset: 0, event_id: event-0, _topic: case}\n", ""},
		"given nearer by":            {"big", "given: {marts.totals: [{kind: x, total: 11}, {kind: y, total: 10}]}\nexpect: [{kind: x}]\n", ""},
		"given wins over raw":        {"totals", raw + "  staging.signals: [{kind: z, amount: 3}]\nexpect: [{kind: z, total: 3}]\n", ""},
		"nothing given":              {"totals", "given: {}\nexpect: []\n", ""},
		"only the count":             {"totals", raw + "expect: [{}]\n", ""},
		"null":                       {"totals", "given: {staging.signals: [{kind: z}]}\nexpect: [{kind: z, total: null}]\n", ""},
		"left out is null":           {"totals", "given: {staging.signals: [{kind: z}, {kind: y, amount: 1}]}\nexpect: [{kind: z}, {kind: y, total: 1}]\n", ""},
		"duplicates given":           {"totals", "given: {staging.signals_duplicates: [{kind: z}]}\nexpect: []\n", ""},
		"a row alone":                {"totals", "given: {staging.signals: [{}]}\nexpect: [{kind: null}]\n", ""},
		"other rows": {
			"totals", "description: It adds.\n" + raw + "expect: [{kind: x, total: 20}, {kind: long name, total: 1}]\n",
			"testdata/totals/c.yaml: It adds.: marts.totals has 1 rows that are not expected (+) and misses 2 (-)\n" +
				"     kind       total\n  -  long name  1\n  -  x          20\n  +  x          21",
		},
		"a row too few": {
			"totals", raw + "expect: []\n",
			"testdata/totals/c.yaml: marts.totals has 1 rows that are not expected (+) and misses 0 (-)",
		},
		"equal rows are shown": {
			"totals", "given: {staging.signals: [{kind: y}, {kind: z}]}\nexpect: [{kind: y}]\n",
			"testdata/totals/c.yaml: marts.totals has 1 rows that are not expected (+) and misses 0 (-)\n     kind\n     y\n  +  z",
		},
		"the number of equal rows counts": {
			"signals", raw + "expect: [{_topic: case}]\n",
			"testdata/signals/c.yaml: staging.signals has 1 rows that are not expected (+) and misses 0 (-)",
		},
		"unknown given table":   {"totals", "given: {staging.signal: [{}]}\nexpect: []\n", "testdata/totals/c.yaml:1:9: given.staging.signal: there is no table staging.signal; did you mean staging.signals?"},
		"unknown given column":  {"totals", "given: {staging.signals: [{kin: x}]}\nexpect: []\n", "testdata/totals/c.yaml:1:33: given.staging.signals[0].kin: staging.signals has no column kin; did you mean kind?"},
		"unknown column":        {"totals", "given: {}\nexpect: [{kin: x}]\n", "testdata/totals/c.yaml:2:16: expect[0].kin: marts.totals has no column kin; did you mean kind?"},
		"value of another type": {"totals", "given: {staging.signals: [{amount: much}]}\nexpect: []\n", "testdata/totals/c.yaml:1:27: given.staging.signals[0]: Conversion Error: Could not convert string 'much' to INT64"},
		"expected of another":   {"totals", "given: {}\nexpect: [{total: much}]\n", "testdata/totals/c.yaml:2:10: expect[0]: Conversion Error"},
		"the model itself":      {"totals", "given: {marts.totals: [{}]}\nexpect: []\n", "testdata/totals/c.yaml:1:9: given.marts.totals: the model itself can't be given"},
		"unknown key":           {"totals", "given: {}\nexpects: []\n", "testdata/totals/c.yaml:1:1: expect: is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := "testdata/" + c.model + "/c.yaml"
			db := warehouseOf(t, "", signals())
			// Nothing but the scratch connection that holds the transaction.
			p := mustLoad(t, db, with(path, c.text))
			if err := Check(t.Context(), p, db); err != nil {
				t.Fatal(err)
			}
			db.SetMaxOpenConns(1)
			err := RunCase(t.Context(), p, c.model, path, db)
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)):
				t.Errorf("got\n%v\nwant\n%s", err, c.want)
			}
			if failed, ok := errors.AsType[*cases.CaseError](err); err != nil && ok != (len(yamlfile.Problems(err)) == 0) || ok && failed.Path != path {
				t.Errorf("got a %T of %v", err, failed)
			}
			for _, table := range []string{"raw.signal_seen_v1", "staging.signals", "staging.signals_duplicates", "marts.totals", "marts.big"} {
				expect(t, "left in "+table, show(t, db, "select count(*) from "+table), "0")
			}
		})
	}
}

func TestRunCaseOfNothing(t *testing.T) {
	t.Parallel()
	db := warehouseOf(t, "", signals())
	p := mustLoad(t, db, with("testdata/totals/c.yaml", "given: {}\nexpect: []\n"))
	if err := RunCase(t.Context(), p, "total", "testdata/totals/c.yaml", db); err == nil || err.Error() != "testdata/totals/c.yaml: there is no model total" {
		t.Errorf("a case of no model: got %v", err)
	}
	err := RunCase(t.Context(), p, "totals", "testdata/totals/d.yaml", db)
	if err == nil || err.Error() != "testdata/totals/d.yaml: it was not there when the project was read" {
		t.Errorf("no case: got %v", err)
	}
	if got := p.Cases(); len(got) != 1 || got[0] != (Case{Name: "totals", Path: "testdata/totals/c.yaml"}) {
		t.Errorf("cases %v", got)
	}
}

// The company of a case is its own: what zone and currency the database was
// opened with changes no case.
func TestRunCaseHasACompanyOfItsOwn(t *testing.T) {
	t.Parallel()
	db := warehouseOf(t, "", signals()) // Asia/Shanghai and CNY
	for text, want := range map[string]string{
		"":                                     "{kind: CNY, own: true, day: 2026-03-01}, {kind: USD, own: true, day: 2026-03-01}",
		"zone: Asia/Shanghai\ncurrency: USD\n": "{kind: CNY, own: false, day: 2026-03-02}, {kind: USD, own: true, day: 2026-03-02}",
	} {
		files := projectFiles()
		files["marts/m.sql"] = &fstest.MapFile{Data: []byte(described("grain: kind\n", "kind", "own", "day") +
			"select kind, is_company_currency(kind) as own, business_date(timestamptz '2026-03-01 20:00:00Z') as day from staging.signals")}
		files["testdata/m/c.yaml"] = &fstest.MapFile{Data: []byte(text + "given: {staging.signals: [{kind: CNY}, {kind: USD}]}\nexpect: [" + want + "]\n")}
		p := mustLoad(t, db, files)
		if err := Check(t.Context(), p, db); err != nil {
			t.Fatal(err)
		}
		if err := RunCase(t.Context(), p, "m", "testdata/m/c.yaml", db); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A query that fails on given rows is the case's failure and not a mistake in
// its file; an interrupted one is neither.
func TestRunCaseOfAFailingQuery(t *testing.T) {
	t.Parallel()
	db := warehouseOf(t, "", signals())
	files := projectFiles()
	files["marts/m.sql"] = &fstest.MapFile{Data: []byte(mart("select cast(kind as integer) as kind from staging.signals"))}
	files["testdata/m/c.yaml"] = &fstest.MapFile{Data: []byte("given: {staging.signals: [{kind: x}]}\nexpect: []\n")}
	p := mustLoad(t, db, files)
	if err := Check(t.Context(), p, db); err != nil {
		t.Fatal(err)
	}
	err := RunCase(t.Context(), p, "m", "testdata/m/c.yaml", db)
	if _, ok := errors.AsType[*cases.CaseError](err); !ok || !strings.HasPrefix(err.Error(), "testdata/m/c.yaml: build marts.m: Conversion Error") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = RunCase(ctx, p, "m", "testdata/m/c.yaml", db)
	if _, ok := errors.AsType[*cases.CaseError](err); !ok || !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: got %v", err)
	}
}

// FuzzLoad feeds a model's file and a case to everything that reads them.
func FuzzLoad(f *testing.F) {
	db := warehouseOf(f, "", signals())
	f.Add(string(projectFiles()["marts/totals.sql"].Data), "given: {raw.signal_seen_v1: [{kind: x, amount: 1}]}\nexpect: [{kind: x, total: 1}]\n")
	f.Add(mart("select kind from staging.signals"), "given: {}\nexpect: []\n")
	f.Add("/*", "")
	f.Add(mart("select '\xff' as kind"), "given: {}")
	f.Add(described("grain: [kind]\n", "kind [unique, {accepted_values: [1, true, 1.5]}]")+"select '1' as kind", "given: {marts.m: []}")
	f.Fuzz(func(t *testing.T, sql, unit string) {
		p, err := load(t.Context(), fstest.MapFS{
			"staging/signals.sql": projectFiles()["staging/signals.sql"], "marts/m.sql": {Data: []byte(sql)}, "testdata/m/c.yaml": {Data: []byte(unit)},
		}, signals(), db)
		if err != nil {
			problems(t, err)
			return
		}
		if err := Check(t.Context(), p, db); err != nil {
			problems(t, err)
			return
		}
		if err := RunCase(t.Context(), p, "m", "testdata/m/c.yaml", db); err != nil && err.Error() == "" {
			t.Error("an error that says nothing")
		}
	})
}
