// Package demo is a made-up company: it acts for a year, sends the events of
// its leads as a CRM would, and keeps its own books of what really happened.
// The books are kept while it acts and know nothing of SQL, so a metric that
// equals them was computed right.
package demo

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Config says how the company acts. The same Config gives the same messages,
// byte for byte.
type Config struct {
	// Seed chooses one of many companies. Default: 1.
	Seed uint64
	// Leads is about how many leads the year brings. Default: 20,000.
	Leads int
	// Year is the calendar year of the leads. Default: 2025.
	Year int
	// Zone is where its business days begin. Default: UTC.
	Zone *time.Location
}

func (c Config) withDefaults() Config {
	c.Seed = cmp.Or(c.Seed, 1)
	c.Leads = cmp.Or(c.Leads, 20_000)
	c.Year = cmp.Or(c.Year, 2025)
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	return c
}

// Message is one record for the CRM's topic.
type Message struct {
	At    time.Time // when it is sent, which may be after it happened
	Key   string    // the lead
	Value []byte    // nil: a tombstone
}

// Year is what a year of acting gave.
type Year struct {
	Messages []Message // in the order in which they are sent
	Books    Books
}

// Books are the company's own account.
type Books struct {
	// Cohorts counts, by month of creation (2025-03), the leads and those of
	// them that were won within Window days.
	Cohorts map[string]Cohort
	// Channels counts the same by first-touch channel.
	Channels map[string]Cohort
	// Broken, Tombstones and Duplicates count messages that give no event of
	// their own; Events counts all that are valid, duplicates included.
	Broken, Tombstones, Duplicates, Events int
}

// Cohort is a count of leads.
type Cohort struct{ Leads, Won int }

// Window is how many days after its creation a win still counts in the books.
const Window = 180

type channel struct {
	name    string
	weight  float64 // share of the leads
	quality float64 // share of them that is won
	sending string  // campaign, where the channel has one
}

// channels is a constant table.
//
//nolint:gochecknoglobals // constant table
var channels = []channel{
	{"web", 0.34, 0.09, ""},
	{"referral", 0.12, 0.24, ""},
	{"trade_fair", 0.14, 0.15, "spring-fair"},
	{"partner", 0.13, 0.18, ""},
	{"cold_call", 0.13, 0.04, ""},
	{"mail", 0.11, 0.06, "newsletter"},
	{"unknown", 0.03, 0.12, ""},
}

//nolint:gochecknoglobals // constant tables
var (
	products = []string{"atlas", "boreas", "cirrus"}
	regions  = []string{"east", "south", "north", "west", "overseas"}
	// season is how a month compares with the mean: few leads around the
	// Chinese new year, many at the fairs of spring and autumn.
	season = []float64{0.85, 0.55, 1.25, 1.2, 1.05, 1.0, 0.9, 0.9, 1.2, 1.15, 1.05, 0.9}
)

// lead is one lead as the company knows it.
type lead struct {
	id        string
	created   time.Time
	channel   channel
	potential string
	product   string
	region    string
	owner     string
	won       time.Time // zero: never
	mergedIn  int       // index of the lead that it was merged into, -1: none
}

// actor is the company at work.
type actor struct {
	cfg   Config
	rng   *rand.Rand
	leads []lead
	year  Year
	ids   int
}

// Act lets the company act for its year.
func Act(cfg Config) (*Year, error) {
	cfg = cfg.withDefaults()
	if cfg.Leads < 1 || cfg.Leads > 5_000_000 {
		return nil, fmt.Errorf("a company of %d leads can't act: ask for 1 to 5,000,000", cfg.Leads)
	}
	a := &actor{cfg: cfg, rng: rand.New(rand.NewPCG(cfg.Seed, 0x66756e6e656c))}
	start := time.Date(cfg.Year, time.January, 1, 0, 0, 0, 0, cfg.Zone)
	for day := start; day.Year() == cfg.Year; day = day.AddDate(0, 0, 1) {
		for range a.leadsOn(day) {
			if err := a.newLead(day); err != nil {
				return nil, err
			}
		}
	}
	a.disturb()
	a.keepBooks()
	slices.SortStableFunc(a.year.Messages, func(x, y Message) int { return x.At.Compare(y.At) })
	return &a.year, nil
}

