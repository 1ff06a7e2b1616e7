package demo

// saleDims are the dimensions of everything that is sold.
func saleDims() []string {
	return []string{"channel", "product", "region", "market_id", "salesperson", "department"}
}

// keepLeads counts every customer-to-be once, where and when it came first, as
// won when any of the leads that were merged was.
func (b *books) keepLeads() {
	type whole struct {
		first    *lead
		assigned *lead // which of them somebody got first
		won      day
	}
	leads := map[*lead]*whole{}
	var order []*whole
	for _, l := range b.a.leads {
		if l.test {
			continue
		}
		s := l.survivor()
		w := leads[s]
		if w == nil {
			w = &whole{first: l, won: noDay}
			leads[s] = w
			order = append(order, w)
		}
		if l.created.Before(w.first.created) {
			w.first = l
		}
		if l.assignee != nil && (w.assigned == nil || l.assigned.Before(w.assigned.assigned)) {
			w.assigned = l
		}
		if d := b.a.dayOf(l.won); d != noDay && (w.won == noDay || d < w.won) {
			w.won = d
		}
	}
	for s, w := range leads {
		b.first[s] = w.first
	}
	dims := []string{"channel", "campaign", "product", "region", "salesperson", "department"}
	fresh, gained := b.open("new_leads", counted, dims...), b.open("won_leads", counted, dims...)
	rate := b.open("lead_to_won", share, dims...)
	for _, w := range order {
		l, who, since := w.first, w.first.owner, w.first.created
		if w.assigned != nil {
			who, since = w.assigned.assignee, w.assigned.assigned
		}
		f := fact{day: b.a.dayOf(l.created), dims: []string{
			l.channel, l.campaign, l.product, l.region, name(who), b.department(who, b.a.dayOf(since)),
		}}
		fresh.enter(b, f)
		if w.won != noDay && w.won >= f.day && w.won <= f.day+leadWindow {
			f.top = million
		}
		rate.enter(b, f)
		f.day = w.won
		gained.enter(b, f)
	}
	b.divide("lead_to_won_period", "won_leads", "new_leads", dims)
	b.keepSpend()
}

// leadWindow is how many days after its creation a win still counts for a lead.
const leadWindow = 180

func (b *books) keepSpend() {
	dims := []string{"campaign", "channel", "product", "region"}
	money := b.open("campaign_spend", added, dims...)
	for _, s := range b.a.spends {
		if b.ours(s.currency) {
			money.enter(b, fact{day: s.on, dims: []string{s.campaign, s.channel, s.product, s.region}, top: s.amount * 10_000})
		}
	}
	b.divide("cost_per_lead", "campaign_spend", "new_leads", dims)
}

// ours tells whether an amount is in the company's currency; others are not
// added to it.
func (b *books) ours(currency string) bool {
	return b.a.cfg.Currency == "" || currency == b.a.cfg.Currency
}

// channel is the one on which a lead first came. A lead that was merged into
// another, or was a test, is none any more.
func (b *books) channel(l *lead) string {
	if l == nil || l.test || l.mergedInto != nil {
		return ""
	}
	return b.first[l].channel
}

// sold are the dimensions of something that was sold on a day.
func (b *books) sold(l *lead, product, region, market string, who *employee, on day) []string {
	return []string{b.channel(l), product, region, market, name(who), b.department(who, on)}
}

func (b *books) keepDeals() {
	byCount, byAmount := b.open("win_rate_count", share, saleDims()...), b.open("win_rate_amount", quotient, saleDims()...)
	cycle := b.open("sales_cycle", middle, saleDims()...)
	for _, d := range b.a.deals {
		result := d.result()
		if d.test || result == "" {
			continue
		}
		on := b.a.dayOf(d.closed.at)
		f := fact{day: on, dims: b.sold(d.lead, d.product, d.region, d.market, d.seller(), on)}
		if took := on - b.a.dayOf(d.created); result == won && took >= 0 {
			f.top = int64(took) * million
			cycle.enter(b, f)
		}
		if result == noDecision {
			continue
		}
		f.top = 0
		if result == won {
			f.top = million
		}
		byCount.enter(b, f)
		if worth := d.amount() * 10_000; worth > 0 && b.ours(d.currency) {
			f.bottom = worth
			f.top = 0
			if result == won {
				f.top = worth
			}
			byAmount.enter(b, f)
		}
	}
}

