package sqltree

import (
	"database/sql"
	"slices"
	"strings"
	"testing"
)

// company is a small database that every query below runs on.
func company(t testing.TB) *sql.DB {
	t.Helper()
	return open(
		t,
		"create schema raw", "create schema staging",
		"create table raw.t (id integer, k varchar, v decimal(18, 2), ts timestamptz, d date, l integer[], s struct(f integer, g varchar), j json)",
		`insert into raw.t values
			(1, 'a', 10.50, '2026-09-30T16:30:00Z', '2026-09-30', [1, 2], {'f': 1, 'g': 'x'}, '{"k": 1}'),
			(2, 'b', -3.25, '2026-10-01T00:00:00Z', '2026-10-01', [3], {'f': 2, 'g': 'y'}, '{"k": 2}'),
			(3, 'a', null, null, null, null, null, null),
			(4, '丙''"', 0.00, '2024-02-29T23:59:59.999999Z', '2024-02-29', [], {'f': null, 'g': ''}, '[]')`,
		"create table raw.u (id integer, up integer, name varchar)",
		"insert into raw.u values (1, null, 'one'), (2, 1, 'two'), (4, 2, 'four')",
		"create table raw.t__next as select * from raw.t", "create table raw.u__next as select * from raw.u",
		"create table staging.t as select id, k || '!' as k from raw.t", "create table staging.t__next as select * from staging.t",
		"create macro business_date(instant) as cast(instant at time zone 'Asia/Shanghai' as date)",
		"create macro below(n) as table select * from range(n) as r(i)",
	)
}

