package kafka

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/funnelhouse/funnelhouse/ingest"
)

// lossy is an embedded broker that can lose the records of its topics.
type lossy struct {
	t      *testing.T
	dir    string
	broker *Embedded
}

// filled has topic crm with the values v0 to v4 in partition 0.
func filled(t *testing.T) *lossy {
	t.Helper()
	l := &lossy{t: t, dir: t.TempDir()}
	l.start(0)
	t.Cleanup(func() { closed(t, l.broker) })
	p := l.producer()
	createTopic(t, p, "crm", 1)
	write(t, p, "crm", 0, 0, 5)
	return l
}

func (l *lossy) start(port int) {
	l.t.Helper()
	var err error
	if l.broker, err = StartEmbedded(EmbeddedConfig{Dir: l.dir, Port: port}); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lossy) producer() *Producer { return producer(l.t, []string{l.broker.Addr()}) }

func (l *lossy) config() ReaderConfig {
	return config([]string{l.broker.Addr()}, source("crm", "crm"))
}

// lose restarts the broker at its address without any record, then with the
// values v20 up to v(20+n).
func (l *lossy) lose(n int) {
	l.t.Helper()
	port := portOf(l.t, l.broker.Addr())
	closed(l.t, l.broker)
	if err := os.RemoveAll(filepath.Join(l.dir, "partitions")); err != nil {
		l.t.Fatal(err)
	}
	l.start(port)
	if n > 0 {
		write(l.t, l.producer(), "crm", 0, 20, 20+n)
	}
}

func endsAre(t *testing.T, r *Reader, partition ingest.Partition, want int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	ends, err := r.Ends(ctx)
	if end, ok := ends[partition]; err != nil || len(ends) != 1 || !ok || end != want {
		t.Errorf("ends %v, %v, want %v at %d alone", ends, err, partition, want)
	}
}

// A log that lost its end shows at the first look at the ends, whether it is
// read afterwards or not, and nothing of what it grows to is passed over.
func TestEndsSeesTruncatedLogAtStart(t *testing.T) {
	t.Parallel()
	for name, left := range map[string]int{"some records": 2, "none": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := filled(t)
			first := gather(t, reader(t, l.config()))
			first.untilCount(part("crm", 0, 0), 5)
			l.lose(left)
			var log logged
			cfg := l.config()
			cfg.Connection.Logger = log.logger()
			cfg.Place = first.place()
			g := gather(t, reader(t, cfg))
			endsAre(t, g.r, part("crm", 1, 0), int64(left))
			write(t, l.producer(), "crm", 0, 20+left, 30) // beyond the old position
			g.untilCaughtUp()
			equal(t, "records", g.values(part("crm", 1, 0)), numbered(20, 30))
			equal(t, "records under the old epoch", len(g.records[part("crm", 0, 0)]), 0)
			equal(t, "place of the life before", g.next[part("crm", 0, 0)], 5)
			equal(t, "log lines", len(log.lines("level=ERROR msg=\"kafka has lost records that were read\" topic=crm partition=0 position=5")), 1)
			if len(g.jumps) == 0 || g.jumps[0].Partition != part("crm", 1, 0) {
				t.Errorf("the new life is not told as a chunk without records: %v", g.jumps)
			}
		})
	}
}

// The same while it is read: between Ends and the next Read the log may grow
// past the position, and the client by itself would go on there.
func TestEndsSeesTruncatedLogWhileRunning(t *testing.T) {
	t.Parallel()
	for name, left := range map[string]int{"some records": 2, "none": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := filled(t)
			var log logged
			cfg := l.config()
			cfg.Connection.Logger = log.logger()
			g := gather(t, reader(t, cfg))
			g.untilCaughtUp()
			l.lose(left)
			endsAre(t, g.r, part("crm", 1, 0), int64(left))
			write(t, l.producer(), "crm", 0, 20+left, 30)
			endsAre(t, g.r, part("crm", 1, 0), 10)
			g.untilCaughtUp()
			equal(t, "records", g.values(part("crm", 1, 0)), numbered(20, 30))
			equal(t, "records of the life before", g.values(part("crm", 0, 0)), numbered(0, 5))
			equal(t, "log lines", len(log.lines("lost records")), 1)
		})
	}
}

