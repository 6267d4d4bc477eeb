package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

const smtpTime = 30 * time.Second // for the server to answer

// handOver gives a mail to the server, over a connection of its own.
func (s *Service) handOver(ctx context.Context, l letter) outcome {
	host, port, err := net.SplitHostPort(s.config.Mail.Addr)
	if err != nil {
		return outcome{serverFails, "unreachable"}
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return outcome{serverFails, "unreachable"}
	}
	secured := &tls.Config{ServerName: host, RootCAs: s.config.Roots, MinVersion: tls.VersionTLS12}
	var conn net.Conn
	defer func() {
		if conn != nil {
			conn.Close()
		}
	}()
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		var err error
		if conn, err = s.dial(ctx, network, address); err != nil || s.config.Mail.TLS != ImplicitTLS {
			return conn, err
		}
		over := tls.Client(conn, secured)
		return over, over.HandshakeContext(ctx)
	}
	options := []gomail.Option{gomail.WithPort(number), gomail.WithTimeout(smtpTime), gomail.WithHELO(s.config.URL.Hostname()), gomail.WithoutNoop(),
		gomail.WithTLSConfig(secured), gomail.WithDialContextFunc(dial)}
	if s.config.Mail.TLS == NoTLS || s.config.Mail.TLS == ImplicitTLS {
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	} else {
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if s.config.Mail.User != "" {
		options = append(options, gomail.WithSMTPAuthCustom(&signIn{user: s.config.Mail.User, password: s.config.Mail.Password, host: host, clear: s.config.Mail.TLS == NoTLS}))
	}
	client, err := gomail.NewClient(host, options...)
	if err != nil {
		return failed(err, "unreachable")
	}
	server, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return failed(err, "unreachable")
	}
	err = client.SendWithSMTPClient(server, l.msg)
	if l.msg.IsDelivered() { // what the server says after its 250 changes nothing
		_ = client.CloseWithSMTPClient(server)
		return outcome{what: handedOver}
	}
	_ = client.CloseWithSMTPClient(server)
	return judge(err)
}

func (s *Service) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if s.config.Dial != nil {
		return s.config.Dial(ctx, network, address)
	}
	return (&net.Dialer{Timeout: smtpTime}).DialContext(ctx, network, address)
}

// judge tells a recipient who is refused from a server that takes nothing.
func judge(err error) outcome {
	var e *gomail.SendError
	if !errors.As(err, &e) {
		return failed(err, "broken_off")
	}
	code := e.ErrorCode()
	of := []gomail.SendErrReason{gomail.ErrSMTPRcptTo, gomail.ErrSMTPData, gomail.ErrSMTPDataClose}
	switch {
	case code == 421 || code == 530 || code == 535 || !slices.Contains(of, e.Reason):
		return failed(err, "broken_off")
	case code >= 500:
		return outcome{refused, smtpCode(code)}
	case code >= 400:
		return outcome{putOff, smtpCode(code)}
	}
	return failed(err, "broken_off")
}

// failed is a server that takes nothing, and why. The cause goes to the log, but for that
// of a letter, which names who it is for.
func failed(err error, otherwise string) outcome {
	code := otherwise
	var e *gomail.SendError
	var answer *textproto.Error
	var record tls.RecordHeaderError
	var certificate *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	switch letter := errors.As(err, &e); {
	case letter && e.ErrorCode() > 0:
		code = smtpCode(e.ErrorCode())
	case errors.As(err, &answer) && (answer.Code == 535 || answer.Code == 534 || answer.Code == 454 || answer.Code == 530):
		code = "sign_in"
	case errors.As(err, &answer):
		code = smtpCode(answer.Code)
	case errors.Is(err, errNoSignIn):
		code = "sign_in"
	case errors.As(err, &record) || errors.As(err, &certificate) || errors.As(err, &unknown) || errors.As(err, &name) || strings.Contains(err.Error(), "STARTTLS"):
		code = "tls"
	}
	if e != nil {
		slog.Warn("notify: the mail server takes nothing", "code", code, "reason", e.Reason.String())
	} else {
		slog.Warn("notify: the mail server takes nothing", "code", code, "error", err)
	}
	return outcome{serverFails, code}
}

// signIn signs in by PLAIN or LOGIN, whichever the server knows; in the clear only where
// the setting says so.
type signIn struct {
	user, password, host string
	clear                bool
	chosen               smtp.Auth
}

var errNoSignIn = errors.New("the mail server offers neither PLAIN nor LOGIN")

// Start chooses the way.
func (a *signIn) Start(server *smtp.ServerInfo) (string, []byte, error) {
	switch {
	case slices.Contains(server.Auth, "PLAIN"):
		a.chosen = smtp.PlainAuth("", a.user, a.password, a.host, a.clear)
	case slices.Contains(server.Auth, "LOGIN"):
		a.chosen = smtp.LoginAuth(a.user, a.password, a.host, a.clear)
	default:
		return "", nil, errNoSignIn
	}
	return a.chosen.Start(server)
}

// Next goes on.
func (a *signIn) Next(from []byte, more bool) ([]byte, error) { return a.chosen.Next(from, more) }
