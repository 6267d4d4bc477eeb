package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"congvu/evidence"
	"congvu/inspection"
	"congvu/inspection/checklist"
	"congvu/inspection/finding"
	"congvu/inspection/org"
	"congvu/inspection/score"
	"congvu/inspection/visit"
)

// past is a made-up check of the past: where, how many days ago, what failed, and how
// far it and its findings came.
type past struct {
	commune int
	ago     int
	team    int
	fails   map[string]fail
	absent  int               // of the posts, without a reason
	leave   int               // of the posts, on leave with a paper
	refused bool              // the unit did not sign the minutes
	upTo    string            // minutes, reported, concluded
	explain string            // item whose finding the unit explains
	fates   map[string]string // of the findings, by item; "" for all others
}

type fail struct {
	failing, of int64
	note        string
	fixed       bool
}

// The fates of findings: how far the follow-up of each came.
const (
	left         = "assigned"
	acknowledged = "acknowledged"
	asked        = "extension asked"
	granted      = "extension granted"
	submitted    = "submitted"
	returned     = "returned"
	accepted     = "accepted"
	verified     = "verified"
	withdrawn    = "withdrawn"
	onSite       = "verified on site"
)

// pastChecks are told from the oldest to the newest, as they would have happened.
var pastChecks = []past{
	{commune: 5, ago: 130, team: 1, upTo: "concluded", fates: map[string]string{"": verified},
		fails: map[string]fail{"C04": {note: "Chưa có mã QR trên bảng niêm yết."}, "G01": {note: "Hòm thư góp ý chưa mở trong quý."}, "E04": {note: "Máy hỗ trợ nộp hồ sơ trực tuyến hỏng."},
			"F02": {note: "Khu chờ thiếu nước uống."}, "D05": {3, 10, "Ba hồ sơ thiếu phiếu kiểm soát.", false}}},
	{commune: 1, ago: 75, team: 1, upTo: "concluded", fails: map[string]fail{"C05": {note: "Chưa niêm yết thư điện tử tiếp nhận phản ánh."}}, fates: map[string]string{"": verified}},
	{commune: 2, ago: 60, team: 1, absent: 1, upTo: "concluded", explain: "C02",
		fails: map[string]fail{"B03": {2, 5, "Hai quầy chưa có biển chức danh.", false}, "C02": {2, 10, "Hai thủ tục đã bãi bỏ vẫn còn niêm yết.", false},
			"C03": {1, 10, "Bảng phí niêm yết đã hết hiệu lực.", false}, "F02": {note: "Khu chờ thiếu ghế, chưa có bàn viết cho người dân."}},
		fates: map[string]string{"A01": submitted, "A02": accepted, "A03": left, "B03": accepted, "C02": submitted, "C03": returned, "F02": granted}},
	{commune: 3, ago: 52, team: 1, leave: 1, upTo: "concluded",
		fails: map[string]fail{"D04": {3, 12, "Ba hồ sơ quá hạn chưa có phiếu xin lỗi.", false}, "D03": {12, 480, "Mười hai hồ sơ quá hạn trên Hệ thống.", false},
			"B04": {note: "Một quầy trả lời người dân cộc lốc, đã được nhắc."}, "C01": {5, 10, "Thiếu năm thủ tục mới công bố.", false}, "E01": {4, 10, "Bốn hồ sơ mẫu chưa cập nhật.", false},
			"D01": {2, 10, "Hai hồ sơ chưa có giấy hẹn.", false}, "H04": {note: "Lãnh đạo chưa nắm lý do người vắng."}, "E04": {note: "Máy nộp hồ sơ trực tuyến chưa có người hỗ trợ."}, "G02": {note: "Gọi thử đường dây nóng không có người trả lời."}},
		fates: map[string]string{"B04": left, "C01": left, "D03": accepted, "H04": verified, "G02": withdrawn, "": submitted}},
	{commune: 4, ago: 45, team: 2, absent: 2, upTo: "concluded",
		fails: map[string]fail{"A05": {note: "Lịch trực tháng trước chưa thay."}, "C01": {6, 10, "Thiếu sáu thủ tục mới công bố.", false}, "E04": {note: "Chưa bố trí người hỗ trợ nộp hồ sơ trực tuyến."},
			"A04": {note: "Không có người thay khi vắng."}, "D02": {6, 10, "Yêu cầu bổ sung bằng lời, không có phiếu.", false}, "E03": {note: "Máy để mở tài khoản khi rời quầy."},
			"D05": {5, 10, "Sổ theo dõi thiếu năm hồ sơ.", false}, "E02": {7, 10, "Thành phần hồ sơ chưa số hóa.", false}, "F02": {note: "Không có lối cho người khuyết tật."},
			"G01": {note: "Hòm thư góp ý chưa có biên bản mở."}, "D03": {30, 300, "Ba mươi hồ sơ quá hạn trên Hệ thống.", false}, "C03": {5, 10, "Năm thủ tục niêm yết sai mức phí.", false},
			"D08": {6, 10, "Biên lai thiếu ngày, thiếu chữ ký.", false}, "G03": {4, 8, "Bốn phản ánh trả lời quá hạn.", false}, "B03": {4, 5, "Bốn quầy chưa có biển chức danh.", false}},
		fates: map[string]string{"C01": accepted, "C03": accepted, "D08": accepted, "E03": accepted, "A05": accepted, "E04": submitted, "B03": submitted, "A04": submitted}},
	{commune: 5, ago: 38, team: 1, upTo: "concluded", fails: map[string]fail{"B03": {1, 4, "Một quầy thiếu biển tên, đã bổ sung ngay.", true}, "F05": {note: "Chưa có biển thông báo đang ghi hình."}},
		fates: map[string]string{"B03": onSite, "F05": submitted}},
	{commune: 10, ago: 26, team: 2, absent: 1, upTo: "concluded", fails: map[string]fail{"G02": {note: "Đường dây nóng chuyển sang máy bận."}, "A04": {note: "Không có người thay quầy đất đai."}, "E01": {3, 10, "Ba hồ sơ mẫu chưa cập nhật.", false}, "E02": {2, 10, "Hai hồ sơ chưa số hóa kết quả.", false}, "C03": {2, 10, "Hai thủ tục chưa niêm yết lệ phí.", false}, "B03": {1, 5, "Một quầy thiếu biển chức danh.", false},
		"A05": {note: "Lịch trực chưa có lãnh đạo trực."}, "D01": {3, 10, "Ba hồ sơ chưa có giấy hẹn.", false}, "D05": {4, 10, "Bốn hồ sơ thiếu phiếu kiểm soát.", false}, "F02": {note: "Thiếu bàn viết."}, "E04": {note: "Chưa có điểm hỗ trợ trực tuyến."}},
		fates: map[string]string{"D01": verified, "C03": asked, "E02": acknowledged, "": acknowledged}},
	{commune: 6, ago: 9, team: 1, absent: 1, upTo: "reported", explain: "C04", fails: map[string]fail{"C04": {note: "Mã QR trên bảng niêm yết không quét được."}, "F03": {1, 6, "Một máy quét hỏng.", false}}},
	{commune: 11, ago: 3, team: 2, leave: 1, upTo: "minutes", refused: true, explain: "C06", fails: map[string]fail{"C06": {note: "Lịch tiếp công dân là lịch năm trước."}}},
}

