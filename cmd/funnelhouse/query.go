package main

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/funnelhouse/funnelhouse/warehouse"
)

func (a *app) queryCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   `query "SQL"`,
		Short: "Answer one SELECT",
		Long: `query answers one SELECT over the schemas raw, staging, marts, ingest and build.
It can't change anything, and sees neither files nor the network. With - the SQL is
read from standard input.`,
		Example: `  funnelhouse query "select channel, count(*) from marts.leads group by channel"
  funnelhouse query --format csv "from marts.leads" > leads.csv
  funnelhouse query - < question.sql`,
		Args: cobra.ExactArgs(1),
	}
	format := formatFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := checkFormat(*format); err != nil {
			return err
		}
		return a.withHouse(c.Context(), "query", func(ctx context.Context, h *house) error {
			question := args[0]
			if question == "-" {
				text, err := io.ReadAll(io.LimitReader(a.io.in, 1<<20))
				if err != nil {
					return err
				}
				question = string(text)
			}
			if strings.TrimSpace(question) == "" {
				return usagef(`there is no question: write one, like funnelhouse query "select 1"`)
			}
			return a.answer(ctx, h.wh, question, *format)
		})
	}
	return c
}

func (a *app) answer(ctx context.Context, wh *warehouse.Warehouse, question, format string) (err error) {
	a.bar.say("working on the answer")
	defer a.bar.done()
	result, err := wh.Query(ctx, question)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, result.Close()) }()
	var names []string
	var right []bool
	for _, c := range result.Columns {
		names = append(names, c.Name)
		right = append(right, c.Number())
	}
	s, err := newSheet(a.io.out, format, names, right)
	if err != nil {
		return err
	}
	for {
		row, err := result.Next()
		a.bar.done() // the rows themselves are the progress from now on
		if err != nil {
			return err
		}
		if row == nil {
			return s.close()
		}
		if err := s.row(row); err != nil {
			return err
		}
	}
}
