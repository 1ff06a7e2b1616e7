package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/funnelhouse/funnelhouse/ingest"
	"github.com/funnelhouse/funnelhouse/ingest/kafka"
	"github.com/funnelhouse/funnelhouse/warehouse"
)

// Every command works while serve runs, and what is sent meanwhile shows.
func TestServe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	producer := broker(t, dir, "company: {zone: Asia/Shanghai}\n")
	send(t, producer, kafka.Message{Value: created("L-1", "")})
	log, stop := background(t, dir, "serve")
	eventually(t, "the first build", func() bool { return strings.Contains(log.String(), "models built") })

	must(t, dir, "ingest", "--once")
	same(t, "the leads", ask(t, dir, "select lead_id from raw.lead_created_v1"), "L-1")
	binary := kafka.Message{Value: []byte(`{"lead_id":"L-2","channel":"web"}`), Headers: []ingest.Header{
		{Key: "ce_specversion", Value: []byte("1.0")},
		{Key: "ce_id", Value: []byte("c-L-2")},
		{Key: "ce_source", Value: []byte("/crm")},
		{Key: "ce_type", Value: []byte("lead.created.v1")},
		{Key: "ce_time", Value: []byte("2026-03-02T09:00:00+08:00")},
	}}
	send(t, producer, binary, kafka.Message{Value: []byte("broken")})
	if out := must(t, dir, "ingest", "--once"); !strings.Contains(out, "2 records") {
		t.Errorf("ingest --once beside serve says %q", out)
	}
	must(t, dir, "build")
	same(t, "the mart", ask(t, dir, "select lead_id from marts.leads order by 1"), "L-1", "L-2")
	if f := figuresOf(t, dir, "lead_to_won"); len(f) != 1 || f[0].Period != "2026-03" || *f[0].Denominator != 2 {
		t.Errorf("the metric gives %+v", f)
	}
	must(t, dir, "check")
	refuses(t, dir, exitFailure, []string{"funnelhouse serve (PID", "kill"}, "serve")
	refuses(t, dir, exitFailure, []string{"funnelhouse serve (PID", "kill"}, "ingest")
	refuses(t, dir, exitUsage, []string{"led_to_won"}, "metric", "led_to_won")
	if _, err := os.Stat(filepath.Join(dir, "data", "funnelhouse.sock")); err != nil {
		t.Error(err)
	}

	if code := stop(); code != exitOK {
		t.Errorf("serve ends with %d:\n%s", code, log)
	}
	if _, err := os.Stat(filepath.Join(dir, "data", "funnelhouse.sock")); err == nil {
		t.Error("the socket is still there")
	}
	same(t, "the leads after it", ask(t, dir, "select count(*) from marts.leads"), "2")
}

// Who starts serve while a command catches up need not start it again: that
// command ends.
func TestServeWaitsForIngestOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, configFile, "kafka: {brokers: [\"127.0.0.1:1\"]}\n") // nobody answers, so it lasts until it is stopped
	ingest, stopIngest := background(t, dir, "ingest", "--once")
	eventually(t, "a word about the broker", func() bool { return strings.Contains(ingest.String(), "can't be reached") })
	time.AfterFunc(300*time.Millisecond, func() { stopIngest() })
	serve, stop := background(t, dir, "serve")
	eventually(t, "serve", func() bool {
		return strings.Contains(serve.String(), "msg=serving") || strings.Contains(serve.String(), "in use")
	})
	if code := stop(); code != exitOK {
		t.Errorf("serve ends with %d:\n%s", code, serve)
	}
}

// Models follow new batches without being asked.
func TestServeBuilds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	producer := broker(t, dir, "")
	log, stop := background(t, dir, "serve")
	eventually(t, "the first build", func() bool { return strings.Contains(log.String(), "models built") })
	send(t, producer, kafka.Message{Value: created("L-1", "")})
	eventually(t, "the lead in the mart", func() bool {
		return fmt.Sprint(ask(t, dir, "select count(*) from marts.leads")) == "[1]"
	})
	if code := stop(); code != exitOK {
		t.Errorf("serve ends with %d:\n%s", code, log)
	}
}

// A topic that comes later is read without a restart.
func TestServeFindsNewTopics(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	producer := broker(t, dir, "")
	write(t, dir, "sources/crm.yaml", "source: crm\nkafka: {topics: [\"crm.*\"]}\nenvelope: cloudevents\n")
	_, stop := background(t, dir, "serve")
	if err := producer.CreateTopic(t.Context(), "crm.late", 1, nil); err != nil {
		t.Fatal(err)
	}
	if err := producer.Produce(t.Context(), "crm.late", []kafka.Message{{Value: created("L-9", "")}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the event of the new topic", func() bool {
		return fmt.Sprint(ask(t, dir, "select _topic from raw.lead_created_v1")) == "[crm.late]"
	})
	stop()
}

