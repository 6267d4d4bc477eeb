package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"congvu/inspection"
	"congvu/inspection/auth"
	"congvu/inspection/checklist"
	"congvu/inspection/org"
	"congvu/inspection/plan"

	"gorm.io/gorm"
)

// reform is the day on which districts ended (two-tier local government).
const reform inspection.Date = "2025-07-01"

// places are the five places of the reports, as districts before the reform.
var places = []string{"vn/an-giang/an-phu", "vn/ha-noi/chuong-my", "vn/ca-mau/dam-doi", "vn/quang-ninh/mong-cai", "vn/hung-yen/khoai-chau"}

// communes of the made-up province that carries every invented finding.
const communes = 12

// world makes the tree, the organisations, desks and posts, the people, the checklist
// and the campaigns.
func (d *demo) world(ctx context.Context) error {
	a := importer()
	if _, err := d.services.Org.ImportUnits(ctx, a, org.Seed("units.csv"), org.Seed("lineage.csv"), false); err != nil {
		return err
	}
	if _, err := d.services.Org.ImportUnits(ctx, a, strings.NewReader(madeUpProvince()), strings.NewReader("predecessor_key,portion,successor_key,relation,legal_act,effective_date\n"), false); err != nil {
		return err
	}
	if _, err := d.services.Org.ImportHours(ctx, a, "vn", org.Seed("hours.csv"), false); err != nil {
		return err
	}
	if _, err := d.services.Org.ImportHolidays(ctx, a, "vn", org.Seed("holidays.csv"), false); err != nil {
		return err
	}
	prepared, err := d.accounts(ctx)
	if err != nil {
		return err
	}
	return d.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		act := d.operator()
		for _, step := range []func(*gorm.DB, org.Act) error{d.offices, d.oldWorld, d.newWorld, d.organisationLineage, d.checklist, d.pastCampaign, d.campaign} {
			if err := step(tx, act); err != nil {
				return err
			}
		}
		return d.createPeople(tx, act, prepared)
	})
}

func madeUpProvince() string {
	var b strings.Builder
	b.WriteString("key,name,unit_type,parent_key,valid_from,valid_to,note\nvn/mau,Mẫu,PROVINCE,vn,2025-07-01,,made up: carries all invented findings\n")
	for i := 1; i <= communes; i++ {
		kind := "COMMUNE"
		if i > 8 {
			kind = "WARD"
		}
		fmt.Fprintf(&b, "vn/mau/mau-%02d,Mẫu %02d,%s,vn/mau,2025-07-01,,\n", i, i, kind)
	}
	return b.String()
}

// typeWord is what stands before a unit's name.
var typeWord = map[org.UnitType]string{"PROVINCE": "tỉnh", "CITY": "thành phố", "DISTRICT": "huyện", "COMMUNE": "xã", "WARD": "phường", "TOWNSHIP": "thị trấn"}

// title is a unit's name with its type. The names of districts carry it already.
func title(u org.Unit) string {
	word := typeWord[u.Type]
	if strings.HasPrefix(u.Name, "huyện ") || strings.HasPrefix(u.Name, "thành phố ") || strings.HasPrefix(u.Name, "thị xã ") || word == "" {
		return u.Name
	}
	return word + " " + u.Name
}

func (d *demo) organisation(tx *gorm.DB, act org.Act, key string, kind org.Kind, name string, u org.Unit, parent *string) (org.Organisation, error) {
	o, err := org.CreateOrganisation(tx, act, org.Organisation{Key: key, Kind: kind, Name: name, AdminUnitID: u.ID, ParentID: parent, ValidFrom: u.ValidFrom, ValidTo: u.ValidTo})
	if err != nil {
		return o, fmt.Errorf("%s: %w", key, err)
	}
	d.organs[key] = o
	return o, nil
}

