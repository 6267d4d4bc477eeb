package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"congvu/evidence/snapshot"
	"congvu/inspection"
	"congvu/inspection/visit"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
)

type cameraBody struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Place  string `json:"place"`
	Usable bool   `json:"usable" doc:"staff were told of it: without that no still is taken"`
}

type snapshotBody struct {
	ID      string `json:"id" doc:"the operation that asked"`
	State   string `json:"state" enum:"ASKED,WAITING,TAKEN,FAILED,DECLINED,LAPSED"`
	Why     string `json:"why,omitempty" doc:"it needs the lead's leave: COUNT, more than 20 in this check; TIME, more than 30 minutes after it was asked for"`
	Camera  string `json:"camera"`
	Name    string `json:"name" doc:"of the camera, as it was then"`
	Cause   string `json:"cause,omitempty"`
	File    string `json:"file,omitempty"`
	TakenAt string `json:"taken_at,omitempty" doc:"by the server's clock"`
}

// cameras are those that a check may ask.
func (s *Server) cameras(ctx context.Context, v visit.Visit) ([]cameraBody, error) {
	list := []cameraBody{}
	if v.DeskID == nil {
		return list, nil
	}
	all, err := s.Snapshots.AtDesk(ctx, *v.DeskID)
	today := s.Clock.Now().Date()
	for _, c := range all {
		list = append(list, cameraBody{c.ID, c.Name, c.Place, c.Noticed(today)})
	}
	return list, err
}

func snapshots(list []snapshot.Request) []snapshotBody {
	out := []snapshotBody{}
	for _, r := range list {
		out = append(out, snapshotBody{r.ID, string(r.State), r.Why, r.CameraID, r.Camera, string(r.Cause), r.FileID, r.TakenAt.String()})
	}
	return out
}

func (s *Server) apiCameras() {
	type decideIn struct {
		ID   string `path:"id" maxLength:"36"`
		Body struct {
			Leave  bool   `json:"leave"`
			Reason string `json:"reason" maxLength:"1000"`
		}
	}
	call(s, SignedIn, huma.Operation{Method: http.MethodPost, Path: "/api/v1/snapshots/{id}/decide", DefaultStatus: http.StatusNoContent, Errors: []int{403, 409, 422},
		Summary: "Give leave for a still that needs it, or none: the lead of the check's team"},
		func(ctx context.Context, a inspection.Actor, in *decideIn) (*struct{}, error) {
			return nil, s.Snapshots.Decide(ctx, a, in.ID, in.Body.Leave, in.Body.Reason)
		})
}

// What a relay sends: who it is and that it is so.
const (
	relayKey       = "Relay-Key"
	relayTime      = "Relay-Time"
	relaySignature = "Relay-Signature"
)

// relayWaits is how long a relay's question for jobs is held while there are none.
const relayWaits = 10 * time.Second

// relayBytes is the largest delivery: a still, and a line about it.
const relayBytes = 17 << 20

// relayBody reads a relay's request and tells which relay signed it. A relay is no person:
// it has no session, and its signature covers what it sends.
func (s *Server) relayBody(c echo.Context) (snapshot.Relay, []byte, error) {
	r := c.Request()
	if err := s.Snapshots.Known(r.Context(), r.Header.Get(relayKey)); err != nil {
		return snapshot.Relay{}, nil, err // before anything of it is read
	}
	body, err := io.ReadAll(r.Body) // limitBody has bounded it
	if err != nil {
		return snapshot.Relay{}, nil, bodyError(err)
	}
	relay, err := s.Snapshots.Enter(r.Context(), r.Header.Get(relayKey), r.Header.Get(relayTime), r.Header.Get(relaySignature), r.Method, r.URL.Path, body)
	return relay, body, err
}

// relayJobs gives a relay its jobs; where there are none it waits a while for one.
func (s *Server) relayJobs(c echo.Context) error {
	relay, _, err := s.relayBody(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), relayWaits)
	defer cancel()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	c.Response().Header().Set("Cache-Control", "no-store")
	for {
		jobs, err := s.Snapshots.Jobs(c.Request().Context(), relay)
		if err != nil {
			return err
		}
		if len(jobs) > 0 {
			return c.JSON(http.StatusOK, jobs)
		}
		select {
		case <-ctx.Done():
			return c.JSON(http.StatusOK, jobs)
		case <-tick.C:
		}
	}
}

// relayDelivers takes what came of a job: a line of JSON, then the picture.
func (s *Server) relayDelivers(c echo.Context) error {
	relay, body, err := s.relayBody(c)
	if err != nil {
		return err
	}
	line, data, _ := bytes.Cut(body, []byte("\n"))
	var d snapshot.Delivery
	if err := json.Unmarshal(line, &d); err != nil {
		return inspection.E(inspection.Invalid, "error.invalid").Because(err)
	}
	d.Data = data
	r := c.Request()
	sum := sha256.Sum256(body)
	d.Proof = snapshot.Proof(r.Method, r.URL.Path, r.Header.Get(relayTime), hex.EncodeToString(sum[:]), r.Header.Get(relaySignature))
	if err := s.Snapshots.Deliver(r.Context(), relay, c.Param("id"), d); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
