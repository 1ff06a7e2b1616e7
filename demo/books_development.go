package demo

import "time"

func (b *books) keepItems() {
	dims := []string{"product", "release_id", "owner", "department"}
	original, current := b.open("otd_original", share, dims...), b.open("otd_current", share, dims...)
	slip := b.open("slip_days", middle, dims...)
	for _, it := range b.a.items {
		for _, p := range it.promises {
			release := ""
			if it.release != nil {
				release = it.release.id
			}
			f := fact{day: p.first, dims: []string{it.product, release, name(p.owner), b.department(p.owner, b.a.dayOf(p.made))}}
			if it.done != noDay {
				f.top = int64(it.done-p.first) * million
				slip.enter(b, f)
			}
			for _, o := range []struct {
				acc *account
				due day
			}{{original, p.first}, {current, p.current}} {
				if it.cancelled != noDay && it.cancelled < o.due {
					continue
				}
				f.day = o.due
				f.top = million * btoi(it.done != noDay && it.done <= o.due)
				o.acc.enter(b, f)
			}
		}
	}
}

// shippedWindow is how many days after a release its defects still count as
// found in time to judge it.
const shippedWindow = 90

func (b *books) keepReleases() {
	byRelease := []string{"product", "department"}
	density, weighted := b.open("defect_density", quotient, byRelease...), b.open("severity_weighted", quotient, byRelease...)
	removed := b.open("dre", share, "product", "department", "severity")
	repair := b.open("mttr", middle, "product", "severity", "release_id", "department")
	home := func(r *release) string { return b.department(r.owner, b.a.dayOf(r.published)) }
	confirmed, escapedWeight := map[*release]int64{}, map[*release]int64{}
	for _, d := range b.a.defects {
		if !d.confirmed() {
			continue
		}
		escaped := d.phase == production
		confirmed[d.release]++
		if escaped {
			escapedWeight[d.release] += d.weight()
		}
		if !d.resolved.IsZero() {
			repair.enter(b, fact{
				day: b.a.dayOf(d.resolved), top: hundredths(d.resolved.Sub(d.reported), time.Hour),
				dims: []string{d.product, d.severity, d.release.id, home(d.release)},
			})
		}
		shipped := b.a.dayOf(d.release.published)
		if shipped == noDay || shipped+shippedWindow > b.a.lastDay || escaped && b.a.dayOf(d.reported) > shipped+shippedWindow {
			continue
		}
		removed.enter(b, fact{day: shipped, top: million * btoi(!escaped), dims: []string{d.product, home(d.release), d.severity}})
	}
	for _, r := range b.a.releases {
		f := fact{day: b.a.dayOf(r.published), dims: []string{r.product, home(r)}}
		if r.size > 0 {
			f.top, f.bottom = confirmed[r]*million, r.size*1000
			density.enter(b, f)
		}
		f.top, f.bottom = escapedWeight[r]*million, million
		weighted.enter(b, f)
	}
}
