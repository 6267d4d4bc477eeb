package notify

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/history"
	"congvu/inspection/i18n"
	"congvu/inspection/org"

	"gorm.io/gorm"
)

var ctx = context.Background()

// What fails is in what the tests look at; the log of a server that is down would hide it.
func init() { slog.SetDefault(slog.New(slog.DiscardHandler)) }

// world is a committee that decides, a unit with two people, another unit, two teams, one
// concluded check of the unit with an assigned finding, and a re-inspection that is under
// way and that nobody outside its team may know of.
type world struct {
	*Service
	t     *testing.T
	db    *gorm.DB
	clock *inspection.ManualClock

	unit, other, issuer     org.Organisation
	visit, again, finding   string
	recommended             string
	names                   map[string]string // of people, by id
	ids                     map[string]string // and back
	campaign, team, foreign string
}

var morning = time.Date(2026, 3, 4, 8, 0, 0, 0, inspection.Zone)

func newWorld(t *testing.T, db *gorm.DB, config Config) *world {
	t.Helper()
	w := &world{t: t, db: db, clock: inspection.NewManualClock(morning), names: map[string]string{}, ids: map[string]string{}}
	config.URL, _ = url.Parse("https://congvu.example.vn")
	config.Unsubscribe, config.Webhooks = make([]byte, 32), make([]byte, 32)
	w.Service = New(db, w.clock, config)
	act := org.Act{At: w.clock.Now()}
	admin := inspection.Actor{Person: inspection.NewID(), Capacities: []inspection.Capacity{{Role: inspection.SysAdmin}}}
	_, err := org.New(db, w.clock).ImportUnits(ctx, admin, strings.NewReader("key,name,unit_type,parent_key,valid_from,valid_to\nvn,Việt Nam,COUNTRY,,,\nvn/mau,Tỉnh Mẫu,PROVINCE,vn,,\n"),
		strings.NewReader("predecessor_key,portion,successor_key,relation,legal_act,effective_date\n"), false)
	w.must(err)
	_, err = org.New(db, w.clock).ImportHours(ctx, admin, "vn", org.Seed("hours.csv"), false)
	w.must(err)
	u, err := org.UnitByKey(db, "vn/mau")
	w.must(err)
	place := func(name string, kind org.Kind) org.Organisation {
		o, err := org.CreateOrganisation(db, act, org.Organisation{Kind: kind, Name: name, AdminUnitID: u.ID})
		w.must(err)
		return o
	}
	w.issuer, w.unit, w.other = place("UBND Tỉnh Mẫu", org.PeoplesCommittee), place("Trung tâm xã Mẫu 01", org.ServiceCenterCommune), place("Trung tâm xã Mẫu 02", org.ServiceCenterCommune)
	w.campaign, w.team, w.foreign = inspection.NewID(), inspection.NewID(), inspection.NewID()
	w.exec("INSERT INTO checklists (id, key, number, title_vi, created_at) VALUES (?, 'k', 1, 'x', 1)", w.campaign)
	w.person("chair", inspection.Chairperson, w.issuer.ID, "")
	w.exec("INSERT INTO campaigns (id, title, issuer_id, decision_number, decision_date, decided_by, period_from, period_to, created_at) VALUES (?, 'x', ?, '1', '2026-01-01', ?, '2026-01-01', '2026-12-31', 1)",
		w.campaign, w.issuer.ID, w.ids["chair"])
	w.exec("INSERT INTO teams (id, campaign_id, name) VALUES (?, ?, 'x')", w.team, w.campaign)
	w.exec("INSERT INTO teams (id, campaign_id, name) VALUES (?, ?, 'y')", w.foreign, w.campaign)
	w.person("decider", inspection.ViceChairperson, w.issuer.ID, "")
	w.person("office", inspection.ChiefOfOffice, w.issuer.ID, "")
	w.person("lead", inspection.TeamLead, w.issuer.ID, w.team)
	w.person("deputy", inspection.DeputyLead, w.issuer.ID, w.team)
	w.person("secretary", inspection.TeamSecretary, w.issuer.ID, w.team)
	w.person("inspector", inspection.Inspector, w.issuer.ID, w.team)
	w.person("other lead", inspection.TeamLead, w.issuer.ID, w.foreign)
	w.person("head", inspection.UnitHead, w.unit.ID, "")
	w.person("contact", inspection.UnitContact, w.unit.ID, "")
	w.person("other head", inspection.UnitHead, w.other.ID, "")
	w.person("admin", inspection.SysAdmin, w.issuer.ID, "")
	w.visit = w.check("CONCLUDED", "SURPRISE")
	w.again = w.check("IN_PROGRESS", "REINSPECTION")
	decider := w.ids["decider"]
	f, err := finding.Raise(db, org.Act{Actor: inspection.Actor{Person: w.ids["lead"]}, Capacity: inspection.Capacity{Role: inspection.TeamLead, Team: w.team}, At: w.clock.Now()},
		finding.Raised{VisitID: w.visit, CampaignID: w.campaign, TeamID: w.team, IssuerID: w.issuer.ID, DeciderID: &decider, OrganisationID: w.unit.ID,
			OrganisationName: w.unit.Name, ItemKey: "A04", ItemCode: "A04", Section: "A", ItemText: "Bố trí đủ người", DefaultSeverity: finding.Moderate,
			Text: "Thiếu người trực quầy số 3", Remedy: "Bố trí đủ", CheckEndedAt: w.clock.Now()})
	w.must(err)
	w.finding = f.ID
	w.recommended = inspection.NewID()
	w.must(db.Create(&finding.Recommendation{ID: w.recommended, VisitID: w.visit, IssuerID: w.issuer.ID, TeamID: w.team, DeciderID: &decider, ResponsibleID: w.unit.ID,
		Kind: finding.Reminder, Reason: "x", DueOn: "2026-03-20", State: finding.RecommendationOpen, MadeAt: w.clock.Now(), MadeBy: decider, Version: 1}).Error)
	w.exec("UPDATE findings SET state = 'ASSIGNED', due_on = '2026-03-20' WHERE id = ?", f.ID)
	w.all() // what has been written so far is no message's
	w.exec("DELETE FROM notify_mails")
	w.exec("DELETE FROM notify_messages")
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	w.must(w.db.Exec(sql, args...).Error)
}

