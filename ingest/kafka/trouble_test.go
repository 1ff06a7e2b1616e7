package kafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/funnelhouse/funnelhouse/ingest"
)

func recreate(t testing.TB, p *Producer, topic string, partitions int) {
	t.Helper()
	if _, err := p.adm.DeleteTopic(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	createTopic(t, p, topic, partitions)
}

func TestRecreatedTopicBetweenRuns(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "crm"))
	p := producer(t, c.ListenAddrs())
	write(t, p, "crm", 0, 0, 5)
	src := source("crm", "crm")
	src.Kafka.Start.Latest = true // must not matter for a later life
	cfg := config(c.ListenAddrs(), src)
	cfg.Place = ingest.Place{Offsets: map[ingest.Partition]int64{part("crm", 2, 0): 3}} // an epoch without a topic id
	first := gather(t, reader(t, cfg))
	first.untilCount(part("crm", 2, 0), 2)

	p.s.client.PurgeTopicsFromClient("crm")
	recreate(t, p, "crm", 1)
	write(t, p, "crm", 0, 10, 14)
	cfg.Place = first.place()
	second := gather(t, reader(t, cfg))
	second.untilCount(part("crm", 3, 0), 4)
	equal(t, "records of the next life", second.values(part("crm", 3, 0)), numbered(10, 14))
	equal(t, "place of the life before", second.next[part("crm", 2, 0)], 5)
	if first.topics["crm"].ID == second.topics["crm"].ID {
		t.Error("the lives have the same id")
	}
}

func TestRecreatedTopicWhileRunning(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		opts []kfake.Opt
	}{
		{"fetched by id", nil},
		{"fetched by name", []kfake.Opt{kfake.MaxVersions(kversion.V3_0_0())}}, // topic ids in metadata, not in fetches
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := cluster(t, append(tt.opts, kfake.SeedTopics(1, "crm"), kfake.SeedTopics(1, "other"))...)
			p := producer(t, c.ListenAddrs())
			write(t, p, "crm", 0, 0, 5)
			g := gather(t, reader(t, config(c.ListenAddrs(), source("crm", "crm", "other"))))
			g.untilCount(part("crm", 0, 0), 5)
			p.s.client.PurgeTopicsFromClient("crm")
			recreate(t, p, "crm", 2)
			write(t, p, "crm", 0, 10, 13)
			write(t, p, "crm", 1, 20, 22)
			g.untilCount(part("crm", 1, 0), 3)
			g.untilCount(part("crm", 1, 1), 2)
			equal(t, "records of the next life", g.values(part("crm", 1, 0)), numbered(10, 13))
			equal(t, "records of the life before", len(g.records[part("crm", 0, 0)]), 5)
			write(t, p, "other", 0, 0, 1)
			g.untilCount(part("other", 0, 0), 1)
			g.untilCaughtUp()
		})
	}
}

// A topic that is deleted is awaited, its place kept; the others go on.
func TestDeletedTopic(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "crm", "other"))
	p := producer(t, c.ListenAddrs())
	write(t, p, "crm", 0, 0, 5)
	var log logged
	cfg := config(c.ListenAddrs(), source("crm", "crm", "other"))
	cfg.Connection.Logger = log.logger()
	g := gather(t, reader(t, cfg))
	g.untilCount(part("crm", 0, 0), 5)
	if _, err := p.adm.DeleteTopic(t.Context(), "crm"); err != nil {
		t.Fatal(err)
	}
	g.until("the log line", func() bool { return len(log.lines("topic is gone")) > 0 })
	write(t, p, "other", 0, 0, 2)
	g.untilCount(part("other", 0, 0), 2)
	ends, err := g.r.Ends(t.Context())
	if _, there := ends[part("crm", 0, 0)]; err != nil || there {
		t.Errorf("ends %v, %v: the deleted topic has one", ends, err)
	}
	equal(t, "log lines", len(log.lines("topic is gone")), 1)
}

