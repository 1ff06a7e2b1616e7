package reports

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/funnelhouse/funnelhouse/internal/certtest"
)

// smtpServer is a small mail server on a socket that behaves as it is told.
type smtpServer struct {
	authority *certtest.Authority
	pair      tls.Certificate
	listener  net.Listener

	implicit   bool // TLS from the first byte
	noStartTLS bool
	user       string // with password "geheim"; empty: nobody logs in
	mechanisms string

	mu sync.Mutex
	// answers holds, by command, what it answers the next times; "" is the usual.
	// CUT closes the connection, HANG is silent for ever. The command BODY stands
	// for the end of a mail's text, HALF for its first line.
	answers map[string][]string
	mails   []receivedMail
	ended   chan struct{} // closed when the test ends
	done    sync.WaitGroup
}

type receivedMail struct {
	from, to  string
	data      string
	encrypted bool
	user      string
}

func newSMTPServer(t testing.TB, change func(*smtpServer)) *smtpServer {
	t.Helper()
	s := &smtpServer{authority: certtest.New(t), answers: map[string][]string{}, ended: make(chan struct{}), mechanisms: "PLAIN LOGIN"}
	_, _, s.pair = s.authority.Sign(t, "127.0.0.1")
	if change != nil {
		change(s)
	}
	var err error
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	if s.implicit {
		s.listener = tls.NewListener(s.listener, s.tls())
	}
	s.done.Add(1)
	go func() {
		defer s.done.Done()
		for {
			conn, err := s.listener.Accept()
			if err != nil {
				return
			}
			s.done.Add(1)
			go func() {
				defer s.done.Done()
				defer conn.Close()
				(&smtpSession{server: s, conn: conn, in: bufio.NewReader(conn), encrypted: s.implicit}).run()
			}()
		}
	}()
	t.Cleanup(func() {
		close(s.ended)
		_ = s.listener.Close()
		s.done.Wait()
	})
	return s
}

func (s *smtpServer) tls() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{s.pair}, MinVersion: tls.VersionTLS12}
}

func (s *smtpServer) port() int { return s.listener.Addr().(*net.TCPAddr).Port }

// then sets what a command is answered, the next times.
func (s *smtpServer) then(command string, answers ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[command] = append(s.answers[command], answers...)
}

func (s *smtpServer) received() []receivedMail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]receivedMail(nil), s.mails...)
}

func (s *smtpServer) next(command, usual string) string {
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

type smtpSession struct {
	server    *smtpServer
	conn      net.Conn
	in        *bufio.Reader
	encrypted bool
	user      string
	mail      receivedMail
}

// say answers a command, and returns false where the connection is over.
func (s *smtpSession) say(command, usual string) bool {
	switch answer := s.server.next(command, usual); answer {
	case "CUT":
		return false
	case "HANG":
		<-s.server.ended
		return false
	default:
		_, err := fmt.Fprintf(s.conn, "%s\r\n", strings.ReplaceAll(answer, "\n", "\r\n"))
		return err == nil
	}
}

func (s *smtpSession) line() (string, bool) {
	text, err := s.in.ReadString('\n')
	return strings.TrimRight(text, "\r\n"), err == nil
}

func (s *smtpSession) run() {
	if !s.say("GREETING", "220 test ESMTP") {
		return
	}
	for {
		text, ok := s.line()
		if !ok {
			return
		}
		command, rest, _ := strings.Cut(text, " ")
		command = strings.ToUpper(command)
		switch command {
		case "EHLO":
			ok = s.say("EHLO", s.extensions())
		case "STARTTLS":
			if ok = s.say("STARTTLS", "220 go ahead"); ok {
				encrypted := tls.Server(s.conn, s.server.tls())
				s.conn, s.in, s.encrypted = encrypted, bufio.NewReader(encrypted), true
			}
		case "AUTH":
			ok = s.login(rest)
		case "MAIL":
			s.mail = receivedMail{from: rest, encrypted: s.encrypted, user: s.user}
			usual := "250 ok"
			if s.server.user != "" && s.user == "" {
				usual = "530 5.7.0 log in first"
			}
			ok = s.say("MAIL", usual)
		case "RCPT":
			s.mail.to = rest
			ok = s.say("RCPT", "250 ok")
		case "DATA":
			ok = s.say("DATA", "354 go on") && s.data()
		case "QUIT":
			s.say("QUIT", "221 bye")
			return
		default:
			ok = s.say(command, "250 ok")
		}
		if !ok {
			return
		}
	}
}

func (s *smtpSession) extensions() string {
	list := []string{"test", "8BITMIME", "ENHANCEDSTATUSCODES"}
	if !s.encrypted && !s.server.noStartTLS {
		list = append(list, "STARTTLS")
	}
	if s.server.user != "" {
		list = append(list, "AUTH "+s.server.mechanisms)
	}
	for i := range list {
		list[i] = "250-" + list[i]
		if i == len(list)-1 {
			list[i] = "250 " + list[i][4:]
		}
	}
	return strings.Join(list, "\n")
}

func (s *smtpSession) login(rest string) bool {
	mechanism, first, _ := strings.Cut(rest, " ")
	decode := func(text string) string {
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return ""
		}
		return string(data)
	}
	var user, password string
	switch mechanism {
	case "PLAIN":
		parts := strings.Split(decode(first), "\x00")
		if len(parts) == 3 {
			user, password = parts[1], parts[2]
		}
	case "LOGIN":
		for _, part := range []struct {
			prompt string
			into   *string
		}{{"VXNlcm5hbWU6", &user}, {"UGFzc3dvcmQ6", &password}} {
			if !s.say("LOGIN", "334 "+part.prompt) {
				return false
			}
			text, ok := s.line()
			if !ok {
				return false
			}
			*part.into = decode(text)
		}
	}
	if user != s.server.user || password != "geheim" {
		return s.say("AUTH", "535 5.7.8 wrong name or password")
	}
	s.user = user
	return s.say("AUTH", "235 welcome")
}

func (s *smtpSession) data() bool {
	var b strings.Builder
	for {
		text, ok := s.line()
		if !ok {
			return false
		}
		if text == "." {
			break
		}
		if b.Len() == 0 {
			if half := s.server.next("HALF", ""); half == "CUT" {
				return false
			} else if half == "HANG" {
				<-s.server.ended
				return false
			}
		}
		b.WriteString(strings.TrimPrefix(text, ".") + "\r\n")
	}
	s.mail.data = b.String()
	answer := s.server.next("BODY", "250 2.0.0 queued")
	if strings.HasPrefix(answer, "2") || answer == "CUT" {
		s.server.mu.Lock()
		s.server.mails = append(s.server.mails, s.mail)
		s.server.mu.Unlock()
	}
	s.server.mu.Lock()
	s.server.answers["SAID"] = []string{answer}
	s.server.mu.Unlock()
	return s.say("SAID", "")
}