// From another goroutine Ends never tells the old epoch's partition once the
// log is cut, while Read meets the loss in its own way.
func TestEndsBesideReadOfTruncatedLog(t *testing.T) {
	t.Parallel()
	l := filled(t)
	g := gather(t, reader(t, l.config()))
	g.untilCaughtUp()
	l.lose(2)
	type answer struct {
		ends map[ingest.Partition]int64
		err  error
	}
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	answers := make(chan answer, 1)
	go func() {
		for {
			ends, err := g.r.Ends(ctx)
			if end, ok := ends[part("crm", 1, 0)]; err != nil || !ok || len(ends) != 1 || end == 10 {
				answers <- answer{ends, err}
				return
			}
		}
	}()
	g.untilCount(part("crm", 1, 0), 2)
	write(t, l.producer(), "crm", 0, 22, 30)
	g.untilCount(part("crm", 1, 0), 10)
	equal(t, "records", g.values(part("crm", 1, 0)), numbered(20, 30))
	if a := <-answers; a.err != nil || len(a.ends) != 1 || a.ends[part("crm", 1, 0)] != 10 {
		t.Errorf("ends %v, %v", a.ends, a.err)
	}
}

// An end below the position is no loss where the log itself reaches the position.
func TestLaggingEnd(t *testing.T) {
	t.Parallel()
	for name, times := range map[string]int32{"once": 1, "for a while": 6} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cluster(t, kfake.SeedTopics(1, "crm"))
			p := producer(t, c.ListenAddrs())
			write(t, p, "crm", 0, 0, 5)
			var log logged
			cfg := config(c.ListenAddrs(), source("crm", "crm"))
			cfg.Connection.Logger = log.logger()
			g := gather(t, reader(t, cfg))
			g.untilCaughtUp()
			var lagging atomic.Int32
			lagging.Store(times)
			c.ControlKey(int16(kmsg.ListOffsets), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
				c.KeepControl()
				req := kreq.(*kmsg.ListOffsetsRequest)
				if req.Topics[0].Partitions[0].Timestamp != atEnd || lagging.Add(-1) < 0 {
					return nil, nil, false
				}
				return endsAt(req, 2), nil, true
			})
			if ends, err := g.r.Ends(t.Context()); err != nil || len(ends) != 1 || ends[part("crm", 0, 0)] > 5 {
				t.Errorf("ends %v, %v, want those of the same epoch", ends, err)
			}
			lagging.Store(times)
			cfg.Place = g.place()
			second := gather(t, reader(t, cfg)) // meets it at the start
			write(t, p, "crm", 0, 5, 8)
			second.untilCount(part("crm", 0, 0), 3)
			g.untilCount(part("crm", 0, 0), 8)
			equal(t, "log lines", len(log.lines("lost records")), 0)
		})
	}
}

func endsAt(req *kmsg.ListOffsetsRequest, end int64) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.ListOffsetsResponse)
	rt := kmsg.NewListOffsetsResponseTopic()
	rt.Topic = req.Topics[0].Topic
	rp := kmsg.NewListOffsetsResponseTopicPartition()
	rp.Partition, rp.Offset = req.Topics[0].Partitions[0].Partition, end
	rt.Partitions = append(rt.Partitions, rp)
	resp.Topics = append(resp.Topics, rt)
	return resp
}