func TestOutOfRangeBelow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		upTo, next int64
		want       string
	}{
		{"some are left", 6, 10, numbered(6, 10)},
		{"none is left", 10, 10, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := cluster(t, kfake.SeedTopics(1, "crm"))
			p := producer(t, c.ListenAddrs())
			for i := range 10 {
				write(t, p, "crm", 0, i, i+1)
			}
			del := make(kadm.Offsets)
			del.AddOffset("crm", 0, tt.upTo, -1)
			if _, err := p.adm.DeleteRecords(t.Context(), del); err != nil {
				t.Fatal(err)
			}
			crm := part("crm", 0, 0)
			var log logged
			cfg := config(c.ListenAddrs(), source("crm", "crm"))
			cfg.Connection.Logger = log.logger()
			cfg.Place = ingest.Place{Offsets: map[ingest.Partition]int64{crm: 2}}
			g := gather(t, reader(t, cfg))
			g.untilCaughtUp()
			equal(t, "records", g.values(crm), tt.want)
			equal(t, "position", g.next[crm], tt.next)
			lines := log.lines("removed before they were read")
			if len(lines) != 1 {
				t.Fatalf("got %d log lines, want one: %q", len(lines), lines)
			}
			for _, want := range []string{"level=ERROR", "topic=crm", "partition=0", "wanted=2", fmt.Sprintf("available=%d", tt.upTo)} {
				if !strings.Contains(lines[0], want) {
					t.Errorf("log line %q lacks %q", lines[0], want)
				}
			}
			write(t, p, "crm", 0, 10, 12)
			g.untilCaughtUp()
			equal(t, "position", g.next[crm], 12)
		})
	}
}

// A broker that lost the end of its log: what it gives to those offsets now is
// another life of the topic, read whole.
func TestTruncatedLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, err := StartEmbedded(EmbeddedConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	p := producer(t, []string{c.Addr()})
	createTopic(t, p, "crm", 1)
	write(t, p, "crm", 0, 0, 5)
	cfg := config([]string{c.Addr()}, source("crm", "crm"))
	first := gather(t, reader(t, cfg))
	first.untilCount(part("crm", 0, 0), 5)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "partitions")); err != nil {
		t.Fatal(err)
	}
	c, err = StartEmbedded(EmbeddedConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, c) })
	p2 := producer(t, []string{c.Addr()})
	write(t, p2, "crm", 0, 20, 22)
	var log logged
	cfg = config([]string{c.Addr()}, source("crm", "crm"))
	cfg.Connection.Logger = log.logger()
	cfg.Place = first.place()
	second := gather(t, reader(t, cfg))
	second.untilCount(part("crm", 1, 0), 2)
	equal(t, "records", second.values(part("crm", 1, 0)), numbered(20, 22))
	equal(t, "records under the old epoch", len(second.records[part("crm", 0, 0)]), 0)
	if lines := log.lines("lost records"); len(lines) != 1 || !strings.Contains(lines[0], "position=5") || !strings.Contains(lines[0], "end=2") {
		t.Errorf("log lines %q", lines)
	}
}

func closed(t testing.TB, e *Embedded) {
	t.Helper()
	if err := e.Close(); err != nil {
		t.Errorf("close the embedded broker: %v", err)
	}
}