// A command that catches up while serve runs means the topics of that moment,
// not those that serve happened to know.
func TestServeCatchesUpWithNewTopics(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	producer := broker(t, dir, "")
	write(t, dir, "sources/crm.yaml", "source: crm\nkafka: {topics: [crm.late]}\nenvelope: cloudevents\n")
	log, stop := background(t, dir, "serve")
	eventually(t, "the first look at the topics", func() bool { return strings.Contains(log.String(), "awaited") })
	if err := producer.CreateTopic(t.Context(), "crm.late", 1, nil); err != nil {
		t.Fatal(err)
	}
	if err := producer.Produce(t.Context(), "crm.late", []kafka.Message{{Value: created("L-9", "")}}); err != nil {
		t.Fatal(err)
	}
	said := must(t, dir, "ingest", "--once")
	if got := fmt.Sprint(ask(t, dir, "select _topic from raw.lead_created_v1")); got != "[crm.late]" {
		t.Errorf("ingest --once says %q and the topics loaded are %s", said, got)
	}
	stop()
}

// When ingest fails, what waits for it learns it: nobody hangs, and the
// failure says which partition it was about.
func TestIngestFails(t *testing.T) {
	t.Parallel()
	dir := mkdirData(t, t.TempDir())
	producer := broker(t, dir, "")
	send(t, producer, kafka.Message{Value: created("L-1", "")})
	h, err := openHouse(t.Context(), dir, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.close(); err != nil {
			t.Error(err)
		}
	}()
	serving := make(chan error, 1)
	go func() { serving <- h.ingestOn(t.Context(), nil) }()
	eventually(t, "ingest", func() bool { return h.steady.Load() != nil })
	if _, err := h.ingestOnce(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	// Somebody else moves the offsets.
	if _, err := h.wh.DB().ExecContext(t.Context(), "update ingest.offsets set next_offset = next_offset + 5"); err != nil {
		t.Fatal(err)
	}
	send(t, producer, kafka.Message{Value: created("L-2", "")})
	if _, err := h.ingestOnce(t.Context(), nil); !errors.Is(err, warehouse.ErrTakenOver) || !strings.Contains(err.Error(), demoTopic) {
		t.Errorf("the waiting command says %v, want ErrTakenOver and the topic", err)
	}
	select {
	case err := <-serving:
		if !errors.Is(err, warehouse.ErrTakenOver) {
			t.Errorf("serve says %v, want ErrTakenOver", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("serve goes on")
	}
}

// Commands that catch up at the same time do it one after the other, and
// nothing is loaded twice.
func TestIngestOnceAtOnce(t *testing.T) {
	t.Parallel()
	dir := mkdirData(t, t.TempDir())
	producer := broker(t, dir, "")
	send(t, producer, kafka.Message{Value: created("L-1", "")}, kafka.Message{Value: created("L-2", "")})
	var group errgroup.Group
	for range 4 {
		group.Go(func() error {
			if r := runIn(t, dir, "ingest", "--once"); r.code != exitOK {
				return fmt.Errorf("exit %d: %s", r.code, r.err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	same(t, "the leads", ask(t, dir, "select count(*), count(distinct lead_id) from raw.lead_created_v1"), "2,2")
}

// With start latest, what comes after the first run is not lost, though that
// run found nothing.
func TestStartLatest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	producer := broker(t, dir, "")
	write(t, dir, "sources/crm.yaml", "source: crm\nkafka: {topics: [crm.events], start: latest}\nenvelope: cloudevents\n")
	must(t, dir, "ingest", "--once")
	send(t, producer, kafka.Message{Value: created("L-1", "")})
	must(t, dir, "ingest", "--once")
	same(t, "the leads", ask(t, dir, "select lead_id from raw.lead_created_v1"), "L-1")
}

// A broker that is away is waited for, and said to be.
func TestBrokerAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := free.Addr().(*net.TCPAddr).Port
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, dir, configFile, fmt.Sprintf("kafka: {brokers: [\"127.0.0.1:%d\"]}\n", port))
	log, stop := background(t, dir, "ingest")
	eventually(t, "a word about the broker", func() bool { return strings.Contains(log.String(), fmt.Sprint(port)) })

	b, err := kafka.StartEmbedded(kafka.EmbeddedConfig{Dir: t.TempDir(), Port: port})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	producer, err := kafka.NewProducer(kafka.Connection{Brokers: []string{b.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = producer.Close() }()
	if err := producer.CreateTopic(t.Context(), demoTopic, 1, nil); err != nil {
		t.Fatal(err)
	}
	send(t, producer, kafka.Message{Value: created("L-1", "")})
	eventually(t, "the event", func() bool {
		return fmt.Sprint(ask(t, dir, "select count(*) from raw.lead_created_v1")) == "[1]"
	})
	if code := stop(); code != exitOK {
		t.Errorf("ingest ends with %d:\n%s", code, log)
	}
}
