package publish

import (
	"errors"
	"testing"
	"testing/fstest"

	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// A mart that could not be built yet, and what is computed from it, keep nothing
// else back; one whose last build failed says that its rows are older.
func TestLeftOut(t *testing.T) {
	t.Parallel()
	h := small(t, "deals as select 'D-' || i as deal_id, date '2026-01-01' + i::integer as signed_date from range(10) r(i)", "people as select 1 as person_id")
	const head = "label: {en: Name}\ndescription: {en: What it counts.}\nowner: sales\nversion: 1\nunit: count\n"
	count := func(name, model, entity, time string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("metric: " + name + "\n" + head + "kind: count\nmodel: " + model + "\nentity: " + entity + "\ntime: " + time + "\n")}
	}
	var err error
	h.content.Metrics, err = metric.Load(fstest.MapFS{
		"metrics/deals.yaml":  count("deals", "marts.deals", "deal_id", "signed_date"),
		"metrics/visits.yaml": count("visits", "marts.visits", "visit_id", "visit_date"),
		"metrics/rate.yaml":   {Data: []byte("metric: rate\n" + head + "kind: derived\ninputs: {a: deals, b: visits}\nexpr: a / b\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.content.Models = append(h.content.Models, Model{Schema: "marts", Name: "visits", Grain: []string{"visit_id"}})
	m := h.publish().Manifest
	h.current()
	is(t, "left out", m.LeftOut, []LeftOut{
		{"marts.visits", "it is not built yet"},
		{"rate", "it reads marts.visits, which is not built yet"},
		{"visits", "it reads marts.visits, which is not built yet"},
	})
	db := duck(t, h.file(databaseFile)+"?access_mode=read_only")
	is(t, "the values", rowsOf(t, db, "select distinct metric from metrics.values"), "[deals]")

	h.run("create table marts.visits as select 1 as visit_id, date '2026-02-01' as visit_date", "update build.models set status = 'failed'",
		"insert into build.models values ('marts.deals', 'skipped', 7), ('marts.people', 'kept', 7), ('marts.visits', 'built', 7)")
	r := h.publish()
	is(t, "left out later", r.Manifest.LeftOut, "[]")
	for path, stale := range map[string]bool{"marts/deals.parquet": true, "marts/people.parquet": false, "marts/visits.parquet": false} {
		is(t, path+" is stale", r.Manifest.file(path).Stale, stale)
	}
	if r := h.publish(); r.New {
		t.Error("a build of nothing new")
	}
	h.run("update build.models set status = 'built'")
	if r := h.publish(); !r.New || r.Manifest.file("marts/deals.parquet").Stale || r.Written != 1 {
		t.Errorf("after a build that succeeded: new %v, %d files written", r.New, r.Written)
	}

	h.run("drop table marts.deals", "drop table marts.people", "drop table marts.visits")
	for range 2 {
		if _, err := h.publisher.Publish(t.Context(), h.content); !errors.Is(err, ErrNotBuilt) {
			t.Errorf("nothing is built: %v", err)
		}
		h.run("drop table if exists build.models")
	}
	h.current()
}
