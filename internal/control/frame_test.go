//go:build unix

package control

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"
)

func frame(k kind, payload string) []byte {
	head := binary.BigEndian.AppendUint32([]byte{byte(k)}, uint32(len(payload)))
	return append(head, payload...)
}

func FuzzFrameReader(f *testing.F) {
	f.Add(frame(kindStdout, "hello"))
	f.Add(slices.Concat(frame(kindRequest, `{"dir":"Lw=="}`), frame(kindGo, ""), frame(kindInput, "x"), frame(kindExit, "\x00\x00\x00\x07")))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add([]byte{'O', 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{'O', 0, 0, 0, 9, 'x'})
	f.Fuzz(func(t *testing.T, data []byte) {
		frames := newFrameReader(bytes.NewReader(data))
		var again bytes.Buffer
		writer := newFrameWriter(&again)
		for {
			k, payload, err := frames.next()
			if err != nil {
				checkEnd(t, data, again.Len(), err)
				break
			}
			if len(payload) > k.limit() {
				t.Fatalf("frame %q of %d bytes", byte(k), len(payload))
			}
			if err := writer.write(k, payload); err != nil {
				t.Fatal(err)
			}
		}
		if cap(frames.buf) > maxRequest {
			t.Errorf("a buffer of %d bytes", cap(frames.buf))
		}
		if !bytes.HasPrefix(data, again.Bytes()) {
			t.Errorf("read %q, written again %q", data, again.Bytes())
		}
	})
}

// checkEnd holds why reading ended against what was left unread.
func checkEnd(t *testing.T, data []byte, read int, err error) {
	t.Helper()
	left := len(data) - read
	switch {
	case errors.Is(err, errProtocol):
		if left < headerSize {
			t.Errorf("%v after %d of %d bytes", err, read, len(data))
		}
	case err == io.EOF: //nolint:errorlint // the reader promises the value itself
		if left != 0 {
			t.Errorf("a clean end with %d bytes left", left)
		}
	case errors.Is(err, io.ErrUnexpectedEOF):
		if left == 0 {
			t.Error("a torn frame where none began")
		}
	default:
		t.Errorf("unexpected: %v", err)
	}
}

func FuzzDecodeRequest(f *testing.F) {
	good, err := encodeRequest(Request{Command: "echo", Args: []string{"echo", "\xff"}, Dir: "/", Width: 80, Version: "v1"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"args":[null],"dir":"Lw==","width":-5}`))
	f.Add([]byte(`{"dir":"aGVyZQ=="}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		req, err := decodeRequest(payload)
		if err != nil {
			if !errors.Is(err, errProtocol) {
				t.Errorf("unexpected: %v", err)
			}
			return
		}
		if req.Width < 0 || req.Dir == "" {
			t.Errorf("accepted %+v", req)
		}
	})
}

// TestHostileClients proves that the server ends what it doesn't understand,
// and goes on serving others.
func TestHostileClients(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	startServer(t, dir, ServerConfig{RequestTimeout: 200 * time.Millisecond}, testCommands)
	req := request("hold")
	req.Version = testVersion
	payload, err := encodeRequest(req)
	if err != nil {
		t.Fatal(err)
	}
	hold := append(frame(kindRequest, string(payload)), frame(kindGo, "")...)

	tests := map[string][]byte{
		"silence":                  nil,
		"garbage":                  []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
		"huge length":              {'R', 0xff, 0xff, 0xff, 0xff},
		"torn frame":               {'R', 0, 0, 0, 9, '{'},
		"not a request":            frame(kindGo, ""),
		"not JSON":                 frame(kindRequest, "hello"),
		"accepted and never goes":  frame(kindRequest, string(payload)),
		"input not asked for":      append(slices.Clone(hold), frame(kindInput, "x")...),
		"server's frame":           append(slices.Clone(hold), frame(kindExit, "\x00\x00\x00\x00")...),
		"garbage after a good one": append(slices.Clone(hold), "\x00\x00\x00\x00\x00\x00"...),
	}
	for name, sent := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := connect(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Write(sent); err != nil {
				t.Fatal(err)
			}
			_, err = io.Copy(io.Discard, conn)
			if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
				t.Fatal("the server let the connection stand")
			}
			if exit, _, _, err := run(t, dir, request("exit", "4"), nil); err != nil || exit != 4 {
				t.Errorf("another client: exit %d, %v", exit, err)
			}
		})
	}
}

