package web

import (
	"net/http"
	"net/url"
	"testing"

	"congvu/inspection"
	"congvu/inspection/org"
	"congvu/migrations/dbtest"
)

func TestAUserNameThatSomebodyHasShowsNoPassword(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	p, err := w.Org.AddPerson(ctx, w.sysadmin, org.Person{ID: inspection.NewID(), Name: "Người Mới"})
	w.must(err)
	rec := w.post(w.sysadmin, "/admin/people/"+p.ID+"/account", url.Values{"username": {"truongdoan"}})
	if rec.Code == http.StatusOK || rec.Code >= 500 {
		t.Errorf("%d", rec.Code)
	}
	wants(t, rec.Body.String(), "Người Mới", `value="truongdoan"`)
	lacks(t, rec.Body.String(), `id="first-password"`, `id="first-username"`)
}