// check is a check of the unit in a state.
func (w *world) check(state, form string) string {
	w.t.Helper()
	target, id := inspection.NewID(), inspection.NewID()
	w.exec("INSERT INTO targets (id, campaign_id, team_id, lead_id, form, organisation_id, planned_on, state, created_at) VALUES (?, ?, ?, ?, ?, ?, '2026-03-02', 'STARTED', 1)",
		target, w.campaign, w.team, w.ids["lead"], form, w.unit.ID)
	w.exec("INSERT INTO visits (id, target_id, campaign_id, team_id, lead_id, form, organisation_id, organisation_kind, organisation_name, issuer_id, decision_number, decision_date, decided_by, checklist_id, state, day, checked_in_at) VALUES (?, ?, ?, ?, ?, ?, ?, 'SERVICE_CENTER_COMMUNE', ?, ?, '1', '2026-01-01', ?, ?, ?, '2026-03-02', 1)",
		id, target, w.campaign, w.team, w.ids["lead"], form, w.unit.ID, w.unit.Name, w.issuer.ID, w.ids["decider"], w.campaign, state)
	return id
}

// person is somebody with a role from long ago.
func (w *world) person(name string, role inspection.Role, organisation, team string) string {
	w.t.Helper()
	act := org.Act{At: w.clock.Now()}
	p, err := org.CreatePerson(w.db, act, org.Person{Name: name})
	w.must(err)
	r := org.RoleRow{PersonID: p.ID, Role: role, OrganisationID: &organisation}
	if team != "" {
		r.TeamID = &team
	}
	_, err = org.Grant(w.db, act, r)
	w.must(err)
	w.names[p.ID], w.ids[name] = name, p.ID
	return p.ID
}

// actor is somebody with the capacities of today.
func (w *world) actor(name string) inspection.Actor {
	w.t.Helper()
	a, err := org.ActorOn(w.db, w.ids[name], w.clock.Now().Date())
	w.must(err)
	return a
}

// writes gives somebody an address, and takes mail that is no obligation.
func (w *world) writes(name string, lang i18n.Lang) {
	w.t.Helper()
	a := w.actor(name)
	c, err := w.ContactOf(ctx, a, a.Person)
	w.must(err)
	w.must(w.SetContact(ctx, a, a.Person, ContactInput{Email: strings.ReplaceAll(name, " ", ".") + "@example.vn", Language: lang, Wants: true, Version: c.Version}))
}

// happens writes a row of history and gives its id.
func (w *world) happens(by, action, kind, id string, data map[string]any) string {
	w.t.Helper()
	w.must(history.Append(w.db, history.Event{Actor: inspection.Actor{Person: w.ids[by]}, At: w.clock.Now(), Action: action, SubjectKind: kind, SubjectID: id, Data: data}))
	var row string
	w.must(w.db.Raw("SELECT id FROM history ORDER BY seq DESC LIMIT 1").Scan(&row).Error)
	return row
}

// assigns lets the finding be assigned, which the unit must know of.
func (w *world) assigns() string {
	return w.happens("decider", "finding.assign", ofFinding, w.finding, map[string]any{"to": "ASSIGNED", "due": "2026-03-20"})
}

// all collects until nothing is left.
func (w *world) all() {
	w.t.Helper()
	for did := true; did; {
		var err error
		did, err = w.Collect(ctx)
		w.must(err)
	}
}

// told are the names of those who have a message of an event.
func (w *world) told(event string) []string {
	w.t.Helper()
	var people []string
	w.must(w.db.Model(&Message{}).Where("event_id = ?", event).Pluck("person_id", &people).Error)
	names := []string{}
	for _, p := range people {
		names = append(names, w.names[p])
	}
	slices.Sort(names)
	return names
}

func (w *world) count(table, where string, args ...any) (n int64) {
	w.t.Helper()
	w.must(w.db.Table(table).Where(where, args...).Count(&n).Error)
	return n
}

// certificate is one of this test's own, for a host, and the pool that trusts it.
func certificate(t testing.TB, hosts ...string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func mailFor(addr string) MailConfig {
	return MailConfig{Addr: addr, From: "Kiểm tra công vụ <congvu@example.vn>", User: "congvu", Password: "mat khau", TLS: StartTLS}
}

func port(addr net.Addr) string { return fmt.Sprint(addr.(*net.TCPAddr).Port) }
