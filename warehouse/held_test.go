package warehouse

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/funnelhouse/funnelhouse/ingest"
)

// Every form of a SELECT comes back in its order with the names that it gives.
func TestQueryForms(t *testing.T) {
	t.Parallel()
	w := open(t, "", orderSet(t))
	for query, want := range map[string]string{
		"select 1 as a, 2 as a":                                  "[a a] [1 2]",
		"select 'x' as rowid, 1 as r, 2 as c0":                   "[rowid r c0] [x 1 2]",
		`select 1 as "A ""b"""`:                                  `[A "b"] [1]`,
		"values (1, 'x')":                                        "[col0 col1] [1 x]",
		"from (values (7)) t(n)":                                 "[n] [7]",
		"-- first\nselect 1 as x; -- last":                       "[x] [1]",
		"with a as (select 1 as x) select x from a;":             "[x] [1]",
		"(select 1 as x) union all (select 2) order by x desc":   "[x] [2]",
		"select null":                                            "[NULL] [<nil>]",
		"describe select 1 as x":                                 "[column_name column_type null key default extra] [x INTEGER YES <nil> <nil> <nil>]",
		"select column_name from (describe select 1 as x)":       "[column_name] [x]",
		"show tables;":                                           "[name] [result_of_this_query]",
		"select 1 as x where false":                              "[x] []",
		"select table_name from duckdb_tables() where temporary": "[table_name] [result_of_this_query]",
	} {
		r, err := w.Query(t.Context(), query)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		var names []string
		for _, c := range r.Columns {
			names = append(names, c.Name)
		}
		row, err := r.Next()
		if got := fmt.Sprint(names, " ", row); got != want || err != nil {
			t.Errorf("%s\n got %s (%v)\nwant %s", query, got, err, want)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Pages follow each other without a row lost or doubled, wide rows or narrow
// ones.
func TestQueryPages(t *testing.T) {
	t.Parallel()
	w := open(t, "", orderSet(t))
	for _, rows := range []int{0, 1, pageRows - 1, pageRows, pageRows + 1, 5 * pageRows, 200_000} {
		for _, width := range []int{1, 5000} {
			if rows*width > 100_000_000 {
				continue
			}
			r, err := w.Query(t.Context(), fmt.Sprintf("select i, repeat('x', %d) from range(%d) t(i) order by i desc", width, rows))
			if err != nil {
				t.Fatal(err)
			}
			for i := range rows {
				row, err := r.Next()
				if err != nil || row == nil || row[0] != json.Number(strconv.Itoa(rows-1-i)) {
					t.Fatalf("row %d of %d is %v (%v)", i, rows, row, err)
				}
			}
			for range 2 {
				if row, err := r.Next(); row != nil || err != nil {
					t.Errorf("after %d rows: %v, %v", rows, row, err)
				}
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// A result that is larger than the memory of the warehouse doesn't take more
// of the machine's.
func TestQueryStaysWithinMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("a result of 1 GB")
	}
	w := open(t, filepath.Join(t.TempDir(), "w.duckdb"), orderSet(t))
	before := peak(t)
	r, err := w.Query(t.Context(), "select i, i::varchar || repeat('x', 200) as s from range(5000000) r(i)")
	if err != nil {
		t.Fatal(err)
	}
	for range 100_000 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if grown := peak(t) - before; grown > 600<<10 {
		t.Errorf("a result of 1 GB took %d MB of memory, and DuckDB may have 256", grown>>10)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

var peakLine = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peak is the most memory that this process ever had, in KB.
func peak(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("memory is measured on Linux")
	}
	n, err := strconv.Atoi(string(peakLine.FindSubmatch(status)[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A reader that is slow keeps nothing open: the log is written into the file.
func TestSlowReaderDoesNotKeepTheLog(t *testing.T) {
	t.Parallel()
	set := orderSet(t)
	w := open(t, filepath.Join(t.TempDir(), "w.duckdb"), set)
	r, err := w.Query(t.Context(), "select * from range(100000)")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Append(t.Context(), load(t, set, ingest.Place{}, orders(0, 5, ""))); err != nil {
		t.Fatal(err)
	}
	if err := w.Checkpoint(t.Context()); err != nil {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}
