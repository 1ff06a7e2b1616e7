package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory/mallocator"

	"github.com/funnelhouse/funnelhouse/contracts"
	"github.com/funnelhouse/funnelhouse/ingest"
	"github.com/funnelhouse/funnelhouse/ingest/kafka"
	"github.com/funnelhouse/funnelhouse/sources"
	"github.com/funnelhouse/funnelhouse/transform"
	"github.com/funnelhouse/funnelhouse/warehouse"
)

const eventBytes = 420

// makeEvent writes the i-th event, of one of three types, padded to the same
// length by a longer identity as real systems have them.
func makeEvent(i int) []byte {
	lead := fmt.Sprintf("L-%09d", i/3)
	kind, data := "", ""
	switch i % 3 {
	case 0:
		kind = "lead.created.v1"
		data = fmt.Sprintf(`{"lead_id":%q,"channel":"trade_fair","campaign":"spring-fair","product":"atlas","region":"east","potential":"B","owner_id":"E-014","email":"contact-%s@example.com","expected_amount":%d.50,"recorded_at":"2026-10-03T09:12:45.000+08:00"}`,
			lead, lead, 1000+i%90000)
	case 1:
		kind = "lead.stage_changed.v1"
		data = fmt.Sprintf(`{"lead_id":%q,"from_stage":"new","to_stage":"mql","owner_id":"E-014","reason":"qualified by the inside sales team","recorded_at":"2026-10-03T09:12:46.000+08:00"}`, lead)
	default:
		kind = "lead.merged.v1"
		data = fmt.Sprintf(`{"lead_id":%q,"survivor_id":"L-000000001","recorded_at":"2026-10-03T09:12:47.000+08:00"}`, lead)
	}
	event := func(id string) []byte {
		return fmt.Appendf(nil, `{"specversion":"1.0","id":"%s","source":"/crm","type":"%s","time":"2026-10-03T09:12:44.120+08:00","subject":%q,"data":%s}`, id, kind, lead, data)
	}
	id := fmt.Sprintf("%012d", i)
	if missing := eventBytes - len(event(id)); missing > 0 {
		id = strings.Repeat("0", missing) + id
	}
	return event(id)
}

// fill sends events to the broker, in six partitions.
func fill(ctx context.Context, connection kafka.Connection, events int) (err error) {
	p, err := kafka.NewProducer(connection)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	const partitions = 6
	if err := p.CreateTopic(ctx, topic, partitions, nil); err != nil {
		return err
	}
	var messages []kafka.Message
	for i := range events {
		partition := int32(i / 3 % partitions)
		messages = append(messages, kafka.Message{Value: makeEvent(i), Partition: &partition})
		if len(messages) == 20_000 || i == events-1 {
			if err := p.Produce(ctx, topic, messages); err != nil {
				return err
			}
			messages = messages[:0]
		}
	}
	return nil
}

func fetchAlone(ctx context.Context, connection kafka.Connection, events int) (rate float64, err error) {
	list, err := sources.Load(sources.Files)
	if err != nil {
		return 0, err
	}
	r, err := kafka.NewReader(kafka.ReaderConfig{Connection: connection, Sources: list, FetchBytes: 32 << 20})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	started := time.Now()
	for read := 0; read < events; {
		chunks, err := r.Read(ctx)
		if err != nil {
			return 0, err
		}
		for i := range chunks {
			read += len(chunks[i].Records)
		}
	}
	return float64(events) / time.Since(started).Seconds(), nil
}

func parseAlone(events int) (rate float64, err error) {
	set, err := contracts.Load(contracts.Files)
	if err != nil {
		return 0, err
	}
	records := make([]ingest.Record, events)
	for i := range records {
		records[i].Value = makeEvent(i)
	}
	started := time.Now()
	try := ingest.NewTry(set)
	for i := range records {
		if reason, message := try.Record(&records[i]); reason != "" {
			return 0, fmt.Errorf("an event is refused as %s: %s", reason, message)
		}
	}
	return float64(events) / time.Since(started).Seconds(), nil
}

// memoryReader yields records from memory as one partition.
type memoryReader struct {
	events, at int
	chunk      []ingest.Chunk
}

func (m *memoryReader) Read(context.Context) ([]ingest.Chunk, error) {
	n := min(10_000, m.events-m.at)
	records := make([]ingest.Record, n)
	for i := range records {
		records[i] = ingest.Record{Offset: int64(m.at + i), Value: makeEvent(m.at + i)}
	}
	m.chunk = []ingest.Chunk{{Partition: ingest.Partition{Topic: topic}, First: int64(m.at), Next: int64(m.at + n), Records: records}}
	m.at += n
	return m.chunk, nil
}

func (m *memoryReader) Ends(context.Context) (map[ingest.Partition]int64, error) {
	return map[ingest.Partition]int64{{Topic: topic}: int64(m.events)}, nil
}

// insertAlone measures the second goroutine of the way: batches are made
// first, and only their encoding and commit is timed.
func insertAlone(ctx context.Context, dir string, events int, memory string) (rate float64, err error) {
	set, err := contracts.Load(contracts.Files)
	if err != nil {
		return 0, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0, err
	}
	w, err := warehouse.Open(ctx, warehouse.Config{Path: filepath.Join(dir, "w.duckdb"), Contracts: set, Memory: memory})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	reader := &memoryReader{events: events}
	in, err := ingest.New(ingest.Config{Contracts: set, MaxAge: time.Hour}, reader)
	if err != nil {
		return 0, err
	}
	encoder := transform.NewEncoder(set, mallocator.NewMallocator())
	defer encoder.Close()
	out := make(chan *ingest.Batch)
	done := make(chan error, 1)
	go func() {
		defer close(out)
		done <- in.Run(ctx, true, out)
	}()
	var spent time.Duration
	for b := range out {
		started := time.Now()
		load, err := encoder.Encode(b)
		if err != nil {
			return 0, err
		}
		if _, err := w.Append(ctx, load); err != nil {
			return 0, err
		}
		load.Release()
		spent += time.Since(started)
	}
	return float64(events) / spent.Seconds(), <-done
}
