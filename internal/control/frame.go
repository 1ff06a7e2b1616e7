//go:build unix

package control

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

const (
	headerSize = 5
	maxData    = 32 << 10
	maxRequest = 1 << 20
	maxReply   = 4 << 10
)

// errProtocol says that the other side does not speak this protocol.
var errProtocol = errors.New("not the control protocol")

type kind byte

const (
	kindRequest   kind = 'R'
	kindAccept    kind = 'A'
	kindRefuse    kind = 'N'
	kindGo        kind = 'G'
	kindWant      kind = 'W'
	kindInput     kind = 'I'
	kindInputFail kind = 'F'
	kindCancel    kind = 'C'
	kindStdout    kind = 'O'
	kindStderr    kind = 'E'
	kindExit      kind = 'X'
)

// limit is the longest payload of the kind; -1 for an unknown kind.
func (k kind) limit() int {
	switch k {
	case kindRequest:
		return maxRequest
	case kindAccept, kindRefuse, kindInputFail:
		return maxReply
	case kindInput, kindStdout, kindStderr:
		return maxData
	case kindGo, kindWant, kindCancel:
		return 0
	case kindExit:
		return 4
	default:
		return -1
	}
}

// frameReader reads frames; one goroutine owns it.
type frameReader struct {
	r      io.Reader
	header [headerSize]byte
	buf    []byte
}

func newFrameReader(r io.Reader) *frameReader { return &frameReader{r: r} }

// next returns the next frame. The payload is valid until the next call. It
// returns io.EOF only between two frames.
func (f *frameReader) next() (kind, []byte, error) {
	if _, err := io.ReadFull(f.r, f.header[:]); err != nil {
		return 0, nil, err
	}
	k := kind(f.header[0])
	length := binary.BigEndian.Uint32(f.header[1:])
	limit := k.limit()
	if limit < 0 {
		return 0, nil, fmt.Errorf("%w: frame of kind %q", errProtocol, byte(k))
	}
	if uint64(length) > uint64(limit) {
		return 0, nil, fmt.Errorf("%w: frame %q of %d bytes, at most %d allowed", errProtocol, byte(k), length, limit)
	}
	if int(length) > cap(f.buf) {
		f.buf = make([]byte, length)
	}
	payload := f.buf[:length]
	if _, err := io.ReadFull(f.r, payload); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return 0, nil, err
	}
	return k, payload, nil
}

// frameWriter writes whole frames from several goroutines.
type frameWriter struct {
	mu  sync.Mutex // guards w and buf, so that frames never mix
	w   io.Writer
	buf []byte
}

func newFrameWriter(w io.Writer) *frameWriter { return &frameWriter{w: w} }

func (f *frameWriter) write(k kind, payload []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(payload) > k.limit() {
		return fmt.Errorf("frame %q of %d bytes, at most %d allowed", byte(k), len(payload), k.limit())
	}
	f.buf = append(f.buf[:0], byte(k))
	f.buf = binary.BigEndian.AppendUint32(f.buf, uint32(len(payload)))
	f.buf = append(f.buf, payload...)
	_, err := f.w.Write(f.buf)
	return err
}

// stream is one output of a command: an io.Writer that makes frames.
type stream struct {
	kind   kind
	frames *frameWriter

	mu     sync.Mutex // guards closed, and keeps a frame from following the exit code
	closed bool
}

// Write sends p in frames and waits until the connection has taken them.
func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, io.ErrClosedPipe
	}
	written := 0
	for len(p) > 0 {
		chunk := p[:min(len(p), maxData)]
		if err := s.frames.write(s.kind, chunk); err != nil {
			return written, fmt.Errorf("send output to the client: %w", err)
		}
		written += len(chunk)
		p = p[len(chunk):]
	}
	return written, nil
}

// close ends the stream. A write that a command left behind in a goroutine of
// its own ends here, instead of following the exit code.
func (s *stream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}