// pastChecks runs the made-up checks of the past through the same services as real
// ones, on a clock of their own.
func (d *demo) pastChecks(ctx context.Context) error {
	d.clock = inspection.NewManualClock(d.today.Time())
	keys, err := d.program.config.ReadKeys()
	if err != nil {
		return err
	}
	services, err := build(d.db, d.store, d.clock, keys, d.program.config)
	if err != nil {
		return err
	}
	run := *d
	inner := *d.program
	inner.services = services
	run.program = &inner
	asked := false
	for _, p := range pastChecks {
		if p.upTo != "concluded" && run.closed == "" { // between the others, as it happened
			if err := run.closedDesk(ctx); err != nil {
				return err
			}
		}
		if p.ago < 64 && !asked { // likewise
			asked = true
			if err := run.selfChecks(ctx, "Tự kiểm tra công vụ kỳ trước", 70, 8, selfPast); err != nil {
				return err
			}
		}
		if err := run.check(ctx, p); err != nil {
			return fmt.Errorf("demo: xã Mẫu %02d: %w", p.commune, err)
		}
	}
	return run.selfChecks(ctx, "Tự kiểm tra công vụ kỳ này", 1, 14, selfNow)
}

// workday is the nearest working day at or before so many days ago.
func (d *demo) workday(ctx context.Context, ago int) (inspection.Date, error) {
	calendar, err := org.CalendarFor(d.db.WithContext(ctx), d.organs["mau/01"].ID)
	if err != nil {
		return "", err
	}
	day := d.today.AddDays(-ago)
	for !calendar.IsWorkingDay(day) {
		day = day.AddDays(-1)
	}
	return day, nil
}

