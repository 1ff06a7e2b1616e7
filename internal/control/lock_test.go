//go:build unix

package control

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestLockWithinOneProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lock, err := Acquire(dir, "import")
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, lockName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}

	_, err = Acquire(dir, "serve")
	var held *HeldError
	if !errors.As(err, &held) {
		t.Fatalf("%v, want a HeldError", err)
	}
	if held.PID != os.Getpid() || held.Command != "import" || time.Since(held.Since) > time.Minute {
		t.Errorf("held by %+v", held)
	}
	for _, want := range []string{dir, "in use by funnelhouse import", "PID " + strconv.Itoa(os.Getpid()), "since 20", "kill"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}

	for range 2 { // twice does no harm
		if err := lock.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, lockName)); err != nil || info.Size() != 0 {
		t.Errorf("after giving it back the lock file holds %d bytes, %v", info.Size(), err)
	}
	if _, err := lock.Listen(); err == nil {
		t.Error("a lock that was given back opened the socket")
	}
	again, err := Acquire(dir, "serve")
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestLockNeedsItsFolder(t *testing.T) {
	t.Parallel()
	if _, err := Acquire(filepath.Join(t.TempDir(), "none"), "serve"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want that the folder doesn't exist", err)
	}
}

func TestTakeoverAfterKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	other := startProcess(t, "serve", dir)
	pid := other.cmd.Process.Pid

	_, err := Acquire(dir, "serve")
	var held *HeldError
	if !errors.As(err, &held) || held.PID != pid || held.Command != "serve" {
		t.Fatalf("%v, want it held by PID %d", err, pid)
	}

	other.kill()
	content, err := os.ReadFile(filepath.Join(dir, lockName))
	if err != nil || !bytes.Contains(content, []byte(strconv.Itoa(pid))) {
		t.Fatalf("the dead holder left %q, %v", content, err)
	}
	if _, err := os.Lstat(filepath.Join(dir, socketName)); err != nil {
		t.Fatalf("the dead holder left no socket: %v", err)
	}
	client := newClient(t, ClientConfig{})
	if _, err := client.Run(t.Context(), dir, request("echo"), nil, io.Discard, io.Discard); !errors.Is(err, ErrNotServing) {
		t.Errorf("%v, want ErrNotServing", err)
	}

	startServer(t, dir, ServerConfig{}, testCommands)
	content, err = os.ReadFile(filepath.Join(dir, lockName))
	if err != nil || bytes.Contains(content, []byte(strconv.Itoa(pid))) {
		t.Errorf("the new holder left %q, %v", content, err)
	}
	if _, stdout, _, err := run(t, dir, request("echo", "new"), nil); err != nil || stdout != "new\n" {
		t.Errorf("%q, %v", stdout, err)
	}
}

