package kafka

import (
	"context"
	"fmt"
	"hash/crc32"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/funnelhouse/funnelhouse/ingest"
)

// transact writes one transaction to topic crm and ends it as asked.
func transact(t testing.TB, w *kgo.Client, end kgo.TransactionEndTry, values ...string) {
	t.Helper()
	if err := w.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	var recs []*kgo.Record
	for _, v := range values {
		recs = append(recs, &kgo.Record{Topic: "crm", Value: []byte(v)})
	}
	if err := w.ProduceSync(t.Context(), recs...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := w.EndTransaction(t.Context(), end); err != nil {
		t.Fatal(err)
	}
}

func TestReadCommitted(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "crm"))
	w := client(t, c.ListenAddrs(), kgo.TransactionalID("tx"))
	transact(t, w, kgo.TryCommit, "a1", "a2")
	transact(t, w, kgo.TryAbort, "x1", "x2", "x3")
	transact(t, w, kgo.TryCommit, "b1")
	g := gather(t, reader(t, config(c.ListenAddrs(), source("crm", "crm"))))
	g.untilCaughtUp()
	p := part("crm", 0, 0)
	equal(t, "records", g.values(p), "a1 a2 b1")
	equal(t, "offset of b1", g.records[p][2].Offset, 7)
	equal(t, "position behind the last marker", g.next[p], 9)
}

// An open transaction holds back what follows it; nothing of it is passed over.
func TestReadOpenTransaction(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "crm"))
	w := client(t, c.ListenAddrs(), kgo.TransactionalID("tx"))
	transact(t, w, kgo.TryAbort, "x1")
	if err := w.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := w.ProduceSync(t.Context(), &kgo.Record{Topic: "crm", Value: []byte("open")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	write(t, producer(t, c.ListenAddrs()), "crm", 0, 0, 2)
	g := gather(t, reader(t, config(c.ListenAddrs(), source("crm", "crm"))))
	p := part("crm", 0, 0)
	g.untilCaughtUp()
	equal(t, "position before the open transaction", g.next[p], 2)
	for range 5 { // idle: it must stay there
		chunks, err := g.r.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		g.add(chunks)
	}
	equal(t, "position while it is open", g.next[p], 2)
	if err := w.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	g.untilCaughtUp()
	equal(t, "records", g.values(p), "open v0 v1")
}

func TestReadPassesTails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		fill func(t *testing.T, c *kfake.Cluster, p *Producer)
		want string
		end  int64
	}{
		{"empty topic", func(*testing.T, *kfake.Cluster, *Producer) {}, "", 0},
		{"aborted tail", func(t *testing.T, c *kfake.Cluster, p *Producer) {
			t.Helper()
			write(t, p, "crm", 0, 0, 2)
			transact(t, client(t, c.ListenAddrs(), kgo.TransactionalID("tx")), kgo.TryAbort, "x1", "x2")
		}, "v0 v1", 5},
		{"marker-only tail", func(t *testing.T, c *kfake.Cluster, _ *Producer) {
			t.Helper()
			transact(t, client(t, c.ListenAddrs(), kgo.TransactionalID("tx")), kgo.TryCommit, "a")
		}, "a", 2},
		{"nothing but an aborted transaction", func(t *testing.T, c *kfake.Cluster, _ *Producer) {
			t.Helper()
			transact(t, client(t, c.ListenAddrs(), kgo.TransactionalID("tx")), kgo.TryAbort, "x")
		}, "", 2},
		{"compacted tail", func(t *testing.T, c *kfake.Cluster, p *Producer) {
			t.Helper()
			write(t, p, "crm", 0, 0, 2)
			w := client(t, c.ListenAddrs(), kgo.TransactionalID("tx"))
			transact(t, w, kgo.TryAbort, "x1", "x2")
			transact(t, w, kgo.TryAbort, "x3")
			c.Compact() // leaves the last marker alone
		}, "", 7},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := cluster(t)
			p := producer(t, c.ListenAddrs())
			err := p.CreateTopic(t.Context(), "crm", 1, map[string]string{"cleanup.policy": "compact"})
			if err != nil {
				t.Fatal(err)
			}
			tt.fill(t, c, p)
			g := gather(t, reader(t, config(c.ListenAddrs(), source("crm", "crm"))))
			g.untilCaughtUp()
			equal(t, "records", g.values(part("crm", 0, 0)), tt.want)
			equal(t, "position", g.next[part("crm", 0, 0)], tt.end)

			write(t, p, "crm", 0, 100, 102)
			g.until("the records behind the tail", func() bool { return g.next[part("crm", 0, 0)] == tt.end+2 })
		})
	}
}

// A range whose records were all compacted away, as a broker shows it: by a
// batch without records, or by no batch at all where it lay before the end.
func TestReadPassesCompactedRange(t *testing.T) {
	t.Parallel()
	empty := kmsg.RecordBatch{FirstOffset: 3, LastOffsetDelta: 2, Magic: 2, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1}
	for name, batches := range map[string][]byte{"batch without records": sealed(empty), "no batch": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cluster(t, kfake.SeedTopics(1, "crm"))
			p := producer(t, c.ListenAddrs())
			write(t, p, "crm", 0, 0, 6)
			restore := answer(c, 6, 0, batches)
			crm := part("crm", 0, 0)
			cfg := config(c.ListenAddrs(), source("crm", "crm"))
			cfg.Place = ingest.Place{Offsets: map[ingest.Partition]int64{crm: 3}}
			g := gather(t, reader(t, cfg))
			g.untilCaughtUp()
			equal(t, "records", g.values(crm), "")
			equal(t, "position", g.next[crm], 6)
			restore()
			write(t, p, "crm", 0, 6, 8)
			g.untilCaughtUp()
			equal(t, "records behind it", g.values(crm), "v6 v7")
		})
	}
}

