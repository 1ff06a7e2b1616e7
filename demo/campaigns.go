package demo

import "time"

// spend is money that was spent on a campaign.
type spend struct {
	campaign, channel, product, region string
	amount                             int64
	currency                           string
	on                                 day
}

// spendOnCampaigns spends the day's money. Its bill comes days or weeks later.
func (a *actor) spendOnCampaigns() {
	if wd := a.now.In(a.cfg.Zone).Weekday(); wd == time.Saturday || wd == time.Sunday {
		return
	}
	today := a.today()
	for _, c := range channels() {
		campaign := c.campaign(a)
		if c.cost == 0 || campaign == "" {
			continue
		}
		for range a.count(3 * min(a.cfg.Scale, 4)) {
			region := a.drawRegion()
			s := spend{
				campaign: campaign, channel: c.name, product: a.drawProduct(region), region: region, on: today, currency: a.currency,
				amount: int64(a.around(c.cost*a.season()/21/3*100*max(1, a.cfg.Scale/4), 0.5)),
			}
			if s.region == overseas && a.chance(0.1) {
				s.currency = a.foreign()
			}
			a.afterWork(days(1+a.around(6, 0.9)), func() {
				a.event(crm, "campaign.spend_recorded", s.campaign).text("campaign", s.campaign).text("channel", s.channel).
					text("product", s.product).text("region", s.region).amount("amount", s.amount).text("currency", s.currency).
					date("spend_date", s.on).send()
				a.spends = append(a.spends, s)
			})
		}
	}
}
