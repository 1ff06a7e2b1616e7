package model

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/funnelhouse/funnelhouse/contracts"
)

func TestLoadOrdersAndHashes(t *testing.T) {
	t.Parallel()
	db := warehouseOf(t, "", signals())
	p := mustLoad(t, db, with("staging/aaa.sql", described("grain: kind\n", "kind [{relationships: {to: marts.totals, column: kind}}]")+"select distinct kind from raw.other_seen_v1"))
	var order []string
	for _, m := range p.Models() {
		order = append(order, m.String())
	}
	if got := strings.Join(order, " "); got != "staging.signals marts.totals staging.aaa marts.big" {
		t.Errorf("order %s: a model comes after what it and its tests read", got)
	}
	if !p.Has("totals") || p.Has("marts.totals") || p.Has("signals_duplicates") {
		t.Error("Has knows the models' short names alone")
	}
	other, again := mustLoad(t, db, projectFiles()), mustLoad(t, db, projectFiles())
	if len(p.Hash) != 64 || other.Hash == p.Hash || other.Hash != again.Hash {
		t.Error("the hash is that of the files")
	}
	big := p.byName["big"]
	if !big.View || big.Inputs[0].String() != "marts.totals" || len(big.Columns) != 2 || big.Description.In("en") != "A test." {
		t.Errorf("big is read as %+v", big)
	}
	var tests []string
	for _, x := range p.byName["totals"].Tests() {
		tests = append(tests, x.String()+" "+string(x.Severity))
	}
	if got := strings.Join(tests, "; "); got != "total < 100 fail; total < 50 warn; kind not_null fail; kind unique fail" {
		t.Errorf("tests %s", got)
	}
}

func TestGrainIsNotTestedTwice(t *testing.T) {
	t.Parallel()
	db := warehouseOf(t, "", signals())
	p := mustLoad(t, db, with("marts/totals.sql", described("grain: [kind, total]\n", "kind [not_null, {unique: true, severity: warn}]", "total")+
		"select kind, cast(sum(amount) as bigint) as total from staging.signals group by kind"))
	var tests []string
	for _, x := range p.byName["totals"].Tests() {
		tests = append(tests, x.String()+" "+string(x.Severity))
	}
	if got := strings.Join(tests, "; "); got != "kind not_null fail; kind unique warn; total not_null fail; kind, total unique fail" {
		t.Errorf("tests %s", got)
	}
}

// mart is a mart of one column over staging.signals with some SQL.
func mart(sql string) string { return described("grain: kind\n", "kind") + sql }

