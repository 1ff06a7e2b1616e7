package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) ingestCommand() *cobra.Command {
	var once bool
	c := &cobra.Command{
		Use:   "ingest",
		Short: "Read the topics and commit what they hold",
		Long: `ingest reads the topics of sources/ from where the warehouse stands, validates
every event against its contract and commits them. It goes on until it is stopped;
with --once it ends when everything that could be read at its start is committed.
It builds no models: that is funnelhouse build, or serve, which does both.`,
		Example: `  funnelhouse ingest --once
  funnelhouse query "select reason, count(*) from ingest.quarantine group by reason"`,
		RunE: func(c *cobra.Command, _ []string) error {
			told := func(t tally) { a.bar.say("%s read, %s quarantined", plural(t.records, "record"), count(t.quarantined)) }
			if !once {
				return a.asHolder(c.Context(), "ingest", func(ctx context.Context, h *house) error { return h.ingestOn(ctx, told) })
			}
			return a.withHouse(c.Context(), "ingest --once", func(ctx context.Context, h *house) error {
				total, err := h.ingestOnce(ctx, told)
				a.bar.done()
				if err != nil {
					return err
				}
				return writeTally(a.io.out, total, a.dir)
			})
		},
	}
	c.Flags().BoolVar(&once, "once", false, "end when everything that can be read now is committed")
	return c
}

// writeTally says what was committed, and where to look for what was refused.
func writeTally(out io.Writer, t tally, dir string) error {
	if t.records == 0 {
		_, err := fmt.Fprintln(out, "nothing new: every record was loaded before")
		return err
	}
	parts := []string{count(t.loaded) + " loaded"}
	if t.events != t.loaded {
		parts[0] += " as " + plural(t.events, "event")
	}
	for _, p := range []struct {
		n    int64
		name string
	}{{t.quarantined, "quarantined"}, {t.filtered, "filtered"}, {t.tombstones, "tombstones"}, {t.warnings, "warnings"}} {
		if p.n > 0 {
			parts = append(parts, count(p.n)+" "+p.name)
		}
	}
	_, err := fmt.Fprintf(out, "%s in %s: %s\n", plural(t.records, "record"), plural(t.batches, "batch"), strings.Join(parts, ", "))
	if err == nil && t.quarantined > 0 {
		_, err = fmt.Fprintf(out, "why: funnelhouse query%s \"select reason, message, count(*) from ingest.quarantine group by all\"\n", dirFlag(dir))
	}
	return err
}
