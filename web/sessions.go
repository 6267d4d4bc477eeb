package web

import (
	"context"
	"encoding/base64"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"congvu/inspection"
	"congvu/inspection/auth"
	"congvu/inspection/i18n"
	"congvu/inspection/notify"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
)

// cookieName is prefixed over HTTPS, so that no other host or plain page can set it.
func (s *Server) cookieName() string {
	if s.secure() {
		return "__Host-congvu"
	}
	return "congvu"
}

func (s *Server) sessionToken(c echo.Context) string {
	cookie, err := c.Cookie(s.cookieName())
	if err != nil {
		return ""
	}
	return cookie.Value
}

func (s *Server) setSession(c echo.Context, token string, expires inspection.Instant) {
	cookie := &http.Cookie{Name: s.cookieName(), Value: token, Path: "/", HttpOnly: true, Secure: s.secure(), SameSite: http.SameSiteLaxMode}
	if token == "" {
		cookie.MaxAge = -1
	} else {
		cookie.Expires = expires.Time()
	}
	s.setCookie(c, cookie)
	if carriesOut(c) { // it was about the session before
		s.setCookie(c, &http.Cookie{Name: outCookie, Path: "/", MaxAge: -1, Secure: s.secure(), SameSite: http.SameSiteLaxMode})
	}
}

// setCookie takes the place of what the answer has said of the same cookie before.
func (s *Server) setCookie(c echo.Context, cookie *http.Cookie) {
	h := c.Response().Header()
	h["Set-Cookie"] = slices.DeleteFunc(h["Set-Cookie"], func(line string) bool { return strings.HasPrefix(line, cookie.Name+"=") })
	c.SetCookie(cookie)
}

// outCookie is left by the tablet app, with the value 1, when its person signs out and
// the server is out of reach: no script can take the session's cookie away. It can only
// end a session, never open one, so that anybody who can write it gains nothing.
const outCookie = "congvu-out"

func carriesOut(c echo.Context) bool {
	cookie, err := c.Cookie(outCookie)
	return err == nil && cookie.Value == "1"
}

// signedOutBefore ends the session of a request whose person has signed out without a
// network. It stays for what is nobody's (the app itself, its files, the signs of life),
// and for the two routes that sign out, which do it themselves.
func (s *Server) signedOutBefore(c echo.Context, token string) error {
	r := c.Request()
	switch route := r.Method + " " + c.Path(); {
	case route == "POST /logout" || route == "DELETE /api/v1/session" || isAsset(r.Method, c.Path()):
		return nil
	}
	if err := s.Auth.SignOut(r.Context(), token); err != nil && inspection.CodeOf(err) != inspection.Unauthenticated {
		return err
	}
	s.setSession(c, "", 0)
	return nil
}

// isAsset tells routes that serve the same to everybody.
func isAsset(method, path string) bool {
	return (method == http.MethodGet || method == http.MethodHead) &&
		(slices.Contains([]string{"/tablet", "/healthz", "/readyz"}, path) || strings.HasPrefix(path, "/tablet/") ||
			strings.HasPrefix(path, "/static/") || strings.HasPrefix(path, "/api/v1/openapi"))
}

type loginPage struct {
	Base
	Username string
	Next     string
	Kept     []string // fields of a form that was sent without a session, each name=value escaped
	Files    bool     // that form carried files, which have to be chosen again
	Leave    string   // the script that tells other tabs of a sign-out, after one
}

func (s *Server) loginPage(c echo.Context) error {
	if actor(c).Person != "" {
		return c.Redirect(http.StatusSeeOther, "/")
	}
	if first, err := s.firstStart(c); err != nil || first {
		if err == nil {
			err = c.Redirect(http.StatusSeeOther, "/setup")
		}
		return err
	}
	page := loginPage{Base: s.base(c, "login.title"), Next: localPath(c.QueryParam("next"))}
	if c.QueryParam("out") != "" {
		page.Leave = s.asset("leave.js")
	}
	return s.render(c, http.StatusOK, "login", page)
}

