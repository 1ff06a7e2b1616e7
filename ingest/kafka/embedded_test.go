package kafka

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func portOf(t testing.TB, addr string) int {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestEmbeddedKeepsItsData(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data", "broker")
	e, err := StartEmbedded(EmbeddedConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	p := producer(t, []string{e.Addr()})
	createTopic(t, p, "crm", 2)
	write(t, p, "crm", 0, 0, 100)
	write(t, p, "crm", 1, 0, 10)
	first := gather(t, reader(t, config([]string{e.Addr()}, source("crm", "crm"))))
	first.untilCaughtUp()
	closed(t, e)
	closed(t, e) // twice is harmless

	e, err = StartEmbedded(EmbeddedConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, e) })
	second := gather(t, reader(t, config([]string{e.Addr()}, source("crm", "crm"))))
	second.untilCaughtUp()
	equal(t, "records", second.values(part("crm", 0, 0)), numbered(0, 100))
	equal(t, "topic id", second.topics["crm"].ID, first.topics["crm"].ID)
}

func TestEmbeddedRefusesASecondProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e, err := StartEmbedded(EmbeddedConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	_, err = StartEmbedded(EmbeddedConfig{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("second start: got %v, want an error naming the directory and the process", err)
	}
	closed(t, e)
	e, err = StartEmbedded(EmbeddedConfig{Dir: dir})
	if err != nil {
		t.Fatalf("start after Close: %v", err)
	}
	closed(t, e)
}

func TestEmbeddedPortInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e, err := StartEmbedded(EmbeddedConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, e) })
	port := portOf(t, e.Addr())
	if _, err := StartEmbedded(EmbeddedConfig{Dir: dir, Port: port}); err == nil || !strings.Contains(err.Error(), strconv.Itoa(port)) {
		t.Errorf("got %v, want an error naming the port", err)
	}
	free, err := StartEmbedded(EmbeddedConfig{Dir: dir}) // the lock was let go
	if err != nil {
		t.Fatal(err)
	}
	closed(t, free)
}

// What was acknowledged survives the kill of the broker's process.
func TestEmbeddedSurvivesKill(t *testing.T) {
	if dir := os.Getenv("FUNNELHOUSE_TEST_BROKER"); dir != "" {
		serveUntilKilled(t, dir)
		return
	}
	t.Parallel()
	dir := t.TempDir()
	acknowledged := 0
	for round := range 3 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestEmbeddedSurvivesKill$")
		cmd.Env = append(os.Environ(), "FUNNELHOUSE_TEST_BROKER="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		if !lines.Scan() {
			t.Fatal("the broker's process told no address")
		}
		p := producer(t, []string{lines.Text()})
		createTopic(t, p, "crm", 1)
		ends, err := p.EndOffsets(t.Context(), "crm")
		if err != nil {
			t.Fatal(err)
		}
		if ends[0] < int64(acknowledged) {
			t.Fatalf("round %d: the log ends at %d, %d records were acknowledged", round, ends[0], acknowledged)
		}
		acknowledged = int(ends[0])
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(200*time.Millisecond, func() { // in the middle of writing
			defer cancel()
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		})
		for ctx.Err() == nil {
			zero := int32(0)
			if err := p.Produce(ctx, "crm", []Message{{Value: fmt.Appendf(nil, "v%d", acknowledged), Partition: &zero}}); err != nil {
				break
			}
			acknowledged++
		}
		<-ctx.Done()
		if err := cmd.Wait(); err == nil {
			t.Fatal("the broker's process was not killed")
		}
	}
	e, err := StartEmbedded(EmbeddedConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, e) })
	g := gather(t, reader(t, config([]string{e.Addr()}, source("crm", "crm"))))
	g.untilCaughtUp()
	recs := g.records[part("crm", 0, 0)]
	if len(recs) < acknowledged || acknowledged == 0 {
		t.Fatalf("%d records are left of %d acknowledged", len(recs), acknowledged)
	}
	for i, r := range recs {
		if r.Offset != int64(i) {
			t.Fatalf("record %d has offset %d", i, r.Offset)
		}
	}
	t.Logf("%d acknowledged, %d there", acknowledged, len(recs))
}

func serveUntilKilled(t *testing.T, dir string) {
	t.Helper()
	e, err := StartEmbedded(EmbeddedConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintln(os.Stdout, e.Addr()); err != nil {
		t.Fatal(err)
	}
	<-t.Context().Done()
}
