package main

import (
	"context"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"congvu/evidence/camera"
	"congvu/evidence/snapshot"
	"congvu/inspection"
)

// hereOnly is where the demo's camera lies.
var hereOnly = netip.MustParsePrefix("127.0.0.1/32")

// cameras puts a camera over each desk of the made-up province. Behind all of them stands
// one little server on this machine that draws a desk; it ends with the demo.
func (d *demo) cameras(ctx context.Context) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: http.HandlerFunc(drawnDesk), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }()
	context.AfterFunc(ctx, func() { _ = server.Close() })
	actor, err := d.actor(d.db.WithContext(ctx), "quantri", d.today)
	if err != nil {
		return err
	}
	for key, desk := range d.desks {
		if !strings.HasPrefix(key, "mau/") {
			continue
		}
		e := snapshot.Entry{Name: "Camera quầy 1", Place: "trên cửa vào, nhìn về quầy tiếp nhận", PlanX: 500, PlanY: 50,
			Source:       camera.Source{Way: camera.HTTP, Address: "http://" + listener.Addr().String() + drawnPath},
			NoticeNumber: "01/TB-MAU", NoticeDate: d.today.AddDays(-400), ValidFrom: desk.ValidFrom}
		there, err := d.services.Snapshots.Cameras(ctx, actor, desk.ID)
		if err != nil {
			return err
		}
		if len(there) == 0 {
			if err := d.services.Snapshots.AddCamera(ctx, actor, inspection.NewID(), desk.ID, e); err != nil {
				return err
			}
			continue
		}
		for _, c := range there { // the little server has another port at each start
			if !demosOwn(c) {
				continue
			}
			if err := d.readdress(ctx, actor, c, e.Source.Address); err != nil {
				slog.Warn("the demo's camera keeps its old address", "camera", c.ID, "error", err)
			}
		}
	}
	return nil
}

// drawnPath is where the little server draws a desk.
const drawnPath = "/desk.jpg"

// demosOwn tells a camera behind which the little server of an earlier start stood from
// those that somebody entered.
func demosOwn(c snapshot.Camera) bool {
	at, err := url.Parse(c.Address)
	return err == nil && c.Way == camera.HTTP && c.RelayID == nil && at.Scheme == "http" && at.Hostname() == hereOnly.Addr().String() && at.Path == drawnPath
}

// readdress gives a camera a new address; all else stays as it stands.
func (d *demo) readdress(ctx context.Context, actor inspection.Actor, c snapshot.Camera, address string) error {
	e := snapshot.Entry{Name: c.Name, Place: c.Place, PlanX: c.PlanX, PlanY: c.PlanY, NoticeNumber: c.NoticeNumber, NoticeDate: c.NoticeDate,
		ValidFrom: c.ValidFrom, ValidTo: c.ValidTo, Source: camera.Source{Way: c.Way, Address: address, Profile: c.Profile, Preset: c.Preset, Trust: c.Trust}}
	return d.services.Snapshots.ChangeCamera(ctx, actor, c.ID, c.Version, e, "Bản thử khởi động lại")
}

// drawnDesk answers with what a camera over a desk would see: drawn, nobody in it, with
// the noise of a sensor.
func drawnDesk(w http.ResponseWriter, _ *http.Request) {
	now := time.Now().In(inspection.Zone)
	img := image.NewRGBA(image.Rect(0, 0, 1280, 720))
	fill := func(r image.Rectangle, c color.Color) {
		draw.Draw(img, r, image.NewUniform(c), image.Point{}, draw.Src)
	}
	fill(img.Bounds(), color.RGBA{206, 212, 208, 255})
	fill(image.Rect(0, 520, 1280, 720), color.RGBA{146, 138, 126, 255})
	fill(image.Rect(90, 400, 1190, 560), color.RGBA{128, 92, 58, 255})
	for i := range 4 {
		x := 150 + i*260
		fill(image.Rect(x, 300, x+150, 400), color.RGBA{40, 46, 52, 255})        // a screen
		fill(image.Rect(x+160, 370, x+230, 400), color.RGBA{245, 245, 238, 255}) // papers
		label(img, "QUAY", x+20, 180, 4, color.RGBA{11, 90, 94, 255})
	}
	label(img, "DU LIEU MO PHONG  "+now.Format("02/01/2006 15:04:05"), 30, 660, 3, color.RGBA{60, 40, 0, 255})
	for i := 0; i < len(img.Pix); i += 4 {
		n := rand.IntN(9) - 4
		for j := range 3 {
			img.Pix[i+j] = uint8(min(max(int(img.Pix[i+j])+n, 0), 255))
		}
	}
	w.Header().Set("Content-Type", "image/jpeg")
	_ = jpeg.Encode(w, img, &jpeg.Options{Quality: 80})
}
