package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"congvu/evidence"
	"congvu/inspection"
	"congvu/inspection/checklist"
	"congvu/inspection/finding"
	"congvu/inspection/plan"
	"congvu/inspection/selfcheck"
	"congvu/inspection/visit"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// The cast of the table: everybody whom the routes must tell apart, in the order of
// its columns. What is asked for belongs to team 1 and was done at the unit of the
// commune Mẫu 07 under a decision of the province Mẫu.
var cast = []struct{ column, username string }{
	{"nobody", ""},
	{"head", "thutruong"},       // of the inspected unit
	{"head2", "thutruong2"},     // of another unit
	{"contact", "daumoi"},       // of the inspected unit
	{"lead", "truongdoan"},      // of the team
	{"member", "thanhvien"},     // of the team, told of the target
	{"uninvited", "thanhvien2"}, // of the team, not told of the target
	{"lead2", "truongdoan2"},    // of another team
	{"chair", "chutich"},        // issued the decision
	{"chair2", "chutich.hanoi"}, // of another organisation
	{"homeaffairs", "noivu"},    // of the issuing organisation
	{"sysadmin", "quantri"},     // sees no content
}

// ask is one row: what is asked for, and the status that each of the cast gets. Words
// in braces are ids of the scene; a row that nobody may do changes nothing, and what
// somebody may do is sent with a mistake in it, so that it changes nothing either. A
// star marks a 404 to somebody who may know of the thing, and finds a part of it missing.
type ask struct {
	want   string // a status for each of the cast
	method string // OP: a posted operation; API: a POST of JSON
	path   string
	body   string // of a form, or JSON for the API
}

