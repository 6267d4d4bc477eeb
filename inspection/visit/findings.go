package visit

import (
	"fmt"
	"strings"

	"congvu/inspection"
	"congvu/inspection/checklist"
	"congvu/inspection/finding"
	"congvu/inspection/org"
	"congvu/inspection/plan"
	"congvu/inspection/score"
)

func (w *work) act() org.Act { return org.Act{Actor: w.actor, Capacity: w.capacity, At: w.now} }

// obstruction is the item that a finding about a closed desk or a refusal hangs on:
// it belongs to no checklist.
const (
	obstructionKey  = "OBSTRUCTION"
	obstructionCode = "–"
)

func (w *work) raised() finding.Raised {
	v := w.visit
	return finding.Raised{VisitID: v.ID, CampaignID: v.CampaignID, TeamID: v.TeamID, IssuerID: v.IssuerID, DeciderID: v.DecidedBy,
		OrganisationID: v.OrganisationID, OrganisationName: v.OrganisationName, DeskID: v.DeskID, DeskName: v.DeskName,
		CheckEndedAt: v.EndedAt, Simulated: v.Simulated}
}

// Words is what a drafted finding says and asks for: what was written, else the note,
// else that the item falls short, which reads as a fault and never as praise. Papers
// are in Vietnamese.
func Words(it checklist.Item, d Draft, a Answer) (text, remedy string) {
	text = first(d.Text, a.Note, "Chưa đạt: "+it.TextVI)
	if d.Text == "" && a.Value == score.Count {
		text = fmt.Sprintf("%s (%d/%d chưa đúng)", strings.TrimSuffix(text, "."), a.Failing, a.Of)
	}
	return text, first(d.Remedy, "Khắc phục nội dung chưa đạt của mục "+it.Code+"; gửi ảnh hoặc tài liệu sau khắc phục, nêu cách giữ để không tái diễn.")
}

// remedyOf is what is asked of a unit that could not be inspected.
var remedyOf = map[string]string{
	"CLOSED":  "Bố trí người trực, mở cửa đúng giờ làm việc; báo cáo nguyên nhân và trách nhiệm.",
	"REFUSED": "Chấp hành quyết định kiểm tra; báo cáo nguyên nhân và trách nhiệm.",
}

// raise makes the findings of a check out of its drafts when the minutes are closed:
// from then on they exist, for the unit too. Each takes over the photos of its item.
func (w *work) raise() error {
	version, err := w.checklist(w.tx, w.visit.ChecklistID)
	if err != nil {
		return err
	}
	view := View{Checklist: version}
	for _, d := range w.state.Drafted(w.rules) {
		it, _ := view.Item(d.Item)
		a := w.state.Answers[d.Item]
		r := w.raised()
		r.ItemKey, r.ItemCode, r.Section, r.ItemText = it.Key, it.Code, it.Section, it.TextVI
		r.DefaultSeverity, r.Severity, r.SeverityReason = finding.Severity(it.Severity), finding.Severity(d.Severity), d.Reason
		r.Text, r.Remedy = Words(it, d, a)
		r.FixedOnSite, r.FixedBy = a.Fixed, a.FixedBy
		var bases []string
		for _, c := range it.Bases {
			bases = append(bases, c.String())
		}
		r.Basis = strings.Join(bases, "; ")
		f, err := finding.Raise(w.tx, w.act(), r)
		if err != nil {
			return err
		}
		for _, image := range w.state.Photos[d.Item] {
			role := "BEFORE"
			if image.After {
				role = "AFTER"
			}
			if err := w.evidence.Carry(w.tx, w.actor, w.capacity, hang([]string{image.File}, "finding", f.ID, role)); err != nil {
				return err
			}
		}
	}
	return nil
}

// raiseObstruction raises the finding that a check which could not be made may have.
func (w *work) raiseObstruction() error {
	c := w.state.Cannot
	if c.Finding == "" {
		return nil
	}
	r := w.raised()
	r.ItemKey, r.ItemCode, r.ItemText = obstructionKey, obstructionCode, c.Finding
	r.DefaultSeverity, r.Severity, r.Text, r.Remedy = finding.Severity(c.Severity), finding.Severity(c.Severity), c.Finding, remedyOf[c.Reason]
	f, err := finding.Raise(w.tx, w.act(), r)
	if err != nil {
		return err
	}
	return w.evidence.Carry(w.tx, w.actor, w.capacity, hang(c.Photos, "finding", f.ID, "BEFORE"))
}

// giveVerdicts ends a re-inspection: what it found of each finding takes effect when
// its minutes are closed. The verdict is theirs who worked on the re-inspection.
func (w *work) giveVerdicts() error {
	var first []string
	if w.visit.ReinspectsID != nil {
		if err := w.tx.Model(&Member{}).Where("visit_id = ?", *w.visit.ReinspectsID).Order("person_id").Pluck("person_id", &first).Error; err != nil {
			return err
		}
	}
	for _, id := range w.rules.Findings {
		v := w.state.Verdicts[id]
		in := finding.VerdictInput{VisitID: w.visit.ID, Verdict: v.Verdict, Text: v.Text, FirstVisit: first, Verifiers: w.verdictBy(id)}
		for _, image := range w.state.Photos[id] {
			if image.Of == "" {
				in.Files = append(in.Files, image.File)
			}
		}
		if err := finding.Verdict(w.tx, w.act(), id, in); err != nil {
			return err
		}
	}
	return nil
}

// verdictBy lists who gave the verdict that stands and who closes the minutes.
func (w *work) verdictBy(id string) []string {
	by := []string{w.actor.Person}
	for i := len(w.operations) - 1; i >= 0; i-- {
		op := w.operations[i]
		if op.Type != OpVerdict {
			continue
		}
		var p Verdict
		if err := decode(op.Payload, &p); err == nil && p.Finding == id {
			if op.AuthorID != w.actor.Person {
				by = append(by, op.AuthorID)
			}
			break
		}
	}
	return by
}

func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// scored tells whether a check of this form and course gets a score.
func (v Visit) scored() bool {
	return v.Form != plan.Reinspection && !v.Remote()
}

var errNotForForm = inspection.E(inspection.Conflict, "visit.error.not_for_form")
