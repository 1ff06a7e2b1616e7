package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/funnelhouse/funnelhouse/ingest/kafka"
	"github.com/funnelhouse/funnelhouse/internal/realdata"
)

// deliveries are the development events that a test sends.
type deliveries struct {
	t        *testing.T
	source   string
	messages []kafka.Message
}

func (d *deliveries) add(kind, id string, at time.Time, data map[string]string) {
	d.t.Helper()
	d.messages = append(d.messages, kafka.Message{Key: []byte(id), Value: cloudEvent(d.t, d.source, kind, id, at, filled(data))})
}

// build sends the events through the topic of the development systems into a
// new project, and builds its figures.
func (d *deliveries) build() (dir string) {
	d.t.Helper()
	const topic = "rnd.events"
	dir = d.t.TempDir()
	producer := broker(d.t, dir, "")
	if err := producer.CreateTopic(d.t.Context(), topic, 2, nil); err != nil {
		d.t.Fatal(err)
	}
	if err := producer.Produce(d.t.Context(), topic, d.messages); err != nil {
		d.t.Fatal(err)
	}
	must(d.t, dir, "ingest", "--once")
	must(d.t, dir, "build")
	return dir
}

// The plan of a real product names the day of every major version, and its
// revisions tell when that day was changed: four times, each after the day had
// passed. Against the latest plan every version came on time.
func TestKnownReleases(t *testing.T) {
	t.Parallel()
	const first, last = 18, 26 // majors of which the first plan is known
	published := readReleases(t, realdata.Path(t, "node-releases/actual_releases.json"))
	plans := readPlans(t, realdata.Path(t, "node-releases/plan_history.jsonl"))
	sent := &deliveries{t: t, source: "/plan"}
	for major := first; major <= last; major++ {
		id, planned := "v"+strconv.Itoa(major), ""
		for _, p := range plans {
			day := p.Schedule[id].Start
			switch {
			case day == planned:
			case planned == "":
				sent.add("commitment.made.v1", id, p.RecordedAt, map[string]string{
					"commitment_id": id, "item_id": id, "product": "runtime", "release_id": id, "committed_date": day,
				})
			default:
				sent.add("commitment.rebaselined.v1", id+" to "+day, p.RecordedAt, map[string]string{"commitment_id": id, "new_date": day})
			}
			planned = day
		}
		sent.add("item.completed.v1", id+" completed", noon(t, published[id]), map[string]string{"item_id": id, "release_id": id})
	}
	dir := sent.build()

	asOf := []string{"--grain", "total", "--as-of", "2026-10-31"}
	for _, code := range []string{"otd_original", "otd_current"} {
		total := figuresOf(t, dir, append([]string{code}, asOf...)...)
		if len(total) != 1 || total[0].Numerator != 5 || *total[0].Denominator != 9 || percentOf(total[0].Value, 1) != "55.6" {
			t.Errorf("%s %+v, want 5 of 9 = 55.6 %%: a plan that follows the delivery moves nothing", code, total)
		}
	}
	same(t, "changes of plan", ask(t, dir, `select commitment_id, slip_days, rebaseline_count, late_rebaseline_count
		from marts.commitments where slip_days <> 0 or rebaseline_count + late_rebaseline_count > 0 order by all`),
		"v22,1,0,1", "v23,1,0,1", "v24,14,0,1", "v26,13,0,1")
	slip := figuresOf(t, dir, append([]string{"slip_days"}, asOf...)...)
	if len(slip) != 1 || *slip[0].Value != 0 || *slip[0].N != 9 {
		t.Errorf("median slip %+v, want 0 days of 9", slip)
	}
}

// readReleases reads the day of every major version's first release.
func readReleases(t *testing.T, path string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Versions map[string]struct{ Date string }
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	days := map[string]string{}
	for name, v := range file.Versions {
		if major, ok := strings.CutSuffix(name, ".0.0"); ok {
			days["v"+major] = v.Date
		}
	}
	return days
}

// plan is one revision of the plan.
type plan struct {
	RecordedAt time.Time `json:"recorded_at"`
	Schedule   map[string]struct{ Start string }
}

func readPlans(t *testing.T, path string) (plans []plan) {
	t.Helper()
	text, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var p plan
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			t.Fatal(err)
		}
		plans = append(plans, p)
	}
	return plans
}

// Ten years of real deliveries give the share that was on time, which is
// neither the mean of the years nor that of the suppliers.
func TestKnownDeliveries(t *testing.T) {
	t.Parallel()
	rows := readCSV(t, realdata.Path(t, "scms/delivery_history.csv"))
	sent := &deliveries{t: t, source: "/scms"}
	suppliers := map[string]string{} // their names are longer than an identity may be
	for i, r := range rows {
		id := "L-" + strconv.Itoa(i)
		if suppliers[r["Vendor"]] == "" {
			suppliers[r["Vendor"]] = "S-" + strconv.Itoa(len(suppliers))
		}
		due, delivered := dayOf(t, r["Scheduled Delivery Date"]), dayOf(t, r["Delivered to Client Date"])
		sent.add("commitment.made.v1", id, due.AddDate(0, -1, 0), map[string]string{
			"commitment_id": id, "item_id": id, "product": r["Product Group"], "owner_id": suppliers[r["Vendor"]], "committed_date": due.Format(time.DateOnly),
		})
		sent.add("item.completed.v1", id+" completed", delivered, map[string]string{"item_id": id})
	}
	dir := sent.build()

	same(t, "late", ask(t, dir, "select count(*) filter (where slip_days > 0), count(*) from marts.commitments"), "1186,10324")
	total := figuresOf(t, dir, "otd_original", "--grain", "total")
	if len(total) != 1 || total[0].Numerator != 9138 || *total[0].Denominator != 10324 || percentOf(total[0].Value, 2) != "88.51" {
		t.Errorf("in all %+v, want 9138 of 10324 = 88.51 %%", total)
	}
	whole := figure{Denominator: new(float64)}
	mean := func(rows []figure) string {
		sum := 0.0
		for _, f := range rows {
			sum += *f.Value
			whole.Numerator += f.Numerator
			*whole.Denominator += *f.Denominator
		}
		sum /= float64(len(rows))
		return strconv.Itoa(len(rows)) + " of " + percentOf(&sum, 2)
	}
	// What would be said of all, were rates averaged. The years are those in which the
	// deliveries were due.
	if got := mean(figuresOf(t, dir, "otd_original", "--grain", "year")); got != "10 of 90.06" {
		t.Errorf("years and their mean: %s, want 10 of 90.06", got)
	}
	if whole.Numerator != 9138 || *whole.Denominator != 10324 {
		t.Errorf("the years add up to %v of %v, want 9138 of 10324", whole.Numerator, *whole.Denominator)
	}
	if got := mean(figuresOf(t, dir, "otd_original", "--grain", "total", "--by", "owner")); got != "73 of 98.28" {
		t.Errorf("suppliers and their mean: %s, want 73 of 98.28", got)
	}
}

// dayOf reads a day like 2-Jun-06 as its noon.
func dayOf(t *testing.T, text string) time.Time {
	t.Helper()
	day, err := time.Parse("2-Jan-06", text)
	if err != nil {
		t.Fatal(err)
	}
	return day.Add(12 * time.Hour)
}