// TestHostileServers proves the same of the client.
func TestHostileServers(t *testing.T) {
	t.Parallel()
	accept := frame(kindAccept, `{"pid":1,"version":"v1.2.3"}`)
	tests := map[string]struct {
		sent []byte
		want error
	}{
		"garbage":          {[]byte("HTTP/1.1 400 Bad Request\r\n\r\n"), errProtocol},
		"huge length":      {[]byte{'A', 0xff, 0xff, 0xff, 0xff}, errProtocol},
		"answer not JSON":  {frame(kindAccept, "yes"), errProtocol},
		"refusal not JSON": {frame(kindRefuse, "no"), errProtocol},
		"client's frame":   {frame(kindGo, ""), errProtocol},
		"ends unanswered":  {nil, ErrNotServing},
		"ends accepted":    {accept, ErrLost},
		"ends torn":        {append(slices.Clone(accept), 'O', 0, 0, 0, 9, 'x'), ErrLost},
		"short exit code":  {append(slices.Clone(accept), frame(kindExit, "\x00")...), errProtocol},
		"long exit code":   {append(slices.Clone(accept), frame(kindExit, "\x00\x00\x00\x00\x00")...), errProtocol},
		"input back":       {append(slices.Clone(accept), frame(kindInput, "x")...), errProtocol},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			lock, lis := listening(t, dir, "serve")
			served := make(chan error, 1)
			go func() { served <- sendOnce(lis, test.sent) }()
			_, _, _, err := run(t, dir, request("x"), nil)
			if !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
			if err := <-served; err != nil {
				t.Error(err)
			}
			if err := errors.Join(lis.Close(), lock.Close()); err != nil {
				t.Error(err)
			}
		})
	}
}

// sendOnce accepts one connection, reads its request, sends and closes.
func sendOnce(lis *Listener, sent []byte) error {
	conn, err := lis.inner.AcceptUnix()
	if err != nil {
		return err
	}
	frames := newFrameReader(conn)
	if _, _, err := frames.next(); err != nil {
		return err
	}
	if _, err := conn.Write(sent); err != nil {
		return err
	}
	if len(sent) > 0 && sent[0] == byte(kindAccept) {
		// The client may end here where it doesn't like the answer.
		_, _, _ = frames.next()
	}
	return conn.Close()
}

// TestNothingRunsWithoutGo covers a client that gives up just as the server
// accepts: it tells its user that nothing has run.
func TestNothingRunsWithoutGo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lock, lis := listening(t, dir, "serve")
	ran := false
	server, err := NewServer(ServerConfig{Version: testVersion}, func(context.Context, Request, io.Reader, io.Writer, io.Writer) int {
		ran = true
		return 0
	}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- server.Run(t.Context(), lis) }()

	conn, err := connect(dir)
	if err != nil {
		t.Fatal(err)
	}
	req := request("x")
	req.Version = testVersion
	payload, err := encodeRequest(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := newFrameWriter(conn).write(kindRequest, payload); err != nil {
		t.Fatal(err)
	}
	if k, _, err := newFrameReader(conn).next(); err != nil || k != kindAccept {
		t.Fatalf("frame %q, %v, want accepted", byte(k), err)
	}
	if err := errors.Join(conn.Close(), lis.Close(), <-done, lock.Close()); err != nil {
		t.Fatal(err)
	}
	if ran {
		t.Error("the command ran")
	}
}
