package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/funnelhouse/funnelhouse/demo"
	"github.com/funnelhouse/funnelhouse/ingest/kafka"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

const (
	demoTopic      = "crm.events"
	demoPartitions = 3
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
	var cfg demo.Config
	c := &cobra.Command{
		Use:   "demo",
		Short: "See a made-up company with a year of leads",
		Long: `demo starts a broker inside this process, sends it a year of a made-up company's
leads, ingests them, builds the models and prints the lead-to-customer rate by month.
What it writes lies in --dir: funnelhouse.yaml and data/. Run again, it goes on where
it stands and loads nothing twice.`,
		Example: `  funnelhouse demo --dir try
  funnelhouse demo --dir try --seed 7 --leads 100000`,
		RunE: func(c *cobra.Command, _ []string) error {
			if cfg.Leads < 10 {
				return usagef("--leads %d is no company: ask for 10 or more", cfg.Leads)
			}
			if a.owner == nil {
				if err := a.demoProject(); err != nil {
					return err
				}
			}
			return a.withHouse(c.Context(), "demo", func(ctx context.Context, h *house) error {
				return a.demo(ctx, h, cfg)
			})
		},
	}
	c.Flags().Uint64Var(&cfg.Seed, "seed", 1, "which of many made-up companies")
	c.Flags().IntVar(&cfg.Leads, "leads", 20_000, "about how many leads the year brings")
	return c
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

func (a *app) demo(ctx context.Context, h *house, cfg demo.Config) error {
	started := time.Now()
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(a.io.out, format+"\n", args...) }
	cfg.Zone = h.zone()
	a.bar.say("making up the year")
	year, err := demo.Act(cfg)
	if err != nil {
		return &usageError{err}
	}
	sent, err := h.sendDemo(ctx, year, a.bar)
	a.bar.done()
	if err != nil {
		return err
	}
	say("sent      %s to topic %s", plural(int64(sent), "message"), demoTopic)
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
	say("")
	if err := a.demoRate(ctx, h); err != nil {
		return err
	}
	dir := a.dir
	say("")
	say("everything in %.1f s; it lies here:", time.Since(started).Seconds())
	say("  %-34s this installation", filepath.Join(dir, configFile))
	say("  %-34s the warehouse, a DuckDB file", filepath.Join(dir, "data", databaseFile))
	say("  %-34s the embedded broker's topics", filepath.Join(dir, "data", "broker"))
	say("go on with:")
	say("  funnelhouse metric lead_to_won%s --grain quarter --by channel", dirFlag(dir))
	say("  funnelhouse query%s \"select reason, count(*) from ingest.quarantine group by reason\"", dirFlag(dir))
	say("  funnelhouse init%s     write out contracts, sources and sql, to change them", dirFlag(dir))
	return nil
}

func (a *app) demoRate(ctx context.Context, h *house) error {
	set, err := loadMetrics(h.dir)
	if err != nil {
		return err
	}
	table, err := set.Query(ctx, h.wh.DB(), h.company(), metric.Request{Metric: "lead_to_won", Grain: metric.Month, AsOf: h.today()})
	if err != nil {
		return err
	}
	return writeMetric(a.io.out, table, "table", h.settings.language, h.cfg.Company.Currency)
}

// sendDemo sends what the topic doesn't hold yet. A partition's messages are
// always the same and in the same order, so the end of the partition says how
// many of them are there, also after a send that was cut off.
func (h *house) sendDemo(ctx context.Context, year *demo.Year, bar *progress) (sent int, err error) {
	h.sending.Lock()
	defer h.sending.Unlock()
	connection, err := h.connection()
	if err != nil {
		return 0, err
	}
	producer, err := kafka.NewProducer(connection)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, producer.Close()) }()
	if err := producer.CreateTopic(ctx, demoTopic, demoPartitions, nil); err != nil {
		return 0, err
	}
	ends, err := producer.EndOffsets(ctx, demoTopic)
	if err != nil {
		return 0, err
	}
	var messages []kafka.Message
	flush := func() error {
		if err := producer.Produce(ctx, demoTopic, messages); err != nil {
			return fmt.Errorf("send the demo's events: %w", err)
		}
		sent += len(messages)
		messages = messages[:0]
		bar.say("%s sent", plural(int64(sent), "message"))
		return nil
	}
	for i := range year.Messages {
		m := &year.Messages[i]
		partition := demoPartition(m.Key)
		if ends[partition] > 0 {
			ends[partition]--
			continue
		}
		messages = append(messages, kafka.Message{Key: []byte(m.Key), Value: m.Value, Timestamp: m.At, Partition: &partition})
		if len(messages) == 5000 {
			if err := flush(); err != nil {
				return sent, err
			}
		}
	}
	return sent, flush()
}

func demoPartition(key string) int32 {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(key)) // never fails
	return int32(sum.Sum32() % demoPartitions)
}
