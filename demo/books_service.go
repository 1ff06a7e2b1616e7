package demo

import "time"

func (b *books) keepService() {
	dims := []string{"kind", "product", "region", "channel", "agent", "department"}
	first := b.open("first_response_time", middle, dims...)
	met := b.open("sla_met", share, dims[1:]...)
	complaints := b.open("complaint_count", counted, dims[1:]...)
	for _, k := range b.a.cases {
		if k.test {
			continue
		}
		opened := b.a.dayOf(k.opened)
		f := fact{day: opened, dims: []string{k.kind, k.product, k.region, k.channel, name(k.agent), b.department(k.agent, opened)}}
		if !k.replied.IsZero() {
			f.top = hundredths(k.replied.Sub(k.opened), time.Minute)
			first.enter(b, f)
		}
		if k.kind != "complaint" {
			continue
		}
		f.top, f.dims = 0, f.dims[1:]
		complaints.enter(b, f)
		if k.due.IsZero() {
			continue
		}
		if !k.solved.IsZero() && !k.solved.After(k.due) {
			f.top = million
		}
		f.day = b.a.resolutionDecided(k)
		met.enter(b, f)
	}
}

// hundredths is how many units a time took, rounded to hundredths of one, in
// millionths.
func hundredths(took, unit time.Duration) int64 {
	part := int64(unit / 100)
	return (int64(took) + part/2) / part * (million / 100)
}

// responseWindow is within how many days an answer counts for the response
// rate.
const responseWindow = 14

func (b *books) keepSurveys() {
	dims := []string{"product", "region", "instrument", "agent", "department"}
	content := b.open("csat_top2", share, dims...)
	contentNow := b.open("csat_top2_by_response", share, dims...)
	promoters := b.open("nps", averaged, dims...)
	answered := b.open("response_rate", share, dims...)
	for _, v := range b.a.surveys {
		f := fact{dims: []string{v.product, v.region, v.instrument, name(v.agent), b.department(v.agent, v.interaction)}}
		if v.delivered {
			f.day = b.a.dayOf(v.sent)
			if on := b.a.dayOf(v.responded); on != noDay && on <= f.day+responseWindow {
				f.top = million
			}
			answered.enter(b, f)
		}
		if w := v.answers["csat"]; w != nil && w.valid() && w.min == 1 && w.max == 5 {
			f.top = million * btoi(w.score >= 4)
			f.day = v.interaction
			content.enter(b, f)
			f.day = b.a.dayOf(w.at)
			contentNow.enter(b, f)
		}
		if w := v.answers["nps"]; w != nil && w.valid() && w.min == 0 && w.max == 10 {
			f.top = 100 * million * (btoi(w.score >= 9) - btoi(w.score <= 6))
			f.day = v.interaction
			promoters.enter(b, f)
		}
	}
}