var theTable = []ask{
	// nob head he2 con lead mem uni lea2 cha ch2 home sys
	{"401 303 303 303 303 303 303 303 303 303 303 303", "GET", "/", ""},
	{"401 200 200 200 200 200 200 200 200 200 200 200", "GET", "/account", ""},
	{"401 200 200 200 200 200 200 200 200 200 200 200", "GET", "/password", ""},
	{"401 200 200 200 200 200 200 200 200 200 200 200", "GET", "/messages", ""},
	{"401 422 422 422 422 422 422 422 422 422 422 422", "POST", "/messages/read", "message=x"},
	{"401 422 422 422 422 422 422 422 422 422 422 422", "POST", "/account/contact", "version=0&language=vi&email=x"},
	{"401 403 403 403 403 403 403 403 403 403 403 422", "POST", "/admin/people/{person}/contact", "version=0&language=vi&email=x"},
	{"401 403 403 403 403 403 403 403 403 403 403 200", "GET", "/admin/desks/{desk}/cameras/new", ""},
	{"401 403 403 403 403 403 403 403 403 403 403 422", "POST", "/admin/desks/{desk}/cameras", "id={form}&name="},
	{"401 403 403 403 403 403 403 403 403 403 403 404", "GET", "/admin/desks/{new}/cameras/new", ""},
	{"401 403 403 403 403 403 403 403 403 403 403 404", "GET", "/admin/cameras/{new}", ""},
	{"401 403 403 403 403 403 403 403 403 403 403 404", "POST", "/admin/cameras/{new}", "version=1&name=x"},
	{"401 403 403 403 403 403 403 403 403 403 403 404", "POST", "/admin/cameras/{new}/try", ""},
	{"401 403 403 403 403 403 403 403 403 403 403 200", "GET", "/admin/relays", ""},
	{"401 403 403 403 403 403 403 403 403 403 403 422", "POST", "/admin/relays", "id={form}&name=x&key=x"},
	{"401 403 403 403 403 403 403 403 403 403 403 404", "POST", "/admin/relays/{new}/end", "version=1"},
	{"401 404 404 404 404 404 404 404 404 404 404 404", "POST", "/visits/{running}/stills/{new}", "leave=1&reason=duoc-phep"},
	{"401 404 404 404 404 404 404 404 404 404 404 404", "API", "/api/v1/snapshots/{new}/decide", `{"leave":true,"reason":"duoc phep"}`},
	{"401 403 403 403 403 403 403 403 403 403 403 200", "GET", "/admin/webhooks", ""},
	{"401 403 403 403 403 403 403 403 403 403 403 422", "POST", "/admin/webhooks", "id={form}&url=x"},
	{"401 403 403 403 403 403 403 403 403 403 403 404", "GET", "/admin/webhooks/{new}", ""},
	{"401 403 403 403 403 403 403 403 403 403 403 404", "POST", "/admin/webhooks/{new}/rotate", "version=1"},
	{"401 403 403 403 403 403 403 403 403 403 403 404", "POST", "/admin/webhooks/{new}/deliveries/{new}", ""},
	{"404 404 404 404 404 404 404 404 404 404 404 404", "GET", "/unsubscribe?p={person}&t=x", ""},
	{"404 404 404 404 404 404 404 404 404 404 404 404", "POST", "/unsubscribe", "p={person}&t=x"},
	{"401 200 200 200 200 200 200 200 200 200 200 200", "GET", "/units", ""},
	{"401 404 404 404 404 404 404 404 200 200 200 404", "GET", "/overview", ""},
	{"401 200 200 200 200 200 200 200 200 200 200 200", "GET", "/visits", ""},

	// Self-inspection: the unit fills its own and its head hands it in; who asked for it follows
	// who has, and reads it from then on. No inspector does.
	{"401 200 200 200 200 200 200 200 200 200 200 200", "GET", "/self-checks", ""},
	{"401 403 403 403 403 403 403 403 200 200 200 403", "GET", "/self-checks/rounds/new", ""},
	{"401 404 404 404 404 404 404 404 422 404 422 404", "POST", "/self-checks/rounds", "id={form}&issuer={issuer}"},
	{"401 404 404 404 404 404 404 404 200 404 200 404", "GET", "/self-checks/rounds/{selfround}", ""},
	{"401 404 404 404 404 404 404 404 409 404 409 404", "POST", "/self-checks/rounds/{selfround}/cancel", "version=999&reason=x"},
	{"401 200 200 403 403 403 403 403 403 403 403 403", "GET", "/self-checks/new", ""},
	{"401 422 404 404 404 404 404 404 404 404 404 404", "POST", "/self-checks", "id={form}&unit={place}"},
	{"401 200 404 200 404 404 404 404 404 404 404 404", "GET", "/self-checks/{self}", ""},
	{"401 200 404 200 404 404 404 404 404 404 404 404", "GET", "/self-checks/{self}/sections/A", ""},
	{"401 422 404 422 404 404 404 404 404 404 404 404", "POST", "/self-checks/{self}/sections/A", "ver-A04=x"},
	{"401 422 404 403 404 404 404 404 404 404 404 404", "POST", "/self-checks/{self}/hand-in", "version=1&sure=1"},
	{"401 422 404 403 404 404 404 404 404 404 404 404", "POST", "/self-checks/{self}/plan", "version=999&from=x"},
	{"401 422 404 422 404 404 404 404 404 404 404 404", "POST", "/self-checks/{self}/note", "id={form}"},
	{"401 409 404 403 404 404 404 404 404 404 404 404", "POST", "/self-checks/{self}/cancel", "version=999&reason=x"},
	{"401 200 404 200 404 404 404 404 200 404 200 404", "GET", "/self-checks/{selfdone}", ""},
	{"401 422 404 403 404 404 404 404 403 404 403 404", "POST", "/self-checks/{selfdone}/revise", "id={form}&reason="},
	{"401 404* 404 404* 404 404 404 404 403 404 403 404", "POST", "/self-checks/{selfdone}/shortcomings/{new}", "version=1&to=OPEN"},
	{"401 200 200 200 200 200 200 200 200 200 200 200", "GET", "/findings", ""},
	{"401 200 200 200 200 200 200 200 200 200 200 200", "GET", "/api/v1/receipts/key", ""},
	{"401 200 200 200 200 200 200 200 200 200 200 200", "GET", "/api/v1/today", ""},
	{"401 200 200 200 200 200 200 200 200 200 200 200", "GET", "/api/v1/findings", ""},
	{"401 200 200 200 200 200 200 200 200 200 200 200", "GET", "/api/v1/session", ""},

	// A sealed target has no address at all; only its lead and whom the lead told check in.
	{"401 404 404 404 404 404 404 404 404 404 404 404", "GET", "/visits/{sealed}", ""},
	{"401 404 404 404 404 404 404 404 404 404 404 404", "GET", "/api/v1/visits/{sealed}", ""},
	{"401 404 404 404 404 404 404 404 404 404 404 404", "GET", "/findings/{sealed}", ""},
	{"401 404 404 404 404 404 404 404 404 404 404 404", "GET", "/findings/{sealed}/views", ""},
	{"401 404 404 404 404 404 404 404 404 404 404 404", "GET", "/reinspections/new?visit={sealed}", ""},
	{"401 422 422 422 422 422 422 422 422 422 422 422", "OP", "{new} check_in", `{"target":"{sealed}","location":"WRONG"}`},
	{"401 404 404 404 409 403 404 404 404 404 404 404", "OP", "{new} check_in", `{"target":"{tomorrow}"}`},

	{"401 404 404 404 200 200 404 404 404 404 404 404", "GET", "/targets/{sealed}", ""},
	{"401 404 404 404 409 403 404 404 404 404 404 404", "POST", "/targets/{sealed}", "version=999&planned_on=2026-03-05&at=08:00&reason=x"},
	{"401 404 404 404 409 403 404 404 404 404 404 404", "POST", "/targets/{sealed}/state", "version=999&to=CANCELLED&reason=x"},
	{"401 404 404 404 422 404* 404 404 404 404 404 404", "POST", "/targets/{sealed}/openings", "person={new}"},
	{"401 404 404 404 404* 403 404 404 404 404 404 404", "POST", "/targets/{sealed}/openings/{new}/end", "reason=x"},
	{"401 200 200 200 200 200 200 200 200 200 200 200", "GET", "/targets", ""},
	{"401 404 404 404 200 404 404 404 404 404 404 404", "GET", "/targets/new?team={team}", ""},
	{"401 404 404 404 422 404 404 404 404 404 404 404", "POST", "/targets", "id={form}&team={team}&place=x"},

	// How the installation is, the administrator reads.
	{"401 403 403 403 403 403 403 403 403 403 403 200", "GET", "/admin/health", ""},

	// A campaign is read by the issuer's teams, leaders and home affairs, and changed by
	// its leaders, home affairs and who made it.
	{"401 200 200 200 200 200 200 200 200 200 200 200", "GET", "/campaigns", ""},
	{"401 403 403 403 200 403 403 200 200 200 200 403", "GET", "/campaigns/new", ""},
	{"401 404 404 404 422 404 404 422 422 404 422 404", "POST", "/campaigns", "id={form}&issuer={issuer}"},
	{"401 404 404 404 200 200 200 200 200 404 200 404", "GET", "/campaigns/{campaign}", ""},
	{"401 404 404 404 403 403 403 403 200 404 200 404", "GET", "/campaigns/{campaign}/edit", ""},
	{"401 404 404 404 403 403 403 403 409 404 409 404", "POST", "/campaigns/{campaign}", "version=999&reason=x"},
	{"401 404 404 404 403 403 403 403 409 404 409 404", "POST", "/campaigns/{campaign}/state", "version=999&to=SUSPENDED&reason=x"},
	{"401 404 404 404 403 403 403 403 409 404 409 404", "POST", "/campaigns/{campaign}/decider", "version=999&decider={new}&reason=x"},
	{"401 404 404 404 403 403 403 403 422 404 422 404", "POST", "/campaigns/{campaign}/scan", "id={form}"},
	{"401 404 404 404 200 200 200 200 200 404 200 404", "GET", "/campaigns/{campaign}/places", ""},
	{"401 404 404 404 403 403 403 403 422 404 422 404", "POST", "/campaigns/{campaign}/places", "q=x"},
	{"401 404 404 404 403 403 403 403 422 404 422 404", "POST", "/campaigns/{campaign}/places/remove", "reason=x"},
	{"401 404 404 404 403 403 403 403 422 404 422 404", "POST", "/campaigns/{campaign}/teams", "id={form}&name="},
	{"401 404 404 404 200 200 200 200 200 404 200 404", "GET", "/teams/{team}", ""},
	{"401 404 404 404 403 403 403 403 409 404 409 404", "POST", "/teams/{team}", "version=999&name=x&reason=x"},
	{"401 404 404 404 403 403 403 403 409 404 409 404", "POST", "/teams/{team}/state", "version=999&to=SUSPENDED&reason=x"},
	{"401 404 404 404 403 403 403 403 422 404 422 404", "POST", "/teams/{team}/members", "from="},
	{"401 404 404 404 403 403 403 403 404* 404 404* 404", "POST", "/teams/{team}/members/{new}/end", "version=1&last=2026-03-05&reason=x"},

	// Administration is the administrator's alone, checklists home affairs' too; whether a thing
	// exists is told to nobody else. The set-up is over.
	{"401 403 403 403 403 403 403 403 403 403 403 200", "GET", "/admin", ""},
	{"401 403 403 403 403 403 403 403 403 403 403 200", "GET", "/admin/units", ""},
	{"401 403 403 403 403 403 403 403 403 403 403 200", "GET", "/admin/units/import", ""},
	{"401 403 403 403 403 403 403 403 403 403 403 200", "GET", "/admin/units/{commune}", ""},
	{"401 403 403 403 403 403 403 403 403 403 403 409", "POST", "/admin/units/{commune}/correct", "version=999&name=X&reason=x"},
	{"401 403 403 403 403 403 403 403 403 403 403 200", "GET", "/admin/organisations", ""},
	{"401 403 403 403 403 403 403 403 403 403 403 200", "GET", "/admin/organisations/import", ""},
	{"401 403 403 403 403 403 403 403 403 403 403 200", "GET", "/admin/units/template.csv", ""},
	{"401 403 403 403 403 403 403 403 403 403 403 200", "GET", "/admin/units/template.xlsx", ""},
	{"401 403 403 403 403 403 403 403 403 403 403 200", "GET", "/admin/units/lineage-template.csv", ""},
	{"401 403 403 403 403 403 403 403 403 403 403 200", "GET", "/admin/units/lineage-template.xlsx", ""},
	{"401 403 403 403 403 403 403 403 403 403 403 200", "GET", "/admin/organisations/template.csv", ""},
	{"401 403 403 403 403 403 403 403 403 403 403 200", "GET", "/admin/organisations/template.xlsx", ""},
	{"401 403 403 403 403 403 403 403 403 403 403 200", "GET", "/admin/organisations/{place}", ""},
	{"401 403 403 403 403 403 403 403 403 403 403 200", "GET", "/admin/desks/{desk}", ""},
	{"401 403 403 403 403 403 403 403 403 403 403 200", "GET", "/admin/people", ""},
	{"401 403 403 403 403 403 403 403 403 403 403 200", "GET", "/admin/people/{person}", ""},
	{"401 403 403 403 403 403 403 403 403 403 403 200", "GET", "/admin/calendars", ""},
	{"401 403 403 403 403 403 403 403 403 403 403 200", "GET", "/admin/calendars/{place}", ""},
	{"401 403 403 403 403 403 403 403 403 403 403 200", "GET", "/admin/calendars/{place}/import", ""},
	{"401 403 403 403 403 403 403 403 403 403 200 200", "GET", "/admin/checklists", ""},
	{"401 403 403 403 403 403 403 403 403 403 200 200", "GET", "/admin/checklists/import", ""},
	{"401 403 403 403 403 403 403 403 403 403 200 200", "GET", "/admin/checklists/{checklist}", ""},
	{"401 403 403 403 403 403 403 403 403 403 403 422", "POST", "/admin/units", "id={form}&name=X&key=%21"},
	{"401 403 403 403 403 403 403 403 403 403 403 422", "POST", "/admin/organisations", "id={form}&name=X&unit=khong+co"},
	{"401 403 403 403 403 403 403 403 403 403 403 422", "POST", "/admin/organisations/{place}/desk", "id={form}&name="},
	{"401 403 403 403 403 403 403 403 403 403 403 409", "POST", "/admin/organisations/{place}/correct", "version=999&name=X&reason=x"},
	{"401 403 403 403 403 403 403 403 403 403 403 409", "POST", "/admin/organisations/{place}/end", "version=999&last=2030-01-01&reason=x"},
	{"401 403 403 403 403 403 403 403 403 403 403 409", "POST", "/admin/organisations/{place}/change", "id={form}&version=999&relation=DISSOLVED&on=2030-01-01&legal_act=x"},
	{"401 403 403 403 403 403 403 403 403 403 403 422", "POST", "/admin/desks/{desk}/post", "id={form}&title="},
	{"401 403 403 403 403 403 403 403 403 403 403 409", "POST", "/admin/desks/{desk}/correct", "version=999&name=X&reason=x"},
	{"401 403 403 403 403 403 403 403 403 403 403 422", "POST", "/admin/desks/{desk}/move", "id={form}&version=999&organisation=khong+co&from=2030-01-01&reason=x"},
	{"401 403 403 403 403 403 403 403 403 403 403 409", "POST", "/admin/desks/{desk}/end", "version=999&last=2030-01-01&reason=x"},
	{"401 403 403 403 403 403 403 403 403 403 403 409", "POST", "/admin/posts/{post}/correct", "version=999&title=X&field=&reason=x"},
	{"401 403 403 403 403 403 403 403 403 403 403 409", "POST", "/admin/posts/{post}/end", "version=999&last=2030-01-01&reason=x"},
	{"401 403 403 403 403 403 403 403 403 403 403 422", "POST", "/admin/people", "id={form}&name="},
	{"401 403 403 403 403 403 403 403 403 403 403 422", "POST", "/admin/people/{person}/role", "id={form}&role=king"},
	{"401 403 403 403 403 403 403 403 403 403 403 409", "POST", "/admin/people/{person}/correct", "version=999&name=X&reason=x"},
	{"401 403 403 403 403 403 403 403 403 403 403 422", "POST", "/admin/people/{person}/account", "username=x"},
	{"401 403 403 403 403 403 403 403 403 403 403 409", "POST", "/admin/people/{person}/disable", "version=999"},
	{"401 403 403 403 403 403 403 403 403 403 403 404*", "POST", "/admin/people/{person}/roles/{new}/void", "version=1&reason=x"},
	{"401 403 403 403 403 403 403 403 403 403 403 422", "POST", "/admin/calendars", "owner=khong+co"},
	{"401 403 403 403 403 403 403 403 403 403 403 422", "POST", "/admin/calendars/{place}/hours", "version=0&valid_from=x&weekdays_open1=07:00&weekdays_close1=11:00"},
	{"401 403 403 403 403 403 403 403 403 403 403 422", "POST", "/admin/calendars/{place}/day", "day=x"},
	{"401 403 403 403 403 403 403 403 403 403 403 409", "POST", "/admin/calendars/{commune}/remove-day", "day=2026-01-01&reason=x"},
	{"401 403 403 403 403 403 403 403 403 403 403 409", "POST", "/admin/calendars/{commune}/remove-hours", "version=999&period=-&reason=x"},
	{"401 403 403 403 403 403 403 403 403 403 409 409", "POST", "/admin/checklists/{checklist}/publish", "version=1&sure=1"},
	{"404 404 404 404 404 404 404 404 404 404 404 404", "GET", "/setup", ""},
	{"404 404 404 404 404 404 404 404 404 404 404 404", "POST", "/setup", "code=x&name=x&username=xyz&password=mot-mat-khau-dai"},

	// A check in progress is the team's alone.
	{"401 404 404 404 200 200 200 404 404 404 404 404", "GET", "/visits/{running}", ""},
	{"401 404 404 404 200 200 200 404 404 404 404 404", "GET", "/visits/{running}/minutes", ""},
	{"401 404 404 404 404* 404* 404* 404 404 404 404 404", "GET", "/visits/{running}/score", ""},
	{"401 404 404 404 200 200 200 404 404 404 404 404", "GET", "/visits/{running}/photos", ""},
	{"401 404 404 404 200 403 403 404 404 404 404 404", "GET", "/visits/{running}/report", ""},
	{"401 404 404 404 403 403 403 404 404 404 404 404", "GET", "/visits/{running}/conclusion", ""},
	{"401 404 404 404 200 200 200 404 404 404 404 404", "GET", "/api/v1/visits/{running}", ""},
	{"401 404 404 404 200 200 200 404 404 404 404 404", "GET", "/api/v1/visits/{running}/operations", ""},
	{"401 404 404 404 422 422 422 404 403 404 404 404", "OP", "{running} answer", `{"item":"B03","value":"COUNT","of":1,"failing":2}`},
	{"401 404 404 404 409 403 403 404 403 404 404 404", "OP", "{running} finish", `{"x":1}`},
	{"401 404 404 404 409 403 403 404 404 404 404 404", "POST", "/visits/{running}/report", "id={form}&version={v:running}"},
	{"401 404 404 404 403 403 403 404 404 404 404 404", "POST", "/visits/{running}/conclusion", "id={form}&version=1"},
	{"401 404 404 404 404* 404* 404* 404 404 404 404 404", "POST", "/visits/{running}/photos", "file={photo:running}&file={new}"},
	{"401 404 404 404 422 422 422 404 404 404 404 404", "POST", "/visits/{running}/photos/{photo:running}", "left=1"},
	{"401 404 404 404 422 422 422 404 422 404 404 404", "POST", "/visits/{running}/documents", "kind=ZZ"},

	// A look from the office, too, and what is done on it; a check on site has no such page.
	{"401 404 404 404 200 200 200 404 404 404 404 404", "GET", "/visits/{look}/look", ""},
	{"401 404 404 404 422 422 422 404 404 404 404 404", "POST", "/visits/{look}/look", "id={form}&do=nothing"},
	{"401 404 404 404 409 403 403 404 404 404 404 404", "POST", "/visits/{look}/look", "id={form}&do=send"},
	{"401 404 404 404 404* 404* 404* 404 404 404 404 404", "GET", "/visits/{look}/look/item?still={new}", ""},
	{"401 404 404 404 404* 404* 404* 404 404 404 404 404", "POST", "/visits/{look}/look/item", "id={form}&still={new}&item=A04"},
	{"401 404 404 404 404* 404* 404* 404 404 404 404 404", "GET", "/visits/{running}/look", ""},
	{"401 404 404 404 403 403 403 404 404 404 404 404", "POST", "/visits/{look}/opinion", "id={form}&opinion="},
	{"401 404 404 404 409 403 404 404 404 404 404 404", "POST", "/targets/{sealed}/look", "id={form}"},
	{"401 422 404 403 403 403 403 404 403 404 404 404", "POST", "/visits/{looked}/opinion", "id={form}&opinion="},
	{"401 200 404 200 200 200 200 404 200 404 404 404", "GET", "/visits/{looked}/minutes", ""},

	// A draft of the minutes too.
	{"401 404 404 404 200 200 200 404 404 404 404 404", "GET", "/visits/{draft}", ""},
	{"401 404 404 404 200 200 200 404 404 404 404 404", "GET", "/visits/{draft}/minutes", ""},
	{"401 404 404 404 422 403 403 404 403 404 404 404", "OP", "{draft} sign", `{"scans":[]}`},

	// From the signed minutes on: the unit, and who issued the decision.
	{"401 200 404 200 200 200 200 404 200 404 404 404", "GET", "/visits/{signed}", ""},
	{"401 200 404 200 200 200 200 404 200 404 404 404", "GET", "/visits/{signed}/minutes", ""},
	{"401 200 404 200 200 200 200 404 200 404 404 404", "GET", "/visits/{signed}/photos", ""},
	{"401 403 404 403 200 403 403 404 403 404 404 404", "GET", "/visits/{signed}/report", ""},
	{"401 403 404 403 422 403 403 404 403 404 404 404", "POST", "/visits/{signed}/report", "id={form}&version={v:signed}"},
	{"401 403 404 403 303 403 403 404 403 404 404 404", "POST", "/visits/{signed}/documents", "kind=BB"},
	{"401 404 404 404 200 200 200 404 404 404 404 404", "GET", "/api/v1/visits/{signed}", ""},
	{"401 404 404 404 200 200 200 404 404 404 404 404", "GET", "/api/v1/visits/{signed}/operations", ""},
	{"401 403 404 403 422 422 422 404 403 404 404 404", "POST", "/visits/{signed}/photos/{photo:signed}", "left=1"},
	{"401 403 404 403 409 409 409 404 403 404 404 404", "OP", "{signed} answer", `{"item":"A04","value":"YES"}`},
	{"401 403 404 403 403 403 403 404 200 404 404 404", "GET", "/visits/{reported}/conclusion", ""},
	{"401 403 404 403 403 403 403 404 422 404 404 404", "POST", "/visits/{reported}/conclusion", "id={form}&version={v:reported}"},

	// Home affairs reads what is concluded.
	{"401 200 404 200 200 200 200 404 200 404 200 404", "GET", "/visits/{concluded}", ""},
	{"401 200 404 200 200 200 200 404 200 404 200 404", "GET", "/visits/{concluded}/minutes", ""},
	{"401 200 404 200 200 200 200 404 200 404 200 404", "GET", "/visits/{concluded}/score", ""},
	{"401 200 404 200 200 200 200 404 200 404 200 404", "GET", "/visits/{concluded}/photos", ""},
	{"401 403 404 403 200 403 403 404 403 404 403 404", "GET", "/reinspections/new?visit={concluded}", ""},
	{"401 403 404 403 422 403 403 404 403 404 403 404", "POST", "/reinspections", "id={form}&visit={concluded}"},

	// Findings: recorded, assigned, submitted.
	{"401 200 404 200 200 200 200 404 200 404 404 404", "GET", "/findings/{recorded}", ""},
	{"401 200 404 200 200 200 200 404 200 404 404 404", "GET", "/findings/{recorded}/views", ""},
	{"401 200 404 200 200 200 200 404 200 404 404 404", "GET", "/api/v1/findings/{recorded}", ""},
	{"401 422 404 403 403 403 403 404 403 404 404 404", "POST", "/findings/{recorded}/explain", "id={form}&version={f:recorded}"},
	{"401 404 404 404 404 404 404 404 404 404 404 404", "POST", "/findings/{recorded}/confirm", "id={form}&version={f:recorded}"},
	{"401 403 404 403 422 403 403 404 403 404 404 404", "POST", "/findings/{recorded}/merge", "id={form}&version={f:recorded}&kept={recorded}"},
	{"401 200 404 200 200 200 200 404 200 404 200 404", "GET", "/findings/{assigned}", ""},
	{"401 200 404 200 200 200 200 404 200 404 200 404", "GET", "/api/v1/findings/{assigned}", ""},
	{"401 412 404 403 403 403 403 404 403 404 403 404", "API", "/api/v1/findings/{assigned}/acknowledge", `{"id":"{form}"}`},
	{"401 403 404 403 403 403 403 404 422 404 403 404", "POST", "/findings/{assigned}/close_without_remedy", "id={form}&version={f:assigned}&sure=1"},
	{"401 403 404 403 403 403 403 404 422 404 403 404", "POST", "/findings/{assigned}/hold", "id={form}&version={f:assigned}"},
	{"401 200 404 200 200 200 200 404 200 404 200 404", "GET", "/findings/{submitted}", ""},
	{"401 403 404 403 422 403 403 404 403 404 403 404", "POST", "/findings/{submitted}/return", "id={form}&version={f:submitted}"},
	{"401 403 404 403 412 403 403 404 403 404 403 404", "API", "/api/v1/findings/{submitted}/accept", `{"id":"{form}"}`},
	{"401 412 404 403 403 403 403 404 403 404 403 404", "API", "/api/v1/findings/{submitted}/submit", `{"id":"{form}","text":"x"}`},

	// A photo of a running check; of a concluded one, confirmed for sharing; of the unit.
	{"401 404 404 404 200 200 200 404 404 404 404 404", "GET", "/files/{photo:running}/original", ""},
	{"401 404 404 404 200 200 200 404 404 404 404 404", "GET", "/files/{photo:running}/thumb", ""},
	{"401 404 404 404 404* 404* 404* 404 404 404 404 404", "GET", "/files/{photo:running}/shared", ""},
	{"401 404 404 404 200 200 200 404 404 404 404 404", "GET", "/api/v1/files/{photo:running}", ""},
	{"401 404 404 404 200 200 200 404 404 404 404 404", "GET", "/files/{photo:concluded}/original", ""},
	{"401 404 404 404 200 200 200 404 404 404 404 404", "GET", "/files/{photo:concluded}/preview", ""},
	{"401 404 404 404 200 200 200 404 404 404 404 404", "GET", "/files/{photo:concluded}/thumb", ""},
	{"401 200 404 200 200 200 200 404 200 404 200 404", "GET", "/files/{photo:concluded}/shared", ""},
	{"401 200 404 200 200 200 200 404 200 404 200 404", "GET", "/files/{photo:concluded}/shared_thumb", ""},
	{"401 404 404 404 404 404 404 404 404 404 404 404", "GET", "/files/{photo:concluded}/passwd", ""},
	{"401 200 404 200 200 200 200 404 200 404 200 404", "GET", "/api/v1/files/{photo:concluded}", ""},
	{"401 404 404 404 404* 404* 404* 404 404* 404 404* 404", "GET", "/files/{unphoto}/shared", ""}, // of an item in order: the unit is not told
	{"401 404 404 404 200 200 200 404 200 404 200 404", "GET", "/api/v1/files/{unphoto}", ""},
	{"401 200 404 404 200 200 200 404 404 404 404 404", "GET", "/files/{unitphoto}/original", ""},
	{"401 404 404 404 422 422 404 404 404 404 404 404", "GET", "/files/{restricted}/original", ""}, // its author and the lead, with a reason
	{"401 404 404 404 200 200 404 404 404 404 404 404", "GET", "/files/{restricted}/original?reason=xem+lai+anh", ""},
	{"401 404 404 404 409 409 409 404 404 404 404 404", "API", "/api/v1/files", `{"id":"{photo:running}","visit":"{running}","bytes":1,"sha256":"` + strings.Repeat("0", 64) + `","kind":"PHOTO"}`},
	{"401 413 413 413 413 413 413 413 413 413 413 413", "API", "/api/v1/files", `{"id":"{new}","visit":"{signed}","bytes":2000000,"sha256":"` + strings.Repeat("0", 64) + `","kind":"PHOTO"}`},
	{"401 404 404 404 422 422 422 404 404 404 404 404", "API", "/api/v1/files/{photo:concluded}/shared", `{"boxes":[],"nobody":false}`},
	{"401 404 404 404 422 422 422 404 404 404 404 404", "PUT", "/api/v1/files/{waiting}/content", "x"},
	// Bytes that follow others, and the look ahead, come from who declared the file; the whole is held against its hash.
	{"401 404 404 404 403 422 403 404 404 404 404 404", "JPEG", "/api/v1/files/{waiting}/sketch", "x"},
	{"401 404 404 404 404* 404* 404* 404 404 404 404 404", "GET", "/files/{waiting}/thumb", ""},
	{"401 404 404 404 204 204 204 404 404 404 404 404", "HEAD", "/api/v1/files/{waiting}/content", ""},
	{"401 404 404 404 403 409 403 404 404 404 404 404", "PATCH", "/api/v1/files/{waiting}/content", "x"},
	{"401 404 404 404 409 409 409 404 404 404 404 404", "GET", "/api/v1/files/{waiting}/receipt", ""},
	{"401 404 404 404 200 200 200 404 404 404 404 404", "GET", "/api/v1/files/{photo:running}/receipt", ""},
	{"401 404 404 404 200 404 404 404 404 404 404 404", "GET", "/api/v1/targets/{sealed}/handover", ""},
	{"401 404 404 404 200 404 404 404 404 404 404 404", "GET", "/api/v1/targets/{tomorrow}/handover", ""},
}

