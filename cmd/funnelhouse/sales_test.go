package main

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/funnelhouse/funnelhouse/ingest/kafka"
	"github.com/funnelhouse/funnelhouse/internal/realdata"
)

// noon is midday of a day that real data name without a time.
func noon(t *testing.T, day string) time.Time {
	t.Helper()
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		t.Fatal(err)
	}
	return at.Add(12 * time.Hour)
}

// filled leaves out what a row of real data leaves empty.
func filled(fields map[string]string) map[string]string {
	for name, value := range fields {
		if value == "" {
			delete(fields, name)
		}
	}
	return fields
}

// The opportunities of a real seller, sent through the Kafka protocol, give the
// figures that are known of them. Every lost deal carries the amount 0.
func TestKnownWinRates(t *testing.T) {
	t.Parallel()
	deals := readCSV(t, realdata.Path(t, "maven-crm/sales_pipeline.csv"))
	offices := map[string]string{}
	for _, p := range readCSV(t, realdata.Path(t, "maven-crm/sales_teams.csv")) {
		offices[p["sales_agent"]] = p["regional_office"]
	}
	dir := t.TempDir()
	producer := broker(t, dir, "company: {currency: USD}\n")
	var messages []kafka.Message
	add := func(kind, id, day string, data map[string]string) {
		messages = append(messages, kafka.Message{
			Key: []byte(data["opportunity_id"]), Value: cloudEvent(t, "/maven", kind, id, noon(t, day), filled(data)),
		})
	}
	results := map[string]string{"Won": "won", "Lost": "lost"}
	for _, d := range deals {
		id, result, created := d["opportunity_id"], results[d["deal_stage"]], d["engage_date"]
		if created == "" {
			created = "2017-12-31" // prospects have no day; they are open
		}
		add("opportunity.created.v1", id, created, map[string]string{
			"opportunity_id": id, "customer_id": d["account"], "product": d["product"], "region": offices[d["sales_agent"]],
			"owner_id": d["sales_agent"], "currency": "USD",
		})
		if result != "" {
			add("opportunity.closed.v1", id+":closed", d["close_date"], map[string]string{
				"opportunity_id": id, "result": result, "amount": d["close_value"], "currency": "USD", "owner_id": d["sales_agent"],
			})
		}
	}
	send(t, producer, messages...)
	must(t, dir, "ingest", "--once")
	must(t, dir, "build")

	same(t, "results", ask(t, dir, "select coalesce(result, 'open'), count(*) from marts.opportunities group by all order by all"),
		"lost,2473", "open,2089", "won,4238")
	rate := figuresOf(t, dir, "win_rate_count", "--grain", "total")
	if len(rate) != 1 || rate[0].Numerator != 4238 || *rate[0].Denominator != 6711 || percentOf(rate[0].Value, 2) != "63.15" {
		t.Errorf("in all %+v, want 4238 of 6711 = 63.15 %%", rate)
	}
	var quarters []string
	for _, f := range figuresOf(t, dir, "win_rate_count", "--grain", "quarter") {
		quarters = append(quarters, f.Period+" "+percentOf(f.Value, 2))
	}
	if len(quarters) != 4 {
		t.Fatalf("quarters %q", quarters)
	}
	same(t, "quarters", []string{quarters[1], quarters[3]}, "2017-Q2 61.71", "2017-Q4 60.25")
	// What would be said of these quarters, were rates averaged.
	months := figuresOf(t, dir, "win_rate_count", "--grain", "month", "--from", "2017-04", "--to", "2017-12")
	if len(months) != 9 {
		t.Fatalf("months %+v", months)
	}
	for i, want := range map[int]string{0: "61.96", 6: "60.22"} {
		mean := (*months[i].Value + *months[i+1].Value + *months[i+2].Value) / 3
		if got := percentOf(&mean, 2); got != want {
			t.Errorf("mean of three months from %s: %s, want %s", months[i].Period, got, want)
		}
	}
	amount := figuresOf(t, dir, "win_rate_amount", "--grain", "total")
	if len(amount) != 1 || amount[0].Numerator != 10005534 || *amount[0].Denominator != 10005534 || *amount[0].N != 4238 {
		t.Errorf("won amount %+v, want 10005534 of 4238 deals: lost ones have no amount", amount)
	}
	same(t, "deals without an amount", ask(t, dir, "select result, count(*) from marts.opportunities where result is not null and amount is null group by all"),
		"lost,2473")
	same(t, "mean cycle", ask(t, dir, "select result, printf('%.2f', avg(cycle_days)) from marts.opportunities where result is not null group by all order by all"),
		"lost,41.48", "won,51.78")
}

