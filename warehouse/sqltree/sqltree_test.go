package sqltree

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"
)

// open gives an empty database in memory on one connection.
func open(t testing.TB, statements ...string) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, s := range statements {
		if _, err := db.ExecContext(context.Background(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	return db
}

func parse(t testing.TB, db *sql.DB, text string) *Tree {
	t.Helper()
	tree, err := Parse(t.Context(), db, text)
	if err != nil {
		t.Fatalf("parse %s: %v", text, err)
	}
	return tree
}

func TestTables(t *testing.T) {
	t.Parallel()
	db := open(t)
	for name, c := range map[string]struct {
		sql  string
		want string // joined by spaces
	}{
		"plain":                        {"select * from raw.t", "raw.t"},
		"each once, as first spelled":  {"select * from Raw.t a, raw.t b, RAW.T c", "Raw.t"},
		"sorted":                       {"select * from b.b, a.z, b.a", "a.z b.a b.b"},
		"with catalog":                 {"select * from c.s.t", "c.s.t"},
		"no table":                     {"select 1", ""},
		"values":                       {"values (1), (2)", ""},
		"from first":                   {"from raw.t", "raw.t"},
		"table":                        {"table raw.t", "raw.t"},
		"file by name":                 {"select * from 'file.csv'", "file.csv"},
		"file by function":             {"select * from read_csv('file.csv')", ""},
		"unnest of a column":           {"select * from raw.t, unnest(t.l) as u(x)", "raw.t"},
		"using":                        {"select * from raw.a join raw.b using (x)", "raw.a raw.b"},
		"positional and asof":          {"from raw.a positional join raw.b asof join raw.c on a.x >= c.x", "raw.a raw.b raw.c"},
		"lateral":                      {"select * from raw.a, lateral (select * from raw.b where b.x = a.x)", "raw.a raw.b"},
		"parameter":                    {"select * from raw.a where x = $as_of and y = $b", "raw.a"},
		"subqueries everywhere":        {"select (select max(x) from s.a) from s.b where x in (select y from s.c) and exists (from s.d) group by (select 1 from s.e) having x > any (select z from s.f) order by (select 1 from s.g) limit (select 2 from s.h)", "s.a s.b s.c s.d s.e s.f s.g s.h"},
		"set operation":                {"select * from s.a union all (select * from s.b except select * from s.c)", "s.a s.b s.c"},
		"pivot in a cte":               {"with p as (pivot raw.t on k in ('a', 'b') using sum(v)) select * from p", "raw.t"},
		"pivot in from":                {"select * from raw.t pivot (sum(v) for k in ('a', 'b'))", "raw.t"},
		"unpivot":                      {"select * from raw.t unpivot (v for n in (a, b))", "raw.t"},
		"describe":                     {"describe raw.t", "raw.t"},
		"cte":                          {"with t as (select * from raw.t) select * from t", "raw.t"},
		"cte folds case":               {"with T as (select * from raw.t) select * from t", "raw.t"},
		"cte before its definition":    {"with a as (select * from b), b as (select 1) select * from a, b", "b"},
		"cte names itself":             {"with t as (select * from t) select * from t", "t"},
		"recursive names itself":       {"with recursive r as (select 1 n union all select n + 1 from r where n < 5) select * from r", ""},
		"recursive over a table":       {"with recursive r as (select id from s.a union select b.id from s.b as b join r on r.id = b.up) select * from r", "s.a s.b"},
		"recursive start names itself": {"with recursive r as (select * from r union all select n + 1 from r) select * from r", "r"},
		"recursive word, plain cte":    {"with recursive t as (select * from t) select * from t", "t"},
		"recurring":                    {"with recursive r(a, b) using key (a) as (select 1, 2 union select a, b + 1 from recurring.r where b < 5) select * from r", ""},
		"recurring is no word outside": {"select * from recurring.r", "recurring.r"},
		"qualified name is no cte":     {"with t as (select 1) select * from main.t", "main.t"},
		"nested sees outer":            {"with a as (select 1) select * from (with b as (select * from a) select * from b)", ""},
		"nested does not leak":         {"select * from (with b as (select 1) select * from b), b", "b"},
		"shadowed inside":              {"with a as (select * from s.x) select * from (with a as (select * from s.y, a) select * from a)", "s.x s.y"},
		"cte in a cte":                 {"with a as (with i as (select * from s.x) select * from i), b as (select * from i) select * from a, b", "i s.x"},
		"cte in a subquery expression": {"select (with q as (select 1 from s.x) select * from q) from q", "q s.x"},
		"cte seen from set operation":  {"with a as (select 1) select * from a union all select * from a order by 1", ""},
		"cte seen from a lateral":      {"with a as (select 1 x) select * from s.t, lateral (select * from a where a.x = t.x)", "s.t"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, table := range parse(t, db, c.sql).Tables() {
				got = append(got, table.String())
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("%s\ngot  %s\nwant %s", c.sql, s, c.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	db := open(t)
	for name, c := range map[string]struct {
		sql, message string
		line, column int
	}{
		"syntax":                {"select a\nfrom t\nwhere a = = 1", `syntax error at or near "="`, 3, 11},
		"place after han":       {"select '甲乙' a,\n'丙' b c\nfrom x", `syntax error at or near "c"`, 2, 9},
		"unterminated":          {"select 'a", "unterminated quoted string at or near \"'a\"", 1, 8},
		"empty":                 {"", "there is no statement: write one SELECT", 0, 0},
		"comment alone":         {"-- nothing", "there is no statement: write one SELECT", 0, 0},
		"two":                   {"select 1;\nselect 2", "there are 2 statements: write one SELECT", 2, 8},
		"drop":                  {"drop table a", "this is not a SELECT: write one SELECT and nothing else", 0, 0},
		"select, then drop":     {"select 1; drop table a", "this is not a SELECT: write one SELECT and nothing else", 0, 0},
		"copy":                  {"copy (select 1) to 'x.csv'", "this is not a SELECT: write one SELECT and nothing else", 0, 0},
		"pivot without in":      {"pivot raw.t on k using sum(v)", "PIVOT is read only with its list of values", 0, 0},
		"insert inside a cte":   {"with x as (insert into y values (1) returning *) select * from x", "A CTE needs a SELECT", 0, 0},
		"explain":               {"explain select 1", "this is not a SELECT: write one SELECT and nothing else", 0, 0},
		"not UTF-8":             {"select 1,\n'\xff'", "the text is not UTF-8: save the file as UTF-8", 2, 2},
		"zero byte":             {"select 1 \x00; drop table a", "the text holds a zero byte", 1, 10},
		"replacement character": {"select '\ufffd' fro m x y", `syntax error at or near "m"`, 1, 18},
		"mixed parameter kinds": {"select $a, ?", "Mixing named and positional parameters is not supported yet", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse(t.Context(), db, c.sql)
			var e *ParseError
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want a ParseError", err)
			}
			if !strings.HasPrefix(e.Message, c.message) || e.Line != c.line || e.Column != c.column {
				t.Errorf("got %d:%d %s, want %d:%d %s", e.Line, e.Column, e.Message, c.line, c.column, c.message)
			}
		})
	}
}

func TestParseExpression(t *testing.T) {
	t.Parallel()
	db := open(t)
	for _, ok := range []string{
		"a", "a = 1 and b is null", "coalesce(a, 0) -- why", "case when a then 1 end", "first_due_date > $as_of",
		"(select max(x) from t)", "sum(x) over ()", "a in (1, 2)", "/* c */ 1", "not (a)", "a -> '$.x'",
	} {
		if _, err := ParseExpression(t.Context(), db, ok); err != nil {
			t.Errorf("%s: %v", ok, err)
		}
	}
	for _, bad := range []string{
		"", "1) from t where (true", "1), (2", "1) as x, (2", "a as b", "1); drop table x; select (1", "1) union select (2",
		"1) limit (1", "1) from (select 1", "1) group by (1", "1) where (true", "1) -- ", "1) order by (1",
		"1) using sample (1", "1) having (true", "1) qualify (true",
	} {
		if _, err := ParseExpression(t.Context(), db, bad); err == nil {
			t.Errorf("%q is taken for an expression", bad)
		}
	}
	_, err := ParseExpression(t.Context(), db, "a\n= = 1")
	var e *ParseError
	if !errors.As(err, &e) || e.Line != 2 {
		t.Errorf("got %v, want an error in line 2 of the expression", err)
	}
}

func TestReads(t *testing.T) {
	t.Parallel()
	db := open(t)
	tree := parse(t, db, `with x as (
    select count(*) as n, sum(a.v) filter (where a.d < current_date) as v, Date_Trunc('month', now()) as m
    from read_csv('f.csv') as a, raw.t
)
select n, v, list_transform([1], lambda q: q + n) as l, j -> '$.k' as k,
    row_number() over (order by n) as r, $as_of, $other
from x, generate_series(1, 2) as g(i)
where exists (select * from raw.u) and n like 'a%'`)
	equal := func(what string, got, want []string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	equal("functions", tree.Functions(), []string{
		"count_star", "current_date", "date_trunc", "generate_series",
		"list_transform", "list_value", "now", "read_csv", "row_number", "sum",
	})
	equal("table functions", tree.TableFunctions(), []string{"generate_series", "read_csv"})
	equal("parameters", tree.Parameters(), []string{"as_of", "other"})
	var columns []string
	for _, c := range tree.Columns() {
		columns = append(columns, strings.Join(c, "."))
	}
	equal("columns", columns, []string{"a.d", "a.v", "current_date", "j", "n", "v"})
	equal("classes of an expression", parse(t, db, "select (a = 1 and #2 > $p)").Classes(), []string{
		"COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "PARAMETER", "POSITIONAL_REFERENCE",
	})
	if got := tree.Arguments("date_trunc"); !slices.Equal(got, []int{2}) {
		t.Errorf("date_trunc has %v arguments, want 2", got)
	}
	for what, got := range map[string]int{
		"function": tree.FunctionLine("now"), "table": tree.TableLine(Table{Schema: "RAW", Name: "t"}) - 1,
		"value function": tree.FunctionLine("current_date"), "column": tree.ColumnLine("a", "V"),
	} {
		if got != 2 {
			t.Errorf("line of the %s: got %d, want 2", what, got)
		}
	}
	if tree.FunctionLine("nothing") != 0 || tree.TableLine(Table{Name: "nothing"}) != 0 || tree.ColumnLine("nothing") != 0 {
		t.Error("what is not there has a line")
	}
	if !tree.HasWindow() || !tree.HasSubquery() || !tree.HasStar() || tree.StarInLastStep() || tree.Samples() || tree.Shows() {
		t.Error("window, subquery and star in a subquery are there; star in the last step, sample, show are not")
	}
}

func TestLooks(t *testing.T) {
	t.Parallel()
	db := open(t)
	star := (*Tree).StarInLastStep
	for _, c := range []struct {
		sql  string
		look func(*Tree) bool
		want bool
	}{
		{"select * from t", star, true},
		{"select t.* from t", star, true},
		{"select columns('a.*') + 1 from t", star, true},
		{"from t", star, true},
		{"select a from t union all select * from u", star, true},
		{"select a from t union all (select b from u except select * from v)", star, true},
		{"with x as (select * from t) select a from x", star, false},
		{"select count(*) from t", star, false},
		{"select (select * from t), exists (select * from u), a in (select * from v) from t", star, false},
		{"select a from (select * from t)", star, false},
		{"select count(*) from t", (*Tree).HasStar, false},
		{"select 1 where exists (select * from t)", (*Tree).HasStar, true},
		{"select 1 from t", (*Tree).HasSubquery, false},
		{"select (select 1)", (*Tree).HasSubquery, true},
		{"select 1 from (select 1)", (*Tree).HasSubquery, true},
		{"with a as (select 1) select 1", (*Tree).HasSubquery, true},
		{"select 1 union select 2", (*Tree).HasSubquery, true},
		{"select sum(a) from t", (*Tree).HasWindow, false},
		{"select 1 from t tablesample 10%", (*Tree).Samples, true},
		{"select 1 from t using sample 3 rows", (*Tree).Samples, true},
		{"show tables", (*Tree).Shows, true},
		{"select * from (describe t)", (*Tree).Shows, true},
		{"summarize t", (*Tree).Shows, true},
	} {
		if got := c.look(parse(t, db, c.sql)); got != c.want {
			t.Errorf("%s: got %v, want %v", c.sql, got, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	table := Table{Schema: `a"b`, Name: "t"}
	if table.String() != `a"b.t` || table.SQL() != `"a""b"."t"` {
		t.Errorf("got %s and %s", table, table.SQL())
	}
}

// rows runs a query and gives its columns and rows as text, in their order.
func rows(ctx context.Context, db *sql.DB, query string) (string, error) {
	r, err := db.QueryContext(ctx, query)
	if err != nil {
		return "", err
	}
	defer r.Close()
	columns, err := r.Columns()
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for r.Next() {
		values := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := r.Scan(into...); err != nil {
			return "", err
		}
		fmt.Fprintf(&out, "%#v\n", values)
	}
	return out.String(), r.Err()
}
