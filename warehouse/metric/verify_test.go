package metric

import (
	"errors"
	"strings"
	"testing"
)

func inPlace(model string) string { return model }

func TestVerify(t *testing.T) {
	t.Parallel()
	db := openDB(t, leadsTable, `insert into marts.leads (lead_id, channel, created_date, won_date) values
		('a', 'web', date '2026-01-01', date '2026-01-02'), ('b', null, null, null), ('c', 'web', date '2026-01-05', date '2026-01-01')`)
	if err := projectSet(t).Verify(t.Context(), db, october(), inPlace); err != nil {
		t.Error(err)
	}
}

func TestVerifyFindsBrokenEntities(t *testing.T) {
	t.Parallel()
	db := openDB(t, `create table marts.leads__next as select * from (values
		('a', date '2026-01-01'), ('a', date '2026-01-02'), ('a', date '2026-01-02'), (null, date '2026-01-01')) t(lead_id, created_date)`)
	set := mustLoad(t, countOf("m"))
	err := set.Verify(t.Context(), db, october(), func(model string) string { return model + "__next" })
	var violation *InvariantError
	if !errors.As(err, &violation) || violation.Metric != "m" || violation.Model != "marts.leads" || violation.Rows != 1 {
		t.Fatalf("got %v", err)
	}
	want := "metric m on marts.leads: 1 rows have no lead_id\nmetric m on marts.leads: 1 values of lead_id have more than one row"
	if err.Error() != want {
		t.Errorf("got\n%s\nwant\n%s", err, want)
	}
	var id *string
	var day any
	if err := db.QueryRowContext(t.Context(), violation.SQL).Scan(&id, &day); err != nil || id != nil {
		t.Errorf("the row without the entity: %v, %v", id, err)
	}
}

func TestVerifyLeavesOutModelsWithoutATable(t *testing.T) {
	t.Parallel()
	err := projectSet(t).Verify(t.Context(), openDB(t), october(), func(string) string { return "" })
	if err != nil {
		t.Error(err)
	}
}

// A condition that answers differently each time can't be caught by its rows,
// only by the account.
func TestVerifyFindsRowsLost(t *testing.T) {
	t.Parallel()
	db := openDB(t, `create table marts.leads as select i as lead_id, date '2026-01-01' as created_date from range(10000) r(i)`)
	set := mustLoad(t, countOf("m", "where: random() < 0.5"))
	err := set.Verify(t.Context(), db, october(), inPlace)
	var violation *InvariantError
	if !errors.As(err, &violation) || !strings.Contains(violation.Message, "rows counted and 0 excluded are not the") {
		t.Errorf("got %v", err)
	}
}

func TestVerifyTellsWhatItTried(t *testing.T) {
	t.Parallel()
	err := mustLoad(t, countOf("m")).Verify(t.Context(), openDB(t), october(), inPlace)
	if err == nil || !strings.HasPrefix(err.Error(), "verify metric m on marts.leads: count the entities: ") {
		t.Errorf("got %v", err)
	}
}
