package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory/mallocator"

	"github.com/funnelhouse/funnelhouse/contracts"
	"github.com/funnelhouse/funnelhouse/ingest"
	"github.com/funnelhouse/funnelhouse/ingest/kafka"
	"github.com/funnelhouse/funnelhouse/sources"
	"github.com/funnelhouse/funnelhouse/transform"
	"github.com/funnelhouse/funnelhouse/warehouse"
)

// fill sends events to the broker, in six partitions.
func fill(ctx context.Context, connection kafka.Connection, m mix, events int) (err error) {
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
		partition := int32(i / m.types % partitions)
		messages = append(messages, kafka.Message{Value: m.event(i), Partition: &partition})
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

func parseAlone(set *contracts.Set, m mix, events int) (rate float64, err error) {
	records := make([]ingest.Record, events)
	for i := range records {
		records[i].Value = m.event(i)
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
	mix        mix
	partition  int32
	events, at int
	chunk      []ingest.Chunk
}

func (m *memoryReader) Read(context.Context) ([]ingest.Chunk, error) {
	n := min(10_000, m.events-m.at)
	records := make([]ingest.Record, n)
	for i := range records {
		records[i] = ingest.Record{Offset: int64(m.at + i), Value: m.mix.event(m.at + i)}
	}
	m.chunk = []ingest.Chunk{{Partition: m.of(), First: int64(m.at), Next: int64(m.at + n), Records: records}}
	m.at += n
	return m.chunk, nil
}

func (m *memoryReader) Ends(context.Context) (map[ingest.Partition]int64, error) {
	return map[ingest.Partition]int64{m.of(): int64(m.events)}, nil
}

func (m *memoryReader) of() ingest.Partition {
	return ingest.Partition{Topic: topic, Partition: m.partition}
}

// insertAlone measures the second goroutine of the way: batches are made
// first, and only their encoding and commit is timed.
func insertAlone(ctx context.Context, set *contracts.Set, m mix, dir string, events int, memory string) (rate float64, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0, err
	}
	w, err := warehouse.Open(ctx, warehouse.Config{Path: filepath.Join(dir, "w.duckdb"), Contracts: set, Memory: memory})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	spent, err := insert(ctx, w, set, &memoryReader{mix: m, events: events}, func(time.Duration) {})
	if err != nil {
		return 0, err
	}
	return float64(events) / spent.Seconds(), nil
}

// insert encodes and commits what a reader yields. each is told how long a
// batch took; all of them together are returned.
func insert(ctx context.Context, w *warehouse.Warehouse, set *contracts.Set, reader ingest.Reader, each func(time.Duration)) (spent time.Duration, err error) {
	in, err := ingest.New(ingest.Config{Contracts: set, MaxAge: time.Hour}, reader)
	if err != nil {
		return 0, err
	}
	encoder := transform.NewEncoder(set, mallocator.NewMallocator())
	defer encoder.Close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	out := make(chan *ingest.Batch)
	done := make(chan error, 1)
	go func() {
		defer close(out)
		done <- in.Run(ctx, true, out)
	}()
	var failed error
	for b := range out {
		if failed != nil {
			b.Release()
			continue
		}
		started := time.Now()
		load, err := encoder.Encode(b)
		if err == nil {
			_, err = w.Append(ctx, load)
			load.Release()
		}
		if err != nil {
			failed = err
			stop()
		}
		took := time.Since(started)
		each(took)
		spent += took
	}
	return spent, errors.Join(failed, <-done)
}

// oneOfEach is the median time in which a batch with one event of each type is
// encoded and committed to a warehouse on disk.
func oneOfEach(ctx context.Context, set *contracts.Set, m mix, dir string) (median time.Duration, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0, err
	}
	w, err := warehouse.Open(ctx, warehouse.Config{Path: filepath.Join(dir, "w.duckdb"), Contracts: set})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	var times []time.Duration
	for round := range 21 {
		reader := &memoryReader{mix: m, partition: int32(round), events: m.types}
		if _, err := insert(ctx, w, set, reader, func(took time.Duration) { times = append(times, took) }); err != nil {
			return 0, err
		}
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}
