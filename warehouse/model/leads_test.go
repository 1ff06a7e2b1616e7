package model

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/funnelhouse/funnelhouse/internal/realdata"
)

// The reference below says in plain Go what marts.leads is.

type leadEvent struct {
	lead, other string // other: channel, stage or survivor
	at          int    // seconds after the start
	offset      int
}

func referenceLeads(created, stages, merged []leadEvent) []string {
	last := map[string]leadEvent{}
	for _, m := range merged {
		if l, ok := last[m.lead]; m.lead != m.other && (!ok || cmp.Or(cmp.Compare(m.at, l.at), cmp.Compare(m.offset, l.offset)) > 0) {
			last[m.lead] = m
		}
	}
	survivor := func(lead string) string {
		seen := []string{lead}
		for {
			m, ok := last[lead]
			if !ok {
				return lead
			}
			lead = m.other
			if i := slices.Index(seen, lead); i >= 0 {
				circle := seen[i:]
				latest := slices.MaxFunc(circle, func(a, b string) int {
					return cmp.Or(cmp.Compare(last[a].at, last[b].at), cmp.Compare(last[b].other, last[a].other))
				})
				return last[latest].other
			}
			seen = append(seen, lead)
		}
	}
	first := map[string]leadEvent{}
	ids := map[string]map[string]bool{}
	for _, c := range created {
		id := survivor(c.lead)
		if f, ok := first[id]; !ok || cmp.Or(cmp.Compare(c.at, f.at), cmp.Compare(c.offset, f.offset)) < 0 {
			first[id] = c
		}
		if ids[id] == nil {
			ids[id] = map[string]bool{}
		}
		ids[id][c.lead] = true
	}
	won := map[string]int{}
	for _, s := range stages {
		id := survivor(s.lead)
		if at, ok := won[id]; s.other == "won" && (!ok || s.at < at) {
			won[id] = s.at
		}
	}
	var rows []string
	for id, f := range first {
		wonAt := "<null>"
		if at, ok := won[id]; ok {
			wonAt = fmt.Sprint(at)
		}
		rows = append(rows, fmt.Sprintf("%s|%s|%d|%s|%d", id, f.other, f.at, wonAt, len(ids[id])))
	}
	slices.Sort(rows)
	return rows
}

// Random merges, chains and circles, in random order and batches, with every
// event sent twice now and then: the mart is that of the reference, and the
// same however the events arrive.
func TestLeadsAgainstReference(t *testing.T) {
	t.Parallel()
	set, p, _ := shipped(t)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for seed := range uint64(12) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		leads := 4 + rnd.IntN(30)
		lead := func() string { return fmt.Sprint("L", rnd.IntN(leads)) }
		var created, stages, merged []leadEvent
		for i := range 3 * leads {
			e := leadEvent{lead: lead(), at: rnd.IntN(40), offset: i}
			switch rnd.IntN(3) {
			case 0:
				e.other = fmt.Sprint("c", i)
				created = append(created, e)
			case 1:
				e.other = []string{"mql", "won", "lost"}[rnd.IntN(3)]
				stages = append(stages, e)
			default:
				e.other = lead()
				merged = append(merged, e)
			}
		}
		var inserts []string
		for _, kind := range []struct {
			table, columns string
			events         []leadEvent
		}{{"lead_created_v1", "lead_id, channel", created}, {"lead_stage_changed_v1", "lead_id, to_stage", stages}, {"lead_merged_v1", "lead_id, survivor_id", merged}} {
			for _, e := range kind.events {
				for again := range 1 + rnd.IntN(2) {
					inserts = append(inserts, fmt.Sprintf(`insert into raw.%s (_topic, _epoch, _partition, _offset, _n, _batch_id, _id, _source, _occurred_at, %s)
						values ('crm', 0, 0, %d, 0, 1, 'e%d', '/crm', '%s', '%s', '%s')`, kind.table, kind.columns, e.offset+1000*again, e.offset,
						start.Add(time.Duration(e.at)*time.Second).Format(time.RFC3339), e.lead, e.other))
				}
			}
		}
		rnd.Shuffle(len(inserts), func(i, j int) { inserts[i], inserts[j] = inserts[j], inserts[i] })
		db := warehouseOf(t, "", set.All())
		run(t, db, strings.Join(inserts, ";\n"))
		mustBuild(t, runner(t, db), p)
		got := show(t, db, `select concat_ws('|', lead_id, channel, cast(epoch(created_at) - epoch(timestamptz '2026-01-01 00:00:00+00') as integer),
			coalesce(cast(cast(epoch(won_at) - epoch(timestamptz '2026-01-01 00:00:00+00') as integer) as varchar), '<null>'), lead_count) as line
			from marts.leads order by line`)
		expect(t, fmt.Sprint("seed ", seed), got, strings.Join(referenceLeads(created, stages, merged), " "))
	}
}