// booking is a movement of what customers have signed for.
type booking struct {
	contract *contract
	on       day
	amount   int64
}

// bookings are all movements: what was signed, on the day from which it holds,
// what was changed, and what was taken back.
func (b *books) bookings() []booking {
	var list []booking
	for _, k := range b.a.contracts {
		if k.test {
			continue
		}
		list = append(list, booking{k, k.effective, k.amount})
		sum := k.amount
		for _, am := range k.amendments {
			if k.cancelled != noDay && am.effective > k.cancelled {
				continue
			}
			sum += am.delta
			list = append(list, booking{k, am.effective, am.delta})
		}
		if k.cancelled != noDay {
			list = append(list, booking{k, k.cancelled, -sum})
		}
	}
	return list
}

func (b *books) keepContracts() {
	booked := b.open("bookings", added, saleDims()...)
	for _, m := range b.bookings() {
		k := m.contract
		if b.ours(k.currency) {
			booked.enter(b, fact{day: m.on, top: m.amount * 10_000, dims: b.contractDims(k, m.on)})
		}
	}
	converted := b.open("converted_customers", counted, saleDims()...)
	first := map[*customer]*contract{}
	for _, k := range b.a.contracts {
		if k.test || k.coolingOff {
			continue
		}
		// The contracts are in the order in which they were signed.
		if f := first[k.customer]; f == nil || k.effective < f.effective {
			first[k.customer] = k
		}
	}
	for _, k := range b.a.contracts {
		if first[k.customer] == k {
			converted.enter(b, fact{day: k.effective, dims: b.contractDims(k, k.effective)})
		}
	}
	ordering := b.open("ordering_customers", different, saleDims()...)
	for _, o := range b.a.orders {
		if !o.test {
			on := b.a.dayOf(o.placed)
			ordering.enter(b, fact{day: on, key: o.customer.id, dims: b.sold(o.lead, o.product, o.region, o.market, o.owner, on)})
		}
	}
}

func (b *books) contractDims(k *contract, on day) []string {
	return b.sold(k.lead(), k.product, k.region, k.market, k.owner, on)
}

// keepMarkets compares what was booked with what the markets bought. Months of
// which no size is known yet stay out on both sides.
func (b *books) keepMarkets() {
	markets := map[string]*market{}
	for _, m := range b.a.markets {
		markets[m.id] = m
	}
	own := b.open("bookings_by_market", added, saleDims()...)
	inMonth := map[string]int64{} // by market and month
	for _, m := range b.bookings() {
		k := m.contract
		if k.market == "" || !b.ours(k.currency) {
			continue
		}
		inMonth[k.market+m.on.month().date().String()] += m.amount * 10_000
		if known := markets[k.market].firstPublished(m.on.month(), b.ours); known != noDay && known <= b.a.lastDay {
			own.enter(b, fact{day: m.on, top: m.amount * 10_000, dims: b.contractDims(k, m.on)})
		}
	}
	size := b.open("market_size", added, "market_id")
	bySource := b.open("share_revenue_source", quotient, "market_id", "publisher", "edition", "kind")
	for _, m := range b.a.markets {
		for month := b.a.dayOf(b.a.start); month <= b.a.lastDay; month = (month + 31).month() {
			ed := m.sizeAt(month, b.a.lastDay, b.ours)
			if ed == nil {
				continue
			}
			size.enter(b, fact{day: month, top: ed.amount * 10_000, dims: []string{m.id}})
			bySource.enter(b, fact{
				day: month, top: inMonth[m.id+month.date().String()], bottom: ed.amount * 10_000,
				dims: []string{m.id, ed.publisher, ed.name, ed.kind},
			})
		}
	}
	b.divide("share_revenue", "bookings_by_market", "market_size", saleDims(), "channel", "product", "region", "salesperson", "department")
}
