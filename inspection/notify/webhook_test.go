package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/i18n"
	"congvu/migrations/dbtest"

	"golang.org/x/net/dns/dnsmessage"
	"gorm.io/gorm"
)

// receiver is an endpoint of somebody else's.
type receiver struct {
	*httptest.Server
	mu   sync.Mutex
	got  []call
	says int
}

type call struct {
	header http.Header
	body   string
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{says: http.StatusOK}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		raw, _ := io.ReadAll(q.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got = append(r.got, call{q.Header.Clone(), string(raw)})
		if r.says >= 300 && r.says < 400 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(r.says)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) say(status int) { r.mu.Lock(); r.says = status; r.mu.Unlock() }

func (r *receiver) calls() []call { r.mu.Lock(); defer r.mu.Unlock(); return r.got }

// hook adds an endpoint and gives its id and secret.
func (w *world) hook(url string) (id, secret string) {
	w.t.Helper()
	id = inspection.NewID()
	secret, err := w.AddWebhook(ctx, w.actor("admin"), id, url)
	w.must(err)
	w.all()
	return id, secret
}

func (w *world) calls() (n int) {
	w.t.Helper()
	for {
		did, err := w.CallWebhook(ctx)
		w.must(err)
		if !did {
			return n
		}
		n++
	}
}

func (w *world) version(id string) int64 {
	w.t.Helper()
	h, err := w.Webhook(ctx, w.actor("admin"), id)
	w.must(err)
	return h.Version
}

// verified is the check that the specification describes, written out here: of whichever
// signature of the list fits the secret.
func verified(t *testing.T, secret string, c call) bool {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || !strings.HasPrefix(secret, "whsec_") || len(raw) < 24 || len(raw) > 64 {
		t.Fatalf("secret %q: %v", secret, err)
	}
	mac := hmac.New(sha256.New, raw)
	fmt.Fprintf(mac, "%s.%s.%s", c.header.Get("webhook-id"), c.header.Get("webhook-timestamp"), c.body)
	want := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for _, s := range strings.Split(c.header.Get("webhook-signature"), " ") {
		if version, signature, _ := strings.Cut(s, ","); version == "v1" && hmac.Equal([]byte(signature), []byte(want)) {
			return true
		}
	}
	return false
}

func TestWebhooksAreSignedAsTheSpecificationSays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w, r := newWorld(t, db, Config{Here: true}), newReceiver(t)
		id, secret := w.hook(r.URL)
		event := w.assigns()
		w.all()
		if n := w.calls(); n != 1 {
			t.Fatalf("%d calls", n)
		}
		first := r.calls()[0]
		if !verified(t, secret, first) || first.header.Get("Content-Type") != "application/json" {
			t.Errorf("%v %s", first.header, first.body)
		}
		if at, err := strconv.ParseInt(first.header.Get("webhook-timestamp"), 10, 64); err != nil || at != w.clock.Now().Time().Unix() {
			t.Errorf("timestamp %s", first.header.Get("webhook-timestamp"))
		}
		var body struct {
			Type      string
			Timestamp time.Time
			Data      map[string]string
		}
		w.must(json.Unmarshal([]byte(first.body), &body))
		if body.Type != "finding.assign" || body.Timestamp.UnixMilli() != int64(w.clock.Now()) || body.Data["event"] != event || body.Data["subject"] != w.finding ||
			body.Data["visit"] != w.visit || body.Data["unit"] != w.unit.ID || body.Data["due"] != "2026-03-20" || len(body.Data) != 7 {
			t.Errorf("%s", first.body)
		}
		for _, word := range []string{w.unit.Name, "quầy", "head", "A04"} {
			if strings.Contains(first.body, word) {
				t.Errorf("%q goes out: %s", word, first.body)
			}
		}
		if w.count("notify_webhooks", "secret LIKE ?", "%"+strings.TrimPrefix(secret, "whsec_")+"%") > 0 {
			t.Error("the secret stands in the database in the clear")
		}
		fresh, err := w.RotateSecret(ctx, w.actor("admin"), id, w.version(id))
		w.must(err)
		w.must(w.TestWebhook(ctx, w.actor("admin"), id, inspection.NewID()))
		w.calls()
		if c := r.calls()[1]; !verified(t, secret, c) || !verified(t, fresh, c) || !strings.Contains(c.body, `"type":"test"`) {
			t.Error("after a change of the secret both must sign for a day")
		}
		w.clock.Advance(25 * time.Hour)
		w.must(w.TestWebhook(ctx, w.actor("admin"), id, inspection.NewID()))
		w.calls()
		if c := r.calls()[2]; verified(t, secret, c) || !verified(t, fresh, c) {
			t.Error("after a day the new one alone must sign")
		}
	})
}

