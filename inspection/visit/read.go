package visit

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"congvu/inspection"
	"congvu/inspection/checklist"
	"congvu/inspection/org"
	"congvu/inspection/plan"

	"gorm.io/gorm"
)

// View is a check with all that was done on it.
type View struct {
	Visit
	Members    []Member
	Checklist  checklist.Version
	Rules      Rules
	State      *State
	Operations []Operation
	Documents  map[Kind]Document
	Files      map[string]FileState // of the check: whether each has arrived
	Roster     []org.Post
	MayInspect bool
	MayFinish  bool
}

// Item is the item of the check's checklist with a key.
func (v View) Item(key string) (checklist.Item, bool) {
	for _, it := range v.Checklist.Items {
		if it.Key == key {
			return it, true
		}
	}
	return checklist.Item{}, false
}

// Get is a check for who may read its content: its team at any time, its unit and
// who issued the decision from the minutes on. Code: not_found.
func (s *Service) Get(ctx context.Context, actor inspection.Actor, id string) (View, error) {
	return s.view(s.db.WithContext(ctx), actor, id)
}

// HandOver is what the check will be that is begun on a target: now, or on the day for
// which it is planned when that is still to come. It is for a tablet that will begin it
// without a network; nothing is begun, the check has no id and no operations. For who
// may check in. Codes: not_found; conflict as checking in would give it.
func (s *Service) HandOver(ctx context.Context, actor inspection.Actor, target string) (view View, err error) {
	payload, err := json.Marshal(CheckIn{Target: target})
	if err != nil {
		return view, err
	}
	if inspection.CheckID(target) != nil {
		return view, notFound()
	}
	undone := errors.New("this was to see what it would be")
	err = s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		now := s.clock.Now()
		var on []inspection.Date
		if err := tx.Model(&plan.Target{}).Where("id = ?", target).Pluck("planned_on", &on).Error; err != nil {
			return err
		}
		if len(on) > 0 && on[0] > now.Date() {
			now = inspection.At(on[0].Time())
		}
		op := Operation{ID: inspection.NewID(), VisitID: inspection.NewID(), AuthorID: actor.Person, Type: OpCheckIn, Payload: string(payload), DeviceAt: now, ReceivedAt: now}
		if _, err := s.checkIn(tx, actor, op, false); err != nil {
			return err
		}
		if view, err = s.view(tx, actor, op.VisitID); err != nil {
			return err
		}
		return undone
	})
	view.ID, view.Operations, view.State = "", nil, NewState()
	if errors.Is(err, undone) {
		return view, nil
	}
	if inspection.CodeOf(err) == inspection.Forbidden {
		err = notFound()
	}
	return View{}, err
}

func (s *Service) view(tx *gorm.DB, actor inspection.Actor, id string) (View, error) {
	v, err := s.find(tx, id)
	if err != nil {
		return View{}, err
	}
	if _, ok := org.Can(actor, org.ReadVisit, v.Subject()); !ok {
		return View{}, notFound()
	}
	view := View{Visit: v, Documents: map[Kind]Document{}}
	_, view.MayInspect = org.Can(actor, org.InspectVisit, v.Subject())
	_, view.MayFinish = org.Can(actor, org.FinishVisit, v.Subject())
	if view.Rules, err = s.rulesOf(tx, v); err != nil {
		return view, err
	}
	if view.Checklist, err = s.checklist(tx, v.ChecklistID); err != nil {
		return view, err
	}
	if view.Operations, err = operationsOf(tx, id); err != nil {
		return view, err
	}
	if view.State, err = Fold(view.Rules, view.Operations); err != nil {
		return view, err
	}
	if err := tx.Where("visit_id = ?", id).Order("role DESC, name").Find(&view.Members).Error; err != nil {
		return view, err
	}
	var documents []Document
	if err := tx.Where("visit_id = ?", id).Find(&documents).Error; err != nil {
		return view, err
	}
	for _, d := range documents {
		view.Documents[d.Kind] = d
	}
	if v.DeskID != nil {
		if view.Roster, err = org.PostsOf(tx, *v.DeskID, v.Day); err != nil {
			return view, err
		}
	}
	view.Files, err = s.evidence.Files(tx, id)
	return view, err
}