// queries cover what the parse tree can hold. Where a result has more than one
// row it is ordered, so that two runs can be compared.
var queries = []string{
	"select 1 as a, -5, 9223372036854775807, 170141183460469231731687303715884105727, 123456789012345678901234567890",
	"select 1.5, 1e300, 12.340::decimal(10,3), 'nan'::double, 0.1 + 0.2, 1e-7, .5, 1_000",
	`select 'it''s', 'a\b', 'é中 " \n', e'\n\t', $$dollar ' quoted$$, '\xAA'::blob, x'AB'`,
	"select date '2024-02-29', timestamptz '2020-01-01 00:00:00+08', interval '1' day, interval 3 month, time '10:00', uuid '00000000-0000-0000-0000-000000000001'",
	"select true, null, not true, null is null, 1 is distinct from null, 1 between 0 and 2, 3 not between 0 and 2",
	"select id, k from raw.t order by id",
	"select raw.t.id, t.k, raw.t.s.f, t.s.g, s.f from raw.t order by raw.t.id",
	"select t.id, t from raw.t order by t.id",
	"select raw.t from raw.t order by t.id",
	"select * from raw.t order by all",
	"from raw.t order by id limit 2 offset 1",
	"table raw.u order by 1",
	"select * exclude (raw.t.ts, t.d) replace (id + 1 as id) from raw.t order by id",
	"select * rename (k as kind) from raw.t order by id",
	"select columns('i|k') from raw.t order by id",
	"select t.* from raw.t join raw.u using (id) order by id",
	"select id, name from raw.t natural join raw.u order by id",
	"select t.id from raw.t semi join raw.u using (id) order by 1",
	"select t.id from raw.t anti join raw.u using (id) order by 1",
	"select t.id, u.name from raw.t left join raw.u on raw.t.id = raw.u.id order by 1",
	"select raw.t.id, raw.u.name from raw.t full join raw.u on t.id = u.id and raw.u.name <> 'one' order by 1 nulls first, 2",
	"select a.id, b.id from raw.t as a, raw.t as b where a.id < b.id order by 1, 2",
	"select x.id, y.name from raw.t as x positional join raw.u as y order by 1",
	"select t.id, u.name from raw.t asof join raw.u on t.id >= u.id order by 1",
	"select t.id, u.x from raw.t, unnest(t.l) as u(x) order by 1, 2",
	"select id, unnest(l) as x from raw.t order by 1, 2",
	"select t.id, o.i, o.n from raw.t cross join unnest(t.l) with ordinality as o(i, n) order by 1, 2",
	"select t.id, z.m from raw.t, lateral (select max(u.id) as m from raw.u where raw.u.id <= raw.t.id) as z order by 1",
	"select k, count(*), count(distinct v), sum(v) filter (where v > 0), min(ts), list(id order by id desc) from raw.t group by k order by k",
	"select k, d is null as no_day, count(*) from raw.t group by grouping sets ((k), (k, no_day), ()) order by all",
	"select k, count(*) from raw.t group by rollup (k) order by 1 nulls last",
	"select k, max(v) from raw.t group by k having count(*) > 1",
	"select k, sum(v) from raw.t group by all order by all",
	"select id, row_number() over (partition by k order by id desc), sum(v) over (order by id rows between 1 preceding and current row) from raw.t order by id",
	"select id, lag(v, 1, 0) over w, first_value(v ignore nulls) over w from raw.t window w as (order by id) order by id",
	"select id, k from raw.t qualify row_number() over (partition by k order by id) = 1 order by id",
	"select id, sum(v) over (order by d range between interval 1 day preceding and current row exclude current row) from raw.t where d is not null order by id",
	"select distinct k from raw.t order by k",
	"select distinct on (k) k, id from raw.t order by k, id desc",
	"select id from raw.t where k like 'a%' or k not like '%b' or k ilike 'A' or k glob 'a*' or k similar to 'a|b' order by id",
	"select id from raw.t where id in (1, 2) and id not in (select id from raw.u where up = 1) order by id",
	"select id from raw.t where exists (select 1 from raw.u where raw.u.id = raw.t.id) order by id",
	"select id from raw.t where id > all (select id from raw.u where id < 3) or id = any (select up from raw.u) order by id",
	"select id, (select name from raw.u where u.id = t.id) as name from raw.t order by id",
	"select case when v > 0 then 'p' when v < 0 then 'n' else 'z' end, case k when 'a' then 1 end from raw.t order by id",
	"select cast(v as varchar), try_cast(k as integer), v::double, cast(s as struct(f bigint, g varchar)), k::enum('a', 'b', '丙''\"') from raw.t order by id",
	"select l[1], l[1:2], s['g'], {'a': 1, 'b': id}, [id, 2], map {'a': id} from raw.t order by id",
	"select list_transform(l, lambda x: x + 1), list_filter(l, lambda x, i: i > 1), [x * 2 for x in l if x > 1] from raw.t order by id",
	"select list_reduce([1, 2, 3], lambda x, y: x + y)",
	"select j ->> '$.k', j -> '$.k', j->'k' from raw.t order by id",
	"select extract(year from d), date_trunc('month', d), ts at time zone 'Asia/Shanghai', date_diff('day', d, date '2026-12-31'), d + 1, d + interval '1' month from raw.t order by id",
	"select trim(both 'x' from 'xax'), substring('abc' from 2 for 1), position('b' in 'abc'), 'a' || 'b', 'A' collate nocase = 'a'",
	"select percentile_cont(0.5) within group (order by v), median(v), string_agg(k, ',' order by id), arg_min(k, v), quantile_disc(v, [0.1, 0.9]) from raw.t",
	"select 7 / 2, 7 // 2, 7 % 3, 2 ** 3, 5 & 3, 5 | 3, 1 << 4, ~1, @(-3), -(-3), 1 - (2 - 3), (1 + 2) * 3, - 2 ^ 2",
	"select a.x from (values (1, 'a'), (2, 'b')) as a(x, y) order by 1",
	"values (1, 'a'), (2, 'b')",
	"select i from below(3) order by 1",
	"select * from generate_series(1, 3) as g(i) order by 1",
	"select business_date(ts) from raw.t order by id",
	"select id from raw.t union select id from raw.u order by id",
	"select id from raw.t except select id from raw.u order by id",
	"(select 1 as x union all select 2) intersect select 2",
	"select 1 as a, 2 as b union all by name select 3 as b order by all",
	"(select id from raw.t order by id limit 1) union all (select id from raw.u order by id desc limit 1) order by 1",
	"with a as (select * from raw.t), b(x, y) as materialized (select id, k from a) select a.id, b.y from a join b on a.id = b.x order by 1",
	"with recursive r as (select id, id as root from raw.u where up is null union all select u.id, r.root from raw.u join r on raw.u.up = r.id) select * from r order by 1",
	"with recursive r(n) as (select 1 union select n + 1 from r where n < 5) select * from r order by 1",
	"with recursive t(a, b) using key (a) as (select 1, 2 union select a, b + 1 from t where b < 5) select * from t",
	"with x as (select 1 as i) select * from (with y as (select * from x), x as (select 2 as j) select * from x, y)",
	"with t as (select id from staging.t) select t.id, x.k from t join raw.t as x on x.id = t.id order by 1",
	"select raw.t.id, staging.t.k from raw.t join staging.t on raw.t.id = staging.t.id order by 1",
	"with p as (pivot raw.t on k in ('a', 'b') using sum(v) group by d) select * from p order by all",
	"select * from (select k, id, v from raw.t) pivot (sum(v) for k in ('a', 'b')) order by id",
	"select * from (select id, up from raw.u) unpivot include nulls (v for n in (id, up)) order by all",
	"select \"id\" as \"Weird \"\"name\", k as \"select\" from raw.t order by 1",
	"select x as y from raw.t as q(x, z) order by x",
	"select id from raw.t order by v desc nulls last, id asc nulls first limit 50 percent",
	"select count(*) from (describe raw.t)",
	"select coalesce(v, 0), nullif(id, 2), greatest(id, 2), if(id > 1, 'y', 'n'), ifnull(k, '') from raw.t order by id",
	"select grouping(k), k from raw.t group by cube (k) order by all",
	"select id from raw.t where (id, k) in ((1, 'a'), (2, 'z')) order by 1",
	"select sum(raw.t.v) from raw.t where raw.t.id in (select raw.u.id from raw.u where raw.u.id = raw.t.id)",
}

