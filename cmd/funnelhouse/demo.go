package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/funnelhouse/funnelhouse/demo"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

const demoConfig = `# The demo company. Its broker lives inside the funnelhouse process, in data/broker;
# for your own company name your brokers instead:
#   kafka: {brokers: ["kafka-1:9092"]}
company:
  name: Demo
  zone: Asia/Shanghai
  currency: CNY
  languages: [en, zh-Hans, zh-Hant]
kafka:
  embedded: data/broker
`

func (a *app) demoCommand() *cobra.Command {
	var asked demo.Parameters
	c := &cobra.Command{
		Use:   "demo",
		Short: "See a made-up company at work, and its figures checked against its own books",
		Long: `demo starts a broker inside this process and lets a made-up company act: two years of
leads, deals, contracts, complaints, surveys, releases and markets, about 300,000 events,
some of them late, twice or broken. It ingests them, builds the models, computes every
metric, and holds the figures against the books that the company kept meanwhile. Then it
makes the report of the last month and publishes Parquet.

What it writes lies in --dir: funnelhouse.yaml and data/. A folder keeps its company: run
again, demo goes on where it stands and loads nothing twice.`,
		Example: `  funnelhouse demo --dir try
  funnelhouse demo --dir small --months 6 --scale 0.1
  funnelhouse demo --dir other --seed 7`,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkDemo(c.Flags(), asked); err != nil {
				return err
			}
			if a.owner == nil {
				if err := a.demoProject(); err != nil {
					return err
				}
			}
			return a.withHouse(c.Context(), "demo", func(ctx context.Context, h *house) error {
				return a.demo(ctx, h, c.Flags(), asked)
			})
		},
	}
	c.Flags().Uint64Var(&asked.Seed, "seed", 1, "which of many made-up companies; not 0")
	c.Flags().IntVar(&asked.Months, "months", 24, "how many full months it acts: 1 to 120")
	c.Flags().Float64Var(&asked.Scale, "scale", 1, "how large it is: 0.01 to 50")
	c.Flags().StringVar(&asked.End, "end", "", "the last of the months, like 2026-09 (default: the last full one)")
	return c
}

// monthLayout is how a month is written.
const monthLayout = "2006-01"

func checkDemo(flags *pflag.FlagSet, asked demo.Parameters) error {
	switch {
	case asked.Seed == 0:
		return usagef("--seed 0 is no company: ask for 1 or more")
	case asked.Months < 1 || asked.Months > 120:
		return usagef("--months %d is no company: ask for 1 to 120", asked.Months)
	case !(asked.Scale >= 0.01 && asked.Scale <= 50):
		return usagef("--scale %g is no company: ask for 0.01 to 50", asked.Scale)
	}
	if flags.Changed("end") {
		if _, err := time.Parse(monthLayout, asked.End); err != nil {
			return usagef("--end %q is no month: write one like 2026-09", asked.End)
		}
	}
	return nil
}

// demoProject writes the demo's configuration, unless there is one.
func (a *app) demoProject() error {
	if err := a.makeFolder(); err != nil {
		return err
	}
	path := filepath.Join(a.project(), configFile)
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return os.WriteFile(path, []byte(demoConfig), 0o600)
	}
	if err != nil {
		return err
	}
	cfg, _, err := loadConfig(a.project())
	if err != nil {
		return err
	}
	if cfg.Kafka == nil || cfg.Kafka.Embedded == "" {
		return usagef("%s belongs to a company of its own: run demo in another folder, like --dir try", path)
	}
	return nil
}

