package demo

import (
	"slices"
	"time"
)

// channel is a way on which leads come.
type channel struct {
	name     string
	share    float64 // of the leads
	quality  float64 // share of them that becomes an opportunity
	campaign func(a *actor) string
	cost     float64 // a month at scale 1, in the company's currency
}

func noCampaign(*actor) string { return "" }

func channels() []channel {
	return []channel{
		{"web", 0.34, 0.17, func(a *actor) string { return map[bool]string{true: "search-ads", false: ""}[a.chance(0.5)] }, 90_000},
		{"referral", 0.12, 0.50, noCampaign, 0},
		{"trade_fair", 0.14, 0.33, func(a *actor) string {
			return map[bool]string{true: "spring-fair", false: "autumn-fair"}[a.now.In(a.cfg.Zone).Month() < time.July]
		}, 120_000},
		{"partner", 0.13, 0.38, func(*actor) string { return "partner-days" }, 40_000},
		{"cold_call", 0.13, 0.08, noCampaign, 0},
		{"mail", 0.11, 0.13, func(*actor) string { return "newsletter" }, 15_000},
		{"unknown", 0.03, 0.25, noCampaign, 0},
	}
}

func (a *actor) drawChannel() channel {
	list := channels()
	x := a.rng.Float64()
	for _, c := range list {
		if x -= c.share; x < 0 {
			return c
		}
	}
	return list[0]
}

// lead is one lead as the company knows it.
type lead struct {
	id                                 string
	created                            time.Time
	channel, campaign, product, region string
	quality                            float64
	owner                              *employee // who entered it; nil: nobody
	test                               bool
	assignee                           *employee // who first got it; nil: nobody
	assigned                           time.Time
	stage                              string
	won                                time.Time // first; zero: never
	mergedInto                         *lead
}

// survivor is the lead that it is now.
func (l *lead) survivor() *lead {
	for l.mergedInto != nil {
		l = l.mergedInto
	}
	return l
}

const leadsPerMonth = 1160

func (a *actor) arriveLeads() {
	for range a.count(a.aDay(leadsPerMonth) * a.pace()) {
		a.at(a.anyTime(a.now), a.newLead)
	}
}

func (a *actor) drawRegion() string {
	return regions()[a.weighted(0.32, 0.24, 0.19, 0.15, 0.10)]
}

// drawProduct draws a product; each region has its favourite.
func (a *actor) drawProduct(region string) string {
	switch region {
	case "east", "north":
		return products()[a.weighted(0.5, 0.3, 0.2)]
	default:
		return products()[a.weighted(0.3, 0.35, 0.35)]
	}
}

func (a *actor) newLead() {
	c, region := a.drawChannel(), a.drawRegion()
	l := &lead{
		id: a.id("L"), created: a.now, channel: c.name, campaign: c.campaign(a), region: region, product: a.drawProduct(region),
		quality: c.quality, test: a.chance(0.003), stage: "new",
	}
	if c.name != "unknown" {
		l.owner = a.marketer()
	}
	potential := a.weighted(1, 2, 1)
	l.quality *= [...]float64{1.5, 1, 0.55}[potential]
	a.event(crm, "lead.created", l.id).text("lead_id", l.id).text("channel", l.channel).text("campaign", l.campaign).
		text("product", l.product).text("region", l.region).text("potential", [...]string{"A", "B", "C"}[potential]).
		employee("owner_id", l.owner).text("email", "contact-"+l.id+"@example.com").
		amount("expected_amount", int64(a.around(5_000_000, 0.6))).test(l.test).send()
	a.leads = append(a.leads, l)
	if a.chance(0.94) {
		a.afterWork(time.Hour+days(a.rng.Float64()*2), func() { a.assign(l) })
	}
	a.progress(l)
	// Now and then a customer is entered twice and the CRM merges the two.
	if len(a.leads) > 20 && a.chance(0.015) {
		twin := a.leads[len(a.leads)-2-a.rng.IntN(15)]
		a.after(time.Hour+days(a.rng.Float64()*3), func() { a.merge(l, twin) })
	}
}

func (a *actor) assign(l *lead) {
	who := a.seller(l.region)
	a.event(crm, "lead.assigned", l.id).text("lead_id", l.id).employee("assignee_id", who).
		given("org_unit_id", who.unit.id).given("reason", map[bool]string{true: "by region"}[a.chance(0.3)]).send()
	if l.assignee == nil {
		l.assignee, l.assigned = who, a.now
		if a.chance(0.06) {
			a.afterWork(days(1+a.rng.Float64()*20), func() { a.assign(l) })
		}
	}
}

// progress takes a lead through its stages: to an opportunity, to lost, or to
// where it stays.
func (a *actor) progress(l *lead) {
	stages := []string{"mql", "sal", "sql"}
	reached, end := len(stages), "opportunity"
	switch x := a.rng.Float64(); {
	case x < l.quality:
	case x < l.quality+0.38:
		end, reached = "lost", a.rng.IntN(len(stages)+1)
	default:
		end, reached = "", a.weighted(0.55, 0.25, 0.12, 0.08)
	}
	stages = stages[:reached]
	if reached == 3 && a.chance(0.08) {
		stages = []string{"mql", "sql"} // a stage that is skipped
	}
	if end != "" {
		stages = append(slices.Clip(stages), end)
	}
	pace := days(a.around(3.2, 0.8))
	a.climb(l, stages, pace)
}

// climb takes one stage after another.
func (a *actor) climb(l *lead, stages []string, pace time.Duration) {
	if len(stages) == 0 {
		return
	}
	a.afterWork(pace+time.Minute, func() {
		a.enter(l, stages[0])
		if stages[0] == "opportunity" {
			a.openDeal(&deal{lead: l, product: l.product, region: l.region, owner: l.assignee, test: l.test})
			return
		}
		if stages[0] == "sal" && a.chance(0.03) { // sales send it back
			a.afterWork(pace+time.Minute, func() {
				a.enter(l, "mql")
				a.climb(l, stages[1:], pace)
			})
			return
		}
		a.climb(l, stages[1:], pace)
	})
}

// enter records that a lead has come to a stage.
func (a *actor) enter(l *lead, stage string) {
	e := a.event(crm, "lead.stage_changed", l.id).text("lead_id", l.id).text("from_stage", l.stage).text("to_stage", stage).
		employee("owner_id", l.assignee)
	if stage == "lost" {
		e.text("reason", one(a, []string{"price", "no_budget", "competitor", "no_answer"}))
	}
	e.send()
	l.stage = stage
	if stage == "won" && l.won.IsZero() {
		l.won = a.now
	}
}

// merge makes one lead part of another, which may become part of a third. A few
// merges go into the wrong lead, and the CRM says a second time where it went.
func (a *actor) merge(gone, into *lead) {
	if gone == into || gone.mergedInto != nil || into.mergedInto != nil || gone.test || into.test {
		return
	}
	gone.mergedInto = into
	a.sayMerged(gone, into)
	if a.chance(0.05) {
		third := one(a, a.leads)
		a.after(days(1+a.rng.Float64()*9), func() { a.merge(into, third) })
	}
	if !a.chance(0.06) {
		return
	}
	right := one(a, a.leads)
	a.after(time.Hour+days(a.rng.Float64()), func() {
		if right.survivor() == right && right != gone && !right.test {
			gone.mergedInto = right
			a.sayMerged(gone, right)
		}
	})
}

func (a *actor) sayMerged(gone, into *lead) {
	a.event(crm, "lead.merged", into.id).text("lead_id", gone.id).text("survivor_id", into.id).send()
}
