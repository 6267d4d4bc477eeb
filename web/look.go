package web

import (
	"encoding/json"
	"net/http"
	"slices"

	"congvu/evidence"
	"congvu/evidence/snapshot"
	"congvu/inspection"
	"congvu/inspection/score"
	"congvu/inspection/visit"

	"github.com/labstack/echo/v4"
)

// A check of form REMOTE is made on these pages: a look at a desk through its cameras.

// lookStill is a still on the page of a look, with what was said of it.
type lookStill struct {
	stillLine
	Photo   *photo // where there is one
	Judged  *visit.Judged
	Judges  bool     // it shows the desk, and can be judged
	Working bool     // it was taken in working hours
	Answers bool     // an item can be answered by it
	Items   []string // codes of the items that it hangs on
	Short   bool     // one of them falls short
}

// Looks and Words are what a still was judged, for its form.
func (l lookStill) Looks() string {
	if l.Judged == nil {
		return ""
	}
	return string(l.Judged.Value)
}

// Words see Looks.
func (l lookStill) Words() string {
	if l.Judged == nil {
		return ""
	}
	return l.Judged.Text
}

// lookAnswer is an item that was answered by what a still shows.
type lookAnswer struct {
	minutesItem
	Key      string
	Severity string // of the finding that it drafts
	Photos   []photo
}

// lookCamera is a camera on the page of a look.
type lookCamera struct {
	snapshot.Camera
	Noticed bool // staff were told of it
	Outside bool // the server may not reach it
}

// Usable tells whether a still may be asked of it.
func (c lookCamera) Usable() bool { return c.Noticed && !c.Outside }

type lookPage struct {
	Base
	V       visit.View
	Cameras []lookCamera
	Stills  []lookStill
	Answers []lookAnswer
	Coming  int                // stills that are being taken
	Until   inspection.Instant // stills after that wait for the lead's leave
	Left    int                // stills before that
	Open    []string           // what is missing before it can be finished
	Unseen  int                // see unseen
	Today   bool               // the day on which it began is not over
	Looks   []visit.Looks
	Values  map[string]string // what was typed, by field
	At      string            // the still or item whose form was refused
	Script  string
}

// ID is a new id for a form.
func (lookPage) ID() string { return inspection.NewID() }

// Value is what was typed into a field of a form that was refused, else what is there.
func (p lookPage) Value(at, field, otherwise string) string {
	if v, ok := p.Values[field]; ok && p.At == at {
		return v
	}
	return otherwise
}

// Stands is what the minutes say, on the page of a form that was refused: another person
// may have written it meanwhile.
func (p lookPage) Stands(field, stands string) bool {
	typed, ok := p.Values[field]
	typed, _ = inspection.Text(typed, len(typed))
	return ok && p.At == "minutes" && typed != stands
}

// Usable tells whether the desk has a camera that can be asked.
func (p lookPage) Usable() bool { return slices.ContainsFunc(p.Cameras, lookCamera.Usable) }

// Reason is why a still is taken, as the form suggests it; it is recorded, in Vietnamese.
func (p lookPage) Reason() string {
	return p.VI().T("look.reason_default", "number", p.V.DecisionNumber)
}

// Texts, Shown, Judged and Answered name what the page shows: its texts of the minutes, what
// else they print, what a still was judged, and how an item was answered. A form that writes
// over one of them carries it, so that nobody's word goes without having been read.
func (p lookPage) Texts() string { return textsOf(p.V.State) }

// Shown see Texts.
func (p lookPage) Shown() string { return shownOf(p.V.State) }

// JudgedAs see Texts.
func (p lookPage) JudgedAs(request string) string { return judgedOf(p.V.State, request) }

// AnsweredAs see Texts.
func (p lookPage) AnsweredAs(item string) string { return answeredOf(p.V.State, item) }

func textsOf(s *visit.State) string { return hashOf(s.Minutes.Strengths, s.Minutes.Requests) }

func shownOf(s *visit.State) string {
	photos := map[string][]visit.Image{} // of the items; a still that has just come hangs on none
	for item := range s.Answers {
		photos[item] = s.Photos[item]
	}
	return hashOf(s.Judged, s.Answers, s.Drafts, photos)
}

func judgedOf(s *visit.State, request string) string { return hashOf(s.Judged[request]) }

func answeredOf(s *visit.State, item string) string { return hashOf(s.Answers[item], s.Drafts[item]) }

// hashOf names values: equal ones have the same name.
func hashOf(values ...any) string {
	raw, err := json.Marshal(values)
	if err != nil {
		return inspection.NewID() // like nothing else
	}
	return derivedID(string(raw))
}

