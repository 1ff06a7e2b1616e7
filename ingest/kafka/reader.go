package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/funnelhouse/funnelhouse/ingest"
	"github.com/funnelhouse/funnelhouse/sources"
)

const (
	defaultFetchBytes   = 16 << 20
	defaultRefreshEvery = 10 * time.Second
	defaultIdleAfter    = 250 * time.Millisecond

	// maxBatchBytes bounds what one batch may decompress to. A batch beyond it
	// is reported, and its partition stands still, rather than filling the memory.
	maxBatchBytes = 128 << 20

	// recordOverhead is what one record costs in memory beside its bytes: the
	// client's structure and ours.
	recordOverhead = 280

	// leastFetch is the limit of the first fetches, until batches have shown
	// how much larger they become in memory, and never gone below. A broker
	// gives one batch whatever its size.
	leastFetch = 4 << 10
)

// ReaderConfig says what to read and from where.
type ReaderConfig struct {
	Connection Connection
	// Sources name the topics. Those without a kafka part are passed over. No
	// default.
	Sources []*sources.Source
	// Place is where reading begins. Default: nowhere read yet, each source's start.
	Place ingest.Place
	// FetchBytes bounds, about, the memory of records fetched and not yet
	// released by the next Read. A single batch larger than it still comes
	// through. Default: 16 MiB.
	FetchBytes int
	// RefreshEvery is how often the cluster is asked for new topics and
	// partitions, and a partition that can't be read is tried again. Default: 10 s.
	RefreshEvery time.Duration
	// IdleAfter is how long Read waits for records before it returns nothing.
	// Default: 250 ms.
	IdleAfter time.Duration
}

// Reader reads the topics of its sources, as an [ingest.Reader]. Records of
// aborted transactions and transaction markers never show, but the positions
// of the chunks pass over them.
//
// The first Read, or Ends, connects: it waits for a broker that is away, and
// returns an error when the broker refuses us. Later outages and refusals are
// logged and waited out. A partition without a stored offset shows itself by a
// chunk without records whose First and Next are its start, so that a start of
// latest, or of an instant, is kept even if the process ends before the first record.
//
// Read belongs to one goroutine; Ends and Look may be called from others.
type Reader struct {
	cfg   ReaderConfig
	log   *slog.Logger
	meter *meter
	// consumer fetches. What we ask ourselves goes by s, over connections of
	// its own: brokers answer one connection in order, and a fetch may wait.
	consumer *kgo.Client
	s        *session
	// decompressor is the client's own, with its bound; probes use it.
	decompressor kgo.Decompressor

	// lock is held, by a value in the channel, while what follows is used; it
	// is never held while Read waits for records.
	lock      chan struct{}
	started   bool
	topics    map[string]*topic
	told      map[string]string // by topic or name: the state last logged
	refreshAt time.Time
	probeAt   time.Time
	probeWait time.Duration
	// listings brings the topics that are asked for while reading goes on; one
	// at a time. One asked for before the last refresh is out of date.
	listings  chan listing
	listing   bool
	refreshes int
	asked     int    // listings asked for so far
	looks     []look // that are waited for

	fresh    []ingest.Chunk // moves of positions, to be returned first
	deferred []error        // to be returned once the chunks before them were
	memory   chunkMemory
}

// topic is one topic in its current life.
type topic struct {
	name       string
	id         ingest.TopicID   // zero where brokers tell none (before Kafka 2.8)
	past       []ingest.TopicID // of its lives before: a broker behind the others may still tell one
	epoch      int32
	source     *sources.Source
	partitions map[int32]*partition
	// whole: its partitions are newer than the first run and begin at their
	// earliest record, whatever the source's start says: nothing may be lost.
	whole  bool
	absent bool // not in the cluster at present
	// cut is set by Ends where a log of it was truncated: the next Read begins
	// its next life, and nothing of this one is delivered any more.
	cut *cut
	// untold: the caller's place has no id of it yet, so its partitions tell it
	// by chunks that move nothing.
	untold bool
}

