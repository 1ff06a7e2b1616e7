package demo

import (
	"fmt"
	"slices"
)

// unit is a department.
type unit struct {
	id, name, kind, parent string
	region, product        string  // what a sales team or a developers' team is for
	size                   float64 // people at scale 1
	staff                  []*employee
}

// employee is one of the staff.
type employee struct {
	id    string
	post  string
	unit  *unit        // where they really work; nil: they left
	since day          // when they began there
	said  []assignment // what the personnel system has said, in its order
}

// assignment is what the personnel system says: who belongs where from when,
// and to when where that is known.
type assignment struct {
	unit     string
	from, to day // the last day; noDay: until the next
}

const (
	management = "management"
	marketing  = "marketing"
	sales      = "sales"
	service    = "service"
	rnd        = "rnd"
)

func regions() []string  { return []string{"east", "south", "north", "west", "overseas"} }
func products() []string { return []string{"atlas", "boreas", "cirrus"} }

// overseas is the region whose market nobody measures.
const overseas = "overseas"

func firstUnits() []*unit {
	return []*unit{
		{id: "management", name: "Management", kind: management, size: 4},
		{id: "marketing", name: "Marketing", kind: marketing, parent: "management", size: 10},
		{id: "sales", name: "Sales", kind: sales, parent: "management", size: 2},
		{id: "sales-east", name: "Sales East", kind: sales, parent: "sales", region: "east", size: 12},
		{id: "sales-south", name: "Sales South", kind: sales, parent: "sales", region: "south", size: 9},
		{id: "sales-north", name: "Sales North", kind: sales, parent: "sales", region: "north", size: 7},
		{id: "sales-west", name: "Sales West", kind: sales, parent: "sales", region: "west", size: 6},
		{id: "sales-overseas", name: "Sales Overseas", kind: sales, parent: "sales", region: overseas, size: 4},
		{id: "development", name: "Research and Development", kind: rnd, parent: "management", size: 3},
		{id: "atlas-team", name: "Atlas Team", kind: rnd, parent: "development", product: "atlas", size: 12},
		{id: "boreas-team", name: "Boreas Team", kind: rnd, parent: "development", product: "boreas", size: 10},
		{id: "cirrus-team", name: "Cirrus Team", kind: rnd, parent: "development", product: "cirrus", size: 8},
		{id: "service", name: "Customer Service", kind: service, parent: "management", size: 2},
		{id: "hotline", name: "Hotline", kind: service, parent: "service", size: 12},
		{id: "field-service", name: "Field Service", kind: service, parent: "service", size: 9},
		{id: "finance", name: "Finance", kind: "other", parent: "management", size: 4},
	}
}

// foundPeople loads the organisation into the personnel system, as it stood.
func (a *actor) foundPeople() {
	for _, u := range firstUnits() {
		a.foundUnit(u, a.today()-day(1000))
		for range max(2, int(u.size*min(a.cfg.Scale, 8)+0.5)) {
			a.hire(u, a.today()-day(30+a.rng.IntN(1500)))
		}
	}
}

func (a *actor) foundUnit(u *unit, from day) {
	a.units = append(a.units, u)
	a.sayUnit(u, from)
}

func (a *actor) sayUnit(u *unit, from day) {
	a.event(personnel, "org_unit.changed", u.id).
		text("org_unit_id", u.id).text("name", u.name).text("kind", u.kind).given("parent_id", u.parent).date("valid_from", from).send()
}

func (a *actor) hire(u *unit, from day) {
	post := map[string]string{sales: "sales representative", rnd: "engineer", service: "service agent", marketing: "marketing specialist"}[u.kind]
	if post == "" {
		post = "specialist"
	}
	a.ids["E"]++
	e := &employee{id: fmt.Sprintf("E-%04d", a.ids["E"]), post: post}
	a.staff = append(a.staff, e)
	a.place(e, u, from)
	a.sayAssigned(e, assignment{u.id, from, noDay})
}

// place puts somebody to work somewhere; nil is nowhere.
func (a *actor) place(e *employee, u *unit, from day) {
	if e.unit != nil {
		e.unit.staff = slices.DeleteFunc(e.unit.staff, func(o *employee) bool { return o == e })
	}
	e.unit, e.since = u, from
	if u != nil {
		u.staff = append(u.staff, e)
	}
}

func (a *actor) sayAssigned(e *employee, as assignment) {
	e.said = append(e.said, as)
	ev := a.event(personnel, "employee.assigned", e.id).
		text("employee_id", e.id).text("org_unit_id", as.unit).text("post", e.post).date("valid_from", as.from)
	if as.to != noDay {
		ev.date("valid_to", as.to)
	}
	ev.send()
}