func TestAnEndpointThatFailsIsTriedAgainLoggedAndSwitchedOff(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w, r := newWorld(t, db, Config{Here: true}), newReceiver(t)
		id, _ := w.hook(r.URL)
		admin := w.actor("admin")
		r.say(500)
		w.assigns()
		w.all()
		w.calls()
		r.say(200)
		if n := w.calls(); n != 0 {
			t.Error("tried again at once")
		}
		w.clock.Advance(time.Minute)
		w.calls()
		log, _, err := w.Log(ctx, admin, id, inspection.Page{})
		w.must(err)
		if len(log) != 1 || log[0].State != DeliverySent || log[0].Attempts != 2 || log[0].Last.Status != 200 {
			t.Errorf("%+v", log)
		}
		if n := w.count("notify_attempts", "status = 500 AND error = 'status'"); n != 1 {
			t.Errorf("%d tries with 500 in the log", n)
		}
		w.must(w.Resend(ctx, admin, id, log[0].ID))
		w.calls()
		if all := r.calls(); len(all) != 3 || all[0].header.Get("webhook-id") != all[2].header.Get("webhook-id") {
			t.Errorf("%d calls", len(all))
		}
		if err := w.Resend(ctx, admin, id, inspection.NewID()); inspection.CodeOf(err) != inspection.NotFound {
			t.Errorf("an unknown delivery: %v", err)
		}

		r.say(302) // what it points at is not asked
		w.assigns()
		w.all()
		w.calls()
		if n := w.count("notify_attempts", "status = 302 AND error = 'redirect'"); n != 1 || len(r.calls()) != 4 {
			t.Errorf("a redirect: %d, %d calls", n, len(r.calls()))
		}
		w.must(w.PauseWebhook(ctx, admin, id, w.version(id)))
		w.clock.Advance(time.Hour)
		if n := w.calls(); n != 0 {
			t.Error("a paused endpoint is called")
		}
		w.must(w.ResumeWebhook(ctx, admin, id, w.version(id)))
		for range 7 * 24 {
			w.assigns()
			w.all()
			w.calls()
			w.clock.Advance(time.Hour)
		}
		h, err := w.Webhook(ctx, admin, id)
		w.must(err)
		if h.State != HookOff {
			t.Errorf("after a week of failing it is %s", h.State)
		}
		health, err := w.ReadHealth(ctx)
		w.must(err)
		if health.Off != 1 {
			t.Errorf("%+v", health)
		}
		before := len(r.calls())
		r.say(200)
		w.assigns()
		w.all()
		w.clock.Advance(48 * time.Hour)
		w.calls()
		if len(r.calls()) != before {
			t.Error("an endpoint that is off is called")
		}
		w.must(w.RemoveWebhook(ctx, admin, id, w.version(id)))
		if n := w.count("notify_webhooks", "secret <> '' OR old_secret <> ''"); n > 0 {
			t.Error("the secret outlives its endpoint")
		}
		for _, not := range []string{"head", "lead", "chair"} {
			if _, err := w.Webhooks(ctx, w.actor(not)); inspection.CodeOf(err) != inspection.Forbidden {
				t.Errorf("%s sees the endpoints: %v", not, err)
			}
		}
	})
}