func (d *demo) desk(tx *gorm.DB, act org.Act, key, name string, o org.Organisation) (org.Desk, error) {
	desk, err := org.CreateDesk(tx, act, org.Desk{OrganisationID: o.ID, Key: key, Name: name, ValidFrom: o.ValidFrom, ValidTo: o.ValidTo})
	d.desks[key] = desk
	return desk, err
}

// offices makes the committees that issue decisions, and the centres of the made-up
// province with their desks and posts.
func (d *demo) offices(tx *gorm.DB, act org.Act) error {
	d.organs, d.desks = map[string]org.Organisation{}, map[string]org.Desk{}
	mau, err := org.UnitByKey(tx, "vn/mau")
	if err != nil {
		return err
	}
	hanoi, err := org.UnitByKey(tx, "vn/ha-noi")
	if err != nil {
		return err
	}
	committee, err := d.organisation(tx, act, "mau/ubnd", org.PeoplesCommittee, "Ủy ban nhân dân tỉnh Mẫu", mau, nil)
	if err != nil {
		return err
	}
	if _, err := d.organisation(tx, act, "mau/so-noi-vu", org.Department, "Sở Nội vụ tỉnh Mẫu", mau, &committee.ID); err != nil {
		return err
	}
	if _, err := d.organisation(tx, act, "ha-noi/ubnd", org.PeoplesCommittee, "Ủy ban nhân dân thành phố Hà Nội", hanoi, nil); err != nil {
		return err
	}
	for i := 1; i <= communes; i++ {
		u, err := org.UnitByKey(tx, fmt.Sprintf("vn/mau/mau-%02d", i))
		if err != nil {
			return err
		}
		key := fmt.Sprintf("mau/%02d", i)
		o, err := d.organisation(tx, act, key, org.ServiceCenterCommune, "Trung tâm Phục vụ hành chính công "+title(u), u, nil)
		if err != nil {
			return err
		}
		name := "Bộ phận Một cửa " + title(u)
		if i == communes {
			name = "Trung tâm Phục vụ hành chính công " + title(u) + " – Điểm tiếp nhận số 3"
		}
		desk, err := d.desk(tx, act, key, name, o)
		if err != nil {
			return err
		}
		if err := posts(tx, act, desk, 4+i%2); err != nil {
			return err
		}
	}
	return nil
}

var fields = []string{"Hộ tịch, chứng thực", "Đất đai, môi trường", "Đăng ký kinh doanh", "Lao động, người có công", "Xây dựng, hạ tầng"}

func posts(tx *gorm.DB, act org.Act, desk org.Desk, n int) error {
	for i := range n {
		p := org.Post{DeskID: desk.ID, Title: fmt.Sprintf("Công chức tiếp nhận – quầy %d", i+1), Field: fields[i%len(fields)], Required: true,
			ValidFrom: desk.ValidFrom, ValidTo: desk.ValidTo, Simulated: true}
		if i == 0 {
			p.Title, p.Field = "Phụ trách bộ phận", "Điều hành"
		}
		if _, err := org.CreatePost(tx, act, p); err != nil {
			return err
		}
	}
	return nil
}

