package demo

import "time"

// item is a piece of work that the developers do.
type item struct {
	id, product string
	release     *release // nil: in none
	owner       *employee
	promises    []*promise // none: nobody was promised anything
	done        day        // first time; noDay: not yet
	cancelled   day        // noDay: it was not
}

// promise is a commitment to deliver an item by a day.
type promise struct {
	id      string
	owner   *employee
	made    time.Time
	first   day // what was promised first, which stays
	current day // what holds after the changes that were agreed in time
	replans int
	tooLate int // changes that were agreed when the day had passed
}

// promiseItems begins the day's new items.
func (a *actor) promiseItems() {
	mean := a.aDay(95) * a.pace()
	if a.now.Equal(a.start) {
		mean = 120 * a.cfg.Scale // what was being worked on when the tracker began
	}
	for range a.count(mean) {
		a.track(time.Duration(a.rng.Int64N(int64(10*time.Hour))), a.newItem)
	}
}

func (a *actor) newItem() {
	it := &item{id: a.id("W"), product: products()[a.weighted(0.45, 0.33, 0.22)], done: noDay, cancelled: noDay}
	it.owner = a.developer(it.product)
	it.release = a.nextRelease(it.product)
	a.items = append(a.items, it)
	if a.chance(0.1) { // done without a word
		a.track(days(a.around(20, 0.6)), func() { a.complete(it) })
		return
	}
	due := 12 + a.rng.IntN(70)
	a.promise(it, due)
	if a.chance(0.03) { // the same item for a second customer
		a.promise(it, due+7)
	}
	a.work(it, float64(due))
}

func (a *actor) promise(it *item, due int) {
	p := &promise{id: a.id("P"), owner: it.owner, made: a.now, first: a.today() + day(due)}
	p.current = p.first
	it.promises = append(it.promises, p)
	a.sayPromise(it, p, p.first)
	if a.chance(0.02) { // entered again with another day: the first word holds
		a.track(oneDay, func() { a.sayPromise(it, p, p.first+10) })
	}
}

func (a *actor) sayPromise(it *item, p *promise, due day) {
	e := a.event(tracker, "commitment.made", p.id).text("commitment_id", p.id).text("item_id", it.id).text("product", it.product)
	if it.release != nil {
		e.text("release_id", it.release.id)
	}
	e.date("committed_date", due).employee("owner_id", p.owner).given("need_id", map[bool]string{true: "N-" + it.id[2:]}[a.chance(0.3)]).send()
}

// work plans when the item is done, and what happens to its promise before. It
// takes about as long as was thought; the boreas team is slower in its second
// year.
func (a *actor) work(it *item, due float64) {
	took := due * a.around(0.84, 0.28)
	if it.product == "boreas" && a.monthsIn() >= 12 {
		took *= 1.12
	}
	switch x := a.rng.Float64(); {
	case x < 0.03:
		a.track(days(due*0.3), func() { a.abandon(it) })
		return
	case x < 0.04: // on the very day, at any hour
		a.onDay(a.today()+day(due), func() { a.abandon(it) })
		return
	case x < 0.06:
		a.track(days(due+5+a.rng.Float64()*40), func() { a.abandon(it) })
		return
	case x < 0.08: // never
	case x < 0.10: // on the very day
		a.onDay(a.today()+day(due), func() { a.complete(it) })
	case x < 0.11: // minutes after it
		a.onDay(a.today()+day(due)+1, func() { a.complete(it) })
	default:
		a.track(days(took), func() { a.complete(it) })
	}
	late := took > due
	for _, p := range it.promises {
		switch x := a.rng.Float64(); {
		case late && x < 0.45, !late && x < 0.04: // seen in time
			a.track(days(due*(0.5+0.4*a.rng.Float64())), func() { a.replan(it, p, day(took-due)+day(3+a.rng.IntN(12))) })
		case late && x < 0.65: // admitted when it was over
			a.track(days(due+1+a.rng.Float64()*8), func() { a.replan(it, p, day(took-due)+day(2+a.rng.IntN(10))) })
		}
	}
}

// onDay plans a step for an hour of a day: one of the first or of the last in
// which it is another day elsewhere.
func (a *actor) onDay(d day, do func()) {
	year, month, date := d.date().Date()
	hour := []int{0, 1, 2, 4, 6, 12, 19, 21, 22, 23}[a.rng.IntN(10)]
	a.at(time.Date(year, month, date, hour, a.rng.IntN(60), 0, 0, a.cfg.Zone), do)
}

// replan moves a promise. What counts is the day on which it was agreed, where
// that was written down: the tracker may hear of it later.
func (a *actor) replan(it *item, p *promise, by day) {
	if it.done != noDay || it.cancelled != noDay {
		return
	}
	to := p.current + max(by, 2)
	if a.chance(0.04) {
		to = p.current - 3 // earlier than before
	}
	agreed := time.Time{}
	switch x := a.rng.Float64(); {
	case x < 0.6:
		agreed = a.now.Add(-time.Duration(a.rng.IntN(6)) * time.Hour).Truncate(minute)
	case x < 0.75:
		agreed = a.now.Add(-days(a.rng.Float64() * 10)).Truncate(minute)
	}
	e := a.event(tracker, "commitment.rebaselined", p.id).text("commitment_id", p.id).date("new_date", to)
	if !agreed.IsZero() {
		e.instant("approved_at", agreed).employee("approved_by", one(a, a.units[0].staff))
	}
	e.given("reason", one(a, []string{"scope", "supplier", "illness", ""})).send()
	on := a.today()
	if !agreed.IsZero() {
		on = a.dayOf(agreed)
	}
	if on > p.current {
		p.tooLate++
		return
	}
	p.current = to
	p.replans++
	if a.chance(0.15) {
		a.track(days(2+a.rng.Float64()*10), func() { a.replan(it, p, 7) })
	}
}

func (a *actor) complete(it *item) {
	e := a.event(tracker, "item.completed", it.id).text("item_id", it.id)
	if it.release != nil {
		e.text("release_id", it.release.id)
	}
	e.employee("owner_id", it.owner).flag("in_full", a.chance(0.95)).send()
	if it.done != noDay {
		return
	}
	it.done = a.today()
	if a.chance(0.03) { // taken back and delivered again: the first day stays
		a.track(days(3+a.rng.Float64()*20), func() { a.complete(it) })
	}
}

func (a *actor) abandon(it *item) {
	it.cancelled = a.today()
	a.event(tracker, "item.cancelled", it.id).text("item_id", it.id).given("reason", one(a, []string{"not needed", "too dear", ""})).send()
}

// strayDevelopment sends what is about items, promises and defects of the
// former tracker.
func (a *actor) strayDevelopment() {
	if !a.chance(0.6) {
		return
	}
	a.track(days(a.rng.Float64()*25), func() {
		item, promise, defect := a.id("OLD-W"), a.id("OLD-P"), a.id("OLD-D")
		a.event(tracker, "item.cancelled", item).text("item_id", item).send()
		a.event(tracker, "commitment.rebaselined", promise).text("commitment_id", promise).date("new_date", a.today()+30).send()
		a.event(tracker, "defect.status_changed", defect).text("defect_id", defect).text("from_status", "open").text("to_status", "resolved").
			text("resolution", "fixed").send()
		a.event(tracker, "size.measured", "OLD-V").text("release_id", "OLD-V").thousandths("size", 10_000).text("size_unit", "kloc").send()
	})
}