// scene makes a check in each stage and answers for the words in braces.
func (s *site) scene() map[string]string {
	s.t.Helper()
	ids, one := map[string]string{}, ""
	ids["running"] = s.begin(s.seal(7))
	ids["photo:running"] = s.answers(ids["running"])
	scribe := &scribe{d: s.demo, actor: s.actor("thanhvien"), visit: ids["running"]}
	raw := s.photo()
	ids["waiting"] = inspection.NewID()
	_, err := s.demo.services.Evidence.Declare(s.t.Context(), scribe.actor, evidence.Declaration{ID: ids["waiting"], Visit: ids["running"], SHA256: sum(raw), Size: int64(len(raw)), Kind: evidence.Photo})
	s.must(err)
	ids["draft"] = s.begin(s.seal(7))
	s.answers(ids["draft"])
	s.does("thuky", s.operation(ids["draft"], visit.OpFinish, struct{}{}))
	ids["signed"], ids["photo:signed"] = s.finished(7)
	ids["recorded"] = s.findings(ids["signed"])[0].ID
	ids["reported"], _ = s.finished(7)
	s.reports(ids["reported"])

	check := s.begin(s.seal(7))
	ids["concluded"], ids["photo:concluded"] = check, s.answers(check)
	ids["unphoto"] = s.file("thanhvien", check, s.photo(), evidence.Photo) // hangs on an item in order
	s.does("thanhvien", s.operation(check, visit.OpPhoto, visit.Photo{Item: "D04", File: ids["unphoto"], NoPeople: true}))
	ids["restricted"] = s.file("thanhvien", check, s.photo(), evidence.Photo)
	s.does("thanhvien", s.operation(check, visit.OpPhoto, visit.Photo{Item: "A04", File: ids["restricted"]}))
	s.must(s.demo.services.Evidence.Classify(s.t.Context(), s.actor("thanhvien"), ids["restricted"], evidence.Citizen))
	s.signs(check)
	s.reports(check)
	s.concludes(check)
	s.must(s.demo.services.Evidence.ConfirmShared(s.t.Context(), s.actor("thanhvien"), ids["photo:concluded"], nil, true))
	for _, f := range s.findings(check) {
		if f.ItemKey == "A04" {
			ids["assigned"] = f.ID
			continue
		}
		ids["submitted"] = f.ID
		s.clock.Advance(time.Hour)
		s.must(s.demo.services.Findings.Acknowledge(s.t.Context(), s.actor("thutruong"), f.ID, 0))
		ids["unitphoto"] = s.file("thutruong", check, s.photo(), evidence.Photo)
		s.must(s.demo.services.Findings.Submit(s.t.Context(), s.actor("thutruong"), f.ID, 0, finding.SubmitInput{Text: "Đã sửa.", Files: []string{ids["unitphoto"]}}))
	}
	s.camera(7)
	ids["look"], ids["looked"] = s.beginsLook(s.remoteTarget(7)), s.beginsLook(s.remoteTarget(7))
	s.endsLook(ids["looked"])
	ids["selfround"], ids["self"], ids["selfdone"] = s.selfChecks()
	ids["sealed"] = s.seal(7)
	ids["place"], ids["desk"], ids["person"] = s.demo.organs["mau/07"].ID, s.demo.desks["mau/07"].ID, s.demo.people["thanhvien"]
	ids["commune"] = s.demo.organs["mau/07"].AdminUnitID
	s.must(s.db.Table("posts").Where("desk_id = ?", ids["desk"]).Limit(1).Pluck("id", &one).Error)
	ids["post"] = one
	s.must(s.db.Table("checklists").Limit(1).Pluck("id", &one).Error)
	ids["checklist"] = one
	lead := s.actor("truongdoan")
	desk := s.demo.desks["mau/07"].ID
	later, err := s.demo.services.Plan.Seal(s.t.Context(), lead, plan.NewTarget{ID: inspection.NewID(), TeamID: s.demo.teams[1], LeadID: lead.Person, Form: plan.Surprise,
		OrganisationID: s.demo.organs["mau/07"].ID, DeskID: &desk, PlannedOn: s.clock.Now().Date().AddDays(1), OpenTo: []plan.Opening{{PersonID: s.demo.people["thanhvien"]}}})
	s.must(err)
	ids["tomorrow"] = later.ID
	ids["team"], ids["issuer"] = s.demo.teams[1], s.demo.organs["mau/ubnd"].ID
	var team plan.Team
	s.must(s.demo.db.Where("id = ?", ids["team"]).Take(&team).Error)
	ids["campaign"] = team.CampaignID
	s.derive()
	for _, stage := range []string{"running", "signed", "reported"} {
		ids["v:"+stage] = s.version("visits", ids[stage])
	}
	for _, state := range []string{"recorded", "assigned", "submitted"} {
		ids["f:"+state] = s.version("findings", ids[state])
	}
	return ids
}

