package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/funnelhouse/funnelhouse/ingest"
)

// Message is one record to be written.
type Message struct {
	Key     []byte
	Value   []byte // nil: a tombstone
	Headers []ingest.Header
	// Timestamp is the record's own. Default: now.
	Timestamp time.Time
	// Partition pins the record. Default: by the key's hash as Kafka's own
	// clients do (murmur2), or any partition where there is no key.
	Partition *int32
}

// Producer writes records. A record counts as written when all in-sync
// replicas have it, and retries don't write it twice. It may be used from
// several goroutines.
type Producer struct {
	s   *session
	adm *kadm.Client

	mu        sync.Mutex
	contacted bool
}

// NewProducer checks the configuration; it does not connect yet.
func NewProducer(conn Connection) (*Producer, error) {
	s, err := newSession(conn,
		kgo.RequiredAcks(kgo.AllISRAcks()),
		// Without it, Produce would go on waiting after its context ended, for
		// the answer of a broker that is away.
		kgo.AllowIdempotentProduceCancellation(),
		kgo.RecordPartitioner(pinned{kgo.StickyKeyPartitioner(nil)}),
	)
	if err != nil {
		return nil, err
	}
	return &Producer{s: s, adm: kadm.NewClient(s.client)}, nil
}

// Close ends the connections. What Produce has returned without an error is
// written by then.
func (p *Producer) Close() error {
	p.s.client.Close()
	return nil
}

// Produce writes the messages and waits until they are written. It waits for a
// broker that is away until ctx is done. On an error some may have been
// written all the same: the error tells of how many that is not known to be so.
func (p *Producer) Produce(ctx context.Context, topic string, messages []Message) error {
	if err := p.contact(ctx); err != nil {
		return err
	}
	records := make([]*kgo.Record, len(messages))
	for i := range messages {
		m := &messages[i]
		r := &kgo.Record{Topic: topic, Key: m.Key, Value: m.Value, Timestamp: m.Timestamp, Partition: -1}
		if m.Partition != nil {
			r.Partition = *m.Partition
		}
		for _, h := range m.Headers {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
		}
		records[i] = r
	}
	var (
		failed int
		first  error
	)
	for _, result := range p.s.client.ProduceSync(ctx, records...) {
		if result.Err == nil {
			continue
		}
		failed++
		if first == nil {
			first = result.Err
			if errors.Is(first, kerr.MessageTooLarge) {
				first = fmt.Errorf("a record of %d bytes is larger than a batch may be (message.max.bytes of the topic, or 1 MB): %w", len(result.Record.Value), first)
			}
		}
	}
	if first != nil && ctx.Err() != nil && !errors.Is(first, ctx.Err()) {
		first = fmt.Errorf("%w: %w", ctx.Err(), first)
	}
	if first != nil {
		return fmt.Errorf("produce to %s: %d of %d records are not known to be written: %w", topic, failed, len(messages), first)
	}
	return nil
}

// CreateTopic makes a topic, with the brokers' default of replicas. A topic
// that exists is left as it is, without an error.
func (p *Producer) CreateTopic(ctx context.Context, topic string, partitions int, configs map[string]string) error {
	if err := p.contact(ctx); err != nil {
		return err
	}
	values := make(map[string]*string, len(configs))
	for k, v := range configs {
		values[k] = &v
	}
	resp, err := p.adm.CreateTopic(ctx, int32(partitions), -1, values, topic)
	if err == nil {
		err = resp.Err
	}
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("create topic %s with %d partitions: %w", topic, partitions, err)
	}
	return nil
}

// EndOffsets returns the offset of the next record of each partition.
func (p *Producer) EndOffsets(ctx context.Context, topic string) (map[int32]int64, error) {
	if err := p.contact(ctx); err != nil {
		return nil, err
	}
	listed, err := p.adm.ListEndOffsets(ctx, topic)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("list end offsets of %s: %w", topic, err)
	}
	ends := make(map[int32]int64)
	listed.Each(func(o kadm.ListedOffset) { ends[o.Partition] = o.Offset })
	return ends, nil
}

// contact makes the first contact, so that a wrong password is an error
// rather than a wait.
func (p *Producer) contact(ctx context.Context) error {
	p.mu.Lock()
	contacted := p.contacted
	p.mu.Unlock()
	if contacted {
		return nil
	}
	if err := p.s.contact(ctx); err != nil {
		return err
	}
	p.mu.Lock()
	p.contacted = true
	p.mu.Unlock()
	return nil
}

// pinned sends a record to the partition it names, and others by their key.
type pinned struct{ keyed kgo.Partitioner }

func (p pinned) ForTopic(topic string) kgo.TopicPartitioner {
	return &pinnedTopic{p.keyed.ForTopic(topic)}
}

type pinnedTopic struct{ kgo.TopicPartitioner }

func (p *pinnedTopic) RequiresConsistency(r *kgo.Record) bool {
	return r.Partition >= 0 || p.TopicPartitioner.RequiresConsistency(r)
}

func (p *pinnedTopic) Partition(r *kgo.Record, n int) int {
	if r.Partition >= 0 {
		return int(r.Partition) // one that does not exist is refused by the client
	}
	return p.TopicPartitioner.Partition(r, n)
}

// OnNewBatch lets records without a key go to another partition, batch by batch.
func (p *pinnedTopic) OnNewBatch() {
	if sticky, ok := p.TopicPartitioner.(kgo.TopicPartitionerOnNewBatch); ok {
		sticky.OnNewBatch()
	}
}