// movePeople lets some of the staff change department, leave and come. The
// personnel system learns of it some days before or after.
func (a *actor) movePeople() {
	a.reorganise()
	for _, e := range slices.Clone(a.staff) {
		if e.unit == nil || e.unit.kind == management {
			continue
		}
		switch x := a.rng.Float64(); {
		case x < 0.018:
			a.planMove(e, a.otherUnit(e.unit))
		case x < 0.031:
			a.planLeave(e)
		}
	}
}

// reorganise founds a department for key accounts in the tenth month, and
// renames one in the sixteenth.
func (a *actor) reorganise() {
	switch a.monthsIn() {
	case 9:
		u := &unit{id: "key-accounts", name: "Key Accounts", kind: sales, parent: "sales"}
		a.foundUnit(u, a.today())
		for _, from := range a.units {
			if from.kind == sales && len(from.staff) > 3 {
				a.planMove(from.staff[0], u)
			}
		}
	case 15:
		u := *a.units[1]
		u.name = "Marketing and Brand"
		a.sayUnit(&u, a.today())
	}
}

// otherUnit is where somebody may move to: mostly to colleagues of the same
// trade, now and then to another one.
func (a *actor) otherUnit(from *unit) *unit {
	cross := a.chance(0.08)
	var choice []*unit
	for _, u := range a.units {
		if u != from && u.kind != management && (cross || u.kind == from.kind) {
			choice = append(choice, u)
		}
	}
	if len(choice) == 0 {
		return from
	}
	return one(a, choice)
}

// planMove moves somebody on a day of the next weeks.
func (a *actor) planMove(e *employee, to *unit) {
	from := a.today() + day(3+a.rng.IntN(25))
	if to == e.unit || from <= e.since {
		return
	}
	a.at(a.morning(from), func() {
		if e.unit != nil {
			a.place(e, to, from)
		}
	})
	said := a.morning(from + day(a.rng.IntN(22)-9))
	a.at(said, func() {
		if a.chance(0.12) { // entered wrongly, and put right soon after
			a.sayAssigned(e, assignment{one(a, a.units).id, from, noDay})
			a.afterWork(days(1+a.rng.Float64()*4), func() { a.sayAssigned(e, assignment{to.id, from, noDay}) })
			return
		}
		a.sayAssigned(e, assignment{to.id, from, noDay})
	})
}

// planLeave lets somebody leave. The personnel system says the same assignment
// again, with its last day.
func (a *actor) planLeave(e *employee) {
	last := a.today() + day(5+a.rng.IntN(20))
	unit, since := e.unit, e.since
	a.at(a.morning(last+1), func() {
		a.place(e, nil, last+1)
		a.hire(unit, last+1+day(a.rng.IntN(20)))
	})
	a.at(a.morning(last-day(a.rng.IntN(4))), func() { a.sayAssigned(e, assignment{unit.id, since, last}) })
}

// departments are where somebody belonged when, by what the personnel system
// has said: of two that begin on one day the later word holds, and an interval
// ends the day before the next or at its own last day.
func (e *employee) departments() []assignment {
	var list []assignment
	for i := range e.said {
		if j := slices.IndexFunc(list, func(o assignment) bool { return o.from == e.said[i].from }); j >= 0 {
			list[j] = e.said[i]
		} else {
			list = append(list, e.said[i])
		}
	}
	slices.SortFunc(list, func(x, y assignment) int { return int(x.from) - int(y.from) })
	for i := range list {
		if i+1 < len(list) && (list[i].to == noDay || list[i].to >= list[i+1].from) {
			list[i].to = list[i+1].from - 1
		}
	}
	return list
}

// colleague draws somebody of a trade at work now; mostly of the team, where it
// has anybody.
func (a *actor) colleague(kind string, team func(*unit) bool) *employee {
	near, others := 0, 0
	for _, u := range a.units {
		switch {
		case u.kind != kind:
		case team(u):
			near += len(u.staff)
		default:
			others += len(u.staff)
		}
	}
	if near+others == 0 {
		return nil
	}
	ofTeam := others == 0 || near > 0 && a.chance(0.94)
	left := a.rng.IntN(map[bool]int{true: near, false: others}[ofTeam])
	for _, u := range a.units {
		if u.kind != kind || team(u) != ofTeam {
			continue
		}
		if left < len(u.staff) {
			return u.staff[left]
		}
		left -= len(u.staff)
	}
	return nil
}

func (a *actor) seller(region string) *employee {
	return a.colleague(sales, func(u *unit) bool { return u.region == region })
}

func (a *actor) developer(product string) *employee {
	return a.colleague(rnd, func(u *unit) bool { return u.product == product })
}

func (a *actor) agent() *employee {
	return a.colleague(service, func(u *unit) bool { return u.id != "service" })
}

func (a *actor) marketer() *employee { return a.colleague(marketing, func(*unit) bool { return true }) }
