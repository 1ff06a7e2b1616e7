package kafka

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/funnelhouse/funnelhouse/ingest"
	"github.com/funnelhouse/funnelhouse/sources"
)

const deadline = 15 * time.Second

func cluster(t testing.TB, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatalf("start a cluster: %v", err)
	}
	t.Cleanup(c.Close)
	return c
}

func source(name string, topics ...string) *sources.Source {
	return &sources.Source{Path: "sources/" + name + ".yaml", Name: name, Kafka: &sources.Kafka{Topics: topics}}
}

// config reads quickly, for tests.
func config(brokers []string, srcs ...*sources.Source) ReaderConfig {
	return ReaderConfig{
		Connection:   Connection{Brokers: brokers},
		Sources:      srcs,
		RefreshEvery: 150 * time.Millisecond,
		IdleAfter:    30 * time.Millisecond,
	}
}

func reader(t testing.TB, cfg ReaderConfig) *Reader {
	t.Helper()
	r, err := NewReader(cfg)
	if err != nil {
		t.Fatalf("new reader: %v", err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("close reader: %v", err)
		}
	})
	return r
}

func client(t testing.TB, brokers []string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(brokers...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MetadataMinAge(20 * time.Millisecond),
	}, opts...)...)
	if err != nil {
		t.Fatalf("new client: %v", err)
	}
	t.Cleanup(c.Close)
	return c
}

func producer(t testing.TB, brokers []string) *Producer {
	t.Helper()
	p, err := NewProducer(Connection{Brokers: brokers})
	if err != nil {
		t.Fatalf("new producer: %v", err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("close producer: %v", err)
		}
	})
	return p
}

func createTopic(t testing.TB, p *Producer, topic string, partitions int) {
	t.Helper()
	if err := p.CreateTopic(t.Context(), topic, partitions, nil); err != nil {
		t.Fatal(err)
	}
}

// write puts numbered values from..to-1 into one partition.
func write(t testing.TB, p *Producer, topic string, partition int32, from, to int) {
	t.Helper()
	messages := make([]Message, 0, to-from)
	for i := from; i < to; i++ {
		messages = append(messages, Message{Value: fmt.Appendf(nil, "v%d", i), Partition: &partition})
	}
	if err := p.Produce(t.Context(), topic, messages); err != nil {
		t.Fatal(err)
	}
}

func part(topic string, epoch, number int32) ingest.Partition {
	return ingest.Partition{Topic: topic, Epoch: epoch, Partition: number}
}

// got gathers what a reader returned and holds it against the promises that
// every chunk makes.
type got struct {
	t       testing.TB
	r       *Reader
	records map[ingest.Partition][]ingest.Record
	next    map[ingest.Partition]int64
	topics  map[string]ingest.Topic
	jumps   []ingest.Chunk
}

func gather(t testing.TB, r *Reader) *got {
	t.Helper()
	g := &got{
		t: t, r: r,
		records: make(map[ingest.Partition][]ingest.Record),
		next:    make(map[ingest.Partition]int64),
		topics:  make(map[string]ingest.Topic),
	}
	maps.Copy(g.next, r.cfg.Place.Offsets)
	maps.Copy(g.topics, r.cfg.Place.Topics)
	return g
}

func (g *got) add(chunks []ingest.Chunk) {
	g.t.Helper()
	seen := make(map[ingest.Partition]bool)
	for _, c := range chunks {
		if seen[c.Partition] {
			g.t.Errorf("two chunks of %v in one Read", c.Partition)
		}
		seen[c.Partition] = true
		if next, ok := g.next[c.Partition]; ok && next != c.First {
			g.t.Errorf("chunk of %v begins at %d, the one before ended at %d", c.Partition, c.First, next)
		}
		if c.Source == nil {
			g.t.Errorf("chunk of %v has no source", c.Partition)
		}
		at := c.First
		for _, rec := range c.Records {
			if rec.Offset < at || rec.Offset >= c.Next {
				g.t.Errorf("record %d of %v lies outside [%d, %d)", rec.Offset, c.Partition, at, c.Next)
			}
			at = rec.Offset + 1
			g.records[c.Partition] = append(g.records[c.Partition], clone(rec))
		}
		if len(c.Records) == 0 {
			g.jumps = append(g.jumps, c)
		}
		g.next[c.Partition] = c.Next
		g.topics[c.Partition.Topic] = ingest.Topic{Epoch: c.Partition.Epoch, ID: c.TopicID}
	}
}

func clone(r ingest.Record) ingest.Record {
	r.Key, r.Value = bytes.Clone(r.Key), bytes.Clone(r.Value)
	headers := r.Headers
	r.Headers = nil
	for _, h := range headers {
		r.Headers = append(r.Headers, ingest.Header{Key: h.Key, Value: bytes.Clone(h.Value)})
	}
	return r
}

// until reads until the condition holds.
func (g *got) until(what string, done func() bool) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), deadline)
	defer cancel()
	for !done() {
		chunks, err := g.r.Read(ctx)
		if err != nil {
			g.t.Fatalf("waiting for %s: read: %v (positions %v)", what, err, g.next)
		}
		g.add(chunks)
	}
}

func (g *got) untilCount(p ingest.Partition, n int) {
	g.t.Helper()
	g.until(fmt.Sprintf("%d records of %v", n, p), func() bool { return len(g.records[p]) >= n })
}

// untilCaughtUp reads until every position has reached its end.
func (g *got) untilCaughtUp() {
	g.t.Helper()
	g.until("the ends", func() bool {
		ends, err := g.r.Ends(g.t.Context())
		if err != nil {
			g.t.Fatalf("ends: %v", err)
		}
		for p, end := range ends {
			if next, ok := g.next[p]; !ok || next < end {
				return false
			}
		}
		return len(ends) > 0
	})
}

func (g *got) values(p ingest.Partition) string {
	var vs []string
	for _, r := range g.records[p] {
		vs = append(vs, string(r.Value))
	}
	return strings.Join(vs, " ")
}

func (g *got) place() ingest.Place {
	place := ingest.Place{Topics: make(map[string]ingest.Topic), Offsets: make(map[ingest.Partition]int64)}
	for p, next := range g.next {
		place.Offsets[p] = next
		if last, ok := place.Topics[p.Topic]; !ok || last.Epoch <= p.Epoch {
			place.Topics[p.Topic] = g.topics[p.Topic]
		}
	}
	return place
}

func numbered(from, to int) string {
	var vs []string
	for i := from; i < to; i++ {
		vs = append(vs, fmt.Sprintf("v%d", i))
	}
	return strings.Join(vs, " ")
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// logged keeps what is logged, for tests that look at it.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func (l *logged) lines(substring string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
	for line := range strings.Lines(l.buf.String()) {
		if strings.Contains(line, substring) {
			found = append(found, line)
		}
	}
	return found
}
