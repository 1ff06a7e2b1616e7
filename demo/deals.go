package demo

import "time"

// deal is an opportunity.
type deal struct {
	id                      string
	lead                    *lead     // nil: none
	customer                *customer // nil: not known yet
	product, region, market string
	owner                   *employee // whom the CRM names at the moment
	currency                string
	worth                   int64 // what it will bring, in cents
	pipeline                int64 // the last amount above 0 that was entered; 0: none
	stage                   string
	created                 time.Time
	test                    bool
	closed                  *closing // nil: it is open
}

// closing is how a deal ended.
type closing struct {
	at     time.Time
	result string
	amount int64     // 0: none was entered
	owner  *employee // nil: none was entered
}

const (
	won        = "won"
	lost       = "lost"
	noDecision = "no_decision"
)

// foundDeals loads the deals that were open when the CRM began.
func (a *actor) foundDeals() {
	for range a.count(160 * a.cfg.Scale) {
		a.afterWork(days(a.rng.Float64()*6), func() {
			region := a.drawRegion()
			a.openDeal(&deal{region: region, product: a.drawProduct(region)})
		})
	}
}

// openDeal creates an opportunity and plans its way.
func (a *actor) openDeal(d *deal) {
	d.id, d.created, d.stage, d.currency = a.id("O"), a.now, "discovery", a.currency
	if d.owner == nil || d.owner.unit == nil {
		d.owner = a.seller(d.region)
	}
	if d.region != overseas {
		d.market = d.product + "-" + d.region
	} else if a.chance(0.4) {
		d.currency = a.foreign()
	}
	d.worth = int64(a.around(7_500_000, 0.75))
	e := a.event(crm, "opportunity.created", d.id).text("opportunity_id", d.id)
	if d.lead != nil {
		e.text("lead_id", d.lead.id)
	}
	if d.customer != nil {
		e.text("customer_id", d.customer.id)
	}
	e.text("product", d.product).text("region", d.region).given("market_id", d.market).employee("owner_id", d.owner).
		text("stage", d.stage)
	if a.chance(0.8) {
		a.enterAmount(d, e)
	}
	e.text("currency", d.currency).date("expected_close_date", a.today()+day(20+a.rng.IntN(60))).test(d.test).send()
	a.deals = append(a.deals, d)
	a.negotiate(d, days(a.around(33, 0.7)), [...]float64{0.46, 0.42, 0.12})
}

// foreign draws another currency than the company's own.
func (a *actor) foreign() string {
	for {
		if c := one(a, []string{"USD", "EUR", "CNY", "JPY"}); c != a.currency {
			return c
		}
	}
}

// enterAmount writes what the deal is thought to bring today: about what it
// will bring, and now and then 0.
func (a *actor) enterAmount(d *deal, e *event) {
	guess := int64(float64(d.worth) * (0.8 + 0.4*a.rng.Float64()))
	if a.chance(0.03) {
		guess = 0
	}
	e.amount("amount", guess)
	if guess > 0 {
		d.pipeline = guess
	}
}

// negotiate takes the deal through stages to its end, which is drawn by the
// odds of won, lost and no decision.
func (a *actor) negotiate(d *deal, cycle time.Duration, odds [3]float64) {
	result := [...]string{won, lost, noDecision}[a.weighted(odds[:]...)]
	stages := []string{"proposal", "negotiation"}
	if result != won {
		stages = stages[:a.rng.IntN(3)]
	}
	share := cycle/time.Duration(len(stages)+1) + time.Minute
	var next func(left []string)
	next = func(left []string) {
		a.afterWork(share, func() {
			if len(left) == 0 {
				a.finish(d, result)
				return
			}
			a.move(d, left[0], "open", 0.9)
			next(left[1:])
		})
	}
	next(stages)
}

// move records that the deal has come to a stage, mostly with what it is thought
// to bring. Where its owner has left, or now and then anyway, somebody else
// takes it over.
func (a *actor) move(d *deal, stage, category string, valued float64) {
	if d.owner.unit == nil || a.chance(0.02) {
		d.owner = a.seller(d.region)
	}
	e := a.event(crm, "opportunity.stage_changed", d.id).text("opportunity_id", d.id).text("from_stage", d.stage).
		text("to_stage", stage).text("to_category", category)
	if a.chance(valued) {
		a.enterAmount(d, e)
	}
	e.employee("owner_id", d.owner).send()
	d.stage = stage
}