func fill(text string, ids map[string]string) string {
	for word, id := range ids {
		text = strings.ReplaceAll(text, "{"+word+"}", id)
	}
	for strings.Contains(text, "{new}") || strings.Contains(text, "{form}") {
		text = strings.Replace(strings.Replace(text, "{new}", inspection.NewID(), 1), "{form}", inspection.NewID(), 1)
	}
	return text
}

// asks performs a row as somebody; the status of an operation is that of its outcome.
func (s *site) asks(username string, row ask, ids map[string]string) (int, answer) {
	s.t.Helper()
	path, body := fill(row.path, ids), fill(row.body, ids)
	switch row.method {
	case "OP":
		check, kind, _ := strings.Cut(path, " ")
		a := s.call(username, http.MethodPost, "/api/v1/operations", fmt.Sprintf(
			`{"operations":[{"id":%q,"visit":%q,"device":"may-1","device_at":"2026-03-04T08:00:00+07:00","seq":1,"type":%q,"payload":%s}]}`,
			inspection.NewID(), check, kind, body))
		if _, status, ok := strings.Cut(a.body, `"status":4`); a.code == http.StatusOK && ok {
			n, _ := strconv.Atoi("4" + status[:2])
			return n, a
		}
		return a.code, a
	case "API":
		a := s.call(username, http.MethodPost, path, body, "If-Match", `"999"`)
		return a.code, a
	case "PUT":
		a := s.call(username, http.MethodPut, path, body)
		return a.code, a
	case "JPEG":
		a := s.call(username, http.MethodPut, path, body, "Content-Type", "image/jpeg")
		return a.code, a
	case "HEAD":
		a := s.call(username, http.MethodHead, path, "")
		return a.code, a
	case "PATCH":
		a := s.call(username, http.MethodPatch, path, body, "Content-Type", "application/offset+octet-stream", "Upload-Offset", "7", "Tus-Resumable", "1.0.0")
		return a.code, a
	case "POST":
		r := httptest.NewRequest(row.method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		a := s.send(username, r)
		return a.code, a
	}
	a := s.get(username, path)
	return a.code, a
}

// TestWhoMayDoWhat holds the program as it is joined against the table, row by row and
// column by column; and where somebody finds nothing, they find the same nothing as
// for an id that does not exist, byte for byte.
func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		ids := s.scene()
		unknown := map[string]string{}
		for word, id := range ids {
			unknown[word] = id
			if inspection.CheckID(id) == nil {
				unknown[word] = inspection.NewID()
			}
		}
		for _, who := range cast[1:] {
			s.token(who.username)
		}
		before := s.counts()
		for _, row := range theTable {
			want := strings.Fields(row.want)
			if len(want) != len(cast) {
				t.Fatalf("%s %s: %d columns", row.method, row.path, len(want))
			}
			got := make([]string, len(cast))
			for i, who := range cast {
				code, a := s.asks(who.username, row, ids)
				got[i] = fmt.Sprint(code)
				if strings.HasSuffix(want[i], "*") {
					want[i] = strings.TrimSuffix(want[i], "*")
				} else if code == http.StatusNotFound && strings.Contains(row.path+row.body, "{") {
					_, b := s.asks(who.username, row, unknown)
					if x, y := difference(masked(a.body), masked(b.body)); x != y {
						t.Errorf("%s %s: %s learns from the answer that the id exists: %q, not %q", row.method, row.path, who.column, x, y)
					}
				}
			}
			for i, who := range cast {
				if got[i] != want[i] {
					t.Errorf("%s %s %s: %s got %s, want %s", row.method, row.path, row.body, who.column, got[i], want[i])
				}
			}
		}
		after := s.counts()
		// One row registers a document; opening a restricted picture leaves its trace.
		for table, n := range map[string]int64{"documents": 1, "document_numbers": 1, "evidence_openings": 2, "history": 3} {
			if d := after[table] - before[table]; d > n {
				t.Errorf("%s: %d rows came to be, want at most %d", table, d, n)
			}
			delete(after, table)
		}
		for table, n := range after {
			if n != before[table] {
				t.Errorf("%s: %d rows before, %d after", table, before[table], n)
			}
		}
	})
}

