// Package kafka reads records from Kafka topics, writes them there, and runs
// the embedded broker of the demo company and of tests. It is the only package
// that imports the Kafka client.
//
// The reader assigns partitions directly and takes its place from the caller:
// Kafka's own committed offsets are never read, so exactly once rests on the
// offsets that the caller stores together with the records.
package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// The SASL mechanisms.
const (
	Plain       = "PLAIN"
	ScramSHA256 = "SCRAM-SHA-256"
	ScramSHA512 = "SCRAM-SHA-512"
)

const (
	dialTimeout = 10 * time.Second
	// requestTimeout bounds one of our own requests with all its retries, so
	// that a call that can't get through comes back and is reported.
	requestTimeout = 15 * time.Second
	maxBackoff     = 5 * time.Second
)

// Connection says how to reach the brokers.
type Connection struct {
	// Brokers are host:port pairs; one that answers is enough to find the
	// others. No default.
	Brokers []string
	// TLS encrypts the connection. Default: none.
	TLS *TLS
	// SASL authenticates us. Default: none.
	SASL *SASL
	// ClientID names us in the brokers' logs and quotas. Default: funnelhouse.
	ClientID string
	// Logger says when a broker is away and when it is back. Default: discards.
	Logger *slog.Logger
}

// TLS is how the connection is encrypted. The zero value trusts the system's
// certificate authorities.
type TLS struct {
	// CAFile holds the certificates, in PEM, of the authorities trusted to
	// sign a broker's certificate. Default: the system's.
	CAFile string
	// CertFile and KeyFile hold our own certificate and its key, in PEM, where
	// brokers ask for one. Default: none.
	CertFile, KeyFile string
	// ServerName is the name expected in a broker's certificate. Default: the
	// host of its address.
	ServerName string
}

// SASL is how we authenticate.
type SASL struct {
	Mechanism string // PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512. No default.
	Username  string // No default.
	Password  string // No default.
}

func (c Connection) logger() *slog.Logger {
	if c.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Logger
}

// Check proves what is written here and the files that it names, without a broker.
func (c Connection) Check() error {
	_, err := c.options(newMonitor(c, c.logger()))
	return err
}

func (c Connection) options(m *monitor) ([]kgo.Opt, error) {
	if len(c.Brokers) == 0 {
		return nil, errors.New("kafka: no brokers given: set kafka.brokers")
	}
	clientID := c.ClientID
	if clientID == "" {
		clientID = "funnelhouse"
	}
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID(clientID),
		kgo.WithHooks(m),
		kgo.RetryBackoffFn(m.backoff),
		kgo.RetryTimeout(requestTimeout),
		// Fetching and producing are retried without end; our own requests come
		// back soon, since reading waits for them.
		kgo.RequestRetries(3),
		kgo.DialTimeout(dialTimeout),
		// Leaders that moved are found again within a second.
		kgo.MetadataMinAge(time.Second),
	}
	if c.TLS != nil {
		tc, err := c.TLS.config()
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.DialTLSConfig(tc))
	}
	if c.SASL != nil {
		mech, err := c.SASL.mechanism()
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.SASL(mech))
	}
	return opts, nil
}

func (t *TLS) config() (*tls.Config, error) {
	tc := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read kafka.tls.ca_file: %w; name a file of certificates in PEM", err)
		}
		tc.RootCAs = x509.NewCertPool()
		if !tc.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read kafka.tls.ca_file %s: it holds no certificate in PEM; name a file of some", t.CAFile)
		}
	}
	if (t.CertFile == "") != (t.KeyFile == "") {
		return nil, errors.New("kafka.tls: cert_file and key_file go together; one of them is missing")
	}
	if t.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("read kafka.tls.cert_file %s and key_file %s: %w; name files in PEM", t.CertFile, t.KeyFile, err)
		}
		tc.Certificates = []tls.Certificate{cert}
	}
	return tc, nil
}

func (s *SASL) mechanism() (sasl.Mechanism, error) {
	if s.Username == "" || s.Password == "" {
		return nil, errors.New("kafka.sasl: username and password are both needed")
	}
	switch s.Mechanism {
	case Plain:
		return plain.Auth{User: s.Username, Pass: s.Password}.AsMechanism(), nil
	case ScramSHA256:
		return scram.Auth{User: s.Username, Pass: s.Password}.AsSha256Mechanism(), nil
	case ScramSHA512:
		return scram.Auth{User: s.Username, Pass: s.Password}.AsSha512Mechanism(), nil
	default:
		return nil, fmt.Errorf("kafka.sasl: mechanism %q is not known: use %s, %s or %s", s.Mechanism, Plain, ScramSHA256, ScramSHA512)
	}
}

// session is one client with the first contact made.
type session struct {
	conn   Connection
	log    *slog.Logger
	mon    *monitor
	client *kgo.Client
}

