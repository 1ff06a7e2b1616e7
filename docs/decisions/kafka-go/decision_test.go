package kafkago

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
	"time"

	segmentio "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake" //nolint:depguard // the client that was chosen is held against the other one
	"github.com/twmb/franz-go/pkg/kgo"   //nolint:depguard // the client that was chosen is held against the other one
	"github.com/twmb/franz-go/pkg/kmsg"  //nolint:depguard // the client that was chosen is held against the other one
)

const topic = "crm"

func cluster(t *testing.T) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, topic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// readSegmentio reads until there are most messages, or none has for a while.
func readSegmentio(t *testing.T, c *kfake.Cluster, most int) []segmentio.Message {
	t.Helper()
	r := segmentio.NewReader(segmentio.ReaderConfig{
		Brokers: c.ListenAddrs(), Topic: topic, Partition: 0,
		IsolationLevel: segmentio.ReadCommitted,
		MinBytes:       1, MaxBytes: 1 << 20, MaxWait: 100 * time.Millisecond,
		ReadBackoffMin: 10 * time.Millisecond, ReadBackoffMax: 50 * time.Millisecond,
	})
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	var messages []segmentio.Message
	for len(messages) < most {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		m, err := r.ReadMessage(ctx)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		messages = append(messages, m)
	}
	return messages
}

// readFranz reads until a record with the offset last has come.
func readFranz(t *testing.T, c *kfake.Cluster, last int64) []*kgo.Record {
	t.Helper()
	client, err := kgo.NewClient(
		kgo.SeedBrokers(c.ListenAddrs()...),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
	)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var records []*kgo.Record
	for {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		records = append(records, fetches.Records()...)
		if n := len(records); n > 0 && records[n-1].Offset >= last {
			return records
		}
	}
}

func TestReadCommitted(t *testing.T) {
	c := cluster(t)
	w, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.TransactionalID("tx"), kgo.DefaultProduceTopic(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	transact := func(end kgo.TransactionEndTry, values ...string) {
		if err := w.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			if err := w.ProduceSync(t.Context(), kgo.StringRecord(v)).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.EndTransaction(t.Context(), end); err != nil {
			t.Fatal(err)
		}
	}
	transact(kgo.TryCommit, "committed 1", "committed 2") // offsets 0, 1, marker 2
	transact(kgo.TryAbort, "aborted 1", "aborted 2")      // offsets 3, 4, marker 5
	transact(kgo.TryCommit, "committed 3")                // offset 6, marker 7

	var franz []string
	for _, r := range readFranz(t, c, 6) {
		franz = append(franz, string(r.Value))
	}
	if want := []string{"committed 1", "committed 2", "committed 3"}; !slices.Equal(franz, want) {
		t.Errorf("franz-go returned %q, want %q", franz, want)
	}

	aborted, markers := 0, 0
	for _, m := range readSegmentio(t, c, 8) {
		t.Logf("kafka-go returned offset %d, key %x, value %q", m.Offset, m.Key, m.Value)
		switch {
		case strings.HasPrefix(string(m.Value), "aborted"):
			aborted++
		case !strings.HasPrefix(string(m.Value), "committed"):
			markers++
		}
	}
	if aborted != 2 || markers != 3 {
		t.Errorf("kafka-go returned %d aborted records and %d markers; the fault that is reproduced here returns 2 and 3", aborted, markers)
	}
}

func TestCompactedBatch(t *testing.T) {
	c := cluster(t)
	// The log: records 0 to 2, a batch for 3 to 5 without records, record 6.
	before, compacted, after := batch(0, 2, 0, 1, 2), batch(3, 5), batch(6, 6, 6)
	c.ControlKey(int16(kmsg.Fetch), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		req := kreq.(*kmsg.FetchRequest)
		resp := req.ResponseKind().(*kmsg.FetchResponse)
		for _, qt := range req.Topics {
			rt := kmsg.NewFetchResponseTopic()
			rt.Topic, rt.TopicID = qt.Topic, qt.TopicID
			for _, qp := range qt.Partitions {
				rp := kmsg.NewFetchResponseTopicPartition()
				rp.HighWatermark, rp.LastStableOffset, rp.LogStartOffset = 7, 7, 0
				switch at := qp.FetchOffset; {
				case at < 3:
					rp.RecordBatches = before
				case at < 6:
					rp.RecordBatches = compacted
				case at < 7:
					rp.RecordBatches = after
				}
				rt.Partitions = append(rt.Partitions, rp)
			}
			resp.Topics = append(resp.Topics, rt)
		}
		return resp, nil, true
	})
	// The broker's own log must reach as far, for clients that ask for its ends.
	w, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.DefaultProduceTopic(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for range 7 {
		if err := w.ProduceSync(t.Context(), kgo.StringRecord("")).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}

	var franz []int64
	for _, r := range readFranz(t, c, 6) {
		franz = append(franz, r.Offset)
	}
	if want := []int64{0, 1, 2, 6}; !slices.Equal(franz, want) {
		t.Errorf("franz-go returned offsets %v, want %v", franz, want)
	}

	var offsets []int64
	for _, m := range readSegmentio(t, c, 30) {
		offsets = append(offsets, m.Offset)
	}
	t.Logf("kafka-go returned offsets %v", offsets)
	again := 0
	for i, o := range offsets {
		if slices.Contains(offsets[:i], o) {
			again++
		}
	}
	if again < 20 || slices.Contains(offsets, 6) {
		t.Errorf("kafka-go delivered %d messages again and offset 6: %v; the fault that is reproduced here delivers again for ever and never gets to 6",
			again, slices.Contains(offsets, 6))
	}
}

// batch encodes a record batch for the offsets first to last, which holds
// records at the offsets given.
func batch(first, last int64, offsets ...int64) []byte {
	b := kmsg.RecordBatch{
		FirstOffset: first, LastOffsetDelta: int32(last - first), Magic: 2,
		FirstTimestamp: 1, MaxTimestamp: 1, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
		NumRecords: int32(len(offsets)),
	}
	for _, o := range offsets {
		r := kmsg.Record{OffsetDelta: int32(o - first), Value: fmt.Appendf(nil, "v%d", o)}
		r.Length = int32(len(r.AppendTo(nil)) - 1) // its own length takes one byte
		b.Records = r.AppendTo(b.Records)
	}
	b.Length = int32(len(b.AppendTo(nil)) - 12)
	b.CRC = int32(crc32.Checksum(b.AppendTo(nil)[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b.AppendTo(nil)
}
