package notify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/i18n"
	"congvu/migrations/dbtest"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"gorm.io/gorm"
)

// post is a real mail server of this test: TLS, sign-in, mailboxes that refuse.
type post struct {
	t       *testing.T
	addr    string
	cert    tls.Certificate
	pool    *x509.CertPool
	plain   bool // offers no STARTTLS
	over    bool // speaks TLS from the first byte
	server  *smtp.Server
	ear     net.Listener
	mu      sync.Mutex
	got     []received
	refuses map[string]int // status by address
	words   string         // the password
	signed  int            // sign-ins that were right
}

type received struct{ to, raw string }

func newPost(t *testing.T) *post {
	t.Helper()
	p := &post{t: t, refuses: map[string]int{}, words: "mat khau"}
	p.cert, p.pool = certificate(t, "127.0.0.1", "localhost")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.addr = listener.Addr().String()
	p.serve(listener)
	t.Cleanup(p.stop)
	return p
}

// start lets it listen again at its address.
func (p *post) start() {
	p.t.Helper()
	listener, err := net.Listen("tcp", p.addr)
	if err != nil {
		p.t.Fatal(err)
	}
	p.serve(listener)
}

func (p *post) serve(listener net.Listener) {
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{post: p, conn: c}, nil }))
	s.Domain, s.ReadTimeout, s.WriteTimeout = "localhost", 20*time.Second, 20*time.Second
	s.ErrorLog = discard{}
	config := &tls.Config{Certificates: []tls.Certificate{p.cert}}
	if p.over {
		listener = tls.NewListener(listener, config)
	} else if !p.plain {
		s.TLSConfig = config
	}
	s.AllowInsecureAuth = p.plain
	p.server, p.ear = s, listener
	go s.Serve(listener)
}

// stop ends it. Its ear is closed by hand: a server that has not begun to serve yet does
// not know it.
func (p *post) stop() {
	_ = p.server.Close()
	_ = p.ear.Close()
}

type discard struct{}

func (discard) Printf(string, ...any) {}
func (discard) Println(...any)        {}

// inbox is what came, by recipient or all.
func (p *post) inbox(to string) (all []received) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.got {
		if to == "" || r.to == to {
			all = append(all, r)
		}
	}
	return all
}

// ids counts what came by its Message-ID.
func (p *post) ids() map[string]int {
	n := map[string]int{}
	for _, r := range p.inbox("") {
		m, err := mail.ReadMessage(strings.NewReader(r.raw))
		if err != nil {
			p.t.Fatal(err)
		}
		n[m.Header.Get("Message-Id")]++
	}
	return n
}

type session struct {
	post   *post
	conn   *smtp.Conn
	signed bool
	to     string
}

func (s *session) AuthMechanisms() []string { return []string{"PLAIN"} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		s.post.mu.Lock()
		defer s.post.mu.Unlock()
		if user != "congvu" || password != s.post.words {
			return smtp.ErrAuthFailed
		}
		s.signed = true
		s.post.signed++
		return nil
	}), nil
}

func (s *session) Mail(string, *smtp.MailOptions) error {
	if !s.signed {
		return smtp.ErrAuthRequired
	}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.post.mu.Lock()
	defer s.post.mu.Unlock()
	if code := s.post.refuses[to]; code > 0 {
		return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: "not here"}
	}
	s.to = to
	return nil
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.post.mu.Lock()
	defer s.post.mu.Unlock()
	s.post.got = append(s.post.got, received{s.to, string(raw)})
	return nil
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

// posted is a world whose heads and lead have addresses at a mail server of its own.
func posted(t *testing.T, db *gorm.DB) (*world, *post) {
	t.Helper()
	p := newPost(t)
	w := newWorld(t, db, Config{Mail: mailFor(p.addr), Roots: p.pool})
	for _, name := range []string{"head", "contact", "lead", "deputy"} {
		w.writes(name, i18n.VI)
	}
	w.all()
	return w, p
}

