package publish

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/funnelhouse/funnelhouse/contracts"
	sqlfiles "github.com/funnelhouse/funnelhouse/sql"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
	"github.com/funnelhouse/funnelhouse/warehouse/model"
)

// kinds is every type that a mart may have: how its values are published, and
// three of them with what a reader finds (the third is null).
var kinds = []struct {
	name, typ, as, footer string
	one, two              string // in SQL
	found                 [2]string
}{
	{"yes", "boolean", "BOOLEAN", "BOOLEAN None", "true", "false", [2]string{"true", "false"}},
	{"tiny", "tinyint", "INTEGER", "INT32 Int(bitWidth=32, isSigned=true)", "-128", "127", [2]string{"-128", "127"}},
	{"small", "smallint", "INTEGER", "INT32 Int(bitWidth=32, isSigned=true)", "-32768", "32767", [2]string{"-32768", "32767"}},
	{"whole", "integer", "INTEGER", "INT32 Int(bitWidth=32, isSigned=true)", "-2147483648", "2147483647", [2]string{"-2147483648", "2147483647"}},
	{"big", "bigint", "BIGINT", "INT64 Int(bitWidth=64, isSigned=true)", "-9223372036854775808", "9223372036854775807", [2]string{"-9223372036854775808", "9223372036854775807"}},
	{"utiny", "utinyint", "INTEGER", "INT32 Int(bitWidth=32, isSigned=true)", "255", "0", [2]string{"255", "0"}},
	{"usmall", "usmallint", "INTEGER", "INT32 Int(bitWidth=32, isSigned=true)", "65535", "0", [2]string{"65535", "0"}},
	{"uwhole", "uinteger", "BIGINT", "INT64 Int(bitWidth=64, isSigned=true)", "4294967295", "0", [2]string{"4294967295", "0"}},
	{"ubig", "ubigint", "BIGINT", "INT64 Int(bitWidth=64, isSigned=true)", "9223372036854775807", "0", [2]string{"9223372036854775807", "0"}},
	{"huge", "hugeint", "BIGINT", "INT64 Int(bitWidth=64, isSigned=true)", "-999999999999999999", "12", [2]string{"-999999999999999999", "12"}},
	{"uhuge", "uhugeint", "BIGINT", "INT64 Int(bitWidth=64, isSigned=true)", "999999999999999999", "12", [2]string{"999999999999999999", "12"}},
	{"single", "float", "DOUBLE", "DOUBLE None", "0.5", "-1.25", [2]string{"0.5", "-1.25"}},
	{"double", "double", "DOUBLE", "DOUBLE None", "0.1", "1e300", [2]string{"0.1", "1e+300"}},
	{"cents", "decimal(9,2)", "DECIMAL(9,2)", "INT32 Decimal(precision=9, scale=2)", "-1234567.89", "0.01", [2]string{"-1234567.89", "0.01"}},
	{"amount", "decimal(18,4)", "DECIMAL(18,4)", "INT64 Decimal(precision=18, scale=4)", "99999999999999.9999", "-0.5", [2]string{"99999999999999.9999", "-0.5000"}},
	{"wide", "decimal(38,6)", "DECIMAL(18,6)", "INT64 Decimal(precision=18, scale=6)", "-123456789012.345678", "7", [2]string{"-123456789012.345678", "7.000000"}},
	{"fine", "decimal(38,12)", "DECIMAL(18,9)", "INT64 Decimal(precision=18, scale=9)", "0.123456789", "-3", [2]string{"0.123456789", "-3.000000000"}},
	{"name", "varchar", "VARCHAR", "BYTE_ARRAY String", "'客户 漏斗 — 轉化率 𠮷'", "''", [2]string{"客户 漏斗 — 轉化率 𠮷", ""}},
	{"day", "date", "DATE", "INT32 Date", "date '2024-02-29'", "date '1969-12-31'", [2]string{"2024-02-29T00:00:00", "1969-12-31T00:00:00"}},
	{
		"at", "timestamptz", "TIMESTAMP WITH TIME ZONE", "INT64 Timestamp(isAdjustedToUTC=true, timeUnit=microseconds, is_from_converted_type=false, force_set_converted_type=false)",
		"timestamptz '2026-11-01 00:00:00.123456+08'", "timestamptz '1969-12-31 23:59:59Z'",
		[2]string{"2026-10-31T16:00:00.123456", "1969-12-31T23:59:59"},
	},
	{
		"local_at", "timestamp", "TIMESTAMP WITH TIME ZONE", "INT64 Timestamp(isAdjustedToUTC=true, timeUnit=microseconds, is_from_converted_type=false, force_set_converted_type=false)",
		"timestamp '2026-11-01 09:00:00.5'", "timestamp '2026-01-01'",
		[2]string{"2026-11-01T09:00:00.5", "2026-01-01T00:00:00"},
	},
	{
		"nano_at", "timestamp_ns", "TIMESTAMP WITH TIME ZONE", "INT64 Timestamp(isAdjustedToUTC=true, timeUnit=microseconds, is_from_converted_type=false, force_set_converted_type=false)",
		"timestamp_ns '2026-11-01 09:00:00.000001'", "timestamp_ns '2026-01-01'",
		[2]string{"2026-11-01T09:00:00.000001", "2026-01-01T00:00:00"},
	},
	{"clock", "time", "VARCHAR", "BYTE_ARRAY String", "time '09:30:00'", "time '23:59:59.5'", [2]string{"09:30:00", "23:59:59.5"}},
	{"took", "interval", "VARCHAR", "BYTE_ARRAY String", "interval 36 hour", "interval 2 day", [2]string{"36:00:00", "2 days"}},
	{
		"key", "uuid", "VARCHAR", "BYTE_ARRAY String", "uuid '5b1c9ab8-5b8f-4a0c-9d3d-000000000001'", "uuid '00000000-0000-0000-0000-000000000000'",
		[2]string{"5b1c9ab8-5b8f-4a0c-9d3d-000000000001", "00000000-0000-0000-0000-000000000000"},
	},
	{"bytes", "blob", "VARCHAR", "BYTE_ARRAY String", `'\x00\xFF'::blob`, "''::blob", [2]string{"AP8=", ""}},
	{"bits", "bit", "VARCHAR", "BYTE_ARRAY String", "'101'::bit", "'0'::bit", [2]string{"101", "0"}},
	{"grade", "enum('low', 'high')", "VARCHAR", "BYTE_ARRAY String", "'low'", "'high'", [2]string{"low", "high"}},
	{"text", "json", "VARCHAR", "BYTE_ARRAY String", `'{"a": [1]}'`, "'null'", [2]string{`{"a": [1]}`, "null"}},
	{"list", "varchar[]", "VARCHAR", "BYTE_ARRAY String", "['网页', null]", "[]", [2]string{`["网页",null]`, "[]"}},
	{"parts", "struct(a integer, b varchar)", "VARCHAR", "BYTE_ARRAY String", "{'a': 1, 'b': 'x'}", "{'a': null, 'b': ''}", [2]string{`{"a":1,"b":"x"}`, `{"a":null,"b":""}`}},
	{"pairs", "map(varchar, integer)", "VARCHAR", "BYTE_ARRAY String", "map {'a': 1}", "map {}", [2]string{`{"a":1}`, "{}"}},
}

