package evidence

import (
	"context"
	"maps"
	"slices"

	"congvu/inspection"
	"congvu/inspection/history"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

func checkOn(list ...On) error {
	for _, on := range list {
		if !slices.Contains(SubjectKinds, on.Kind) || !slices.Contains(Roles, on.Role) || on.ID == "" || len(on.ID) > 64 {
			return inspection.E(inspection.Invalid, "evidence.error.subject")
		}
	}
	return nil
}

// standing restricts a query on evidence_links to links that stand now.
func standing(tx *gorm.DB) *gorm.DB {
	return tx.Where(`evidence_links.linked AND NOT EXISTS (SELECT 1 FROM evidence_links later
		WHERE later.file_id = evidence_links.file_id AND later.subject_kind = evidence_links.subject_kind
		AND later.subject_id = evidence_links.subject_id AND later.role = evidence_links.role AND later.n > evidence_links.n)`)
}

// linksOf are the standing links of files, by file.
func linksOf(tx *gorm.DB, ids []string) (map[string][]link, error) {
	all := map[string][]link{}
	for chunk := range slices.Chunk(ids, 500) {
		var links []link
		if err := standing(tx.Where("file_id IN ?", chunk)).Order("made_at, id").Find(&links).Error; err != nil {
			return nil, err
		}
		for _, l := range links {
			all[l.FileID] = append(all[l.FileID], l)
		}
	}
	return all, nil
}

func facts(f file, links []link, actor inspection.Actor) Facts {
	return Facts{Visit: f.VisitID, Team: f.TeamID, Organisation: f.OrganisationID, Side: f.Side,
		Mine: f.DeclaredBy == actor.Person && actor.Person != "",
		Told: slices.ContainsFunc(links, func(l link) bool { return slices.Contains(told, l.SubjectKind) })}
}

// Hanging is a file and what it hangs on.
type Hanging struct {
	File string
	On   On
}

// Hang hangs files on one subject.
func Hang(files []string, on On) []Hanging {
	list := make([]Hanging, len(files))
	for i, id := range files {
		list[i] = Hanging{id, on}
	}
	return list
}

// Link hangs files on subjects, in the transaction of a caller that has checked that
// it may (a finding that takes over the photographs of its item, say). What hangs
// there already stays. Codes: invalid, not_found for a file.
func (s *Service) Link(tx *gorm.DB, actor inspection.Actor, c inspection.Capacity, list ...Hanging) error {
	return s.relink(tx, actor, func(string) inspection.Capacity { return c }, true, list)
}

// Unlink takes files from subjects by new rows; that they hung there stays known.
func (s *Service) Unlink(tx *gorm.DB, actor inspection.Actor, c inspection.Capacity, list ...Hanging) error {
	return s.relink(tx, actor, func(string) inspection.Capacity { return c }, false, list)
}

// relink writes what changes, and history, in few statements however many files there
// are; in gives the capacity in which each is linked.
func (s *Service) relink(tx *gorm.DB, actor inspection.Actor, in func(file string) inspection.Capacity, linked bool, list []Hanging) error {
	if len(list) == 0 {
		return nil
	}
	files, err := hanging(tx, list)
	if err != nil {
		return err
	}
	return s.hang(tx, actor, in, linked, files, list)
}

// hanging loads and locks the files that are to be hung.
func hanging(tx *gorm.DB, list []Hanging) (map[string]file, error) {
	ids := make([]string, len(list))
	for i, h := range list {
		ids[i] = h.File
	}
	return loadAll(tx.Clauses(clause.Locking{Strength: "UPDATE"}), ids)
}

// hang is relink with the files at hand.
func (s *Service) hang(tx *gorm.DB, actor inspection.Actor, in func(file string) inspection.Capacity, linked bool, files map[string]file, list []Hanging) error {
	for _, h := range list {
		if err := checkOn(h.On); err != nil {
			return err
		}
	}
	for _, f := range files {
		if linked && f.RemovedAt > 0 { // it shows nothing any more
			return removed(f)
		}
	}
	var before []link
	for chunk := range slices.Chunk(slices.Collect(maps.Keys(files)), 500) {
		var rows []link
		if err := tx.Where("file_id IN ?", chunk).Order("n").Find(&rows).Error; err != nil {
			return err
		}
		before = append(before, rows...)
	}
	last := map[Hanging]link{}
	for _, l := range before { // ascending: the newest stays
		last[Hanging{l.FileID, l.on()}] = l
	}
	action := "evidence.link"
	if !linked {
		action = "evidence.unlink"
	}
	now := s.clock.Now()
	var rows []link
	var events []history.Event
	for _, h := range list {
		was := last[h]
		if was.Linked == linked {
			continue
		}
		row := link{ID: inspection.NewID(), FileID: h.File, SubjectKind: h.On.Kind, SubjectID: h.On.ID, Role: h.On.Role, N: was.N + 1,
			Linked: linked, MadeAt: now, MadeBy: actor.Person}
		rows, last[h] = append(rows, row), row
		events = append(events, event(actor, in(h.File), action, files[h.File], now, map[string]any{"kind": h.On.Kind, "id": h.On.ID, "role": h.On.Role}))
	}
	if len(rows) == 0 {
		return nil
	}
	if err := tx.CreateInBatches(&rows, 100).Error; err != nil {
		return err
	}
	return history.Append(tx, events...)
}

// LinkTo hangs a file on one more subject of its check. Whoever may add files for
// that subject and sees the file as its sender's side does. Codes: invalid,
// not_found, conflict.
func (s *Service) LinkTo(ctx context.Context, actor inspection.Actor, fileID string, on On) error {
	return s.move(ctx, actor, fileID, on, true)
}

// UnlinkFrom takes a file from a subject; the file itself stays in its check. May: as
// LinkTo.
func (s *Service) UnlinkFrom(ctx context.Context, actor inspection.Actor, fileID string, on On) error {
	return s.move(ctx, actor, fileID, on, false)
}

func (s *Service) move(ctx context.Context, actor inspection.Actor, fileID string, on On, linked bool) error {
	return s.transaction(ctx, func(tx *gorm.DB) error {
		f, _, err := s.see(tx, actor, fileID)
		if err != nil {
			return err
		}
		grant, err := s.rights.Add(tx, actor, f.VisitID, []Subject{on.Subject})
		if err != nil {
			return err
		}
		if grant.Side != f.Side {
			return notFound()
		}
		return s.relink(tx, actor, func(string) inspection.Capacity { return grant.Capacity }, linked, []Hanging{{fileID, on}})
	})
}

// Attach hangs files on subjects for an actor who works on them: files of that check,
// from the side on which the actor stands, which the actor may see whole; received
// ones, unless waiting says that declared ones will do (a tablet hangs a photograph
// before it is sent). All or none. Codes: invalid (evidence.error.not_of_visit,
// .not_received, .subject). For joiners.
func (s *Service) Attach(tx *gorm.DB, actor inspection.Actor, visit string, list []Hanging, waiting bool) error {
	if len(list) == 0 {
		return nil
	}
	files, err := hanging(tx, list)
	if inspection.CodeOf(err) == inspection.NotFound {
		return inspection.E(inspection.Invalid, "evidence.error.not_of_visit")
	}
	if err != nil {
		return err
	}
	views, err := s.sights(tx, actor, slices.Collect(maps.Values(files)))
	if err != nil {
		return err
	}
	for _, f := range files {
		view, mine := views[f.ID], f.DeclaredBy == actor.Person
		if view.Sight <= SeeNothing || f.VisitID != visit || f.Side != view.Side || !mine && view.Sight < SeeAll {
			return inspection.E(inspection.Invalid, "evidence.error.not_of_visit")
		}
		if f.State != Received && !waiting {
			return inspection.E(inspection.Invalid, "evidence.error.not_received")
		}
	}
	return s.hang(tx, actor, func(file string) inspection.Capacity { return views[file].Capacity }, true, files, list)
}

// Files are the ids of the received files that hang on a subject, oldest first; visit
// may be empty for any check, role for any role. For joiners: it checks no rights.
func (s *Service) Files(tx *gorm.DB, visit string, subject Subject, role Role) ([]string, error) {
	q := standing(tx.Table("evidence_links")).Joins("JOIN evidence_files f ON f.id = evidence_links.file_id").
		Where("evidence_links.subject_kind = ? AND evidence_links.subject_id = ? AND f.state = ?", subject.Kind, subject.ID, Received)
	if visit != "" {
		q = q.Where("f.visit_id = ?", visit)
	}
	if role != "" {
		q = q.Where("evidence_links.role = ?", role)
	}
	var rows []string
	if err := q.Order("f.declared_at, f.id").Pluck("f.id", &rows).Error; err != nil {
		return nil, err
	}
	return slices.Compact(rows), nil
}

// Count is how many files hang on something.
type Count struct {
	Files    int // declared, received or not; given-up ones do not count
	Received int
	NoPeople int // of Files: confirmed that nobody is in the picture
}

// Counts are the files of a check by the id of the subjects of a kind, for the rule
// that an item needs a photograph. For joiners: it checks no rights.
func (s *Service) Counts(tx *gorm.DB, visit string, kind SubjectKind) (map[string]Count, error) {
	var rows []struct {
		SubjectID string
		FileID    string
		State     State
		NoPeople  bool
	}
	err := standing(tx.Table("evidence_links")).Joins("JOIN evidence_files f ON f.id = evidence_links.file_id").
		Where("evidence_links.subject_kind = ? AND f.visit_id = ? AND f.state <> ?", kind, visit, Lost).
		Distinct("evidence_links.subject_id AS subject_id, f.id AS file_id, f.state AS state, f.no_people_confirmed AS no_people").
		Find(&rows).Error
	if err != nil {
		return nil, err
	}
	counts := map[string]Count{}
	for _, r := range rows {
		c := counts[r.SubjectID]
		c.Files++
		if r.State == Received {
			c.Received++
		}
		if r.NoPeople {
			c.NoPeople++
		}
		counts[r.SubjectID] = c
	}
	return counts, nil
}

// Belong tells whether all files are received files of a check from one side, before
// they are hung on something of it. Code: invalid (evidence.error.not_of_visit,
// .not_received). For joiners.
func (s *Service) Belong(tx *gorm.DB, visit string, side Side, ids []string) error {
	for _, id := range ids {
		f, err := load(tx, id)
		if inspection.CodeOf(err) == inspection.NotFound || err == nil && (f.VisitID != visit || f.Side != side) {
			return inspection.E(inspection.Invalid, "evidence.error.not_of_visit")
		}
		if err != nil {
			return err
		}
		if f.State != Received {
			return inspection.E(inspection.Invalid, "evidence.error.not_received")
		}
	}
	return nil
}