// sends hands over what is due now, and tells how many steps that were.
func (w *world) sends() (n int) {
	w.t.Helper()
	for {
		did, err := w.SendMail(ctx)
		w.must(err)
		if !did {
			return n
		}
		n++
	}
}

func TestALetterIsComplete(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w, p := posted(t, db)
		w.exec("UPDATE people SET name = ? WHERE id = ?", "Bà Hiệu\r\nBcc: evil@example.org\r\n\r\nx", w.ids["head"])
		w.exec("UPDATE findings SET organisation_name = ? WHERE id = ?", "Trung tâm <b>Mẫu</b>\r\nSubject: x", w.finding)
		event := w.assigns()
		second := w.happens("lead", "finding.accept", ofFinding, w.finding, nil)
		head := w.actor("contact")
		w.must(w.SetContact(ctx, head, head.Person, ContactInput{Email: "contact@example.vn", Language: i18n.EN, Wants: true, Version: 1}))
		w.all()
		if n := w.sends(); n != 4 {
			t.Fatalf("%d mails", n)
		}
		for _, r := range p.inbox("") {
			m, err := mail.ReadMessage(strings.NewReader(r.raw))
			w.must(err)
			if m.Header.Get("Bcc") != "" || len(m.Header["Subject"]) != 1 || len(m.Header["To"]) != 1 {
				t.Errorf("a name has made headers: %v", m.Header)
			}
			to, err := m.Header.AddressList("To")
			w.must(err)
			if len(to) != 1 || to[0].Address != r.to {
				t.Errorf("To: %v for %s", to, r.to)
			}
			if m.Header.Get("Auto-Submitted") != "auto-generated" {
				t.Error("no Auto-Submitted")
			}
			subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
			w.must(err)
			if strings.Contains(subject, "A04") || strings.Contains(subject, "Mẫu") || subject == "" {
				t.Errorf("Subject: %s", subject)
			}
			person := w.ids[strings.TrimSuffix(r.to, "@example.vn")]
			of := event
			if strings.Contains(subject, "chấp nhận") || strings.Contains(subject, "accepted") {
				of = second
			}
			sum := sha256.Sum256([]byte(of + "\n" + person))
			if want := "<" + hex.EncodeToString(sum[:])[:32] + "@congvu.example.vn>"; m.Header.Get("Message-Id") != want {
				t.Errorf("Message-ID %s, want %s", m.Header.Get("Message-Id"), want)
			}
			unsubscribe := m.Header.Get("List-Unsubscribe")
			if of == event && (unsubscribe != "" || m.Header.Get("List-Unsubscribe-Post") != "") {
				t.Error("an obligation can be ended")
			}
			if of == second {
				want := "<https://congvu.example.vn/unsubscribe?p=" + person + "&t=" + w.token(person) + ">"
				if unsubscribe != want || m.Header.Get("List-Unsubscribe-Post") != "List-Unsubscribe=One-Click" {
					t.Errorf("List-Unsubscribe: %s", unsubscribe)
				}
			}
			text, html := parts(t, m)
			for _, body := range []string{text, html} {
				if !strings.Contains(body, "https://congvu.example.vn/findings/"+w.finding) || strings.Contains(body, "quầy số 3") {
					t.Errorf("body: %s", body)
				}
			}
			if strings.Contains(html, "<b>Mẫu") || strings.Contains(html, "<img") || strings.Contains(html, "src=") {
				t.Errorf("HTML: %s", html)
			}
			if english := strings.Contains(text, "The finding on item") || strings.Contains(text, "The remedy of"); english != (r.to == "contact@example.vn") {
				t.Errorf("%s is written to in the wrong language: %s", r.to, text)
			}
		}
	})
}

// parts are the text and the HTML of a mail.
func parts(t *testing.T, m *mail.Message) (text, html string) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s: %v", kind, err)
	}
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		part, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return text, html
		}
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := b.ReadFrom(quotedprintable.NewReader(part)); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			html = b.String()
		} else {
			text = b.String()
		}
	}
}

func TestAMailServerThatIsDownForADayLosesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w, p := posted(t, db)
		p.stop()
		made := 0
		for hour := range 24 {
			if hour%4 == 0 {
				w.assigns()
				made += 2
			}
			w.all()
			if tries := w.sends(); tries > 3 {
				t.Errorf("hour %d: %d tries of a server that is down", hour, tries)
			}
			w.clock.Advance(time.Hour)
		}
		h, err := w.ReadHealth(ctx)
		w.must(err)
		if h.Waiting != int64(made) || h.Trouble != "unreachable" || h.Oldest != inspection.At(morning) {
			t.Errorf("health: %+v", h)
		}
		p.start()
		w.sends()
		w.clock.Advance(time.Hour)
		w.sends()
		ids := p.ids()
		if len(ids) != made {
			t.Errorf("%d of %d arrived", len(ids), made)
		}
		for id, n := range ids {
			if n != 1 {
				t.Errorf("%s came %d times", id, n)
			}
		}
	})
}

func TestAMailboxThatRefusesHoldsUpNobody(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w, p := posted(t, db)
		p.refuses["head@example.vn"], p.refuses["lead@example.vn"] = 550, 451
		w.happens("deputy", "finding.reopen", ofFinding, w.finding, map[string]any{"due": "2026-03-20"})
		w.all()
		w.sends()
		if n := len(p.inbox("")); n != 1 || len(p.inbox("contact@example.vn")) != 1 {
			t.Errorf("%d came", n)
		}
		c, err := w.ContactOf(ctx, w.actor("head"), w.ids["head"])
		w.must(err)
		if c.RefusedAt != w.clock.Now() || c.RefusedCode != "smtp-550" {
			t.Errorf("the head is not told of the refusal: %+v", c)
		}
		h, err := w.ReadHealth(ctx)
		w.must(err)
		if h.Refused != 1 || h.Waiting != 1 || h.Trouble != "smtp-451" {
			t.Errorf("health: %+v", h)
		}
		var pauses []time.Duration
		before := w.clock.Now()
		for len(pauses) < 4 { // a mailbox that is full for a while is tried again, at growing pauses
			w.clock.Advance(time.Minute)
			if w.sends() > 0 {
				pauses = append(pauses, time.Duration(w.clock.Now()-before)*time.Millisecond)
				before = w.clock.Now()
			}
		}
		if !slices.IsSorted(pauses) || pauses[0] >= pauses[3] {
			t.Errorf("pauses %v", pauses)
		}
		delete(p.refuses, "lead@example.vn")
		w.clock.Advance(24 * time.Hour)
		w.sends()
		if len(p.inbox("lead@example.vn")) != 1 {
			t.Error("the lead's mail did not come after all")
		}
		p.refuses["lead@example.vn"] = 450 // and one that is full for good is given up
		w.happens("deputy", "finding.reopen", ofFinding, w.finding, nil)
		w.all()
		for range 200 {
			w.clock.Advance(time.Hour)
			w.sends()
		}
		if n := w.count("notify_mails", "state = 'REFUSED' AND error = 'smtp-450'"); n != 1 {
			t.Errorf("%d given up", n)
		}
		delete(p.refuses, "head@example.vn")
		w.assigns()
		w.all()
		w.sends()
		if c, err = w.ContactOf(ctx, w.actor("head"), w.ids["head"]); err != nil || !c.RefusedAt.IsZero() {
			t.Errorf("the refusal outlives a mail that went through: %+v %v", c, err)
		}
	})
}

