package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/funnelhouse/funnelhouse/ingest"
	"github.com/funnelhouse/funnelhouse/sources"
)

func TestReadNamesAndPatterns(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.NumBrokers(3), kfake.SeedTopics(2, "crm.events", "survey.a", "survey.b", "other", "__internal"))
	p := producer(t, c.ListenAddrs())
	for _, topic := range []string{"crm.events", "survey.a", "survey.b", "other", "__internal"} {
		write(t, p, topic, 0, 0, 3)
		write(t, p, topic, 1, 3, 5)
	}
	crm, survey := source("crm", "crm.events"), source("survey", "survey.?", "_*")
	g := gather(t, reader(t, config(c.ListenAddrs(), crm, survey)))
	g.untilCaughtUp()
	for _, topic := range []string{"crm.events", "survey.a", "survey.b"} {
		equal(t, topic+"/0", g.values(part(topic, 0, 0)), "v0 v1 v2")
		equal(t, topic+"/1", g.values(part(topic, 0, 1)), "v3 v4")
	}
	if len(g.next) != 6 {
		t.Errorf("read partitions %v, want those of the three topics alone", g.next)
	}
	for _, id := range g.topics {
		if id.ID == (ingest.TopicID{}) {
			t.Error("a chunk has no topic id")
		}
	}
}

func TestReadContinuesFromPlace(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "crm"))
	p := producer(t, c.ListenAddrs())
	write(t, p, "crm", 0, 0, 10)
	cfg := config(c.ListenAddrs(), source("crm", "crm"))
	first := gather(t, reader(t, cfg))
	first.untilCount(part("crm", 0, 0), 10)
	write(t, p, "crm", 0, 10, 13)

	cfg.Place = first.place()
	second := gather(t, reader(t, cfg))
	second.untilCount(part("crm", 0, 0), 3)
	equal(t, "after the place", second.values(part("crm", 0, 0)), numbered(10, 13))

	cfg.Place.Offsets[part("crm", 0, 0)] = 4 // inside of a batch
	third := gather(t, reader(t, cfg))
	third.untilCount(part("crm", 0, 0), 9)
	equal(t, "from the middle of a batch", third.values(part("crm", 0, 0)), numbered(4, 13))
}

func TestReadStart(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "crm"))
	p := producer(t, c.ListenAddrs())
	zero, day := int32(0), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for i := range 6 {
		m := Message{Value: fmt.Appendf(nil, "v%d", i), Timestamp: day.AddDate(0, 0, i), Partition: &zero}
		if err := p.Produce(t.Context(), "crm", []Message{m}); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name  string
		start sources.Start
		first int64
	}{
		{"earliest", sources.Start{}, 0},
		{"latest", sources.Start{Latest: true}, 6},
		{"instant between two", sources.Start{At: day.AddDate(0, 0, 2).Add(time.Hour)}, 3},
		{"instant of one", sources.Start{At: day.AddDate(0, 0, 2)}, 2},
		{"instant before all", sources.Start{At: day.AddDate(-1, 0, 0)}, 0},
		{"instant after all", sources.Start{At: day.AddDate(1, 0, 0)}, 6},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			src := source("crm", "crm")
			src.Kafka.Start = tt.start
			g := gather(t, reader(t, config(c.ListenAddrs(), src)))
			g.untilCaughtUp()
			equal(t, "records", g.values(part("crm", 0, 0)), numbered(int(tt.first), 6))
			if len(g.jumps) == 0 || g.jumps[0].First != tt.first || g.jumps[0].Next != tt.first {
				t.Errorf("the start was not told as a chunk without records: %v", g.jumps)
			}
		})
	}
}

// A start of latest must not lose what came while the process was away before
// the first record.
func TestReadStartLatestIsKept(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "crm"))
	p := producer(t, c.ListenAddrs())
	write(t, p, "crm", 0, 0, 5)
	src := source("crm", "crm")
	src.Kafka.Start.Latest = true
	cfg := config(c.ListenAddrs(), src)
	first := gather(t, reader(t, cfg))
	first.untilCaughtUp()
	write(t, p, "crm", 0, 5, 8)
	cfg.Place = first.place()
	second := gather(t, reader(t, cfg))
	second.untilCaughtUp()
	equal(t, "records", second.values(part("crm", 0, 0)), numbered(5, 8))
}