// Finished tells whether the look is over and its minutes are still to be sent.
func (p lookPage) Finished() bool { return p.V.State.Phase == visit.Drafting }

// VisitState is how far a check is, in words: nobody refused to sign what was only sent.
func (b Base) VisitState(v visit.Visit) string {
	if v.Remote() && v.State == visit.MinutesNoSig {
		return b.T("visit.state.sent")
	}
	return b.Of("visit.state", v.State)
}

// remote loads a look for who works on it. Code: not_found.
func (s *Server) remote(c echo.Context) (visit.View, error) {
	v, err := s.Visits.Get(c.Request().Context(), actor(c), c.Param("id"))
	if err == nil && (!v.Remote() || !v.MayInspect) {
		err = inspection.E(inspection.NotFound, "error.not_found")
	}
	return v, err
}

func (s *Server) lookPage(c echo.Context) error {
	page, err := s.lookView(c)
	if err != nil {
		return err
	}
	if page.V.State.Phase != visit.Inspecting && page.V.State.Phase != visit.Drafting {
		return c.Redirect(http.StatusSeeOther, "/visits/"+page.V.ID)
	}
	return s.render(c, http.StatusOK, "look", page)
}

func (s *Server) lookView(c echo.Context) (lookPage, error) {
	v, err := s.remote(c)
	if err != nil {
		return lookPage{}, err
	}
	page := lookPage{Base: s.base(c, "look.title"), V: v, Looks: visit.AllLooks, Until: v.CheckedInAt.Add(snapshot.Window), Script: s.asset("look.js")}
	page.Title, page.Today = v.Place(), page.Now.Date() == v.Day
	if page.Cameras, err = s.lookCameras(c, v); err != nil {
		return page, err
	}
	if page.Stills, err = s.lookStills(c, v); err != nil {
		return page, err
	}
	photos := map[string]photo{}
	page.Left, page.Unseen = snapshot.Many, unseen(page.Stills)
	for _, l := range page.Stills {
		if l.State == snapshot.Waiting {
			page.Coming++
		}
		if l.State != snapshot.Declined && l.State != snapshot.Lapsed {
			page.Left = max(0, page.Left-1)
		}
		if l.Photo != nil {
			photos[l.FileID] = *l.Photo
		}
	}
	drafts := v.State.Drafted(v.Rules)
	minutes := minutesPage{Base: page.Base, V: v}
	for _, it := range v.Checklist.Items {
		a := v.State.Answers[it.Key]
		if a.Value == "" {
			continue
		}
		rule, _ := v.Rules.Item(it.Key)
		row := lookAnswer{Key: it.Key, minutesItem: minutesItem{Code: it.Code, Text: page.Either(it.TextVI, it.TextEN), Note: a.Note, Value: minutes.value(it, a), Failed: v.State.Failed(v.Rules, rule)}}
		if at := slices.IndexFunc(drafts, func(d visit.Draft) bool { return d.Item == it.Key }); at >= 0 {
			row.Severity = string(drafts[at].Severity)
		}
		for _, image := range v.State.Photos[it.Key] {
			if p, ok := photos[image.File]; ok {
				row.Photos = append(row.Photos, p)
			}
		}
		page.Answers = append(page.Answers, row)
	}
	if !v.State.Looked() && page.Today {
		page.Open = append(page.Open, page.T("visit.open.STILL"))
	}
	times := map[string]int{}
	for _, o := range v.State.Still(v.Rules, v.Files) {
		words := page.Of("visit.open", o.What)
		if o.Code != "" {
			words = o.Code + ": " + words
		}
		if times[words]++; times[words] == 1 {
			page.Open = append(page.Open, words)
		}
	}
	for i, words := range page.Open {
		if n := times[words]; n > 1 {
			page.Open[i] = page.T("look.open_times", "what", words, "n", n)
		}
	}
	return page, nil
}

// lookCameras lists the cameras of the desk, those that can be asked first.
func (s *Server) lookCameras(c echo.Context, v visit.View) (out []lookCamera, err error) {
	if v.DeskID == nil {
		return nil, nil
	}
	all, err := s.Snapshots.AtDesk(c.Request().Context(), *v.DeskID)
	today := s.Clock.Now().Date()
	var not []lookCamera
	for _, one := range all {
		if c := (lookCamera{one, one.Noticed(today), s.outside(one)}); c.Usable() {
			out = append(out, c)
		} else {
			not = append(not, c)
		}
	}
	return append(out, not...), err
}

