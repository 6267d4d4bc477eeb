package main

import (
	"context"
	"crypto/ed25519"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"

	"congvu/evidence"
	"congvu/evidence/blob"
	"congvu/evidence/blob/fileblob"
	"congvu/evidence/blob/minioblob"
	"congvu/evidence/camera"
	"congvu/evidence/imaging"
	"congvu/evidence/snapshot"
	"congvu/inspection"
	"congvu/inspection/auth"
	"congvu/inspection/checklist"
	"congvu/inspection/finding"
	"congvu/inspection/i18n"
	"congvu/inspection/inbox"
	"congvu/inspection/installation"
	"congvu/inspection/notify"
	"congvu/inspection/org"
	"congvu/inspection/plan"
	"congvu/inspection/selfcheck"
	"congvu/inspection/summary"
	"congvu/inspection/visit"
	"congvu/migrations"
	"congvu/web"

	"gorm.io/gorm"
)

// program is the stores opened and the services built on them.
type program struct {
	config   Config
	db       *gorm.DB
	store    blob.Store
	services web.Services
	doctor   *doctor
}

// open opens the stores, brings the schema up to date and builds the services.
func (m *Main) open(ctx context.Context, c Config) (*program, error) {
	p := &program{config: c}
	keys, err := c.ReadKeys()
	if err != nil {
		return nil, err
	}
	if p.db, err = migrations.Open(ctx, c.DSN()); err != nil {
		return nil, err
	}
	if err := migrations.Up(ctx, p.db); err != nil {
		p.close()
		return nil, err
	}
	if err := plan.Complete(p.db.WithContext(ctx)); err != nil {
		p.close()
		return nil, err
	}
	if p.store, err = openStore(ctx, c); err != nil {
		p.close()
		return nil, err
	}
	if p.services, err = build(p.db, p.store, m.Clock, keys, c); err != nil {
		p.close()
		return nil, err
	}
	p.doctor = &doctor{program: p, clock: m.Clock}
	p.services.Health = p.doctor.health
	p.services.Instances = func(ctx context.Context) ([]installation.Instance, error) {
		return installation.Running(ctx, p.db, m.Clock.Now())
	}
	return p, nil
}

func (p *program) close() {
	if err := migrations.Close(p.db); err != nil {
		slog.Error("closing the database", "error", err)
	}
}

func openStore(ctx context.Context, c Config) (blob.Store, error) {
	if c.S3Endpoint == "" {
		return fileblob.Open(filepath.Join(c.Data, "evidence"))
	}
	return minioblob.Open(ctx, minioblob.Config{Endpoint: c.S3Endpoint, Bucket: c.S3Bucket, Region: c.S3Region,
		AccessKey: c.S3AccessKey, SecretKey: c.S3SecretKey, TLS: c.S3TLS})
}

// build joins the packages: each declares what it needs of the others, and the
// adapters below give it.
func build(db *gorm.DB, store blob.Store, clock inspection.Clock, keys Keys, c Config) (web.Services, error) {
	rights := &fileRights{}
	files, err := evidence.New(db, clock, store, rights, evidence.Config{
		Limits: imaging.Limits{Bytes: c.MaxFileBytes, Pixels: c.MaxFilePixels},
		Spool:  filepath.Join(c.Data, "spool"), Key: ed25519.NewKeyFromSeed(keys.Receipts)})
	if err != nil {
		return web.Services{}, err
	}
	s := web.Services{
		Auth:       auth.New(db, clock, auth.Config{Key: keys.Sessions, SetupKey: keys.Setup, Devices: keys.Devices}),
		Org:        org.New(db, clock),
		Checklists: checklist.New(db, clock),
		Plan:       plan.New(db, clock, visit.Checks{}),
		Findings:   finding.New(db, clock, findingEvidence{files}),
		Inbox:      inbox.New(db, clock),
		Evidence:   files,
		Summary:    summary.New(db, clock),
		SelfChecks: selfcheck.New(db, clock),
		Clock:      clock,
	}
	s.Org.WhenDaysChange(func(tx *gorm.DB, act org.Act, from, to inspection.Date) error {
		if err := visit.Postpone(tx, act, from, to); err != nil {
			return err
		}
		return finding.Postpone(tx, act, from, to)
	})
	allow, err := notify.ParsePrefixes(c.WebhookAllow)
	if err != nil {
		return web.Services{}, err
	}
	s.Notify = notify.New(db, clock, notify.Config{URL: c.PublicURL(), Unsubscribe: keys.Letters, Webhooks: keys.Webhooks, Here: c.listensHere(), Allow: allow,
		Mail: notify.MailConfig{Addr: c.SMTPAddr, From: c.SMTPFrom, User: c.SMTPUser, Password: c.SMTPPassword, TLS: c.SMTPTLS}})
	ranges, err := notify.ParsePrefixes(c.CameraRanges)
	if err != nil {
		return web.Services{}, err
	}
	checks := &stillChecks{}
	s.Snapshots = snapshot.New(db, clock, files, checks, camera.New(camera.Options{Allowed: ranges, Clock: clock}), snapshot.Config{Key: keys.Cameras})
	s.Visits = visit.New(db, clock, visitEvidence{files, s.Snapshots})
	checks.visits = s.Visits
	rights.visits = s.Visits
	return s, nil
}