func TestReadNewTopicAndPartition(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.NumBrokers(2), kfake.SeedTopics(1, "crm"))
	p := producer(t, c.ListenAddrs())
	write(t, p, "crm", 0, 0, 4)
	src := source("crm", "crm", "later", "more.*")
	src.Kafka.Start.Latest = true
	var log logged
	cfg := config(c.ListenAddrs(), src)
	cfg.Connection.Logger = log.logger()
	g := gather(t, reader(t, cfg))
	g.untilCaughtUp()
	equal(t, "records before the first run", g.values(part("crm", 0, 0)), "")

	createTopic(t, p, "later", 2)
	createTopic(t, p, "more.a", 1)
	write(t, p, "later", 1, 0, 3)
	write(t, p, "more.a", 0, 0, 2)
	if _, err := p.adm.CreatePartitions(t.Context(), 1, "crm"); err != nil {
		t.Fatal(err)
	}
	admin := client(t, c.ListenAddrs()) // knows the new partition at once
	if err := admin.ProduceSync(t.Context(), &kgo.Record{Topic: "crm", Partition: 1, Value: []byte("v0")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	g.untilCount(part("later", 0, 1), 3)
	g.untilCount(part("more.a", 0, 0), 2)
	g.untilCount(part("crm", 0, 1), 1)
	equal(t, "new topic", g.values(part("later", 0, 1)), numbered(0, 3))

	awaited := log.lines("awaited")
	if len(awaited) != 1 || !strings.Contains(awaited[0], "later") || !strings.Contains(awaited[0], "more.*") || strings.Contains(awaited[0], "crm") {
		t.Errorf("awaited topics are told once, by name; got %q", awaited)
	}
}

// Who has to know all topics of this moment need not wait for the next refresh.
func TestLook(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "crm"))
	p := producer(t, c.ListenAddrs())
	cfg := config(c.ListenAddrs(), source("crm", "crm", "later"))
	cfg.RefreshEvery = time.Hour
	r := reader(t, cfg)
	first, err := r.Look(t.Context())
	if err != nil || <-first != nil {
		t.Fatalf("look at the first contact: %v", err)
	}
	g := gather(t, r)
	g.untilCaughtUp()
	createTopic(t, p, "later", 1)
	p.s.client.PurgeTopicsFromClient("crm")
	recreate(t, p, "crm", 1)
	looked, err := r.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	g.until("the look", func() bool {
		select {
		case err = <-looked:
			return true
		default:
			return false
		}
	})
	if err != nil {
		t.Errorf("look: %v", err)
	}
	ends, err := r.Ends(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []ingest.Partition{part("later", 0, 0), part("crm", 1, 0)} {
		if _, ok := ends[want]; !ok {
			t.Errorf("the ends %v lack %v", ends, want)
		}
	}
}

// A topic that came while the process was away is read whole, whatever start says.
func TestReadTopicOfLaterRun(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "crm.a"))
	p := producer(t, c.ListenAddrs())
	src := source("crm", "crm.*")
	src.Kafka.Start.Latest = true
	cfg := config(c.ListenAddrs(), src)
	first := gather(t, reader(t, cfg))
	first.untilCaughtUp()
	createTopic(t, p, "crm.b", 1)
	write(t, p, "crm.b", 0, 0, 3)
	cfg.Place = first.place()
	second := gather(t, reader(t, cfg))
	second.untilCaughtUp()
	equal(t, "records", second.values(part("crm.b", 0, 0)), numbered(0, 3))
}

