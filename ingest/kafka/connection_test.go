package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/funnelhouse/funnelhouse/internal/certtest"
)

func TestTLS(t *testing.T) {
	t.Parallel()
	ca, other := certtest.New(t), certtest.New(t)
	_, _, loopback := ca.Sign(t, "127.0.0.1")
	_, _, named := ca.Sign(t, "kafka.example.com")
	certFile, keyFile, _ := ca.Sign(t, "funnelhouse")
	pool := x509.NewCertPool()
	pool.AddCert(ca.Cert)
	server := func(pair tls.Certificate) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{pair}} }
	mutual := server(loopback)
	mutual.ClientAuth, mutual.ClientCAs = tls.RequireAndVerifyClientCert, pool

	tests := []struct {
		name   string
		broker *tls.Config
		client *TLS
		want   string // in the error; empty: it works
	}{
		{"trusted", server(loopback), &TLS{CAFile: ca.File}, ""},
		{"server name given", server(named), &TLS{CAFile: ca.File, ServerName: "kafka.example.com"}, ""},
		{"client certificate", mutual, &TLS{CAFile: ca.File, CertFile: certFile, KeyFile: keyFile}, ""},
		{"another authority", server(loopback), &TLS{CAFile: other.File}, "isn't trusted"},
		{"another name", server(named), &TLS{CAFile: ca.File}, "kafka.tls.server_name"},
		{"client certificate missing", mutual, &TLS{CAFile: ca.File}, "kafka.tls.cert_file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := cluster(t, kfake.SeedTopics(1, "crm"), kfake.TLS(tt.broker))
			cfg := config(c.ListenAddrs(), source("crm", "crm"))
			cfg.Connection.TLS = tt.client
			firstRead(t, cfg, tt.want)
		})
	}
}

// Something else listens where the broker is looked for.
func TestNotTheBroker(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer string
		client *TLS
		want   string // in the error, or in the log where it is worth another try
		logged bool
	}{
		{"no TLS", "HTTP/1.1 400 Bad Request\r\n\r\n", &TLS{}, "doesn't speak TLS", false},
		{"TLS expected", "\x15\x03\x01\x00\x02\x02\x50", nil, "expects TLS on this port", false},
		{"closed at once", "", nil, "closed the connection at once", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
			go answerAll(l, tt.answer)
			cfg := config([]string{l.Addr().String()}, source("crm", "crm"))
			cfg.Connection.TLS = tt.client
			if !tt.logged {
				firstRead(t, cfg, tt.want)
				return
			}
			var log logged
			cfg.Connection.Logger = log.logger()
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if _, err := reader(t, cfg).Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want the context's error", err)
			}
			if len(log.lines(tt.want)) != 1 {
				t.Errorf("logged %q, want one line that says %q", log.lines(""), tt.want)
			}
		})
	}
}

func answerAll(l net.Listener, answer string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = c.Read(make([]byte, 1024)) // what is left unread would reset the connection
		_, _ = c.Write([]byte(answer))
		_ = c.Close()
	}
}

// firstRead reads once, and holds the outcome against what is wanted in the
// error; a refusal must come at once, not after a wait for better times.
func firstRead(t *testing.T, cfg ReaderConfig, want string) {
	t.Helper()
	var log logged
	cfg.Connection.Logger = log.logger()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, err := reader(t, cfg).Read(ctx)
	if want == "" {
		if err != nil {
			t.Errorf("read: %v", err)
		}
		return
	}
	if err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v, want an error that says %q; logged: %q", err, want, log.lines(""))
	}
	if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), cfg.Connection.Brokers[0]) {
		t.Errorf("error %q lacks %q or the broker %s", err, want, cfg.Connection.Brokers[0])
	}
}

