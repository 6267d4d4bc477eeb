package notify

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"html/template"
	"net/mail"
	"strings"

	"congvu/inspection"
	"congvu/inspection/i18n"

	gomail "github.com/wneessen/go-mail"
)

// letter is a mail, ready to be handed over.
type letter struct {
	person string
	msg    *gomail.Msg
}

// htmlLetter is the mail for who reads HTML: no pictures, nothing that is fetched.
var htmlLetter = template.Must(template.New("").Parse(`<!doctype html>
<html lang="{{.Lang}}"><head><meta charset="utf-8"><title>{{.Title}}</title></head>
<body style="font-family:sans-serif;font-size:16px;line-height:1.5;color:#14201f">
<p>{{.Hello}}</p>
<p>{{.Text}}</p>
<p><a href="{{.Link}}">{{.Open}}</a><br>{{.Link}}</p>
<p style="color:#4a5958;font-size:14px">{{.Why}}{{with .End}}<br><a href="{{.}}">{{$.EndIt}}</a>{{end}}</p>
</body></html>
`))

// messageID is the Message-ID of a mail: the same at each try.
func (s *Service) messageID(event, person string) string {
	h := sha256.Sum256([]byte(event + "\n" + person))
	return hex.EncodeToString(h[:])[:32] + "@" + s.config.URL.Hostname()
}

// write makes the mail out of a message, in its recipient's language.
func (s *Service) write(l Line, name string, to Contact) (letter, error) {
	lang := to.Language
	page := struct {
		Lang                                            i18n.Lang
		Title, Hello, Text, Link, Open, Why, EndIt, End string
	}{lang, oneLine(l.Subject(lang)), i18n.T(lang, "notify.mail.hello", inspection.Params{"name": oneLine(name)}), oneLine(l.Text(lang)),
		s.config.URL.JoinPath(l.Path()).String(), i18n.T(lang, "notify.mail.open", nil), i18n.T(lang, "notify.mail.obligation", nil), i18n.T(lang, "notify.mail.end", nil), ""}
	if !l.Obligation {
		page.Why, page.End = i18n.T(lang, "notify.mail.wanted", nil), s.unsubscribeLink(l.PersonID)
	}
	var html bytes.Buffer
	if err := htmlLetter.Execute(&html, page); err != nil {
		return letter{}, err
	}
	text := []string{page.Hello, "", page.Text, "", page.Open + ":", page.Link, "", "-- ", page.Why}
	if page.End != "" {
		text = append(text, page.EndIt+": "+page.End)
	}

	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	from, err := mail.ParseAddress(s.config.Mail.From)
	if err != nil {
		return letter{}, err
	}
	m.FromMailAddress(from)
	m.ToMailAddress(&mail.Address{Name: oneLine(name), Address: to.Email})
	m.Subject(page.Title)
	m.SetDateWithValue(s.clock.Now().Time())
	m.SetMessageIDWithValue(s.messageID(l.EventID, l.PersonID))
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	if page.End != "" {
		m.SetGenHeaderPreformatted(gomail.HeaderListUnsubscribe, "<"+page.End+">")
		m.SetGenHeaderPreformatted(gomail.HeaderListUnsubscribePost, "List-Unsubscribe=One-Click")
	}
	m.SetBodyString(gomail.TypeTextPlain, strings.Join(text, "\r\n")+"\r\n")
	m.AddAlternativeString(gomail.TypeTextHTML, html.String())
	return letter{l.PersonID, m}, nil
}

// oneLine leaves nothing in a text that could end a line of a header.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\u0085' || r == '\u2028' || r == '\u2029' }), " ")
}
