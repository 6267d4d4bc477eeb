package web

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"sync/atomic"
	"time"

	"congvu/evidence"
	"congvu/evidence/imaging"
	"congvu/inspection"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
)

type declareBody struct {
	ID         string    `json:"id" maxLength:"36" doc:"UUID made by the device"`
	Visit      string    `json:"visit" maxLength:"36"`
	Bytes      int64     `json:"bytes" minimum:"1"`
	SHA256     string    `json:"sha256" minLength:"64" maxLength:"64" doc:"of the bytes as the device made them, lower-case hex"`
	Name       string    `json:"name,omitempty" maxLength:"2000" doc:"for display only"`
	Kind       string    `json:"kind" enum:"PHOTO,DOCUMENT_SCAN,SCREENSHOT,NOTE"`
	Contains   string    `json:"contains,omitempty" enum:"UNKNOWN,NOBODY,STAFF,CITIZEN,CHILD,PAPERS"`
	NoPeople   bool      `json:"no_people,omitempty" doc:"the person confirmed that nobody is in the picture"`
	CapturedAt time.Time `json:"captured_at,omitempty" doc:"by the device's clock"`
}

type fileBody struct {
	ID         string   `json:"id"`
	Visit      string   `json:"visit"`
	State      string   `json:"state" enum:"DECLARED,RECEIVED,LOST"`
	SHA256     string   `json:"sha256"`
	Bytes      int64    `json:"bytes"`
	MediaType  string   `json:"media_type,omitempty"`
	Of         string   `json:"of,omitempty" doc:"the photograph that this was drawn on"`
	ReceivedAt string   `json:"received_at,omitempty"`
	RemovedAt  string   `json:"removed_at,omitempty" doc:"since when its bytes are gone, because the term of keeping them was over"`
	Shared     bool     `json:"shared" doc:"a copy is confirmed for sharing"`
	Variants   []string `json:"variants" doc:"what this person may open at /files/{id}/{variant}"`
}

func fileOf(i evidence.Item) fileBody {
	b := fileBody{ID: i.ID, Visit: i.Visit, State: string(i.State), SHA256: i.SHA256, Bytes: i.Size, MediaType: string(i.MediaType), Of: i.Of,
		ReceivedAt: i.ReceivedAt.String(), Shared: i.Shared != nil, Variants: []string{}}
	if i.RemovedAt > 0 {
		b.RemovedAt = i.RemovedAt.String()
	}
	if i.Whole && i.State == evidence.Received {
		b.Variants = append(b.Variants, "original")
		if i.Has() {
			b.Variants = append(b.Variants, "preview", "thumb")
		}
	}
	if i.Sketch {
		b.Variants = append(b.Variants, "thumb")
	}
	if i.Shared != nil {
		b.Variants = append(b.Variants, "shared")
	}
	return b
}

// Streamed is the body of a request that is not read into memory.
type Streamed struct {
	ID   string `path:"id" maxLength:"36"`
	body io.Reader
	size int64
}

// Resolve keeps the body for the handler to read.
func (b *Streamed) Resolve(ctx huma.Context) []error {
	b.body = ctx.BodyReader()
	b.size = -1
	if c, ok := ctx.Context().Value(echoKey{}).(echo.Context); ok {
		b.size = c.Request().ContentLength
	}
	return nil
}

// The protocol of resuming, https://tus.io/protocols/resumable-upload version 1.0.0: the
// declaration takes the place of its creation.
const (
	tusVersion = "1.0.0"
	tusType    = "application/offset+octet-stream"
)

// speaks refuses another version of it, and tells which one is spoken.
func speaks(c echo.Context, version string) error {
	if version == "" || version == tusVersion {
		return nil
	}
	c.Response().Header().Set("Tus-Version", tusVersion)
	return inspection.E(inspection.Invalid, "error.protocol", "version", tusVersion)
}

// patient reads a body that may come slowly, but not one that does not come at all.
type patient struct {
	io.Reader
	to    *http.ResponseController
	ended atomic.Bool
}

const stalled = time.Minute

// Abort ends a read under way; what has come whole is not touched.
func (p *patient) Abort() {
	if !p.ended.Load() {
		_ = p.to.SetReadDeadline(time.Now())
	}
}

func (p *patient) Read(b []byte) (int, error) {
	_ = p.to.SetReadDeadline(time.Now().Add(stalled))
	n, err := p.Reader.Read(b)
	if err == io.EOF { // what is done with it may take longer
		p.ended.Store(true)
		_ = p.to.SetReadDeadline(time.Time{})
	}
	return n, err
}