func TestReadCompressions(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "crm"))
	codecs := []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()}
	n := 0
	for _, codec := range codecs {
		w := client(t, c.ListenAddrs(), kgo.ProducerBatchCompression(codec))
		var recs []*kgo.Record
		for range 100 {
			recs = append(recs, &kgo.Record{Topic: "crm", Value: fmt.Appendf(nil, "v%d", n)})
			n++
		}
		if err := w.ProduceSync(t.Context(), recs...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	g := gather(t, reader(t, config(c.ListenAddrs(), source("crm", "crm"))))
	g.untilCount(part("crm", 0, 0), n)
	equal(t, "records", g.values(part("crm", 0, 0)), numbered(0, n))
}

func TestReadRecordParts(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "crm"))
	p := producer(t, c.ListenAddrs())
	at := time.Date(2026, 10, 3, 9, 12, 44, 120_000_000, time.FixedZone("", 8*3600))
	messages := []Message{
		{Key: []byte("k"), Value: []byte("v"), Timestamp: at, Headers: []ingest.Header{{Key: "ce_type", Value: []byte("lead.created.v1")}, {Key: "empty", Value: []byte{}}, {Key: "null"}}},
		{Key: []byte("k"), Value: nil},
		{Key: []byte{}, Value: []byte{}},
		{Value: []byte("no key")},
	}
	if err := p.Produce(t.Context(), "crm", messages); err != nil {
		t.Fatal(err)
	}
	r := reader(t, config(c.ListenAddrs(), source("crm", "crm")))
	var recs []ingest.Record
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	for len(recs) < 4 { // not cloned: nil and empty must stay apart
		chunks, err := r.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, ch := range chunks {
			recs = append(recs, ch.Records...)
		}
	}
	if !recs[0].Timestamp.Equal(at) || recs[0].Timestamp.Location() != time.UTC {
		t.Errorf("timestamp %v, want %v in UTC", recs[0].Timestamp, at)
	}
	h := recs[0].Headers
	if len(h) != 3 || h[0].Key != "ce_type" || string(h[0].Value) != "lead.created.v1" || h[1].Value == nil || h[2].Value != nil {
		t.Errorf("headers %q", h)
	}
	if recs[1].Value != nil {
		t.Error("a tombstone's value is not nil")
	}
	if recs[2].Value == nil || len(recs[2].Value) != 0 || recs[2].Key == nil {
		t.Error("an empty value or key is not an empty slice")
	}
	if recs[3].Key != nil || recs[3].Headers != nil {
		t.Error("a missing key or missing headers are not nil")
	}
}

func TestReadLargeRecord(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "crm"), kfake.BrokerConfigs(map[string]string{"message.max.bytes": "33554432"}))
	w := client(t, c.ListenAddrs(), kgo.ProducerBatchMaxBytes(16<<20), kgo.ProducerBatchCompression(kgo.NoCompression()))
	large := []byte(strings.Repeat("0123456789", 1<<20))
	for _, v := range [][]byte{[]byte("before"), large, []byte("after")} {
		if err := w.ProduceSync(t.Context(), &kgo.Record{Topic: "crm", Value: v}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	cfg := config(c.ListenAddrs(), source("crm", "crm"))
	cfg.FetchBytes = 1 << 20
	g := gather(t, reader(t, cfg))
	g.untilCount(part("crm", 0, 0), 3)
	equal(t, "size", len(g.records[part("crm", 0, 0)][1].Value), len(large))
	equal(t, "last", string(g.records[part("crm", 0, 0)][2].Value), "after")
}

// A batch that decompresses beyond the bound stops its partition, loudly; the
// others go on, and it is told again as long as it lasts.
func TestReadBomb(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(2, "crm"), kfake.BrokerConfigs(map[string]string{"message.max.bytes": "33554432"}))
	w := client(t, c.ListenAddrs(), kgo.ProducerBatchMaxBytes(200<<20), kgo.BrokerMaxWriteBytes(256<<20), kgo.ProducerBatchCompression(kgo.ZstdCompression()))
	write(t, producer(t, c.ListenAddrs()), "crm", 0, 0, 2)
	if err := w.ProduceSync(t.Context(), &kgo.Record{Topic: "crm", Partition: 0, Value: make([]byte, maxBatchBytes+1)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	r := reader(t, config(c.ListenAddrs(), source("crm", "crm")))
	g := gather(t, r)
	g.untilCount(part("crm", 0, 0), 2)
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	for range 2 {
		err := readError(ctx, t, g)
		var unreadable *ingest.UnreadableError
		if !errors.As(err, &unreadable) || unreadable.Topic != "crm" || unreadable.Partition != 0 || unreadable.Offset != 2 {
			t.Fatalf("got error %v, want one naming [crm/0@2]", err)
		}
		if !strings.Contains(err.Error(), "[crm/0@2]") || !strings.Contains(err.Error(), "to 3 by hand") {
			t.Errorf("error does not name place and way out: %v", err)
		}
	}
	write(t, producer(t, c.ListenAddrs()), "crm", 1, 0, 2)
	for len(g.records[part("crm", 0, 1)]) < 2 {
		chunks, err := r.Read(ctx)
		if unreadable := (*ingest.UnreadableError)(nil); err != nil && !errors.As(err, &unreadable) {
			t.Fatal(err)
		}
		g.add(chunks)
	}
	equal(t, "position", g.next[part("crm", 0, 0)], 2)
}

// readError reads until there is an error.
func readError(ctx context.Context, t *testing.T, g *got) error {
	t.Helper()
	for {
		chunks, err := g.r.Read(ctx)
		if err != nil {
			if ctx.Err() != nil {
				t.Fatal("no error came")
			}
			return err
		}
		g.add(chunks)
	}
}

func TestReadEndsWithContext(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "crm"))
	r := reader(t, config(c.ListenAddrs(), source("crm", "crm")))
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := r.Read(ctx); err != nil {
		t.Fatal(err)
	}
	chunks, err := r.Read(ctx)
	if chunks != nil || err != nil {
		t.Errorf("idle: got %v, %v, want nothing at all", chunks, err)
	}
	cancel()
	if _, err := r.Read(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("after the context ended: got %v", err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(t.Context()); !errors.Is(err, kgo.ErrClientClosed) {
		t.Errorf("after Close: got %v", err)
	}
}

func TestNewReaderRefuses(t *testing.T) {
	t.Parallel()
	ok := Connection{Brokers: []string{"127.0.0.1:1"}}
	tests := []struct {
		name string
		cfg  ReaderConfig
		want string
	}{
		{"no brokers", ReaderConfig{Sources: []*sources.Source{source("crm", "crm")}}, "kafka.brokers"},
		{"no sources", ReaderConfig{Connection: ok}, "no source"},
		{"no kafka source", ReaderConfig{Connection: ok, Sources: []*sources.Source{{Name: "files"}}}, "no source"},
		{"fetch bytes", ReaderConfig{Connection: ok, Sources: []*sources.Source{source("crm", "crm")}, FetchBytes: -1}, "out of range"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewReader(tt.cfg)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want it to say %q", err, tt.want)
			}
		})
	}
}