func TestRoundTripKeepsTheResult(t *testing.T) {
	t.Parallel()
	db := company(t)
	for _, query := range queries {
		want, err := rows(t.Context(), db, query)
		if err != nil {
			t.Errorf("%s\nthe query itself: %v", query, err)
			continue
		}
		back, err := parse(t, db, query).SQL(t.Context(), db)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		got, err := rows(t.Context(), db, back)
		if err != nil || got != want {
			t.Errorf("%s\nback %s\nerror %v\ngot\n%swant\n%s", query, back, err, got, want)
		}
	}
}

// The __next tables hold the same rows, so a query pointed at them must answer
// the same, whichever way it names its tables and columns.
func TestReplaceKeepsTheResult(t *testing.T) {
	t.Parallel()
	db := company(t)
	with := map[Table]Table{
		{Schema: "raw", Name: "t"}:     {Schema: "raw", Name: "t__next"},
		{Schema: "RAW", Name: "U"}:     {Schema: "raw", Name: "u__next"},
		{Schema: "staging", Name: "t"}: {Schema: "staging", Name: "t__next"},
	}
	bound := map[Table]*Tree{}
	for from, to := range with {
		bound[from] = parse(t, db, "select * from "+to.SQL())
	}
	for _, query := range queries {
		// Told apart by the schema alone: see the test below.
		if strings.HasPrefix(query, "select raw.t.id, staging.t.k") {
			continue
		}
		want, err := rows(t.Context(), db, query)
		if err != nil {
			t.Errorf("%s\nthe query itself: %v", query, err)
			continue
		}
		tree := parse(t, db, query)
		asTable, asQuery := tree.Clone(), tree.Clone()
		asTable.Replace(with)
		asQuery.ReplaceQuery(bound)
		for _, changed := range []*Tree{asTable, asQuery} {
			back, err := changed.SQL(t.Context(), db)
			if err != nil {
				t.Errorf("%s: %v", query, err)
				continue
			}
			for _, old := range []string{"raw.t ", "raw.u ", "raw.t.", "raw.u.", "staging.t "} {
				if strings.Contains(back+" ", old) {
					t.Errorf("%s\nstill reads %s: %s", query, old, back)
				}
			}
			got, err := rows(t.Context(), db, back)
			if err != nil || got != want {
				t.Errorf("%s\nback %s\nerror %v\ngot\n%swant\n%s", query, back, err, got, want)
			}
		}
		if before, err := tree.SQL(t.Context(), db); err != nil || strings.Contains(before, "__next") {
			t.Errorf("%s: a clone's change reached the tree: %s %v", query, before, err)
		}
	}
}

