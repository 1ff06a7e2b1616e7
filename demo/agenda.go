package demo

import (
	"math"
	"time"
)

// step is something that will happen.
type step struct {
	at  time.Time
	seq int // of two at the same instant the one that was planned first
	do  func()
}

func (s *step) before(o *step) bool {
	if c := s.at.Compare(o.at); c != 0 {
		return c < 0
	}
	return s.seq < o.seq
}

// agenda is a heap of what is to happen, the next on top.
type agenda struct {
	steps []step
	seq   int
}

func (g *agenda) push(at time.Time, do func()) {
	g.seq++
	g.steps = append(g.steps, step{at, g.seq, do})
	for i := len(g.steps) - 1; i > 0; {
		parent := (i - 1) / 2
		if !g.steps[i].before(&g.steps[parent]) {
			return
		}
		g.steps[i], g.steps[parent] = g.steps[parent], g.steps[i]
		i = parent
	}
}

func (g *agenda) pop() step {
	top, last := g.steps[0], len(g.steps)-1
	g.steps[0] = g.steps[last]
	g.steps[last] = step{} // what it holds may be collected
	g.steps = g.steps[:last]
	for i := 0; ; {
		least := i
		for _, child := range [2]int{2*i + 1, 2*i + 2} {
			if child < last && g.steps[child].before(&g.steps[least]) {
				least = child
			}
		}
		if least == i {
			return top
		}
		g.steps[i], g.steps[least] = g.steps[least], g.steps[i]
		i = least
	}
}

// at plans a step. What would happen after the end never happens, nor does
// anything that it would lead to.
func (a *actor) at(when time.Time, do func()) {
	when = when.Truncate(time.Millisecond)
	if when.Before(a.now) {
		when = a.now
	}
	if when.Before(a.end) {
		a.agenda.push(when, do)
	}
}

// after plans a step a while from now.
func (a *actor) after(wait time.Duration, do func()) { a.at(a.now.Add(wait), do) }

// afterWork plans a step for office hours a while from now.
func (a *actor) afterWork(wait time.Duration, do func()) { a.at(a.office(a.now.Add(wait)), do) }

// soon plans a step at the service desk, whose clock knows seconds.
func (a *actor) soon(wait time.Duration, do func()) {
	a.at(a.now.Add(wait+second).Truncate(second), do)
}

// track plans a step in the developers' tracker, whose clock knows minutes, in
// office hours.
func (a *actor) track(wait time.Duration, do func()) {
	a.at(a.office(a.now.Add(wait)).Add(minute).Truncate(minute), do)
}

// onDay plans a step for an hour of a day: one of the first or of the last in
// which it is another day elsewhere.
func (a *actor) onDay(d day, do func()) {
	year, month, date := d.date().Date()
	hour := []int{0, 1, 2, 4, 6, 12, 19, 21, 22, 23}[a.rng.IntN(10)]
	a.at(time.Date(year, month, date, hour, a.rng.IntN(60), 0, 0, a.cfg.Zone), do)
}

// office moves an instant into office hours: to the next working day where it
// falls on a weekend, and to some time of the day where it is night. Some of
// the staff work at night, when it is another day elsewhere.
func (a *actor) office(t time.Time) time.Time {
	t = t.In(a.cfg.Zone)
	if a.chance(0.07) {
		return t
	}
	moved := t
	for moved.Weekday() == time.Saturday || moved.Weekday() == time.Sunday {
		moved = moved.AddDate(0, 0, 1)
	}
	if h := moved.Hour(); moved.Equal(t) && h >= 8 && h < 19 {
		return t
	}
	moved = a.during(moved)
	if moved.Before(t) { // late in the evening: the next day is soon enough
		return a.office(a.during(t.AddDate(0, 0, 1)))
	}
	return moved
}

// during draws an instant in the office hours of a day.
func (a *actor) during(t time.Time) time.Time {
	return midnight(t).Add(8*time.Hour + time.Duration(a.rng.Int64N(int64(11*time.Hour)))).Truncate(time.Millisecond)
}