// answer makes the broker answer fetches from below end with the batches given,
// until restore is called.
func answer(c *kfake.Cluster, end int64, code int16, batches []byte) (restore func()) {
	var restored atomic.Bool
	c.ControlKey(int16(kmsg.Fetch), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		req := kreq.(*kmsg.FetchRequest)
		if restored.Load() || len(req.Topics) == 0 || req.Topics[0].Partitions[0].FetchOffset >= end {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.FetchResponse)
		rt := kmsg.NewFetchResponseTopic()
		rt.Topic, rt.TopicID = req.Topics[0].Topic, req.Topics[0].TopicID
		rp := kmsg.NewFetchResponseTopicPartition()
		rp.ErrorCode = code
		rp.HighWatermark, rp.LastStableOffset, rp.LogStartOffset = end, end, 0
		rp.RecordBatches = batches
		rt.Partitions = append(rt.Partitions, rp)
		resp.Topics = append(resp.Topics, rt)
		return resp, nil, true
	})
	return func() { restored.Store(true) }
}

// sealed encodes a batch with its length and checksum.
func sealed(b kmsg.RecordBatch) []byte {
	b.Length = int32(len(b.AppendTo(nil)) - 12)
	b.CRC = int32(crc32.Checksum(b.AppendTo(nil)[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b.AppendTo(nil)
}

// While transactions are committed and aborted beside plain records, and probes
// run whenever nothing comes, each committed record arrives once, in order.
func TestReadPassesNothingOver(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "crm"))
	listAborted(c)
	cfg := config(c.ListenAddrs(), source("crm", "crm"))
	cfg.IdleAfter = 1e6 // 1 ms: as many probes as can be
	g := gather(t, reader(t, cfg))
	const rounds = 60
	var wg sync.WaitGroup
	for k := range 3 {
		w := client(t, c.ListenAddrs(), kgo.TransactionalID(fmt.Sprint("tx", k)))
		wg.Go(func() {
			for i := range rounds {
				end := kgo.TryCommit
				value := fmt.Sprintf("c%d-%d", k, i)
				if i%2 == k%2 {
					end, value = kgo.TryAbort, "aborted"
				}
				transact(t, w, end, value)
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	p := part("crm", 0, 0)
	g.until("all transactions", func() bool {
		select {
		case <-done:
			return true
		default:
			return false
		}
	})
	g.untilCaughtUp()
	seen := make(map[string]int)
	for _, r := range g.records[p] {
		seen[string(r.Value)]++
	}
	equal(t, "aborted records", seen["aborted"], 0)
	equal(t, "different records", len(seen), 3*rounds/2)
	equal(t, "records", len(g.records[p]), 3*rounds/2)
	equal(t, "position", g.next[p], int64(2*3*rounds))
}

// A partition without a leader holds up neither the others nor, unnoticed, the
// answer whether all is read.
func TestPartitionWithoutLeader(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "crm", "stuck"))
	write(t, producer(t, c.ListenAddrs()), "crm", 0, 0, 3)
	var mended atomic.Bool
	c.ControlKey(int16(kmsg.ListOffsets), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		req := kreq.(*kmsg.ListOffsetsRequest)
		resp := req.ResponseKind().(*kmsg.ListOffsetsResponse)
		stuck := false
		for _, qt := range req.Topics {
			rt := kmsg.NewListOffsetsResponseTopic()
			rt.Topic = qt.Topic
			rp := kmsg.NewListOffsetsResponseTopicPartition()
			rp.Offset = 0
			if qt.Topic == "stuck" {
				rp.ErrorCode, stuck = kerr.LeaderNotAvailable.Code, true
			}
			rt.Partitions = append(rt.Partitions, rp)
			resp.Topics = append(resp.Topics, rt)
		}
		return resp, nil, stuck && !mended.Load()
	})
	g := gather(t, reader(t, config(c.ListenAddrs(), source("crm", "*"))))
	g.untilCount(part("crm", 0, 0), 3)
	if ends, err := g.r.Ends(t.Context()); err == nil {
		t.Errorf("ends %v without those of the partition that has no leader", ends)
	}
	mended.Store(true)
	g.untilCaughtUp()
	if _, ok := g.next[part("stuck", 0, 0)]; !ok {
		t.Error("the partition was not taken up")
	}
}

func TestEndsFromAnotherGoroutine(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(2, "crm"))
	p := producer(t, c.ListenAddrs())
	r := reader(t, config(c.ListenAddrs(), source("crm", "crm")))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stopped := make(chan error, 1)
	go func() {
		for {
			if _, err := r.Ends(ctx); err != nil {
				stopped <- err
				return
			}
		}
	}()
	g := gather(t, r)
	for i := range 20 {
		write(t, p, "crm", int32(i%2), i*10, i*10+10)
	}
	g.untilCount(part("crm", 0, 0), 100)
	g.untilCount(part("crm", 0, 1), 100)
	ends, err := r.Ends(t.Context())
	if err != nil || ends[part("crm", 0, 0)] != 100 || ends[part("crm", 0, 1)] != 100 {
		t.Errorf("ends %v, %v", ends, err)
	}
	cancel()
	if err := <-stopped; ctx.Err() == nil {
		t.Errorf("ends: %v", err)
	}
}
