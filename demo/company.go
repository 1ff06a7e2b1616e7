// Package demo is a made-up company at work. It wins leads and closes deals,
// signs and cancels contracts, answers its customers and asks how content they
// are, ships releases late and with defects, and watches its markets; its
// systems send the events of all that as real ones do, some of them late,
// twice or broken. While it acts it keeps its own books of what really
// happened. The books know nothing of SQL, so a metric that equals them was
// computed right.
package demo

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Config says how the company acts. The same Config gives the same messages,
// byte for byte.
type Config struct {
	// Seed chooses one of many companies. Default: 1.
	Seed uint64
	// Months is how many full months it acts. Default: 24.
	Months int
	// Scale is its size: 1 sends about 300,000 events in 24 months. Default: 1.
	Scale float64
	// End is an instant in the last of the months. It has no default: this
	// package knows no clock.
	End time.Time
	// Zone is where its business days begin. Default: UTC.
	Zone *time.Location
	// Currency is the company's own (ISO 4217). Default: none; it acts in CNY
	// then, and its books add up amounts of every currency.
	Currency string
	// FiscalYearStarts is the first month of its years and quarters. It changes
	// the books and no message. Default: January.
	FiscalYearStarts time.Month
}

func (c Config) withDefaults() (Config, error) {
	c.Seed = cmp.Or(c.Seed, 1)
	c.Months = cmp.Or(c.Months, 24)
	c.Scale = cmp.Or(c.Scale, 1)
	c.FiscalYearStarts = cmp.Or(c.FiscalYearStarts, time.January)
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	switch {
	case c.Months < 1 || c.Months > 120:
		return c, fmt.Errorf("a company can't act for %d months: ask for 1 to 120", c.Months)
	case !(c.Scale >= 0.01 && c.Scale <= 50):
		return c, fmt.Errorf("a company can't act at scale %g: ask for 0.01 to 50", c.Scale)
	case c.End.IsZero():
		return c, fmt.Errorf("a company can't act without its last month")
	}
	return c, nil
}

// Message is one record for a topic.
type Message struct {
	At    time.Time // when it is sent, which may be long after it happened
	Topic string
	Key   string // what the event is about
	Value []byte // nil: a tombstone
}

// Company is what its acting gave.
type Company struct {
	Messages []Message // in the order in which they are sent
	Truth    *Truth
}

// actor is the company at work.
type actor struct {
	cfg        Config
	currency   string // in which it mostly acts
	rng        *rand.Rand
	start, end time.Time // it acts from start and ends before end
	lastDay    day
	now        time.Time // when the step happens that is being taken
	agenda     agenda
	out        writer
	ids        map[string]int // how many things of a kind there are

	units      []*unit
	staff      []*employee
	leads      []*lead
	deals      []*deal
	customers  []*customer
	contracts  []*contract
	orders     []*order
	spends     []spend
	cases      []*serviceCase
	surveys    []*invitation
	items      []*item
	releases   []*release
	defects    []*defect
	markets    []*market
	broken     map[string]int // messages that go to quarantine, by reason
	duplicates int
	tombstones int
}

// Act lets the company act for its months.
func Act(cfg Config) (*Company, error) {
	a, err := newActor(cfg)
	if err != nil {
		return nil, err
	}
	a.act()
	a.disturb()
	slices.SortStableFunc(a.out.messages, func(x, y Message) int { return x.At.Compare(y.At) })
	return &Company{Messages: a.out.messages, Truth: a.keepBooks()}, nil
}

func newActor(cfg Config) (*actor, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	last := cfg.End.In(cfg.Zone)
	a := &actor{
		cfg: cfg, currency: cmp.Or(cfg.Currency, "CNY"),
		rng:    rand.New(rand.NewPCG(cfg.Seed, 0x66756e6e656c)),
		start:  time.Date(last.Year(), last.Month()-time.Month(cfg.Months-1), 1, 0, 0, 0, 0, cfg.Zone),
		end:    time.Date(last.Year(), last.Month()+1, 1, 0, 0, 0, 0, cfg.Zone),
		ids:    map[string]int{},
		broken: map[string]int{},
	}
	a.now, a.lastDay = a.start, a.dayOf(a.end.Add(-time.Second))
	return a, nil
}

// act takes one step after another, from the first day to the last.
func (a *actor) act() {
	a.found()
	for day := a.start; day.Before(a.end); day = day.AddDate(0, 0, 1) {
		a.at(day, a.newDay)
	}
	for len(a.agenda.steps) > 0 {
		s := a.agenda.pop()
		a.now = s.at
		s.do()
	}
}

// found is the state in which the company's systems begin: its people are
// there, and it has customers and open deals.
func (a *actor) found() {
	a.foundPeople()
	a.foundMarkets()
	a.foundCustomers()
	a.foundDeals()
}

// newDay is what each day brings.
func (a *actor) newDay() {
	if a.now.Day() == 1 {
		a.newMonth()
	}
	a.arriveLeads()
	a.spendOnCampaigns()
	a.arriveOrders()
	a.arriveCases()
	a.promiseItems()
}

// newMonth is what each month brings.
func (a *actor) newMonth() {
	a.movePeople()
	a.planReleases()
	a.publishMarkets()
	a.straySales()
	a.strayService()
	a.strayDevelopment()
}

// id names the next thing of a kind: L-000042.
func (a *actor) id(kind string) string {
	a.ids[kind]++
	return fmt.Sprintf("%s-%06d", kind, a.ids[kind])
}

// monthsIn counts the months that have passed since the company began to act.
func (a *actor) monthsIn() int {
	return (a.now.Year()-a.start.Year())*12 + int(a.now.Month()-a.start.Month())
}
