//go:build unix

package control

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	startServer(t, dir, ServerConfig{}, testCommands)

	latin1 := "Caf\xe9" // an argument need not be UTF-8
	req := Request{
		Command: "model build", Args: []string{"echo", "a", "", latin1}, Dir: "/tmp/\xff",
		Terminal: true, Width: 120,
	}
	exit, stdout, stderr, err := run(t, dir, req, nil)
	if err != nil || exit != 0 {
		t.Fatalf("exit %d, %v", exit, err)
	}
	if want := "a  " + latin1 + "\n"; stdout != want {
		t.Errorf("stdout %q, want %q", stdout, want)
	}
	if want := "/tmp/\xff true false 120 model build\n"; stderr != want {
		t.Errorf("stderr %q, want %q", stderr, want)
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	startServer(t, dir, ServerConfig{}, testCommands)
	for _, code := range []int{0, 1, 2, 130, 255, -1} {
		exit, _, _, err := run(t, dir, request("exit", strconv.Itoa(code)), nil)
		if err != nil || exit != code {
			t.Errorf("exit %d, %v, want %d", exit, err, code)
		}
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	startServer(t, dir, ServerConfig{}, func(ctx context.Context, req Request, stdin io.Reader, stdout, stderr io.Writer) int {
		if req.Args[0] == "read" { // a command that waits for a terminal
			fmt.Fprintln(stdout, "reading")
			_, err := stdin.Read(make([]byte, 1))
			fmt.Fprintln(stderr, err)
			return 130
		}
		return testCommands(ctx, req, stdin, stdout, stderr)
	})
	for _, name := range []string{"hold", "read"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			terminal, keyboard := io.Pipe()
			defer func() { _ = keyboard.Close() }()
			stdout := newFirstLine()
			go func() {
				<-stdout.wrote
				cancel()
			}()
			var stderr bytes.Buffer
			exit, err := newClient(t, ClientConfig{}).Run(ctx, dir, request(name), terminal, stdout, &stderr)
			if err != nil || exit != 130 {
				t.Errorf("exit %d, %v", exit, err)
			}
			if got, want := stderr.String(), errCancelled.Error()+"\n"; got != want {
				t.Errorf("stderr %q, want %q", got, want)
			}
		})
	}
}

func TestCancelOfACommandThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	release := make(chan struct{})
	startServer(t, dir, ServerConfig{}, func(_ context.Context, _ Request, _ io.Reader, stdout, _ io.Writer) int {
		fmt.Fprintln(stdout, "deaf")
		<-release
		return 0
	})
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stdout := newFirstLine()
	go func() {
		<-stdout.wrote
		cancel()
	}()
	client := newClient(t, ClientConfig{CancelTimeout: 50 * time.Millisecond})
	if _, err := client.Run(ctx, dir, request("deaf"), nil, stdout, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want a cancelled context", err)
	}
}

// TestClientGoesAway proves that a command ends with the client that wanted it.
func TestClientGoesAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cause := make(chan error, 1)
	startServer(t, dir, ServerConfig{}, func(ctx context.Context, _ Request, _ io.Reader, stdout, _ io.Writer) int {
		fmt.Fprintln(stdout, "x")
		<-ctx.Done()
		cause <- context.Cause(ctx)
		return 0
	})
	broken := writerFunc(func([]byte) (int, error) { return 0, syscall.EPIPE })
	_, err := newClient(t, ClientConfig{}).Run(t.Context(), dir, request("x"), nil, broken, io.Discard)
	if !errors.Is(err, syscall.EPIPE) || errors.Is(err, ErrLost) {
		t.Errorf("%v, want the output's own broken pipe", err)
	}
	if err := <-cause; !errors.Is(err, errGone) {
		t.Errorf("the command ended for %v", err)
	}
}

func TestServerKilledMidway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := startProcess(t, "serve", dir)
	stdout := newFirstLine()
	go func() {
		<-stdout.wrote
		_ = server.cmd.Process.Kill()
	}()
	_, err := newClient(t, ClientConfig{}).Run(t.Context(), dir, request("hold"), nil, stdout, io.Discard)
	if !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), strconv.Itoa(server.cmd.Process.Pid)) {
		t.Errorf("%v, want ErrLost naming PID %d", err, server.cmd.Process.Pid)
	}
}

func TestFrozenHolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := startProcess(t, "serve", dir)
	server.freeze(t)

	client := newClient(t, ClientConfig{AnswerTimeout: 200 * time.Millisecond})
	trace := filepath.Join(t.TempDir(), "it ran")
	req := request("touch", trace)
	var out bytes.Buffer
	lock, _, err := client.AcquireOrRun(t.Context(), dir, req, nil, &out, &out)
	if lock != nil || !errors.Is(err, ErrNoAnswer) {
		t.Fatalf("lock %v, %v, want ErrNoAnswer", lock, err)
	}
	for _, want := range []string{dir, "funnelhouse serve", strconv.Itoa(server.cmd.Process.Pid), "within 200ms", "nothing has run"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q doesn't name %q", err, want)
		}
	}

	server.signal(t, syscall.SIGCONT)
	exit, stdout, _, err := run(t, dir, request("echo", "again"), nil)
	if err != nil || exit != 0 || stdout != "again\n" {
		t.Errorf("after it went on: exit %d, %q, %v", exit, stdout, err)
	}
	// Once the other process has ended, all that it would have run has run.
	if err := server.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if err := server.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(trace); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the abandoned command ran: %v", err)
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	startServer(t, dir, ServerConfig{}, testCommands)
	client := newClient(t, ClientConfig{Version: "v2.0.0"})
	_, err := client.Run(t.Context(), dir, request("echo"), nil, io.Discard, io.Discard)
	var version *VersionError
	if !errors.As(err, &version) || *version != (VersionError{Client: "v2.0.0", Server: testVersion, PID: os.Getpid()}) {
		t.Fatalf("%v", err)
	}
	if !strings.Contains(err.Error(), "v2.0.0") || !strings.Contains(err.Error(), testVersion) {
		t.Errorf("%q names not both versions", err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	t.Run("too many commands", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		startServer(t, dir, ServerConfig{MaxCommands: 1}, testCommands)
		ctx, cancel := context.WithCancel(t.Context())
		stdout := newFirstLine()
		done := make(chan error, 1)
		go func() {
			_, err := newClient(t, ClientConfig{}).Run(ctx, dir, request("hold"), nil, stdout, io.Discard)
			done <- err
		}()
		<-stdout.wrote
		long := request("echo", strings.Repeat("x", 600_000)) // more than the socket holds
		_, _, _, err := run(t, dir, long, nil)
		var refused *RefusedError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), "1 commands") {
			t.Errorf("%v, want a refusal", err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Run("line too long", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		startServer(t, dir, ServerConfig{}, testCommands)
		_, _, _, err := run(t, dir, request("echo", strings.Repeat("x", maxRequest)), nil)
		if err == nil || !strings.Contains(err.Error(), "too long") {
			t.Errorf("%v", err)
		}
	})
	t.Run("relative working directory", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		startServer(t, dir, ServerConfig{}, testCommands)
		req := request("echo")
		req.Dir = "here"
		_, _, _, err := run(t, dir, req, nil)
		if _, ok := errors.AsType[*RefusedError](err); !ok {
			t.Errorf("%v, want a refusal", err)
		}
	})
}

// TestAbandonedOutput proves that nothing follows the exit code, whatever a
// command left running.
func TestAbandonedOutput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writers := make(chan io.Writer, 1)
	startServer(t, dir, ServerConfig{}, func(_ context.Context, _ Request, _ io.Reader, stdout, _ io.Writer) int {
		writers <- stdout
		return 0
	})
	if _, _, _, err := run(t, dir, request("x"), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := (<-writers).Write([]byte("late")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("%v, want a closed pipe", err)
	}
}

func TestConfigs(t *testing.T) {
	t.Parallel()
	if _, err := NewServer(ServerConfig{}, testCommands, quiet()); err == nil {
		t.Error("a server without a version")
	}
	if _, err := NewServer(ServerConfig{Version: "v", StopTimeout: -1}, testCommands, quiet()); err == nil {
		t.Error("a server with a negative timeout")
	}
	if _, err := NewClient(ClientConfig{}); err == nil {
		t.Error("a client without a version")
	}
	if _, err := NewClient(ClientConfig{Version: "v", AnswerTimeout: -1}); err == nil {
		t.Error("a client with a negative timeout")
	}
}
