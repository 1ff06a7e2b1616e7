package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/funnelhouse/funnelhouse/reports"
)

// demoReport is the report that the demo makes of its last month.
const demoReport = "management-monthly"

// demoWritten makes what people and BI tools open: the report of the last
// month, once, and a published build. It says where both lie.
func (a *app) demoWritten(ctx context.Context, h *house, month string, say func(format string, args ...any)) error {
	a.bar.say("writing the report of %s", month)
	edition, err := h.demoEdition(ctx, month)
	a.bar.done()
	if err != nil {
		return err
	}
	a.sayLacking(edition.Lacking)
	a.bar.say("publishing")
	published, err := h.publish(ctx)
	a.bar.done()
	if err != nil {
		return err
	}
	state := "as before"
	if published.New {
		state = fmt.Sprintf("%s of them new", plural(int64(published.Written), "file"))
	}
	say("reported  %s of %s, edition %d", edition.Report, edition.Period, edition.Number)
	say("published %s, %s", plural(int64(len(published.Manifest.Files)), "file"), state)
	return nil
}

// demoEdition is the newest edition of the demo's report of a month; where
// there is none yet, it is made.
func (h *house) demoEdition(ctx context.Context, month string) (*reports.Edition, error) {
	keeper, err := h.reportKeeper()
	if err != nil {
		return nil, err
	}
	var newest *reports.Edition
	for _, e := range keeper.Editions(demoReport) {
		if e.Period == month && (newest == nil || e.Number > newest.Number) {
			newest = e
		}
	}
	if newest != nil {
		return newest, nil
	}
	none, no := "", false
	order, err := h.reportOrder(keeper, demoReport, reportFlags{period: &month, language: &none, out: &none, send: &no})
	if err != nil {
		return nil, err
	}
	return keeper.Make(ctx, order)
}

// demoPlaces says where everything lies.
func (a *app) demoPlaces(say func(format string, args ...any)) {
	data := filepath.Join(a.dir, "data")
	for _, p := range []struct{ path, is string }{
		{filepath.Join(a.dir, configFile), "this installation"},
		{filepath.Join(data, databaseFile), "the warehouse, a DuckDB file"},
		{filepath.Join(data, "broker"), "the embedded broker's topics"},
		{filepath.Join(data, "reports"), "reports, each an HTML file"},
		{filepath.Join(data, publishedFolder, "current"), "Parquet and marts.duckdb for BI tools"},
		{filepath.Join(data, truthFile), "the books: what every metric must say"},
	} {
		say("  %-34s %s", p.path, p.is)
	}
}
