package publish

import (
	"testing"
)

// A mart of a million rows like those of leads, all of it written anew each
// time.
func BenchmarkPublish(b *testing.B) {
	const rows = 1_000_000
	h := small(b, `leads as select i as lead_id, ['web', 'event', 'partner'][1 + i % 3] as channel, '客户 ' || i as customer,
		date '2025-01-01' + cast(i % 365 as integer) as created_date, timestamptz '2025-01-01 00:00:00Z' + interval (i) second as created_at,
		cast(i % 100000 as decimal(38, 2)) / 7::decimal(38, 2) > 3 as large, cast(i * 37 % 1000003 as decimal(38, 2)) as amount, 0 as round
		from range(1000000) r(i)`)
	h.content.Models[0].Grain = []string{"lead_id"}
	var bytes int64
	for b.Loop() {
		b.StopTimer()
		h.run("update marts.leads set round = round + 1")
		b.StartTimer()
		m := h.publish().Manifest
		bytes = m.file("marts/leads.parquet").Bytes
	}
	seconds := b.Elapsed().Seconds() / float64(b.N)
	b.ReportMetric(rows/seconds, "rows/s")
	b.ReportMetric(float64(bytes)/1e6/seconds, "MB/s")
	b.ReportMetric(float64(bytes), "file_bytes")
}

// The same where nothing changed, which is the commonest case.
func BenchmarkNothingNew(b *testing.B) {
	h := small(b, "leads as select i as lead_id, '客户 ' || i as customer, cast(i as decimal(38, 2)) as amount from range(1000000) r(i)")
	h.publish()
	for b.Loop() {
		if h.publish().New {
			b.Fatal("a new build of nothing new")
		}
	}
	b.ReportMetric(1_000_000*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
