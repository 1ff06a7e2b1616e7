package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

func shanghai(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func small(t testing.TB, seed uint64) Config {
	t.Helper()
	zone := shanghai(t)
	return Config{Seed: seed, Months: 14, Scale: 0.15, End: time.Date(2026, time.September, 15, 0, 0, 0, 0, zone), Zone: zone, Currency: "CNY"}
}

func mustAct(t testing.TB, cfg Config) *Company {
	t.Helper()
	c, err := Act(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestActIsRepeatable(t *testing.T) {
	t.Parallel()
	a, b, other := mustAct(t, small(t, 1)), mustAct(t, small(t, 1)), mustAct(t, small(t, 2))
	books := func(c *Company) string {
		text, err := json.Marshal(c.Truth)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if books(a) != books(b) || len(a.Messages) != len(b.Messages) {
		t.Error("the same seed gives another company")
	}
	for i := range a.Messages {
		if x, y := &a.Messages[i], &b.Messages[i]; !bytes.Equal(x.Value, y.Value) || !x.At.Equal(y.At) || x.Key != y.Key {
			t.Fatalf("message %d differs", i)
		}
	}
	if books(a) == books(other) {
		t.Error("another seed gives the same company")
	}
}

func TestConfigs(t *testing.T) {
	t.Parallel()
	for _, c := range []Config{{Months: -1}, {Months: 121}, {Scale: -1}, {Scale: 51}, {}} {
		if c.Months != 0 || c.Scale != 0 {
			c.End = time.Now()
		}
		if _, err := Act(c); err == nil {
			t.Errorf("a company acted by %+v", c)
		}
	}
	for _, c := range []Config{
		{Months: 1, Scale: 0.01, End: time.Date(2026, time.February, 28, 0, 0, 0, 0, time.UTC)},
		{Months: 3, Scale: 0.02, Currency: "EUR", FiscalYearStarts: time.April, End: time.Date(2024, time.March, 31, 0, 0, 0, 0, time.UTC)},
	} {
		if c := mustAct(t, c); len(c.Messages) == 0 || len(c.Truth.Figures) == 0 {
			t.Errorf("%+v sent nothing", c.Truth.Parameters)
		}
	}
}

// wire is what a test reads of an event.
type wire struct {
	ID, Type, Source, Subject string
	Time                      time.Time
	Data                      map[string]any
}

// events are the messages that hold an event, as far as they can be read.
func events(t testing.TB, c *Company) []wire {
	t.Helper()
	var list []wire
	for i := range c.Messages {
		var w wire
		if json.Unmarshal(c.Messages[i].Value, &w) == nil && w.ID != "" {
			list = append(list, w)
		}
	}
	return list
}

// Every message is accounted for, none is sent before the one ahead of it or
// after the end, and nothing happens outside of the months.
func TestMessages(t *testing.T) {
	t.Parallel()
	cfg := small(t, 3)
	c := mustAct(t, cfg)
	start := time.Date(2025, time.August, 1, 0, 0, 0, 0, cfg.Zone)
	end := time.Date(2026, time.October, 1, 0, 0, 0, 0, cfg.Zone)
	s := c.Truth.Sent
	broken := 0
	for reason, n := range s.Broken {
		if reason == "" || n == 0 {
			t.Errorf("%d messages are broken for the reason %q", n, reason)
		}
		broken += n
	}
	if s.Messages != len(c.Messages) || s.Events+broken+s.Tombstones != s.Messages || s.Duplicates == 0 || s.Tombstones == 0 || len(s.Broken) < 5 {
		t.Errorf("%d messages, the books say %+v", len(c.Messages), s)
	}
	empty, late, disorder, seen := 0, 0, 0, map[string]int{}
	topics := map[string]int{}
	for i := range c.Messages {
		m := &c.Messages[i]
		topics[m.Topic]++
		if m.Value == nil {
			empty++
		}
		if i > 0 && m.At.Before(c.Messages[i-1].At) || m.At.Before(start) || !m.At.Before(end) || m.Key == "" {
			t.Fatalf("message %d of %q is sent at %s", i, m.Key, m.At)
		}
		seen[string(m.Value)]++
	}
	if empty != s.Tombstones || len(topics) != len(Topics()) || fmt.Sprint(topics) != fmt.Sprint(s.Topics) {
		t.Errorf("%d tombstones, topics %v, the books say %+v", empty, topics, s)
	}
	last := map[string]time.Time{}
	for i := range c.Messages {
		var w wire
		if json.Unmarshal(c.Messages[i].Value, &w) != nil || w.ID == "" {
			continue
		}
		if w.Time.Before(start) || !w.Time.Before(end) {
			t.Fatalf("%s happens at %s", c.Messages[i].Value, w.Time)
		}
		if c.Messages[i].At.Sub(w.Time) > 24*time.Hour {
			late++
		}
		if w.Time.Before(last[w.Subject]) {
			disorder++
		}
		last[w.Subject] = w.Time
	}
	if late < len(c.Messages)/300 || disorder < 20 {
		t.Errorf("%d events come late and %d out of order", late, disorder)
	}
}

// No two events about one thing happen at the same instant: which of them came
// last is never a question of how they were sent. Nor does the CRM wait for
// midnight, where leads that are merged later would meet.
func TestOrderIsCertain(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, w := range events(t, mustAct(t, small(t, 4))) {
		switch {
		case strings.HasPrefix(w.Subject, "OLD-"), w.Type == "campaign.spend_recorded.v1", w.Type == "case.replied.v1":
			continue // nothing follows from their order
		}
		if w.Source == "/crm" && w.Time.Equal(midnight(w.Time)) {
			t.Errorf("%s of %s happens at midnight sharp, %s", w.Type, w.Subject, w.Time)
		}
		key := fmt.Sprint(w.Source, w.Subject, w.Data["measure"], w.Data["size_unit"], w.Time.UnixMilli())
		if other := seen[key]; other != "" && other != w.ID {
			t.Errorf("%s and %s of %s happen at the same instant %s (%s)", other, w.ID, w.Subject, w.Time, w.Type)
		}
		seen[key] = w.ID
	}
}

// What real companies have, this one has: each of it is a trap for a metric.
func TestActHasItAll(t *testing.T) {
	t.Parallel()
	cfg := small(t, 1)
	cfg.Scale, cfg.Months = 0.5, 24
	a, err := newActor(cfg)
	if err != nil {
		t.Fatal(err)
	}
	a.act()
	has := map[string]int{}
	note := func(what string, is bool) {
		if _, ok := has[what]; !ok {
			has[what] = 0
		}
		if is {
			has[what]++
		}
	}
	for _, e := range a.staff {
		note("employee who moved", len(e.departments()) > 1)
		note("employee who left", e.unit == nil)
		note("assignment said twice", len(e.said) > len(e.departments()))
	}
	for _, l := range a.leads {
		note("merged lead", l.mergedInto != nil)
		note("lead merged twice over", l.mergedInto != nil && l.mergedInto.mergedInto != nil)
		note("test lead", l.test)
		note("lead without owner", l.owner == nil)
		note("unassigned lead", l.assignee == nil)
		note("late win", !l.won.IsZero() && a.dayOf(l.won) > a.dayOf(l.created)+leadWindow)
	}
	for _, d := range a.deals {
		note("lost for nothing", d.result() == lost && d.closed.amount == 0)
		note("lost with an amount", d.result() == lost && d.closed.amount > 0)
		note("no decision", d.result() == noDecision)
		note("no amount at all", d.result() != "" && d.amount() == 0)
		note("won without an amount", d.result() == won && d.closed.amount == 0)
		note("open deal", d.closed == nil)
		note("deal without a lead", d.lead == nil)
		note("deal of a merged lead", d.lead != nil && d.lead.mergedInto != nil)
		note("deal in another currency", d.currency != a.currency)
		note("closed by a colleague", d.closed != nil && d.closed.owner != d.owner && d.closed.owner != nil)
	}
	contracts := map[*customer]int{}
	last := map[*customer]*contract{}
	for _, k := range a.contracts {
		contracts[k.customer]++
		if p := last[k.customer]; p != nil {
			note("signed later and effective earlier", k.effective < p.effective)
			note("bought again after the cooling-off time", p.coolingOff)
		}
		last[k.customer] = k
		note("contract without a deal", k.deal == nil)
		note("cancelled in the cooling-off time", k.coolingOff)
		note("cancelled later", k.cancelled != noDay && !k.coolingOff)
		note("amended", len(k.amendments) > 0)
		note("contract in another currency", k.currency != a.currency)
		note("effective in another month", k.effective.month() != a.dayOf(k.signed).month())
		for _, am := range k.amendments {
			note("amended after it was cancelled", k.cancelled != noDay && am.effective > k.cancelled)
		}
	}
	for _, n := range contracts {
		note("repeat customer", n > 1)
	}
	b := &books{a: a, homes: map[*employee][]assignment{}}
	for _, o := range a.orders {
		note("order in the name of somebody who left", b.department(o.owner, a.dayOf(o.placed)) == "")
		note("test order", o.test)
	}
	for _, k := range a.cases {
		note("reopened case", k.reopened > 0)
		note("case never answered", k.replied.IsZero())
		note("case never solved", k.solved.IsZero())
		note("complaint without a target", k.kind == "complaint" && k.due.IsZero())
		note("complaint solved late", !k.due.IsZero() && k.solved.After(k.due))
		note("test case", k.test)
	}
	for _, v := range a.surveys {
		note("bounced invitation", !v.delivered)
		note("no answer", v.delivered && v.responded.IsZero())
		note("answer after the window", !v.responded.IsZero() && a.dayOf(v.responded) > a.dayOf(v.sent)+responseWindow)
		for q, w := range v.answers {
			note("blank answer", w.blank)
			note("answer off the scale", !w.blank && (w.score < w.min || w.score > w.max))
			note("answer marked invalid", !w.markedGood)
			note("csat on another scale", q == "csat" && w.max != 5)
			note("nps on another scale", q == "nps" && w.min != 0)
		}
	}
	for _, it := range a.items {
		note("item without a promise", len(it.promises) == 0)
		note("item with two promises", len(it.promises) == 2)
		for _, p := range it.promises {
			note("late", it.done > p.first)
			note("in time", it.done != noDay && it.done <= p.first)
			note("never delivered", it.done == noDay && it.cancelled == noDay && p.first < a.lastDay)
			note("cancelled before", it.cancelled != noDay && it.cancelled < p.first)
			note("cancelled on the day", it.cancelled == p.first)
			note("cancelled after", it.cancelled > p.first)
			note("re-planned", p.replans > 0)
			note("re-planned too late", p.tooLate > 0)
			note("due after the end", p.first > a.lastDay)
		}
	}
	for _, d := range a.defects {
		note("duplicate", d.resolution == "duplicate")
		note("not a bug", d.resolution == "not_a_bug")
		note("reopened defect", d.reopened > 0)
		note("unresolved defect", d.resolved.IsZero())
		note("escaped", d.phase == production)
		note("found long after", d.phase == production && a.dayOf(d.reported) > a.dayOf(d.release.published)+shippedWindow)
	}
	for _, r := range a.releases {
		note("release without a size", r.size == 0 && !r.published.IsZero())
		note("release that never shipped", r.published.IsZero())
	}
	for _, m := range a.markets {
		months := map[day]map[day]int{}
		for _, ed := range m.sizes {
			if months[ed.month] == nil {
				months[ed.month] = map[day]int{}
			}
			months[ed.month][ed.published]++
		}
		for _, published := range months {
			note("revised size", len(published) > 1)
			for _, n := range published {
				note("two sizes on one day", n > 1)
			}
		}
		note("month without a size yet", m.sizeAt(a.lastDay.month(), a.lastDay, func(string) bool { return true }) == nil)
	}
	for what, n := range has {
		if n == 0 {
			t.Errorf("the company has no %s", what)
		}
	}
}