// at sets the clock to a time of a day.
func (d *demo) at(day inspection.Date, hhmm string) {
	m, _ := inspection.ParseMinute(hhmm)
	d.clock.Set(day.Time().Add(time.Duration(m) * time.Minute))
}

// scribe posts operations of one person on one check.
type scribe struct {
	d     *demo
	actor inspection.Actor
	visit string
	seq   int64
	wide  map[string]string // the wide picture of a section
}

func (s *scribe) post(ctx context.Context, t visit.Type, payload any) error {
	raw, err := json.Marshal(payload)
	if err != nil {
		return err
	}
	s.seq++
	s.d.clock.Advance(20 * time.Second)
	op := visit.Operation{ID: inspection.NewID(), VisitID: s.visit, Device: "demo", DeviceAt: s.d.clock.Now(), Seq: s.seq, Type: t, Payload: string(raw)}
	for _, o := range s.d.services.Visits.Post(ctx, s.actor, []visit.Operation{op}) {
		if o.Err != nil {
			return fmt.Errorf("%s: %w", t, o.Err)
		}
	}
	return nil
}

// file declares and sends a drawn picture and returns its id.
func (s *scribe) file(ctx context.Context, raw []byte, kind evidence.Kind, noPeople bool) (string, error) {
	sum := sha256.Sum256(raw)
	id := inspection.NewID()
	d := evidence.Declaration{ID: id, Visit: s.visit, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(raw)), Name: "anh-mo-phong.jpg", Kind: kind,
		NoPeople: noPeople, Contains: evidence.Nobody, CapturedAt: s.d.clock.Now()}
	if _, err := s.d.services.Evidence.Declare(ctx, s.actor, d); err != nil {
		return "", err
	}
	_, err := s.d.services.Evidence.Receive(ctx, s.actor, id, int64(len(raw)), bytes.NewReader(raw))
	return id, err
}

func (d *demo) check(ctx context.Context, p past) error {
	day, err := d.workday(ctx, p.ago)
	if err != nil {
		return err
	}
	s, err := d.begin(ctx, p.team, p.commune, day)
	if err != nil {
		return err
	}
	if err := s.attendance(ctx, p); err != nil {
		return err
	}
	if err := s.answers(ctx, p); err != nil {
		return err
	}
	if err := s.close(ctx, p.refused); err != nil {
		return err
	}
	if p.upTo == "minutes" {
		return d.explain(ctx, s.visit, p, day)
	}
	return d.afterwards(ctx, s, p, day)
}

// begin checks in on a target of the past.
func (d *demo) begin(ctx context.Context, team, commune int, day inspection.Date) (*scribe, error) {
	d.at(day, "07:50")
	lead, err := d.actor(d.db.WithContext(ctx), map[int]string{1: "truongdoan", 2: "truongdoan2"}[team], day)
	if err != nil {
		return nil, err
	}
	open := map[int][]string{1: {"thuky", "thanhvien"}, 2: {"thanhvien3"}}[team]
	t, err := d.target(ctx, lead, team, commune, day, 480, open)
	if err != nil {
		return nil, err
	}
	s := &scribe{d: d, actor: lead, visit: inspection.NewID()}
	d.at(day, "08:05")
	return s, s.post(ctx, visit.OpCheckIn, visit.CheckIn{Target: t.ID, Location: "DENIED"})
}