// askToSignIn answers a page request without a session: a page is come back to, a
// posted form is carried on as hidden fields, so that nothing typed is lost.
func (s *Server) askToSignIn(c echo.Context, e *inspection.Error) {
	r := c.Request()
	page := loginPage{Base: s.base(c, "login.title"), Next: localPath(r.URL.RequestURI())}
	if r.Method == http.MethodGet && r.URL.Path == "/" {
		page.Next = ""
		if first, err := s.firstStart(c); err == nil && first {
			_ = c.Redirect(http.StatusSeeOther, "/setup")
			return
		}
	}
	if s.permissions[r.Method+" "+c.Path()] == SignedIn { // not the form of a password
		page.Kept, page.Files = s.keep(c)
	}
	if r.Method == http.MethodPost && len(page.Kept) == 0 {
		page.Next = "" // there is nothing to send again
	}
	if r.Method == http.MethodPost || page.Next != "" {
		page.Problem = page.T(e.Key)
	}
	if err := s.render(c, http.StatusUnauthorized, "login", page); err != nil {
		_ = c.String(http.StatusInternalServerError, page.Problem)
	}
}

// What is kept of a form whose sender is not signed in any more.
const (
	keptValue = 64 << 10 // longer than any text that a form takes
	keptWhole = smallBody
	keptParts = 1000
)

// keep reads the words of a form. Files are read past and told of: they
// have to be chosen again.
func (s *Server) keep(c echo.Context) (kept []string, files bool) {
	r := c.Request()
	add := func(name, value string) {
		kept = append(kept, url.QueryEscape(name)+"="+url.QueryEscape(value))
	}
	if isForm(r) {
		if err := r.ParseForm(); err == nil {
			for _, name := range slices.Sorted(maps.Keys(r.PostForm)) {
				for _, value := range r.PostForm[name] {
					add(name, value)
				}
			}
		}
		return kept, false
	}
	if !isMultipart(r) || !s.takes[r.Method+" "+c.Path()] {
		return nil, false
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, false
	}
	whole := 0
	for range keptParts {
		part, err := parts.NextPart()
		if err == io.EOF {
			return kept, files
		}
		if err != nil { // more than is read of somebody unknown: what was left are files
			return kept, true
		}
		if part.Header.Get("Content-Type") != "" { // a file, or the field of one that was not chosen
			files = files || part.FileName() != ""
			continue
		}
		value, err := io.ReadAll(io.LimitReader(part, keptValue+1))
		if err != nil {
			return kept, files
		}
		if whole += len(value); len(value) <= keptValue && whole <= keptWhole && plain(string(value)) && plain(part.FormName()) {
			add(part.FormName(), string(value))
		}
	}
	return kept, files
}

func (s *Server) login(c echo.Context) error {
	in := auth.SignIn{Username: c.FormValue("username"), Password: c.FormValue("password"), Address: c.RealIP()}
	in.Request, _ = c.Get(keyRequest).(string)
	form, _ := c.FormParams()
	next, kept, files := localPath(c.FormValue("next")), form["kept"], c.FormValue("kept_files") == "1"
	opened, err := s.Auth.SignIn(c.Request().Context(), in)
	if err != nil {
		e := toOurs(err)
		if e.Code == inspection.Internal {
			return err
		}
		page := loginPage{Base: s.base(c, "login.title"), Username: in.Username, Next: next, Kept: kept, Files: files}
		page.Problem = words(page.Lang, in.Request, e)
		page.Fields = map[string]string{"password": page.Problem}
		return s.render(c, statuses[e.Code], "login", page)
	}
	s.setSession(c, opened.Token, opened.Expires)
	switch {
	case opened.MustChange:
		return c.Redirect(http.StatusSeeOther, "/password")
	case len(kept) > 0 && next != "":
		return s.resume(c, opened.Token, next, kept, files)
	case next != "":
		return c.Redirect(http.StatusSeeOther, next)
	}
	return c.Redirect(http.StatusSeeOther, "/")
}

type resumePage struct {
	Base
	Action string
	Kept   []keptField
	Files  bool
}

type keptField struct{ Name, Value string }

// typedField is what somebody typed, under the words that its field has.
type typedField struct{ Label, Value string }

// days are the fields that hold a day.
var days = []string{"from", "to", "until", "last", "due", "valid_from", "valid_to", "complete_on", "planned_on", "decision_date"}

// unsaid are fields of forms that hold words, and that nobody types.
var unsaid = []string{"was", "confirm", "boxes"}