func (a *app) demo(ctx context.Context, h *house, flags *pflag.FlagSet, asked demo.Parameters) error {
	started := time.Now()
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(a.io.out, format+"\n", args...) }
	a.bar.say("the company acts")
	company, sent, err := h.actDemo(ctx, flags, asked, a.bar)
	a.bar.done()
	if err != nil {
		return err
	}
	truth := company.Truth
	say("acted     %s to %s, seed %d, scale %g", plural(int64(truth.Parameters.Months), "month"), truth.AsOf, truth.Parameters.Seed, truth.Parameters.Scale)
	say("sent      %s to %s", plural(int64(sent), "message"), strings.Join(demo.Topics(), ", "))
	total, err := h.ingestOnce(ctx, func(t tally) { a.bar.say("%s read", plural(t.records, "record")) })
	a.bar.done()
	if err != nil {
		return err
	}
	_, _ = fmt.Fprint(a.io.out, "ingested  ")
	if err := writeTally(a.io.out, total, a.dir); err != nil {
		return err
	}
	result, err := h.build(ctx, func(model string, done, all int) { sayModel(a.bar, model, done, all) })
	a.bar.done()
	if err != nil {
		return err
	}
	say("built     %s", plural(int64(len(result.Models)), "model"))
	warnings := 0
	for _, m := range result.Models {
		warnings += len(m.FailedTests)
	}
	if warnings > 0 {
		say("warned    by %s, since some events are about what nobody created: funnelhouse build%s lists them", plural(int64(warnings), "test"), dirFlag(a.dir))
	}
	a.bar.say("comparing the metrics with the books")
	compared, err := h.compare(ctx, truth)
	a.bar.done()
	if err != nil {
		return err
	}
	say("compared  %s of %s with the company's own books", plural(int64(compared.rows), "figure"), plural(int64(compared.metrics), "metric"))
	say("")
	if err := a.showFigures(h, compared); err != nil {
		return err
	}
	say("")
	if len(compared.differences) > 0 {
		return compared.err()
	}
	if err := a.demoWritten(ctx, h, truth.AsOf[:len(monthLayout)], say); err != nil {
		return err
	}
	say("")
	say("everything in %.1f s; it lies here:", time.Since(started).Seconds())
	a.demoPlaces(say)
	say("go on with:")
	say("  funnelhouse serve%s     its pages, at http://%s", dirFlag(a.dir), h.settings.listen)
	say("  funnelhouse metric otd_original%s --grain quarter --by department --as-of %s", dirFlag(a.dir), truth.AsOf)
	say("  funnelhouse query%s \"select reason, count(*) from ingest.quarantine group by reason\"", dirFlag(a.dir))
	say("  funnelhouse init%s     write out contracts, sources, sql, pages and reports, to change them", dirFlag(a.dir))
	return nil
}

// shownMonths is how many of the last months the five figures are shown for.
const shownMonths = 6

// showFigures shows the five figures in the last months, and for each whether
// all that it says equals the books.
func (a *app) showFigures(h *house, c *comparison) error {
	last, err := time.Parse(time.DateOnly, c.truth.AsOf)
	if err != nil {
		return err
	}
	first := time.Date(last.Year(), last.Month(), 1, 0, 0, 0, 0, time.UTC)
	var months []string
	for back := min(shownMonths, c.truth.Parameters.Months) - 1; back >= 0; back-- {
		months = append(months, first.AddDate(0, -back, 0).Format(monthLayout))
	}
	right := make([]bool, len(months)+2)
	for i := range months {
		right[i+1] = true
	}
	s, err := newSheet(a.io.out, "table", append(append([]string{"by month"}, months...), "verdict"), right)
	if err != nil {
		return err
	}
	immature := 0
	for _, code := range []string{"lead_to_won", "csat_top2", "share_revenue", "otd_original", "defect_density"} {
		table := c.tables[code]
		if table == nil { // the metric is missing, which the differences tell
			continue
		}
		cells := []any{table.Metric.Label(h.settings.language)}
		for _, m := range months {
			cell := "–"
			for i := range table.Rows {
				if r := &table.Rows[i]; r.Period == m && r.Value != nil {
					cell = shown(*r.Value, table.Metric.Unit)
					if r.Has(metric.Immature) {
						immature = max(immature, table.Metric.Window)
						cell += "*"
					}
				}
			}
			cells = append(cells, cell)
		}
		verdict := "= books"
		if n := c.differing(code); n > 0 {
			verdict = fmt.Sprintf("%s from the books", plural(int64(n), "difference"))
		}
		if err := s.row(append(cells, verdict)); err != nil {
			return err
		}
	}
	if err := s.close(); err != nil || immature == 0 {
		return err
	}
	_, err = fmt.Fprintf(a.io.out, "* not mature: some of these leads may still be won within %d days\n", immature)
	return err
}
