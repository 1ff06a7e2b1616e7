package reports

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/funnelhouse/funnelhouse/internal/smtptest"
)

func mailerOf(t testing.TB, s *smtptest.Server, login string, change func(*SMTPConfig)) *SMTP {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(s.Authority.Cert)
	cfg := SMTPConfig{
		Host: "127.0.0.1", Port: s.Port, TLS: STARTTLS, From: "reports@example.com", FromName: "示例公司 Demo",
		Username: login, Password: func() (string, error) { return smtptest.Password, nil }, Roots: roots,
	}
	if change != nil {
		change(&cfg)
	}
	return NewSMTP(cfg)
}

func mailOf(t testing.TB) Mail {
	t.Helper()
	f := factsOf(t, newFake(), head+"sections: [{figures: [nps]}, {line: nps}, {bars: nps, by: product}]\n", "2026-10", "2026-11-02")
	v := viewOf(t, f, "zh-Hans", &fakeCharts{})
	html, err := renderHTML(v)
	if err != nil {
		t.Fatal(err)
	}
	return Mail{
		To: "wang@example.com", ToName: "王小明", MessageID: "abc123@example.com", Date: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC),
		Page: Page{Language: "zh-Hans", Subject: "管理月报：转化率、客户满意度、市场份额、准时交付率和缺陷率 · 2026年10月", HTML: html, Text: renderText(v)},
	}
}

// part is a part of a mail, taken apart as a mail program does.
type part struct {
	kind, id, disposition, name string
	data                        []byte
	parts                       []part
}

func takeApart(t testing.TB, contentType, encoding string, body io.Reader) part {
	t.Helper()
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatal(err)
	}
	p := part{kind: kind, name: params["name"]}
	if !strings.HasPrefix(kind, "multipart/") {
		if encoding != "base64" {
			t.Errorf("%s is encoded as %q", kind, encoding)
		}
		if p.data, err = io.ReadAll(base64.NewDecoder(base64.StdEncoding, body)); err != nil {
			t.Fatal(err)
		}
		return p
	}
	r := multipart.NewReader(body, params["boundary"])
	for {
		inner, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return p
		}
		if err != nil {
			t.Fatal(err)
		}
		one := takeApart(t, inner.Header.Get("Content-Type"), inner.Header.Get("Content-Transfer-Encoding"), inner)
		one.id, one.disposition = inner.Header.Get("Content-Id"), inner.Header.Get("Content-Disposition")
		p.parts = append(p.parts, one)
	}
}

