package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

func TestProduceByKey(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	p := producer(t, c.ListenAddrs())
	createTopic(t, p, "crm", 8)
	createTopic(t, p, "crm", 8) // exists: no error
	// What org.apache.kafka.common.utils.Utils.murmur2 gives for the keys, its
	// sign taken off, modulo 8.
	want := map[string]int32{"21": murmur2("21") % 8, "foobar": murmur2("foobar") % 8, "a-little-bit-long-string": murmur2("a-little-bit-long-string") % 8}
	var messages []Message
	for key := range want {
		messages = append(messages, Message{Key: []byte(key), Value: []byte(key)})
	}
	if err := p.Produce(t.Context(), "crm", messages); err != nil {
		t.Fatal(err)
	}
	g := gather(t, reader(t, config(c.ListenAddrs(), source("crm", "crm"))))
	g.untilCaughtUp()
	for key, number := range want {
		if !strings.Contains(" "+g.values(part("crm", 0, number))+" ", " "+key+" ") {
			t.Errorf("key %s is not in partition %d", key, number)
		}
	}
}

// murmur2 holds the values of the table in Kafka's own test of its hash.
func murmur2(key string) int32 {
	return map[string]int32{"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536}[key] & 0x7fffffff
}

func TestProduceToPartition(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(3, "crm"))
	p := producer(t, c.ListenAddrs())
	write(t, p, "crm", 2, 0, 5)
	ends, err := p.EndOffsets(t.Context(), "crm")
	if err != nil {
		t.Fatal(err)
	}
	if len(ends) != 3 || ends[0] != 0 || ends[1] != 0 || ends[2] != 5 {
		t.Errorf("end offsets %v", ends)
	}
	none := int32(7)
	if err := p.Produce(t.Context(), "crm", []Message{{Partition: &none}}); err == nil {
		t.Error("a partition that does not exist was accepted")
	}
}

func TestProduceSpreadsRecordsWithoutKey(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(3, "crm"))
	p := producer(t, c.ListenAddrs())
	for i := range 30 {
		if err := p.Produce(t.Context(), "crm", []Message{{Value: fmt.Appendf(nil, "v%d", i)}}); err != nil {
			t.Fatal(err)
		}
	}
	ends, err := p.EndOffsets(t.Context(), "crm")
	if err != nil {
		t.Fatal(err)
	}
	for number, end := range ends {
		if end == 0 || end == 30 {
			t.Errorf("partition %d got %d of 30 records", number, end)
		}
	}
}

func TestProduceErrors(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "crm"))
	p := producer(t, c.ListenAddrs())
	err := p.Produce(t.Context(), "crm", []Message{{Value: []byte("small")}, {Value: make([]byte, 2<<20)}})
	if err == nil || !strings.Contains(err.Error(), "produce to crm: 1 of 2 records") || !strings.Contains(err.Error(), "2097152 bytes") {
		t.Errorf("a record that is too large: %v", err)
	}
	if _, err := p.EndOffsets(t.Context(), "missing"); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("end offsets of a missing topic: %v", err)
	}
	if err := p.CreateTopic(t.Context(), "none", 0, nil); err == nil || !strings.Contains(err.Error(), "create topic none") {
		t.Errorf("a topic without partitions: %v", err)
	}
}

// Produce waits for a broker that is away, but no longer than its context.
func TestProduceWhileBrokerIsAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e, err := StartEmbedded(EmbeddedConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	port := portOf(t, e.Addr())
	p := producer(t, []string{e.Addr()})
	createTopic(t, p, "crm", 1)
	write(t, p, "crm", 0, 0, 1)
	closed(t, e)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := p.Produce(ctx, "crm", []Message{{Value: []byte("late")}}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
	done := make(chan error, 1)
	go func() { done <- p.Produce(t.Context(), "crm", []Message{{Value: []byte("awaited")}}) }()
	if e, err = StartEmbedded(EmbeddedConfig{Dir: dir, Port: port}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, e) })
	if err := <-done; err != nil {
		t.Errorf("produce after the broker came back: %v", err)
	}
}
