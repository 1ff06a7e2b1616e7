package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"github.com/funnelhouse/funnelhouse/demo"
	"github.com/funnelhouse/funnelhouse/ingest/kafka"
)

const (
	demoPartitions = 3
	// demoFile says which company a folder holds.
	demoFile = "demo.json"
	// truthFile holds the company's own books.
	truthFile = "truth.json"
)

// demoRecord is what a folder's company began with. It is written before the
// first message is sent and never changed, so that another run sends what the
// first would have sent.
type demoRecord struct {
	demo.Parameters
	// SHA256 is that of all messages: another version of the program may make
	// another company of the same parameters, which must not be mixed with it.
	SHA256 string `json:"sha256"`
}

// actDemo lets the folder's company act and sends what its topics don't hold
// yet.
func (h *house) actDemo(ctx context.Context, flags *pflag.FlagSet, asked demo.Parameters, bar *progress) (company *demo.Company, sent int, err error) {
	h.sending.Lock()
	defer h.sending.Unlock()
	path := filepath.Join(h.dir, "data", demoFile)
	begun, err := readDemo(path)
	if err != nil {
		return nil, 0, err
	}
	parameters := asked
	if begun != nil {
		parameters = begun.Parameters
		if err := begun.refuse(flags, asked, h.dir); err != nil {
			return nil, 0, err
		}
	} else if parameters.End == "" {
		today := h.today()
		parameters.End = today.AddDate(0, 0, -today.Day()).Format(monthLayout)
	}
	company, err = h.act(parameters)
	if err != nil {
		return nil, 0, err
	}
	record := &demoRecord{company.Truth.Parameters, checksum(company.Messages)}
	if begun != nil && begun.SHA256 != record.SHA256 {
		return nil, 0, usagef("the company in %s was made by another version of funnelhouse, or %s has another zone or currency now: run demo in another folder, like --dir try",
			h.dir, configFile)
	}
	producer, ends, err := h.demoTopics(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, producer.Close()) }()
	if begun == nil {
		for _, topic := range demo.Topics() {
			for _, end := range ends[topic] {
				if end > 0 {
					return nil, 0, usagef("topic %s of the broker in %s holds messages that this demo didn't send: run demo in another folder, like --dir try", topic, h.dir)
				}
			}
		}
		if err := writeJSON(path, record); err != nil {
			return nil, 0, err
		}
	}
	if err := writeJSON(filepath.Join(h.dir, "data", truthFile), company.Truth); err != nil {
		return nil, 0, err
	}
	sent, err = sendDemo(ctx, producer, company, ends, bar)
	return company, sent, err
}

func (h *house) act(p demo.Parameters) (*demo.Company, error) {
	end, err := time.ParseInLocation(monthLayout, p.End, h.zone())
	if err != nil {
		return nil, fmt.Errorf("read the last month of the demo: %w", err)
	}
	company, err := demo.Act(demo.Config{
		Seed: p.Seed, Months: p.Months, Scale: p.Scale, End: end, Zone: h.zone(),
		Currency: h.cfg.Company.Currency, FiscalYearStarts: h.settings.fiscalStart,
	})
	if err != nil {
		return nil, &usageError{err}
	}
	return company, nil
}

// readDemo reads which company a folder holds; nil: none yet.
func readDemo(path string) (*demoRecord, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var r demoRecord
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("read %s, which says what the demo company was made from: %w", path, err)
	}
	return &r, nil
}

// refuse refuses flags that ask for another company than the folder holds.
func (r *demoRecord) refuse(flags *pflag.FlagSet, asked demo.Parameters, dir string) error {
	for _, f := range []struct {
		name        string
		asked, held any
	}{
		{"seed", asked.Seed, r.Seed}, {"months", asked.Months, r.Months}, {"scale", asked.Scale, r.Scale}, {"end", asked.End, r.End},
	} {
		if flags.Changed(f.name) && f.asked != f.held {
			return usagef("the company in %s was made with --%s %v: leave the flag out to go on with it, or run demo in another folder, like --dir try",
				dir, f.name, f.held)
		}
	}
	return nil
}

// writeJSON writes a file whole or not at all.
func writeJSON(path string, content any) error {
	data, err := json.MarshalIndent(content, "", " ")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.WriteFile(path+".new", append(data, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func checksum(messages []demo.Message) string {
	sum := sha256.New()
	var length [8]byte
	for i := range messages {
		binary.LittleEndian.PutUint64(length[:], uint64(len(messages[i].Value)))
		_, _ = sum.Write(length[:]) // never fails, nor does the next
		_, _ = sum.Write(messages[i].Value)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// demoTopics makes the topics where they are missing and finds their ends.
func (h *house) demoTopics(ctx context.Context) (producer *kafka.Producer, ends map[string]map[int32]int64, err error) {
	connection, err := h.connection()
	if err != nil {
		return nil, nil, err
	}
	producer, err = kafka.NewProducer(connection)
	if err != nil {
		return nil, nil, err
	}
	ends = map[string]map[int32]int64{}
	for _, topic := range demo.Topics() {
		if err = producer.CreateTopic(ctx, topic, demoPartitions, nil); err == nil {
			ends[topic], err = producer.EndOffsets(ctx, topic)
		}
		if err != nil {
			return nil, nil, errors.Join(err, producer.Close())
		}
	}
	return producer, ends, nil
}

// sendDemo sends what the topics don't hold yet. A partition's messages are
// always the same and in the same order, so the end of the partition says how
// many of them are there, also after a send that was cut off.
func sendDemo(ctx context.Context, producer *kafka.Producer, company *demo.Company, ends map[string]map[int32]int64, bar *progress) (sent int, err error) {
	waiting := map[string][]kafka.Message{}
	flush := func(topic string) error {
		if err := producer.Produce(ctx, topic, waiting[topic]); err != nil {
			return fmt.Errorf("send the demo's events: %w", err)
		}
		sent += len(waiting[topic])
		waiting[topic] = waiting[topic][:0]
		bar.say("%s sent", plural(int64(sent), "message"))
		return nil
	}
	for i := range company.Messages {
		m := &company.Messages[i]
		partition := demoPartition(m.Key)
		if ends[m.Topic][partition] > 0 {
			ends[m.Topic][partition]--
			continue
		}
		waiting[m.Topic] = append(waiting[m.Topic], kafka.Message{Key: []byte(m.Key), Value: m.Value, Timestamp: m.At, Partition: &partition})
		if len(waiting[m.Topic]) == 10_000 {
			if err := flush(m.Topic); err != nil {
				return sent, err
			}
		}
	}
	for _, topic := range demo.Topics() {
		if err := flush(topic); err != nil {
			return sent, err
		}
	}
	return sent, nil
}

func demoPartition(key string) int32 {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(key)) // never fails
	return int32(sum.Sum32() % demoPartitions)
}
