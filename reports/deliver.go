package reports

import (
	"context"
	"errors"
	"time"
)

// Mailer hands one mail to the server.
type Mailer interface {
	Send(ctx context.Context, m Mail) error
}

// Mail is an edition's page on its way to one recipient.
type Mail struct {
	To        string
	ToName    string
	MessageID string
	Date      time.Time
	Page      Page
}

// MailError says why a mail was not taken.
type MailError struct {
	// Permanent: the server has refused this mail or this address for good. What
	// it says of itself, or of our login, is never that: somebody may mend it.
	Permanent bool
	Code      int    // of the server's answer; 0: there was none
	Step      string // what was tried
	Err       error
}

// Error says what was tried and what came of it. It may hold an address.
func (e *MailError) Error() string { return e.Step + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *MailError) Unwrap() error { return e.Err }

const (
	// attemptFor bounds one attempt, from connecting to the server's last word.
	attemptFor = 3 * time.Minute
	// finishFor is how long a mail may go on when the process is told to stop:
	// broken off it might arrive twice.
	finishFor = 10 * time.Second
)

// deliverDue sends what waits and is due, and returns when the next mail is;
// zero: none waits.
func (k *Keeper) deliverDue(ctx context.Context) (next time.Time) {
	if k.cfg.Mailer == nil {
		return time.Time{}
	}
	for _, report := range k.cfg.Ledger.Reports() {
		for _, e := range k.cfg.Ledger.Editions(report) {
			if ctx.Err() != nil {
				return time.Time{}
			}
			at := k.deliver(ctx, e, time.Now().Round(0))
			if !at.IsZero() && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
	}
	return next
}

// Deliver tries at once each mail of an edition that waits, and returns how far
// they have come. Run tries again what failed.
func (k *Keeper) Deliver(ctx context.Context, e *Edition) ([]Delivery, error) {
	// What is due in an hour is due now for somebody who asks.
	k.deliver(ctx, e, time.Now().Add(longestPause))
	return k.cfg.Ledger.Again(e).Deliveries(), ctx.Err()
}

// deliver tries each mail of an edition that is due by an instant.
func (k *Keeper) deliver(ctx context.Context, e *Edition, by time.Time) (next time.Time) {
	for i, d := range e.Deliveries() {
		if d.State != StateWaiting {
			continue
		}
		if ctx.Err() == nil && !d.Next.After(by) {
			d = k.attempt(ctx, e, i)
		}
		if d.State == StateWaiting && !d.Next.IsZero() && (next.IsZero() || d.Next.Before(next)) {
			next = d.Next
		}
	}
	return next
}

// attempt tries one mail once. That it is tried is recorded before, and how it
// went after: what lies between is the moment in which a crash leaves it open
// whether the server has the mail.
func (k *Keeper) attempt(ctx context.Context, e *Edition, recipient int) Delivery {
	r := e.Recipients[recipient]
	// Whoever asks for a mail that is just being sent learns how it went.
	select {
	case k.sending <- struct{}{}:
		defer func() { <-k.sending }()
	case <-ctx.Done():
		return Delivery{Recipient: r, State: StateWaiting}
	}
	log := k.cfg.Logger.With("report", e.Report, "period", e.Period, "edition", e.Number, "recipient", recipient+1, "of", len(e.Recipients))
	standing := Delivery{Recipient: r, State: StateWaiting, Next: time.Now().Round(0).Add(firstPause)}
	page, unreadable := k.cfg.Ledger.ReadPage(e, r.Language)
	ok, err := k.cfg.Ledger.Begin(e, recipient, time.Now())
	if err != nil {
		log.ErrorContext(ctx, "mail not sent", "error", err)
		return standing
	}
	if !ok {
		return standing // it was sent meanwhile
	}
	outcome, message := Accepted, ""
	if unreadable != nil {
		outcome, message = Refused, unreadable.Error()
	} else if err := k.send(ctx, Mail{To: r.Mail, ToName: r.Name, MessageID: r.MessageID, Date: e.MadeAt, Page: page}); err != nil {
		outcome, message = Failed, err.Error()
		if refused := (*MailError)(nil); errors.As(err, &refused) && refused.Permanent {
			outcome = Refused
		}
		log = log.With(reason(err)...)
	}
	if err := k.cfg.Ledger.End(e, recipient, time.Now(), outcome, message); err != nil {
		log.ErrorContext(ctx, "how a mail went could not be recorded", "outcome", outcome, "error", err)
		return standing
	}
	standing = k.cfg.Ledger.Again(e).Deliveries()[recipient]
	switch standing.State {
	case StateSent:
		log.InfoContext(ctx, "report sent", "attempts", standing.Attempts)
	case StateFailed:
		log.ErrorContext(ctx, "report not sent and given up", "attempts", standing.Attempts, "see", "funnelhouse reports "+e.Report)
	case StateWaiting:
		log.WarnContext(ctx, "report not sent and tried again", "attempts", standing.Attempts, "next", standing.Next)
	}
	return standing
}

// send lets a mail that has begun go on for a while when ctx ends.
func (k *Keeper) send(ctx context.Context, m Mail) error {
	sending, cancel := context.WithTimeout(context.WithoutCancel(ctx), attemptFor)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		t := time.AfterFunc(finishFor, cancel)
		context.AfterFunc(sending, func() { t.Stop() })
	})
	defer stop()
	return k.cfg.Mailer.Send(sending, m)
}

// reason is what a log may hold of a failed mail: neither address nor text.
func reason(err error) []any {
	failed := (*MailError)(nil)
	if !errors.As(err, &failed) {
		return []any{"reason", "not sent"}
	}
	if failed.Code != 0 {
		return []any{"reason", failed.Step, "code", failed.Code}
	}
	return []any{"reason", failed.Step}
}
