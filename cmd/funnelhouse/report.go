package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/funnelhouse/funnelhouse/reports"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

type reportFlags struct {
	period, language, out *string
	send                  *bool
}

func (a *app) reportCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "report NAME",
		Short: "Make a report of a period, and mail it where that is asked for",
		Long: `report makes a report of reports/ from the figures as they were last built: one HTML
file that needs nothing else, in data/reports/NAME/PERIOD/. Each time is an edition of
its own and none is written over. What can't be computed says so in its place and is
named here.

With --send it is mailed to the report's recipients, each in the language that users
in funnelhouse.yaml gives; funnelhouse reports NAME shows what became of each mail.
What could not be sent is tried again while serve runs. With --out it is only written
to that file ("-": to standard output): a look, not an edition.`,
		Example: `  funnelhouse report management-monthly
  funnelhouse report management-monthly --period 2026-10 --language zh-Hans --out october.html
  funnelhouse report management-monthly --period 2026-10 --send`,
		Args: cobra.ExactArgs(1),
	}
	f := reportFlags{
		period:   c.Flags().String("period", "", "the period, like 2026-10 (default: the last one that is over)"),
		language: c.Flags().String("language", "", "language of the page: en, zh-Hans or zh-Hant (default: the company's first)"),
		out:      c.Flags().String("out", "", "file to write to instead of making an edition"),
		send:     c.Flags().Bool("send", false, "mail it to the report's recipients"),
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		if *f.send && *f.out != "" {
			return usagef("--send mails an edition and --out makes none: give one of them")
		}
		if l := *f.language; l != "" && !slices.Contains([]string{"en", "zh-Hans", "zh-Hant"}, l) {
			return usagef("--language %q is not one of our languages: write en, zh-Hans or zh-Hant", l)
		}
		return a.withHouse(c.Context(), "report", func(ctx context.Context, h *house) error {
			return a.makeReport(ctx, h, args[0], f)
		})
	}
	return c
}

func (a *app) makeReport(ctx context.Context, h *house, name string, f reportFlags) error {
	keeper, err := h.reportKeeper()
	if err != nil {
		return err
	}
	order, err := h.reportOrder(keeper, name, f)
	if err != nil {
		return err
	}
	if err := h.mustBeBuilt(ctx, order.Period); err != nil {
		return err
	}
	if *f.out != "" {
		page, lacking, err := keeper.Look(ctx, order)
		if err != nil {
			return err
		}
		a.sayLacking(lacking)
		if *f.out == "-" {
			_, err = a.io.out.Write(page.HTML)
			return err
		}
		path := *f.out
		if !filepath.IsAbs(path) {
			path = filepath.Join(a.cwd, path)
		}
		return os.WriteFile(path, page.HTML, 0o600)
	}
	edition, err := keeper.Make(ctx, order)
	if err != nil {
		return err
	}
	a.sayLacking(edition.Lacking)
	for _, p := range edition.Pages {
		path := keeper.Path(edition, p.Language)
		if relative, err := filepath.Rel(a.cwd, path); err == nil && filepath.IsLocal(relative) {
			path = relative
		}
		if _, err := fmt.Fprintln(a.io.out, path); err != nil {
			return err
		}
	}
	if !*f.send {
		return nil
	}
	return a.deliver(ctx, keeper, edition)
}

func (a *app) sayLacking(lacking []string) {
	for _, l := range lacking {
		_, _ = fmt.Fprintf(a.io.err, "the report lacks: %s\n", l)
	}
}

// deliver sends an edition's mails and says how each went.
func (a *app) deliver(ctx context.Context, keeper *reports.Keeper, edition *reports.Edition) error {
	list, err := keeper.Deliver(ctx, edition)
	if err != nil {
		return err
	}
	missing := 0
	for _, d := range list {
		switch d.State {
		case reports.StateSent:
			_, err = fmt.Fprintf(a.io.out, "sent to %s\n", printable(d.Mail))
		case reports.StateWaiting:
			missing++
			_, err = fmt.Fprintf(a.io.err, "not sent to %s, tried again while serve runs: %s\n", printable(d.Mail), printable(d.Error))
		case reports.StateFailed:
			missing++
			_, err = fmt.Fprintf(a.io.err, "not sent to %s: %s\n", printable(d.Mail), printable(d.Error))
		}
		if err != nil {
			return err
		}
	}
	if missing > 0 {
		return fmt.Errorf("%s of %d could not be sent; see: funnelhouse reports %s", plural(int64(missing), "mail"), len(list), edition.Report)
	}
	return nil
}

// reportOrder reads what is asked for.
func (h *house) reportOrder(keeper *reports.Keeper, name string, f reportFlags) (reports.Order, error) {
	o := reports.Order{Send: *f.send}
	if *f.language != "" {
		o.Languages = []string{*f.language}
	}
	set, err := h.loadReports()
	if err != nil {
		return o, err
	}
	if o.Report, err = set.Get(name); err != nil {
		return o, usagef("%w", err)
	}
	o.Period = keeper.LastOver(o.Report, time.Now())
	if *f.period != "" {
		if o.Period, err = h.company().ParsePeriod(*f.period); err != nil {
			return o, usagef("--period: %w", err)
		}
		if o.Period.Grain != o.Report.Period {
			return o, usagef("--period %s is a %s, and %s is by %s: write one like %s", *f.period, o.Period.Grain, name, o.Report.Period, keeper.LastOver(o.Report, time.Now()).Label)
		}
	}
	if o.Period.Start.After(h.today()) {
		return o, usagef("--period %s has not begun", o.Period.Label)
	}
	switch {
	case o.Send && h.cfg.Mail == nil:
		return o, usagef("--send: there is no mail in %s; name the server that takes mails: mail: {host: smtp.example.com, from: reports@example.com}", configFile)
	case o.Send && !keeper.HasRecipients(o.Report):
		return o, usagef("--send: nobody gets %s; give its `to` a mail address, or a role that users in %s have", name, configFile)
	}
	return o, nil
}