// Typed is what people typed into the form, without its ids, versions and codes: fields
// whose words are known, and whatever else reads like words.
func (p resumePage) Typed() (out []typedField) {
	for _, f := range p.Kept {
		name, _, _ := strings.Cut(f.Name, "-") // the rest says of what
		value, label := strings.TrimSpace(f.Value), "resume.field."+name
		if value == "" || slices.Contains(unsaid, name) {
			continue
		}
		d, err := inspection.ParseDate(value)
		switch {
		case err == nil:
			value = d.VN()
		case slices.Contains(days, name), len(value) >= 36 && inspection.CheckID(value[:36]) == nil:
			continue // the same name for something else
		}
		switch {
		case i18n.Has(label):
			out = append(out, typedField{p.T(label), value})
		case strings.ContainsAny(value, " \n"):
			out = append(out, typedField{p.T("resume.other"), value})
		}
	}
	return out
}

// resume shows the form that was sent without a session, to be sent again.
func (s *Server) resume(c echo.Context, token, next string, kept []string, files bool) error {
	signed, err := s.Auth.Authenticate(c.Request().Context(), token, "")
	if err != nil {
		return err
	}
	c.Set(keyActor, signed.Actor)
	page := resumePage{Base: s.base(c, "resume.title"), Action: next, Files: files}
	for _, pair := range kept {
		name, value, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if err1 == nil && err2 == nil {
			page.Kept = append(page.Kept, keptField{name, value})
		}
	}
	return s.render(c, http.StatusOK, "resume", page)
}

// localPath keeps a path on this site; anything else is dropped.
func localPath(p string) string {
	u, err := url.Parse(p)
	if err != nil || p == "" || u.IsAbs() || u.Host != "" || !strings.HasPrefix(p, "/") || strings.HasPrefix(p, "//") || strings.ContainsAny(p, "\\\r\n") {
		return ""
	}
	return p
}

func (s *Server) logout(c echo.Context) error {
	if token := s.sessionToken(c); token != "" {
		if err := s.Auth.SignOut(c.Request().Context(), token); err != nil && inspection.CodeOf(err) != inspection.Unauthenticated {
			return err
		}
	}
	s.setSession(c, "", 0)
	return c.Redirect(http.StatusSeeOther, "/login?out=1")
}

func (s *Server) logoutEverywhere(c echo.Context) error {
	if err := s.Auth.SignOutEverywhere(c.Request().Context(), s.sessionToken(c)); err != nil {
		return err
	}
	s.setSession(c, "", 0)
	return c.Redirect(http.StatusSeeOther, "/login?out=1")
}

type plainPage struct{ Base }

func (s *Server) account(c echo.Context) error {
	page := accountPage{Base: s.base(c, "page.account")}
	anew, err := s.Auth.GivenAnew(c.Request().Context(), page.Actor.Person)
	if given, ok := anew[page.Actor.Person]; ok {
		page.Anew = &given
	}
	if err != nil {
		return err
	}
	if page.Contact, err = s.Notify.ContactOf(c.Request().Context(), page.Actor, page.Actor.Person); err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "account", page)
}

type accountPage struct {
	Base
	Contact notify.Contact
	Anew    *auth.Anew // nil: no administrator has given the password anew
}

type passwordPage struct {
	Base
	Forced bool
}

func (s *Server) passwordPage(c echo.Context) error {
	signed, _ := session(c)
	return s.render(c, http.StatusOK, "password", passwordPage{s.base(c, "password.title"), signed.MustChange})
}

func (s *Server) changePassword(c echo.Context) error {
	fresh := c.FormValue("new")
	err := error(nil)
	if fresh != c.FormValue("again") {
		err = inspection.E(inspection.Invalid, "password.error.again").Field("again", "password.error.again")
	} else {
		err = s.Auth.ChangePassword(c.Request().Context(), s.sessionToken(c), c.FormValue("current"), fresh)
	}
	if err != nil {
		signed, _ := session(c)
		page := passwordPage{s.base(c, "password.title"), signed.MustChange}
		if !page.with(err, "") {
			return err
		}
		return s.render(c, http.StatusUnprocessableEntity, "password", page)
	}
	return c.Redirect(http.StatusSeeOther, "/?done=password")
}

func (s *Server) setLanguage(c echo.Context) error {
	lang := "vi"
	if c.FormValue("lang") == "en" {
		lang = "en"
	}
	c.SetCookie(&http.Cookie{Name: "lang", Value: lang, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, Secure: s.secure(), SameSite: http.SameSiteLaxMode})
	back := localPath(c.FormValue("back"))
	if back == "" {
		back = "/"
	}
	return c.Redirect(http.StatusSeeOther, back)
}

type signInBody struct {
	Username string `json:"username" maxLength:"64"`
	Password string `json:"password" maxLength:"1000"`
	Device   string `json:"device,omitempty" maxLength:"36" doc:"id that the device made for itself"`
}

