package reports

import (
	"fmt"
	"time"

	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// Standing is how a report stands.
type Standing struct {
	Report string
	Next   time.Time // when it is made next, while somebody runs; zero: never by itself
	Last   *Edition
	// Of the last edition's mails.
	Sent, Waiting, Failed int
	Missed                []Occurrence
	Note                  string // what its owner should know
}

// Standings tells how the reports stand, those of the past among them.
func (k *Keeper) Standings(set *Set, now time.Time) []Standing {
	var list []Standing
	for _, r := range set.All() {
		s := k.standing(r.Name)
		if r.Schedule == nil {
			s.Note = "made when it is asked for"
			list = append(list, s)
			continue
		}
		from := now
		if since, ok := k.cfg.Ledger.Since(r.Name, r.Schedule); ok && since.Before(now) {
			from = since
			if until, _ := k.cfg.Ledger.Settled(r.Name); until.After(from) {
				from = until
			}
		}
		if o, ok := r.Schedule.Next(from); ok {
			s.Next = o.At
			if !o.At.After(now) {
				s.Note = fmt.Sprintf("due since %s: serve makes it", o.Wall)
			}
		}
		list = append(list, s)
	}
	for _, name := range k.cfg.Ledger.Reports() {
		if _, err := set.Get(name); err == nil {
			continue
		}
		s := k.standing(name)
		s.Note = "has no file any more"
		if s.Last != nil {
			list = append(list, s)
		}
	}
	return list
}

func (k *Keeper) standing(name string) Standing {
	s := Standing{Report: name, Missed: k.cfg.Ledger.Missed(name)}
	editions := k.cfg.Ledger.Editions(name)
	if len(editions) == 0 {
		return s
	}
	s.Last = editions[len(editions)-1]
	for _, d := range s.Last.Deliveries() {
		switch d.State {
		case StateSent:
			s.Sent++
		case StateWaiting:
			s.Waiting++
		case StateFailed:
			s.Failed++
		}
	}
	return s
}

// Editions lists a report's editions, as they were made.
func (k *Keeper) Editions(report string) []*Edition { return k.cfg.Ledger.Editions(report) }

// Path is where an edition's page lies.
func (k *Keeper) Path(e *Edition, language string) string { return k.cfg.Ledger.Path(e, language) }

// LastOver is the last period of a report that is over.
func (k *Keeper) LastOver(r *Report, at time.Time) metric.Period {
	today := at.In(k.company().Zone)
	calendar := k.company().Calendar
	current := calendar.PeriodOf(time.Date(today.Year(), today.Month(), today.Day(), 0, 0, 0, 0, time.UTC), r.Period)
	return calendar.PeriodOf(current.Start.AddDate(0, 0, -1), r.Period)
}