// lookStills lists the stills of a look, the newest first, as the reader may see them.
func (s *Server) lookStills(c echo.Context, v visit.View) ([]lookStill, error) {
	files, err := s.Evidence.ForVisit(c.Request().Context(), actor(c), v.ID)
	if err != nil {
		return nil, err
	}
	photos := map[string]photo{}
	for _, f := range files {
		photos[f.ID] = photoOf(f, evidence.Evidence)
	}
	lines, err := s.stills(c, v)
	if err != nil {
		return nil, err
	}
	var out []lookStill
	for _, l := range slices.Backward(lines) {
		one := lookStill{stillLine: l, Working: v.Rules.Working(l.TakenAt)}
		one.Items, one.Short = itemsOf(v, l.FileID)
		if p, ok := photos[l.FileID]; ok {
			one.Photo = &p
		}
		if j, ok := v.State.Judged[l.ID]; ok {
			one.Judged = &j
		}
		asked, _ := v.State.StillOf(l.ID)
		one.Judges = asked.Judgeable()
		if asked.Came.Outcome == "" && (v.State.Phase == visit.Inspecting || v.State.Phase == visit.Drafting) && (l.State == snapshot.Taken || l.State == snapshot.Failed) {
			one.State = snapshot.Waiting // it came after the check was read: whoever reads both again has it
		}
		one.Answers = one.State == snapshot.Taken || one.State == snapshot.Failed && !slices.Contains(visit.NotTheirs, string(l.Cause)) && slices.ContainsFunc(v.Rules.Items, ofCamera)
		out = append(out, one)
	}
	return out, nil
}

// unseen counts the stills that show what falls short and that the unit cannot see yet.
func unseen(stills []lookStill) (n int) {
	for _, l := range stills {
		short := l.Judged != nil && (l.Judged.Value == visit.Unmanned || l.Judged.Value == visit.Shut)
		if l.Photo != nil && !l.Photo.Shared && (short || l.Short) {
			n++
		}
	}
	return n
}

// ofCamera tells the items that a camera which gives nothing answers.
func ofCamera(it visit.Item) bool {
	return it.Applies && it.Source == score.FromAnswer && it.Photo == visit.PhotoCamera
}

// itemsOf lists the codes of the items that a still hangs on, and whether one falls short.
func itemsOf(v visit.View, file string) (codes []string, short bool) {
	for _, it := range v.Checklist.Items {
		if file != "" && slices.ContainsFunc(v.State.Photos[it.Key], func(i visit.Image) bool { return i.File == file }) {
			rule, _ := v.Rules.Item(it.Key)
			codes, short = append(codes, it.Code), short || v.State.Failed(v.Rules, rule)
		}
	}
	return codes, short
}

// beginLook checks a desk in from the office.
func (s *Server) beginLook(c echo.Context) error {
	id := formID(c)
	check := derivedID(id, c.Param("id"), "look")
	err := inspection.CheckID(id)
	if err == nil {
		err = s.Visits.CheckInRemotely(c.Request().Context(), actor(c), check, id, c.Param("id"))
	}
	if err != nil {
		return s.targetDone(c, err, "")
	}
	return c.Redirect(http.StatusSeeOther, "/visits/"+check+"/look")
}

// look does what one of the forms of the page asks.
func (s *Server) look(c echo.Context) error {
	v, err := s.remote(c)
	if err != nil {
		return err
	}
	ctx, id := c.Request().Context(), formID(c)
	request := c.FormValue("request")
	to, at := "/visits/"+v.ID+"/look", request
	var acts []visit.Act
	var seen func(*visit.State) bool
	switch do := c.FormValue("do"); do {
	case "still":
		acts, at = []visit.Act{{ID: id, Type: visit.OpSnapshot, Payload: visit.Snapshot{Camera: c.FormValue("camera"), Reason: c.FormValue("reason")}}}, c.FormValue("camera")
		to += "?done=still_asked#stills-title"
	case "judge":
		acts = []visit.Act{{ID: id, Type: visit.OpJudge, Payload: visit.Judge{Request: request, Value: visit.Looks(c.FormValue("value")), Text: c.FormValue("text")}}}
		seen = func(now *visit.State) bool { return judgedOf(now, request) == c.FormValue("was") }
		to += "?done=judged#still-" + request
	case "drop":
		item := c.FormValue("item")
		acts, at = dropped(v, id, item), "item"
		seen = func(now *visit.State) bool { return answeredOf(now, item) == c.FormValue("was") }
		to += "?done=answer_dropped#answers"
	case "minutes":
		acts, at = []visit.Act{minutesAct(c, id)}, "minutes"
		seen = func(now *visit.State) bool { return textsOf(now) == c.FormValue("texts") }
		to += "?done=minutes_kept#minutes"
	case "finish", "send":
		// Both end what is written: what was typed goes along, and nobody ends what they have
		// not read.
		if retyped(c, v.State) {
			acts = append(acts, minutesAct(c, derivedID(id, "minutes")))
		}
		seen = func(now *visit.State) bool {
			return textsOf(now) == c.FormValue("texts") && shownOf(now) == c.FormValue("shown")
		}
		at = "minutes"
		if do == "finish" {
			acts = append(acts, visit.Act{ID: id, Type: visit.OpFinish, Payload: struct{}{}})
			to += "?done=look_finished#minutes"
			break
		}
		if stills, err := s.lookStills(c, v); err != nil {
			return err
		} else if n := unseen(stills); n > 0 && c.FormValue("unseen") == "" {
			return s.lookAgain(c, inspection.E(inspection.Conflict, "look.error.unseen", "n", n), at)
		}
		acts = append(acts, visit.Act{ID: id, Type: visit.OpSend, Payload: struct{}{}})
		to = "/visits/" + v.ID + "?done=minutes_sent"
	default:
		return inspection.E(inspection.Invalid, "error.invalid")
	}
	if err = s.Visits.Look(ctx, actor(c), v.ID, seen, acts...); err != nil {
		return s.lookAgain(c, err, at)
	}
	s.Snapshots.Wake()
	return c.Redirect(http.StatusSeeOther, to)
}

