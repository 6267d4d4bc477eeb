package web

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"mime/multipart"
	"strconv"
	"strings"

	"congvu/evidence"
	"congvu/inspection"
	"congvu/inspection/i18n"
	"congvu/inspection/visit"

	"github.com/labstack/echo/v4"
)

// formID is the id that a form carries: made when the page is drawn, so that a form
// sent twice is one act.
func formID(c echo.Context) string { return c.FormValue("id") }

// formVersion is the version of the thing that the form's reader saw; 0 compares
// nothing and is what a malformed one becomes only to be refused.
func formVersion(c echo.Context) (int64, error) {
	v, err := strconv.ParseInt(c.FormValue("version"), 10, 64)
	if err != nil || v < 1 {
		return 0, inspection.E(inspection.Invalid, "error.invalid").Field("version", "error.invalid")
	}
	return v, nil
}

func formInt(c echo.Context, name string) (int, error) {
	text := c.FormValue(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, inspection.E(inspection.Invalid, "error.invalid").Field(name, "error.field")
	}
	return n, nil
}

// formMoney is a sum in đồng, with or without dots between the thousands; 0 where nothing
// was said.
func formMoney(c echo.Context, name string) (int64, error) {
	text := strings.NewReplacer(".", "", " ", "", "\u00a0", "").Replace(c.FormValue(name))
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, inspection.E(inspection.Invalid, "finding.error.cost").Field(name, "finding.error.cost")
	}
	return n, nil
}

// page of a list from the address.
func pageOf(c echo.Context) inspection.Page { return inspection.Page{Cursor: c.QueryParam("after")} }

// pagerOf are the addresses of the next and, further down a list, of the first page.
func pagerOf(c echo.Context, cursor string) (next, first string) {
	q := c.QueryParams()
	if q.Get("after") != "" {
		q.Del("after")
		first = c.Request().URL.Path + "?" + q.Encode()
	}
	if cursor != "" {
		q.Set("after", cursor)
		next = c.Request().URL.Path + "?" + q.Encode()
	}
	return next, first
}

// maxFiles is how many files one form may carry.
const maxFiles = 10