// A mart of every type comes back as its values are, by both readers, and the
// footer has only types that all tools know.
func TestEveryType(t *testing.T) {
	t.Parallel()
	var defs, one, two, none, found1, found2, null []string
	for _, k := range kinds {
		defs = append(defs, `"`+k.name+`" `+k.typ)
		one, two, none = append(one, k.one), append(two, k.two), append(none, "null")
		found1, found2, null = append(found1, k.found[0]), append(found2, k.found[1]), append(null, "∅")
	}
	columns := " (" + strings.Join(defs, ", ") + ")"
	h := small(t, "kinds"+columns, "nothing"+columns, `odd ("select" integer, "the ""name""" varchar, "客户" varchar)`)
	for _, values := range [][]string{one, two, none} {
		h.run("insert into marts.kinds values (" + strings.Join(values, ", ") + ")")
	}
	h.run("insert into marts.odd values (1, 'it''s', '张三')")
	m := h.publish().Manifest
	h.current()

	db := duck(t, "")
	for table, want := range map[string][]string{
		"kinds":   {strings.Join(found1, "|"), strings.Join(found2, "|"), strings.Join(null, "|")},
		"nothing": nil,
		"odd":     {"1|it's|张三"},
	} {
		path := h.file("marts", table+".parquet")
		f := m.file("marts/" + table + ".parquet")
		types := holdsTheRules(t, path, f)
		rows, err := arrowRows(path)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, table+" by arrow-go", rows, want)
		equal(t, table+" by DuckDB", rowsOf(t, db, "from read_parquet('"+path+"')"), want)
		if table == "odd" {
			continue
		}
		for i, k := range kinds {
			is(t, k.name+" in the manifest", f.Columns[i].Name+" "+f.Columns[i].Type, k.name+" "+k.as)
			is(t, k.name+" in the footer", types[k.name], k.footer)
		}
	}
}