// TestAHangingEndpointHoldsUpNoOther: four that never answer take up four workers of one
// copy for their ten seconds; the fifth is served meanwhile.
func TestAHangingEndpointHoldsUpNoOther(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w, r := newWorld(t, db, Config{Here: true}), newReceiver(t)
		release, hung := make(chan struct{}), make(chan struct{}, 10)
		hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			hung <- struct{}{}
			<-release
		}))
		defer hanging.Close()
		for range 3 {
			w.hook(hanging.URL)
		}
		w.hook(r.URL)
		for range 3 {
			w.assigns()
		}
		w.all()
		var workers sync.WaitGroup
		for range 3 {
			workers.Go(func() {
				if _, err := w.CallWebhook(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		served := 0
		for busy := 0; busy < 3 && served < 3; { // whichever the three took, the rest goes on
			select {
			case <-hung:
				busy++
			case <-time.After(20 * time.Millisecond):
				did, err := w.CallWebhook(ctx)
				w.must(err)
				if did {
					served++
				}
			}
		}
		for len(r.calls()) < 3 {
			did, err := w.CallWebhook(ctx)
			w.must(err)
			if !did {
				break
			}
		}
		if n := len(r.calls()); n != 3 {
			t.Errorf("%d of 3 came to the one that answers", n)
		}
		close(release)
		workers.Wait()
	})
}

func TestTwoCopiesCallEachWebhookOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w, r := newWorld(t, db, Config{Here: true}), newReceiver(t)
		w.hook(r.URL)
		w.hook(r.URL + "/2")
		for range 8 {
			w.assigns()
		}
		w.all()
		var copies sync.WaitGroup
		for range 4 {
			one := New(db, w.clock, w.config)
			copies.Go(func() {
				for did := true; did; {
					var err error
					if did, err = one.CallWebhook(ctx); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		copies.Wait()
		w.calls() // what one had in hand while the others looked
		ids := map[string]int{}
		for _, c := range r.calls() {
			ids[c.header.Get("webhook-id")]++
		}
		if len(ids) != 16 || len(r.calls()) != 16 {
			t.Errorf("%d calls, %d of them different, want 16", len(r.calls()), len(ids))
		}
	})
}

func TestAddressesThatAreNotPublic(t *testing.T) {
	for _, inside := range []string{"127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200",
		"0.0.0.0", "0.1.2.3", "224.0.0.1", "239.1.1.1", "255.255.255.255", "240.0.0.1", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.9", "168.63.129.16",
		"::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1", "64:ff9b::7f00:1", "64:ff9b::a00:1",
		"64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a00:1::1", "2001:0:4136:e378::1", "2001:db8::1", "3fff::1", "100::1"} {
		if public(netip.MustParseAddr(inside)) {
			t.Errorf("%s is taken for public", inside)
		}
	}
	for _, outside := range []string{"1.1.1.1", "8.8.8.8", "113.160.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2405:4800::1", "::ffff:8.8.8.8"} {
		if !public(netip.MustParseAddr(outside)) {
			t.Errorf("%s is not taken for public", outside)
		}
	}
}

// TestInternalAddressesAreNeverDialled: neither by address, nor by a name that points
// inside when it is asked, though it did not when the endpoint was added; unless the
// operator has allowed the network.
func TestInternalAddressesAreNeverDialled(t *testing.T) {
	db := dbtest.SQLite(t)
	pair, pool := certificate(t, "hooks.example.vn", "127.0.0.1")
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	reached := 0
	inside := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ })}
	go inside.Serve(listener)
	defer inside.Close()
	w := newWorld(t, db, Config{Roots: pool, Resolver: resolver(t, "127.0.0.1")})
	for _, address := range []string{"http://127.0.0.1:1/", "https://127.0.0.1/", "https://localhost/", "https://10.1.2.3/", "https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://169.254.169.254/latest",
		"https://[64:ff9b::7f00:1]/", "ftp://example.vn/", "https://user:word@example.vn/", "https://", "example.vn", "https://example.vn/#x", "http://example.vn/", "https://example.vn/" + strings.Repeat("x", 500)} {
		if _, err := w.AddWebhook(ctx, w.actor("admin"), inspection.NewID(), address); inspection.CodeOf(err) != inspection.Invalid {
			t.Errorf("%s: %v", address, err)
		}
	}
	w.hook("https://hooks.example.vn:" + port(listener.Addr()) + "/")
	w.assigns()
	w.all()
	w.calls()
	if n := w.count("notify_attempts", "error = 'blocked'"); n != 1 || reached != 0 {
		t.Errorf("%d blocked, %d reached what lies inside", n, reached)
	}
	// A name that looks like this machine's is not enough either, where it is reached from others.
	t.Setenv("HTTPS_PROXY", "http://"+listener.Addr().String())
	w.clock.Advance(time.Hour)
	w.calls()
	if n := w.count("notify_attempts", "error = 'blocked'"); n != 2 || reached != 0 {
		t.Errorf("%d blocked beside a proxy, %d reached", n, reached)
	}
	w.config.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	w.clock.Advance(6 * time.Hour)
	w.calls()
	if n := w.count("notify_deliveries", "state = 'SENT'"); n != 1 || reached != 1 {
		t.Errorf("the office's own network: %d sent, %d reached", n, reached)
	}
}

// resolver asks a name server of this test that gives one address for every name.
func resolver(t *testing.T, address string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		b := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			var q dnsmessage.Message
			if q.Unpack(b[:n]) != nil || len(q.Questions) != 1 {
				continue
			}
			a := dnsmessage.Message{Header: dnsmessage.Header{ID: q.ID, Response: true, RecursionAvailable: true}, Questions: q.Questions}
			if q.Questions[0].Type == dnsmessage.TypeA {
				a.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Questions[0].Name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET, TTL: 1},
					Body: &dnsmessage.AResource{A: netip.MustParseAddr(address).As4()}}}
			}
			if raw, err := a.Pack(); err == nil {
				_, _ = conn.WriteTo(raw, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// Who has taken mails in hand and hooks is forgotten with the log after 90 days; messages
// stay.
func TestTheLogOfDeliveriesEnds(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w, r := newWorld(t, db, Config{Here: true}), newReceiver(t)
		w.writes("head", i18n.VI)
		w.hook(r.URL)
		w.assigns()
		w.all()
		w.calls()
		w.clock.Advance(91 * 24 * time.Hour)
		w.must(w.Tidy(ctx))
		if n := w.count("notify_deliveries", "1 = 1") + w.count("notify_attempts", "1 = 1"); n != 0 {
			t.Errorf("%d rows are left", n)
		}
		if n := w.count("notify_messages", "1 = 1"); n != 2 {
			t.Errorf("%d messages", n)
		}
	})
}