// selfChecks asks for a self-inspection, lets the centre of Mẫu 07 hand one in and begin
// another of its own.
func (s *site) selfChecks() (round, draft, done string) {
	s.t.Helper()
	today, head := s.clock.Now().Date(), s.actor("thutruong")
	r, _, err := s.demo.services.SelfChecks.Ask(s.t.Context(), s.actor("noivu"), selfcheck.NewRound{ID: inspection.NewID(), IssuerID: s.demo.organs["mau/ubnd"].ID, Title: "Đợt", ChecklistID: s.demo.version, From: today, To: today, Due: today})
	s.must(err)
	var own [2]string
	for i, n := range []selfcheck.NewCheck{{RoundID: r.ID}, {IssuerID: s.demo.organs["mau/ubnd"].ID, ChecklistID: s.demo.version}} {
		n.ID, n.OrganisationID, n.From, n.To, n.Responsible = inspection.NewID(), s.demo.organs["mau/07"].ID, today, today, "Phó Giám đốc"
		c, err := s.demo.services.SelfChecks.Plan(s.t.Context(), head, n)
		s.must(err)
		own[i] = c.ID
	}
	list, err := checklist.Load(s.db, s.demo.version)
	s.must(err)
	s.must(s.demo.services.SelfChecks.Save(s.t.Context(), head, own[0], selfAnswers(list, nil), &selfcheck.Count{Required: 4, Badge: 4, Dress: 4}))
	s.must(s.demo.services.SelfChecks.HandIn(s.t.Context(), head, own[0], 1))
	return r.ID, own[1], own[0]
}
