package inbox

import (
	"context"
	"slices"

	"congvu/inspection"
	"congvu/inspection/org"
	"congvu/inspection/selfcheck"

	"gorm.io/gorm"
)

// selfChecks are the self-inspections that a unit was asked for and has not planned, and
// those that it has not handed in.
func (s *Service) selfChecks(ctx context.Context, tx *gorm.DB, actor inspection.Actor, today inspection.Date, out *Today) error {
	service := selfcheck.New(tx, s.clock)
	asked, err := service.Requests(ctx, actor)
	if err != nil {
		return err
	}
	begun, err := service.Drafts(ctx, actor)
	if err != nil {
		return err
	}
	var tasks []Task
	var units []string
	add := func(subject, id, unit, name, title string, due inspection.Date) {
		units = append(units, unit)
		tasks = append(tasks, Task{Kind: Self, Subject: subject, ID: id, Code: unit, Text: title, Place: name, Due: due, Late: today > due})
	}
	for _, r := range asked {
		add("self_request", r.ID, r.Organisation, r.Name, r.Title, r.Due)
	}
	for _, c := range begun {
		add("self_check", c.ID, c.OrganisationID, c.OrganisationName, "", c.Due)
	}
	cals, err := org.CalendarsFor(tx, slices.Compact(slices.Sorted(slices.Values(units))))
	if err != nil {
		return err
	}
	for i, t := range tasks {
		tasks[i].Left = org.Left(cals[t.Code], today, t.Due)
	}
	out.add(Self, tasks, int64(len(tasks)))
	return nil
}