// A stage of a lead that nobody created is a warning, and so is one before its
// creation.
func TestLeadsWarn(t *testing.T) {
	t.Parallel()
	set, p, _ := shipped(t)
	db := warehouseOf(t, "", set.All())
	run(t, db, `insert into raw.lead_created_v1 (_topic, _epoch, _partition, _offset, _n, _batch_id, _id, _source, _occurred_at, lead_id, channel)
		values ('crm', 0, 0, 0, 0, 1, 'c', '/crm', '2026-03-02T00:00:00Z', 'L-1', 'web')`,
		`insert into raw.lead_stage_changed_v1 (_topic, _epoch, _partition, _offset, _n, _batch_id, _id, _source, _occurred_at, lead_id, to_stage)
		values ('crm', 0, 0, 1, 0, 1, 's1', '/crm', '2026-03-01T00:00:00Z', 'L-1', 'won'), ('crm', 0, 0, 2, 0, 1, 's2', '/crm', '2026-03-03T00:00:00Z', 'L-9', 'won')`)
	var got []string
	for _, m := range mustBuild(t, runner(t, db), p).Models {
		for _, f := range m.FailedTests {
			got = append(got, fmt.Sprintf("%s: %s (%s) %d", m.Model, f.Test, f.Severity, f.Count))
		}
	}
	expect(t, "warnings", strings.Join(got, "; "),
		"staging.lead_stage_changed: lead_id in staging.lead_created.lead_id (warn) 1; marts.leads: won_at >= created_at (warn) 1")
}

func TestMailAddressesStayInRaw(t *testing.T) {
	t.Parallel()
	set, p, _ := shipped(t)
	for _, c := range set.All() {
		for _, f := range c.Fields {
			for _, m := range p.Models() {
				if f.Personal && slices.Contains(m.columnNames(), f.Name) {
					t.Errorf("%s holds %s, which is personal", m, f.Name)
				}
			}
		}
	}
}

// Olist's 8,000 leads: 842 were won, 1,099 came from "unknown" and 60 from
// nowhere, and none of them is lost on the way.
func TestLeadsOfOlist(t *testing.T) {
	t.Parallel()
	leads, deals := realdata.Path(t, "olist/marketing_qualified_leads.csv"), realdata.Path(t, "olist/closed_deals.csv")
	set, p, _ := shipped(t)
	db := warehouseOf(t, "", set.All())
	insert := func(path, into string, row func(i int, cell map[string]string) string) int {
		t.Helper()
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		records, err := csv.NewReader(file).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		var values []string
		for i, r := range records[1:] {
			cell := map[string]string{}
			for k, name := range records[0] {
				cell[name] = r[k]
			}
			values = append(values, row(i, cell))
		}
		run(t, db, "insert into "+into+" values "+strings.Join(values, ", "))
		return len(values)
	}
	const envelope = " (_topic, _epoch, _partition, _offset, _n, _batch_id, _id, _source, _occurred_at, lead_id, "
	known := insert(leads, "raw.lead_created_v1"+envelope+"channel)", func(i int, c map[string]string) string {
		return fmt.Sprintf("('file/olist/leads', 0, 0, %d, 0, 1, %[2]s, 'olist', %[3]s, %[2]s, %[4]s)", i, quoteText(c["mql_id"]), quoteText(c["first_contact_date"]), quoteText(c["origin"]))
	})
	won := insert(deals, "raw.lead_stage_changed_v1"+envelope+"to_stage)", func(i int, c map[string]string) string {
		return fmt.Sprintf("('file/olist/deals', 0, 0, %d, 0, 1, %[2]s, 'olist', %[3]s, %[2]s, 'won')", i, quoteText(c["mql_id"]), quoteText(c["won_date"]))
	})
	result := mustBuild(t, runner(t, db), p)
	if known != 8000 || won != 842 {
		t.Fatalf("the data is another: %d leads, %d deals", known, won)
	}
	expect(t, "leads, won, unknown, blank", show(t, db, `select count(*), count(won_at), count(*) filter (where channel = 'unknown'),
		count(*) filter (where channel = ''), count(won_date), sum(lead_count)::integer from marts.leads`), "8000|842|1099|60|842|8000")
	for _, m := range result.Models {
		for _, f := range m.FailedTests {
			if f.Severity != Warn || f.Count != 1 {
				t.Errorf("%s: %s %d", m.Model, f.Test, f.Count) // one deal was won before its lead was known
			}
		}
	}
}