func TestReplaceWrites(t *testing.T) {
	t.Parallel()
	db := open(t)
	with := map[Table]Table{{Schema: "raw", Name: "t"}: {Schema: "raw", Name: "t__next"}}
	for _, c := range []struct{ sql, want string }{
		{"select a from raw.t", "SELECT a FROM raw.t__next AS t"},
		{"select x.a from raw.t as x", "SELECT x.a FROM raw.t__next AS x"},
		{"select raw.t.a from raw.t", "SELECT t.a FROM raw.t__next AS t"},
		{"select memory.raw.t.a from raw.t", "SELECT t.a FROM raw.t__next AS t"},
		// raw.t.a can't be a column of x; it stays for DuckDB to refuse.
		{"select raw.t.a from raw.t as x", "SELECT raw.t.a FROM raw.t__next AS x"},
		// A struct's field stays what it is where no such table is in scope.
		{"select raw.t.a from s.x as raw", "SELECT raw.t.a FROM s.x AS raw"},
		{"select a from other.t", "SELECT a FROM other.t"},
		{"with t as (select 1 as a) select a from t", "WITH t AS (SELECT 1 AS a)SELECT a FROM t"},
		{"select (select max(raw.t.a) from s.u) from raw.t", "SELECT (SELECT max(t.a) FROM s.u) FROM raw.t__next AS t"},
		{"select a from s.u where exists (select 1 from raw.t where raw.t.a = u.a)", "SELECT a FROM s.u WHERE EXISTS(SELECT 1 FROM raw.t__next AS t WHERE (t.a = u.a))"},
	} {
		tree := parse(t, db, c.sql)
		tree.Replace(with)
		got, err := tree.SQL(t.Context(), db)
		if err != nil || got != c.want {
			t.Errorf("%s\ngot  %s %v\nwant %s", c.sql, got, err, c.want)
		}
	}
}

// Two tables of one name told apart by their schemas alone can't be replaced;
// DuckDB must say so instead of answering from one of them.
func TestReplaceOfTwoTablesOfOneNameIsLoud(t *testing.T) {
	t.Parallel()
	db := company(t)
	tree := parse(t, db, "select raw.t.id, staging.t.k from raw.t join staging.t on raw.t.id = staging.t.id")
	tree.Replace(map[Table]Table{
		{Schema: "raw", Name: "t"}:     {Schema: "raw", Name: "t__next"},
		{Schema: "staging", Name: "t"}: {Schema: "staging", Name: "t__next"},
	})
	back, err := tree.SQL(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := rows(t.Context(), db, back); err == nil {
		t.Errorf("%s answers %s", back, got)
	}
}

func FuzzParse(f *testing.F) {
	for _, q := range queries {
		f.Add(q)
	}
	f.Add("with recursive r as (select")
	f.Add("select 'é\x00")
	db := open(f)
	f.Fuzz(func(t *testing.T, text string) {
		tree, err := Parse(t.Context(), db, text)
		if err != nil {
			return
		}
		// A text that DuckDB can't print again is refused, never changed.
		back, err := tree.SQL(t.Context(), db)
		if err != nil {
			return
		}
		again, err := Parse(t.Context(), db, back)
		if err != nil {
			t.Fatalf("%q came back as %q: %v", text, back, err)
		}
		if got, want := again.Tables(), tree.Tables(); len(got) != len(want) {
			t.Errorf("%q reads %v, %q reads %v", text, want, back, got)
		}
		if got, want := again.Functions(), tree.Functions(); !slices.Equal(got, want) {
			t.Errorf("%q calls %v, %q calls %v", text, want, back, got)
		}
	})
}