func TestMailLeavesOnlyEncryptedAndSignedIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w, p := posted(t, db)
		w.assigns()
		w.all()
		waits := func(why string) {
			t.Helper()
			w.sends()
			h, err := w.ReadHealth(ctx)
			w.must(err)
			if h.Waiting != 2 || h.Trouble != why || len(p.inbox("")) != 0 {
				t.Fatalf("want %s: %+v, %d came", why, h, len(p.inbox("")))
			}
			w.clock.Advance(2 * time.Hour)
		}
		p.words = "changed"
		waits("sign_in")
		p.words = "mat khau"
		p.stop()
		p.plain = true
		p.start()
		waits("tls") // a server without STARTTLS gets nothing, no password either
		if p.signed != 0 {
			t.Error("the password went over the wire in the clear")
		}
		p.stop()
		p.plain = false
		p.start()
		roots := w.config.Roots
		w.config.Roots = x509.NewCertPool()
		waits("tls") // nor one that nobody vouches for
		w.config.Roots = roots
		p.stop()
		p.over = true
		p.start()
		w.config.Mail.TLS = ImplicitTLS
		w.sends()
		if n := len(p.inbox("")); n != 2 || p.signed != 2 {
			t.Errorf("over TLS %d came, %d signed in", n, p.signed)
		}
	})
}

func TestTwoCopiesSendEachMailOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w, p := posted(t, db)
		for range 6 {
			w.assigns()
		}
		var copies sync.WaitGroup
		for range 2 {
			one := New(db, w.clock, w.config)
			copies.Go(func() {
				for did := true; did; {
					var err error
					if did, err = one.Collect(ctx); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		copies.Wait()
		if n := w.count("notify_messages", "1 = 1"); n != 12 {
			t.Fatalf("%d messages", n)
		}
		for range 4 {
			one := New(db, w.clock, w.config)
			copies.Go(func() {
				for did := true; did; {
					var err error
					if did, err = one.SendMail(ctx); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		copies.Wait()
		w.sends() // what one had in hand while the others looked
		ids := p.ids()
		if len(ids) != 12 || len(p.inbox("")) != 12 {
			t.Errorf("%d mails, %d of them different, want 12", len(p.inbox("")), len(ids))
		}
	})
}

func TestWhoWantsNoMailGetsObligationsOnly(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w, p := posted(t, db)
		head := w.ids["head"]
		if err := w.Unsubscribe(ctx, head, w.token(w.ids["contact"])); inspection.CodeOf(err) != inspection.NotFound {
			t.Errorf("another's link: %v", err)
		}
		w.happens("lead", "finding.accept", ofFinding, w.finding, nil) // queued before
		w.all()
		for range 2 {
			w.must(w.Unsubscribe(ctx, head, w.token(head)))
		}
		w.happens("lead", "finding.accept", ofFinding, w.finding, nil)
		w.assigns()
		w.all()
		w.sends()
		if n := len(p.inbox("head@example.vn")); n != 1 {
			t.Errorf("%d mails, want the assignment alone", n)
		}
		if n := w.count("notify_messages", "person_id = ?", head); n != 3 {
			t.Errorf("%d messages in the program, want 3", n)
		}
		if n := w.count("history", "action = 'notify.contact' AND actor = ?", head); n != 2 {
			t.Errorf("%d rows of history", n)
		}
	})
}

// death ends a process of the test at a step: everything after it does not happen.
type death struct {
	mu   sync.Mutex
	left int // steps until it comes; below zero: never
	n    int // steps so far
	dead bool
	said string // which step it was
}

type died struct{}

// comes counts a step and tells whether the process is dead.
func (d *death) comes(what string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.n++
	if d.left >= 0 && d.n > d.left && !d.dead {
		d.dead, d.said = true, what
	}
	return d.dead
}

// step is a statement: none comes after death.
func (d *death) step(what string) {
	if d.comes(what) {
		panic(died{})
	}
}

func (d *death) gone() bool { d.mu.Lock(); defer d.mu.Unlock(); return d.dead }

// live begins anew.
func (d *death) live(left int) {
	d.mu.Lock()
	d.left, d.n, d.dead, d.said = left, 0, false, ""
	d.mu.Unlock()
}

// wire is a connection that ends with its process: what the library above it still does
// reaches nobody, and the next statement is none.
type wire struct {
	net.Conn
	d *death
}

func (c wire) Write(b []byte) (int, error) {
	if c.d.gone() || c.d.comes("before a write to the server") {
		c.Conn.Close()
		return 0, net.ErrClosed
	}
	return c.Conn.Write(b)
}

func (c wire) Read(b []byte) (int, error) {
	if c.d.gone() {
		c.Conn.Close()
		return 0, net.ErrClosed
	}
	n, err := c.Conn.Read(b)
	if c.d.comes("after a read from the server") {
		c.Conn.Close()
		return 0, net.ErrClosed
	}
	return n, err
}

// TestKilledAtAnyStepEveryMailArrives kills a copy at each statement and each exchange with
// the mail server in turn, between reading history and the last commit. Another copy then
// goes on. Every mail arrives; one arrives twice only where the copy died between the
// server's 250 and its own commit, and then under the same Message-ID.
func TestKilledAtAnyStepEveryMailArrives(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w, p := posted(t, db)
		d := &death{left: -1}
		for _, register := range []error{
			db.Callback().Create().Before("gorm:create").Register("death:create", func(*gorm.DB) { d.step("before an insert") }),
			db.Callback().Create().After("gorm:create").Register("death:created", func(*gorm.DB) { d.step("after an insert") }),
			db.Callback().Update().Before("gorm:update").Register("death:update", func(*gorm.DB) { d.step("before an update") }),
			db.Callback().Update().After("gorm:update").Register("death:updated", func(*gorm.DB) { d.step("after an update") }),
			db.Callback().Query().Before("gorm:query").Register("death:query", func(*gorm.DB) { d.step("before a query") }),
		} {
			w.must(register)
		}
		mortal := w.config
		mortal.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			return wire{conn, d}, err
		}
		copyOf := New(db, w.clock, mortal)
		// live is one copy that collects and sends, until it is done or dead.
		live := func(d *death) (ended bool) {
			defer func() {
				switch r := recover().(type) {
				case nil, died:
				default:
					panic(r)
				}
			}()
			for _, step := range []func(context.Context) (bool, error){copyOf.Collect, copyOf.SendMail} {
				for did := true; did; {
					var err error
					if did, err = step(ctx); err != nil && !d.gone() {
						t.Fatal(err)
					}
				}
			}
			return !d.gone()
		}
		twice, kills := 0, 0
		for at := 0; ; at++ {
			d.live(-1)
			w.exec("DELETE FROM notify_mails")
			w.exec("DELETE FROM notify_messages")
			p.mu.Lock()
			p.got = nil
			p.mu.Unlock()
			w.assigns() // for the head and the contact
			d.live(at)
			ended := live(d)
			said := d.said
			d.live(-1)
			// What the server has taken and the database does not know yet.
			between := map[string]bool{}
			for id := range p.ids() {
				between[id] = true
			}
			var sent []Message
			w.must(db.Where("id IN (SELECT message_id FROM notify_mails WHERE state = 'SENT')").Find(&sent).Error)
			for _, m := range sent {
				delete(between, "<"+w.messageID(m.EventID, m.PersonID)+">")
			}
			if len(between) > 1 {
				t.Fatalf("step %d: %d mails between 250 and commit", at, len(between))
			}
			w.clock.Advance(lease + time.Minute) // the lease of the dead runs out
			if !live(d) {
				t.Fatal("the second copy died too")
			}
			ids := p.ids()
			if len(ids) != 2 {
				t.Errorf("step %d, %s: %d of 2 mails arrived", at, said, len(ids))
			}
			for id, n := range ids {
				if n == 1 || n == 2 && between[id] {
					continue
				}
				t.Errorf("step %d, %s: %s arrived %d times", at, said, id, n)
			}
			if n := len(p.inbox("")); n > 2 {
				twice++
			}
			if n := w.count("notify_messages", "1 = 1"); n != 2 {
				t.Errorf("step %d: %d messages", at, n)
			}
			if ended {
				break
			}
			kills++
		}
		if twice == 0 || kills < 60 {
			t.Errorf("killed at %d steps, of which %d sent twice: the test does not reach what it is about", kills, twice)
		}
		t.Logf("killed at %d steps; %d lie between the server's 250 and the commit", kills, twice)
	})
}