func (s *Server) apiFiles() {
	type fileOut struct{ Body fileBody }
	type byID struct {
		ID string `path:"id" maxLength:"36"`
	}
	call(s, SignedIn, huma.Operation{Method: http.MethodPost, Path: "/api/v1/files", DefaultStatus: http.StatusCreated,
		Summary: "Declare a file of a check before its bytes are sent", Errors: []int{409, 413}},
		func(ctx context.Context, a inspection.Actor, in *struct{ Body declareBody }) (*fileOut, error) {
			d := evidence.Declaration{ID: in.Body.ID, Visit: in.Body.Visit, SHA256: in.Body.SHA256, Size: in.Body.Bytes, Name: in.Body.Name,
				Kind: evidence.Kind(in.Body.Kind), Contains: evidence.Contains(in.Body.Contains), NoPeople: in.Body.NoPeople, CapturedAt: inspection.At(in.Body.CapturedAt)}
			fresh, err := s.Evidence.Declare(ctx, a, d)
			if err != nil {
				return nil, err
			}
			if fresh { // nothing of it is there yet
				return &fileOut{fileOf(evidence.Item{ID: d.ID, Visit: d.Visit, State: evidence.Declared, SHA256: d.SHA256, Size: d.Size})}, nil
			}
			item, err := s.Evidence.Get(ctx, a, d.ID)
			if err != nil {
				return nil, err
			}
			return &fileOut{fileOf(item)}, nil
		})
	call(s, SignedIn, huma.Operation{Method: http.MethodGet, Path: "/api/v1/files/{id}", Summary: "A file as this person may see it"},
		func(ctx context.Context, a inspection.Actor, in *byID) (*fileOut, error) {
			item, err := s.Evidence.Get(ctx, a, in.ID)
			if err != nil {
				return nil, err
			}
			return &fileOut{fileOf(item)}, nil
		})

	type receiptOut struct{ Body evidence.Receipt }
	call(s, SignedIn, huma.Operation{Method: http.MethodPut, Path: "/api/v1/files/{id}/content", Errors: []int{409, 413, 503, 507}, MaxBodyBytes: -1, BodyReadTimeout: -1,
		Summary:     "Send the bytes of a declared file; the answer is the signed receipt",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}},
		func(ctx context.Context, a inspection.Actor, in *Streamed) (*receiptOut, error) {
			size := in.size
			if size < 0 {
				item, err := s.Evidence.Get(ctx, a, in.ID)
				if err != nil {
					return nil, err
				}
				size = item.Size
			}
			receipt, err := s.Evidence.Receive(ctx, a, in.ID, size, in.body)
			if err != nil {
				return nil, err
			}
			return &receiptOut{receipt}, nil
		})

	type receiptKeyOut struct {
		Body struct {
			Key    string `json:"key" doc:"its name in receipts: the first 16 hex digits of its SHA-256"`
			Public []byte `json:"public" doc:"the 32 bytes (Ed25519, RFC 8032)"`
		}
	}
	call(s, SignedIn, huma.Operation{Method: http.MethodGet, Path: "/api/v1/receipts/key", Summary: "The key that receipts are verified with"},
		func(context.Context, inspection.Actor, *struct{}) (*receiptKeyOut, error) {
			o := &receiptKeyOut{}
			o.Body.Public = s.Evidence.PublicKey()
			o.Body.Key = evidence.KeyID(s.Evidence.PublicKey())
			return o, nil
		})

	type resumeHead struct {
		Resumable string `header:"Tus-Resumable"`
		Offset    int64  `header:"Upload-Offset"`
		Length    int64  `header:"Upload-Length"`
		Receipt   string `header:"Upload-Receipt" doc:"base64 of the receipt's JSON, when the file is whole"`
		Cache     string `header:"Cache-Control"`
	}
	headOf := func(at, size int64) *resumeHead {
		return &resumeHead{Resumable: tusVersion, Offset: at, Length: size, Cache: "no-store"}
	}
	type askIn struct {
		ID        string `path:"id" maxLength:"36"`
		Resumable string `header:"Tus-Resumable" doc:"1.0.0"`
	}
	call(s, SignedIn, huma.Operation{Method: http.MethodHead, Path: "/api/v1/files/{id}/content", DefaultStatus: http.StatusNoContent, Errors: []int{412},
		Summary: "How much of a declared file has arrived (tus 1.0)"},
		func(ctx context.Context, a inspection.Actor, in *askIn) (*resumeHead, error) {
			if err := speaks(requestOf(ctx), in.Resumable); err != nil {
				return nil, err
			}
			at, size, err := s.Evidence.Progress(ctx, a, in.ID)
			if err != nil {
				return nil, err
			}
			return headOf(at, size), nil
		})
	type resumeIn struct {
		Streamed
		Resumable string `header:"Tus-Resumable" doc:"1.0.0"`
		Offset    int64  `header:"Upload-Offset" minimum:"0" required:"true"`
		Type      string `header:"Content-Type"`
	}
	call(s, SignedIn, huma.Operation{Method: http.MethodPatch, Path: "/api/v1/files/{id}/content", DefaultStatus: http.StatusNoContent,
		Errors: []int{403, 409, 412, 413, 415, 503, 507}, MaxBodyBytes: -1, BodyReadTimeout: -1,
		Summary:     "Send bytes of a declared file from where it stands (tus 1.0); what arrives before a break stays",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{tusType: {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}},
		func(ctx context.Context, a inspection.Actor, in *resumeIn) (*resumeHead, error) {
			c := requestOf(ctx)
			if err := speaks(c, in.Resumable); err != nil {
				return nil, err
			}
			if in.Type != tusType {
				return nil, inspection.E(inspection.Invalid, "error.media_type", "type", tusType)
			}
			at, receipt, err := s.Evidence.Resume(ctx, a, in.ID, in.Offset, in.size, &patient{Reader: in.body, to: http.NewResponseController(c.Response())})
			if err != nil {
				return nil, err
			}
			h := headOf(at, 0)
			if receipt != nil {
				raw, err := json.Marshal(receipt)
				if err != nil {
					return nil, err
				}
				h.Receipt = base64.StdEncoding.EncodeToString(raw)
			}
			return h, nil
		})
	call(s, SignedIn, huma.Operation{Method: http.MethodGet, Path: "/api/v1/files/{id}/receipt", Errors: []int{409}, Summary: "The signed receipt of a file that has arrived"},
		func(ctx context.Context, a inspection.Actor, in *byID) (*receiptOut, error) {
			receipt, err := s.Evidence.ReceiptOf(ctx, a, in.ID)
			if err != nil {
				return nil, err
			}
			return &receiptOut{receipt}, nil
		})

	type sketchIn struct {
		Streamed
		Type string `header:"Content-Type"`
	}
	call(s, SignedIn, huma.Operation{Method: http.MethodPut, Path: "/api/v1/files/{id}/sketch", DefaultStatus: http.StatusNoContent, Errors: []int{403, 413, 415, 507},
		Summary:     "Send a small picture of a declared photograph ahead of it; it stands as its thumbnail until the original comes",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{string(imaging.JPEG): {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}},
		func(ctx context.Context, a inspection.Actor, in *sketchIn) (*struct{}, error) {
			if t, _, err := mime.ParseMediaType(in.Type); err != nil || t != string(imaging.JPEG) {
				return nil, inspection.E(inspection.Invalid, "error.media_type", "type", imaging.JPEG)
			}
			return nil, s.Evidence.Sketch(ctx, a, in.ID, in.size, in.body)
		})

	type giveUpIn struct {
		ID   string `path:"id" maxLength:"36"`
		Body struct {
			Reason string `json:"reason" minLength:"10" maxLength:"1000"`
		}
	}
	call(s, SignedIn, huma.Operation{Method: http.MethodPost, Path: "/api/v1/files/{id}/give-up", DefaultStatus: http.StatusNoContent, Errors: []int{403, 409},
		Summary: "Wait no longer for a declared file, with a reason; the lead of the team. Its bytes are still taken when they turn up"},
		func(ctx context.Context, a inspection.Actor, in *giveUpIn) (*struct{}, error) {
			return nil, s.Evidence.GiveUp(ctx, a, in.ID, in.Body.Reason)
		})

	type box struct {
		X float64 `json:"x" minimum:"0" maximum:"1"`
		Y float64 `json:"y" minimum:"0" maximum:"1"`
		W float64 `json:"w" minimum:"0" maximum:"1"`
		H float64 `json:"h" minimum:"0" maximum:"1"`
	}
	type shareIn struct {
		ID   string `path:"id" maxLength:"36"`
		Body struct {
			Boxes  []box `json:"boxes,omitempty" maxItems:"200" doc:"fractions of the upright picture"`
			Nobody bool  `json:"nobody,omitempty" doc:"không có người, không có giấy tờ của công dân"`
		}
	}
	call(s, SignedIn, huma.Operation{Method: http.MethodPost, Path: "/api/v1/files/{id}/shared", Summary: "Confirm the copy of a picture that others than the team may see", Errors: []int{409}},
		func(ctx context.Context, a inspection.Actor, in *shareIn) (*fileOut, error) {
			var boxes []imaging.Box
			for _, b := range in.Body.Boxes {
				boxes = append(boxes, imaging.Box{X: b.X, Y: b.Y, W: b.W, H: b.H})
			}
			if err := s.Evidence.ConfirmShared(ctx, a, in.ID, boxes, in.Body.Nobody); err != nil {
				return nil, err
			}
			item, err := s.Evidence.Get(ctx, a, in.ID)
			if err != nil {
				return nil, err
			}
			return &fileOut{fileOf(item)}, nil
		})
}

// filePage opens one form of a file: /files/{id}/original, preview, thumb, shared or
// shared_thumb. What is restricted asks for ?reason=.
func (s *Server) filePage(c echo.Context) error {
	content, err := s.Evidence.Open(c.Request().Context(), actor(c), c.Param("id"), evidence.Variant(c.Param("variant")), c.QueryParam("reason"))
	if err != nil {
		return err
	}
	defer content.Close()
	h := c.Response().Header()
	h.Set("Content-Type", string(content.MediaType))
	h.Set("ETag", content.ETag)
	h.Set("Cache-Control", "private, no-cache")
	if content.Private {
		h.Set("Cache-Control", "no-store")
	}
	// Nothing that was sent to us may run as a page of ours.
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	if content.MediaType == imaging.PDF || content.MediaType == imaging.HEIC {
		h.Set("Content-Disposition", "attachment; filename*=UTF-8''"+escapeName(content.Name))
	}
	http.ServeContent(c.Response(), c.Request(), "", content.Modified.Time(), content)
	return nil
}
