package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/i18n"
	"congvu/inspection/org"
	"congvu/inspection/visit"

	"gorm.io/gorm"
)

// Line is a message with what its subject is called today.
type Line struct {
	Message
	Place string `gorm:"column:place"`
	Item  string `gorm:"column:item"` // code of the finding's item, empty for a check

	ExplainDue inspection.Date `gorm:"column:explain_due"` // of a check: until when its unit may explain, as it stands now
}

// Path is where the message leads.
func (l Line) Path() string {
	switch l.SubjectKind {
	case ofVisit:
		return "/visits/" + l.SubjectID
	case ofRecommendation:
		return "/recommendations"
	}
	return "/findings/" + l.SubjectID
}

// Text is what the message says. It holds nothing of what was found.
func (l Line) Text(lang i18n.Lang) string { return i18n.T(lang, "notify.text."+l.Key, l.params(lang)) }

// Subject is the same for the head of a mail: general, no place and no item.
func (l Line) Subject(lang i18n.Lang) string {
	return i18n.T(lang, "notify.subject."+l.Key, l.params(lang))
}

func (l Line) params(lang i18n.Lang) inspection.Params {
	var d details
	_ = json.Unmarshal([]byte(l.Params), &d)
	p := inspection.Params{"place": l.Place, "item": l.Item, "due": inspection.Date(d.Due), "days": d.Days, "explain": l.ExplainDue}
	for name, day := range map[string]inspection.Date{"due": inspection.Date(d.Due), "explain": l.ExplainDue} {
		if day == "" {
			p[name] = "–"
		}
	}
	if d.Clock != "" {
		p["clock"] = i18n.T(lang, "notify.clock."+d.Clock, nil)
	}
	return p
}

// visible are the messages of a person whose subjects they may read today: the same rules
// as for the subjects themselves.
func visible(tx *gorm.DB, actor inspection.Actor) *gorm.DB {
	fresh := func() *gorm.DB { return tx.Session(&gorm.Session{NewDB: true}) }
	may := fresh().Where(org.Scope(actor, org.ReadFinding, finding.Columns)(fresh())).Or(org.Scope(actor, org.ReadVisit, visit.Columns)(fresh())).
		Or(org.Scope(actor, org.ReadFinding, finding.RecommendationColumns)(fresh()))
	return tx.Table("notify_messages").
		Joins("LEFT JOIN findings ON notify_messages.subject_kind = 'finding' AND findings.id = notify_messages.subject_id").
		Joins("LEFT JOIN visits ON notify_messages.subject_kind = 'visit' AND visits.id = notify_messages.subject_id").
		Joins("LEFT JOIN recommendations ON notify_messages.subject_kind = 'recommendation' AND recommendations.id = notify_messages.subject_id").
		Joins("LEFT JOIN visits AS checked ON checked.id = recommendations.visit_id").
		Where("notify_messages.person_id = ?", actor.Person).Where(may)
}

const lineColumns = "notify_messages.*, COALESCE(NULLIF(findings.desk_name, ''), findings.organisation_name, NULLIF(visits.desk_name, ''), visits.organisation_name, NULLIF(checked.desk_name, ''), checked.organisation_name, '') AS place, COALESCE(findings.item_code, '') AS item, COALESCE(visits.explain_due, '') AS explain_due"

// line is one message as its recipient may see it today; false where they may not.
func line(tx *gorm.DB, actor inspection.Actor, id string) (Line, bool, error) {
	var found []Line
	err := visible(tx, actor).Where("notify_messages.id = ?", id).Select(lineColumns).Limit(1).Find(&found).Error
	if err != nil || len(found) == 0 {
		return Line{}, false, err
	}
	return found[0], true, nil
}

// countedTo is where counting stops.
const countedTo = 99

// Unread counts the actor's unread messages up to 100: who asks shows "99+" then.
func (s *Service) Unread(ctx context.Context, actor inspection.Actor) (n int64, err error) {
	if actor.Person == "" {
		return 0, nil
	}
	tx := s.db.WithContext(ctx)
	some := visible(tx, actor).Where("notify_messages.read_at = 0").Select("notify_messages.id").Limit(countedTo + 1)
	err = tx.Session(&gorm.Session{NewDB: true}).Table("(?) AS unread", some).Count(&n).Error
	return n, err
}

// List is the actor's own messages, the unread ones first, then by time, the newest
// first; next is the cursor of the next page.
func (s *Service) List(ctx context.Context, actor inspection.Actor, page inspection.Page) (lines []Line, next string, err error) {
	if actor.Person == "" {
		return nil, "", inspection.E(inspection.Unauthenticated, "error.unauthenticated")
	}
	q := visible(s.db.WithContext(ctx), actor)
	if page.Cursor != "" {
		at, err := parsePlace(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		older := "(notify_messages.event_at < ? OR notify_messages.event_at = ? AND notify_messages.event_seq < ?)"
		if at.read {
			q = q.Where("notify_messages.read_at > 0 AND "+older, at.at, at.at, at.seq)
		} else {
			q = q.Where("(notify_messages.read_at > 0 OR "+older+")", at.at, at.at, at.seq)
		}
	}
	// One event makes at most one message for a person: time and event_seq are an order.
	err = q.Select(lineColumns).Order("CASE WHEN notify_messages.read_at = 0 THEN 0 ELSE 1 END, notify_messages.event_at DESC, notify_messages.event_seq DESC").
		Limit(page.Size() + 1).Find(&lines).Error
	if err != nil || len(lines) <= page.Size() {
		return lines, "", err
	}
	lines = lines[:page.Size()]
	last := lines[len(lines)-1]
	return lines, place{!last.ReadAt.IsZero(), int64(last.EventAt), last.EventSeq}.String(), nil
}

// place is where a page of the list ends.
type place struct {
	read    bool
	at, seq int64
}

func (p place) String() string {
	kind := "u"
	if p.read {
		kind = "r"
	}
	return fmt.Sprintf("%s.%d.%d", kind, p.at, p.seq)
}

func parsePlace(cursor string) (p place, err error) {
	var kind string
	if n, err := fmt.Sscanf(strings.ReplaceAll(cursor, ".", " "), "%1s %d %d", &kind, &p.at, &p.seq); err != nil || n != 3 || kind != "u" && kind != "r" {
		return p, inspection.E(inspection.Invalid, "error.invalid").Field("after", "error.invalid")
	}
	p.read = kind == "r"
	return p, nil
}

// MarkRead marks a message of the actor as read. What is another's, or read before, is
// left alone without a word.
func (s *Service) MarkRead(ctx context.Context, actor inspection.Actor, id string) error {
	return s.markRead(ctx, actor, "id = ?", id)
}

// MarkAllRead marks all that were made up to an instant, the one at which the actor's page
// was drawn: what came since has not been seen.
func (s *Service) MarkAllRead(ctx context.Context, actor inspection.Actor, until inspection.Instant) error {
	return s.markRead(ctx, actor, "made_at <= ?", until)
}

func (s *Service) markRead(ctx context.Context, actor inspection.Actor, which string, arg any) error {
	if actor.Person == "" {
		return inspection.E(inspection.Unauthenticated, "error.unauthenticated")
	}
	return s.db.WithContext(ctx).Model(&Message{}).Where("person_id = ? AND read_at = 0", actor.Person).Where(which, arg).Update("read_at", s.clock.Now()).Error
}