func TestLoadReports(t *testing.T) {
	t.Parallel()
	db := warehouseOf(t, "", signals())
	const in, staging = "marts/m.sql", "staging/m.sql"
	for name, c := range map[string]struct {
		path, text, want string // want: the problem, or its beginning
	}{
		"no header":            {in, "\n\nselect 1", "marts/m.sql:3:1: the file doesn't begin with its header; begin with /*"},
		"header without end":   {in, "/*\nselect 1", "marts/m.sql:1:1: the header's comment has no end"},
		"unknown key":          {in, "\n/*\ndescription: x\ngrian: kind\ngrain: kind\ncolumns: {kind: {description: x}}\n*/ select 1", "marts/m.sql:4:1: grian: unknown key; did you mean grain?"},
		"no columns":           {in, "/*\ndescription: x\ngrain: kind\n*/ select 1", "marts/m.sql:2:1: columns: is missing"},
		"grain is no column":   {in, described("grain: knd\n", "kind") + "select kind from staging.signals", "marts/m.sql:3:8: grain: knd is no column of the model; did you mean kind?"},
		"incremental":          {in, described("grain: kind\nmaterialized: incremental\n", "kind") + "select kind from staging.signals", "marts/m.sql:4:15: materialized: incremental is not in this version yet; write table"},
		"unknown kept":         {in, described("grain: kind\nmaterialized: tabel\n", "kind") + "select kind from staging.signals", "marts/m.sql:4:15: materialized: tabel is no way to keep a model; write table or view"},
		"staging view":         {staging, described("grain: kind\nmaterialized: view\n", "kind") + "select kind from raw.other_seen_v1", "staging/m.sql:4:15: materialized: a staging model is not a view; write table"},
		"unknown test":         {in, described("grain: kind\n", "kind [uniqe]") + "select kind from staging.signals", "marts/m.sql:5:41: columns.kind.tests[0]: uniqe is no test; did you mean unique?"},
		"test needs more":      {in, described("grain: kind\n", "kind [accepted_values]") + "select kind from staging.signals", "marts/m.sql:5:41: columns.kind.tests[0]: accepted_values needs to be told more; write {accepted_values: [a, b]}"},
		"two tests in one":     {in, described("grain: kind\n", "kind [{unique: true, not_null: true}]") + "select kind from staging.signals", "marts/m.sql:5:41: columns.kind.tests[0]: is not one test"},
		"test switched off":    {in, described("grain: kind\n", "kind [{unique: false}]") + "select kind from staging.signals", "marts/m.sql:5:50: columns.kind.tests[0].unique: a test is there or it isn't; remove it"},
		"empty values":         {in, described("grain: kind\n", "kind [{accepted_values: []}]") + "select kind from staging.signals", "marts/m.sql:5:42: columns.kind.tests[0].accepted_values: the list is empty"},
		"null value":           {in, described("grain: kind\n", "kind [{accepted_values: [null]}]") + "select kind from staging.signals", "marts/m.sql:5:42: columns.kind.tests[0].accepted_values: a value is neither text"},
		"bad severity":         {in, described("grain: kind\n", "kind [{unique: true, severity: error}]") + "select kind from staging.signals", `marts/m.sql:5:66: columns.kind.tests[0].severity: "error" is not known here`},
		"relation unqualified": {in, described("grain: kind\n", "kind [{relationships: {to: totals, column: kind}}]") + "select kind from staging.signals", "marts/m.sql:5:62: columns.kind.tests[0].relationships.to: totals has no schema"},
		"relation unknown":     {in, described("grain: kind\n", "kind [{relationships: {to: marts.total, column: kind}}]") + "select kind from staging.signals", "marts/m.sql:5:62: columns.kind.tests[0].relationships.to: there is no model marts.total; did you mean marts.totals?"},
		"relation column":      {in, described("grain: kind\n", "kind [{relationships: {to: marts.totals, column: knd}}]") + "select kind from staging.signals", "marts/m.sql:5:84: columns.kind.tests[0].relationships.column: marts.totals has no column knd; did you mean kind?"},
		"expression escapes":   {in, described("grain: kind\n", `kind [{expression: "1) from x where (true"}]`) + "select kind from staging.signals", "marts/m.sql:5:41: columns.kind.tests[0]: this is not one expression"},
		"expression looks out": {in, described("grain: kind\n", `kind [{expression: "kind in (select kind from staging.signals)"}]`) + "select kind from staging.signals", "marts/m.sql:5:41: columns.kind.tests[0]: the condition looks beyond its row"},
		"expression and clock": {in, described("grain: kind\n", `kind [{expression: "kind < current_date"}]`) + "select kind from staging.signals", "marts/m.sql:5:41: columns.kind.tests[0]: current_date gives another answer for the same rows"},
		"syntax":               {in, mart("select kind\nfrom staging.signals\nwhere kind = = 1"), `marts/m.sql:9:14: syntax error at or near "="`},
		"two statements":       {in, mart("select kind from staging.signals;\nselect 1"), "marts/m.sql:8:8: there are 2 statements: write one SELECT"},
		"no select":            {in, mart("drop table raw.other_seen_v1"), "marts/m.sql: this is not a SELECT"},
		"bare pivot":           {in, mart("pivot staging.signals on kind using sum(amount)"), "marts/m.sql: PIVOT is read only with its list of values"},
		"no schema":            {in, mart("select kind\nfrom signals"), "marts/m.sql:8:1: the table signals has no schema; write staging.signals"},
		"file by name":         {in, mart("select kind from 'x.csv'"), "marts/m.sql:7:1: the table x.csv has no schema"},
		"database":             {in, mart("select kind from memory.staging.signals"), "marts/m.sql:7:1: memory.staging.signals names a database; write schema and table alone"},
		"unknown table":        {in, mart("select kind from staging.signal"), "marts/m.sql:7:1: there is no table staging.signal; did you mean staging.signals?"},
		"unknown schema":       {in, mart("select kind from information_schema.tables"), "marts/m.sql:7:1: there is no table information_schema.tables"},
		"mart reads raw":       {in, mart("select kind from raw.signal_seen_v1"), "marts/m.sql:7:1: a mart reads raw.signal_seen_v1; marts read staging and marts alone: read staging.signals"},
		"staging reads marts":  {staging, mart("select kind from marts.totals"), "staging/m.sql:7:1: a staging model reads marts.totals"},
		"unknown raw table":    {staging, mart("select kind from raw.other_sen_v1"), "staging/m.sql:7:1: there is no table raw.other_sen_v1; did you mean raw.other_seen_v1?"},
		"star in a mart":       {in, mart("select * from staging.signals"), "marts/m.sql: the last step selects *; a mart names its columns: list them"},
		"now":                  {in, mart("select kind\nfrom staging.signals\nwhere now() > null"), "marts/m.sql:9:1: now gives another answer for the same input; a model gives the same answer for the same input"},
		"current_date":         {in, mart("select kind from staging.signals where current_date > null"), "marts/m.sql:7:1: current_date gives another answer for the same input"},
		"random":               {in, mart("select kind from staging.signals order by random()"), "marts/m.sql:7:1: random gives another answer for the same input"},
		"setting":              {in, mart("select current_setting('TimeZone') as kind from staging.signals"), "marts/m.sql:7:1: current_setting gives another answer for the same input"},
		"age from today":       {in, mart("select age(kind::timestamp)::varchar as kind from staging.signals"), "marts/m.sql:7:1: age gives another answer for the same input; age of one argument"},
		"sample":               {in, mart("select kind from staging.signals using sample 10 rows"), "marts/m.sql: draws rows by chance (sample)"},
		"parameter":            {in, mart("select kind from staging.signals where kind = $as_of"), "marts/m.sql: reads the parameter $as_of"},
		"read_csv":             {in, mart("select kind from read_csv('x.csv')"), "marts/m.sql:7:1: read_csv reads something else than tables"},
		"glob":                 {in, mart("select file as kind from glob('*')"), "marts/m.sql:7:1: glob reads something else than tables"},
		"table by its text":    {in, mart("select kind from query_table('raw.other_seen_v1')"), "marts/m.sql:7:1: query_table reads something else than tables"},
		"describe":             {in, mart("select kind from (describe staging.signals)"), "marts/m.sql: looks into the catalog"},
		"reads itself":         {in, mart("select kind from marts.m"), "marts/m.sql:7:1: the model depends on itself: marts.m needs marts.m"},
		"name with capitals":   {"marts/M.sql", mart("select 1"), "marts/M.sql: the name is not a model's"},
		"name with two bars":   {"marts/m__next.sql", mart("select 1"), "marts/m__next.sql: the name is not a model's"},
		"name taken":           {"staging/totals.sql", mart("select kind from raw.other_seen_v1"), "marts/totals.sql: the name is taken by staging/totals.sql"},
		"name of duplicates":   {"marts/signals_duplicates.sql", mart("select kind from staging.signals"), "marts/signals_duplicates.sql: the name is that of the duplicates of staging.signals"},
		"other file":           {"marts/m.SQL", "select 1", "marts/m.SQL: is not read; a model is a file marts/<name>.sql"},
		"folder":               {"marts/a/m.sql", "select 1", "marts/a: is not read"},
		"event in a mart":      {in, described("grain: kind\nevent: signal.seen\n", "kind") + "select kind from staging.signals", "marts/m.sql:4:8: event: a mart holds no single event"},
		"event unknown":        {staging, described("grain: kind\nevent: signal.sen\n", "kind") + "select kind from raw.signal_seen_v1", "staging/m.sql:4:8: event: there is no contract for the event signal.sen; did you mean signal.seen?"},
		"event not read":       {staging, described("grain: kind\nevent: signal.seen\n", "kind") + "select kind from raw.other_seen_v1", "staging/m.sql:4:8: event: the model doesn't read raw.signal_seen_v1, which holds signal.seen.v1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t.Context(), with(c.path, c.text), signals(), db)
			list := problems(t, err)
			if len(list) != 1 || !strings.HasPrefix(list[0].Error(), c.want) {
				t.Errorf("got\n%v\nwant\n%s", err, c.want)
			}
		})
	}
}

