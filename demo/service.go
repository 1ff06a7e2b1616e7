package demo

import "time"

// serviceCase is a customer's question, complaint or incident.
type serviceCase struct {
	id, kind, product, region, channel string
	customer                           *customer
	order                              *order
	agent                              *employee
	opened                             time.Time
	replied                            time.Time // first public answer of a human; zero: none
	solved                             time.Time // last; zero: it is not, or not any more
	due                                time.Time // of the resolution, the first that was set; zero: none
	reopened                           int
	test                               bool
}

// arriveCases are those of customers without an order in mind.
func (a *actor) arriveCases() {
	for range a.count(a.aDay(170) * a.pace()) {
		a.at(a.anyTime(a.now).Truncate(second), func() { a.openCase(one(a, a.customers), nil) })
	}
}

func (a *actor) openCase(c *customer, o *order) {
	k := &serviceCase{
		id: a.id("S"), customer: c, order: o, product: c.product, region: c.region, opened: a.now, agent: a.agent(),
		kind:    [...]string{"question", "incident", "complaint", "partner_dispute"}[a.weighted(0.5, 0.2, 0.26, 0.04)],
		channel: [...]string{"phone", "mail", "portal", "chat"}[a.weighted(0.35, 0.3, 0.25, 0.1)],
		test:    a.chance(0.004),
	}
	if o != nil {
		k.product = o.product
	}
	e := a.event(desk, "case.opened", k.id).text("case_id", k.id).text("kind", k.kind).text("customer_id", c.id)
	if o != nil {
		e.text("order_id", o.id)
	}
	e.text("product", k.product).text("region", k.region).text("channel", k.channel).employee("owner_id", k.agent).test(k.test).send()
	a.cases = append(a.cases, k)
	promised := 0.5
	if k.kind == "complaint" {
		promised = 0.96
	}
	if a.chance(promised) {
		a.soon(time.Duration(1+a.rng.IntN(40))*second, func() { a.promiseAnswer(k) })
	}
	if a.chance(0.75) { // a machine thanks for the message
		a.soon(4*second, func() { a.reply(k, true, false) })
	}
	if a.chance(0.25) { // colleagues talk among themselves
		a.soon(time.Duration(3+a.rng.IntN(60))*time.Minute, func() { a.reply(k, false, true) })
	}
	if a.chance(0.975) {
		a.soon(a.waiting(k), func() { a.reply(k, true, true) })
	}
	if a.chance(0.965) {
		a.soon(time.Duration(20+a.rng.IntN(40))*time.Minute+days(a.around(0.55, 1)*k.severity()), func() { a.solve(k) })
	}
}

// waiting is how long a customer waits for a human.
func (a *actor) waiting(k *serviceCase) time.Duration {
	wait := a.around(48, 0.9) * a.season()
	if k.channel == "phone" || k.channel == "chat" {
		wait *= 0.25
	}
	return time.Duration(wait * float64(time.Minute))
}

func (k *serviceCase) severity() float64 {
	if k.kind == "complaint" || k.kind == "partner_dispute" {
		return 1.6
	}
	return 0.8
}

// promiseAnswer sets the targets of a case. A target that is changed later
// doesn't count: the one that was set first holds.
func (a *actor) promiseAnswer(k *serviceCase) {
	first, resolution := 240, 72*60
	if k.kind == "complaint" {
		first, resolution = 120, 48*60
	}
	if a.chance(0.9) {
		a.setTarget(k, "first_response", first)
	}
	k.due = k.opened.Add(time.Duration(resolution) * time.Minute)
	a.setTarget(k, "resolution", resolution)
	if a.chance(0.05) {
		a.soon(days(0.5+a.rng.Float64()), func() { a.setTarget(k, "resolution", resolution*3) })
	}
}

func (a *actor) setTarget(k *serviceCase, measure string, minutes int) {
	a.event(desk, "case.sla_set", k.id).text("case_id", k.id).text("measure", measure).
		instant("due_at", k.opened.Add(time.Duration(minutes)*time.Minute)).integer("target_minutes", minutes).send()
}

func (a *actor) reply(k *serviceCase, public, human bool) {
	e := a.event(desk, "case.replied", k.id).text("case_id", k.id).flag("is_public", public).flag("is_human", human)
	if human {
		e.employee("agent_id", k.agent)
	}
	e.send()
	if !public || !human {
		return
	}
	if k.replied.IsZero() {
		k.replied = a.now
	}
	if a.chance(0.3) {
		a.soon(days(a.around(0.5, 1)), func() { a.reply(k, true, true) })
	}
}

func (a *actor) solve(k *serviceCase) {
	a.event(desk, "case.solved", k.id).text("case_id", k.id).employee("agent_id", k.agent).
		given("resolution", one(a, []string{"answered", "replaced", "refunded", "repaired", ""})).send()
	k.solved = a.now
	if a.chance(0.07) {
		a.soon(days(0.2+a.rng.Float64()*12), func() { a.reopenCase(k) })
	} else if !k.test && a.chance(0.6) {
		a.soon(time.Hour+days(a.rng.Float64()), func() {
			a.invite(&invitation{instrument: afterCase, customer: k.customer, service: k, product: k.product, region: k.region, agent: k.agent})
		})
	}
}

func (a *actor) reopenCase(k *serviceCase) {
	k.solved = time.Time{}
	k.reopened++
	a.event(desk, "case.reopened", k.id).text("case_id", k.id).given("reason", one(a, []string{"not solved", "same again", ""})).send()
	if a.chance(0.85) {
		a.soon(days(a.around(0.8, 0.9)), func() { a.solve(k) })
	}
}

// resolutionDecided is the day on which it is known whether the target was
// met: that of the solution, or of the target where it passes before.
func (a *actor) resolutionDecided(k *serviceCase) day {
	switch {
	case k.due.IsZero():
		return noDay
	case !k.solved.IsZero() && k.solved.Before(k.due):
		return a.dayOf(k.solved)
	default:
		return a.dayOf(k.due)
	}
}

// strayService sends what is about cases and invitations of the former desk.
func (a *actor) strayService() {
	if !a.chance(0.6) {
		return
	}
	a.soon(days(a.rng.Float64()*25), func() {
		old := a.id("OLD-S")
		a.event(desk, "case.replied", old).text("case_id", old).flag("is_public", true).flag("is_human", true).send()
		a.event(desk, "case.sla_set", old).text("case_id", old).text("measure", "resolution").instant("due_at", a.now.Add(oneDay)).send()
		a.soon(time.Hour, func() { a.event(desk, "case.solved", old).text("case_id", old).send() })
		form := a.id("OLD-I")
		a.event(survey, "survey.response_submitted", form).text("response_id", a.id("R")).text("invitation_id", form).
			text("question", "csat").integer("scale_min", 1).integer("scale_max", 5).integer("answer", 5).flag("is_valid", true).send()
	})
}
