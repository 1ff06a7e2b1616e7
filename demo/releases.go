package demo

import (
	"fmt"
	"slices"
	"time"
)

// release is a version of a product that is shipped.
type release struct {
	id, product, version string
	owner                *employee
	size                 int64 // last measured, in thousandths of kloc; 0: never
	published            time.Time
}

// defect is a fault that somebody reported.
type defect struct {
	id, product, phase, severity string
	release                      *release
	reported                     time.Time
	status, resolution           string    // the last resolution that was given
	resolved                     time.Time // last; zero: it is not, or not any more
	reopened                     int
}

const production = "production"

// planReleases begins each product's release of the month. It ships some weeks
// later, and now and then later than planned.
func (a *actor) planReleases() {
	for i, product := range products() {
		number := a.monthsIn() + 1
		r := &release{
			id: fmt.Sprintf("V-%s-%02d", product, number), product: product,
			version: fmt.Sprintf("%d.%d", 3+i+number/12, number%12), owner: a.developer(product),
		}
		a.releases = append(a.releases, r)
		a.develop(r, days(float64(12+5*i)+a.around(2, 1.1)))
	}
}

// nextRelease is the one that a new item of a product goes into.
func (a *actor) nextRelease(product string) *release {
	if a.chance(0.1) {
		return nil
	}
	of := func(r *release) bool { return r.product == product }
	if i := slices.IndexFunc(a.releases[max(0, len(a.releases)-len(products())):], of); i >= 0 {
		return a.releases[len(a.releases)-len(products())+i]
	}
	return nil
}

// develop plans the release and its defects: most are found before it ships,
// some by customers, and a few of those long after.
func (a *actor) develop(r *release, ships time.Duration) {
	kloc := a.around(17, 0.45) * min(a.cfg.Scale, 4)
	perKloc := map[string]float64{"atlas": 2.6, "boreas": 3.4, "cirrus": 4.6}[r.product]
	escaping := map[string]float64{"atlas": 0.07, "boreas": 0.1, "cirrus": 0.14}[r.product]
	if a.monthsIn() >= 14 {
		escaping *= 0.75 // a better test
	}
	for range a.count(kloc * perKloc) {
		d := &defect{release: r, product: r.product, severity: a.drawSeverity()}
		if a.chance(escaping) {
			d.phase = production
			a.track(ships+time.Hour+days(a.around(18, 1.1)), func() { a.report(d) })
			continue
		}
		d.phase = [...]string{"requirements", "design", "development", "test"}[a.weighted(0.06, 0.12, 0.32, 0.5)]
		a.track(time.Duration(a.rng.Float64()*float64(ships)), func() { a.report(d) })
	}
	if !a.chance(0.06) { // else nobody measured it
		a.measureAfter(r, ships+time.Hour, kloc)
	}
	if a.chance(0.04) {
		return // given up before it shipped
	}
	a.track(ships, func() {
		r.published = a.now
		a.event(tracker, "release.published", r.id).text("release_id", r.id).text("product", r.product).
			text("version_name", r.version).employee("owner_id", r.owner).send()
	})
}

// measureAfter measures the release, a few of them twice and a few also in
// story points, which are no lines of code.
func (a *actor) measureAfter(r *release, wait time.Duration, kloc float64) {
	measure := func(wait time.Duration, size float64, unit string) {
		a.track(wait, func() {
			thousandths := max(1, int64(size*1000))
			a.event(tracker, "size.measured", r.id).text("release_id", r.id).thousandths("size", thousandths).text("size_unit", unit).send()
			if unit == "kloc" {
				r.size = thousandths
			}
		})
	}
	measure(wait, kloc, "kloc")
	if a.chance(0.12) {
		measure(wait+days(1+a.rng.Float64()*9), kloc*(0.95+0.1*a.rng.Float64()), "kloc")
	}
	if a.chance(0.25) {
		measure(wait+days(a.rng.Float64()*3), kloc*8, "story_points")
	}
}

func (a *actor) drawSeverity() string {
	return [...]string{"critical", "major", "minor", "trivial"}[a.weighted(0.06, 0.27, 0.47, 0.2)]
}

func (a *actor) report(d *defect) {
	d.id, d.reported, d.status = a.id("F"), a.now, "open"
	e := a.event(tracker, "defect.reported", d.id).text("defect_id", d.id).text("release_id", d.release.id).text("product", d.product).
		text("found_phase", d.phase).text("severity", d.severity)
	if d.phase == production {
		e.flag("customer_reported", true)
		if len(a.cases) > 0 && a.chance(0.5) {
			e.text("case_id", a.cases[len(a.cases)-1-a.rng.IntN(min(len(a.cases), 50))].id)
		}
	} else {
		e.employee("reporter_id", a.developer(d.product))
	}
	e.send()
	a.defects = append(a.defects, d)
	a.track(days(a.around(0.7, 1)), func() { a.repair(d) })
}

// repair begins the work on a defect, which few are left without.
func (a *actor) repair(d *defect) {
	if a.chance(0.9) {
		a.turn(d, "in_progress", "", a.regrade(d))
	}
	if a.chance(0.95) {
		speed := map[string]float64{"critical": 0.35, "major": 0.8, "minor": 1.6, "trivial": 1.6}[d.severity]
		a.track(days(0.2+a.around(4, 0.9)*speed), func() { a.resolve(d) })
	}
}

// regrade gives a few defects another severity, once somebody has looked.
func (a *actor) regrade(d *defect) string {
	if a.chance(0.08) {
		if s := a.drawSeverity(); s != d.severity {
			return s
		}
	}
	return ""
}

func (a *actor) resolve(d *defect) {
	resolution := [...]string{"fixed", "duplicate", "not_a_bug", "wont_fix", "cannot_reproduce"}[a.weighted(0.76, 0.08, 0.07, 0.05, 0.04)]
	a.turn(d, "resolved", resolution, "")
	d.resolved = a.now
	switch x := a.rng.Float64(); {
	case x < 0.07:
		a.track(days(0.5+a.rng.Float64()*20), func() {
			a.turn(d, "reopened", "", a.regrade(d))
			d.resolved = time.Time{}
			d.reopened++
			if a.chance(0.9) {
				a.track(days(a.around(1, 0.8)), func() { a.repair(d) })
			}
		})
	case x < 0.75:
		a.track(days(1+a.rng.Float64()*5), func() { a.turn(d, "closed", "", "") })
	}
}

// turn records that a defect's status has changed, and what was found out with
// it.
func (a *actor) turn(d *defect, status, resolution, severity string) {
	a.event(tracker, "defect.status_changed", d.id).text("defect_id", d.id).text("from_status", d.status).text("to_status", status).
		given("resolution", resolution).given("severity", severity).employee("assignee_id", a.developer(d.product)).send()
	d.status = status
	if resolution != "" {
		d.resolution = resolution
	}
	if severity != "" {
		d.severity = severity
	}
}

// confirmed tells whether the defect is one: not somebody else's, no mistake,
// and seen again.
func (d *defect) confirmed() bool {
	switch d.resolution {
	case "duplicate", "not_a_bug", "cannot_reproduce":
		return false
	}
	return true
}

// weight is how heavy a defect is.
func (d *defect) weight() int64 {
	switch d.severity {
	case "critical":
		return 10
	case "major":
		return 5
	case "minor":
		return 3
	default:
		return 1
	}
}
