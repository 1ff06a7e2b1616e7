// Package smtptest runs a mail server on a socket for tests, which fails where
// it is told to.
package smtptest

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/funnelhouse/funnelhouse/internal/certtest"
)

// Answers that are none: Cut closes the connection, Hang is silent until the
// test ends.
const (
	Cut  = "CUT"
	Hang = "HANG"
)

// Password is the one that a user logs in with.
const Password = "geheim"

// Config is how a server behaves.
type Config struct {
	Implicit   bool   // TLS from the first byte
	NoStartTLS bool   // no STARTTLS offered
	User       string // must log in. Default: nobody has to
	Mechanisms string // ways to log in. Default: PLAIN LOGIN
}

// Server is a mail server on 127.0.0.1.
type Server struct {
	Authority *certtest.Authority // signed its certificate
	Port      int

	cfg      Config
	pair     tls.Certificate
	listener net.Listener
	ended    chan struct{} // closed when the test ends

	mu      sync.Mutex
	answers map[string][]string
	mails   []Mail
}

// Mail is a mail that the server has, or was given to the end and refused to
// confirm.
type Mail struct {
	From, To  string // as they stood in MAIL and RCPT
	Data      string
	Encrypted bool
	User      string
}

// New starts a server. It ends with the test.
func New(t testing.TB, cfg Config) *Server {
	t.Helper()
	if cfg.Mechanisms == "" {
		cfg.Mechanisms = "PLAIN LOGIN"
	}
	s := &Server{Authority: certtest.New(t), cfg: cfg, answers: map[string][]string{}, ended: make(chan struct{})}
	_, _, s.pair = s.Authority.Sign(t, "127.0.0.1")
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatalf("%v is no TCP address", listener.Addr())
	}
	s.Port, s.listener = address.Port, listener
	if cfg.Implicit {
		s.listener = tls.NewListener(listener, s.tls())
	}
	var sessions sync.WaitGroup
	sessions.Go(func() { s.accept(&sessions) })
	t.Cleanup(func() {
		close(s.ended)
		if err := s.listener.Close(); err != nil {
			t.Error(err)
		}
		sessions.Wait()
	})
	return s
}

func (s *Server) accept(sessions *sync.WaitGroup) {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		sessions.Go(func() {
			v := &session{server: s, conn: conn, in: bufio.NewReader(conn), encrypted: s.cfg.Implicit}
			v.run()
			_ = v.conn.Close()
		})
	}
}

func (s *Server) tls() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{s.pair}, MinVersion: tls.VersionTLS12}
}

// Then sets what a command is answered the next times; "" is the usual. GREETING
// is the server's first word, HALF what happens within a mail's text, BODY the
// answer to its end.
func (s *Server) Then(command string, answers ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[command] = append(s.answers[command], answers...)
}

// Received lists the mails in the order in which they came.
func (s *Server) Received() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

func (s *Server) next(command, usual string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.answers[command]
	if len(list) == 0 {
		return usual
	}
	s.answers[command] = list[1:]
	if list[0] == "" {
		return usual
	}
	return list[0]
}

// session is one connection.
type session struct {
	server    *Server
	conn      net.Conn
	in        *bufio.Reader
	encrypted bool
	user      string
	mail      Mail
}

var errOver = errors.New("the connection is over")

// say answers a command.
func (s *session) say(command, usual string) error { return s.write(s.server.next(command, usual)) }

func (s *session) write(answer string) error {
	switch answer {
	case Cut:
		return errOver
	case Hang:
		<-s.server.ended
		return errOver
	}
	_, err := fmt.Fprintf(s.conn, "%s\r\n", strings.ReplaceAll(answer, "\n", "\r\n"))
	return err
}

func (s *session) line() (string, error) {
	text, err := s.in.ReadString('\n')
	return strings.TrimRight(text, "\r\n"), err
}

func (s *session) run() {
	if s.say("GREETING", "220 test ESMTP") != nil {
		return
	}
	for {
		text, err := s.line()
		if err != nil {
			return
		}
		command, rest, _ := strings.Cut(text, " ")
		command = strings.ToUpper(command)
		if err := s.command(command, rest); err != nil || command == "QUIT" {
			return
		}
	}
}

func (s *session) command(command, rest string) error {
	switch command {
	case "EHLO":
		return s.say(command, s.extensions())
	case "STARTTLS":
		if err := s.say(command, "220 go ahead"); err != nil {
			return err
		}
		encrypted := tls.Server(s.conn, s.server.tls())
		s.conn, s.in, s.encrypted = encrypted, bufio.NewReader(encrypted), true
		return nil
	case "AUTH":
		return s.login(rest)
	case "MAIL":
		s.mail = Mail{From: rest, Encrypted: s.encrypted, User: s.user}
		if s.server.cfg.User != "" && s.user == "" {
			return s.say(command, "530 5.7.0 log in first")
		}
	case "RCPT":
		s.mail.To = rest
	case "DATA":
		if err := s.say(command, "354 go on"); err != nil {
			return err
		}
		return s.data()
	case "QUIT":
		return s.say(command, "221 bye")
	}
	return s.say(command, "250 ok")
}

func (s *session) extensions() string {
	list := []string{"250-test", "250-8BITMIME", "250-ENHANCEDSTATUSCODES"}
	if !s.encrypted && !s.server.cfg.NoStartTLS {
		list = append(list, "250-STARTTLS")
	}
	if s.server.cfg.User != "" {
		list = append(list, "250-AUTH "+s.server.cfg.Mechanisms)
	}
	return strings.Join(append(list, "250 HELP"), "\n")
}

func (s *session) login(rest string) error {
	mechanism, first, _ := strings.Cut(rest, " ")
	var user, password string
	switch mechanism {
	case "PLAIN":
		if parts := strings.Split(decoded(first), "\x00"); len(parts) == 3 {
			user, password = parts[1], parts[2]
		}
	case "LOGIN":
		for _, part := range []struct {
			prompt string
			into   *string
		}{{"334 VXNlcm5hbWU6", &user}, {"334 UGFzc3dvcmQ6", &password}} {
			if err := s.write(part.prompt); err != nil {
				return err
			}
			text, err := s.line()
			if err != nil {
				return err
			}
			*part.into = decoded(text)
		}
	}
	if user != s.server.cfg.User || password != Password {
		return s.say("AUTH", "535 5.7.8 wrong name or password")
	}
	s.user = user
	return s.say("AUTH", "235 welcome")
}

func decoded(text string) string {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return ""
	}
	return string(data)
}

// data reads a mail to its end.
func (s *session) data() error {
	var b strings.Builder
	for {
		text, err := s.line()
		if err != nil {
			return err
		}
		if text == "." {
			break
		}
		if b.Len() == 0 {
			if half := s.server.next("HALF", ""); half != "" {
				return s.write(half)
			}
		}
		b.WriteString(strings.TrimPrefix(text, ".") + "\r\n")
	}
	s.mail.Data = b.String()
	answer := s.server.next("BODY", "250 2.0.0 queued")
	// Cut here means: it has the mail, and the client will never know.
	if strings.HasPrefix(answer, "2") || answer == Cut {
		s.server.mu.Lock()
		s.server.mails = append(s.server.mails, s.mail)
		s.server.mu.Unlock()
	}
	return s.write(answer)
}