func TestLoadAllowsWhatIsSteady(t *testing.T) {
	t.Parallel()
	db := warehouseOf(t, "", signals())
	for name, text := range map[string]string{
		"age of two":   "select age(kind::timestamp, kind::timestamp)::varchar as kind from staging.signals",
		"series":       "select kind from staging.signals, generate_series(1, 2) as g(i)",
		"unnest":       "select k as kind from staging.signals, unnest([kind]) as u(k)",
		"duplicates":   "select kind from staging.signals_duplicates",
		"pivot":        "with p as (pivot staging.signals on kind in ('a') using sum(amount) group by kind) select kind from p",
		"recursive":    "with recursive r as (select 1 as n union select n + 1 from r where n < 3) select n::varchar as kind from r, marts.totals",
		"star inside":  "with s as (select * from staging.signals) select kind from s",
		"business day": "select business_date(timestamptz '2026-01-01 00:00:00+00')::varchar as kind from staging.signals",
		"raise":        "select case when kind = '' then error('empty') else kind end as kind from staging.signals",
	} {
		if _, err := load(t.Context(), with("marts/m.sql", mart(text)), signals(), db); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLoadReportsAllAtOnce(t *testing.T) {
	t.Parallel()
	db := warehouseOf(t, "", signals())
	_, err := load(t.Context(), with(
		"staging/signals.sql", "select 1", // its readers are not told that it is missing
		"marts/a.sql", mart("select kind from marts.b"),
		"marts/b.sql", mart("select kind from marts.c"),
		"marts/c.sql", mart("select kind, now() from marts.a, read_text('x')"),
	), signals(), db)
	want := []string{
		"staging/signals.sql:1:1: the file doesn't begin with its header",
		"marts/c.sql:7:1: now gives another answer",
		"marts/c.sql:7:1: read_text reads something else",
		"marts/a.sql:7:1: the model depends on itself: marts.a needs marts.b needs marts.c needs marts.a; break the circle",
	}
	list := problems(t, err)
	if len(list) != len(want) {
		t.Fatalf("got\n%v", err)
	}
	for i, w := range want {
		if !strings.HasPrefix(list[i].Error(), w) {
			t.Errorf("got %s, want %s", list[i], w)
		}
	}
}

func TestVersionsOfAnEventShareTheirKey(t *testing.T) {
	t.Parallel()
	db := warehouseOf(t, "", nil)
	second := *signals()[0]
	second.Major, second.DedupeKey = 2, []contracts.Key{{Attribute: "id"}}
	_, err := load(t.Context(), with(), append(signals(), &second), db)
	list := problems(t, err)
	if len(list) != 2 || list[0].Message != "the model doesn't read raw.signal_seen_v2, which holds signal.seen.v2" ||
		list[1].Message != "signal.seen.v1 and signal.seen.v2 have different dedupe keys (kind subject, event_id)" {
		t.Errorf("got %v", err)
	}
}

func TestSchemas(t *testing.T) {
	t.Parallel()
	for name, schema := range map[string]func() ([]byte, error){"header": HeaderSchema, "case": CaseSchema} {
		data, err := schema()
		var v map[string]any
		if err != nil || json.Unmarshal(data, &v) != nil || v["properties"] == nil {
			t.Errorf("%s: %v %s", name, err, data)
		}
	}
}