// oldWorld makes the committees and desks of the five places as they were before the
// reform: the district's own desk and one for each commune. Đầm Dơi's 17 desks carry
// 4 (nine of them) or 5 (eight) posts, simulated.
func (d *demo) oldWorld(tx *gorm.DB, act org.Act) error {
	for _, place := range places {
		district, err := org.UnitByKey(tx, place)
		if err != nil {
			return err
		}
		var units []org.Unit
		if err := tx.Where("parent_id = ?", district.ID).Order("search, key").Find(&units).Error; err != nil {
			return err
		}
		for i, u := range append([]org.Unit{district}, units...) {
			o, err := d.organisation(tx, act, "ubnd/"+u.Key, org.PeoplesCommittee, "Ủy ban nhân dân "+title(u), u, nil)
			if err != nil {
				return err
			}
			desk, err := d.desk(tx, act, "mot-cua/"+u.Key, "Bộ phận Một cửa "+title(u), o)
			if err != nil {
				return err
			}
			if place == "vn/ca-mau/dam-doi" {
				n := 4
				if i >= 9 {
					n = 5
				}
				if err := posts(tx, act, desk, n); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// newWorld makes the service centres of the communes and wards that the reform made
// of the five places.
func (d *demo) newWorld(tx *gorm.DB, act org.Act) error {
	var units []org.Unit
	err := tx.Where("valid_from = ? AND unit_type IN ? AND key NOT LIKE 'vn/mau/%'", reform, []org.UnitType{"COMMUNE", "WARD", "SPECIAL_ZONE"}).Order("key").Find(&units).Error
	if err != nil {
		return err
	}
	for _, u := range units {
		o, err := d.organisation(tx, act, "pvhcc/"+u.Key, org.ServiceCenterCommune, "Trung tâm Phục vụ hành chính công "+title(u), u, nil)
		if err != nil {
			return err
		}
		if _, err := d.desk(tx, act, "mot-cua/"+u.Key, "Bộ phận Một cửa "+title(u), o); err != nil {
			return err
		}
	}
	return nil
}

// organisationLineage carries the lineage of the units over to their committees and
// centres.
func (d *demo) organisationLineage(tx *gorm.DB, act org.Act) error {
	var rows []org.UnitLineage
	if err := tx.Order("id").Find(&rows).Error; err != nil {
		return err
	}
	byUnit := map[string]org.Organisation{}
	for key, o := range d.organs {
		if strings.HasPrefix(key, "ubnd/") || strings.HasPrefix(key, "pvhcc/") {
			byUnit[o.AdminUnitID] = o
		}
	}
	for _, l := range rows {
		if l.SuccessorID == nil {
			continue
		}
		from, ok1 := byUnit[l.PredecessorID]
		to, ok2 := byUnit[*l.SuccessorID]
		if !ok1 || !ok2 {
			continue
		}
		if _, err := org.CreateLineage(tx, act, org.Lineage{PredecessorID: from.ID, SuccessorID: &to.ID, Relation: l.Relation, Portion: l.Portion,
			LegalAct: l.LegalAct, EffectiveDate: l.EffectiveDate}); err != nil {
			return fmt.Errorf("%s: %w", from.Key, err)
		}
	}
	return nil
}

func (d *demo) checklist(tx *gorm.DB, act org.Act) error {
	list, report, err := checklist.Import(tx, act, checklist.Title{Key: "cong-vu", VI: "Bảng kiểm tra công vụ tại Bộ phận Một cửa", EN: "Inspection checklist for one-stop desks"},
		checklist.Files{Checklist: checklist.Seed("checklist.csv"), Bases: checklist.Seed("bases.csv"), Guidance: checklist.Seed("guidance.csv")}, false)
	if err != nil {
		return err
	}
	if len(report.Bad) > 0 {
		return fmt.Errorf("demo: checklist: %v", report.Bad)
	}
	d.version = list.ID
	return checklist.Publish(tx, act, list.ID, list.Version)
}

// pastCampaign is Chương Mỹ's of the first quarter of 2024: 19 checks of units, none
// named, by count only.
func (d *demo) pastCampaign(tx *gorm.DB, act org.Act) error {
	c := plan.Campaign{ID: inspection.NewID(), Title: "Kiểm tra công vụ đột xuất quý I/2024, huyện Chương Mỹ", IssuerID: d.organs["ubnd/vn/ha-noi/chuong-my"].ID,
		PeriodFrom: "2024-01-01", PeriodTo: "2024-03-31", CreatedAt: act.At}
	if err := plan.CreateCampaign(tx, c); err != nil {
		return err
	}
	return plan.CreateCount(tx, plan.Count{ID: inspection.NewID(), CampaignID: c.ID, Counted: plan.UnitChecks, Quantity: 19,
		Source: "Báo cáo quý I/2024: 19 đơn vị được kiểm tra đột xuất, không nêu tên"})
}

// campaign is the one under which everything invented happens, with two teams.
func (d *demo) campaign(tx *gorm.DB, act org.Act) error {
	year := d.today.Time().Year()
	chair := inspection.NewID()
	d.people = map[string]string{"chutich": chair}
	if _, err := org.CreatePerson(tx, act, org.Person{ID: chair, Name: "Chủ tịch UBND tỉnh Mẫu", Position: "Chủ tịch UBND tỉnh", Simulated: true}); err != nil {
		return err
	}
	c := plan.Campaign{ID: inspection.NewID(), Title: fmt.Sprintf("Kiểm tra công vụ đột xuất năm %d, tỉnh Mẫu", year), IssuerID: d.organs["mau/ubnd"].ID,
		DecisionNumber: "12/QĐ-UBND", DecisionDate: d.today.AddDays(-200), DecidedBy: &chair, PeriodFrom: d.today.AddDays(-190),
		PeriodTo: d.today.AddDays(400), ChecklistID: &d.version, Simulated: true, CreatedAt: act.At}
	if err := plan.CreateCampaign(tx, c); err != nil {
		return err
	}
	for i := 1; i <= 2; i++ {
		d.teams[i] = inspection.NewID()
		if err := plan.CreateTeam(tx, plan.Team{ID: d.teams[i], CampaignID: c.ID, Name: fmt.Sprintf("Đoàn kiểm tra số %d", i), HasSeal: i == 2}); err != nil {
			return err
		}
	}
	return nil
}

// accounts hashes the passwords, which is slow, outside any transaction.
func (d *demo) accounts(ctx context.Context) (map[string]auth.Prepared, error) {
	prepared := map[string]auth.Prepared{}
	for _, a := range demoAccounts {
		id := inspection.NewID()
		p, _, err := auth.PrepareUser(ctx, auth.NewUser{PersonID: id, Username: a.username, Password: demoPassword})
		if err != nil {
			return nil, err
		}
		prepared[a.username] = p
	}
	return prepared, nil
}

func (d *demo) createPeople(tx *gorm.DB, act org.Act, prepared map[string]auth.Prepared) error {
	for _, a := range demoAccounts {
		id, ok := d.people[a.username]
		if !ok {
			id = inspection.NewID()
			d.people[a.username] = id
			if _, err := org.CreatePerson(tx, act, org.Person{ID: id, Name: a.name, Position: a.position, Simulated: true}); err != nil {
				return err
			}
		}
		grant := org.RoleRow{PersonID: id, Role: a.role}
		if a.organisation != "" {
			o := d.organs[a.organisation].ID
			grant.OrganisationID = &o
		}
		if a.team > 0 {
			grant.TeamID = &d.teams[a.team]
		}
		if _, err := org.Grant(tx, act, grant); err != nil {
			return fmt.Errorf("%s: %w", a.username, err)
		}
		if _, err := auth.Create(tx, act, prepared[a.username].For(id)); err != nil {
			return err
		}
	}
	return d.heads(tx, act)
}

// headOf is the name under which the demo knows the head of a commune's centre: the
// user name where there is an account.
func headOf(commune int) string {
	key := fmt.Sprintf("mau/%02d", commune)
	for _, a := range demoAccounts {
		if a.organisation == key {
			return a.username
		}
	}
	return "head of " + key
}

// heads makes the heads of the centres that have no account.
func (d *demo) heads(tx *gorm.DB, act org.Act) error {
	for i := 1; i <= communes; i++ {
		name, o := headOf(i), d.organs[fmt.Sprintf("mau/%02d", i)]
		if _, ok := d.people[name]; ok {
			continue
		}
		person, err := org.CreatePerson(tx, act, org.Person{Name: strings.Replace(o.Name, "Trung tâm Phục vụ hành chính công", "Giám đốc Trung tâm", 1), Position: "Giám đốc", Simulated: true})
		if err != nil {
			return err
		}
		d.people[name] = person.ID
		if _, err := org.Grant(tx, act, org.RoleRow{PersonID: person.ID, Role: inspection.UnitHead, OrganisationID: &o.ID}); err != nil {
			return err
		}
	}
	return nil
}

// load finds what an earlier start made.
func (d *demo) load(ctx context.Context) error {
	tx := d.db.WithContext(ctx)
	d.people, d.organs, d.desks = map[string]string{}, map[string]org.Organisation{}, map[string]org.Desk{}
	var accounts []auth.Account
	if err := tx.Find(&accounts).Error; err != nil {
		return err
	}
	for _, a := range accounts {
		d.people[a.Username] = a.PersonID
	}
	for i := 1; i <= communes; i++ {
		key := fmt.Sprintf("mau/%02d", i)
		o, err := org.OrganisationByKey(tx, key)
		if err != nil {
			return fmt.Errorf("dữ liệu mô phỏng chưa đầy đủ; vui lòng xóa thư mục %s rồi chạy lại: %w", d.program.config.Data, err)
		}
		d.organs[key] = o
		desks, err := org.DesksOf(tx, o.ID, d.today)
		if err != nil {
			return err
		}
		if len(desks) > 0 {
			d.desks[key] = desks[0]
		}
	}
	var teams []plan.Team
	if err := tx.Order("name").Find(&teams).Error; err != nil {
		return err
	}
	if len(teams) != 2 || d.people["truongdoan"] == "" {
		return fmt.Errorf("dữ liệu mô phỏng chưa đầy đủ; vui lòng xóa thư mục %s rồi chạy lại", d.program.config.Data)
	}
	d.teams[1], d.teams[2] = teams[0].ID, teams[1].ID
	return nil
}

// todaysTargets puts two targets of today into the plan of team 1 and one into that
// of team 2, and for team 1 a look from the office, unless some are waiting.
func (d *demo) todaysTargets(ctx context.Context) error {
	for team, targets := range map[int][]int{1: {7, 8}, 2: {9}} {
		lead := map[int]string{1: "truongdoan", 2: "truongdoan2"}[team]
		a, err := d.actor(d.db.WithContext(ctx), lead, d.today)
		if err != nil {
			return err
		}
		waiting, err := d.services.Plan.Waiting(ctx, a, d.today)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(waiting, func(i plan.Item) bool { return i.Form == plan.Surprise }) {
			continue
		}
		open := map[int][]string{1: {"thuky", "thanhvien"}, 2: {"thanhvien3"}}[team]
		for i, n := range targets {
			if _, err := d.target(ctx, a, team, n, d.today, inspection.Minute(450+90*i), open); err != nil {
				return err
			}
		}
		if team == 1 {
			if err := d.look(ctx, a, team, 2, open); err != nil {
				return err
			}
		}
	}
	return nil
}

// look puts a look from the office at a desk into today's plan.
func (d *demo) look(ctx context.Context, lead inspection.Actor, team, commune int, open []string) error {
	t, err := d.target(ctx, lead, team, commune, d.today, 8*60, open)
	if err != nil {
		return err
	}
	return d.services.Plan.Move(ctx, lead, t.ID, 0, plan.Moved{PlannedOn: t.PlannedOn, PlannedAt: t.PlannedAt, Form: plan.Remote}, "Xem qua camera của quầy")
}

func (d *demo) target(ctx context.Context, lead inspection.Actor, team, commune int, on inspection.Date, at inspection.Minute, open []string) (plan.Target, error) {
	key := fmt.Sprintf("mau/%02d", commune)
	desk := d.desks[key].ID
	n := plan.NewTarget{ID: inspection.NewID(), TeamID: d.teams[team], LeadID: lead.Person, Form: plan.Surprise, OrganisationID: d.organs[key].ID,
		DeskID: &desk, PlannedOn: on, PlannedAt: at}
	for _, username := range open {
		n.OpenTo = append(n.OpenTo, plan.Opening{PersonID: d.people[username]})
	}
	return d.services.Plan.Seal(ctx, lead, n)
}
