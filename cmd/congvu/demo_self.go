package main

import (
	"context"
	"fmt"

	"congvu/inspection"
	"congvu/inspection/checklist"
	"congvu/inspection/score"
	"congvu/inspection/selfcheck"
)

// selfSaid is what a centre of the made-up province says of itself.
type selfSaid struct {
	commune int
	ago     int
	fails   map[string]fail
	note    string // of the first item that fell short, with what is done about it
	measure string
}

// The self-inspections of the past, asked seventy days ago: most units see less in
// themselves than the next check finds; Mẫu 11 and Mẫu 12 have handed in nothing.
var selfPast = []selfSaid{
	{commune: 1, ago: 68}, {commune: 2, ago: 67, fails: map[string]fail{"B03": {failing: 1, of: 5}}, note: "Một quầy chưa có biển chức danh.", measure: "In và gắn biển."},
	{commune: 3, ago: 67, fails: map[string]fail{"D03": {failing: 4, of: 480}, "E04": {}}, note: "Chưa có người hỗ trợ nộp hồ sơ trực tuyến.", measure: "Phân công lịch trực hỗ trợ."},
	{commune: 4, ago: 66, fails: map[string]fail{"C01": {failing: 2, of: 10}}, note: "Thiếu hai thủ tục mới công bố.", measure: "Bổ sung bảng niêm yết."},
	{commune: 5, ago: 66, fails: map[string]fail{"F05": {}}, note: "Chưa có biển thông báo đang ghi hình.", measure: "Đặt làm biển."},
	{commune: 6, ago: 65}, {commune: 7, ago: 65, fails: map[string]fail{"G01": {}}, note: "Hòm thư góp ý chưa mở trong quý.", measure: "Mở và lập biên bản hằng tháng."},
	{commune: 8, ago: 64}, {commune: 9, ago: 64}, {commune: 10, ago: 64, fails: map[string]fail{"E01": {failing: 1, of: 10}}, note: "Một hồ sơ mẫu chưa cập nhật.", measure: "Cập nhật trong tuần."},
}

// selfNow is what has come in for the request of today.
var selfNow = []selfSaid{{commune: 1, ago: 1}, {commune: 5, ago: 1}, {commune: 9, ago: 1}}

// selfChecks asks all units for a self-inspection so many days ago and lets some do it,
// on the demo's clock.
func (d *demo) selfChecks(ctx context.Context, title string, ago, dueIn int, said []selfSaid) error {
	day, err := d.workday(ctx, ago)
	if err != nil {
		return err
	}
	d.at(day, "17:10")
	officer, err := d.actor(d.db.WithContext(ctx), "noivu", day)
	if err != nil {
		return err
	}
	round, _, err := d.services.SelfChecks.Ask(ctx, officer, selfcheck.NewRound{ID: inspection.NewID(), IssuerID: d.organs["mau/ubnd"].ID, Title: title, ChecklistID: d.version,
		From: day, To: day.AddDays(dueIn), Due: day.AddDays(dueIn)})
	if err != nil {
		return err
	}
	for _, s := range said {
		if err := d.selfCheck(ctx, round, s); err != nil {
			return fmt.Errorf("demo: self-inspection of Mẫu %02d: %w", s.commune, err)
		}
	}
	return nil
}

func (d *demo) selfCheck(ctx context.Context, round selfcheck.Round, s selfSaid) error {
	day, err := d.workday(ctx, s.ago)
	if err != nil {
		return err
	}
	d.at(day, fmt.Sprintf("17:%02d", 20+s.commune))
	if asked := round.AskedAt.Time(); d.clock.Now().Time().Before(asked) { // the request came on a day off
		d.clock.Set(asked)
	}
	head, err := d.actor(d.db.WithContext(ctx), headOf(s.commune), day)
	if err != nil {
		return err
	}
	c, err := d.services.SelfChecks.Plan(ctx, head, selfcheck.NewCheck{ID: inspection.NewID(), RoundID: round.ID, OrganisationID: d.organs[fmt.Sprintf("mau/%02d", s.commune)].ID,
		From: day, To: day, Responsible: "Phó Giám đốc Trung tâm"})
	if err != nil {
		return err
	}
	list, err := checklist.Load(d.db.WithContext(ctx), c.ChecklistID)
	if err != nil {
		return err
	}
	if err := d.services.SelfChecks.Save(ctx, head, c.ID, selfAnswers(list, s.fails), &selfcheck.Count{Required: 4, Badge: 4, Dress: 4}); err != nil {
		return err
	}
	for _, it := range list.Items {
		if _, short := s.fails[it.Key]; short && s.note != "" {
			err := d.services.SelfChecks.Note(ctx, head, c.ID, selfcheck.NewShortcoming{ID: inspection.NewID(), ItemKey: it.Key, Words: s.note, Measure: s.measure, Due: day.AddDays(14)})
			if err != nil {
				return err
			}
			break
		}
	}
	return d.services.SelfChecks.HandIn(ctx, head, c.ID, c.Version)
}

// selfAnswers answers every item well but for those that fail.
func selfAnswers(list checklist.Version, fails map[string]fail) (out []selfcheck.Given) {
	for _, it := range list.Items {
		if score.Source(it.Source) != score.FromAnswer {
			continue
		}
		f, failed := fails[it.Key]
		a := answerOf(it, f, failed)
		g := selfcheck.Given{Key: it.Key, Value: a.Value}
		if a.Value == score.Count {
			g.Of, g.Compliant = a.Of, a.Of-a.Failing
		}
		out = append(out, g)
	}
	return out
}
