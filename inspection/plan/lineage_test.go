package plan

import (
	"testing"

	"congvu/inspection"
	"congvu/inspection/org"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// became reorganises an organisation as the administrator does, and returns its heir.
func (w *world) became(o org.Organisation, relation org.Relation, name, successor string, on inspection.Date) string {
	w.t.Helper()
	boot := inspection.Actor{Person: inspection.NewID(), Capacities: []inspection.Capacity{{Role: inspection.SysAdmin}}}
	now, err := org.OrganisationByID(w.db, o.ID)
	w.must(err)
	heir, err := org.New(w.db, w.clock).Reorganise(ctx, boot, org.Reorganisation{Organisation: o.ID, ID: inspection.NewID(), Version: now.Version,
		Relation: relation, Name: name, Successor: successor, On: on, LegalAct: "QĐ 9", Desks: true})
	w.must(err)
	return heir
}

func TestWhatACampaignIsAboutFollowsItsHeirs(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		o := newOffice(t, db)
		places := org.New(db, o.clock)
		keys := []string{org.Place{OrganisationID: o.unit.ID}.Key(), org.Place{OrganisationID: o.far.ID, DeskID: o.desk.ID}.Key()}
		_, err := o.AddPlaces(ctx, o.officer, o.campaign.ID, keys)
		o.must(err)
		renamed, moved := o.became(o.unit, org.Renamed, "Trung tâm phường Mẫu", "", "2026-04-01"), o.became(o.far, org.Renamed, "Trung tâm phường Xa", "", "2026-04-01")
		var desk org.Desk
		o.must(db.Where("predecessor_id = ?", o.desk.ID).Take(&desk).Error)
		offered := func(on inspection.Date) map[string]bool {
			t.Helper()
			list, err := o.PlacesToVisit(ctx, o.lead, places, o.team.ID, "", on, inspection.Page{})
			o.must(err)
			out := map[string]bool{}
			for _, p := range list {
				out[p.Key()] = true
			}
			return out
		}
		heirs := []string{org.Place{OrganisationID: renamed}.Key(), org.Place{OrganisationID: moved, DeskID: desk.ID}.Key()}
		for day, want := range map[inspection.Date][]string{"2026-03-31": keys, "2026-04-01": heirs} {
			if got := offered(day); len(got) != 2 || !got[want[0]] || !got[want[1]] {
				t.Errorf("%s: offered %v, want %v", day, got, want)
			}
		}
		// What is offered is taken, and nothing else.
		seal := func(organisation string, desk *string) error {
			n := o.fresh()
			n.OrganisationID, n.DeskID, n.PlannedOn = organisation, desk, "2026-04-02"
			_, err := o.Seal(ctx, o.lead, n)
			return err
		}
		o.must(seal(renamed, nil))
		o.must(seal(moved, &desk.ID))
		is(t, seal(moved, nil), inspection.Invalid, "plan.error.not_in_scope")
		is(t, seal(o.unit.ID, nil), inspection.Invalid, "error.invalid")
		// A desk that goes to another unit is what the campaign is about; that unit is not.
		other := o.became(org.Organisation{ID: moved}, org.MergedInto, "", renamed, "2026-05-01")
		if got := offered("2026-05-01"); len(got) != 1 || other != renamed { // all of the unit, its new desk with it
			t.Errorf("after the merger: %v", got)
		}
	})
}
