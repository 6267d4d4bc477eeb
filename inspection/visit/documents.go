package visit

import (
	"errors"
	"fmt"
	"slices"

	"congvu/inspection"
	"congvu/inspection/org"
	"congvu/inspection/plan"

	"gorm.io/gorm"
)

// Printed is a document's number and symbol as it is printed: 05/BB-ĐKT. Numbers
// below ten get a zero (NĐ 30/2020/NĐ-CP, annex I).
func (d Document) Printed() string {
	if d.Number == 0 {
		return ""
	}
	return fmt.Sprintf("%02d/%s", d.Number, d.Symbol)
}

func (w *work) register(kind Kind) (Document, error) {
	rule, ok := dueFor[kind]
	if !ok {
		return Document{}, inspection.E(inspection.Invalid, "error.invalid")
	}
	if err := w.may(rule.action); err != nil {
		return Document{}, err
	}
	if !slices.Contains(rule.phases, w.state.Phase) {
		return Document{}, inspection.E(inspection.Conflict, "visit.error.closed_for_answers")
	}
	var old Document
	err := w.tx.Where("visit_id = ? AND kind = ?", w.visit.ID, kind).Take(&old).Error
	if err == nil {
		return old, inspection.E(inspection.Conflict, "visit.error.number_taken")
	}
	if !errors.Is(err, gorm.ErrRecordNotFound) {
		return Document{}, err
	}
	campaign, err := plan.GetCampaign(w.tx, w.visit.CampaignID)
	if err != nil {
		return Document{}, err
	}
	team, err := plan.GetTeam(w.tx, w.visit.TeamID)
	if err != nil {
		return Document{}, err
	}
	issuer, symbol := team.Issuer(campaign), string(kind)+"-"+team.Symbol
	if kind == ConclusionDoc {
		issuer, symbol = "org:"+campaign.IssuerID, string(kind)+"-UBND"
	}
	year := w.now.Time().Year()
	number, err := org.NextDocumentNumber(w.tx, issuer, string(kind), year)
	if err != nil {
		return Document{}, err
	}
	d := Document{ID: inspection.NewID(), VisitID: w.visit.ID, Kind: kind, Issuer: issuer, Number: int64(number), Year: int64(year), Symbol: symbol,
		RegisteredOn: w.now.Date(), RegisteredBy: w.actor.Person, RegisteredAt: w.now}
	if err := w.tx.Create(&d).Error; err != nil {
		return Document{}, err
	}
	return d, w.record("document.register", map[string]any{"document": d.ID, "kind": string(kind), "issuer": issuer, "number": d.Number, "year": d.Year})
}
