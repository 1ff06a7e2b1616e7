//go:build unix

package control

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// pattern is an endless stream that any lost, doubled or moved byte breaks:
// one block of random bytes, of a prime length, again and again.
type pattern struct{ at uint64 }

var patternBlock = func() []byte {
	block := make([]byte, 65521)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(block)
	return block
}()

func (p *pattern) Read(b []byte) (int, error) {
	for filled := 0; filled < len(b); {
		n := copy(b[filled:], patternBlock[p.at%uint64(len(patternBlock)):])
		p.at += uint64(n)
		filled += n
	}
	return len(b), nil
}

// patternCheck compares what is written to it with the pattern.
type patternCheck struct {
	want pattern
	buf  []byte
}

func (c *patternCheck) Write(b []byte) (int, error) {
	c.buf = slices.Grow(c.buf[:0], len(b))[:len(b)]
	if _, err := c.want.Read(c.buf); err != nil {
		return 0, err
	}
	if !bytes.Equal(c.buf, b) {
		return 0, fmt.Errorf("the stream differs before byte %d", c.want.at)
	}
	return len(b), nil
}

func TestLargeStreams(t *testing.T) {
	t.Parallel()
	const size = 100 << 20
	dir := t.TempDir()
	startServer(t, dir, ServerConfig{}, func(ctx context.Context, req Request, stdin io.Reader, stdout, stderr io.Writer) int {
		if req.Args[0] == "cat" {
			return testCommands(ctx, req, stdin, stdout, stderr)
		}
		if _, err := io.CopyN(stdout, &pattern{}, size); err != nil {
			return 1
		}
		return 0
	})
	tests := map[string]io.Reader{
		"make": nil, // output alone
		"cat":  io.LimitReader(&pattern{}, size),
	}
	for name, stdin := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check := &patternCheck{}
			exit, err := newClient(t, ClientConfig{}).Run(t.Context(), dir, request(name), stdin, check, io.Discard)
			if err != nil || exit != 0 {
				t.Fatalf("exit %d, %v", exit, err)
			}
			if check.want.at != size {
				t.Errorf("%d bytes arrived, want %d", check.want.at, size)
			}
		})
	}
}

// TestSlowClientStopsTheCommand proves the back-pressure: while the client
// takes nothing, the command gets no further than the socket's own buffers.
func TestSlowClientStopsTheCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sent := make(chan int, 1<<16)
	startServer(t, dir, ServerConfig{}, func(_ context.Context, _ Request, _ io.Reader, stdout, _ io.Writer) int {
		block := make([]byte, maxData)
		for i := range 1000 { // 32 MB
			if _, err := stdout.Write(block); err != nil {
				return 1
			}
			sent <- i
		}
		return 0
	})

	reader, writer := io.Pipe()
	done := make(chan error, 1)
	go func() {
		exit, err := newClient(t, ClientConfig{}).Run(t.Context(), dir, request("flood"), nil, writer, io.Discard)
		if exit != 0 {
			err = errors.Join(err, fmt.Errorf("exit %d", exit))
		}
		done <- errors.Join(err, writer.Close())
	}()

	// The command stands still once a whole second brings no further block.
	blocks := 0
	for still := false; !still; {
		select {
		case <-sent:
			blocks++
		case <-time.After(time.Second):
			still = true
		}
	}
	if blocks == 0 || blocks > 500 {
		t.Errorf("%d blocks of %d left the command while nobody read", blocks, maxData)
	}
	n, err := io.Copy(io.Discard, reader)
	if err != nil || n != 1000*maxData {
		t.Errorf("read %d bytes, %v", n, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// unreadable fails the test when it is read.
type unreadable struct{ t *testing.T }

func (u unreadable) Read([]byte) (int, error) {
	u.t.Error("standard input was read though the command didn't ask for it")
	return 0, io.EOF
}

func TestInput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	startServer(t, dir, ServerConfig{}, testCommands)

	t.Run("not read unless asked for", func(t *testing.T) {
		t.Parallel()
		if _, stdout, _, err := run(t, dir, request("echo", "x"), unreadable{t}); err != nil || stdout != "x\n" {
			t.Errorf("%q, %v", stdout, err)
		}
	})
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		if exit, stdout, _, err := run(t, dir, request("cat"), nil); err != nil || exit != 0 || stdout != "" {
			t.Errorf("exit %d, %q, %v", exit, stdout, err)
		}
	})
	t.Run("error", func(t *testing.T) {
		t.Parallel()
		broken := io.MultiReader(strings.NewReader("begin"), errReader{errors.New("the tape is torn")})
		exit, stdout, stderr, err := run(t, dir, request("cat"), broken)
		if err != nil || exit != 1 || stdout != "begin" || stderr != "the tape is torn\n" {
			t.Errorf("exit %d, %q, %q, %v", exit, stdout, stderr, err)
		}
	})
	t.Run("interactive", func(t *testing.T) {
		t.Parallel()
		stdinReader, stdin := io.Pipe()
		stdout, stdoutWriter := io.Pipe()
		done := make(chan error, 1)
		go func() {
			_, err := newClient(t, ClientConfig{}).Run(t.Context(), dir, request("cat"), stdinReader, stdoutWriter, io.Discard)
			done <- err
		}()
		lines := bufio.NewReader(stdout)
		for _, line := range []string{"one\n", "two\n"} { // each answer before the next question
			if _, err := io.WriteString(stdin, line); err != nil {
				t.Fatal(err)
			}
			if got, err := lines.ReadString('\n'); err != nil || got != line {
				t.Fatalf("%q, %v", got, err)
			}
		}
		if err := stdin.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

type errReader struct{ err error }

func (e errReader) Read([]byte) (int, error) { return 0, e.err }
