package evidence

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode"

	"congvu/evidence/blob"
	"congvu/evidence/imaging"
	"congvu/inspection"
	"congvu/inspection/history"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Declaration says that a file exists and will be sent.
type Declaration struct {
	ID         string // made by the client
	Visit      string
	SHA256     string // of the bytes as the device made them, lower-case hex
	Size       int64  // bytes
	Name       string // as the device calls it; for display only
	Kind       Kind
	Contains   Contains // empty: unknown
	NoPeople   bool     // the person has confirmed that nobody is in the picture
	CapturedAt inspection.Instant
	On         []On
	Of         string `json:",omitempty"` // drawn on: the file that it was drawn on, of the same check
}

// NameLen is the longest name that is kept, in characters.
const NameLen = 200

// CleanName is a file's name fit for display: without folders, control characters
// and what is beyond NameLen; the ending stays.
func CleanName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.TrimSpace(name)
	if strings.Trim(name, ".") == "" {
		return ""
	}
	if r := []rune(name); len(r) > NameLen {
		end := []rune(path.Ext(name))
		if len(end) > 10 {
			end = nil
		}
		name = string(r[:NameLen-len(end)]) + string(end)
	}
	return name
}

// normal checks a declaration and brings it into the one form that is compared.
func (d Declaration) normal(l imaging.Limits) (Declaration, error) {
	bad := inspection.E(inspection.Invalid, "evidence.error.declaration")
	if inspection.CheckID(d.ID) != nil {
		bad.Field("id", "error.id")
	}
	if inspection.CheckID(d.Visit) != nil {
		bad.Field("visit", "error.id")
	}
	if !blob.CheckSum(d.SHA256) {
		bad.Field("sha256", "evidence.error.sha256")
	}
	if d.Size <= 0 {
		bad.Field("size", "evidence.error.empty")
	}
	if !slices.Contains(Kinds, d.Kind) {
		bad.Field("kind", "evidence.error.choice")
	}
	if d.Contains == "" {
		d.Contains = Unknown
	}
	if d.NoPeople && d.Contains == Unknown {
		d.Contains = Nobody
	}
	if !slices.Contains(AllContains, d.Contains) {
		bad.Field("contains", "evidence.error.choice")
	} else if d.NoPeople && d.Contains.Personal() {
		bad.Field("contains", "evidence.error.nobody_yet_people")
	}
	if d.CapturedAt < 0 {
		bad.Field("captured_at", "evidence.error.time")
	}
	if d.Of != "" && (inspection.CheckID(d.Of) != nil || d.Of == d.ID || d.Kind != Photo) {
		bad.Field("of", "evidence.error.drawn_on")
	}
	if checkOn(d.On...) != nil {
		bad.Field("on", "evidence.error.subject")
	}
	if len(bad.Fields) > 0 {
		return d, bad
	}
	if d.Size > l.Bytes {
		return d, imaging.TooLarge(l)
	}
	d.Name = CleanName(d.Name)
	d.On = slices.SortedFunc(slices.Values(d.On), func(a, b On) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Role, b.Role))
	})
	d.On = slices.Compact(d.On)
	return d, nil
}

// hash is by what the same declaration is known when it comes again.
func (d Declaration) hash(person string) string {
	raw, err := json.Marshal(struct {
		Declaration
		Person string
	}{d, person})
	if err != nil {
		panic(err) // strings and numbers only
	}
	h := sha256.Sum256(raw)
	return hex.EncodeToString(h[:])
}

// Declare takes down that a file exists. Whoever may add files to the check (Rights)
// may call it. The same declaration with the same id again is one declaration; codes:
// conflict (evidence.error.other_content) for another one under that id, invalid,
// too_large, not_found for the check. fresh tells that it was not known before.
func (s *Service) Declare(ctx context.Context, actor inspection.Actor, d Declaration) (fresh bool, err error) {
	err = s.transaction(ctx, func(tx *gorm.DB) error {
		n, err := s.declare(tx, actor, d.Visit, []Declaration{d}, true)
		fresh = n > 0
		return err
	})
	return fresh, err
}

// DeclareIn is Declare for files of one check, in the caller's transaction: all or none.
func (s *Service) DeclareIn(tx *gorm.DB, actor inspection.Actor, visit string, list ...Declaration) error {
	_, err := s.declare(tx, actor, visit, list, false)
	return err
}

