package cases

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
	"github.com/funnelhouse/funnelhouse/warehouse/sqltree"
)

func open(t *testing.T) *sql.DB {
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
	for _, s := range []string{
		"create schema marts",
		`create table marts.leads (lead_id varchar, "odd name" integer, amount decimal(18, 2), won_date date)`,
	} {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

func leads() sqltree.Table { return sqltree.Table{Schema: "marts", Name: "leads"} }

func TestRun(t *testing.T) {
	t.Parallel()
	const path = "testdata/leads/x.yaml"
	broken := errors.New("broken")
	problem := &yamlfile.Problem{Path: path, Line: 3, Column: 1, Message: "is wrong"}
	for name, test := range map[string]struct {
		fails error
		want  string // empty: no error
		typed bool   // as a *CaseError
	}{
		"holds":             {nil, "", false},
		"fails":             {broken, path + ": broken", true},
		"a mistake":         {problem, path + ":3:1: is wrong", false},
		"a mistake in many": {errors.Join(broken, problem), "broken\n" + path + ":3:1: is wrong", false},
		"interrupted":       {context.Canceled, path + ": context canceled", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t)
			err := Run(t.Context(), path, db, func(tx *sql.Tx) error {
				if _, err := tx.ExecContext(t.Context(), "insert into marts.leads (lead_id) values ('L-1')"); err != nil {
					t.Error(err)
				}
				return test.fails
			})
			got := ""
			if err != nil {
				got = err.Error()
			}
			failed, typed := errors.AsType[*CaseError](err)
			if got != test.want || typed != test.typed || typed && failed.Path != path || !errors.Is(err, test.fails) {
				t.Errorf("got %q, typed %t", got, typed)
			}
			var rows int
			if err := db.QueryRowContext(t.Context(), "select count(*) from marts.leads").Scan(&rows); err != nil || rows != 0 {
				t.Errorf("%d rows are left, %v", rows, err)
			}
		})
	}
}

func TestOfMetric(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"given: {}\nas_of: 2026-10-31\ngrain: month\nexpect: []\n": true,
		"given: {}\nexpect: [{as_of: 2026-10-31}]\n":               false,
		"as_of: [": false,
		"":         false,
	} {
		if got := OfMetric("x.yaml", []byte(text)); got != want {
			t.Errorf("%q: got %t", text, got)
		}
	}
}

func TestRunAfterItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	db := open(t)
	err := Run(ctx, "x.yaml", db, func(tx *sql.Tx) error {
		cancel()
		_, err := tx.ExecContext(ctx, "delete from marts.leads")
		return err
	})
	if _, ok := errors.AsType[*CaseError](err); !ok || !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted in the middle: got %v", err)
	}
	err = Run(ctx, "x.yaml", db, func(*sql.Tx) error { return errors.New("it runs") })
	if err == nil || err.Error() != "x.yaml: begin: context canceled" {
		t.Errorf("interrupted before: got %v", err)
	}
}

func TestColumns(t *testing.T) {
	t.Parallel()
	db := open(t)
	got, err := Columns(t.Context(), db, leads())
	want := []Column{{"lead_id", "VARCHAR"}, {"odd name", "INTEGER"}, {"amount", "DECIMAL(18,2)"}, {"won_date", "DATE"}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	if got := Names(want); !slices.Equal(got, []string{"lead_id", "odd name", "amount", "won_date"}) {
		t.Errorf("names %q", got)
	}
	if got, err := Columns(t.Context(), db, sqltree.Table{Schema: "marts", Name: "lead"}); err != nil || got != nil {
		t.Errorf("a table that there is not: got %v, %v", got, err)
	}
}

func TestInsert(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		row  map[string]any
		want string // empty: DuckDB refuses it
	}{
		"all":      {map[string]any{"lead_id": "L-1", "odd name": int64(7), "amount": 10.5, "won_date": "2026-01-31"}, "L-1|7|10.50|2026-01-31"},
		"some":     {map[string]any{"amount": int64(-3)}, "null|null|-3.00|null"},
		"null":     {map[string]any{"lead_id": nil, "odd name": int64(0)}, "null|0|null|null"},
		"nothing":  {map[string]any{}, "null|null|null|null"},
		"a number": {map[string]any{"lead_id": 1000000.0}, "1000000|null|null|null"},
		"a list":   {map[string]any{"lead_id": []any{int64(1), "a"}}, `[1,"a"]|null|null|null`},
		"no date":  {map[string]any{"won_date": "2026-02-30"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t)
			columns, err := Columns(t.Context(), db, leads())
			if err != nil {
				t.Fatal(err)
			}
			err = Run(t.Context(), "x.yaml", db, func(tx *sql.Tx) error {
				if err := Insert(t.Context(), tx, leads(), columns, test.row); err != nil {
					return err
				}
				var got string
				err := tx.QueryRowContext(t.Context(), `select concat_ws('|', coalesce(lead_id, 'null'), coalesce(cast("odd name" as varchar), 'null'),
					coalesce(cast(amount as varchar), 'null'), coalesce(cast(won_date as varchar), 'null')) from marts.leads`).Scan(&got)
				if got != test.want {
					t.Errorf("got %s", got)
				}
				return err
			})
			if (err != nil) != (test.want == "") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	db := open(t)
	for _, test := range []struct {
		value      any
		kind, want string
	}{
		{"x", "varchar", "x"},
		{int64(-3), "decimal(5,2)", "-3.00"},
		{0.1, "decimal(5,2)", "0.10"},
		{1e21, "double", "1e+21"},
		{1e-300, "double", "1e-300"},
		{1e300, "double", "1e+300"},
		{true, "boolean", "true"},
		{[]any{int64(1), nil}, "integer[]", "[1, NULL]"},
		{map[string]any{"a": int64(1)}, "struct(a integer)", "{'a': 1}"},
	} {
		var got string
		err := db.QueryRowContext(t.Context(), "select cast(cast(? as "+test.kind+") as varchar)", Text(test.value)).Scan(&got)
		if err != nil || got != test.want {
			t.Errorf("%v as %s: got %s, %v, want %s", test.value, test.kind, got, err, test.want)
		}
	}
}

func TestAligned(t *testing.T) {
	t.Parallel()
	got := Aligned([][]string{{"", "channel", "n"}, {"+", "网站", "10"}, {"-", "web"}, {"+", "x", ""}})
	want := `     channel  n
  +  网站     10
  -  web
  +  x`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := Aligned(nil); got != "" {
		t.Errorf("nothing: got %q", got)
	}
}