// takeFiles declares and receives the files of a form, each as if a tablet had sent
// it. Their ids derive from the form's id and their bytes, so that a form sent twice
// gives no duplicate.
func (s *Server) takeFiles(c echo.Context, field, visit string, kind evidence.Kind) ([]string, error) {
	if c.Request().MultipartForm == nil {
		return nil, nil
	}
	files := c.Request().MultipartForm.File[field]
	if len(files) > maxFiles {
		return nil, inspection.E(inspection.Invalid, "visit.error.too_many_files", "max", maxFiles).Field(field, "error.invalid")
	}
	var ids []string
	for _, f := range files {
		if f.Size == 0 && f.Filename == "" {
			continue
		}
		id, err := s.takeFile(c, f, visit, kind)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// named says which of the files of a form was refused, and what becomes of the rest.
func named(c echo.Context, name string, err error) error {
	var ours *inspection.Error
	if !errors.As(err, &ours) || ours.Code != inspection.Invalid && ours.Code != inspection.TooLarge {
		return err
	}
	return inspection.E(ours.Code, "form.error.file", "name", evidence.CleanName(name), "what", i18n.Error(language(c.Request()), ours)).Because(err).Field("files", "form.error.files_again")
}

func (s *Server) takeFile(c echo.Context, part *multipart.FileHeader, visit string, kind evidence.Kind) (string, error) {
	f, err := part.Open()
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	ctx := c.Request().Context()
	if err := s.Evidence.Fits(ctx, kind, part.Size, f); err != nil { // before it is declared: nothing stays of what is refused
		return "", named(c, part.Filename, err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	sum := hex.EncodeToString(h.Sum(nil))
	id := derivedID(formID(c), visit, sum)
	d := evidence.Declaration{ID: id, Visit: visit, SHA256: sum, Size: part.Size, Name: part.Filename, Kind: kind}
	if _, err := s.Evidence.Declare(ctx, actor(c), d); err != nil {
		return "", err
	}
	_, err = s.Evidence.Receive(ctx, actor(c), id, part.Size, f)
	return id, err
}

// derivedID is a UUID version 8 (RFC 9562 §5.8) made of texts.
func derivedID(texts ...string) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%q", texts))
	b := h[:16]
	b[6] = b[6]&0x0f | 0x80
	b[8] = b[8]&0x3f | 0x80
	x := hex.EncodeToString(b)
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}

// photo is a picture as a page shows it: the picture, or what stands in its place.
type photo struct {
	ID       string
	Thumb    string // address of the small picture, empty where there is none
	Full     string // address of the large one
	Role     string
	Taken    inspection.Instant
	SHA256   string
	Received bool
	Document bool          // nothing to show small: a file to open
	Reason   bool          // opening it asks for a reason
	Sketch   bool          // a look ahead: the original is still being sent
	Shared   bool          // a copy is confirmed for sharing
	Confirm  bool          // this person may confirm one
	Camera   string        // whose still it is, empty for none
	Judged   *visit.Judged // what a still of a look from the office was said to show
	Item     evidence.Item
}

func photoOf(i evidence.Item, role evidence.Role) photo {
	p := photo{ID: i.ID, Role: string(role), Taken: i.TakenAt, SHA256: i.SHA256, Received: i.State == evidence.Received,
		Shared: i.Shared != nil, Confirm: i.CanConfirm, Item: i, Reason: i.Whole && i.NeedsReason}
	if p.Taken.IsZero() {
		p.Taken = i.DeclaredAt
	}
	switch base := "/files/" + i.ID + "/"; {
	case i.Sketch && !i.NeedsReason:
		p.Thumb, p.Full, p.Sketch = base+"thumb", base+"thumb", true
	case !p.Received:
	case i.Whole && !i.NeedsReason && i.Has():
		p.Thumb, p.Full = base+"thumb", base+"preview"
	case i.Whole && !i.NeedsReason && i.MediaType.Decodable(): // until the small ones are made
		p.Thumb, p.Full = base+"original", base+"original"
	case i.Whole && !i.NeedsReason:
		p.Document, p.Full = true, base+"original"
	case i.Shared != nil && i.Shared.Thumb:
		p.Thumb, p.Full = base+"shared_thumb", base+"shared"
	case i.Shared != nil:
		p.Document, p.Full = true, base+"shared"
	}
	return p
}

// photosOn lists what hangs on a subject in any role, as the reader may see it.
func (s *Server) photosOn(c echo.Context, visit string, kind evidence.SubjectKind, id string) ([]photo, error) {
	items, err := s.Evidence.ForSubject(c.Request().Context(), actor(c), visit, evidence.Subject{Kind: kind, ID: id})
	if err != nil {
		return nil, err
	}
	var photos []photo
	for _, i := range items {
		for _, on := range i.On {
			if on.Kind == kind && on.ID == id {
				photos = append(photos, photoOf(i, on.Role))
				break
			}
		}
	}
	return photos, nil
}

// parsePercent reads 0 to 100, with a decimal point or comma, as a fraction.
func parsePercent(text string) (float64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseFloat(strings.Replace(text, ",", ".", 1), 64)
	if err != nil || math.IsNaN(n) || n < 0 || n > 100 {
		return 0, inspection.E(inspection.Invalid, "evidence.error.boxes").Field("boxes", "evidence.error.boxes")
	}
	return n / 100, nil
}

// formAgain shows a form again with what is wrong and all that was typed; an error
// that is no matter of the form goes on.
func (s *Server) formAgain(c echo.Context, b *Base, err error, draw func() error) error {
	request, _ := c.Get(keyRequest).(string)
	if !b.with(err, request) {
		return err
	}
	return draw()
}
