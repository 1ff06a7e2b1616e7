package demo

import (
	"strconv"
	"time"
)

// system is a source system of the company: it has a topic of its own and its
// own way of writing an instant.
type system int

const (
	crm system = iota
	desk
	survey
	tracker
	personnel
	watch
)

// Topics lists the topics that the company's systems send to.
func Topics() []string {
	return []string{"crm.events", "service.events", "survey.events", "rnd.events", "hr.events", "market.events"}
}

func (s system) topic() string { return Topics()[s] }

func (s system) source() string {
	return [...]string{"/crm", "/service", "/survey", "/rnd", "/hr", "/market"}[s]
}

// utc tells whether the system writes instants with Z instead of the company's
// offset.
func (s system) utc() bool { return s == desk || s == survey }

// layout is how fine the system's clock is.
func (s system) layout() string {
	switch s {
	case crm, survey:
		return "2006-01-02T15:04:05.000Z07:00"
	default:
		return time.RFC3339
	}
}

// writer holds what the company has sent, in the order in which it happened.
type writer struct {
	messages []Message
	buf      []byte // the event that is being written
	free     []byte // room for the events to come, taken a piece at a time
	events   int
}

// event is one that is being written. Its texts hold nothing that JSON would
// escape: they are all the company's own.
type event struct {
	a    *actor
	from system
	key  string
	some bool // a field has been written
}

// event begins one of a type about a key. It happens now.
func (a *actor) event(from system, kind, key string) *event { return a.eventAt(from, kind, key, a.now) }

// eventAt begins one that is entered now and happened before.
func (a *actor) eventAt(from system, kind, key string, at time.Time) *event {
	a.out.events++
	b := a.out.buf[:0]
	b = append(b, `{"specversion":"1.0","id":"`...)
	b = strconv.AppendUint(b, a.cfg.Seed, 10)
	b = append(b, '-')
	id := strconv.Itoa(a.out.events)
	b = append(append(b, "00000000"[min(len(id), 8):]...), id...)
	b = append(append(b, `","source":"`...), from.source()...)
	b = append(append(b, `","type":"`...), kind...)
	b = append(b, `.v1","time":"`...)
	b = a.appendInstant(b, from, at)
	b = append(append(b, `","subject":"`...), key...)
	b = append(b, `","data":{`...)
	a.out.buf = b
	return &event{a: a, from: from, key: key}
}

func (a *actor) appendInstant(b []byte, from system, at time.Time) []byte {
	if from.utc() {
		return at.UTC().AppendFormat(b, from.layout())
	}
	return at.In(a.cfg.Zone).AppendFormat(b, from.layout())
}

func (e *event) name(name string) []byte {
	b := e.a.out.buf
	if e.some {
		b = append(b, ',')
	}
	e.some = true
	return append(append(append(b, '"'), name...), '"', ':')
}

// text writes a text, null where it is empty.
func (e *event) text(name, value string) *event {
	if value == "" {
		e.a.out.buf = append(e.name(name), "null"...)
	} else {
		e.a.out.buf = append(append(append(e.name(name), '"'), value...), '"')
	}
	return e
}

// given writes a text, and nothing at all where it is empty.
func (e *event) given(name, value string) *event {
	if value == "" {
		return e
	}
	return e.text(name, value)
}

func (e *event) employee(name string, who *employee) *event {
	if who == nil {
		return e.text(name, "")
	}
	return e.text(name, who.id)
}

func (e *event) integer(name string, value int) *event {
	e.a.out.buf = strconv.AppendInt(e.name(name), int64(value), 10)
	return e
}

func (e *event) flag(name string, value bool) *event {
	e.a.out.buf = strconv.AppendBool(e.name(name), value)
	return e
}

// test marks a record that somebody made to try the system.
func (e *event) test(is bool) *event {
	if is {
		return e.flag("is_test", true)
	}
	return e
}

func (e *event) date(name string, d day) *event {
	if d == noDay {
		return e.text(name, "")
	}
	b := append(e.name(name), '"')
	e.a.out.buf = append(d.date().AppendFormat(b, time.DateOnly), '"')
	return e
}

func (e *event) instant(name string, at time.Time) *event {
	if at.IsZero() {
		return e.text(name, "")
	}
	b := append(e.name(name), '"')
	e.a.out.buf = append(e.a.appendInstant(b, e.from, at), '"')
	return e
}

// amount writes cents as a decimal: a number, or a text as some systems do.
func (e *event) amount(name string, cents int64) *event {
	b := e.name(name)
	if e.from == watch {
		e.a.out.buf = append(appendDecimal(append(b, '"'), cents, 2), '"')
	} else {
		e.a.out.buf = appendDecimal(b, cents, 2)
	}
	return e
}

// thousandths writes a decimal with three digits.
func (e *event) thousandths(name string, value int64) *event {
	e.a.out.buf = appendDecimal(e.name(name), value, 3)
	return e
}

// appendDecimal writes value divided by 10 to the power of digits.
func appendDecimal(b []byte, value int64, digits int) []byte {
	if value < 0 {
		b, value = append(b, '-'), -value
	}
	text := strconv.FormatInt(value, 10)
	for len(text) <= digits {
		text = "0" + text
	}
	whole := len(text) - digits
	return append(append(append(b, text[:whole]...), '.'), text[whole:]...)
}

// send ends the event and sends it. Most arrive at once; a few come days or
// weeks later, as from a notebook that was offline; and what happened shortly
// after one another may arrive the other way round. The survey system sends
// what it has every hour.
func (e *event) send() {
	a := e.a
	stored := a.now.Add(time.Second)
	b := append(e.name("recorded_at"), '"')
	a.out.buf = append(a.appendInstant(b, e.from, stored), `"}}`...)
	sent := stored.Add(time.Duration(a.rng.IntN(90)) * time.Second)
	switch x := a.rng.Float64(); {
	case x < 0.001:
		sent = sent.Add(days(20 + 40*a.rng.Float64()))
	case x < 0.01:
		sent = sent.Add(days(20 * a.rng.Float64()))
	case e.from == survey:
		sent = sent.Truncate(time.Hour).Add(time.Hour)
	}
	a.out.messages = append(a.out.messages, Message{At: a.arrival(sent), Topic: e.from.topic(), Key: e.key, Value: a.out.keep(a.out.buf)})
}

// arrival is when something arrives: by the end everything has.
func (a *actor) arrival(sent time.Time) time.Time {
	if last := a.end.Add(-time.Millisecond); sent.After(last) {
		return last
	}
	return sent.Truncate(time.Millisecond)
}

// keep copies an event to where it stays.
func (w *writer) keep(event []byte) []byte {
	if len(w.free) < len(event) {
		w.free = make([]byte, max(1<<20, len(event)))
	}
	kept := w.free[:len(event):len(event)]
	copy(kept, event)
	w.free = w.free[len(event):]
	return kept
}