// Rows of many pages arrive in full and in the order of the grain.
func TestManyRows(t *testing.T) {
	t.Parallel()
	h := small(t, "many as select cast(i * 7919 % 100003 as integer) as id, '客户' || i as name, i / 3 as part from range(100003) r(i)",
		"page as select i as id from range(32768) r(i)", "pages as select i as id from range(65536) r(i)")
	h.content.Models[0].Grain = []string{"id"}
	m := h.publish().Manifest
	for i := range m.Files[:3] {
		holdsTheRules(t, h.file(m.Files[i].Path), &m.Files[i])
	}
	rows, err := arrowRows(h.file("marts", "many.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	want := rowsOf(t, h.wh.DB(), "from marts.many order by id")
	is(t, "the first rows", rows[:3], want[:3])
	equal(t, "many", rows, want)
	db := duck(t, "")
	is(t, "page, pages", rowsOf(t, db, "select (select count(distinct id) from read_parquet('"+h.file("marts", "page.parquet")+"')), (select count(distinct id) from read_parquet('"+
		h.file("marts", "pages.parquet")+"'))"), "[32768|65536]")
}

// Who reads a span of time finds it in few row groups.
func TestOrder(t *testing.T) {
	t.Parallel()
	h := small(t, "visits as select 'V-' || i as visit_id, timestamptz '2025-01-01 00:00:00Z' + to_days((i * 7919 % 366)::integer) as visited_at, date '2020-01-01' as since from range(250000) r(i)")
	h.content.Models[0].Grain = []string{"visit_id"}
	h.publish()
	db := duck(t, "")
	path := h.file("marts", "visits.parquet")
	is(t, "row groups with a day", rowsOf(t, db, "select count(*) from parquet_metadata('"+path+"') where path_in_schema = 'visited_at' and "+
		"timestamptz '2025-03-01 00:00:00Z' between stats_min_value::timestamptz and stats_max_value::timestamptz"), "[1]")
	is(t, "row groups", rowsOf(t, db, "select count(*) from parquet_metadata('"+path+"') where path_in_schema = 'visited_at'"), "[3]")
	is(t, "the first row", rowsOf(t, db, "select visit_id from read_parquet('"+path+"') limit 1"), "[V-0]")
}

// A number that doesn't fit is never rounded or dropped in silence.
func TestTooManyDigits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ typ, good, bad string }{
		"wide":  {"decimal(38,2)", "9999999999999999.99", "10000000000000000.00"},
		"fine":  {"decimal(38,12)", "0.123456789000", "0.123456789001"},
		"huge":  {"hugeint", "9223372036854775807", "9223372036854775808"},
		"ubig":  {"ubigint", "9223372036854775807", "18446744073709551615"},
		"uhuge": {"uhugeint", "9223372036854775807", "9223372036854775808"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := small(t, "orders (order_id varchar, fits decimal(38,2), figure "+c.typ+")")
			h.run("insert into marts.orders values ('A', 1, " + c.good + "), ('B', null, null)")
			h.publish()
			was := h.current()
			h.run("insert into marts.orders values ('C', 1, " + c.bad + ")")
			_, err := h.publisher.Publish(t.Context(), h.content)
			says(t, err, "marts.orders", "figure", "18", "cast")
			if err != nil && strings.Contains(err.Error(), "fits") {
				t.Errorf("%v names a column that fits", err)
			}
			is(t, "current", h.current(), was)
			is(t, "the folder", h.lies(), was+" current")
		})
	}
}