// mustBeBuilt refuses a report of nothing.
func (h *house) mustBeBuilt(ctx context.Context, period metric.Period) error {
	figures, err := pressRoom{h}.Open(ctx)
	if err != nil {
		return err
	}
	state, err := figures.State(ctx, period)
	if closing := figures.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	for _, m := range state.Models {
		if !m.BuiltAt.IsZero() {
			return nil
		}
	}
	return fmt.Errorf("no model is built yet: run funnelhouse build")
}

func (a *app) reportsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "reports [NAME]",
		Short: "Show which reports come when, and what became of their mails",
		Long: `reports lists the project's reports: when each is made next while serve runs, the last
edition, and how many of its mails were sent, wait for another try or failed. With a
name it lists that report's latest editions with each recipient and the error of the
last try.`,
		Example: "  funnelhouse reports\n  funnelhouse reports management-monthly",
		Args:    cobra.MaximumNArgs(1),
	}
	format := formatFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := checkFormat(*format); err != nil {
			return err
		}
		return a.withHouse(c.Context(), "reports", func(_ context.Context, h *house) error {
			keeper, err := h.reportKeeper()
			if err != nil {
				return err
			}
			set, err := h.loadReports()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return a.listEditions(h, keeper, set, args[0], *format)
			}
			return a.listReports(h, keeper, set, *format)
		})
	}
	return c
}

const minuteText = "2006-01-02 15:04"

func (h *house) minute(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.In(h.zone()).Format(minuteText)
}

func (a *app) listReports(h *house, keeper *reports.Keeper, set *reports.Set, format string) error {
	columns := []string{"report", "next", "last_period", "edition", "made_at", "sent", "waiting", "failed", "missed", "note"}
	s, err := newSheet(a.io.out, format, columns, []bool{false, false, false, true, false, true, true, true, true, false})
	if err != nil {
		return err
	}
	for _, st := range keeper.Standings(set, time.Now()) {
		cells := []any{st.Report, h.minute(st.Next)}
		if e := st.Last; e != nil {
			cells = append(cells, e.Period, json.Number(strconv.Itoa(e.Number)), h.minute(e.MadeAt))
		} else {
			cells = append(cells, nil, nil, nil)
		}
		for _, n := range []int{st.Sent, st.Waiting, st.Failed, len(st.Missed)} {
			cells = append(cells, json.Number(strconv.Itoa(n)))
		}
		note := st.Note
		if st.Failed > 0 {
			note = strings.TrimPrefix(note+"; see: funnelhouse reports "+st.Report, "; ")
		}
		if err := s.row(append(cells, nullable(note))); err != nil {
			return err
		}
	}
	return s.close()
}

// editionsShown is how many of a report's editions are listed.
const editionsShown = 12

func (a *app) listEditions(h *house, keeper *reports.Keeper, set *reports.Set, name, format string) error {
	editions := keeper.Editions(name)
	if _, err := set.Get(name); err != nil && len(editions) == 0 {
		return usagef("%w", err)
	}
	columns := []string{"period", "edition", "made_at", "due", "recipient", "language", "state", "attempts", "last_try", "next_try", "error"}
	s, err := newSheet(a.io.out, format, columns, []bool{false, true, false, false, false, false, false, true, false, false, false})
	if err != nil {
		return err
	}
	for _, e := range editions[max(len(editions)-editionsShown, 0):] {
		cells := []any{e.Period, json.Number(strconv.Itoa(e.Number)), h.minute(e.MadeAt), nil}
		if e.Occurrence != nil {
			cells[3] = strings.Replace(e.Occurrence.Wall, "T", " ", 1)
		}
		deliveries := e.Deliveries()
		if len(deliveries) == 0 {
			if err := s.row(append(slices.Clone(cells), nil, nil, "made", nil, nil, nil, nil)); err != nil {
				return err
			}
		}
		for _, d := range deliveries {
			row := append(slices.Clone(cells), d.Mail, d.Language, string(d.State), json.Number(strconv.Itoa(d.Attempts)), h.minute(d.At), h.minute(d.Next), nil)
			if d.State != reports.StateSent {
				row[len(row)-1] = nullable(d.Error)
			}
			if err := s.row(row); err != nil {
				return err
			}
		}
	}
	return s.close()
}

// loadReports reads the project's reports. Of the built-in ones those parts are
// taken that the metrics of a project's own sql can answer.
func (h *house) loadReports() (*reports.Set, error) { return loadReports(h.dir, h.zone()) }

func loadReports(dir string, zone *time.Location) (*reports.Set, error) {
	files, err := folder(dir, "reports")
	if err != nil {
		return nil, err
	}
	set, err := reports.Load(files, zone)
	if err != nil || exists(filepath.Join(dir, "reports")) || !exists(filepath.Join(dir, "sql")) {
		return set, inFolder("reports", err)
	}
	metrics, err := loadMetrics(dir)
	if err != nil {
		return nil, err
	}
	return set.Fit(metrics), nil
}
