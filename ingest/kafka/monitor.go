package kafka

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// awayEvery is how often a broker's absence is repeated in the log.
const awayEvery = 10 * time.Second

// monitor follows the connections to the brokers, so that an outage is told
// once at its begin, now and then while it lasts, and once at its end, however
// many connections and retries it takes. The client calls it from many
// goroutines.
type monitor struct {
	conn Connection
	log  *slog.Logger

	mu      sync.Mutex
	failed  map[string]failure // by broker address; absent: connected, or never tried
	last    string             // the address that failed last
	told    time.Time          // when an absence was logged last
	cut     map[string]int     // by address: how often in a row the broker cut us off amid authentication
	toldAny bool               // an absence was logged and its end was not
	// contacting: the first contact is awaited, whose own waits are the longer
	// ones and are told instead of the client's.
	contacting bool
}

type failure struct {
	since, last time.Time
	err         error
}

func newMonitor(conn Connection, log *slog.Logger) *monitor {
	return &monitor{conn: conn, log: log, failed: make(map[string]failure), cut: make(map[string]int)}
}

var (
	_ kgo.HookBrokerConnect = (*monitor)(nil)
	_ kgo.HookBrokerRead    = (*monitor)(nil)
)

// OnBrokerConnect is called by the client after every try to connect, with the
// error of the dial, the TLS handshake or the authentication.
func (m *monitor) OnBrokerConnect(meta kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err != nil {
		m.note(address(meta), err)
		return
	}
	m.back(address(meta))
}

// OnBrokerRead is called by the client after every answer. Brokers that close
// the connection instead of answering a wrong password are known by it.
func (m *monitor) OnBrokerRead(meta kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, err error) {
	if key != int16(kmsg.SASLAuthenticate) || !errors.Is(err, io.EOF) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cut[address(meta)]++
}

// cutOff reports whether the broker that failed last has closed the connection
// amid authentication, time and again: once may be a broker that stops.
func (m *monitor) cutOff() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cut[m.last] >= 2
}

func address(meta kgo.BrokerMetadata) string {
	return net.JoinHostPort(meta.Host, strconv.Itoa(int(meta.Port)))
}

func (m *monitor) note(addr string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, ok := m.failed[addr]
	if !ok {
		f.since = time.Now()
	}
	f.last, f.err = time.Now(), err
	m.failed[addr] = f
	m.last = addr
}

func (m *monitor) back(addr string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.cut, addr)
	f, ok := m.failed[addr]
	if !ok {
		return
	}
	delete(m.failed, addr)
	if len(m.failed) == 0 {
		m.last = ""
	}
	if m.toldAny {
		m.toldAny = len(m.failed) > 0
		m.log.Info("kafka broker is back", "broker", addr, "away", time.Since(f.since).Round(time.Millisecond))
	}
}

// backoff is the client's wait before a retry; it is called after a failure,
// which makes it the place to say when the next try comes.
func (m *monitor) backoff(fails int) time.Duration {
	wait := backoff(fails)
	m.mu.Lock()
	addr := m.last
	f, ok := m.failed[addr]
	ok = ok && !m.contacting
	m.mu.Unlock()
	// An older failure has nothing to do with this retry: the address may be one
	// of the first contact that nothing asks for any more.
	if ok && time.Since(f.last) < 2*maxBackoff {
		m.away(addr, f.err, wait)
	}
	return wait
}

// away logs that a broker can't be reached, at most once in awayEvery.
func (m *monitor) away(addr string, err error, next time.Duration) {
	m.mu.Lock()
	tell := m.told.IsZero() || time.Since(m.told) >= awayEvery
	if tell {
		m.told = time.Now()
		m.toldAny = true
	}
	m.mu.Unlock()
	if !tell {
		return
	}
	if kerr.IsRetriable(err) { // it was reached, but has no leader yet, or the like
		m.log.Warn("kafka is not ready, trying again", "error", err, "next_try_in", next)
		return
	}
	m.log.Warn("kafka broker can't be reached, trying again",
		"broker", addr, "error", err, "next_try_in", next, "advice", m.conn.advice(err))
}

// contact says whether the first contact is awaited.
func (m *monitor) contact(awaited bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.contacting = awaited
}

// lastFailed names the broker that failed last, or all of them.
func (m *monitor) lastFailed() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last != "" {
		return m.last
	}
	return strings.Join(m.conn.Brokers, ", ")
}

// clientLog passes the client's own messages on, for debugging alone: what
// matters in them we say ourselves.
type clientLog struct{ log *slog.Logger }

func (l *clientLog) Level() kgo.LogLevel { return kgo.LogLevelInfo }

func (l *clientLog) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	if level > l.Level() {
		return
	}
	l.log.Debug("kafka client", append([]any{"event", msg}, keyvals...)...)
}
