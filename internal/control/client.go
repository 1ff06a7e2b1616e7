//go:build unix

package control

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// retryEvery is how often a client looks again for a lock or a socket that is
// about to become free.
const retryEvery = 50 * time.Millisecond

// ClientConfig configures a [Client].
type ClientConfig struct {
	// Version is this binary's; required. It is sent with every request.
	Version string
	// AnswerTimeout is how long the server may take to accept a command, and
	// how long AcquireOrRun waits for a holder that serves no socket.
	// Default: 5 s.
	AnswerTimeout time.Duration
	// CancelTimeout is how long Run waits for the end of a command that it has
	// cancelled. Default: 10 s.
	CancelTimeout time.Duration
}

// Client runs commands in the process that holds a data folder.
type Client struct {
	cfg ClientConfig
	uid int // whose server is trusted with the command line and the input
}

// NewClient returns a client.
func NewClient(cfg ClientConfig) (*Client, error) {
	if cfg.Version == "" {
		return nil, errors.New("control client: Version is empty")
	}
	if cfg.AnswerTimeout < 0 || cfg.CancelTimeout < 0 {
		return nil, errors.New("control client: the timeouts must not be negative")
	}
	cfg.AnswerTimeout = cmp.Or(cfg.AnswerTimeout, defaultAnswerTimeout)
	cfg.CancelTimeout = cmp.Or(cfg.CancelTimeout, defaultCancelTimeout)
	return &Client{cfg: cfg, uid: os.Geteuid()}, nil
}

// AcquireOrRun makes a command work whoever holds the data folder dir. Where
// nobody does, it returns the lock: the caller does the work and closes it.
// Else the command runs in the process that does, and the lock is nil and exit
// its exit code. A holder that serves no socket (a short command, a process
// that is starting or stopping) is waited for as long as AnswerTimeout; then
// the error is a [*HeldError].
func (c *Client) AcquireOrRun(ctx context.Context, dir string, req Request, stdin io.Reader, stdout, stderr io.Writer) (lock *Lock, exit int, err error) {
	waiting, stop := context.WithTimeout(ctx, c.cfg.AnswerTimeout)
	defer stop()
	for {
		lock, err = Acquire(dir, req.Command)
		var held *HeldError
		if !errors.As(err, &held) {
			return lock, 0, err
		}
		exit, err = c.Run(ctx, dir, req, stdin, stdout, stderr)
		switch {
		case errors.Is(err, ErrNoAnswer):
			return nil, 0, c.silent(held, err)
		case !errors.Is(err, ErrNotServing):
			return nil, exit, err
		}
		if !pause(waiting, retryEvery) {
			if ctx.Err() != nil {
				return nil, 0, context.Cause(ctx)
			}
			return nil, 0, held
		}
	}
}

// silent names a holder that doesn't answer.
func (c *Client) silent(held *HeldError, err error) error {
	advice := "nothing has run"
	if held.PID != 0 {
		advice = fmt.Sprintf("nothing has run; if it stays so, end it with kill -9 %d and run the command again", held.PID)
	}
	return fmt.Errorf("%s: %w; %s", held.who(), err, advice)
}

// Run runs a command in the process that holds dir and returns its exit code.
// While the command runs, stdin is read as the command asks for it, and stdout
// and stderr are written by the calling goroutine. When ctx ends the command
// is cancelled and its exit code still waited for.
//
// Errors: [ErrNotServing], [ErrNoAnswer], [*VersionError] and [*RefusedError]
// say that nothing has run; [ErrLost] that the server ended midway. After
// return one goroutine may remain in a Read of stdin that the command had asked
// for and did not wait for; it ends with that Read.
func (c *Client) Run(ctx context.Context, dir string, req Request, stdin io.Reader, stdout, stderr io.Writer) (exit int, err error) {
	req.Version = c.cfg.Version
	payload, err := encodeRequest(req)
	if err != nil {
		return 0, err
	}
	conn, server, err := c.open(ctx, dir, payload)
	if err != nil {
		return 0, err
	}
	// The exit code is all that counts; what Close might say is no news.
	defer func() { _ = conn.Close() }()

	out := newFrameWriter(conn)
	stop := context.AfterFunc(ctx, func() {
		// Where the server has stopped moving, the deadline ends Run.
		_ = conn.SetDeadline(time.Now().Add(c.cfg.CancelTimeout))
		_ = out.write(kindCancel, nil)
	})
	defer stop()

	wanted := make(chan struct{}, 1)
	defer close(wanted)
	session := &clientSession{frames: newFrameReader(conn), wanted: wanted, stdout: stdout, stderr: stderr}
	session.startInput = func() { go feed(stdin, out, wanted) }
	exit, err = session.run()
	if errors.Is(err, errConnection) {
		if ctx.Err() != nil {
			return 0, fmt.Errorf("cancel the command in PID %d: %w", server.PID, context.Cause(ctx))
		}
		return 0, fmt.Errorf("%w (PID %d); see its log for what was done", ErrLost, server.PID)
	}
	return exit, err
}