func TestSMTP(t *testing.T) {
	t.Parallel()
	s := smtptest.New(t, smtptest.Config{User: "reports"})
	m := mailOf(t)
	if err := mailerOf(t, s, "reports", nil).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := s.Received()
	if len(got) != 1 || !got[0].Encrypted || got[0].User != "reports" || !strings.HasPrefix(got[0].From, "FROM:<reports@example.com>") || !strings.HasPrefix(got[0].To, "TO:<wang@example.com>") {
		t.Fatalf("got %+v", got)
	}
	for line := range strings.SplitSeq(got[0].Data, "\r\n") {
		if len(line) > 998 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
	message, err := mail.ReadMessage(strings.NewReader(got[0].Data))
	if err != nil {
		t.Fatal(err)
	}
	decoder := &mime.WordDecoder{}
	for header, want := range map[string]string{
		"Subject": m.Page.Subject, "From": "示例公司 Demo <reports@example.com>", "To": "王小明 <wang@example.com>", "Message-Id": "<abc123@example.com>",
		"Date": "Mon, 02 Nov 2026 00:00:00 +0000", "Auto-Submitted": "auto-generated", "Content-Language": "zh-Hans",
	} {
		value := message.Header.Get(header)
		if header == "From" || header == "To" {
			a, err := mail.ParseAddress(value)
			if err != nil {
				t.Fatal(err)
			}
			value = a.Name + " <" + a.Address + ">"
		}
		if have, err := decoder.DecodeHeader(value); err != nil || have != want {
			t.Errorf("%s is %q, %v", header, have, err)
		}
	}
	// related(alternative(text, html), pictures)
	related := takeApart(t, message.Header.Get("Content-Type"), "", message.Body)
	if related.kind != "multipart/related" || len(related.parts) != 3 || related.parts[0].kind != "multipart/alternative" {
		t.Fatalf("it is a %s of %d parts", related.kind, len(related.parts))
	}
	text, html := related.parts[0].parts[0], related.parts[0].parts[1]
	if text.kind != "text/plain" || !bytes.Equal(text.data, m.Page.Text) {
		t.Errorf("the text is %s: %s", text.kind, text.data)
	}
	if html.kind != "text/html" || bytes.Contains(html.data, []byte("data:")) || !bytes.Contains(html.data, []byte("净推荐值")) {
		t.Errorf("the page is %s", html.kind)
	}
	for i, p := range related.parts[1:] {
		id := strings.Trim(p.id, "<>")
		if p.kind != "image/png" || !bytes.Equal(p.data, whitePoint) || !strings.HasPrefix(p.disposition, "inline") || id != pictureID(i) || !bytes.Contains(html.data, []byte(`src="cid:`+id+`"`)) {
			t.Errorf("picture %d: %s %s %s", i, p.kind, p.id, p.disposition)
		}
	}
}

// The same mail at every try, but for the boundaries between its parts.
func TestSMTPSameAgain(t *testing.T) {
	t.Parallel()
	s := smtptest.New(t, smtptest.Config{})
	m, mailer := mailOf(t), mailerOf(t, s, "", nil)
	for range 2 {
		if err := mailer.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	got := s.Received()
	headers := func(i int) string { h, _, _ := strings.Cut(got[i].Data, "Content-Type"); return h }
	if headers(0) != headers(1) || !strings.Contains(headers(0), "abc123@example.com") {
		t.Errorf("first\n%s\nthen\n%s", headers(0), headers(1))
	}
}

func TestSMTPWays(t *testing.T) {
	t.Parallel()
	implicit := func(c *SMTPConfig) { c.TLS = Implicit }
	for name, c := range map[string]struct {
		server smtptest.Config
		client func(*SMTPConfig)
		err    string
	}{
		"starttls, no login":     {smtptest.Config{}, nil, ""},
		"implicit with login":    {smtptest.Config{Implicit: true, User: "u"}, implicit, ""},
		"LOGIN alone":            {smtptest.Config{User: "u", Mechanisms: "LOGIN"}, nil, ""},
		"none":                   {smtptest.Config{}, func(c *SMTPConfig) { c.TLS = Plain }, ""},
		"no password in clear":   {smtptest.Config{User: "u"}, func(c *SMTPConfig) { c.TLS = Plain }, "connect to the mail server and log in"},
		"server without":         {smtptest.Config{NoStartTLS: true}, nil, "does not support STARTTLS"},
		"foreign certificate":    {smtptest.Config{}, func(c *SMTPConfig) { c.Roots = x509.NewCertPool() }, "certificate"},
		"implicit, foreign":      {smtptest.Config{Implicit: true}, func(c *SMTPConfig) { c.TLS, c.Roots = Implicit, x509.NewCertPool() }, "certificate"},
		"other host":             {smtptest.Config{}, func(c *SMTPConfig) { c.Host = "localhost" }, "localhost"},
		"wrong password":         {smtptest.Config{User: "u"}, func(c *SMTPConfig) { c.Password = func() (string, error) { return "x", nil } }, "535"},
		"password can't be read": {smtptest.Config{User: "u"}, func(c *SMTPConfig) { c.Password = func() (string, error) { return "", errors.New("no such file") } }, "no such file"},
		"login not asked for":    {smtptest.Config{}, func(c *SMTPConfig) { c.Username = "u" }, "does not support SMTP AUTH"},
		"nobody listens":         {smtptest.Config{}, func(c *SMTPConfig) { c.Port = 1 }, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := smtptest.New(t, c.server)
			err := mailerOf(t, s, c.server.User, c.client).Send(t.Context(), mailOf(t))
			if c.err == "" {
				if err != nil || len(s.Received()) != 1 {
					t.Errorf("%d mails, %v", len(s.Received()), err)
				}
				return
			}
			failed := (*MailError)(nil)
			if !errors.As(err, &failed) || failed.Permanent || !strings.Contains(err.Error(), c.err) || len(s.Received()) != 0 {
				t.Errorf("%d mails, %v", len(s.Received()), err)
			}
		})
	}
}

// What the server answers, and where it goes away.
func TestSMTPAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		command, answer string
		permanent       bool
		code            int
		sent            bool // Send says so
		arrived         int
	}{
		"busy at once":           {"GREETING", "421 4.3.2 come later", false, 421, false, 0},
		"closed for good":        {"GREETING", "554 5.7.1 not you", false, 554, false, 0},
		"no such user":           {"RCPT", "550 5.1.1 <wang@example.com> unknown", true, 550, false, 0},
		"mailbox busy":           {"RCPT", "450 4.2.1 busy", false, 450, false, 0},
		"grey list":              {"RCPT", "451 4.7.1 greylisted", false, 451, false, 0},
		"sender refused":         {"MAIL", "550 5.1.8 who are you", true, 550, false, 0},
		"log in first":           {"MAIL", "530 5.7.0 log in", false, 530, false, 0},
		"storage":                {"MAIL", "452 4.3.1 full", false, 452, false, 0},
		"no data":                {"DATA", "554 5.5.1 no", true, 554, false, 0},
		"spam":                   {"BODY", "554 5.7.1 spam", true, 554, false, 0},
		"later":                  {"BODY", "451 4.3.0 later", false, 451, false, 0},
		"cut at the greeting":    {"GREETING", smtptest.Cut, false, 0, false, 0},
		"cut at MAIL":            {"MAIL", smtptest.Cut, false, 0, false, 0},
		"cut at RCPT":            {"RCPT", smtptest.Cut, false, 0, false, 0},
		"cut in the text":        {"HALF", smtptest.Cut, false, 0, false, 0},
		"cut after the text":     {"BODY", smtptest.Cut, false, 0, false, 1}, // it has it, and we can't know
		"reset refused":          {"RSET", "421 4.3.2 bye", false, 0, true, 1},
		"cut after it was taken": {"RSET", smtptest.Cut, false, 0, true, 1},
		"bye refused":            {"QUIT", "500 5.5.1 what", false, 0, true, 1},
		"cut at the end":         {"QUIT", smtptest.Cut, false, 0, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := smtptest.New(t, smtptest.Config{})
			s.Then(c.command, c.answer)
			mailer, m := mailerOf(t, s, "", nil), mailOf(t)
			err := mailer.Send(t.Context(), m)
			if n := len(s.Received()); n != c.arrived {
				t.Errorf("%d mails arrived", n)
			}
			if c.sent {
				if err != nil {
					t.Errorf("it was taken, and Send says %v", err)
				}
				return
			}
			failed := (*MailError)(nil)
			if !errors.As(err, &failed) || failed.Permanent != c.permanent || failed.Code != c.code {
				t.Fatalf("got %+v: %v", failed, err)
			}
			// The next one goes through.
			if err := mailer.Send(t.Context(), m); err != nil || len(s.Received()) != c.arrived+1 {
				t.Errorf("again: %v", err)
			}
		})
	}
}

