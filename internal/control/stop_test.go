//go:build unix

package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

func TestStop(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		stopTimeout time.Duration
		wantCause   error
	}{
		"waits for a running command":  {time.Minute, nil},
		"cancels it after its time":    {time.Millisecond, errStopping},
		"unblocks one nobody reads of": {time.Millisecond, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			lock, lis := listening(t, dir, "serve")
			release, cause := make(chan struct{}), make(chan error, 1)
			handler := func(ctx context.Context, _ Request, _ io.Reader, stdout, _ io.Writer) int {
				fmt.Fprintln(stdout, "running")
				if strings.HasPrefix(name, "unblocks") {
					for {
						if _, err := stdout.Write(make([]byte, maxData)); err != nil {
							cause <- nil
							return 1
						}
					}
				}
				select {
				case <-ctx.Done():
				case <-release:
				}
				cause <- context.Cause(ctx)
				return 3
			}
			server, err := NewServer(ServerConfig{
				Version: testVersion, StopTimeout: test.stopTimeout, CancelTimeout: 100 * time.Millisecond,
			}, handler, quiet())
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- server.Run(ctx, lis) }()

			first, unblock := make(chan struct{}), make(chan struct{})
			slow := writerFunc(func(p []byte) (int, error) {
				select {
				case <-first:
				default:
					close(first)
				}
				if strings.HasPrefix(name, "unblocks") {
					<-unblock
				}
				return len(p), nil
			})
			ran := make(chan error, 1)
			go func() {
				exit, err := newClient(t, ClientConfig{}).Run(t.Context(), dir, request("x"), nil, slow, io.Discard)
				if err == nil && exit != 3 {
					err = fmt.Errorf("exit %d", exit)
				}
				ran <- err
			}()
			<-first
			cancel()
			waitFor(t, "the socket is gone", func() bool {
				_, err := connect(dir)
				return errors.Is(err, ErrNotServing)
			})
			if test.wantCause == nil {
				close(release)
			}
			if got := <-cause; !errors.Is(got, test.wantCause) {
				t.Errorf("the command ended for %v, want %v", got, test.wantCause)
			}
			if err := <-done; err != nil {
				t.Errorf("server: %v", err)
			}
			close(unblock)
			if err := <-ran; err != nil && !errors.Is(err, ErrLost) {
				t.Errorf("client: %v", err)
			}
			if err := lock.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestStopGivesUp proves that Run owns up to a command that it couldn't end.
func TestStopGivesUp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lock, lis := listening(t, dir, "serve")
	defer func() { _ = lock.Close() }()
	release := make(chan struct{})
	defer close(release)
	server, err := NewServer(ServerConfig{
		Version: testVersion, StopTimeout: time.Millisecond, CancelTimeout: 10 * time.Millisecond,
	}, func(_ context.Context, _ Request, _ io.Reader, stdout, _ io.Writer) int {
		fmt.Fprintln(stdout, "deaf")
		<-release
		return 0
	}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stdout := newFirstLine()
	go func() {
		<-stdout.wrote
		cancel()
	}()
	client := newClient(t, ClientConfig{})
	lost := make(chan error, 1)
	go func() {
		_, err := client.Run(t.Context(), dir, request("deaf"), nil, stdout, io.Discard)
		lost <- err
	}()
	if err := server.Run(ctx, lis); err == nil || !strings.Contains(err.Error(), "1 commands") {
		t.Errorf("server: %v, want the command that is left", err)
	}
	if err := <-lost; !errors.Is(err, ErrLost) {
		t.Errorf("client: %v, want ErrLost", err)
	}
}

// TestClosedListenerLetsCommandsEnd proves that a process which is done ends
// after the commands of others, unless it is told to stop.
func TestClosedListenerLetsCommandsEnd(t *testing.T) {
	t.Parallel()
	for name, interrupt := range map[string]bool{"in their time": false, "or is interrupted": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			lock, lis := listening(t, dir, "query")
			release := make(chan struct{})
			server, err := NewServer(ServerConfig{Version: testVersion, StopTimeout: time.Nanosecond},
				func(ctx context.Context, _ Request, _ io.Reader, stdout, _ io.Writer) int {
					fmt.Fprintln(stdout, "guest")
					select {
					case <-ctx.Done():
						return 130
					case <-release:
						return 0
					}
				}, quiet())
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := make(chan error, 1)
			go func() { done <- server.Run(ctx, lis) }()
			stdout := newFirstLine()
			exits := make(chan int, 1)
			go func() {
				exit, err := newClient(t, ClientConfig{}).Run(t.Context(), dir, request("x"), nil, stdout, io.Discard)
				if err != nil {
					t.Error(err)
				}
				exits <- exit
			}()
			<-stdout.wrote
			if err := lis.Close(); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-done:
				t.Fatalf("ended under its guest: %v", err)
			case <-time.After(50 * time.Millisecond):
			}
			want := 0
			if interrupt {
				want = 130
				cancel()
			} else {
				close(release)
			}
			if err := <-done; err != nil {
				t.Error(err)
			}
			if exit := <-exits; exit != want {
				t.Errorf("exit %d, want %d", exit, want)
			}
			if err := lock.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
