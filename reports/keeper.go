package reports

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// House is the process that a Keeper works in.
type House interface {
	// Reports reads the reports as their files are now.
	Reports() (*Set, error)
	// Prepare brings the figures up to date. Where it fails, a report is made all
	// the same and says so.
	Prepare(ctx context.Context) error
	// Open opens the figures.
	Open(ctx context.Context) (Figures, error)
}

// User is somebody who may get reports.
type User struct {
	Name, Mail, Role, Language string
}

// Config is what a Keeper needs.
type Config struct {
	Company Company
	Users   []User
	House   House
	Ledger  *Ledger
	Charts  Charts
	Mailer  Mailer // nil: editions are written and nobody gets a mail
	From    string // address that mails come from
	Logger  *slog.Logger
	// Look is how long the clock is trusted: a machine that slept, or whose clock
	// was set, is found out after so long. Default: a minute.
	Look time.Duration
}

// Keeper makes reports when they are due and when somebody asks, and sees to
// it that their mails arrive. There is one in a process.
type Keeper struct {
	cfg Config

	making  sync.Mutex    // held while an edition is made: its number is taken
	sending chan struct{} // holds a value while a mail is sent
	poked   chan struct{}

	// Of Run alone:

	set    *Set                // the last that could be read
	told   string              // what was last said of the reports' files
	failed map[string]*failing // occurrences that could not be made, by report
}

// failing is an occurrence that is tried again.
type failing struct {
	wall  string
	tries int
	next  time.Time
}

// New returns a Keeper.
func New(cfg Config) *Keeper {
	if len(cfg.Company.Languages) == 0 {
		cfg.Company.Languages = []string{"en"}
	}
	if cfg.Look == 0 {
		cfg.Look = time.Minute
	}
	return &Keeper{cfg: cfg, sending: make(chan struct{}, 1), poked: make(chan struct{}, 1), failed: map[string]*failing{}}
}

func (k *Keeper) company() Company { return k.cfg.Company }

// poke tells Run that a mail waits.
func (k *Keeper) poke() {
	select {
	case k.poked <- struct{}{}:
	default: // it is told already
	}
}

// Run makes reports on their schedules and sends what waits, until ctx is done.
// What goes wrong with a report is logged and shown by its status; the error is
// that of ctx.
func (k *Keeper) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		for {
			next := k.makeDue(ctx)
			if !k.sleep(ctx, next, nil) {
				return ctx.Err()
			}
		}
	})
	group.Go(func() error {
		for {
			next := k.deliverDue(ctx)
			if !k.sleep(ctx, next, k.poked) {
				return ctx.Err()
			}
		}
	})
	return group.Wait()
}

// sleep waits until an instant of the wall clock, or until poked, but never
// longer than Look. It returns false when ctx is done.
func (k *Keeper) sleep(ctx context.Context, until time.Time, poked <-chan struct{}) bool {
	d := k.cfg.Look
	if !until.IsZero() {
		d = min(d, max(until.Sub(time.Now().Round(0)), 0))
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-poked:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// makeDue makes what is due and returns when it next has something to do; zero:
// it doesn't know.
func (k *Keeper) makeDue(ctx context.Context) (next time.Time) {
	set, err := k.cfg.House.Reports()
	told := ""
	if err != nil {
		told = err.Error()
	}
	if told != k.told {
		k.told = told
		if err != nil {
			k.cfg.Logger.ErrorContext(ctx, "the reports' files can't be read; the last good ones stay", "error", err)
		}
	}
	if err == nil {
		k.set = set
		k.withdraw(ctx)
	}
	if k.set == nil {
		return time.Time{}
	}
	for _, r := range k.set.All() {
		if r.Schedule == nil || ctx.Err() != nil {
			continue
		}
		if at := k.makeReport(ctx, r); next.IsZero() || !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	return next
}

// withdraw records which reports have no schedule any more.
func (k *Keeper) withdraw(ctx context.Context) {
	for _, name := range k.cfg.Ledger.Reports() {
		if r, err := k.set.Get(name); err == nil && r.Schedule != nil {
			continue
		}
		if err := k.cfg.Ledger.Withdraw(name, time.Now()); err != nil {
			k.cfg.Logger.ErrorContext(ctx, "report not withdrawn", "report", name, "error", err)
		}
	}
}

// makeReport makes the latest occurrence of a report that is due and not
// settled. Older ones are over: a second report of a time that has passed helps
// nobody, but that it is missing must be known.
func (k *Keeper) makeReport(ctx context.Context, r *Report) (next time.Time) {
	now := time.Now().Round(0)
	due, next, err := k.due(r, now)
	if err != nil {
		k.cfg.Logger.ErrorContext(ctx, "report not made", "report", r.Name, "error", err)
		return time.Time{}
	}
	if len(due) == 0 {
		delete(k.failed, r.Name)
		return next
	}
	if older := due[:len(due)-1]; len(older) > 0 {
		k.cfg.Logger.WarnContext(ctx, "occurrences of a report were missed and are not made", "report", r.Name,
			"count", len(older), "first", older[0].Wall, "last", older[len(older)-1].Wall)
		if err := k.cfg.Ledger.Miss(r.Name, older, now); err != nil {
			k.cfg.Logger.ErrorContext(ctx, "report not made", "report", r.Name, "error", err)
			return time.Time{}
		}
	}
	o := due[len(due)-1]
	before := k.failed[r.Name]
	if before != nil && before.wall == o.Wall && now.Before(before.next) {
		return before.next
	}
	if err := k.makeOccurrence(ctx, r, o); err != nil {
		if ctx.Err() != nil {
			return time.Time{} // the next start makes it
		}
		if before == nil || before.wall != o.Wall {
			before = &failing{wall: o.Wall}
			k.failed[r.Name] = before
		}
		before.tries++
		before.next = time.Now().Round(0).Add(pause(before.tries))
		k.cfg.Logger.ErrorContext(ctx, "report not made and tried again", "report", r.Name, "occurrence", o.Wall, "tries", before.tries, "error", err)
		return before.next
	}
	delete(k.failed, r.Name)
	return next
}

// due lists the occurrences up to now that are not settled, and when the next
// one comes.
func (k *Keeper) due(r *Report, now time.Time) (due []Occurrence, next time.Time, err error) {
	from, err := k.cfg.Ledger.Adopt(r.Name, r.Schedule, now)
	if err != nil {
		return nil, time.Time{}, err
	}
	until, settled := k.cfg.Ledger.Settled(r.Name)
	if until.After(from) {
		from = until
	}
	for {
		o, ok := r.Schedule.Next(from)
		if !ok {
			return due, time.Time{}, nil
		}
		if o.At.After(now) && !settled(o.Wall) {
			return due, o.At, nil
		}
		// Settled and yet to come: the zone's rules have changed since.
		if !settled(o.Wall) {
			due = append(due, o)
		}
		from = o.At
	}
}

func (k *Keeper) makeOccurrence(ctx context.Context, r *Report, o Occurrence) error {
	prepared := k.cfg.House.Prepare(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if prepared != nil {
		k.cfg.Logger.ErrorContext(ctx, "figures not brought up to date for a report", "report", r.Name)
	}
	// Periods are the company's, whatever zone it is sent in.
	period := k.LastOver(r, o.At)
	_, err := k.Make(ctx, Order{Report: r, Period: period, Send: k.cfg.Mailer != nil, occurrence: &o, prepareErr: prepared})
	if errors.Is(err, context.Canceled) {
		return ctx.Err()
	}
	return err
}