// A server that says nothing is left when ctx ends, wherever it stands.
func TestSMTPHangs(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"GREETING", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "HALF", "BODY"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			s := smtptest.New(t, smtptest.Config{User: "u"})
			s.Then(command, smtptest.Hang)
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			began := time.Now()
			err := mailerOf(t, s, "u", nil).Send(ctx, mailOf(t))
			failed := (*MailError)(nil)
			if !errors.As(err, &failed) || failed.Permanent || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 10*time.Second {
				t.Errorf("after %v: %v", time.Since(began), err)
			}
		})
	}
	// Once it has the mail it may hang as it likes.
	s := smtptest.New(t, smtptest.Config{})
	s.Then("QUIT", smtptest.Hang)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := mailerOf(t, s, "", nil).Send(ctx, mailOf(t)); err != nil {
		t.Error(err)
	}
}

// No text of a report or a user makes a header of its own.
func TestSMTPInjection(t *testing.T) {
	t.Parallel()
	s := smtptest.New(t, smtptest.Config{})
	m := mailOf(t)
	m.Page.Subject = "Report\r\nBcc: victim@example.com\r\n\r\n<html>"
	m.ToName = "王\r\nBcc: victim@example.com"
	mailer := mailerOf(t, s, "", func(c *SMTPConfig) { c.FromName = "Demo\nBcc: victim@example.com" })
	if err := mailer.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	message, err := mail.ReadMessage(strings.NewReader(s.Received()[0].Data))
	if err != nil {
		t.Fatal(err)
	}
	if len(message.Header["Bcc"]) != 0 || len(message.Header["Subject"]) != 1 {
		t.Errorf("headers %v", message.Header)
	}
	for _, bad := range []string{"wang@example.com\r\nRCPT TO:<victim@example.com>", "wang@example.com>\r\nDATA", "", "a@b, c@d"} {
		m := mailOf(t)
		m.To = bad
		err := mailer.Send(t.Context(), m)
		failed := (*MailError)(nil)
		if !errors.As(err, &failed) || !failed.Permanent {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if n := len(s.Received()); n != 1 {
		t.Errorf("%d mails", n)
	}
}

// Text that looks like the end of a mail, and lines that begin with a dot.
func TestSMTPDots(t *testing.T) {
	t.Parallel()
	s := smtptest.New(t, smtptest.Config{})
	m := mailOf(t)
	m.Page.Text = []byte(".\r\n.\n..\n" + strings.Repeat("x", 2000))
	m.Page.HTML = []byte("<p>\r\n.\r\n</p>")
	if err := mailerOf(t, s, "", nil).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	message, err := mail.ReadMessage(strings.NewReader(s.Received()[0].Data))
	if err != nil {
		t.Fatal(err)
	}
	alternative := takeApart(t, message.Header.Get("Content-Type"), "", message.Body)
	if len(alternative.parts) != 2 || !bytes.Equal(alternative.parts[0].data, m.Page.Text) || !bytes.Equal(alternative.parts[1].data, m.Page.HTML) {
		t.Errorf("got %+v", alternative)
	}
}

// The whole way over a socket: the server fails each mail at another place, and
// all arrive, each for its reader.
func TestDeliverOverSocket(t *testing.T) {
	t.Parallel()
	server := smtptest.New(t, smtptest.Config{})
	server.Then("RCPT", "", "450 4.2.1 busy", "550 5.1.1 no such user")
	server.Then("HALF", smtptest.Cut)
	s := newStage(t)
	s.users = append(s.users, User{Name: "gone", Mail: "gone@example.com", Role: "management"})
	k := New(Config{
		Company: demoCompany(t), Users: s.users, House: s.house, Ledger: openLedger(t, s.dir), Charts: &fakeCharts{},
		Mailer: mailerOf(t, server, "", nil), From: "reports@example.com", Logger: quietLogger(),
	})
	r, err := s.house.Reports()
	if err != nil {
		t.Fatal(err)
	}
	e, err := k.Make(t.Context(), Order{Report: r.All()[0], Period: period(t, "2026-10"), Send: true})
	if err != nil {
		t.Fatal(err)
	}
	states := func(list []Delivery) (all []string) {
		for _, d := range list {
			all = append(all, d.Mail+" "+string(d.State))
		}
		return all
	}
	list, err := k.Deliver(t.Context(), e)
	s.expect("at first", states(list), "wang@example.com waiting", "li@example.com waiting", "gone@example.com failed")
	if err != nil || !strings.Contains(list[2].Error, "no such user") {
		t.Errorf("%+v, %v", list, err)
	}
	list, err = k.Deliver(t.Context(), k.cfg.Ledger.Again(e))
	s.expect("then", states(list), "wang@example.com sent", "li@example.com sent", "gone@example.com failed")
	if err != nil {
		t.Error(err)
	}
	var subjects []string
	for _, m := range server.Received() {
		message, err := mail.ReadMessage(strings.NewReader(m.Data))
		if err != nil {
			t.Fatal(err)
		}
		subject, err := (&mime.WordDecoder{}).DecodeHeader(message.Header.Get("Subject"))
		if err != nil {
			t.Fatal(err)
		}
		subjects = append(subjects, subject)
	}
	if !slices.Equal(subjects, []string{"月报 · 2026年10月", "Report, October 2026"}) {
		t.Errorf("subjects %q", subjects)
	}
}