// A loss that can't be confirmed is neither believed nor denied: Ends says so.
func TestUnconfirmedLoss(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "crm"))
	p := producer(t, c.ListenAddrs())
	write(t, p, "crm", 0, 0, 2)
	var hold atomic.Bool
	hold.Store(true)
	c.ControlKey(int16(kmsg.Fetch), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		req := kreq.(*kmsg.FetchRequest)
		if !isProbe(req) || !hold.Load() {
			return nil, nil, false
		}
		return fetched(req, kerr.OffsetNotAvailable.Code, 0, nil), nil, true
	})
	var log logged
	cfg := config(c.ListenAddrs(), source("crm", "crm"))
	cfg.Connection.Logger = log.logger()
	cfg.Place = ingest.Place{Offsets: map[ingest.Partition]int64{part("crm", 0, 0): 5}}
	g := gather(t, reader(t, cfg))
	if ends, err := g.r.Ends(t.Context()); err == nil {
		t.Errorf("ends %v though nobody knows how far the log goes", ends)
	}
	equal(t, "log lines", len(log.lines("lost records")), 0)
	hold.Store(false)
	g.untilCount(part("crm", 1, 0), 2)
	equal(t, "log lines", len(log.lines("lost records")), 1)
}

func isProbe(req *kmsg.FetchRequest) bool {
	return req.SessionEpoch == -1 && req.MaxBytes == probeBytes && len(req.Topics) == 1
}

// fetched answers the one partition of a fetch.
func fetched(req *kmsg.FetchRequest, code int16, end int64, batches []byte) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.FetchResponse)
	rt := kmsg.NewFetchResponseTopic()
	rt.Topic, rt.TopicID = req.Topics[0].Topic, req.Topics[0].TopicID
	rp := kmsg.NewFetchResponseTopicPartition()
	rp.ErrorCode = code
	rp.HighWatermark, rp.LastStableOffset, rp.LogStartOffset = end, end, 0
	rp.RecordBatches = batches
	rt.Partitions = append(rt.Partitions, rp)
	resp.Topics = append(resp.Topics, rt)
	return resp
}

// throttled is what a broker answers to a fetch over the quota.
func throttled(req *kmsg.FetchRequest, millis int32) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.FetchResponse)
	resp.ThrottleMillis = millis
	return resp
}

// Over the quota a broker answers without topics: no answer now, but no damage
// either. What was proved before stays, and the rest is tried again.
func TestProbeOverQuota(t *testing.T) {
	t.Parallel()
	for name, millis := range map[string]int32{"with a wait": 150, "without": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cluster(t, kfake.SeedTopics(1, "crm"))
			p := producer(t, c.ListenAddrs())
			write(t, p, "crm", 0, 0, 6)
			empty := kmsg.RecordBatch{LastOffsetDelta: 3, Magic: 2, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1}
			var over, mended atomic.Bool
			over.Store(true)
			c.ControlKey(int16(kmsg.Fetch), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
				c.KeepControl()
				req := kreq.(*kmsg.FetchRequest)
				switch {
				case mended.Load() || len(req.Topics) == 0 || req.Topics[0].Partitions[0].FetchOffset >= 6:
					return nil, nil, false
				case !isProbe(req):
					return fetched(req, 0, 6, nil), nil, true // the client finds nothing
				case req.Topics[0].Partitions[0].FetchOffset == 0:
					return fetched(req, 0, 6, sealed(empty)), nil, true
				case over.Load():
					return throttled(req, millis), nil, true
				default:
					return fetched(req, 0, 6, nil), nil, true
				}
			})
			crm := part("crm", 0, 0)
			g := gather(t, reader(t, config(c.ListenAddrs(), source("crm", "crm"))))
			g.until("what was proved before", func() bool { return g.next[crm] == 4 })
			for range 5 {
				chunks, err := g.r.Read(t.Context())
				if err != nil {
					t.Fatalf("read over the quota: %v", err)
				}
				g.add(chunks)
			}
			equal(t, "position over the quota", g.next[crm], 4)
			over.Store(false)
			g.untilCaughtUp()
			equal(t, "position", g.next[crm], 6)
			mended.Store(true)
			write(t, p, "crm", 0, 6, 8)
			g.untilCaughtUp()
			equal(t, "records behind it", g.values(crm), "v6 v7")
		})
	}
}

