package demo

import (
	"math"
	"time"
)

// market is one product in one region, whose size somebody measures.
type market struct {
	id    string
	size  float64 // a mean month, in the company's currency, at scale 1
	sizes []edition
}

// edition is a size of a market in a month, as published.
type edition struct {
	month     day // its first day
	amount    int64
	currency  string
	kind      string
	publisher string
	name      string
	published day
}

func (a *actor) foundMarkets() {
	for _, product := range products() {
		for _, region := range regions() {
			if region != overseas {
				a.markets = append(a.markets, &market{id: product + "-" + region, size: a.around(13_000_000, 0.3)})
			}
		}
	}
}

// publishMarkets plans what will be published about the month that begins: an
// estimate weeks after it, which is revised, and a measured size in the end.
// So the sizes of the last month are not known yet.
func (a *actor) publishMarkets() {
	month := a.today()
	over := a.now.AddDate(0, 1, 0)
	for _, m := range a.markets {
		size := m.size * a.season() * math.Pow(1.006, float64(a.monthsIn())) * a.cfg.Scale * a.around(1, 0.08)
		say := func(name, kind, publisher, currency string, months, days int, size float64) {
			a.publish(m, over.AddDate(0, months, days), edition{month: month, currency: currency, kind: kind, publisher: publisher, name: name}, size)
		}
		first := 12 + a.rng.IntN(14)
		if a.chance(0.2) {
			first += 20
		}
		say("first", "estimated", "Industry Institute", a.currency, 0, first, size*a.around(1, 0.06))
		if a.chance(0.85) {
			say("revised", "estimated", "Industry Institute", a.currency, 2, 5+a.rng.IntN(10), size*a.around(1, 0.03))
		}
		if a.chance(0.9) {
			say("final", "measured", "Statistics Office", a.currency, 5, a.rng.IntN(20), size)
		}
		if a.chance(0.25) { // from abroad, which says nothing in the company's own currency
			say("world", "estimated", "Global Research", a.foreign(), 0, 2+a.rng.IntN(40), size/7)
		}
	}
}

// publish plans an edition. The company may enter it some days after it was
// published, now and then only when the next one is out, and a few were wrong
// and are published again the same day.
func (a *actor) publish(m *market, on time.Time, ed edition, size float64) {
	ed.published = a.dayOf(on)
	entered := ed.published + day(a.rng.IntN(4))
	if a.chance(0.06) {
		entered += day(a.rng.IntN(60))
	}
	a.at(a.morning(entered), func() {
		if a.chance(0.02) {
			a.sayEdition(m, ed, size*10)
			a.after(time.Hour, func() { a.sayEdition(m, ed, size) })
			return
		}
		a.sayEdition(m, ed, size)
	})
}

func (a *actor) sayEdition(m *market, ed edition, size float64) {
	ed.amount = int64(size) * 100
	ed.name = ed.month.date().Format("2006-01") + " " + ed.name
	e := a.event(watch, "market_size.published", m.id).text("market_id", m.id).date("month", ed.month).amount("amount", ed.amount).
		text("currency", ed.currency).text("kind", ed.kind).text("publisher", ed.publisher).
		text("edition", ed.name).date("published_date", ed.published)
	if ed.kind == "estimated" {
		e.amount("low_amount", ed.amount*9/10).amount("high_amount", ed.amount*11/10).text("method", "panel")
	} else {
		e.integer("units", int(size/40_000))
	}
	e.send()
	m.sizes = append(m.sizes, ed)
}

// sizeAt is the edition that holds on a day for a month: of those published by
// then in a currency the one of the latest day, and of several of that day the
// last word.
func (m *market) sizeAt(month, on day, ours func(string) bool) *edition {
	var holds *edition
	for i := range m.sizes {
		ed := &m.sizes[i]
		if ed.month == month && ed.published <= on && ours(ed.currency) && (holds == nil || ed.published >= holds.published) {
			holds = ed
		}
	}
	return holds
}

// firstPublished is the first day on which a size for a month was published.
func (m *market) firstPublished(month day, ours func(string) bool) day {
	first := noDay
	for i := range m.sizes {
		if ed := &m.sizes[i]; ed.month == month && ours(ed.currency) && (first == noDay || ed.published < first) {
			first = ed.published
		}
	}
	return first
}