type meBody struct {
	Person       string     `json:"person"`
	Name         string     `json:"name"`
	MustChange   bool       `json:"must_change" doc:"the first password must be changed at /password"`
	Capacities   []capacity `json:"capacities"`
	Now          string     `json:"now" doc:"the server's time, RFC 3339"`
	Demonstrates bool       `json:"simulated" doc:"the installation holds simulated data"`
}

type capacity struct {
	Role         string `json:"role"`
	Organisation string `json:"organisation"`
	Team         string `json:"team,omitempty"`
}

func (s *Server) me(a inspection.Actor, mustChange bool) meBody {
	me := meBody{Person: a.Person, Name: a.Name, MustChange: mustChange, Now: s.Clock.Now().String(), Demonstrates: s.config.Demo, Capacities: []capacity{}}
	for _, c := range a.Capacities {
		me.Capacities = append(me.Capacities, capacity{string(c.Role), c.Organisation, c.Team})
	}
	return me
}

func (s *Server) apiSessions() {
	type out struct{ Body meBody }
	call(s, Public, huma.Operation{Method: http.MethodPost, Path: "/api/v1/session", Summary: "Sign in; the session is a cookie", Errors: []int{503}},
		func(ctx context.Context, _ inspection.Actor, in *struct{ Body signInBody }) (*out, error) {
			c := requestOf(ctx)
			request, _ := c.Get(keyRequest).(string)
			opened, err := s.Auth.SignIn(ctx, auth.SignIn{Username: in.Body.Username, Password: in.Body.Password,
				Address: c.RealIP(), Device: in.Body.Device, Request: request})
			if err != nil {
				return nil, err
			}
			signed, err := s.Auth.Authenticate(ctx, opened.Token, request)
			if err != nil {
				return nil, err
			}
			s.setSession(c, opened.Token, opened.Expires)
			return &out{s.me(signed.Actor, signed.MustChange)}, nil
		})
	type keyIn struct {
		Body struct {
			Device string `json:"device" maxLength:"36" doc:"id that the device made for itself"`
		}
	}
	type keyOut struct {
		Cache string `header:"Cache-Control"`
		Body  struct {
			Key string `json:"key" doc:"32 bytes in base64: the same for this person on this device for ever"`
		}
	}
	call(s, SignedIn, huma.Operation{Method: http.MethodPost, Path: "/api/v1/session/key", Summary: "The key under which a device keeps what its user has not sent yet"},
		func(_ context.Context, a inspection.Actor, in *keyIn) (*keyOut, error) {
			key, err := s.Auth.DeviceKey(a, in.Body.Device)
			if err != nil {
				return nil, err
			}
			o := &keyOut{Cache: "no-store"}
			o.Body.Key = base64.StdEncoding.EncodeToString(key)
			return o, nil
		})
	type clockOut struct {
		Cache string `header:"Cache-Control"`
		Body  struct {
			Now string `json:"now" doc:"RFC 3339 with milliseconds"`
		}
	}
	call(s, Public, huma.Operation{Method: http.MethodGet, Path: "/api/v1/clock", Summary: "The server's time, for devices to learn how far theirs is off"},
		func(context.Context, inspection.Actor, *struct{}) (*clockOut, error) {
			o := &clockOut{Cache: "no-store"}
			o.Body.Now = s.Clock.Now().Time().Format("2006-01-02T15:04:05.000Z07:00")
			return o, nil
		})
	call(s, AnyPassword, huma.Operation{Method: http.MethodGet, Path: "/api/v1/session", Summary: "Who is signed in"},
		func(ctx context.Context, a inspection.Actor, _ *struct{}) (*out, error) {
			signed, _ := session(requestOf(ctx))
			return &out{s.me(a, signed.MustChange)}, nil
		})
	call(s, Public, huma.Operation{Method: http.MethodDelete, Path: "/api/v1/session", Summary: "Sign out", DefaultStatus: http.StatusNoContent},
		func(ctx context.Context, _ inspection.Actor, _ *struct{}) (*struct{}, error) {
			c := requestOf(ctx)
			if token := s.sessionToken(c); token != "" {
				if err := s.Auth.SignOut(ctx, token); err != nil && inspection.CodeOf(err) != inspection.Unauthenticated {
					return nil, err
				}
			}
			s.setSession(c, "", 0)
			return &struct{}{}, nil
		})
}