type partition struct {
	key      ingest.Partition
	topic    *topic
	position int64 // the next offset to be returned; negative: not known yet
	leader   leader
	whole    bool // begins at its earliest record; see topic
	assigned bool // the client fetches it
	// passedTo is the position up to which a probe found nothing to deliver:
	// records below it that still arrive were compacted away in between.
	passedTo int64
	polled   [][]*kgo.Record // of the poll being worked on
}

// leader is a broker that leads a partition.
type leader struct {
	broker int32 // negative: none
	epoch  int32 // of its leadership; negative: not known
}

var _ ingest.Reader = (*Reader)(nil)

// NewReader checks the configuration; it does not connect yet.
func NewReader(cfg ReaderConfig) (*Reader, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	s, err := newSession(cfg.Connection)
	if err != nil {
		return nil, err
	}
	m := &meter{}
	consumer, err := s.another(
		kgo.WithHooks(m),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),
		// An offset that is gone must come to us, never be replaced by the client.
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchMaxBytes(leastFetch),
		kgo.FetchMaxPartitionBytes(leastFetch),
		kgo.MaxDecompressBatchBytes(maxBatchBytes),
	)
	if err != nil {
		s.client.Close()
		return nil, err
	}
	decompressor, ok := consumer.OptValue(kgo.WithDecompressor).(kgo.Decompressor)
	if !ok {
		s.client.Close()
		consumer.Close()
		return nil, errors.New("kafka reader: the client has no decompressor")
	}
	return &Reader{
		cfg: cfg, log: s.log, s: s, consumer: consumer, meter: m, decompressor: decompressor,
		lock:     make(chan struct{}, 1),
		topics:   make(map[string]*topic),
		told:     make(map[string]string),
		listings: make(chan listing, 1),
	}, nil
}

// complete fills in the defaults.
func (cfg ReaderConfig) complete() (ReaderConfig, error) {
	if cfg.FetchBytes == 0 {
		cfg.FetchBytes = defaultFetchBytes
	}
	if cfg.FetchBytes < 0 || cfg.FetchBytes > math.MaxInt32 {
		return cfg, fmt.Errorf("kafka reader: fetch bytes %d are out of range", cfg.FetchBytes)
	}
	if cfg.RefreshEvery == 0 {
		cfg.RefreshEvery = defaultRefreshEvery
	}
	if cfg.IdleAfter == 0 {
		cfg.IdleAfter = defaultIdleAfter
	}
	cfg.Place = ingest.Place{Topics: maps.Clone(cfg.Place.Topics), Offsets: maps.Clone(cfg.Place.Offsets)}
	cfg.Sources = withKafka(cfg.Sources)
	if len(cfg.Sources) == 0 {
		return cfg, errors.New("kafka reader: no source names a kafka topic")
	}
	return cfg, nil
}

func withKafka(all []*sources.Source) []*sources.Source {
	var with []*sources.Source
	for _, s := range all {
		if s.Kafka != nil {
			with = append(with, s)
		}
	}
	return with
}

// Close ends the connections. A Read that waits returns an error.
func (r *Reader) Close() error {
	r.consumer.Close()
	r.s.client.Close()
	return nil
}