// open connects, sends the request and waits until the server has accepted it
// and knows that this client still waits.
func (c *Client) open(ctx context.Context, dir string, payload []byte) (*net.UnixConn, accepted, error) {
	deadline := time.Now().Add(c.cfg.AnswerTimeout)
	conn, err := c.connect(ctx, dir, deadline)
	if err != nil {
		return nil, accepted{}, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	server, err := c.ask(conn, deadline, payload)
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = conn.Close()
		return nil, accepted{}, c.unanswered(err)
	}
	return conn, server, nil
}

// unanswered tells apart why a command was not accepted.
func (c *Client) unanswered(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w within %s", ErrNoAnswer, c.cfg.AnswerTimeout)
	case isEnded(err):
		// It closed its socket between connect and answer: it is stopping.
		return ErrNotServing
	default:
		return err
	}
}

// connect dials until the deadline: a holder that doesn't accept connections
// has a full queue of them.
func (c *Client) connect(ctx context.Context, dir string, deadline time.Time) (*net.UnixConn, error) {
	waiting, stop := context.WithDeadline(ctx, deadline)
	defer stop()
	for {
		conn, err := connect(dir)
		if !errors.Is(err, syscall.EAGAIN) {
			return conn, err
		}
		if !pause(waiting, retryEvery) {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			return nil, fmt.Errorf("%w within %s", ErrNoAnswer, c.cfg.AnswerTimeout)
		}
	}
}

// ask sends the request, reads the answer and says go.
func (c *Client) ask(conn *net.UnixConn, deadline time.Time, payload []byte) (accepted, error) {
	if err := conn.SetDeadline(deadline); err != nil {
		return accepted{}, err
	}
	if err := checkPeer(conn, c.uid); err != nil {
		return accepted{}, err
	}
	out := newFrameWriter(conn)
	writeErr := out.write(kindRequest, payload)
	// A server that refuses may have answered without reading all of it.
	k, answer, err := newFrameReader(conn).next()
	if err != nil {
		return accepted{}, errors.Join(writeErr, err)
	}
	switch k {
	case kindAccept:
		var server accepted
		if err := json.Unmarshal(answer, &server); err != nil {
			return accepted{}, fmt.Errorf("%w: answer: %w", errProtocol, err)
		}
		if err := out.write(kindGo, nil); err != nil {
			return accepted{}, err
		}
		return server, conn.SetDeadline(time.Time{})
	case kindRefuse:
		var no refused
		if err := json.Unmarshal(answer, &no); err != nil {
			return accepted{}, fmt.Errorf("%w: answer: %w", errProtocol, err)
		}
		return accepted{}, c.refusal(no)
	default:
		return accepted{}, fmt.Errorf("%w: frame %q in place of an answer", errProtocol, byte(k))
	}
}

func (c *Client) refusal(no refused) error {
	switch no.Reason {
	case reasonVersion:
		return &VersionError{Client: c.cfg.Version, Server: no.Version, PID: no.PID}
	case reasonStopping:
		return ErrNotServing
	default:
		return &RefusedError{PID: no.PID, Message: no.Message}
	}
}

// isEnded says that the other side ended the connection.
func isEnded(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// errConnection says that the connection ended while a command ran, or that
// the time limit of a cancelled one ran out.
var errConnection = errors.New("the connection ended")

// clientSession handles the server's frames while a command runs.
type clientSession struct {
	frames         *frameReader
	stdout, stderr io.Writer
	wanted         chan<- struct{}
	startInput     func() // called at the first want: most commands read nothing
	started        bool
}

func (s *clientSession) run() (exit int, err error) {
	for {
		k, payload, err := s.frames.next()
		if errors.Is(err, errProtocol) {
			return 0, err
		}
		if err != nil {
			return 0, fmt.Errorf("%w: %w", errConnection, err)
		}
		switch k {
		case kindStdout:
			err = write(s.stdout, payload, "output")
		case kindStderr:
			err = write(s.stderr, payload, "error output")
		case kindWant:
			err = s.want()
		case kindExit:
			if len(payload) != 4 {
				return 0, fmt.Errorf("%w: exit code of %d bytes", errProtocol, len(payload))
			}
			return int(int32(binary.BigEndian.Uint32(payload))), nil
		default:
			err = fmt.Errorf("%w: frame %q while a command runs", errProtocol, byte(k))
		}
		if err != nil {
			return 0, err
		}
	}
}

func (s *clientSession) want() error {
	if !s.started {
		s.started = true
		s.startInput()
	}
	select {
	case s.wanted <- struct{}{}:
		return nil
	default:
		return fmt.Errorf("%w: two wants at once", errProtocol)
	}
}

func write(w io.Writer, payload []byte, what string) error {
	if _, err := w.Write(payload); err != nil {
		return fmt.Errorf("write the command's %s: %w", what, err)
	}
	return nil
}

// feed sends one chunk of stdin for each want, until Run closes wanted.
func feed(stdin io.Reader, out *frameWriter, wanted <-chan struct{}) {
	buf := make([]byte, maxData)
	var readErr error
	for range wanted {
		n := 0
		for n == 0 && readErr == nil && stdin != nil {
			n, readErr = stdin.Read(buf)
		}
		var err error
		if n == 0 && readErr != nil && !errors.Is(readErr, io.EOF) {
			text := readErr.Error()
			err = out.write(kindInputFail, []byte(text[:min(len(text), maxReply)]))
		} else {
			err = out.write(kindInput, buf[:n])
		}
		if err != nil {
			return // Run's own reading meets the end of the connection
		}
	}
}
