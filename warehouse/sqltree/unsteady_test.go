package sqltree

import "testing"

func TestUnsteady(t *testing.T) {
	t.Parallel()
	found, err := Unsteady(t.Context(), open(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		"now": true, "random": true, "write_log": true, // marked by DuckDB
		"current_user": true, "current_setting": true, "reservoir_quantile": true, // a macro, a setting, a sketch
		"error": false, "age": false, "lower": false, "date_trunc": false,
	} {
		if found[name] != want {
			t.Errorf("%s: %t, want %t", name, found[name], want)
		}
	}
}

func TestUnsteadyTellsOfTheDatabase(t *testing.T) {
	t.Parallel()
	db := open(t)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Unsteady(t.Context(), db); err == nil {
		t.Error("a closed database has functions")
	}
}