func TestSASL(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "crm"), kfake.EnableSASL(),
		kfake.Superuser(Plain, "u", "right"), kfake.Superuser(ScramSHA256, "u", "right"), kfake.Superuser(ScramSHA512, "u", "right"))
	for _, mechanism := range []string{Plain, ScramSHA256, ScramSHA512} {
		t.Run(mechanism, func(t *testing.T) {
			t.Parallel()
			cfg := config(c.ListenAddrs(), source("crm", "crm"))
			cfg.Connection.SASL = &SASL{Mechanism: mechanism, Username: "u", Password: "right"}
			firstRead(t, cfg, "")
			cfg.Connection.SASL = &SASL{Mechanism: mechanism, Username: "u", Password: "wrong"}
			firstRead(t, cfg, `refused user "u" or its password (`+mechanism+`)`)
			if p, err := NewProducer(cfg.Connection); err != nil {
				t.Error(err)
			} else {
				if err := p.Produce(t.Context(), "crm", []Message{{}}); err == nil || !strings.Contains(err.Error(), "refused user") {
					t.Errorf("produce with a wrong password: %v", err)
				}
				if err := p.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	t.Run("mechanism that the broker lacks", func(t *testing.T) {
		t.Parallel()
		only := cluster(t, kfake.SeedTopics(1, "crm"), kfake.EnableSASL(), kfake.Superuser(Plain, "u", "right"))
		cfg := config(only.ListenAddrs(), source("crm", "crm"))
		cfg.Connection.SASL = &SASL{Mechanism: ScramSHA512, Username: "u", Password: "right"}
		firstRead(t, cfg, "SCRAM-SHA-512")
	})
}

// A password that is refused later, as while it is being changed, is waited out.
func TestSASLRefusedLater(t *testing.T) {
	t.Parallel()
	start := func(port int, password string) *kfake.Cluster {
		return cluster(t, kfake.Ports(port), kfake.SeedTopics(1, "crm"), kfake.EnableSASL(), kfake.Superuser(Plain, "u", password))
	}
	c := start(0, "right")
	addr, port := c.ListenAddrs()[0], portOf(t, c.ListenAddrs()[0])
	var log logged
	cfg := config([]string{addr}, source("crm", "crm"))
	cfg.Connection.SASL = &SASL{Mechanism: Plain, Username: "u", Password: "right"}
	cfg.Connection.Logger = log.logger()
	g := gather(t, reader(t, cfg))
	g.untilCaughtUp()
	c.Close()
	c = start(port, "another")
	g.until("the log line", func() bool { return len(log.lines("can't be reached")) > 0 })
	c.Close()
	c = start(port, "right") // its topic is a new one
	w := client(t, c.ListenAddrs(), kgo.SASL(plain.Auth{User: "u", Pass: "right"}.AsMechanism()))
	if err := w.ProduceSync(t.Context(), &kgo.Record{Topic: "crm", Value: []byte("v")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	g.untilCount(part("crm", 1, 0), 1)
}

func TestConnectionRefuses(t *testing.T) {
	t.Parallel()
	ca := certtest.New(t)
	certFile, _, _ := ca.Sign(t, "funnelhouse")
	empty := filepath.Join(t.TempDir(), "empty.pem")
	writeFile(t, empty, "no certificate")
	tests := []struct {
		name string
		conn Connection
		want string
	}{
		{"no ca file", Connection{TLS: &TLS{CAFile: "missing.pem"}}, "kafka.tls.ca_file"},
		{"no certificate in it", Connection{TLS: &TLS{CAFile: empty}}, "no certificate in PEM"},
		{"certificate without key", Connection{TLS: &TLS{CertFile: certFile}}, "go together"},
		{"key that is none", Connection{TLS: &TLS{CertFile: certFile, KeyFile: empty}}, "key_file"},
		{"mechanism", Connection{SASL: &SASL{Mechanism: "GSSAPI", Username: "u", Password: "p"}}, "SCRAM-SHA-512"},
		{"password missing", Connection{SASL: &SASL{Mechanism: Plain, Username: "u"}}, "both needed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.conn.Brokers = []string{"127.0.0.1:1"}
			_, err := NewProducer(tt.conn)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want it to say %q", err, tt.want)
			}
		})
	}
}

func writeFile(t testing.TB, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A long outage of two brokers with many retries is told about once in ten
// seconds, and its end once for each.
func TestMonitor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log logged
		m := newMonitor(Connection{}, log.logger())
		a, b := kgo.BrokerMetadata{Host: "kafka-1", Port: 9092}, kgo.BrokerMetadata{Host: "kafka-2", Port: 9092}
		m.OnBrokerConnect(a, 0, nil, nil)
		equal(t, "wait without an outage", m.backoff(1), 200*time.Millisecond)
		refusal := errors.New("connection refused")
		for range 120 { // a minute
			m.OnBrokerConnect(a, 0, nil, refusal)
			m.OnBrokerConnect(b, 0, nil, refusal)
			m.backoff(9)
			if err := sleep(t.Context(), 500*time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(log.lines("can't be reached")); n < 6 || n > 7 {
			t.Errorf("%d lines in a minute, want one in ten seconds", n)
		}
		m.OnBrokerConnect(a, 0, nil, nil)
		m.OnBrokerConnect(b, 0, nil, nil)
		m.OnBrokerConnect(b, 0, nil, nil)
		back := log.lines("is back")
		if len(back) != 2 || !strings.Contains(back[0], "kafka-1:9092") || !strings.Contains(back[0], "away=1m0s") {
			t.Errorf("got %q", back)
		}
	})
}

// While the first contact is awaited, the next try comes when the log says.
func TestContactTellsItsWait(t *testing.T) {
	t.Parallel()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		var log logged
		s, err := newSession(Connection{Brokers: []string{addr}, Logger: log.logger()})
		if err != nil {
			t.Fatal(err)
		}
		defer s.client.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
		defer cancel()
		if err := s.contact(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("contact says %v", err)
		}
		lines := log.lines("can't be reached")
		if len(lines) < 2 || !strings.Contains(lines[0], "next_try_in=200ms") || !strings.Contains(lines[len(lines)-1], "next_try_in=5s") {
			t.Errorf("got %q, want a first wait of 200 ms and a last of 5 s", lines)
		}
	})
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	last := time.Duration(0)
	for fails := range 100 {
		d := backoff(fails)
		if d < last || d <= 0 || d > maxBackoff {
			t.Fatalf("after %d failures: %v", fails, d)
		}
		last = d
	}
	equal(t, "longest", last, maxBackoff)
}
