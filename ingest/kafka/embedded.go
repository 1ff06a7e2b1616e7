package kafka

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// lockName is the file in the broker's directory that its process holds locked.
const lockName = "broker.lock"

// EmbeddedConfig says where the embedded broker keeps its data.
type EmbeddedConfig struct {
	// Dir is its directory; it is made where it does not exist. No default.
	Dir string
	// Port is where it listens on 127.0.0.1. Default: any free one.
	Port int
	// Logger gets its warnings and errors. Default: discards.
	Logger *slog.Logger
}

// Embedded is a broker in this process, for the demo company and for tests: one
// node on 127.0.0.1, without replicas and without access control. It speaks
// Kafka's protocol, so any client can use it. Topics are made by whoever needs
// them, never by asking for them.
//
// Every record that was acknowledged has been written to its file: a process
// that is killed loses none of them. They are not fsynced one by one, so a
// crash of the operating system may lose the last ones, as with Kafka itself. A
// transaction that was open when the process was killed counts as aborted.
type Embedded struct {
	cluster *kfake.Cluster
	addr    string
	lock    *os.File
	log     *brokerLog

	once sync.Once
	err  error
}

// StartEmbedded starts the broker on its directory. A directory that another
// process uses is refused.
func StartEmbedded(cfg EmbeddedConfig) (*Embedded, error) {
	if cfg.Dir == "" {
		return nil, errors.New("embedded broker: no directory given")
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the embedded broker's directory: %w", err)
	}
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, err
	}
	logger := cfg.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	log := &brokerLog{log: logger}
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.Ports(cfg.Port),
		kfake.ClusterID("funnelhouse-embedded"),
		kfake.DataDir(cfg.Dir),
		kfake.BrokerConfigs(map[string]string{"message.max.bytes": "33554432"}),
		kfake.WithLogger(log),
	)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the embedded broker in %s on port %d: %w", cfg.Dir, cfg.Port, err), lock.Close())
	}
	listAborted(cluster)
	return &Embedded{cluster: cluster, addr: cluster.ListenAddrs()[0], lock: lock, log: log}, nil
}

// listAborted mends an answer of the broker: a fetch that it cuts off at the
// limit for the whole request lacks the list of aborted transactions of the
// partition that was cut, whose records would be taken for committed ones. With
// the limits of the partitions alone nothing is cut like that.
func listAborted(c *kfake.Cluster) {
	c.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if fetch, ok := r.(*kmsg.FetchRequest); ok {
			fetch.MaxBytes = math.MaxInt32
		}
		return nil, nil, false
	})
}

// Addr is where it listens, host:port.
func (e *Embedded) Addr() string { return e.addr }

// Close stops the broker and waits until all is on disk. What could not be
// written is an error.
func (e *Embedded) Close() error {
	e.once.Do(func() {
		e.log.watch()
		e.cluster.Close()
		e.err = errors.Join(e.log.failures(), unlockFile(e.lock), e.lock.Close())
	})
	return e.err
}

// lockDir takes the directory for this process. The lock ends with the
// process, however that ends.
func lockDir(dir string) (*os.File, error) {
	path := filepath.Join(dir, lockName)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the embedded broker's lock: %w", err)
	}
	if err := lockFile(f); err != nil {
		holder, _ := os.ReadFile(path) // the number only makes the message better
		err = fmt.Errorf("the embedded broker's directory %s is in use by process %s: stop it, or use its address: %w",
			dir, strings.TrimSpace(string(holder)), err)
		return nil, errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Truncate(0), writePID(f)); err != nil {
		return nil, errors.Join(fmt.Errorf("write the embedded broker's lock: %w", err), f.Close())
	}
	return f, nil
}

func writePID(f *os.File) error {
	_, err := f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	return err
}

// brokerLog passes the broker's warnings and errors on, and keeps those that
// come while it closes: there they are the only sign that something was not saved.
type brokerLog struct {
	log *slog.Logger

	mu      sync.Mutex
	closing bool
	errs    []error
}

// Logf is called by the broker.
func (l *brokerLog) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		l.log.Error("embedded broker", "event", fmt.Sprintf(format, args...))
	case kfake.LogLevelWarn:
		l.log.Warn("embedded broker", "event", fmt.Sprintf(format, args...))
	case kfake.LogLevelNone, kfake.LogLevelInfo, kfake.LogLevelDebug:
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing && level == kfake.LogLevelError {
		l.errs = append(l.errs, fmt.Errorf("close the embedded broker: %s", fmt.Sprintf(format, args...)))
	}
}

func (l *brokerLog) watch() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closing = true
}

func (l *brokerLog) failures() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.errs...)
}