func percentOf(v *float64, digits int) string {
	if v == nil {
		return "none"
	}
	return fmt.Sprintf("%.*f", digits, math.Round(*v*100*math.Pow10(digits))/math.Pow10(digits))
}

// The cars of each make sold in a country are the makes' shares of the whole
// market, which the owner of the data publishes in per cent with one digit. Here one
// company sells all makes, and a car is an amount of 1.
func TestKnownShares(t *testing.T) {
	t.Parallel()
	makes := readCSV(t, realdata.Path(t, "norway-cars/by_make.csv"))
	months := readCSV(t, realdata.Path(t, "norway-cars/by_month.csv"))
	dir := t.TempDir()
	producer := broker(t, dir, "company: {currency: NOK}\n")
	var messages []kafka.Message
	monthOf := func(row map[string]string) string { return fmt.Sprintf("%s-%02s", row["Year"], row["Month"]) }
	published, rows := map[string]float64{}, map[string]int{} // by month and make; one make stands twice in a month
	for i, m := range makes {
		id, key := "K-"+strconv.Itoa(i), monthOf(m)+" "+m["Make"]
		pct, err := strconv.ParseFloat(m["Pct"], 64)
		if err != nil {
			t.Fatal(err)
		}
		published[key] += pct
		rows[key]++
		day := monthOf(m) + "-15"
		messages = append(messages, kafka.Message{Key: []byte(id), Value: cloudEvent(t, "/cars", "contract.signed.v1", id, noon(t, day), map[string]string{
			"contract_id": id, "customer_id": "C-" + id, "amount": m["Quantity"], "currency": "NOK", "effective_date": day,
			"product": m["Make"], "market_id": "cars",
		})})
	}
	for _, m := range months {
		first := noon(t, monthOf(m)+"-01")
		messages = append(messages, kafka.Message{Key: []byte("cars"), Value: cloudEvent(t, "/cars", "market_size.published.v1", monthOf(m), first.AddDate(0, 1, 0), map[string]string{
			"market_id": "cars", "month": first.Format(time.DateOnly), "amount": m["Quantity"], "currency": "NOK", "kind": "measured",
			"publisher": "registrations", "edition": "2017", "published_date": first.AddDate(0, 1, 0).Format(time.DateOnly),
		})})
	}
	send(t, producer, messages...)
	must(t, dir, "ingest", "--once")
	must(t, dir, "build")

	var shares []struct {
		Period  string   `json:"period"`
		Product string   `json:"product"`
		Value   *float64 `json:"value"`
	}
	if err := json.Unmarshal([]byte(must(t, dir, "metric", "share_revenue", "--grain", "month", "--by", "product", "--format", "json")), &shares); err != nil {
		t.Fatal(err)
	}
	if len(shares) != len(published) {
		t.Errorf("%d shares, want %d", len(shares), len(published))
	}
	for _, s := range shares {
		key := s.Period + " " + s.Product
		if s.Value == nil || math.Abs(*s.Value*100-published[key]) > 0.05*float64(rows[key])+1e-9 {
			t.Errorf("%s: %s %%, published %v", key, percentOf(s.Value, 3), published[key])
		}
	}
	whole := figuresOf(t, dir, "share_revenue", "--grain", "month")
	for _, f := range whole {
		if f.Value == nil || *f.Value != 1 {
			t.Errorf("%s: all makes are %v of %v", f.Period, f.Numerator, *f.Denominator)
		}
	}
	if len(whole) != 121 {
		t.Errorf("%d months, want 121", len(whole))
	}
}
