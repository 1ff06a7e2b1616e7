package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/funnelhouse/funnelhouse/ingest/kafka"
)

// demoTopic is the topic of the tests' events, as it is the CRM's in the demo.
const demoTopic = "crm.events"

// result is what a command line gave.
type result struct {
	code     int
	out, err string
}

// runIn runs a command line in a project's folder, as main does.
func runIn(t testing.TB, dir string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(t.Context(), append(args, "--dir", dir), stdio{in: strings.NewReader(""), out: &out, err: &errs})
	return result{code, out.String(), errs.String()}
}

// must runs a command line that has to succeed and returns its output.
func must(t testing.TB, dir string, args ...string) string {
	t.Helper()
	r := runIn(t, dir, args...)
	if r.code != exitOK {
		t.Fatalf("funnelhouse %s: exit %d\n%s%s", strings.Join(args, " "), r.code, r.out, r.err)
	}
	return r.out
}

// refuses runs a command line that has to end with code, and whose message
// must hold every one of the words.
func refuses(t testing.TB, dir string, code int, words []string, args ...string) {
	t.Helper()
	r := runIn(t, dir, args...)
	if r.code != code {
		t.Errorf("funnelhouse %s: exit %d, want %d\n%s%s", strings.Join(args, " "), r.code, code, r.out, r.err)
	}
	for _, w := range words {
		if !strings.Contains(r.err, w) {
			t.Errorf("funnelhouse %s: the message lacks %q:\n%s", strings.Join(args, " "), w, r.err)
		}
	}
}

// write writes a file of a project.
func write(t testing.TB, dir, name, content string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// ask answers a query with rows as text, cells with | between them.
func ask(t testing.TB, dir, query string) []string {
	t.Helper()
	out := must(t, dir, "query", "--format", "csv", query)
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	return lines[1:]
}

// same compares rows as text.
func same(t testing.TB, what string, got []string, want ...string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s\n got %q\nwant %q", what, got, want)
	}
}

// figure is one row of a metric in JSON.
type figure struct {
	Period      string   `json:"period"`
	Channel     *string  `json:"channel"`
	Numerator   float64  `json:"numerator"`
	Denominator *float64 `json:"denominator"`
	Value       *float64 `json:"value"`
	N           *int64   `json:"n"`
	CILow       *float64 `json:"ci_low"`
	CIHigh      *float64 `json:"ci_high"`
	Flags       []string `json:"flags"`
}

func figuresOf(t testing.TB, dir string, args ...string) []figure {
	t.Helper()
	out := must(t, dir, append([]string{"metric", "--format", "json"}, args...)...)
	var rows []figure
	if err := json.Unmarshal([]byte(out), &rows); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return rows
}

// broker runs a broker for a test, apart from the program as a real one is,
// and writes a project that reads from it.
func broker(t testing.TB, dir, more string) *kafka.Producer {
	t.Helper()
	b, err := kafka.StartEmbedded(kafka.EmbeddedConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	producer, err := kafka.NewProducer(kafka.Connection{Brokers: []string{b.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := producer.Close(); err != nil {
			t.Error(err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := producer.CreateTopic(t.Context(), demoTopic, demoPartitions, map[string]string{"max.message.bytes": "20000000"}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(more, "server:") {
		more += "server: {listen: \"127.0.0.1:0\"}\n" // tests serve at the same time
	}
	write(t, dir, configFile, fmt.Sprintf("kafka: {brokers: [%q]}\n%s", b.Addr(), more))
	return producer
}

// sendLarge sends messages that are larger than a producer of ours would.
func sendLarge(t testing.TB, dir string, messages ...kafka.Message) {
	t.Helper()
	cfg, _, err := loadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(cfg.Kafka.Brokers...), kgo.ProducerBatchMaxBytes(20_000_000),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, m := range messages {
		r := &kgo.Record{Topic: demoTopic, Key: m.Key, Value: m.Value, Partition: *m.Partition}
		for _, h := range m.Headers {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
		}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

func send(t testing.TB, p *kafka.Producer, messages ...kafka.Message) {
	t.Helper()
	if err := p.Produce(t.Context(), demoTopic, messages); err != nil {
		t.Fatal(err)
	}
}

// created is a lead.created event.
func created(id, more string) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":"c-%s","source":"/crm","type":"lead.created.v1","time":"2026-03-01T09:00:00+08:00","data":{"lead_id":"%s","channel":"web"%s}}`, id, id, more)
}

// lockedBuffer is written by one goroutine and read by another.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// background runs a command line until the returned function stops it, which
// gives its exit code.
func background(t testing.TB, dir string, args ...string) (log *lockedBuffer, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	log = &lockedBuffer{}
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, append(args, "--dir", dir), stdio{in: strings.NewReader(""), out: io.Discard, err: log})
	}()
	var once sync.Once
	ended := -1
	stop = func() int {
		once.Do(func() {
			cancel()
			ended = <-code
		})
		return ended
	}
	t.Cleanup(func() { stop() })
	return log, stop
}

// eventually polls a condition, which real processes and sockets need.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not happen in 30 s", what)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}