func newSession(conn Connection, extra ...kgo.Opt) (*session, error) {
	log := conn.logger()
	s := &session{conn: conn, log: log, mon: newMonitor(conn, log)}
	var err error
	s.client, err = s.another(extra...)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// another is one more client of the same connection and monitor.
func (s *session) another(extra ...kgo.Opt) (*kgo.Client, error) {
	opts, err := s.conn.options(s.mon)
	if err != nil {
		return nil, err
	}
	opts = append(opts, kgo.WithLogger(&clientLog{log: s.log}))
	client, err := kgo.NewClient(append(opts, extra...)...)
	if err != nil {
		return nil, fmt.Errorf("set up kafka client for %s: %w", strings.Join(s.conn.Brokers, ", "), err)
	}
	return client, nil
}

// contact waits for the first answer of a broker. A broker that is away is
// awaited until ctx is done; a refusal that waiting can't change (wrong
// password, untrusted certificate) comes back as an error.
func (s *session) contact(ctx context.Context) error {
	s.mon.contact(true)
	defer s.mon.contact(false)
	for fails := 1; ; fails++ {
		_, err := s.client.Request(ctx, &kmsg.MetadataRequest{Topics: []kmsg.MetadataRequestTopic{}})
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, kgo.ErrClientClosed) {
			return fmt.Errorf("connect to kafka: %w", err)
		}
		if s.mon.cutOff() {
			err = fmt.Errorf("%w: %w", kerr.SaslAuthenticationFailed, err)
		}
		if refused(err) {
			return fmt.Errorf("connect to kafka broker %s: %s: %w", s.mon.lastFailed(), s.conn.advice(err), err)
		}
		wait := backoff(fails)
		s.mon.away(s.mon.lastFailed(), err, wait)
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// refused reports whether a broker, or we, turned the connection down for a
// reason that another try doesn't change.
func refused(err error) bool {
	var (
		record    tls.RecordHeaderError
		untrusted *tls.CertificateVerificationError
		op        *net.OpError
	)
	switch {
	case errors.Is(err, kerr.SaslAuthenticationFailed),
		errors.Is(err, kerr.UnsupportedSaslMechanism),
		errors.Is(err, kerr.IllegalSaslState),
		errors.Is(err, kerr.ClusterAuthorizationFailed),
		errors.As(err, &untrusted),
		errors.As(err, &record):
		return true
	case errors.As(err, &op):
		return op.Op == "remote error" // a TLS alert, the broker's refusal of our certificate or version
	default:
		return plaintextToTLS(err)
	}
}

// plaintextToTLS recognizes a broker that answers our plain request with a TLS
// alert; the client has no error type of its own for it.
func plaintextToTLS(err error) bool {
	return strings.Contains(err.Error(), "tls alert record")
}

// advice says what to look at next.
func (c Connection) advice(err error) string {
	var (
		record    tls.RecordHeaderError
		untrusted *tls.CertificateVerificationError
		hostname  x509.HostnameError
		op        *net.OpError
		eof       *kgo.ErrFirstReadEOF
		dns       *net.DNSError
	)
	switch {
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		return fmt.Sprintf("the broker refused user %q or its password (%s): check kafka.sasl", c.user(), c.mechanism())
	case errors.Is(err, kerr.UnsupportedSaslMechanism), errors.Is(err, kerr.IllegalSaslState):
		return fmt.Sprintf("the broker doesn't take SASL mechanism %s: check kafka.sasl.mechanism", c.mechanism())
	case errors.Is(err, kerr.ClusterAuthorizationFailed):
		return fmt.Sprintf("user %q may not use this cluster: ask for the rights to describe and read", c.user())
	case errors.As(err, &hostname):
		return "the broker's certificate is for another name: check kafka.brokers or set kafka.tls.server_name"
	case errors.As(err, &untrusted):
		return "the broker's certificate isn't trusted: check kafka.tls.ca_file and the certificate's dates"
	case errors.As(err, &record):
		return "the broker doesn't speak TLS on this port: check the port, or leave kafka.tls out"
	case plaintextToTLS(err):
		return "the broker expects TLS on this port: set kafka.tls, or use its plain port"
	case errors.As(err, &dns):
		return "the host's name can't be resolved: check kafka.brokers and the DNS"
	case errors.As(err, &op) && op.Op == "remote error":
		return "the broker broke off the TLS handshake: check kafka.tls.cert_file and key_file"
	case errors.As(err, &eof):
		return "the broker closed the connection at once: check whether it expects TLS or SASL (kafka.tls, kafka.sasl)"
	default:
		return "check that the broker runs and that kafka.brokers is right"
	}
}

func (c Connection) user() string {
	if c.SASL == nil {
		return "ANONYMOUS"
	}
	return c.SASL.Username
}

func (c Connection) mechanism() string {
	if c.SASL == nil {
		return "none"
	}
	return c.SASL.Mechanism
}

// backoff is the wait before try number fails+1.
func backoff(fails int) time.Duration {
	if fails > 5 {
		return maxBackoff
	}
	return min(maxBackoff, 100*time.Millisecond<<max(0, fails))
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
