//go:build unix

package control

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const testVersion = "v1.2.3"

// roleVariable makes the test binary another process: it holds the folder
// named by its value's second word, and serves it if the first word says so.
const roleVariable = "FUNNELHOUSE_CONTROL_TEST_ROLE"

func TestMain(m *testing.M) {
	role, dir, found := strings.Cut(os.Getenv(roleVariable), " ")
	if !found {
		os.Exit(m.Run())
	}
	if err := otherProcess(role, dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// otherProcess says "ready" once it holds dir, and ends when its standard
// input ends, so that it never outlives the test.
func otherProcess(role, dir string) error {
	lock, err := Acquire(dir, "serve")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	if role == "serve" {
		lis, err := lock.Listen()
		if err != nil {
			return err
		}
		server, err := NewServer(ServerConfig{Version: testVersion}, testCommands, quiet())
		if err != nil {
			return err
		}
		go func() { done <- server.Run(ctx, lis) }()
	} else {
		done <- nil
	}
	fmt.Println("ready")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	cancel()
	return errors.Join(<-done, lock.Close())
}

// process is another process that holds a folder.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
}

func startProcess(t *testing.T, role, dir string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role+" "+dir)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, stdin: stdin}
	t.Cleanup(p.kill)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || line != "ready\n" {
		t.Fatalf("the other process said %q, %v", line, err)
	}
	return p
}

// kill ends the process as kill -9 does.
func (p *process) kill() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

func (p *process) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// freeze stops the process and returns once all its threads stand still.
func (p *process) freeze(t *testing.T) {
	t.Helper()
	p.signal(t, syscall.SIGSTOP)
	for {
		var status syscall.WaitStatus
		_, err := syscall.Wait4(p.cmd.Process.Pid, &status, syscall.WUNTRACED, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil || !status.Stopped() {
			t.Fatalf("the process is not stopped: status %v, %v", status, err)
		}
		return
	}
}

// testCommands is a handler whose commands show one thing each.
func testCommands(ctx context.Context, req Request, stdin io.Reader, stdout, stderr io.Writer) int {
	switch req.Args[0] {
	case "echo":
		fmt.Fprintln(stdout, strings.Join(req.Args[1:], " "))
		fmt.Fprintln(stderr, req.Dir, req.Terminal, req.StderrTerminal, req.Width, req.Command)
		return 0
	case "exit":
		code, err := strconv.Atoi(req.Args[1])
		if err != nil {
			return 99
		}
		return code
	case "cat":
		if _, err := io.Copy(stdout, stdin); err != nil {
			fmt.Fprintln(stderr, err)
			return 1
		}
		return 0
	case "touch": // leaves a trace that it ran
		if err := os.WriteFile(req.Args[1], nil, 0o600); err != nil {
			return 1
		}
		return 0
	case "hold": // says that it runs, and waits to be cancelled
		fmt.Fprintln(stdout, "holding")
		<-ctx.Done()
		fmt.Fprintln(stderr, context.Cause(ctx))
		return 130
	default:
		return 64
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// startServer serves dir in this process until the test ends.
func startServer(t *testing.T, dir string, cfg ServerConfig, handler Handler) {
	t.Helper()
	startServerOf(t, os.Geteuid(), dir, cfg, handler)
}

// listening takes the folder's lock and opens its socket.
func listening(t *testing.T, dir, command string) (*Lock, *Listener) {
	t.Helper()
	lock, err := Acquire(dir, command)
	if err != nil {
		t.Fatal(err)
	}
	lis, err := lock.Listen()
	if err != nil {
		t.Fatal(err)
	}
	return lock, lis
}

// startServerOf starts a server that takes uid for its own user.
func startServerOf(t *testing.T, uid int, dir string, cfg ServerConfig, handler Handler) {
	t.Helper()
	lock, lis := listening(t, dir, "serve")
	if cfg.Version == "" {
		cfg.Version = testVersion
	}
	server, err := NewServer(cfg, handler, quiet())
	if err != nil {
		t.Fatal(err)
	}
	server.uid = uid
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx, lis) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("server: %v", err)
		}
		if err := lock.Close(); err != nil {
			t.Error(err)
		}
	})
}

func newClient(t *testing.T, cfg ClientConfig) *Client {
	t.Helper()
	if cfg.Version == "" {
		cfg.Version = testVersion
	}
	client, err := NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func request(args ...string) Request {
	return Request{Command: args[0], Args: args, Dir: "/"}
}

// run runs a command by a client of its own and returns what came of it.
func run(t *testing.T, dir string, req Request, stdin io.Reader) (exit int, stdout, stderr string, err error) {
	t.Helper()
	var out, errOut bytes.Buffer
	exit, err = newClient(t, ClientConfig{}).Run(t.Context(), dir, req, stdin, &out, &errOut)
	return exit, out.String(), errOut.String(), err
}

// firstLine is an output that tells when something was written to it.
type firstLine struct {
	bytes.Buffer
	wrote chan struct{}
}

func newFirstLine() *firstLine { return &firstLine{wrote: make(chan struct{})} }

func (f *firstLine) Write(p []byte) (int, error) {
	if f.Len() == 0 {
		defer close(f.wrote)
	}
	return f.Buffer.Write(p)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// waitFor polls a condition until it holds.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited 10 s in vain: %s", what)
		}
	}
}
