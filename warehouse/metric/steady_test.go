package metric

import "testing"

// TestTheSameRowsGiveTheSameInterval asks a mean's interval again and again:
// threads take the rows in another order each time, and the last digits of a
// plain sum of doubles would follow them.
func TestTheSameRowsGiveTheSameInterval(t *testing.T) {
	t.Parallel()
	db := openDB(t)
	exec(t, db, `create table marts.answers as select i as answer_id, date '2026-01-01' + cast(i % 3 as integer) as day,
		case when hash(i) % 7 < 3 then 100 when hash(i) % 7 < 5 then 0 else -100 end as points from range(400000) t(i)`)
	set := mustLoad(t, definition("nps", "average", "model: marts.answers", "entity: answer_id", "time: day", "value: points", "interval: true"))
	var first *Table
	for range 20 {
		table := query(t, set, db, Request{Metric: "nps", Grain: Month, AsOf: october()})
		if first == nil {
			first = table
			continue
		}
		if a, b := first.Rows[0], table.Rows[0]; *a.CILow != *b.CILow || *a.CIHigh != *b.CIHigh {
			t.Fatalf("the interval was %v to %v and is %v to %v", *a.CILow, *a.CIHigh, *b.CILow, *b.CIHigh)
		}
	}
}
