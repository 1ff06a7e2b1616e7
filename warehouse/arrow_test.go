package warehouse

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestQueryArrow(t *testing.T) {
	t.Parallel()
	w := open(t, "", orderSet(t))
	result, err := w.QueryArrow(t.Context(), "select i as n, 1.50::decimal(18, 2) as amount, '线索' as name, date '2026-02-01' as day, "+
		"timestamptz '2026-02-01 01:02:03+08' as at, null::varchar as nothing from range(50000) r(i) order by i desc")
	if err != nil {
		t.Fatal(err)
	}
	row := 0
	for {
		batch, err := result.Next()
		if err != nil {
			t.Fatal(err)
		}
		if batch == nil {
			break
		}
		for i := range int(batch.NumRows()) {
			var cells []string
			for c := range int(batch.NumCols()) {
				cells = append(cells, batch.Column(c).ValueStr(i))
			}
			if got, want := strings.Join(cells, "|"), fmt.Sprintf("%d|1.5|线索|2026-02-01|2026-01-31T17:02:03Z|(null)", 49999-row); got != want {
				t.Fatalf("row %d is %s, want %s", row, got, want)
			}
			row++
		}
	}
	if row != 50000 {
		t.Errorf("%d rows", row)
	}
	schema := result.Schema.String()
	for _, word := range []string{"n: type=int64", "amount: type=decimal(18, 2)", "name: type=utf8", "day: type=date32", "at: type=timestamp[us, tz=UTC]"} {
		if !strings.Contains(schema, word) {
			t.Errorf("the schema lacks %q: %s", word, schema)
		}
	}
	if err := result.Close(); err != nil {
		t.Error(err)
	}
}

func TestQueryArrowRefusesAllButOneSelect(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret.txt")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := open(t, filepath.Join(dir, "w.duckdb"), orderSet(t))
	for _, q := range []string{
		"", "select 1; select 2", "drop table ingest.offsets; select 1", "copy (select 1) to '" + dir + "/out.csv'",
		"attach ':memory:' as m", "pragma database_size", "select * from read_csv('" + secret + "')", "select * from '" + secret + "'",
		"select * from nowhere", "select 1/0 + 'x'::int", "select ?",
	} {
		if _, err := w.QueryArrow(t.Context(), q); !Mistaken(err) {
			t.Errorf("%q: got %v, want a mistake of the question", q, err)
		}
	}
	// The connections are given back, and no transaction is left open.
	expect(t, w, "select count(*) from information_schema.tables where table_schema = 'ingest'", "4")
	if err := w.Checkpoint(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestQueryArrowIsCutOff(t *testing.T) {
	t.Parallel()
	w := open(t, "", orderSet(t))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	started := time.Now()
	_, err := w.QueryArrow(ctx, "select count(*) from range(100000000) a, range(100000000) b where a.range + b.range = 1")
	if err == nil || time.Since(started) > 20*time.Second {
		t.Errorf("error %v after %v", err, time.Since(started))
	}
}

func TestMistaken(t *testing.T) {
	t.Parallel()
	w := open(t, "", orderSet(t))
	for _, q := range []string{
		"select", "select 1; select 2", "select nothing", "select 'x'::int", "select * from read_text('/etc/hostname')", "select row(1, 2)",
	} {
		if _, err := w.Query(t.Context(), q); !Mistaken(fmt.Errorf("query: %w", err)) {
			t.Errorf("%s: %v is not told as a mistake", q, err)
		}
	}
	for _, err := range []error{nil, context.Canceled, errors.New("disk")} {
		if Mistaken(err) {
			t.Errorf("%v is told as a mistake", err)
		}
	}
}