// Two sources for one topic: an error at the start; while running the topic is
// left alone, and the others go on.
func TestReadAmbiguousTopic(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "crm.a"))
	p := producer(t, c.ListenAddrs())
	a, b := source("a", "crm.*"), source("b", "*.b")
	var log logged
	cfg := config(c.ListenAddrs(), a, b)
	cfg.Connection.Logger = log.logger()
	g := gather(t, reader(t, cfg))
	g.untilCaughtUp()
	createTopic(t, p, "crm.b", 1)
	g.until("the log line", func() bool { return len(log.lines("two sources")) > 0 })
	write(t, p, "crm.a", 0, 0, 2)
	g.untilCount(part("crm.a", 0, 0), 2)

	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	if _, err := reader(t, cfg).Read(ctx); err == nil || !strings.Contains(err.Error(), "crm.b") {
		t.Errorf("at the start: got %v, want an error naming crm.b", err)
	}
}

// A backlog that was compressed many hundred to one must not fill the memory.
func TestReadBoundsMemory(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "crm"))
	w := client(t, c.ListenAddrs(), kgo.ProducerBatchCompression(kgo.ZstdCompression()))
	const n = 200_000
	value := []byte(strings.Repeat(`{"channel":"web"}`, 20))
	recs := make([]*kgo.Record, n)
	for i := range recs {
		recs[i] = &kgo.Record{Topic: "crm", Value: value}
	}
	if err := w.ProduceSync(t.Context(), recs...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	cfg := config(c.ListenAddrs(), source("crm", "crm"))
	cfg.FetchBytes = 4 << 20
	r := reader(t, cfg)
	read, most := 0, int64(0)
	for read < n {
		chunks, err := r.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		held := r.consumer.BufferedFetchBytes() + r.consumer.BufferedFetchRecords()*recordOverhead
		for _, ch := range chunks {
			read += len(ch.Records)
			held += int64(len(ch.Records) * (len(value) + recordOverhead))
		}
		if read > n/10 { // the first fetches showed the ratio
			most = max(most, held)
		}
	}
	t.Logf("at most %.1f MiB of %d MiB", float64(most)/(1<<20), n*(len(value)+recordOverhead)>>20)
	if most > 2*int64(cfg.FetchBytes) {
		t.Errorf("held %d bytes, the bound is %d", most, cfg.FetchBytes)
	}
}

func TestFetchLimit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name           string
		bytes, brokers int
		ratio          float64
		want           int32
	}{
		{"one broker, uncompressed", 16 << 20, 1, 1, 8 << 20},
		{"three brokers, compressed", 16 << 20, 3, 8, 349525},
		{"never below a floor", 1 << 20, 100, 10, leastFetch},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			equal(t, "limit", fetchLimit(tt.bytes, tt.brokers, tt.ratio), tt.want)
		})
	}
}