// The broker stops and starts again, again and again, while records are written
// and read: each offset comes once.
func TestBrokerRestarts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, err := StartEmbedded(EmbeddedConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, c) })
	port := portOf(t, c.Addr())
	var log logged
	p := producer(t, []string{c.Addr()})
	createTopic(t, p, "crm", 1)
	cfg := config([]string{c.Addr()}, source("crm", "crm"))
	cfg.Connection.Logger = log.logger()
	g := gather(t, reader(t, cfg))
	const rounds, each = 3, 200
	for round := range rounds {
		write(t, p, "crm", 0, round*each, (round+1)*each)
		g.untilCount(part("crm", 0, 0), round*each+1)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		for range 3 { // the reader meets the outage
			chunks, err := g.r.Read(t.Context())
			if err != nil {
				t.Fatalf("read while the broker is away: %v", err)
			}
			g.add(chunks)
		}
		if c, err = StartEmbedded(EmbeddedConfig{Dir: dir, Port: port}); err != nil {
			t.Fatal(err)
		}
	}
	g.untilCount(part("crm", 0, 0), rounds*each)
	equal(t, "records", g.values(part("crm", 0, 0)), numbered(0, rounds*each))
	g.untilCaughtUp()
}

// A broker that is away at the start is awaited, and said to be.
func TestBrokerAwayAtStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, err := StartEmbedded(EmbeddedConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	addr, port := c.Addr(), portOf(t, c.Addr())
	p := producer(t, []string{addr})
	createTopic(t, p, "crm", 1)
	write(t, p, "crm", 0, 0, 3)
	closed(t, c)

	var log logged
	cfg := config([]string{addr}, source("crm", "crm"))
	cfg.Connection.Logger = log.logger()
	g := gather(t, reader(t, cfg))
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if _, err := g.r.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("read from a broker that is away: got %v, want the context's error", err)
	}
	lines := log.lines("can't be reached")
	if len(lines) != 1 || !strings.Contains(lines[0], addr) || !strings.Contains(lines[0], "next_try_in=") || !strings.Contains(lines[0], "refused") {
		t.Errorf("got log lines %q, want one naming broker, error and the next try", lines)
	}
	c, err = StartEmbedded(EmbeddedConfig{Dir: dir, Port: port})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, c) })
	g.untilCount(part("crm", 0, 0), 3)
	if lines := log.lines("is back"); len(lines) != 1 {
		t.Errorf("got log lines %q, want one that it is back", lines)
	}
}

// What a broker itself finds damaged is told, as is a batch whose records are
// fewer than it says; the client alone would try again and again in silence.
func TestDamagedBatch(t *testing.T) {
	t.Parallel()
	short := kmsg.RecordBatch{Magic: 2, LastOffsetDelta: 2, NumRecords: 3, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, Records: []byte{12}}
	for _, tt := range []struct {
		name    string
		code    int16
		batches []byte
		want    string
	}{
		{"by the broker", kerr.CorruptMessage.Code, nil, "CORRUPT_MESSAGE"},
		{"too few records", 0, sealed(short), "fewer records"},
		{"checksum", 0, append(sealed(short)[:61], 99), "crc"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := cluster(t, kfake.SeedTopics(1, "crm"))
			write(t, producer(t, c.ListenAddrs()), "crm", 0, 0, 3)
			answer(c, 3, tt.code, tt.batches)
			r := reader(t, config(c.ListenAddrs(), source("crm", "crm")))
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			defer cancel()
			err := readError(ctx, t, gather(t, r))
			var unreadable *ingest.UnreadableError
			if !errors.As(err, &unreadable) || unreadable.Offset != 0 || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error at [crm/0@0] that says %q", err, tt.want)
			}
		})
	}
}

// A topic that we may not read is an error at the start that names it.
func TestTopicDenied(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "crm"), kfake.EnableACLs(), kfake.EnableSASL(),
		kfake.Superuser(Plain, "root", "root"), kfake.User(Plain, "reader", "pw"))
	cfg := config(c.ListenAddrs(), source("crm", "crm"))
	cfg.Connection.SASL = &SASL{Mechanism: Plain, Username: "reader", Password: "pw"}
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	_, err := reader(t, cfg).Read(ctx)
	if err == nil || !strings.Contains(err.Error(), "crm") || !strings.Contains(err.Error(), `"reader"`) || !strings.Contains(err.Error(), "READ") {
		t.Errorf("got %v, want an error naming topic, user and right", err)
	}
}
