package demo

import "time"

// customer is somebody who has bought, or is about to.
type customer struct {
	id              string
	product, region string // what they mostly buy, and where they are
}

// contract is a signed contract.
type contract struct {
	id                      string
	customer                *customer
	deal                    *deal // nil: signed without one
	product, region, market string
	owner                   *employee
	amount                  int64
	currency                string
	signed                  time.Time
	effective               day
	cancelled               day // noDay: it holds
	coolingOff              bool
	amendments              []amendment
	test                    bool
}

type amendment struct {
	delta     int64
	effective day
}

// order is something that a customer ordered.
type order struct {
	id                      string
	customer                *customer
	contract                *contract // nil: without one
	product, region, market string
	lead                    *lead
	owner                   *employee
	placed                  time.Time
	test                    bool
}

// foundCustomers are the customers from before, who order without a contract
// in these systems.
func (a *actor) foundCustomers() {
	for range max(3, a.count(260*a.cfg.Scale)) {
		region := a.drawRegion()
		a.addCustomer(a.drawProduct(region), region)
	}
}

func (a *actor) addCustomer(product, region string) *customer {
	c := &customer{id: a.id("C"), product: product, region: region}
	a.customers = append(a.customers, c)
	return c
}

func (a *actor) newCustomer(d *deal) *customer {
	c := &customer{id: a.id("C"), product: d.product, region: d.region}
	if !d.test {
		a.customers = append(a.customers, c)
	}
	return c
}

// sign makes a contract of a deal that was won. Most take effect at once, some
// weeks later; the amount may differ a little from that of the deal.
func (a *actor) sign(d *deal) {
	if d.result() != won {
		return
	}
	k := &contract{
		customer: d.customer, deal: d, product: d.product, region: d.region, market: d.market, owner: d.seller(),
		amount: d.worth, currency: d.currency, effective: a.today(), test: d.test,
	}
	switch x := a.rng.Float64(); {
	case x < 0.3:
		k.effective += day(1 + a.rng.IntN(40))
	case x < 0.35:
		k.effective = max(k.effective-day(1+a.rng.IntN(10)), a.dayOf(a.start)) // back to when the work began
	}
	if a.chance(0.1) {
		k.amount = int64(float64(k.amount) * (0.9 + 0.2*a.rng.Float64()))
	}
	a.saySigned(k)
	if k.effective > a.today()+14 && a.chance(0.5) { // something small in advance, by a contract of its own
		more := *k
		more.deal, more.amount = nil, k.amount/10
		a.afterWork(days(1+a.rng.Float64()*5), func() {
			more.effective = a.today()
			a.saySigned(&more)
		})
	}
}

func (a *actor) saySigned(k *contract) {
	k.id, k.signed, k.cancelled = a.id("K"), a.now, noDay
	e := a.event(crm, "contract.signed", k.id).text("contract_id", k.id).text("customer_id", k.customer.id).amount("amount", k.amount).
		text("currency", k.currency).date("effective_date", k.effective).text("product", k.product).text("region", k.region).
		given("market_id", k.market)
	if k.deal != nil {
		e.text("opportunity_id", k.deal.id)
	}
	if l := k.lead(); l != nil {
		e.text("lead_id", l.id)
	}
	e.employee("owner_id", k.owner).test(k.test).send()
	a.contracts = append(a.contracts, k)
	a.live(k)
}

// lead is the one that the contract came from; nil: none.
func (k *contract) lead() *lead {
	if k.deal == nil {
		return nil
	}
	return k.deal.lead
}

// live is what becomes of a contract: it is amended or cancelled, the customer
// orders, and perhaps buys again.
func (a *actor) live(k *contract) {
	until := a.morning(k.effective).Sub(a.now)
	switch x := a.rng.Float64(); {
	case x < 0.02: // while the law lets them, and whether it has begun or not
		a.afterWork(time.Hour+days(a.rng.Float64()*12), func() { a.cancel(k, true) })
		if a.chance(0.5) {
			a.afterWork(days(20+a.rng.Float64()*30), func() { a.buyAgain(k) })
		}
		return
	case x < 0.055:
		a.afterWork(max(0, until)+days(20+a.rng.Float64()*250), func() { a.cancel(k, false) })
	}
	if a.chance(0.14) {
		a.afterWork(max(0, until)+days(5+a.rng.Float64()*120), func() { a.amend(k) })
	}
	for range 1 + a.count(1.4) {
		a.afterWork(max(0, until)+time.Hour+days(a.rng.Float64()*150), func() {
			if k.cancelled == noDay {
				a.orderUnder(k)
			}
		})
	}
	if a.chance(0.38) {
		a.afterWork(days(60+a.rng.Float64()*240), func() { a.buyAgain(k) })
	}
}

