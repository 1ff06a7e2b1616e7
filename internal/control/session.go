//go:build unix

package control

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// Causes for which a command's context ends.
var (
	errCancelled = errors.New("cancelled by the user")
	errGone      = errors.New("the client went away")
	errStopping  = errors.New("the process is stopping")
)

// serve handles one connection; the caller closes it.
func (s *Server) serve(ctx, commands context.Context, conn *net.UnixConn) {
	frames, out := newFrameReader(conn), newFrameWriter(conn)
	req, err := s.receive(ctx, conn, frames, out)
	if err != nil {
		s.log.DebugContext(ctx, "control request not begun", "error", err)
		return
	}

	begin := time.Now()
	commandCtx, cancel := context.WithCancelCause(commands)
	defer cancel(nil)
	in := newInput(commandCtx, func() error { return out.write(kindWant, nil) })
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		cancel(listen(frames, in, cancel))
	}()

	stdout := &stream{kind: kindStdout, frames: out}
	stderr := &stream{kind: kindStderr, frames: out}
	code := s.handler(commandCtx, req, in, stdout, stderr)
	stdout.close()
	stderr.close()
	s.log.InfoContext(ctx, "command ran for another process",
		"command", req.Command, "exit", code, "elapsed", time.Since(begin))

	if err := out.write(kindExit, binary.BigEndian.AppendUint32(nil, uint32(int32(code)))); err != nil {
		s.log.DebugContext(ctx, "exit code not delivered", "command", req.Command, "error", err)
		return
	}
	// The client closes once it has the exit code. Closing first, with a frame
	// of its unread, could cost it the code.
	if err := conn.SetReadDeadline(time.Now().Add(s.cfg.RequestTimeout)); err == nil {
		<-listening
	}
}

// receive reads the request and answers it. Without an error the client still
// waits for the command and it may begin.
func (s *Server) receive(ctx context.Context, conn *net.UnixConn, frames *frameReader, out *frameWriter) (Request, error) {
	if err := conn.SetDeadline(time.Now().Add(s.cfg.RequestTimeout)); err != nil {
		return Request{}, fmt.Errorf("set the time limit of a request: %w", err)
	}
	if err := checkPeer(conn, s.uid); err != nil {
		s.refuse(ctx, conn, reasonUser, err.Error())
		return Request{}, err
	}
	k, payload, err := frames.next()
	if err != nil {
		return Request{}, fmt.Errorf("read a request: %w", err)
	}
	if k != kindRequest {
		return Request{}, fmt.Errorf("%w: frame %q in place of a request", errProtocol, byte(k))
	}
	req, err := decodeRequest(payload)
	if err != nil {
		s.refuse(ctx, conn, reasonRequest, err.Error())
		return Request{}, err
	}
	if req.Version != s.cfg.Version {
		s.refuse(ctx, conn, reasonVersion, "it is funnelhouse "+s.cfg.Version)
		return Request{}, &VersionError{Client: req.Version, Server: s.cfg.Version, PID: os.Getpid()}
	}
	if ctx.Err() != nil {
		s.refuse(ctx, conn, reasonStopping, "it is stopping")
		return Request{}, errStopping
	}
	answer, err := json.Marshal(accepted{PID: os.Getpid(), Version: s.cfg.Version})
	if err != nil {
		return Request{}, err
	}
	if err := out.write(kindAccept, answer); err != nil {
		return Request{}, fmt.Errorf("accept a request: %w", err)
	}
	k, _, err = frames.next()
	if err != nil {
		return Request{}, fmt.Errorf("read the go of a request: %w", err)
	}
	if k != kindGo {
		return Request{}, fmt.Errorf("%w: frame %q in place of a go", errProtocol, byte(k))
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return Request{}, fmt.Errorf("lift the time limit of a request: %w", err)
	}
	return req, nil
}

// refuse tells the client why its command is not begun. A client that can't be
// told finds the connection closed.
func (s *Server) refuse(ctx context.Context, conn *net.UnixConn, reason, message string) {
	answer, err := json.Marshal(refused{PID: os.Getpid(), Version: s.cfg.Version, Reason: reason, Message: message})
	if err == nil {
		err = conn.SetDeadline(time.Now().Add(s.cfg.RequestTimeout))
	}
	if err == nil {
		err = newFrameWriter(conn).write(kindRefuse, answer)
	}
	if err != nil {
		s.log.DebugContext(ctx, "refusal not delivered", "reason", reason, "error", err)
	}
}

func (s *Server) closeConn(ctx context.Context, conn *net.UnixConn) {
	if err := conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		s.log.DebugContext(ctx, "control connection not closed", "error", err)
	}
}

// listen reads the client's frames until the connection ends, and returns why
// it ended. It never waits for the command: a cancel is always heard.
func listen(frames *frameReader, in *input, cancel context.CancelCauseFunc) error {
	for {
		k, payload, err := frames.next()
		if err != nil {
			return errors.Join(errGone, err)
		}
		switch k {
		case kindInput:
			err = in.deliver(payload, nil)
		case kindInputFail:
			err = in.deliver(nil, errors.New(string(payload)))
		case kindCancel:
			cancel(errCancelled)
		default:
			err = fmt.Errorf("%w: frame %q while a command runs", errProtocol, byte(k))
		}
		if err != nil {
			return err
		}
	}
}

// input is the standard input of a command. The command's goroutine owns rest
// and err; listen owns buf from a want until it has put a chunk into arrived.
type input struct {
	ctx     context.Context //nolint:containedctx // Read has no other way to end with the command
	want    func() error
	asked   atomic.Bool
	arrived chan chunk

	buf  [maxData]byte
	rest []byte
	err  error
}

type chunk struct {
	data []byte // empty without an error: end of input
	err  error
}

func newInput(ctx context.Context, want func() error) *input {
	return &input{ctx: ctx, want: want, arrived: make(chan chunk, 1)}
}

// Read asks the client for a chunk where none is left, and waits for it until
// the command's context ends.
func (in *input) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(in.rest) == 0 {
		if err := in.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, in.rest)
	in.rest = in.rest[n:]
	return n, nil
}

func (in *input) fill() error {
	if in.err != nil {
		return in.err
	}
	in.asked.Store(true)
	if in.err = in.want(); in.err != nil {
		return fmt.Errorf("ask the client for input: %w", in.err)
	}
	select {
	case c := <-in.arrived:
		in.rest, in.err = c.data, c.err
		if in.err == nil && len(in.rest) == 0 {
			in.err = io.EOF
		}
	case <-in.ctx.Done():
		in.err = context.Cause(in.ctx)
	}
	return in.err
}

// deliver takes what the client sent for the last want.
func (in *input) deliver(data []byte, err error) error {
	if !in.asked.CompareAndSwap(true, false) {
		return fmt.Errorf("%w: input that was not asked for", errProtocol)
	}
	n := copy(in.buf[:], data)
	in.arrived <- chunk{data: in.buf[:n], err: err}
	return nil
}
