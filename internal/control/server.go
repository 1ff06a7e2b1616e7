//go:build unix

package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"
)

// Handler runs one command and returns its exit code. Its context ends when
// the client cancels or goes away and when the server has waited long enough
// at a stop. It may be called by several goroutines at once. Standard input is
// read from the client as the handler reads it. Outputs are not buffered here:
// each Write is one message, and it blocks while the client doesn't read.
type Handler func(ctx context.Context, req Request, stdin io.Reader, stdout, stderr io.Writer) int

// ServerConfig configures a [Server].
type ServerConfig struct {
	// Version is this binary's; required.
	Version string
	// MaxCommands is how many clients are served at once; one more is refused.
	// Default: 32.
	MaxCommands int
	// RequestTimeout is how long a client may take to say what it wants.
	// Default: 5 s.
	RequestTimeout time.Duration
	// StopTimeout is how long running commands may go on after a stop before
	// they are cancelled. Default: 5 s.
	StopTimeout time.Duration
	// CancelTimeout is how long Run waits for cancelled commands. Default: 10 s.
	CancelTimeout time.Duration
}

func (c ServerConfig) withDefaults() ServerConfig {
	c.MaxCommands = cmp.Or(c.MaxCommands, defaultMaxCommands)
	c.RequestTimeout = cmp.Or(c.RequestTimeout, defaultRequestTimeout)
	c.StopTimeout = cmp.Or(c.StopTimeout, defaultStopTimeout)
	c.CancelTimeout = cmp.Or(c.CancelTimeout, defaultCancelTimeout)
	return c
}

func (c ServerConfig) validate() error {
	if c.Version == "" {
		return errors.New("control server: Version is empty")
	}
	if c.MaxCommands < 0 || c.RequestTimeout < 0 || c.StopTimeout < 0 || c.CancelTimeout < 0 {
		return errors.New("control server: MaxCommands and the timeouts must not be negative")
	}
	return nil
}

// Server runs the commands of other processes in this one.
type Server struct {
	cfg     ServerConfig
	handler Handler
	log     *slog.Logger
	uid     int // whose clients are served
}

// NewServer returns a server that runs commands by handler.
func NewServer(cfg ServerConfig, handler Handler, log *slog.Logger) (*Server, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return &Server{cfg: cfg.withDefaults(), handler: handler, log: log, uid: os.Geteuid()}, nil
}

// Run serves until lis is closed or ctx is done. Once lis is closed no new
// command begins, and running ones may take the time they need: a process that
// has done its own work ends after its guests. Once ctx is done Run closes lis,
// running commands may go on for StopTimeout, then they are cancelled, and Run
// waits CancelTimeout for them. It returns nil once all have ended. With an
// error at least one command is still running, and what it uses must not be
// closed under it: end the process instead.
func (s *Server) Run(ctx context.Context, lis *Listener) (err error) {
	defer func() { err = errors.Join(err, lis.Close()) }()

	// Commands outlive ctx for a while, so theirs is a context of its own.
	commands, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	running := &connections{open: map[*net.UnixConn]struct{}{}}
	stop := context.AfterFunc(ctx, func() {
		if err := lis.Close(); err != nil {
			s.log.WarnContext(ctx, "control socket not closed", "error", err)
		}
	})
	defer stop()
	s.accept(ctx, commands, lis, running)
	return s.drain(ctx, running, cancel)
}

// accept starts one goroutine a connection until the listener is closed.
func (s *Server) accept(ctx, commands context.Context, lis *Listener, running *connections) {
	slots := make(chan struct{}, s.cfg.MaxCommands)
	wait := time.Duration(0)
	for {
		conn, err := lis.inner.AcceptUnix()
		switch {
		case err == nil:
			wait = 0
		case errors.Is(err, net.ErrClosed):
			return
		default:
			// Most likely no file descriptor is left: commands that end give
			// some back, and the process has better to do than to die of it.
			wait = min(max(2*wait, 5*time.Millisecond), time.Second)
			s.log.WarnContext(ctx, "control connection not accepted", "error", err, "wait", wait)
			if !pause(ctx, wait) {
				return
			}
			continue
		}
		running.add(conn)
		go func() {
			defer running.remove(conn)
			defer s.closeConn(ctx, conn)
			select {
			case slots <- struct{}{}:
				defer func() { <-slots }()
				s.serve(ctx, commands, conn)
			default:
				s.refuse(ctx, conn, reasonBusy, fmt.Sprintf("it runs %d commands already; try again when one has ended", s.cfg.MaxCommands))
			}
		}()
	}
}

// drain waits for the running commands: without a limit until ctx is done,
// then for StopTimeout, then cancelled.
func (s *Server) drain(ctx context.Context, running *connections, cancel context.CancelCauseFunc) error {
	idle := running.none()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
	}
	if within(s.cfg.StopTimeout, idle) {
		return nil
	}
	cancel(errStopping)
	if within(s.cfg.CancelTimeout, idle) {
		return nil
	}
	// A command may hang in a write to a client that reads nothing.
	running.closeAll()
	if within(s.cfg.CancelTimeout, idle) {
		return nil
	}
	return fmt.Errorf("%d commands don't stop %s after they were cancelled", running.count(), 2*s.cfg.CancelTimeout)
}

// within reports whether done is closed before the time is over.
func within(d time.Duration, done <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// pause waits, and reports false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	return !within(d, ctx.Done())
}

// connections counts the open connections and can wait for their end.
type connections struct {
	mu   sync.Mutex // guards open and idle
	open map[*net.UnixConn]struct{}
	idle chan struct{} // closed when open becomes empty; nil: nobody waits yet
}

func (c *connections) add(conn *net.UnixConn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open[conn] = struct{}{}
}

func (c *connections) remove(conn *net.UnixConn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, conn)
	if len(c.open) == 0 && c.idle != nil {
		close(c.idle)
	}
}

func (c *connections) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open)
}

// none returns a channel that is closed once no connection is open. No
// connection may be added from here on.
func (c *connections) none() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = make(chan struct{})
	if len(c.open) == 0 {
		close(c.idle)
	}
	return c.idle
}

func (c *connections) closeAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		// Its goroutine meets the error and reports it.
		_ = conn.Close()
	}
}