// minutesAct writes the texts of the minutes that were typed.
func minutesAct(c echo.Context, id string) visit.Act {
	strengths, requests := c.FormValue("strengths"), c.FormValue("requests")
	return visit.Act{ID: id, Type: visit.OpMinutes, Payload: visit.Minutes{Strengths: &strengths, Requests: &requests}}
}

// retyped tells whether a form has texts of the minutes, and others than those that stand.
func retyped(c echo.Context, s *visit.State) bool {
	form, err := c.FormParams()
	other := func(field, stands string) bool {
		typed, _ := inspection.Text(form.Get(field), len(form.Get(field)))
		return typed != stands
	}
	return err == nil && form.Has("strengths") && form.Has("requests") && (other("strengths", s.Minutes.Strengths) || other("requests", s.Minutes.Requests))
}

// lookAgain shows the page with what was refused, and what was typed.
func (s *Server) lookAgain(c echo.Context, err error, at string) error {
	page, again := s.lookView(c)
	switch {
	case again != nil:
		return again
	case page.V.State.Phase != visit.Inspecting && page.V.State.Phase != visit.Drafting:
		return err // the look is over: there is no page of it any more
	}
	page.At, page.Values = at, map[string]string{}
	for _, field := range []string{"value", "text", "reason", "strengths", "requests"} {
		page.Values[field] = c.FormValue(field)
	}
	return s.formAgain(c, &page.Base, err, func() error { return s.render(c, statuses[toOurs(err).Code], "look", page) })
}

// dropped takes an answer back, with the stills that hang on its item.
func dropped(v visit.View, id, item string) []visit.Act {
	acts := []visit.Act{{ID: id, Type: visit.OpAnswer, Payload: visit.AnswerItem{Item: item}}}
	for _, image := range v.State.Photos[item] {
		acts = append(acts, visit.Act{ID: derivedID(id, image.File), Type: visit.OpPhotoOff, Payload: visit.Photo{Item: item, File: image.File, Reason: "Rút mục khỏi nội dung kiểm tra"}})
	}
	return acts
}

// giveOpinion is what the unit says of the minutes of a look.
func (s *Server) giveOpinion(c echo.Context) error {
	id := c.Param("id")
	err := s.Visits.GiveOpinion(c.Request().Context(), actor(c), id, formID(c), visit.Opinion{Text: c.FormValue("opinion"), Done: c.FormValue("done") != ""})
	if err == nil {
		return c.Redirect(http.StatusSeeOther, "/visits/"+id+"?done=opinion_given#opinion")
	}
	page, again := s.visitView(c)
	if again != nil {
		return again
	}
	page.Opinion = c.FormValue("opinion")
	return s.formAgain(c, &page.Base, err, func() error { return s.render(c, statuses[toOurs(err).Code], "visit", page) })
}

// opinionLine is an opinion with the name of who gave it.
type opinionLine struct {
	visit.Opined
	By string
}

// opinions names who gave the opinions of a unit.
func (s *Server) opinions(c echo.Context, v visit.View) ([]opinionLine, error) {
	var ids []string
	for _, o := range v.State.Opinions {
		ids = append(ids, o.Author)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	names, err := s.Org.Names(c.Request().Context(), actor(c), ids...)
	if err != nil {
		return nil, err
	}
	var out []opinionLine
	for _, o := range v.State.Opinions {
		out = append(out, opinionLine{o, names[o.Author]})
	}
	return out, nil
}
