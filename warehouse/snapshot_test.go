package warehouse

import (
	"path/filepath"
	"testing"
)

// What a snapshot shows stays as it is, whatever is swapped meanwhile.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	w := open(t, filepath.Join(t.TempDir(), "w.duckdb"), orderSet(t))
	run := func(statements ...string) {
		t.Helper()
		for _, s := range statements {
			if _, err := w.DB().ExecContext(t.Context(), s); err != nil {
				t.Fatalf("%s: %v", s, err)
			}
		}
	}
	run("create table marts.figures as select 1 as n", "create table marts.others as select 1 as n")
	s, err := w.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum := func() (n int) {
		t.Helper()
		if err := s.QueryRowContext(t.Context(), "select (select n from marts.figures) + (select n from marts.others)").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	run("begin", "create table marts.figures__next as select 2 as n", "drop table marts.figures", "alter table marts.figures__next rename to figures", "commit")
	run("update marts.others set n = 10")
	for range 2 {
		if n := sum(); n != 2 {
			t.Errorf("the snapshot shows %d", n)
		}
	}
	if _, err := s.conn.ExecContext(t.Context(), "create table marts.x as select 1"); err == nil {
		t.Error("a snapshot writes")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	expect(t, w, "select (select n from marts.figures) + (select n from marts.others)", "12")
	if err := w.Checkpoint(t.Context()); err != nil {
		t.Errorf("after the snapshot: %v", err)
	}
}
