package warehouse

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/funnelhouse/funnelhouse/ingest"
)

func TestQueryRefusesAllButOneSelect(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret.txt")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	set := orderSet(t)
	w := open(t, filepath.Join(dir, "w.duckdb"), set)
	for _, q := range []string{
		"", ";", "drop table ingest.offsets", "select 1; select 2", "drop table ingest.offsets; select 1",
		"insert into ingest.topics values ('a', 0, '', 0)", "update ingest.offsets set next_offset = 0",
		"with x as (select 1) delete from ingest.offsets", "create temp table t (a int)", "attach ':memory:' as m",
		"copy (select 1) to '" + dir + "/out.csv'", "set threads = 1", "pragma database_size", "checkpoint", "begin", "load json",
		"select * from read_text('" + secret + "')", "select * from '" + secret + "'", "select * from read_csv('" + secret + "')",
		"select * from glob('" + dir + "/*')", "select * from read_blob('/etc/hostname')", "select * from 'https://example.com/x.csv'",
		"select nextval('s')", "export database '" + dir + "/x'", "call pragma_version()", "explain analyze delete from ingest.offsets",
		"select getenv('HOME') from nowhere", "select $1", "select ?", "select $name",
	} {
		r, err := w.Query(t.Context(), q)
		if err == nil {
			_, err = r.Next()
			if closing := r.Close(); closing != nil {
				t.Errorf("%s: close: %v", q, closing)
			}
		}
		if err == nil {
			t.Errorf("%q was answered", q)
		}
	}
	expect(t, w, "select count(*) from information_schema.tables where table_schema = 'ingest'", "4")
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 4 {
		t.Errorf("the folder holds %v (%v)", entries, err)
	}
}

func TestQueryValues(t *testing.T) {
	t.Parallel()
	w := open(t, "", orderSet(t))
	for query, want := range map[string]string{
		"select 170141183460469231731687303715884105727::hugeint": `170141183460469231731687303715884105727`,
		"select 1.50::decimal(10,2)":                              `1.50`,
		"select 0.1::double":                                      `0.1`,
		"select 'nan'::double":                                    `"NaN"`,
		"select null":                                             `null`,
		"select true":                                             `true`,
		"select date '2026-02-01'":                                `"2026-02-01"`,
		"select timestamp '2026-02-01 01:02:03.5'":                `"2026-02-01T01:02:03.5"`,
		"select timestamptz '2026-02-01 01:02:03+08'":             `"2026-01-31T17:02:03Z"`,
		"select [1, 2]":                                           `[1,2]`,
		"select {'a': date '2026-02-01', 'b': 1.5}":               `{"a":"2026-02-01T00:00:00","b":1.5}`,
		`select '\xFF'::blob`:                                     `"\\xff"`,
		"select '线索'":                                             `"线索"`,
	} {
		r, err := w.Query(t.Context(), query)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		row, err := r.Next()
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		got, err := json.Marshal(row[0])
		if err != nil || string(got) != want {
			t.Errorf("%s gives %s (%v), want %s", query, got, err, want)
		}
		if err := r.Close(); err != nil {
			t.Errorf("%s: close: %v", query, err)
		}
	}
}

func TestQueryIsCutOff(t *testing.T) {
	t.Parallel()
	w := open(t, "", orderSet(t))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	started := time.Now()
	r, err := w.Query(ctx, "select count(*) from range(100000000) a, range(100000000) b where a.range + b.range = 1")
	if err == nil {
		_, err = r.Next()
		if closing := r.Close(); closing != nil && !errors.Is(closing, context.DeadlineExceeded) {
			t.Errorf("close: %v", closing)
		}
	}
	if err == nil || time.Since(started) > 20*time.Second {
		t.Errorf("error %v after %v", err, time.Since(started))
	}
}

// Readers see the state before a batch or after it, while it is committed.
func TestQueryBesideAppend(t *testing.T) {
	t.Parallel()
	set := orderSet(t)
	w := open(t, filepath.Join(t.TempDir(), "w.duckdb"), set)
	r, err := w.Query(t.Context(), "select count(*) from raw.order_placed_v1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Append(t.Context(), load(t, set, ingest.Place{}, orders(0, 5, ""))); err != nil {
		t.Fatal(err)
	}
	if row, err := r.Next(); err != nil || row[0] != json.Number("0") {
		t.Errorf("an open query sees %v (%v)", row, err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	expect(t, w, "select count(*) from raw.order_placed_v1", "5")
}

func TestCompanyCurrency(t *testing.T) {
	t.Parallel()
	for currency, want := range map[string]string{"CNY": "true|false|<nil>", "": "true|true|true"} {
		w, err := Open(t.Context(), Config{Contracts: orderSet(t), Currency: currency})
		if err != nil {
			t.Fatal(err)
		}
		expect(t, w, "select is_company_currency('CNY'), is_company_currency('USD'), is_company_currency(null)", want)
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestBusinessDate(t *testing.T) {
	t.Parallel()
	w, err := Open(t.Context(), Config{Contracts: orderSet(t), Zone: "Asia/Shanghai"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	expect(t, w, "select business_date(timestamptz '2026-09-30 15:59:59Z'), business_date(timestamptz '2026-09-30 16:00:00Z')", "2026-09-30|2026-10-01")
	if _, err := Open(t.Context(), Config{Contracts: orderSet(t), Zone: "Mars/Olympus"}); err == nil || !strings.Contains(err.Error(), "company.zone") {
		t.Errorf("error %v, want one about company.zone", err)
	}
}