// leadsOn draws how many leads a day brings.
func (a *actor) leadsOn(day time.Time) int {
	mean := float64(a.cfg.Leads) / 365 * season[day.Month()-1]
	if wd := day.Weekday(); wd == time.Saturday || wd == time.Sunday {
		mean *= 0.35
	} else {
		mean *= 1.26
	}
	return max(0, int(math.Round(mean+a.rng.NormFloat64()*math.Sqrt(mean))))
}

// newLead creates a lead and sends all that ever happens to it.
func (a *actor) newLead(day time.Time) error {
	l := lead{
		id:        fmt.Sprintf("L-%06d", len(a.leads)+1),
		created:   a.during(day),
		channel:   a.drawChannel(),
		potential: []string{"A", "B", "B", "C"}[a.rng.IntN(4)],
		product:   products[a.rng.IntN(len(products))],
		region:    regions[a.rng.IntN(len(regions))],
		owner:     fmt.Sprintf("E-%03d", 1+a.rng.IntN(40)),
		mergedIn:  -1,
	}
	if err := a.send("lead.created.v1", l.id, l.created, map[string]any{
		"lead_id": l.id, "channel": l.channel.name, "campaign": orNull(l.channel.sending), "product": l.product,
		"region": l.region, "potential": l.potential, "owner_id": l.owner,
		"email":           fmt.Sprintf("contact-%s@example.com", l.id),
		"expected_amount": json.Number(fmt.Sprintf("%d.%02d", 1000+a.rng.IntN(90_000), a.rng.IntN(100))),
		"recorded_at":     rfc3339(l.created.Add(time.Second)),
	}); err != nil {
		return err
	}
	if err := a.progress(&l); err != nil {
		return err
	}
	a.leads = append(a.leads, l)
	// Now and then a customer is entered twice and the CRM merges the two.
	if n := len(a.leads); n > 20 && a.rng.Float64() < 0.015 {
		return a.merge(n-1, n-2-a.rng.IntN(15))
	}
	return nil
}

// progress moves a lead through its stages, to won, lost, or where it stays.
func (a *actor) progress(l *lead) error {
	quality := l.channel.quality * map[string]float64{"A": 1.5, "B": 1, "C": 0.55}[l.potential]
	stages := []string{"mql", "sal", "sql", "opportunity"}
	reached := len(stages)
	end := ""
	switch x := a.rng.Float64(); {
	case x < quality:
		end = "won"
	case x < quality+0.35:
		end, reached = "lost", 1+a.rng.IntN(len(stages))
	default:
		reached = a.rng.IntN(len(stages))
	}
	// A sales cycle is log-normal: median five weeks, a long tail.
	days := math.Min(300, 35*math.Exp(a.rng.NormFloat64()*0.85))
	from := "new"
	for i := range reached {
		at := l.created.Add(time.Duration(days * float64(i+1) / float64(reached+1) * float64(24*time.Hour)))
		if err := a.stage(l, from, stages[i], at); err != nil {
			return err
		}
		from = stages[i]
	}
	if end == "" {
		return nil
	}
	at := l.created.Add(time.Duration(days * float64(24*time.Hour)))
	if end == "won" {
		l.won = at
	}
	return a.stage(l, from, end, at)
}

func (a *actor) stage(l *lead, from, to string, at time.Time) error {
	data := map[string]any{
		"lead_id": l.id, "from_stage": from, "to_stage": to, "owner_id": l.owner, "recorded_at": rfc3339(at.Add(2 * time.Second)),
	}
	if to == "lost" {
		data["reason"] = []string{"price", "no_budget", "competitor", "no_answer"}[a.rng.IntN(4)]
	}
	return a.send("lead.stage_changed.v1", l.id, at, data)
}

// merge makes lead b the survivor of a, unless one of them was merged before.
func (a *actor) merge(gone, survivor int) error {
	if a.leads[survivor].mergedIn >= 0 {
		return nil
	}
	a.leads[gone].mergedIn = survivor
	at := a.leads[gone].created.Add(time.Duration(1+a.rng.IntN(72)) * time.Hour)
	return a.send("lead.merged.v1", a.leads[survivor].id, at, map[string]any{
		"lead_id": a.leads[gone].id, "survivor_id": a.leads[survivor].id, "recorded_at": rfc3339(at.Add(time.Second)),
	})
}