func (s *Service) find(tx *gorm.DB, id string) (Visit, error) {
	var v Visit
	if err := inspection.CheckID(id); err != nil {
		return v, notFound()
	}
	err := tx.Where("id = ?", id).Take(&v).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return v, notFound()
	}
	return v, err
}

// News is what was done on a check after a position.
type News struct {
	State      Phase
	Operations []Operation
	Files      map[string]FileState
}

// After lists the operations after a position, for who works on the check. Code:
// not_found.
func (s *Service) After(ctx context.Context, actor inspection.Actor, id string, position int64) (News, error) {
	tx := s.db.WithContext(ctx)
	v, err := s.find(tx, id)
	if err != nil {
		return News{}, err
	}
	if _, ok := org.Can(actor, org.InspectVisit, v.Subject()); !ok {
		return News{}, notFound()
	}
	n := News{State: v.State}
	if err := tx.Where("visit_id = ? AND position > ?", id, position).Order("position").Find(&n.Operations).Error; err != nil {
		return n, err
	}
	n.Files, err = s.evidence.Files(tx, id)
	return n, err
}

// Filter narrows a list of checks. Query is matched without diacritics.
type Filter struct {
	Query   string
	States  []Phase
	From    inspection.Date
	To      inspection.Date
	Desk    string
	Form    string
	NotForm string
	IDs     []string // only these, where not nil
	Running bool     // only those of today or not yet closed, of the actor's teams
}

// List is the checks that the actor may know of, newest first, with a cursor to
// the next part, empty at the end.
func (s *Service) List(ctx context.Context, actor inspection.Actor, f Filter, page inspection.Page) ([]Visit, string, error) {
	action := org.ListVisit
	if f.Running {
		action = org.InspectVisit
	}
	var visits []Visit
	for _, part := range org.Parts(actor, action, Columns) {
		q := s.narrowed(s.db.WithContext(ctx).Scopes(part), f)
		if page.Cursor != "" {
			q = q.Where("id < ?", page.Cursor)
		}
		if len(visits) > page.Size() { // older ones have no place any more
			q = q.Where("id > ?", visits[page.Size()].ID)
		}
		var more []Visit
		if err := q.Order("id DESC").Limit(page.Size() + 1).Find(&more).Error; err != nil {
			return nil, "", err
		}
		visits = append(visits, more...)
		slices.SortFunc(visits, func(a, b Visit) int { return strings.Compare(b.ID, a.ID) })
	}
	if len(visits) > page.Size() {
		visits = visits[:page.Size()]
		return visits, visits[len(visits)-1].ID, nil
	}
	return visits, "", nil
}

func (s *Service) narrowed(q *gorm.DB, f Filter) *gorm.DB {
	if f.Running {
		q = q.Where("state IN ? OR day = ?", []Phase{Inspecting, Drafting}, s.clock.Now().Date())
	}
	if f.Query != "" {
		q = q.Where("search LIKE ?", "%"+inspection.Fold(f.Query)+"%")
	}
	if len(f.States) > 0 {
		q = q.Where("state IN ?", f.States)
	}
	if f.IDs != nil {
		q = q.Where("id IN ?", f.IDs)
	}
	if f.From != "" {
		q = q.Where("day >= ?", f.From)
	}
	if f.To != "" {
		q = q.Where("day <= ?", f.To)
	}
	if f.Desk != "" {
		q = q.Scopes(org.AtDesk("visits.desk_id", f.Desk))
	}
	if f.Form != "" {
		q = q.Where("form = ?", f.Form)
	}
	if f.NotForm != "" {
		q = q.Where("form <> ?", f.NotForm)
	}
	return q
}

// Find is a check as it stands, without a question of rights, for packages that join the
// caller's transaction (evidence, findings). Code: not_found.
func (s *Service) Find(tx *gorm.DB, id string) (Visit, error) { return s.find(tx, id) }