// TestDeadHolderIsNotNamed covers the moment between taking the lock and
// writing it: the file names a process that is gone.
func TestDeadHolderIsNotNamed(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"empty":      "",
		"garbage":    "\x00\xff{",
		"gone":       `{"pid": 2147483647, "command": "serve", "started_at": "2026-01-01T00:00:00Z"}`,
		"impossible": `{"pid": -1, "command": "serve"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			lock, err := Acquire(dir, "serve")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = lock.Close() }()
			if err := os.WriteFile(filepath.Join(dir, lockName), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err = Acquire(dir, "serve")
			var held *HeldError
			if !errors.As(err, &held) || held.PID != 0 || !strings.Contains(err.Error(), "another process") {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestLockFileReplaced covers a lock file that someone deleted and made anew:
// two processes must not each hold one.
func TestLockFileReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, lockName)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if same, err := isSameFile(path, file); err != nil || !same {
		t.Errorf("same %v, %v", same, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if same, err := isSameFile(path, file); err != nil || same {
		t.Errorf("removed: same %v, %v", same, err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if same, err := isSameFile(path, file); err != nil || same {
		t.Errorf("replaced: same %v, %v", same, err)
	}
}

func TestAcquireOrRun(t *testing.T) {
	t.Parallel()
	t.Run("nobody holds it", func(t *testing.T) {
		t.Parallel()
		lock, _, err := newClient(t, ClientConfig{}).AcquireOrRun(t.Context(), t.TempDir(), request("import"), nil, io.Discard, io.Discard)
		if err != nil || lock == nil {
			t.Fatalf("%v, %v", lock, err)
		}
		if err := lock.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Run("a server holds it", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		startServer(t, dir, ServerConfig{}, testCommands)
		lock, exit, err := newClient(t, ClientConfig{}).AcquireOrRun(t.Context(), dir, request("exit", "7"), nil, io.Discard, io.Discard)
		if err != nil || lock != nil || exit != 7 {
			t.Errorf("%v, exit %d, %v", lock, exit, err)
		}
	})
	t.Run("a short command holds it", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		other := startProcess(t, "hold", dir)
		time.AfterFunc(200*time.Millisecond, func() { _ = other.stdin.Close() })
		lock, _, err := newClient(t, ClientConfig{AnswerTimeout: time.Minute}).AcquireOrRun(t.Context(), dir, request("import"), nil, io.Discard, io.Discard)
		if err != nil || lock == nil {
			t.Fatalf("%v, %v", lock, err)
		}
		if err := lock.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Run("a long command holds it", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		other := startProcess(t, "hold", dir)
		_, _, err := newClient(t, ClientConfig{AnswerTimeout: 100 * time.Millisecond}).AcquireOrRun(t.Context(), dir, request("import"), nil, io.Discard, io.Discard)
		var held *HeldError
		if !errors.As(err, &held) || held.PID != other.cmd.Process.Pid {
			t.Errorf("%v, want it held by PID %d", err, other.cmd.Process.Pid)
		}
	})
}

func TestSocketMode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, ".funnelhouse-bind-left"), 0o700); err != nil {
		t.Fatal(err)
	}
	startServer(t, dir, ServerConfig{}, testCommands)
	info, err := os.Lstat(filepath.Join(dir, socketName))
	if err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("the folder holds %v, %v, want the lock and the socket alone", entries, err)
	}
}

// longDir makes a folder whose socket's path no socket name can hold.
func longDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), strings.Repeat("long-", 30), strings.Repeat("[er]", 20))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestLongPath(t *testing.T) {
	t.Parallel()
	dir := longDir(t)
	if err := os.Mkdir(filepath.Join(dir, ".funnelhouse-bind-left"), 0o700); err != nil {
		t.Fatal(err)
	}
	startServer(t, dir, ServerConfig{}, testCommands)
	if _, stdout, _, err := run(t, dir, request("echo", "far"), nil); err != nil || stdout != "far\n" {
		t.Errorf("%q, %v", stdout, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("the folder holds %v, %v, want the lock and the socket alone", entries, err)
	}
}

func TestNotServing(t *testing.T) {
	t.Parallel()
	client := newClient(t, ClientConfig{})
	t.Run("no socket", func(t *testing.T) {
		t.Parallel()
		if _, err := client.Run(t.Context(), t.TempDir(), request("x"), nil, io.Discard, io.Discard); !errors.Is(err, ErrNotServing) {
			t.Errorf("%v", err)
		}
	})
	t.Run("not a socket", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, socketName), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := client.Run(t.Context(), dir, request("x"), nil, io.Discard, io.Discard)
		if err == nil || errors.Is(err, ErrNotServing) || !strings.Contains(err.Error(), "not a socket") {
			t.Errorf("%v", err)
		}
	})
}

// TestFullQueue covers a holder that stands still for so long that the system
// queues no further connection.
func TestFullQueue(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	unix.CloseOnExec(fd)
	defer func() { _ = unix.Close(fd) }()
	path := filepath.Join(dir, socketName)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	for range 8 {
		conn, err := net.Dial("unix", path)
		if err != nil {
			break
		}
		defer func() { _ = conn.Close() }()
	}
	client := newClient(t, ClientConfig{AnswerTimeout: 150 * time.Millisecond})
	if _, err := client.Run(t.Context(), dir, request("x"), nil, io.Discard, io.Discard); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("%v, want ErrNoAnswer", err)
	}
}