// send writes one CloudEvent. One in a hundred arrives days later, as a CRM
// does that was offline.
func (a *actor) send(kind, key string, at time.Time, data map[string]any) error {
	a.ids++
	value, err := json.Marshal(struct {
		Version string         `json:"specversion"`
		ID      string         `json:"id"`
		Source  string         `json:"source"`
		Type    string         `json:"type"`
		Time    string         `json:"time"`
		Subject string         `json:"subject"`
		Data    map[string]any `json:"data"`
	}{"1.0", fmt.Sprintf("%d-%08d", a.cfg.Seed, a.ids), "/crm", kind, rfc3339(at), key, data})
	if err != nil {
		return err
	}
	sent := at
	if a.rng.Float64() < 0.01 {
		sent = at.Add(time.Duration(a.rng.IntN(20*24)) * time.Hour)
	}
	a.year.Messages = append(a.year.Messages, Message{At: sent, Key: key, Value: value})
	a.year.Books.Events++
	return nil
}

// disturb adds what a real topic holds besides: events sent twice, broken
// ones, and tombstones.
func (a *actor) disturb() {
	sound := len(a.year.Messages)
	for i := range sound {
		m := a.year.Messages[i]
		switch x := a.rng.Float64(); {
		case x < 0.005:
			m.At = m.At.Add(time.Duration(1+a.rng.IntN(600)) * time.Second)
			a.year.Messages = append(a.year.Messages, m)
			a.year.Books.Duplicates++
			a.year.Books.Events++
		case x < 0.0058:
			m.Value = a.broken(m.Value)
			a.year.Messages = append(a.year.Messages, m)
			a.year.Books.Broken++
		case x < 0.006:
			m.Value = nil
			a.year.Messages = append(a.year.Messages, m)
			a.year.Books.Tombstones++
		}
	}
}

// broken spoils an event in one of the ways that producers find.
func (a *actor) broken(value []byte) []byte {
	switch a.rng.IntN(4) {
	case 0:
		return value[:len(value)/2]
	case 1:
		return []byte(`{"specversion":"1.0","id":"x","source":"/crm","type":"lead.scored.v1","time":"2025-06-01T00:00:00Z","data":{}}`)
	case 2:
		return []byte(`{"specversion":"1.0","id":"y","source":"/crm","type":"lead.merged.v1","time":"2025-06-31T00:00:00Z","data":{"lead_id":"L-1","survivor_id":"L-2"}}`)
	default:
		return []byte(`{"specversion":"1.0","id":"z","source":"/crm","type":"lead.created.v1","time":"2025-06-01T00:00:00Z","data":{"lead_id":7,"channel":"web"}}`)
	}
}

// keepBooks counts every customer once, in the month and channel of the first
// lead, as won when any of the merged leads was.
func (a *actor) keepBooks() {
	type customer struct {
		first lead
		won   time.Time
	}
	customers := map[int]*customer{}
	for i := range a.leads {
		root := i
		for a.leads[root].mergedIn >= 0 {
			root = a.leads[root].mergedIn
		}
		l := a.leads[i]
		c, ok := customers[root]
		if !ok {
			customers[root] = &customer{first: l, won: l.won}
			continue
		}
		if l.created.Before(c.first.created) {
			c.first = l
		}
		if !l.won.IsZero() && (c.won.IsZero() || l.won.Before(c.won)) {
			c.won = l.won
		}
	}
	books := &a.year.Books
	books.Cohorts, books.Channels = map[string]Cohort{}, map[string]Cohort{}
	for _, c := range customers {
		won := 0
		if !c.won.IsZero() && a.days(c.first.created, c.won) <= Window {
			won = 1
		}
		month := c.first.created.In(a.cfg.Zone).Format("2006-01")
		for book, key := range map[*map[string]Cohort]string{&books.Cohorts: month, &books.Channels: c.first.channel.name} {
			entry := (*book)[key]
			(*book)[key] = Cohort{Leads: entry.Leads + 1, Won: entry.Won + won}
		}
	}
}

// days counts business days from one instant to another.
func (a *actor) days(from, to time.Time) int {
	day := func(t time.Time) time.Time {
		y, m, d := t.In(a.cfg.Zone).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return int(day(to).Sub(day(from)) / (24 * time.Hour))
}

// during draws an instant of a working day.
func (a *actor) during(day time.Time) time.Time {
	return day.Add(8*time.Hour + time.Duration(a.rng.Int64N(int64(11*time.Hour)))).Truncate(time.Millisecond)
}

func (a *actor) drawChannel() channel {
	x := a.rng.Float64()
	for _, c := range channels {
		if x -= c.weight; x < 0 {
			return c
		}
	}
	return channels[0]
}

func rfc3339(t time.Time) string { return t.Format("2006-01-02T15:04:05.000Z07:00") }

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