// declare tells how many were not known before; sent tells that somebody sends them.
func (s *Service) declare(tx *gorm.DB, actor inspection.Actor, visit string, list []Declaration, sent bool) (fresh int, err error) {
	var unknown []Declaration
	byID := map[string]Declaration{}
	for _, d := range list {
		if d, err = d.normal(s.work.Limits()); err != nil {
			return 0, err
		}
		if d.Visit != visit {
			return 0, notFound()
		}
		if old, twice := byID[d.ID]; twice {
			if old.hash("") != d.hash("") {
				return 0, inspection.E(inspection.Conflict, "evidence.error.other_content")
			}
			continue
		}
		byID[d.ID] = d
		unknown = append(unknown, d)
	}
	known, err := s.known(tx, actor, byID)
	if err != nil {
		return 0, err
	}
	unknown = slices.DeleteFunc(unknown, func(d Declaration) bool { return known[d.ID] })
	if len(unknown) == 0 {
		return 0, nil
	}
	if err := drawnOn(tx, visit, unknown, byID); err != nil {
		return 0, err
	}
	var subjects []Subject
	for _, d := range unknown {
		for _, on := range d.On {
			subjects = append(subjects, on.Subject)
		}
	}
	grant, err := s.rights.Add(tx, actor, visit, subjects)
	if err != nil {
		return 0, err
	}
	if sent && grant.NoFiles {
		return 0, inspection.E(inspection.Conflict, "evidence.error.no_files")
	}
	now := s.clock.Now()
	files := make([]file, len(unknown))
	events := make([]history.Event, len(unknown))
	var links []Hanging
	for i, d := range unknown {
		f := file{ID: d.ID, VisitID: d.Visit, TeamID: grant.Team, OrganisationID: grant.Organisation, Side: grant.Side,
			SHA256: d.SHA256, Size: d.Size, Name: d.Name, Kind: d.Kind, State: Declared, Access: AccessOf(d.Contains),
			Contains: d.Contains, NoPeopleConfirmed: d.NoPeople, PurposeDecision: grant.Decision, Declaration: d.hash(actor.Person),
			DeclaredBy: actor.Person, DeclaredCapacity: string(grant.Capacity.Role), DeclaredAt: now, Device: actor.Device,
			CapturedAt: d.CapturedAt, DeriveState: DeriveNone, OfID: d.Of}
		files[i] = f
		data := map[string]any{"sha256": f.SHA256, "size": f.Size, "kind": f.Kind, "contains": f.Contains, "no_people": f.NoPeopleConfirmed,
			"side": f.Side, "captured_at": f.CapturedAt.String()}
		if d.Of != "" {
			data["of"] = d.Of
		}
		events[i] = event(actor, grant.Capacity, "evidence.declare", f, now, data)
		for _, on := range d.On {
			links = append(links, Hanging{f.ID, on})
		}
	}
	made := tx.Clauses(clause.OnConflict{DoNothing: true}).CreateInBatches(&files, 100)
	if made.Error != nil {
		return 0, made.Error
	}
	if made.RowsAffected < int64(len(files)) {
		// Somebody declared one of them since: under another content it is refused, under
		// this one it is theirs; who asked asks again.
		if _, err := s.known(tx, actor, byID); err != nil {
			return 0, err
		}
		if made.RowsAffected == 0 {
			return 0, nil
		}
		return 0, inspection.E(inspection.Unavailable, "error.unavailable")
	}
	if err := history.Append(tx, events...); err != nil {
		return 0, err
	}
	return len(files), s.Link(tx, actor, grant.Capacity, links...)
}

// drawnOn holds drawings to what they were drawn on: a photograph of the same check that
// is itself no drawing. together are the files that are declared with them.
func drawnOn(tx *gorm.DB, visit string, list []Declaration, together map[string]Declaration) error {
	for _, d := range list {
		if d.Of == "" {
			continue
		}
		on, known := together[d.Of]
		if !known {
			f, err := load(tx, d.Of)
			if err != nil && inspection.CodeOf(err) != inspection.NotFound {
				return err
			}
			on = Declaration{Visit: f.VisitID, Kind: f.Kind, Of: f.OfID}
		}
		if on.Visit != visit || on.Kind != Photo || on.Of != "" {
			return inspection.E(inspection.Invalid, "evidence.error.declaration").Field("of", "evidence.error.drawn_on")
		}
	}
	return nil
}

// known tells which files have been declared before, by id; what has been declared
// stays declared, also when the check has gone on since. Who may not see a file learns
// of it only by a right to add files to the check that they name. Code conflict for
// another content under a known id.
func (s *Service) known(tx *gorm.DB, actor inspection.Actor, list map[string]Declaration) (map[string]bool, error) {
	all := map[string]bool{}
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(list)), 500) {
		var rows []file
		if err := tx.Session(&gorm.Session{}).Where("id IN ?", chunk).Find(&rows).Error; err != nil {
			return nil, err
		}
		for _, old := range rows {
			d := list[old.ID]
			if old.Declaration != d.hash(actor.Person) {
				if _, _, err := s.see(tx, actor, old.ID); err != nil {
					if _, err := s.rights.Add(tx, actor, d.Visit, nil); err != nil {
						return nil, err
					}
				}
				return nil, inspection.E(inspection.Conflict, "evidence.error.other_content")
			}
			all[old.ID] = true
		}
	}
	return all, nil
}