// finish closes a deal. Some sellers move it to the last stage before, and for
// some their assistants do it afterwards, which opens nothing.
func (a *actor) finish(d *deal, result string) {
	stage, category := "closed lost", lost
	if result == won {
		stage, category = "closed won", won
	}
	switch x := a.rng.Float64(); {
	case x < 0.35:
		a.move(d, stage, category, 0.9)
		a.after(2*time.Second, func() { a.closeDeal(d, result) })
	case x < 0.45:
		a.closeDeal(d, result)
		a.after(2*time.Hour, func() {
			d.owner = a.seller(d.region)
			a.move(d, stage, category, 0.9)
		})
	default:
		d.stage = stage
		a.closeDeal(d, result)
	}
}

// closeDeal ends a deal. A lost one mostly carries the amount 0, as the CRM
// proposes.
func (a *actor) closeDeal(d *deal, result string) {
	c := &closing{at: a.now, result: result, owner: d.owner}
	e := a.event(crm, "opportunity.closed", d.id).text("opportunity_id", d.id).text("result", result)
	switch result {
	case won:
		c.amount = int64(float64(d.worth) * (0.95 + 0.1*a.rng.Float64()))
		if a.chance(0.02) {
			c.amount = 0 // forgotten
		}
		if d.customer == nil {
			d.customer = a.newCustomer(d)
		}
		e.amount("amount", c.amount).text("customer_id", d.customer.id)
	default:
		e.text("reason", one(a, []string{"price", "competitor", "no_budget", "timing", "product fit"}))
		if a.chance(0.15) {
			c.amount = d.pipeline
		}
		if c.amount > 0 || a.chance(0.8) {
			e.amount("amount", c.amount)
		}
	}
	switch x := a.rng.Float64(); {
	case x < 0.02:
		c.owner = nil
	case x < 0.04: // a colleague has closed it
		c.owner = a.seller(d.region)
		e.employee("owner_id", c.owner)
	default:
		e.employee("owner_id", c.owner)
	}
	e.given("currency", d.currency).send()
	d.closed = c
	a.settle(d)
}

// settle is what follows on the end of a deal.
func (a *actor) settle(d *deal) {
	result := d.closed.result
	if result != won {
		if d.lead != nil && a.chance(0.6) {
			a.after(time.Minute, func() { a.enter(d.lead, "lost") })
		}
		if a.chance(0.06) { // the customer is back
			a.afterWork(days(8+a.rng.Float64()*60), func() { a.reopen(d, [...]float64{0.6, 0.35, 0.05}) })
		}
		return
	}
	if d.lead != nil {
		a.after(time.Minute, func() { a.enter(d.lead, "won") })
	}
	if a.chance(0.025) { // closed too early: the customer hesitates
		a.afterWork(days(0.2+a.rng.Float64()*3), func() { a.reopen(d, [...]float64{0.3, 0.6, 0.1}) })
		return
	}
	a.afterWork(time.Hour+days(a.around(3, 0.9)), func() { a.sign(d) })
}

// reopen makes a closed deal an open one again.
func (a *actor) reopen(d *deal, odds [3]float64) {
	d.closed = nil
	a.move(d, "negotiation", "open", 0.5)
	a.negotiate(d, days(a.around(18, 0.6)), odds)
}

// result is how the deal ended by the last word; empty: it is open.
func (d *deal) result() string {
	if d.closed == nil {
		return ""
	}
	return d.closed.result
}

// amount is what the books value a closed deal with: the amount at its close,
// else the last one of the pipeline; 0: none is known.
func (d *deal) amount() int64 {
	if d.closed != nil && d.closed.amount > 0 {
		return d.closed.amount
	}
	return d.pipeline
}

// seller is who closed the deal, else its last known owner.
func (d *deal) seller() *employee {
	if d.closed != nil && d.closed.owner != nil {
		return d.closed.owner
	}
	return d.owner
}

// straySales sends what is about deals and leads of the CRM before this one,
// which nobody created here.
func (a *actor) straySales() {
	if !a.chance(0.6) {
		return
	}
	a.afterWork(days(a.rng.Float64()*25), func() {
		old := a.id("OLD-O")
		a.event(crm, "opportunity.stage_changed", old).text("opportunity_id", old).text("to_stage", "proposal").text("to_category", "open").
			amount("amount", 1_000_000).send()
		a.after(time.Hour, func() {
			a.event(crm, "opportunity.closed", old).text("opportunity_id", old).text("result", won).amount("amount", 1_200_000).send()
		})
		lead := a.id("OLD-L")
		a.event(crm, "lead.stage_changed", lead).text("lead_id", lead).text("to_stage", "won").send()
		contract := a.id("OLD-K")
		a.event(crm, "contract.amended", contract).text("contract_id", contract).amount("amount_delta", -50_000).
			text("currency", a.currency).date("effective_date", a.today()).send()
		a.event(crm, "contract.cancelled", contract).text("contract_id", contract).date("cancelled_date", a.today()).send()
	})
}
