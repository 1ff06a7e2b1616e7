package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/funnelhouse/funnelhouse/warehouse/model"
)

func (a *app) buildCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "build",
		Short: "Build the models, test them, and adopt them together",
		Long: `build makes every model of sql/ anew beside the old one, tests it, and then swaps
all of them at once: readers see the old figures or the new ones, never a mixture.
A model whose test fails keeps its old version, and so does everything below it.`,
		Example: "  funnelhouse build\n  funnelhouse query \"select * from build.models\"",
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withHouse(c.Context(), "build", func(ctx context.Context, h *house) error {
				started := time.Now()
				result, err := h.build(ctx, func(model string, done, total int) {
					sayModel(a.bar, model, done, total)
				})
				a.bar.done()
				if result != nil {
					if e := writeBuild(a.io.out, result, time.Since(started)); err == nil {
						err = e
					}
				}
				return err
			})
		},
	}
}

// sayModel says which model is being built; without a name all are.
func sayModel(bar *progress, model string, done, total int) {
	if model != "" {
		bar.say("building %s (%d of %d)", model, done+1, total)
	}
}

func writeBuild(out io.Writer, result *model.Result, took time.Duration) error {
	s, err := newSheet(out, "table", []string{"model", "status", "rows", "seconds"}, []bool{false, false, true, true})
	if err != nil {
		return err
	}
	for _, m := range result.Models {
		if err := s.row([]any{m.Model, string(m.Status), count(m.Rows), fmt.Sprintf("%.2f", m.Seconds)}); err != nil {
			return err
		}
	}
	if err := s.close(); err != nil {
		return err
	}
	if _, err = fmt.Fprintf(out, "built in %.1f s\n", took.Seconds()); err != nil {
		return err
	}
	for _, m := range result.Models {
		for _, t := range m.FailedTests {
			if _, err := fmt.Fprintf(out, "%s, %s (%s), the rows: %s\n", m.Model, t.Test, t.Severity, t.SQL); err != nil {
				return err
			}
		}
	}
	return nil
}