func (a *actor) amend(k *contract) {
	am := amendment{delta: int64(float64(k.amount) * (a.rng.Float64()*0.6 - 0.25)), effective: a.today()}
	switch x := a.rng.Float64(); {
	case x < 0.3:
		am.effective += day(1 + a.rng.IntN(45))
	case x < 0.4:
		am.effective -= day(1 + a.rng.IntN(20))
	}
	a.event(crm, "contract.amended", k.id).text("contract_id", k.id).amount("amount_delta", am.delta).text("currency", k.currency).
		date("effective_date", am.effective).given("reason", one(a, []string{"more licences", "smaller scope", "price", ""})).send()
	k.amendments = append(k.amendments, am)
	if a.chance(0.2) {
		a.afterWork(days(10+a.rng.Float64()*60), func() { a.amend(k) })
	}
}

// cancel ends a contract. It may be entered some days after the day itself,
// and a few are entered twice: the first word holds.
func (a *actor) cancel(k *contract, coolingOff bool) {
	on := a.today()
	if !coolingOff {
		on -= day(a.rng.IntN(6))
	}
	say := func(on day) {
		e := a.event(crm, "contract.cancelled", k.id).text("contract_id", k.id).date("cancelled_date", on)
		if coolingOff || a.chance(0.7) {
			e.flag("in_cooling_off", coolingOff)
		}
		e.given("reason", one(a, []string{"insolvent", "regret", "bad service", ""})).send()
	}
	if k.cancelled == noDay {
		k.cancelled, k.coolingOff = on, coolingOff
	}
	say(on)
	if a.chance(0.04) {
		a.afterWork(days(1+a.rng.Float64()*6), func() { say(a.today()) })
	}
}

// buyAgain is a deal with a customer who is known, without a lead.
func (a *actor) buyAgain(k *contract) {
	if k.cancelled != noDay && !k.coolingOff || k.test {
		return
	}
	d := &deal{customer: k.customer, product: k.product, region: k.region, owner: k.owner}
	if a.chance(0.4) {
		d.product = a.drawProduct(k.region)
	}
	a.openDeal(d)
}

// orderUnder places an order under a contract.
func (a *actor) orderUnder(k *contract) {
	o := &order{
		customer: k.customer, contract: k, product: k.product, region: k.region, market: k.market, owner: k.owner, test: k.test,
	}
	o.lead = k.lead()
	a.placeOrder(o, k.amount/4, k.currency)
}

// arriveOrders are those that customers place without a contract.
func (a *actor) arriveOrders() {
	for range a.count(a.aDay(130) * a.pace()) {
		a.at(a.anyTime(a.now), func() {
			c := one(a, a.customers)
			o := &order{customer: c, product: c.product, region: c.region, owner: a.seller(c.region)}
			if c.region != overseas {
				o.market = c.product + "-" + c.region
			}
			a.placeOrder(o, int64(a.around(800_000, 0.8)), a.currency)
		})
	}
}

// placeOrder sends an order, and what it leads to: questions, complaints, and
// the question how it went.
func (a *actor) placeOrder(o *order, amount int64, currency string) {
	o.id, o.placed = a.id("B"), a.now
	if o.owner != nil && o.owner.unit == nil && a.chance(0.7) { // the rest keep the name of somebody who has left
		o.owner = a.seller(o.region)
	}
	e := a.event(crm, "order.placed", o.id).text("order_id", o.id).text("customer_id", o.customer.id)
	if o.contract != nil {
		e.text("contract_id", o.contract.id)
		if d := o.contract.deal; d != nil {
			e.text("opportunity_id", d.id)
		}
	}
	if o.lead != nil {
		e.text("lead_id", o.lead.id)
	}
	e.amount("amount", amount).text("currency", currency).integer("units", 1+a.rng.IntN(20)).text("product", o.product).
		text("region", o.region).given("market_id", o.market).employee("owner_id", o.owner).test(o.test).send()
	a.orders = append(a.orders, o)
	if o.test {
		return
	}
	if a.chance(0.45) {
		a.soon(days(a.around(9, 1)), func() { a.openCase(o.customer, o) })
	}
	if a.chance(0.55) {
		a.soon(days(4+a.rng.Float64()*20), func() {
			a.invite(&invitation{instrument: afterOrder, customer: o.customer, order: o, product: o.product, region: o.region, agent: a.agent()})
		})
	}
}