// The quota holds up the question whether a log was cut, and changes nothing else.
func TestTruncatedLogOverQuota(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "crm"))
	write(t, producer(t, c.ListenAddrs()), "crm", 0, 0, 2)
	var asked atomic.Int32
	c.ControlKey(int16(kmsg.Fetch), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		req := kreq.(*kmsg.FetchRequest)
		if !isProbe(req) || asked.Add(1) > 2 {
			return nil, nil, false
		}
		return throttled(req, 20), nil, true
	})
	cfg := config(c.ListenAddrs(), source("crm", "crm"))
	cfg.Place = ingest.Place{Offsets: map[ingest.Partition]int64{part("crm", 0, 0): 5}}
	g := gather(t, reader(t, cfg))
	endsAre(t, g.r, part("crm", 1, 0), 2)
	g.untilCaughtUp()
	equal(t, "records", g.values(part("crm", 1, 0)), numbered(0, 2))
}

// Brokers that come to tell topic ids: each partition tells it once, though no
// record has come, at the start of a run and in the midst of one.
func TestTopicIDIsTold(t *testing.T) {
	t.Parallel()
	old, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(t.TempDir()), kfake.SeedTopics(2, "crm"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(old.Close)
	write(t, producer(t, old.ListenAddrs()), "crm", 0, 0, 3)
	told := func(g *got) {
		t.Helper()
		one, two := part("crm", 0, 0), part("crm", 0, 1)
		g.until("the ids", func() bool { return len(g.jumps) >= 2 })
		for range 3 {
			chunks, err := g.r.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			g.add(chunks)
		}
		equal(t, "chunks without records", len(g.jumps), 2)
		at := map[ingest.Partition]int64{one: 3, two: 0}
		for _, c := range g.jumps {
			if c.First != at[c.Partition] || c.Next != c.First || c.TopicID == (ingest.TopicID{}) {
				t.Errorf("chunk of %v moves from %d to %d with id %x", c.Partition, c.First, c.Next, c.TopicID)
			}
			delete(at, c.Partition)
		}
		equal(t, "partitions that told none", len(at), 0)
	}
	cfg := config(old.ListenAddrs(), source("crm", "crm"))
	cfg.Place = ingest.Place{
		Topics:  map[string]ingest.Topic{"crm": {}},
		Offsets: map[ingest.Partition]int64{part("crm", 0, 0): 3, part("crm", 0, 1): 0},
	}
	first := gather(t, reader(t, cfg))
	told(first)

	cfg.Place = first.place()
	second := gather(t, reader(t, cfg))
	second.untilCaughtUp()
	for range 3 {
		chunks, err := second.r.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		second.add(chunks)
	}
	equal(t, "chunks once it is stored", len(second.jumps), 0)
}

func TestTopicIDIsToldAfterUpgrade(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(dir), kfake.SeedTopics(1, "crm"), kfake.MaxVersions(kversion.V2_7_0()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(old.Close)
	addr := old.ListenAddrs()[0]
	write(t, producer(t, []string{addr}), "crm", 0, 0, 3)
	crm := part("crm", 0, 0)
	g := gather(t, reader(t, config([]string{addr}, source("crm", "crm"))))
	g.untilCount(crm, 3)
	if id := g.topics["crm"].ID; id != (ingest.TopicID{}) {
		t.Fatalf("the old brokers told the id %x", id)
	}
	g.jumps = nil
	old.Close()
	c, err := StartEmbedded(EmbeddedConfig{Dir: dir, Port: portOf(t, addr)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, c) })
	g.until("the id", func() bool { return g.topics["crm"].ID != (ingest.TopicID{}) })
	if len(g.jumps) != 1 || g.jumps[0].Partition != crm || g.jumps[0].First != 3 || g.jumps[0].Next != 3 {
		t.Errorf("the id was told by %v", g.jumps)
	}
	until := time.Now().Add(4 * g.r.cfg.RefreshEvery)
	g.until("some refreshes", func() bool { return time.Now().After(until) })
	equal(t, "chunks that told it", len(g.jumps), 1)
}