func (s *scribe) attendance(ctx context.Context, p past) error {
	v, err := s.d.services.Visits.Get(ctx, s.actor, s.visit)
	if err != nil {
		return err
	}
	var rows []visit.Row
	for _, post := range v.Roster {
		rows = append(rows, visit.Row{ID: inspection.NewID(), Post: post.ID, Position: post.Title, Field: post.Field, Required: post.Required})
	}
	if err := s.post(ctx, visit.OpAttendanceBegin, visit.AttendanceBegin{Rows: rows}); err != nil {
		return err
	}
	for i, row := range rows {
		here := i >= p.absent+p.leave
		row.Present = &here
		switch {
		case here:
			row.Badge, row.Dress = true, true
		case i < p.absent:
			row.Reason = score.Unknown
		default:
			row.Reason, row.Documented = score.Leave, true
		}
		if err := s.post(ctx, visit.OpAttendanceRow, row); err != nil {
			return err
		}
	}
	return nil
}

func (s *scribe) answers(ctx context.Context, p past) error {
	v, err := s.d.services.Visits.Get(ctx, s.actor, s.visit)
	if err != nil {
		return err
	}
	for _, it := range v.Checklist.Items {
		f, failed := p.fails[it.Code]
		if it.Source == string(score.FromAnswer) {
			if err := s.post(ctx, visit.OpAnswer, answerOf(it, f, failed)); err != nil {
				return err
			}
		}
		if f.note != "" {
			if err := s.post(ctx, visit.OpNote, visit.Note{Item: it.Key, Text: f.note}); err != nil {
				return err
			}
		}
	}
	if v, err = s.d.services.Visits.Get(ctx, s.actor, s.visit); err != nil {
		return err
	}
	for _, d := range v.State.Drafted(v.Rules) {
		it, _ := v.Item(d.Item)
		words := demoTexts[it.Code]
		if err := s.post(ctx, visit.OpFinding, visit.Draft{Item: d.Item, Severity: d.Severity, Text: words.text, Remedy: words.remedy}); err != nil {
			return err
		}
	}
	for _, it := range v.Checklist.Items {
		rule, _ := v.Rules.Item(it.Key)
		failed := v.State.Failed(v.Rules, rule)
		if !(rule.Photo == visit.PhotoAlways || rule.Photo == visit.PhotoFailure && failed) {
			continue
		}
		if err := s.photo(ctx, it, failed, false); err != nil {
			return err
		}
		if p.fails[it.Code].fixed {
			if err := s.fixed(ctx, p.team, it.Key); err != nil {
				return err
			}
			if err := s.photo(ctx, it, false, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// fixed marks what was put right at once, by a member: the lead will verify it.
func (s *scribe) fixed(ctx context.Context, team int, item string) error {
	member, err := s.d.actor(s.d.db.WithContext(ctx), map[int]string{1: "thanhvien", 2: "thanhvien3"}[team], s.d.clock.Now().Date())
	if err != nil {
		return err
	}
	by := &scribe{d: s.d, actor: member, visit: s.visit, seq: s.seq}
	err = by.post(ctx, visit.OpFixed, visit.Fixed{Item: item, Fixed: true})
	s.seq = by.seq
	return err
}

func answerOf(it checklist.Item, f fail, failed bool) visit.AnswerItem {
	a := visit.AnswerItem{Item: it.Key}
	switch score.Response(it.Response) {
	case score.YN:
		a.Value = score.Yes
		if failed {
			a.Value = score.No
		}
	case score.RATE3:
		a.Value = score.Good
		if failed {
			a.Value = score.Poor
		}
	default:
		a.Value, a.Of, a.Failing = score.Count, 10, 0
		if f.of > 0 {
			a.Of, a.Failing = f.of, f.failing
		}
	}
	return a
}

// photo draws a picture for an item, hangs it there, and confirms it for sharing: a
// drawing shows nobody. What is in order shares one wide picture of its section.
func (s *scribe) photo(ctx context.Context, it checklist.Item, broken, after bool) error {
	if file, ok := s.wide[it.Section]; ok && !broken && !after {
		return s.post(ctx, visit.OpPhoto, visit.Photo{Item: it.Key, File: file, NoPeople: true})
	}
	code := it.Code
	if !broken && !after {
		code = "PHAN " + it.Section
	}
	raw, err := scene(code, s.d.clock.Now().Date().VN(), broken)
	if err != nil {
		return err
	}
	s.d.clock.Advance(time.Minute)
	id, err := s.file(ctx, raw, evidence.Photo, true)
	if err != nil {
		return err
	}
	if s.wide == nil {
		s.wide = map[string]string{}
	}
	if !broken && !after {
		s.wide[it.Section] = id
	}
	if err := s.post(ctx, visit.OpPhoto, visit.Photo{Item: it.Key, File: id, NoPeople: true, After: after}); err != nil {
		return err
	}
	return s.d.services.Evidence.ConfirmShared(ctx, s.actor, id, nil, true)
}

// close finishes the check and closes the minutes, signed or refused.
func (s *scribe) close(ctx context.Context, refused bool) error {
	if err := s.post(ctx, visit.OpFinish, struct{}{}); err != nil {
		return err
	}
	text := func(t string) *string { return &t }
	if err := s.post(ctx, visit.OpMinutes, visit.Minutes{Strengths: text("Bố trí đủ quầy, hướng dẫn người dân tận tình."),
		Opinion: text("Thống nhất với nội dung biên bản."), Representatives: text("Giám đốc Trung tâm (mô phỏng)")}); err != nil {
		return err
	}
	if refused {
		return s.post(ctx, visit.OpRefuse, visit.Signed{Reason: "Thủ trưởng đơn vị đề nghị chờ ý kiến cấp trên.", Witness: "Công an viên trực tại trụ sở"})
	}
	raw, err := scene("BIEN BAN", s.d.clock.Now().Date().VN(), false)
	if err != nil {
		return err
	}
	id, err := s.file(ctx, raw, evidence.DocumentScan, true)
	if err != nil {
		return err
	}
	return s.post(ctx, visit.OpSign, visit.Signed{Scans: []string{id}})
}

// unitActor is the head of a unit, with an account or without.
func (d *demo) unitActor(ctx context.Context, commune int, on inspection.Date) (inspection.Actor, error) {
	return d.actor(d.db.WithContext(ctx), headOf(commune), on)
}

func (d *demo) explain(ctx context.Context, visitID string, p past, day inspection.Date) error {
	if p.explain == "" {
		return nil
	}
	unit, err := d.unitActor(ctx, p.commune, day)
	if err != nil {
		return err
	}
	lines, _, err := d.services.Findings.ForVisit(ctx, unit, visitID, inspection.Page{Limit: 200})
	if err != nil {
		return err
	}
	d.clock.Advance(4 * time.Hour)
	for _, l := range lines {
		if l.ItemCode == p.explain {
			if err := d.services.Findings.Explain(ctx, unit, l.ID, 0, finding.ExplainInput{Text: "Đơn vị nhận thiếu sót; bản niêm yết mới đang in, dự kiến thay trong tuần."}); err != nil {
				return err
			}
		}
	}
	return nil
}

// afterwards reports, concludes and follows the findings up as far as they came.
func (d *demo) afterwards(ctx context.Context, s *scribe, p past, day inspection.Date) error {
	if err := d.explain(ctx, s.visit, p, day); err != nil {
		return err
	}
	if p.upTo == "reported" {
		d.at(day.AddDays(2), "09:00")
	} else {
		d.at(day.AddDays(4), "09:00")
	}
	report := visit.Report{Summary: "Đơn vị chấp hành cơ bản tốt; còn một số tồn tại nêu trong biên bản.", Proposals: "Đề nghị khắc phục đúng hạn và tự kiểm tra hằng quý."}
	if err := d.services.Visits.Report(ctx, s.actor, s.visit, inspection.NewID(), 0, report); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if _, err := d.services.Visits.Register(ctx, s.actor, s.visit, visit.MinutesDoc); err != nil {
		return err
	}
	if p.upTo == "reported" {
		return nil
	}
	return d.conclude(ctx, s, p, day.AddDays(7))
}

func (d *demo) conclude(ctx context.Context, s *scribe, p past, day inspection.Date) error {
	d.at(day, "10:00")
	chair, err := d.actor(d.db.WithContext(ctx), "chutich", day)
	if err != nil {
		return err
	}
	lines, _, err := d.services.Findings.ForVisit(ctx, chair, s.visit, inspection.Page{Limit: 200})
	if err != nil {
		return err
	}
	var decisions []visit.Decision
	for _, l := range lines {
		detail, err := d.services.Findings.Get(ctx, chair, l.ID)
		if err != nil {
			return err
		}
		for _, x := range detail.Explanations {
			if err := d.services.Findings.RuleOn(ctx, chair, l.ID, 0, x.ID, finding.RulingPartly, "Ghi nhận việc đơn vị đã nhận thiếu sót; tồn tại vẫn cần khắc phục."); err != nil {
				return err
			}
		}
		if p.fates[l.ItemCode] == withdrawn {
			decisions = append(decisions, visit.Decision{Finding: l.ID, Reason: "Đường dây mất tín hiệu do nhà mạng vào giờ gọi thử; đơn vị đã xuất trình xác nhận."})
			continue
		}
		decisions = append(decisions, visit.Decision{Finding: l.ID, Confirm: true})
	}
	if err := d.services.Visits.Conclude(ctx, chair, s.visit, inspection.NewID(), 0, visit.Conclude{Text: "Biểu dương tinh thần phục vụ; yêu cầu khắc phục các tồn tại đúng hạn."}, decisions); err != nil {
		return fmt.Errorf("conclude: %w", err)
	}
	if _, err := d.services.Visits.Register(ctx, chair, s.visit, visit.ConclusionDoc); err != nil {
		return err
	}
	return d.followUp(ctx, s, p, day)
}

func (d *demo) followUp(ctx context.Context, s *scribe, p past, day inspection.Date) error {
	if len(p.fates) == 0 {
		return nil
	}
	lines, _, err := d.services.Findings.ForVisit(ctx, s.actor, s.visit, inspection.Page{Limit: 200})
	if err != nil {
		return err
	}
	unit, err := d.unitActor(ctx, p.commune, day)
	if err != nil {
		return err
	}
	for i := range lines {
		l := lines[len(lines)-1-i] // oldest first
		fate, ok := p.fates[l.ItemCode]
		if !ok {
			fate = p.fates[""]
		}
		switch {
		case fate == onSite && l.State == finding.Confirmed:
			if err := d.onSite(ctx, p.team, l.ID, day); err != nil {
				return fmt.Errorf("%s: %w", l.ItemCode, err)
			}
		case l.State == finding.Assigned:
			if err := d.follow(ctx, s, unit, l.ID, fate, day, l.ItemCode); err != nil {
				return fmt.Errorf("%s: %w", l.ItemCode, err)
			}
		}
	}
	if at := day.AddDays(5); at < d.today { // what nobody took note of in two working days, the program does
		d.at(at, "08:00")
		_, err = d.services.Findings.AcknowledgeOverdue(ctx, 200)
	}
	return err
}

// onSite verifies what was put right while the team was there.
func (d *demo) onSite(ctx context.Context, team int, id string, day inspection.Date) error {
	d.at(day.AddDays(1), "09:30")
	lead, err := d.actor(d.db.WithContext(ctx), map[int]string{1: "truongdoan", 2: "truongdoan2"}[team], day)
	if err != nil {
		return err
	}
	return d.services.Findings.VerifyFixedOnSite(ctx, lead, id, 0)
}

// follow carries a finding as far as its fate says; no day lies in the future.
func (d *demo) follow(ctx context.Context, s *scribe, unit inspection.Actor, id, fate string, day inspection.Date, code string) error {
	reach := map[string]int{left: 0, acknowledged: 1, asked: 2, granted: 2, submitted: 2, returned: 3, accepted: 3, verified: 4}[fate]
	f := d.services.Findings
	if reach >= 1 {
		d.at(day.AddDays(1), "08:30")
		if err := f.Acknowledge(ctx, unit, id, 0); err != nil {
			return err
		}
	}
	if reach >= 2 {
		if done, err := d.extension(ctx, s, unit, id, fate, day); done || err != nil {
			return err
		}
		d.at(min(day.AddDays(6), d.today.AddDays(-1)), "15:00")
		raw, err := scene(code+" SAU", d.clock.Now().Date().VN(), false)
		if err != nil {
			return err
		}
		theirs := &scribe{d: d, actor: unit, visit: s.visit}
		file, err := theirs.file(ctx, raw, evidence.Photo, true)
		if err != nil {
			return err
		}
		if err := f.Submit(ctx, unit, id, 0, finding.SubmitInput{Text: "Đã khắc phục xong, ảnh chụp sau khi làm kèm theo; giao phụ trách bộ phận kiểm tra hằng tuần.", Files: []string{file}}); err != nil {
			return err
		}
		if err := d.services.Evidence.ConfirmShared(ctx, s.actor, file, nil, true); err != nil {
			return err
		}
	}
	if reach < 3 {
		return nil
	}
	d.at(day.AddDays(8), "09:00")
	if fate == returned {
		return f.Return(ctx, s.actor, id, 0, "Ảnh chưa thấy ngày áp dụng của bảng mới; vui lòng chụp lại cận cảnh.")
	}
	if err := f.Accept(ctx, s.actor, id, 0, "Ảnh sau phù hợp với yêu cầu."); err != nil {
		return err
	}
	if reach < 4 {
		return nil
	}
	detail, err := f.Get(ctx, s.actor, id)
	if err != nil || detail.State != finding.Accepted {
		return err
	}
	d.at(day.AddDays(9), "09:00")
	other, err := d.actor(d.db.WithContext(ctx), "thanhvien2", day)
	if err != nil {
		return err
	}
	return f.VerifyOnDocuments(ctx, other, id, 0, "Đã xem tài liệu và ảnh, khớp với yêu cầu.")
}

// extension asks for more time, and gives it, where that is the finding's fate.
func (d *demo) extension(ctx context.Context, s *scribe, unit inspection.Actor, id, fate string, day inspection.Date) (bool, error) {
	if fate != asked && fate != granted {
		return false, nil
	}
	d.at(day.AddDays(3), "10:00")
	if err := d.services.Findings.AskExtension(ctx, unit, id, 0, finding.ExtensionInput{ID: inspection.NewID(), Days: 10, Reason: "Chờ kinh phí mua sắm được duyệt trong tháng."}); err != nil || fate == asked {
		return true, err
	}
	d.at(day.AddDays(4), "10:00")
	return true, d.services.Findings.GrantExtension(ctx, s.actor, id, 0, "Đồng ý gia hạn một lần; gửi quyết định mua sắm khi có.")
}

// closedDesk is a check that could not be made: the desk was closed in working hours.
func (d *demo) closedDesk(ctx context.Context) error {
	day, err := d.workday(ctx, 20)
	if err != nil {
		return err
	}
	d.closed = day
	s, err := d.begin(ctx, 2, communes, day)
	if err != nil {
		return err
	}
	raw, err := scene("CUA DONG", day.VN(), true)
	if err != nil {
		return err
	}
	id, err := s.file(ctx, raw, evidence.Photo, true)
	if err != nil {
		return err
	}
	return s.post(ctx, visit.OpCannotInspect, visit.CannotInspect{Reason: "CLOSED", Place: d.desks[fmt.Sprintf("mau/%02d", communes)].Name, Words: "Bảo vệ: bộ phận nghỉ họp, chiều mới mở.",
		Witness: "Người dân chờ tại cửa", Photos: []string{id}, Finding: "Quầy đóng cửa trong giờ làm việc, không có thông báo.", Severity: string(score.Major)})
}