// morning draws an early instant of a business day.
func (a *actor) morning(d day) time.Time {
	year, month, date := d.date().Date()
	return time.Date(year, month, date, 8, a.rng.IntN(60), a.rng.IntN(60), 0, a.cfg.Zone)
}

// anyTime draws an instant of a day, most in office hours, some at any hour.
func (a *actor) anyTime(t time.Time) time.Time {
	if a.chance(0.8) {
		return a.during(t)
	}
	return midnight(t).Add(time.Duration(a.rng.Int64N(int64(24 * time.Hour)))).Truncate(time.Millisecond)
}

func midnight(t time.Time) time.Time {
	year, month, day := t.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, t.Location())
}

// day is a business day, counted from 1970-01-01. noDay is none.
type day int32

const noDay = day(math.MinInt32)

// dayOf is the business day of an instant.
func (a *actor) dayOf(t time.Time) day {
	if t.IsZero() {
		return noDay
	}
	year, month, d := t.In(a.cfg.Zone).Date()
	return dateDay(year, month, d)
}

func (a *actor) today() day { return a.dayOf(a.now) }

func dateDay(year int, month time.Month, d int) day {
	return day(time.Date(year, month, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
}

// date is midnight UTC of the day.
func (d day) date() time.Time { return time.Unix(int64(d)*24*60*60, 0).UTC() }

// month is the first day of the day's month.
func (d day) month() day {
	year, month, _ := d.date().Date()
	return dateDay(year, month, 1)
}

const (
	oneDay = 24 * time.Hour
	// minute is the finest that the developers' tracker knows, and second the
	// finest of the service desk.
	minute = time.Minute
	second = time.Second
)

// days is a span of so many days.
func days(n float64) time.Duration { return time.Duration(n * float64(oneDay)) }

// chance is true with a probability.
func (a *actor) chance(p float64) bool { return a.rng.Float64() < p }

// around draws a log-normal value with a median, as durations and amounts have
// it: most near the median, a few far above.
func (a *actor) around(median, spread float64) float64 {
	return median * math.Exp(a.rng.NormFloat64()*spread)
}

// count draws how many of something happen where mean are expected.
func (a *actor) count(mean float64) int {
	if mean > 30 {
		return max(0, int(math.Round(mean+a.rng.NormFloat64()*math.Sqrt(mean))))
	}
	n, product, limit := 0, a.rng.Float64(), math.Exp(-mean)
	for product > limit {
		n++
		product *= a.rng.Float64()
	}
	return n
}

// one draws from a list.
func one[T any](a *actor, list []T) T { return list[a.rng.IntN(len(list))] }

// weighted draws a place in a list of weights, whatever their sum.
func (a *actor) weighted(weights ...float64) int {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	x := a.rng.Float64() * sum
	for i, w := range weights {
		if x -= w; x < 0 {
			return i
		}
	}
	return len(weights) - 1
}

// season is how a month compares with the mean: little around the Chinese new
// year, much at the fairs of spring and autumn.
func (a *actor) season() float64 {
	return [...]float64{0.85, 0.55, 1.25, 1.2, 1.05, 1.0, 0.9, 0.9, 1.2, 1.15, 1.05, 0.9}[a.now.In(a.cfg.Zone).Month()-1]
}

// today's business compares with that of a mean day: it grows by the month,
// has its seasons, and rests at weekends.
func (a *actor) pace() float64 {
	pace := a.season() * math.Pow(1.012, float64(a.monthsIn()))
	switch a.now.In(a.cfg.Zone).Weekday() {
	case time.Saturday, time.Sunday:
		return pace * 0.35
	default:
		return pace * 1.26
	}
}

// aDay is how many of something a mean day has where a month has so many, at
// this company's size.
func (a *actor) aDay(month float64) float64 { return month * a.cfg.Scale / 30.4 }