// visitEvidence is what a check asks of files.
type visitEvidence struct {
	files  *evidence.Service
	stills *snapshot.Service
}

func (e visitEvidence) Files(tx *gorm.DB, id string) (map[string]visit.FileState, error) {
	states, err := e.files.States(tx, id)
	out := make(map[string]visit.FileState, len(states))
	for file, state := range states {
		out[file] = visit.FileState(state)
	}
	return out, err
}

func (e visitEvidence) Declare(tx *gorm.DB, actor inspection.Actor, id string, list []visit.Declared) error {
	return e.files.DeclareIn(tx, actor, id, declarations(id, list)...)
}

func (e visitEvidence) Attach(tx *gorm.DB, actor inspection.Actor, id string, list []visit.Hanging) error {
	// A tablet hangs a photo before it is sent; a scan of signed minutes must be there.
	waiting := !slices.ContainsFunc(list, func(h visit.Hanging) bool { return h.Role == string(evidence.Scan) })
	return e.files.Attach(tx, actor, id, hangings(list), waiting)
}

func (e visitEvidence) Carry(tx *gorm.DB, actor inspection.Actor, c inspection.Capacity, list []visit.Hanging) error {
	return e.files.Link(tx, actor, c, hangings(list)...)
}

func (e visitEvidence) Detach(tx *gorm.DB, actor inspection.Actor, c inspection.Capacity, file, kind, subject string) error {
	return e.files.Unlink(tx, actor, c, evidence.Hanging{File: file, On: on(kind, subject, string(evidence.Evidence))},
		evidence.Hanging{File: file, On: on(kind, subject, string(evidence.After))})
}

func declarations(id string, list []visit.Declared) []evidence.Declaration {
	out := make([]evidence.Declaration, len(list))
	for i, d := range list {
		out[i] = evidence.Declaration{ID: d.File, Visit: id, SHA256: d.SHA256, Size: d.Bytes, Name: d.Name, Kind: evidence.Kind(d.Kind),
			Contains: evidence.Contains(d.Contains), NoPeople: d.NoPeople, Of: d.Of}
		if !d.CapturedAt.IsZero() {
			out[i].CapturedAt = inspection.At(d.CapturedAt)
		}
	}
	return out
}

func on(kind, id, role string) evidence.On {
	return evidence.On{Subject: evidence.Subject{Kind: evidence.SubjectKind(kind), ID: id}, Role: evidence.Role(role)}
}

func hangings(list []visit.Hanging) []evidence.Hanging {
	out := make([]evidence.Hanging, len(list))
	for i, h := range list {
		out[i] = evidence.Hanging{File: h.File, On: on(h.Kind, h.ID, h.Role)}
	}
	return out
}

// fileRights answers for evidence who somebody is to a check.
type fileRights struct{ visits *visit.Service }

var (
	teamTakes = map[visit.Phase]bool{visit.Inspecting: true, visit.Drafting: true, visit.Cannot: true}
	unitTakes = map[visit.Phase]bool{visit.MinutesOK: true, visit.MinutesNoSig: true, visit.Cannot: true, visit.Reported: true, visit.Concluded: true}
)

// answers tells whether the actor answers for the check's unit: as it was, or as
// who answers now for one of its findings.
func answers(tx *gorm.DB, actor inspection.Actor, v visit.Visit) (inspection.Capacity, bool, error) {
	if c, ok := org.Can(actor, org.AnswerFinding, v.Subject()); ok {
		return c, true, nil
	}
	responsible, err := finding.ResponsibleFor(tx, v.ID)
	if err != nil {
		return inspection.Capacity{}, false, err
	}
	for _, id := range responsible {
		if c, ok := org.Can(actor, org.AnswerFinding, org.Subject{Unit: id}); ok {
			return c, true, nil
		}
	}
	return inspection.Capacity{}, false, nil
}

func (r *fileRights) Add(tx *gorm.DB, actor inspection.Actor, id string, on []evidence.Subject) (evidence.Grant, error) {
	missing := inspection.E(inspection.NotFound, "error.not_found")
	v, err := r.visits.Find(tx, id)
	if inspection.CodeOf(err) == inspection.NotFound {
		return addToCampaign(tx, actor, id, on)
	}
	if err != nil {
		return evidence.Grant{}, err
	}
	g := evidence.Grant{Team: v.TeamID, Organisation: v.OrganisationID, Decision: v.DecisionNumber}
	if c, ok := org.Can(actor, org.InspectVisit, v.Subject()); ok {
		if !teamTakes[v.State] {
			return g, inspection.E(inspection.Conflict, "visit.error.closed_for_answers")
		}
		g.Side, g.Capacity, g.NoFiles = evidence.Team, c, v.Remote()
		return g, nil
	}
	c, ok, err := answers(tx, actor, v)
	if err != nil {
		return g, err
	}
	if !ok || !unitTakes[v.State] {
		return g, missing
	}
	g.Side, g.Capacity = evidence.Unit, c
	return g, nil
}

