package reports

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// Order is what a Keeper is asked to make.
type Order struct {
	Report *Report
	Period metric.Period
	// Languages are those of the pages, beside those of the recipients. Default:
	// the company's first.
	Languages []string
	// Send says that the report's recipients get it.
	Send bool

	occurrence *Occurrence
	prepareErr error
}

// made is an edition that is not written yet.
type made struct {
	pages   []Page
	asOf    time.Time
	lacking []string // in English
}

// Make makes an edition and writes it down. Its mails are sent by Deliver, and
// by Run what Deliver could not.
func (k *Keeper) Make(ctx context.Context, o Order) (*Edition, error) {
	k.making.Lock()
	defer k.making.Unlock()
	var recipients []Recipient
	if o.Send {
		recipients = k.recipients(ctx, o.Report)
	}
	languages := slices.Clone(o.Languages)
	for _, r := range recipients {
		languages = append(languages, r.Language)
	}
	number, err := k.cfg.Ledger.Next(o.Report.Name, o.Period.Label)
	if err != nil {
		return nil, err
	}
	at := time.Now()
	m, err := k.write(ctx, o, languages, number, at)
	if err != nil {
		return nil, err
	}
	e, err := k.cfg.Ledger.Issue(&Edition{
		Report: o.Report.Name, Period: o.Period.Label, Number: number, Occurrence: o.occurrence, MadeAt: at,
		AsOf: m.asOf.Format(time.DateOnly), Recipients: recipients, Lacking: m.lacking,
	}, m.pages)
	if err != nil {
		return nil, err
	}
	k.cfg.Logger.InfoContext(ctx, "report made", "report", e.Report, "period", e.Period, "edition", e.Number,
		"recipients", len(e.Recipients), "lacking", len(e.Lacking))
	k.poke()
	return e, nil
}

// Look writes a page that is no edition: nothing is kept and nobody gets it.
func (k *Keeper) Look(ctx context.Context, o Order) (page Page, lacking []string, err error) {
	m, err := k.write(ctx, o, o.Languages, 0, time.Now())
	if err != nil {
		return Page{}, nil, err
	}
	return m.pages[0], m.lacking, nil
}

// write makes the pages: one question to the warehouse, then each language.
func (k *Keeper) write(ctx context.Context, o Order, languages []string, number int, at time.Time) (m *made, err error) {
	if len(languages) == 0 {
		languages = k.company().Languages[:1]
	}
	figures, err := k.cfg.House.Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("make report %s of %s: %w", o.Report.Name, o.Period.Label, err)
	}
	today := at.In(k.company().Zone)
	asOf := time.Date(today.Year(), today.Month(), today.Day(), 0, 0, 0, 0, time.UTC)
	f, err := gather(ctx, figures, k.company(), o.Report, o.Period, asOf)
	if err = errors.Join(err, figures.Close()); err != nil {
		return nil, fmt.Errorf("make report %s of %s: %w", o.Report.Name, o.Period.Label, err)
	}
	f.madeAt, f.prepareErr = at, o.prepareErr
	m = &made{asOf: asOf, lacking: (&writer{words: english(), facts: f}).lacking()}
	k.logFailures(ctx, f)
	for i, language := range languages {
		if slices.Contains(languages[:i], language) {
			continue
		}
		w := &writer{words: wordsIn(language), facts: f, edition: number, charts: k.cfg.Charts}
		view, err := w.page(ctx)
		if err != nil {
			return nil, fmt.Errorf("make report %s of %s: %w", o.Report.Name, o.Period.Label, err)
		}
		for _, err := range w.failures {
			k.cfg.Logger.ErrorContext(ctx, "chart not drawn", "report", o.Report.Name, "error", err)
		}
		html, err := renderHTML(view)
		if err != nil {
			return nil, fmt.Errorf("make report %s of %s: %w", o.Report.Name, o.Period.Label, err)
		}
		m.pages = append(m.pages, Page{
			Language: language, Subject: fmt.Sprintf(w.subject, view.Title, view.Period), HTML: html, Text: renderText(view),
		})
	}
	return m, nil
}

// logFailures names what could not be computed. The database's messages may
// hold values of rows, so they stay out of the log.
func (k *Keeper) logFailures(ctx context.Context, f *facts) {
	log := func(code string, failed *failure) {
		if failed != nil {
			k.cfg.Logger.ErrorContext(ctx, "figure not computed", "report", f.report.Name, "metric", code,
				"see", "funnelhouse metric "+code)
		}
	}
	for _, s := range f.sections {
		for i := range s.figures {
			log(s.figures[i].code, s.figures[i].failure)
		}
		if s.failure != nil {
			log(s.Metrics[0], s.failure)
		}
	}
}

// HasRecipients tells whether anybody gets a report.
func (k *Keeper) HasRecipients(r *Report) bool {
	return slices.ContainsFunc(r.To, func(to Address) bool {
		return to.Mail != "" || slices.ContainsFunc(k.cfg.Users, func(u User) bool { return u.Role == to.Role })
	})
}

// recipients are the people behind a report's addresses, each once.
func (k *Keeper) recipients(ctx context.Context, r *Report) []Recipient {
	var list []Recipient
	add := func(name, mail, language string) {
		if language == "" {
			language = k.company().Languages[0]
		}
		if !slices.ContainsFunc(list, func(r Recipient) bool { return strings.EqualFold(r.Mail, mail) }) {
			list = append(list, Recipient{Name: name, Mail: mail, Language: language, MessageID: k.messageID()})
		}
	}
	for _, to := range r.To {
		found := false
		for _, u := range k.cfg.Users {
			if to.Role != "" && u.Role == to.Role || to.Mail != "" && strings.EqualFold(u.Mail, to.Mail) {
				found = true
				add(u.Name, u.Mail, u.Language)
			}
		}
		switch {
		case found:
		case to.Mail != "":
			add("", to.Mail, "")
		default:
			k.cfg.Logger.WarnContext(ctx, "nobody has the role that a report is sent to", "report", r.Name, "role", to.Role)
		}
	}
	return list
}

// messageID is without meaning: it passes through other people's servers.
func (k *Keeper) messageID() string {
	_, domain, ok := strings.Cut(k.cfg.From, "@")
	if !ok {
		domain = "funnelhouse.invalid"
	}
	return strings.ToLower(rand.Text()) + "@" + domain
}
