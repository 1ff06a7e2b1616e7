// Command bench measures how fast events go from a broker into the warehouse,
// beside the parts of that way, all in one run on one machine: the ratios hold
// where the absolute figures do not. The broker is a process of its own on the
// same cores, and the whole way is taken by the real binary.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/funnelhouse/funnelhouse/contracts"
	"github.com/funnelhouse/funnelhouse/ingest/kafka"
)

const topic = "crm.events"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	binary := flag.String("binary", "bin/funnelhouse", "the program to measure")
	events := flag.Int("events", 2_000_000, "events of the larger backlog; the smaller has a quarter")
	memory := flag.String("warehouse-memory", "192MB", "warehouse.memory of the measured program for three types")
	many := flag.String("catalogue-memory", "1GB", "warehouse.memory of the measured program for the whole catalogue; DuckDB keeps the open end of every column of every table there")
	broker := flag.String("broker", "", "be the broker, with this folder")
	flag.Parse()
	if *broker != "" {
		return serveBroker(ctx, *broker)
	}
	return bench(ctx, *binary, *events, *memory, *many)
}

// serveBroker runs the embedded broker until standard input ends.
func serveBroker(ctx context.Context, dir string) error {
	b, err := kafka.StartEmbedded(kafka.EmbeddedConfig{Dir: dir})
	if err != nil {
		return err
	}
	fmt.Println(b.Addr())
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	return b.Close()
}

// startBroker starts this program again as the broker.
func startBroker(ctx context.Context, dir string) (addr string, stop func() error, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-broker", dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return "", nil, errors.Join(fmt.Errorf("the broker did not start: %w", err), cmd.Wait())
	}
	return strings.TrimSpace(line), func() error { return errors.Join(in.Close(), cmd.Wait()) }, nil
}

func bench(ctx context.Context, binary string, events int, memory, many string) (err error) {
	binary, err = filepath.Abs(binary)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "funnelhouse-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	set, err := contracts.Load(contracts.Files)
	if err != nil {
		return err
	}
	all, err := catalogue(set)
	if err != nil {
		return err
	}
	fmt.Printf("events of %d bytes, broker in a process of its own\n", eventBytes)
	small, err := wholeWay(ctx, binary, filepath.Join(dir, "small"), threeTypes(), events/4, memory)
	if err != nil {
		return err
	}
	large, err := benchMix(ctx, binary, filepath.Join(dir, "three"), set, threeTypes(), events, memory)
	if err != nil {
		return err
	}
	fmt.Printf("peak resident memory: %d MB with %d waiting, %d MB with %d waiting (warehouse.memory %s)\n",
		small.peakMB, events/4, large.peakMB, events, memory)
	if large, err = benchMix(ctx, binary, filepath.Join(dir, "all"), set, all, events, many); err != nil {
		return err
	}
	fmt.Printf("peak resident memory: %d MB with %d waiting (warehouse.memory %s)\n\n", large.peakMB, events, many)
	each, err := oneOfEach(ctx, set, all, filepath.Join(dir, "each"))
	if err != nil {
		return err
	}
	fmt.Printf("a batch with one event of each of %d types is committed in %d ms (median)\n", all.types, each.Milliseconds())
	return benchDemo(ctx, binary, filepath.Join(dir, "demo"))
}

// benchMix measures the whole way of a mix of events beside its parts.
func benchMix(ctx context.Context, binary, dir string, set *contracts.Set, m mix, events int, memory string) (way, error) {
	large, err := wholeWay(ctx, binary, filepath.Join(dir, "whole"), m, events, memory)
	if err != nil {
		return large, err
	}
	parse, err := parseAlone(set, m, events/4)
	if err != nil {
		return large, err
	}
	insert, err := insertAlone(ctx, set, m, filepath.Join(dir, "insert"), events/4, memory)
	if err != nil {
		return large, err
	}
	fmt.Printf("\n%-38s %12s %9s\n", fmt.Sprintf("%d types mixed", m.types), "events/s", "of whole")
	for _, r := range []struct {
		name string
		rate float64
	}{
		{"fetch alone", large.fetch},
		{"parse and validate alone", parse},
		{"encode and insert alone", insert},
		{"broker to committed, all of it", large.rate},
		{"the same, until the program has ended", large.ended},
	} {
		fmt.Printf("%-38s %12.0f %8.2fx\n", r.name, r.rate, r.rate/large.rate)
	}
	fmt.Printf("processor time of the program: %.2f µs an event\n", large.cpu)
	return large, nil
}

// benchDemo times the default demo company and a full build of its models.
func benchDemo(ctx context.Context, binary, dir string) error {
	started := time.Now()
	for _, args := range [][]string{{"demo", "--dir", dir}, {"build", "--dir", dir}} {
		cmd := exec.CommandContext(ctx, binary, args...)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
		}
		if args[0] == "demo" {
			fmt.Printf("the default demo takes %.1f s", time.Since(started).Seconds())
			continue
		}
		for line := range strings.Lines(string(out)) {
			if strings.HasPrefix(line, "built in") {
				fmt.Printf("; all its models: %s", line)
			}
		}
	}
	return nil
}

// way is what one run of the whole way gave.
type way struct {
	rate   float64 // events per second from the start of the process to its last commit
	ended  float64 // the same until the process has ended and its log is in the database file
	fetch  float64 // events per second, reading the same topic and nothing else
	cpu    float64 // microseconds of processor time per event, in user and kernel
	peakMB int64
}

func wholeWay(ctx context.Context, binary, dir string, m mix, events int, memory string) (w way, err error) {
	addr, stop, err := startBroker(ctx, filepath.Join(dir, "broker"))
	if err != nil {
		return w, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	connection := kafka.Connection{Brokers: []string{addr}, Logger: slog.New(slog.DiscardHandler)}
	if err := fill(ctx, connection, m, events); err != nil {
		return w, err
	}
	config := fmt.Sprintf("company: {zone: Asia/Shanghai}\nkafka: {brokers: [%q]}\nwarehouse: {memory: %s}\n", addr, memory)
	if err := os.WriteFile(filepath.Join(dir, "funnelhouse.yaml"), []byte(config), 0o600); err != nil {
		return w, err
	}
	cmd := exec.CommandContext(ctx, binary, "ingest", "--once", "--dir", dir)
	cmd.Stderr = os.Stderr
	started := time.Now()
	out, err := cmd.Output()
	if err != nil {
		return w, fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	took := time.Since(started)
	if want := strconv.Itoa(events); !strings.HasPrefix(strings.ReplaceAll(string(out), ",", ""), want) {
		return w, fmt.Errorf("%d events were sent and the program says: %s", events, out)
	}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		w.peakMB = usage.Maxrss >> 10
	}
	w.ended = float64(events) / took.Seconds()
	committed, err := lastCommit(ctx, binary, dir)
	if err != nil {
		return w, err
	}
	w.rate = float64(events) / committed.Sub(started).Seconds()
	w.cpu = float64((cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Microseconds()) / float64(events)
	w.fetch, err = fetchAlone(ctx, connection, events)
	return w, err
}

// lastCommit is when the newest batch was committed.
func lastCommit(ctx context.Context, binary, dir string) (time.Time, error) {
	cmd := exec.CommandContext(ctx, binary, "query", "--dir", dir, "--format", "csv", "select max(committed_at) as at from ingest.ledger")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return time.Time{}, fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	_, at, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return time.Parse(time.RFC3339Nano, at)
}