// A cause of another kind is not taken for too many digits.
func TestCancelled(t *testing.T) {
	t.Parallel()
	h := small(t, "orders as select 1::decimal(38,2) as amount")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.publisher.Publish(ctx, h.content)
	if err == nil || strings.Contains(err.Error(), "digits") {
		t.Errorf("a cancelled publish says %v", err)
	}
	is(t, "current", h.current(), "")
	h.publish()
}

// shipped has the marts and metrics that the project hands out, every mart with
// rows of all kinds.
func shipped(t testing.TB) *house {
	t.Helper()
	set, err := contracts.Load(contracts.Files)
	if err != nil {
		t.Fatal(err)
	}
	h := open(t, set)
	models, err := model.Load(t.Context(), sqlfiles.Files, set, h.wh.DB())
	if err != nil {
		t.Fatal(err)
	}
	runner, err := model.New(model.Config{DB: h.wh.DB()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runner.Build(t.Context(), models, model.Options{}); err != nil {
		t.Fatal(err)
	}
	if h.content.Metrics, err = metric.Load(sqlfiles.Files); err != nil {
		t.Fatal(err)
	}
	h.content.Project = models.Hash
	for _, m := range models.Models() {
		if m.Schema != "marts" {
			continue
		}
		published := Model{Schema: m.Schema, Name: m.Name, Description: m.Description.In("en"), Grain: m.Grain, Columns: map[string]string{}}
		for _, c := range m.Columns {
			published.Columns[c.Name] = c.Description.In("en")
		}
		h.content.Models = append(h.content.Models, published)
		h.fill(m.String())
	}
	return h
}

// fill puts 200 rows into a table, every eleventh value null.
func (h *house) fill(table string) {
	h.Helper()
	schema, name, _ := strings.Cut(table, ".")
	var values []string
	for i, line := range rowsOf(h, h.wh.DB(), "select column_name, data_type from duckdb_columns() where schema_name = '"+schema+"' and table_name = '"+name+"' order by column_index") {
		column, typ, _ := strings.Cut(line, "|")
		value := "'" + column + "值' || (i % 7)"
		switch {
		case strings.HasSuffix(column, "_id") || column == "currency":
			value = "'" + column + "' || i"
		case typ == "DATE":
			value = "date '2025-01-01' + cast(i * 3 as integer)"
		case typ == "TIMESTAMP WITH TIME ZONE":
			value = "timestamptz '2025-01-01 00:00:00.123456Z' + interval (i * 3) day"
		case typ == "BOOLEAN":
			value = "i % 3 > 0"
		case typ != "VARCHAR":
			value = "i % 97"
		}
		values = append(values, "case when (i + "+itoa(i)+") % 11 = 0 then null else "+value+" end")
	}
	h.run("insert into " + table + " select " + strings.Join(values, ", ") + " from range(200) r(i)")
}

// The marts of the project that is handed out, and its metrics.
func TestShipped(t *testing.T) {
	t.Parallel()
	h := shipped(t)
	h.content.Language = "zh-Hans"
	m := h.publish().Manifest
	h.current()
	for i := range m.Files {
		f := &m.Files[i]
		if f.Kind == "database" {
			continue
		}
		types := holdsTheRules(t, h.file(f.Path), f)
		is(t, f.Path+": columns", len(types), len(f.Columns))
		if f.Kind != "mart" {
			continue
		}
		if f.Description == "" || f.Columns[0].Description == "" {
			t.Errorf("%s is not described", f.Path)
		}
		rows, err := arrowRows(h.file(f.Path))
		if err != nil {
			t.Fatal(err)
		}
		is(t, f.Path+": rows", len(rows), 200)
		equal(t, f.Path, rows, rowsOf(t, h.wh.DB(), "from "+f.Table))
	}
	t.Run("values", func(t *testing.T) { sameValues(t, h) })
	t.Run("database", func(t *testing.T) { sameDatabase(t, h, m) })
}

// sameValues holds metrics/values.parquet against the metrics layer.
func sameValues(t *testing.T, h *house) {
	t.Helper()
	var want []string
	for _, m := range h.content.Metrics.All() {
		for _, grain := range []metric.Grain{metric.Month, metric.Quarter, metric.Year} {
			for _, by := range append([]string{""}, m.Dimensions...) {
				req := metric.Request{Metric: m.Name, Grain: grain, AsOf: h.content.AsOf}
				if by != "" {
					req.By = []string{by}
				}
				table, err := h.content.Metrics.Query(t.Context(), h.wh.DB(), h.content.Company, req)
				if err != nil {
					t.Fatal(err)
				}
				for i := range table.Rows {
					r := &table.Rows[i]
					cells := []any{
						m.Name, m.Labels["zh-Hans"], string(grain), nil, nil, nil, nil, nil, float(r.Value), part(t, r.Numerator), part(t, r.Denominator), nil,
						float(r.CILow), float(r.CIHigh), strings.Join(r.Flags, " "), m.Unit, nil, m.Version, h.content.AsOf,
					}
					if m.Direction != "" {
						cells[16] = m.Direction
					}
					if r.Start != nil {
						period, err := h.content.Company.ParsePeriod(r.Period)
						if err != nil {
							t.Fatal(err)
						}
						cells[3], cells[4], cells[5] = r.Period, period.Start, period.End
					}
					if by != "" {
						cells[6] = by
						if r.Dimensions[0] != nil {
							cells[7] = *r.Dimensions[0]
						}
					}
					if r.N != nil {
						cells[11] = *r.N
					}
					var line []string
					for _, c := range cells {
						line = append(line, cell(c))
					}
					want = append(want, strings.Join(line, "|"))
				}
			}
		}
	}
	if len(want) < 1000 {
		t.Fatalf("there are only %d values", len(want))
	}
	path := h.file("metrics", "values.parquet")
	rows, err := arrowRows(path)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "values by arrow-go", rows, want)
	db := duck(t, "")
	equal(t, "values by DuckDB", rowsOf(t, db, "from read_parquet('"+path+"')"), want)
	is(t, "metrics described", rowsOf(t, db, "select count(*), count(distinct metric), count(label_zh_hans) from read_parquet('"+h.file("dimensions", "metrics.parquet")+"')"),
		"["+itoa(len(h.content.Metrics.All()))+"|"+itoa(len(h.content.Metrics.All()))+"|"+itoa(len(h.content.Metrics.All()))+"]")
	// Every period that has a value is in the calendar.
	is(t, "periods without a day", rowsOf(t, db, "select count(*) from read_parquet('"+path+"') v where period is not null and not exists (from read_parquet('"+
		h.file("dimensions", "calendar.parquet")+"') c where v.period in (c.month, c.quarter, c.year) and v.period_start <= c.date and c.date <= v.period_end)"), "[0]")
}

func float(x *float64) any {
	if x == nil {
		return nil
	}
	return *x
}

// part is an exact decimal with four digits after the point.
func part(t *testing.T, text string) any {
	t.Helper()
	if text == "" {
		return nil
	}
	whole, rest, _ := strings.Cut(text, ".")
	if len(rest) > 4 {
		t.Fatalf("%s has more digits than a test of equality can take", text)
	}
	return whole + "." + rest + strings.Repeat("0", 4-len(rest))
}

// sameDatabase opens marts.duckdb as a reader does.
func sameDatabase(t *testing.T, h *house, m *Manifest) {
	t.Helper()
	path := h.file(databaseFile)
	if _, err := os.Stat(path + ".wal"); !os.IsNotExist(err) {
		t.Errorf("the log of marts.duckdb is there: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o222 != 0 {
		t.Errorf("marts.duckdb may be written: %v, %v", info.Mode(), err)
	}
	db := duck(t, path+"?access_mode=read_only")
	memory := duck(t, "")
	var tables int
	for i := range m.Files {
		f := &m.Files[i]
		if f.Table == "" {
			continue
		}
		tables++
		equal(t, f.Table, rowsOf(t, db, "from "+f.Table), rowsOf(t, memory, "from read_parquet('"+h.file(f.Path)+"')"))
		schema, name, _ := strings.Cut(strings.Replace(f.Table, "marts.", "main.", 1), ".")
		is(t, "the comment of "+f.Table, rowsOf(t, db, "select comment from duckdb_tables() where schema_name = '"+schema+"' and table_name = '"+name+"'"), []string{f.Description})
		var want []string
		for _, c := range f.Columns {
			if c.Description == "" {
				c.Description = "∅"
			}
			want = append(want, c.Name+"|"+c.Type+"|"+c.Description)
		}
		is(t, "the columns of "+f.Table, strings.Join(rowsOf(t, db, "select column_name, data_type, comment from duckdb_columns() where schema_name = '"+schema+
			"' and table_name = '"+name+"' order by column_index"), "\n"), strings.Join(want, "\n"))
	}
	is(t, "tables", rowsOf(t, db, "select count(*) from duckdb_tables()"), "["+itoa(tables)+"]")
	if _, err := db.ExecContext(t.Context(), "create table x (i integer)"); err == nil {
		t.Error("marts.duckdb was written to")
	}
}

// What is read is one state of the warehouse, whatever is committed meanwhile.
func TestOneState(t *testing.T) {
	t.Parallel()
	h := small(t, "first as select 1 as n", "second as select 1 as n")
	h.publisher.step = func(name string) error {
		if name == "before write marts/first.parquet" {
			h.run("begin; update marts.first set n = 2; drop table marts.second; create table marts.second as select 2 as n; commit")
		}
		return nil
	}
	h.publish()
	db := duck(t, h.file(databaseFile)+"?access_mode=read_only")
	is(t, "the marts", rowsOf(t, db, "select (select n from marts.first), (select n from marts.second)"), "[1|1]")
	// The warehouse is as closed to files as before, and nothing is left in it.
	for _, query := range []string{"copy (select 1) to '" + filepath.Join(t.TempDir(), "x.csv") + "'", "from read_parquet('" + h.file("marts", "first.parquet") + "')"} {
		if _, err := h.wh.DB().ExecContext(t.Context(), query); err == nil || !strings.Contains(err.Error(), "disabled") {
			t.Errorf("the warehouse runs %s: %v", query, err)
		}
	}
	is(t, "temporary tables", rowsOf(t, h.wh.DB(), "select count(*) from duckdb_tables() where temporary"), "[0]")
	if err := h.wh.Checkpoint(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestDecimal18(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "∅", "0": "0.0000", "12": "12.0000", "-0.00005": "-0.0001", "0.00005": "0.0001", "0.00004999": "0.0000",
		"99999999999999.9999": "99999999999999.9999", "-99999999999999.9999": "-99999999999999.9999",
	} {
		got, err := decimal18(text)
		if err != nil {
			t.Fatal(err)
		}
		is(t, text, cell(got), want)
	}
	for _, text := range []string{"100000000000000", "99999999999999.99995", "x"} {
		if got, err := decimal18(text); err == nil {
			t.Errorf("%s gives %v", text, got)
		}
	}
}

// A calendar of a fiscal year that begins in April has every day that a mart
// has, and none that only stands for an end that there isn't.
func TestCalendar(t *testing.T) {
	t.Parallel()
	h := small(t, "any as select 1 as n", "plans as select date '2028-05-06' as due_date, date '9999-12-31' as valid_to, null::date as done_date, timestamptz '2030-01-01 00:00:00Z' as at",
		"history as select date '2025-03-31' as born union all select date '0001-01-01'")
	h.content.Company = metric.Company{FiscalYearStarts: time.April}
	h.publish()
	db := duck(t, h.file(databaseFile)+"?access_mode=read_only")
	is(t, "the ends", rowsOf(t, db, "select min(date), max(date), count(*) from dimensions.calendar"), "[2024-04-01T00:00:00|2029-03-31T00:00:00|1826]")
	is(t, "a day", rowsOf(t, db, "from dimensions.calendar where date = date '2027-01-03'"),
		"[2027-01-03T00:00:00|2027-01|2027-01-01T00:00:00|2026/27-Q4|2027-01-01T00:00:00|2026/27|2026-04-01T00:00:00|2026-W53|7|4|1|10|January|一月|Sunday|星期日|true]")
	is(t, "its year", rowsOf(t, db, "select min(fiscal_month_number), max(fiscal_month_number), count(distinct month_name_zh), count(distinct weekday_name_zh), "+
		"count(*) filter (is_weekend <> (weekday_name_en in ('Saturday', 'Sunday'))), count(distinct (quarter, quarter_number)) from dimensions.calendar where year = '2026/27'"), "[1|12|12|7|0|4]")
}
