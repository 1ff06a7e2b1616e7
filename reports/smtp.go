package reports

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"net"
	"net/textproto"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/wneessen/go-mail"
)

// Encryption is how the connection to a mail server is kept from others.
type Encryption string

// The ways.
const (
	STARTTLS Encryption = "starttls" // demanded: a server without it gets no mail
	Implicit Encryption = "implicit"
	Plain    Encryption = "none"
)

// SMTPConfig says which server takes mails.
type SMTPConfig struct {
	Host string
	Port int
	TLS  Encryption
	// From is the sender's address, FromName the name shown with it.
	From, FromName string
	// Username is empty where nobody logs in.
	Username string
	// Password reads the password when it is needed: it may have changed.
	Password func() (string, error)
	// Roots signs the server's certificate. Default: the system's authorities.
	Roots *x509.CertPool
}

// SMTP hands mails to a server, one connection each: one that fails takes no
// other with it.
type SMTP struct {
	cfg SMTPConfig
}

// NewSMTP returns a Mailer for a server.
func NewSMTP(cfg SMTPConfig) *SMTP { return &SMTP{cfg: cfg} }

// answerIn is how long the server may be silent.
const answerIn = time.Minute

// Steps of a mail, for messages and the log.
const (
	stepCompose = "compose the mail"
	stepLogin   = "connect to the mail server and log in"
	stepSend    = "hand the mail to the server"
)

// Send hands a mail to the server. It is taken when the server has said so at
// the end of its text; what goes wrong after that changes nothing. The error is
// a *MailError.
func (s *SMTP) Send(ctx context.Context, m Mail) error {
	message, err := s.compose(m)
	if err != nil {
		return &MailError{Permanent: true, Step: stepCompose, Err: err}
	}
	// The library knows ctx only until it is connected, and leaves the connection
	// open where the greeting fails. Closing it ends all waiting.
	over, finish := context.WithCancel(ctx)
	defer finish()
	client, err := s.client(func(dialing context.Context, network, address string) (net.Conn, error) {
		conn, err := s.dial(dialing, network, address)
		if err == nil {
			context.AfterFunc(over, func() { _ = conn.Close() })
		}
		return conn, err
	})
	if err != nil {
		return &MailError{Step: stepLogin, Err: err}
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return loginFailed(ctx, err)
	}
	err = client.SendWithSMTPClient(session, message)
	if message.IsDelivered() {
		_ = client.CloseWithSMTPClient(session)
		return nil
	}
	return sendFailed(ctx, err)
}

func (s *SMTP) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if s.cfg.TLS == Implicit {
		d := tls.Dialer{Config: s.tls()}
		return d.DialContext(ctx, network, address)
	}
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

func (s *SMTP) tls() *tls.Config {
	return &tls.Config{ServerName: s.cfg.Host, RootCAs: s.cfg.Roots, MinVersion: tls.VersionTLS12}
}

func (s *SMTP) client(dial mail.DialContextFunc) (*mail.Client, error) {
	// Where dial has encrypted the connection already, the library finds that out
	// only if it may look for STARTTLS; else it would take the line for open and
	// refuse to log in.
	policy := map[Encryption]mail.TLSPolicy{STARTTLS: mail.TLSMandatory, Implicit: mail.TLSOpportunistic, Plain: mail.NoTLS}[s.cfg.TLS]
	options := []mail.Option{
		mail.WithPort(s.cfg.Port), mail.WithTimeout(answerIn), mail.WithTLSConfig(s.tls()), mail.WithTLSPolicy(policy),
		mail.WithDialContextFunc(dial), mail.WithoutNoop(),
	}
	if s.cfg.Username != "" {
		password, err := s.cfg.Password()
		if err != nil {
			return nil, err
		}
		login := mail.SMTPAuthAutoDiscover
		options = append(options, mail.WithSMTPAuth(login), mail.WithUsername(s.cfg.Username), mail.WithPassword(password))
	}
	return mail.NewClient(s.cfg.Host, options...)
}

// compose makes the same mail at every try.
func (s *SMTP) compose(m Mail) (*mail.Msg, error) {
	message := mail.NewMsg(mail.WithEncoding(mail.EncodingB64), mail.WithNoDefaultUserAgent())
	if err := message.FromFormat(oneLine(s.cfg.FromName), s.cfg.From); err != nil {
		return nil, err
	}
	if err := message.AddToFormat(oneLine(m.ToName), m.To); err != nil {
		return nil, err
	}
	message.Subject(oneLine(m.Page.Subject))
	message.SetMessageIDWithValue(m.MessageID)
	message.SetDateWithValue(m.Date)
	// Nobody's holiday reply shall come back.
	message.SetGenHeader("Auto-Submitted", "auto-generated")
	message.SetGenHeader("X-Auto-Response-Suppress", "All")
	message.SetGenHeader("Content-Language", m.Page.Language)
	page, pictures, err := inline(m.Page.HTML)
	if err != nil {
		return nil, err
	}
	message.SetBodyString(mail.TypeTextPlain, string(m.Page.Text))
	message.AddAlternativeString(mail.TypeTextHTML, string(page))
	for i, p := range pictures {
		id := pictureID(i)
		if err := message.EmbedReader(id+".png", bytes.NewReader(p), mail.WithFileContentID(id), mail.WithFileContentType("image/png")); err != nil {
			return nil, err
		}
	}
	return message, nil
}

var pictureSource = regexp.MustCompile(`src="data:image/png;base64,([^"]*)"`)

func pictureID(i int) string { return fmt.Sprintf("chart-%d@funnelhouse", i+1) }

// inline takes the pictures out of a page and refers to them as parts of the
// same mail: many mail programs show no data: address.
func inline(page []byte) (text []byte, pictures [][]byte, err error) {
	text = pictureSource.ReplaceAllFunc(page, func(match []byte) []byte {
		data := pictureSource.FindSubmatch(match)[1]
		picture, e := base64.StdEncoding.DecodeString(html.UnescapeString(string(data)))
		err = errors.Join(err, e)
		pictures = append(pictures, picture)
		return []byte(`src="cid:` + pictureID(len(pictures)-1) + `"`)
	})
	return text, pictures, err
}

// oneLine keeps a text from becoming a second header.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }), " ")
}

// loginFailed is about the server or our account, never about the mail, so it is
// tried again whatever the answer was.
func loginFailed(ctx context.Context, err error) error {
	failed := &MailError{Step: stepLogin, Err: brokenOff(ctx, err)}
	if answer := (*textproto.Error)(nil); errors.As(err, &answer) {
		failed.Code = answer.Code
	}
	return failed
}

// sendFailed tells what the server has refused for good from all the rest. The
// library calls every error temporary that begins with a 4, and a broken
// connection does not.
func sendFailed(ctx context.Context, err error) error {
	failed := &MailError{Step: stepSend, Err: brokenOff(ctx, err)}
	sent := (*mail.SendError)(nil)
	if !errors.As(err, &sent) {
		return failed
	}
	failed.Code = sent.ErrorCode()
	switch sent.Reason {
	case mail.ErrSMTPMailFrom, mail.ErrSMTPRcptTo, mail.ErrSMTPData, mail.ErrSMTPDataClose:
		failed.Permanent = failed.Code >= 500 && failed.Code < 600
	default: // the connection
	}
	switch failed.Code {
	case 530, 534, 535, 538: // we have not logged in as the server wants it
		failed.Permanent = false
	}
	return failed
}

// brokenOff says why a connection was broken off, where we did it.
func brokenOff(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return err
}