// Read returns the records that have arrived, waiting for some up to the idle
// time. See [ingest.Reader].
func (r *Reader) Read(ctx context.Context) ([]ingest.Chunk, error) {
	if chunks, err := r.before(ctx); err != nil || len(chunks) > 0 {
		return chunks, err
	}
	pollCtx, cancel := context.WithTimeout(ctx, r.cfg.IdleAfter)
	defer cancel()
	for pollCtx.Err() == nil {
		fetches := r.consumer.PollFetches(pollCtx)
		if err := r.acquire(ctx); err != nil {
			return nil, err
		}
		chunks, err := r.collect(ctx, fetches)
		r.limitFetches()
		r.release()
		if err != nil || len(chunks) > 0 {
			return chunks, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := r.acquire(ctx); err != nil {
		return nil, err
	}
	defer r.release()
	return r.passTails(ctx)
}

// before does what is due ahead of a poll, and returns what is left over from
// the last one.
func (r *Reader) before(ctx context.Context) ([]ingest.Chunk, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := r.acquire(ctx); err != nil {
		return nil, err
	}
	defer r.release()
	if err := r.start(ctx); err != nil {
		return nil, err
	}
	r.takeCuts()
	if err := r.refreshBeside(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		// The partitions we have go on.
		wait := min(r.cfg.RefreshEvery, maxBackoff)
		r.refreshAt = time.Now().Add(wait)
		r.s.mon.away(r.s.mon.lastFailed(), err, wait)
	}
	return r.leftOver()
}

// start makes the first contact and assigns the partitions that exist. It
// lasts until that is done, ctx ends, or a broker refuses us.
func (r *Reader) start(ctx context.Context) error {
	if r.started {
		return nil
	}
	if err := r.s.contact(ctx); err != nil {
		return err
	}
	for fails := 1; ; fails++ {
		err := r.refresh(ctx)
		if err == nil {
			r.started = true
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !transient(err) && !isContext(err) {
			return err
		}
		wait := backoff(fails)
		r.s.mon.away(r.s.mon.lastFailed(), err, wait)
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

func (r *Reader) takeFresh() []ingest.Chunk {
	chunks := r.fresh
	r.fresh = nil
	return chunks
}

func (r *Reader) acquire(ctx context.Context) error {
	select {
	case r.lock <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *Reader) release() { <-r.lock }

// tell reports whether a state of a topic is new, so that it is logged once.
func (r *Reader) tell(name, state string) bool {
	if r.told[name] == state {
		return false
	}
	r.told[name] = state
	return true
}

// meter measures how much larger records are in memory than on the wire.
type meter struct{ wire, memory atomic.Int64 }

var _ kgo.HookFetchBatchRead = (*meter)(nil)

// OnFetchBatchRead is called by the client for every batch it has decoded.
func (m *meter) OnFetchBatchRead(_ kgo.BrokerMetadata, _ string, _ int32, b kgo.FetchBatchMetrics) {
	m.wire.Add(int64(b.CompressedBytes))
	m.memory.Add(int64(b.UncompressedBytes + b.NumRecords*recordOverhead))
}

// limitFetches keeps the memory of fetched records within bounds: the limits
// that brokers know are of compressed bytes, so they follow the ratio seen.
// Each broker may have one fetch waiting while another is being worked on.
func (r *Reader) limitFetches() {
	wire := r.meter.wire.Load()
	if wire == 0 {
		return
	}
	ratio := max(1, float64(r.meter.memory.Load())/float64(wire))
	limit := fetchLimit(r.cfg.FetchBytes, len(r.consumer.DiscoveredBrokers()), ratio)
	// A share for each partition, so that a busy one leaves room for the others.
	r.consumer.UpdateFetchMaxBytes(limit, max(leastFetch, limit/int32(max(1, r.assigned()))))
	if wire > int64(r.cfg.FetchBytes) { // halved, the past fades
		r.meter.wire.Add(-wire / 2)
		r.meter.memory.Add(-int64(float64(wire/2) * ratio))
	}
}

// assigned is how many partitions are fetched.
func (r *Reader) assigned() int {
	n := 0
	for _, t := range r.topics {
		for _, p := range t.partitions {
			if p.assigned {
				n++
			}
		}
	}
	return n
}

func fetchLimit(bytes, brokers int, ratio float64) int32 {
	limit := float64(bytes) / float64(2*max(1, brokers)) / ratio
	return int32(min(max(limit, leastFetch), math.MaxInt32/2))
}