func (r *fileRights) See(tx *gorm.DB, actor inspection.Actor, f evidence.Facts) (evidence.View, error) {
	v, err := r.visits.Find(tx, f.Visit)
	if inspection.CodeOf(err) == inspection.NotFound {
		return seeInCampaign(tx, actor, f.Visit)
	}
	if err != nil {
		return evidence.View{}, err
	}
	if c, ok := org.Can(actor, org.InspectVisit, v.Subject()); ok {
		_, lead := org.Can(actor, org.ReportVisit, v.Subject())
		view := evidence.View{Side: evidence.Team, Sight: evidence.SeeAll, Lead: lead, Capacity: c}
		if lead || f.Mine {
			view.Sight = evidence.SeeRestricted
		}
		return view, nil
	}
	c, ok, err := answers(tx, actor, v)
	if err != nil {
		return evidence.View{}, err
	}
	if ok && unitTakes[v.State] {
		view := evidence.View{Side: evidence.Unit, Capacity: c}
		switch {
		case f.Side == evidence.Unit && f.Mine:
			view.Sight = evidence.SeeRestricted
		case f.Side == evidence.Unit:
			view.Sight = evidence.SeeAll
		case f.Told:
			view.Sight = evidence.SeeShared
		}
		return view, nil
	}
	if c, ok := org.Can(actor, org.ReadVisit, v.Subject()); ok {
		if c.In(v.OrganisationID) && slices.Contains([]inspection.Role{inspection.UnitHead, inspection.UnitContact, inspection.UnitDelegate}, c.Role) && !f.Told { // the unit's other people see no more than its head
			return evidence.View{}, nil
		}
		return evidence.View{Side: evidence.Office, Sight: evidence.SeeShared, Capacity: c}, nil
	}
	return evidence.View{}, nil
}

// addToCampaign lets who manages a campaign add the scan of its decision, which hangs on
// nothing of any check.
func addToCampaign(tx *gorm.DB, actor inspection.Actor, id string, on []evidence.Subject) (evidence.Grant, error) {
	c, err := plan.GetCampaign(tx, id)
	if err != nil {
		return evidence.Grant{}, err
	}
	capacity, ok := org.Can(actor, org.ManageCampaign, c.Subject())
	if !ok || len(on) > 0 {
		return evidence.Grant{}, inspection.E(inspection.NotFound, "error.not_found")
	}
	return evidence.Grant{Side: evidence.Team, Organisation: c.IssuerID, Decision: c.DecisionNumber, Capacity: capacity}, nil
}

// seeInCampaign shows the scan of a decision to who may read the campaign.
func seeInCampaign(tx *gorm.DB, actor inspection.Actor, id string) (evidence.View, error) {
	c, err := plan.GetCampaign(tx, id)
	if inspection.CodeOf(err) == inspection.NotFound {
		return evidence.View{}, nil
	}
	if err != nil {
		return evidence.View{}, err
	}
	capacity, ok := org.Can(actor, org.ReadCampaign, c.Subject())
	if !ok {
		return evidence.View{}, nil
	}
	return evidence.View{Side: evidence.Office, Sight: evidence.SeeAll, Capacity: capacity}, nil
}

// findingEvidence is what a finding asks of files.
type findingEvidence struct{ files *evidence.Service }

func (e findingEvidence) Attach(tx *gorm.DB, actor inspection.Actor, id string, files []string, kind, subject, role string, _ inspection.Instant) error {
	return e.files.Attach(tx, actor, id, evidence.Hang(files, on(kind, subject, role)), false)
}

func (e findingEvidence) Files(tx *gorm.DB, id, kind, subject, role string) ([]string, error) {
	return e.files.Files(tx, id, evidence.Subject{Kind: evidence.SubjectKind(kind), ID: subject}, evidence.Role(role))
}

func (e findingEvidence) TakenAt(tx *gorm.DB, files []string) (map[string]inspection.Instant, error) {
	return e.files.TakenAt(tx, files)
}

func sentence(e *inspection.Error) string {
	words := i18n.Error(i18n.VI, e)
	for field, key := range e.Fields {
		words += "\n  " + field + ": " + i18n.T(i18n.VI, key, e.Params)
	}
	return words
}

// sourceFS is the folder web of the source, for serve -dev.
func sourceFS(root string) fs.FS { return dirFS(filepath.Join(root, "web")) }
