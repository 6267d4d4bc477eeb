package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/plan"
	"congvu/inspection/score"
	"congvu/inspection/visit"
	"congvu/migrations"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"gorm.io/gorm"
)

// loadFor is how long each load lasts.
const loadFor = 4 * time.Second

// loadStores are the pairs of stores that are put under load.
var loadStores = []stores{
	{"sqlite+files", func(t testing.TB) []string { return nil }},
	{"postgres+files", postgresSettings},
	{"postgres+minio", func(t testing.TB) []string { return append(postgresSettings(t), minioSettings(t)...) }},
}

// BenchmarkStart is the time from the start of the real binary on an empty folder to
// its first page, and what it holds in memory then.
func BenchmarkStart(b *testing.B) {
	if _, err := binary(); err != nil {
		b.Fatal(err)
	}
	var took []time.Duration
	var r *running
	for b.Loop() {
		begun := time.Now()
		r = start(b, "serve", nil)
		response, err := http.Get(r.base + "/login")
		if err != nil || response.StatusCode != http.StatusOK {
			b.Fatal(err)
		}
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
		took = append(took, time.Since(begun))
	}
	report(b, took)
	b.ReportMetric(memory(b, r.cmd.Process.Pid, "VmRSS"), "idle-MB")
}

// load is the real binary with demo data, and somebody who works on its checks.
type load struct {
	b       testing.TB
	program *running
	db      *gorm.DB
	desks   []plan.Target // one of each desk, to be copied
	client  *http.Client
	cookie  *http.Cookie
	items   []item
	targets chan string
}

type item struct{ Key, Response, Source, Photo string }

func newLoad(b testing.TB, settings []string) *load {
	b.Helper()
	return loadOn(b, start(b, "demo", settings), settings)
}

// loadOn is the load on a program that runs with the demo's people.
func loadOn(b testing.TB, program *running, settings []string) *load {
	b.Helper()
	l := &load{b: b, program: program}
	dsn := filepath.Join(l.program.data, "data", "congvu.db")
	for _, s := range settings {
		if value, ok := strings.CutPrefix(s, "CONGVU_DATABASE_URL="); ok {
			dsn = value
		}
	}
	var err error
	if l.db, err = migrations.Open(b.Context(), dsn); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { migrations.Close(l.db) })
	l.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	l.cookie = l.signIn("truongdoan")
	if err := l.db.Raw("SELECT * FROM targets WHERE id IN (SELECT MAX(CAST(t.id AS TEXT)) FROM targets t JOIN campaigns c ON c.id = t.campaign_id JOIN teams m ON m.id = t.team_id WHERE t.form = 'SURPRISE' AND m.name LIKE '%1' GROUP BY t.desk_id)").Scan(&l.desks).Error; err != nil || len(l.desks) == 0 {
		b.Fatal(len(l.desks), err)
	}
	l.settle() // the demo's own
	l.targets = make(chan string, 100_000)
	l.plan(1)
	check := l.begin()
	var bundle struct{ Items []item }
	l.call(http.MethodGet, "/api/v1/visits/"+check, nil, &bundle)
	l.items = bundle.Items
	return l
}

// signIn signs one of the demo's people in.
func (l *load) signIn(username string) *http.Cookie {
	l.b.Helper()
	response, err := l.client.PostForm(l.program.base+"/login", url.Values{"username": {username}, "password": {demoPassword}})
	if err != nil {
		l.b.Fatal(err)
	}
	io.Copy(io.Discard, response.Body)
	response.Body.Close()
	at := slices.IndexFunc(response.Cookies(), func(c *http.Cookie) bool { return c.Name == "congvu" })
	if at < 0 {
		l.b.Fatal("sign-in: ", response.Status)
	}
	return response.Cookies()[at]
}

// plan puts so many targets of today into the plan.
func (l *load) plan(n int) {
	l.b.Helper()
	now := inspection.SystemClock{}.Now()
	rows := make([]plan.Target, n)
	for i := range rows {
		rows[i] = l.desks[i%len(l.desks)]
		rows[i].ID, rows[i].State, rows[i].PlannedOn, rows[i].ReinspectsID, rows[i].CreatedAt, rows[i].Version = inspection.NewID(), plan.Sealed, now.Date(), nil, now, 1
	}
	if err := l.db.CreateInBatches(rows, 200).Error; err != nil {
		l.b.Fatal(err)
	}
	for _, r := range rows {
		l.targets <- r.ID
	}
}

// call asks the API; anything but success ends the benchmark.
func (l *load) call(method, path string, body, into any) {
	var raw []byte
	header := "application/json"
	switch v := body.(type) {
	case nil, *sending:
	case json.RawMessage:
		raw = v
	case []byte:
		raw, header = v, "application/octet-stream"
	default:
		raw, _ = json.Marshal(v)
	}
	r, err := http.NewRequest(method, l.program.base+path, bytes.NewReader(raw))
	if err != nil {
		panic(err)
	}
	if s, ok := body.(*sending); ok {
		header, r.Body, r.ContentLength = "application/octet-stream", io.NopCloser(io.MultiReader(bytes.NewReader(s.head), bytes.NewReader(s.tail))), s.size
	}
	r.Header.Set("Content-Type", header)
	r.AddCookie(l.cookie)
	response, err := l.client.Do(r)
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 300 {
		panic(fmt.Sprint(path, " ", response.Status, string(answer), err))
	}
	if into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			panic(err)
		}
	}
}

func (l *load) post(ops ...operation) { l.posted(map[string]any{"operations": ops}) }

func (l *load) posted(body any) {
	var out struct{ Outcomes []outcome }
	l.call(http.MethodPost, "/api/v1/operations", body, &out)
	if last := out.Outcomes[len(out.Outcomes)-1]; last.Problem != nil {
		panic(fmt.Sprintf("%+v", *last.Problem))
	}
}

var operationsMade atomic.Int64

func opOf(check string, kind visit.Type, payload any) operation {
	raw, _ := json.Marshal(payload)
	return operation{ID: inspection.NewID(), Visit: check, Device: "bench", DeviceAt: time.Now(), Seq: operationsMade.Add(1), Type: kind, Payload: raw}
}

func (l *load) begin() string {
	id := inspection.NewID()
	l.post(opOf(id, visit.OpCheckIn, visit.CheckIn{Target: <-l.targets, Location: "UNKNOWN"}))
	return id
}

// file declares a picture.
func (l *load) declare(check string, raw []byte) string {
	id := inspection.NewID()
	l.call(http.MethodPost, "/api/v1/files", map[string]any{"id": id, "visit": check, "bytes": len(raw), "sha256": sum(raw), "kind": "PHOTO", "no_people": true, "contains": "NOBODY", "captured_at": time.Now()}, nil)
	return id
}

func (l *load) send(file string, raw []byte) {
	var receipt struct{ SHA256, Signature string }
	l.call(http.MethodPut, "/api/v1/files/"+file+"/content", raw, &receipt)
	if receipt.Signature == "" {
		panic("no receipt")
	}
}

// photosOfCheck is how many photos a measured check has.
const photosOfCheck = 10

// prepared is a whole check as a tablet sends it: checked in, ten photos declared, every
// item answered; then the photos, until their receipts; then finished. It is made before
// the clock runs: what is measured is the server, not the making of pictures and hashes.
type prepared struct {
	work, finish json.RawMessage
	files        []string
	photos       []*sending
}

// prepare makes so many checks.
func (l *load) prepare(n int, photos []*picture) chan prepared {
	l.plan(n)
	all := make(chan prepared, n)
	for range n {
		check := inspection.NewID()
		var p prepared
		ops := []operation{opOf(check, visit.OpCheckIn, visit.CheckIn{Target: <-l.targets, Location: "UNKNOWN"})}
		for _, picture := range photos {
			file, s := inspection.NewID(), picture.sending()
			p.files, p.photos = append(p.files, file), append(p.photos, s)
			ops = append(ops, opOf(check, visit.OpDeclare, visit.Declared{File: file, Bytes: s.size, SHA256: s.sum, Kind: "PHOTO",
				NoPeople: true, Contains: "NOBODY", CapturedAt: time.Now()}))
		}
		here := true
		row := visit.Row{ID: inspection.NewID(), Position: "Công chức tiếp nhận", Required: true}
		ops = append(ops, opOf(check, visit.OpAttendanceBegin, visit.AttendanceBegin{Rows: []visit.Row{row}}))
		row.Present, row.Badge, row.Dress = &here, true, true
		ops = append(ops, opOf(check, visit.OpAttendanceRow, row))
		hung := 0
		for _, it := range l.items {
			if it.Source == string(score.FromAnswer) {
				a := visit.AnswerItem{Item: it.Key, Value: score.Yes}
				switch score.Response(it.Response) {
				case score.RATE3:
					a.Value = score.Good
				case score.CNT, score.SMP:
					a.Value, a.Of = score.Count, 10
				}
				ops = append(ops, opOf(check, visit.OpAnswer, a))
			}
			if it.Photo == string(visit.PhotoAlways) {
				ops = append(ops, opOf(check, visit.OpPhoto, visit.Photo{Item: it.Key, File: p.files[hung%len(p.files)], NoPeople: true}))
				hung++
			}
		}
		for ; hung < len(p.files); hung++ {
			ops = append(ops, opOf(check, visit.OpPhoto, visit.Photo{Item: l.items[hung].Key, File: p.files[hung], NoPeople: true}))
		}
		p.work, _ = json.Marshal(map[string]any{"operations": ops})
		p.finish, _ = json.Marshal(map[string]any{"operations": []operation{opOf(check, visit.OpFinish, struct{}{})}})
		all <- p
	}
	return all
}

// check sends one.
func (l *load) check(p prepared) {
	l.posted(p.work)
	for i, file := range p.files {
		var receipt struct{ SHA256, Signature string }
		l.call(http.MethodPut, "/api/v1/files/"+file+"/content", p.photos[i], &receipt)
		if receipt.Signature == "" {
			panic("no receipt")
		}
	}
	l.posted(p.finish)
}

// run lets clients do something again and again for a while and reports how often, how
// long it took and what it cost the server.
func (l *load) run(b *testing.B, clients int, unit string, do func(client int)) {
	b.Helper()
	var mu sync.Mutex
	var took []time.Duration
	var wg sync.WaitGroup
	cpu, client, begun := l.cpu(), ownCPU(), time.Now()
	end := begun.Add(loadFor)
	for i := range clients {
		wg.Go(func() {
			for time.Now().Before(end) {
				at := time.Now()
				do(i)
				mu.Lock()
				took = append(took, time.Since(at))
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	spent := time.Since(begun)
	report(b, took)
	b.ReportMetric(float64(len(took))/spent.Seconds(), unit+"s/s")
	b.ReportMetric((l.cpu()-cpu).Seconds()*1000/float64(len(took)), "cpu-ms/"+unit)
	b.ReportMetric((ownCPU()-client).Seconds()*1000/float64(len(took)), "client-cpu-ms/"+unit)
	b.ReportMetric(memory(b, l.program.cmd.Process.Pid, "VmHWM"), "peak-MB")
	b.ReportMetric(0, "ns/op")
}

// cpu is the time that the server has had of the processors; a tick is 10 ms on Linux.
func (l *load) cpu() time.Duration {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", l.program.cmd.Process.Pid))
	if err != nil {
		l.b.Fatal(err)
	}
	_, after, _ := strings.Cut(string(raw), ") ")
	fields := strings.Fields(after)
	var user, system int64
	fmt.Sscan(fields[11], &user)
	fmt.Sscan(fields[12], &system)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// ownCPU is the time that this process, the client, has had of the processors.
func ownCPU() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// forget lets the previews of what was measured be, so that they do not stand in the way
// of what is measured next.
func (l *load) forget() {
	l.b.Helper()
	if err := l.db.Exec("UPDATE evidence_files SET derive_state = 'NONE' WHERE derive_state = 'PENDING'").Error; err != nil {
		l.b.Fatal(err)
	}
}

// settle waits until no preview is due.
func (l *load) settle() {
	l.b.Helper()
	ctx, cancel := context.WithTimeout(l.b.Context(), 5*time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		var n int64
		if err := l.db.Table("evidence_files").Where("state = 'RECEIVED' AND derive_state = 'PENDING'").Count(&n).Error; err != nil {
			l.b.Fatal(err)
		}
		if n == 0 {
			return
		}
		select {
		case <-ctx.Done():
			l.b.Fatal("previews are not made")
		case <-tick.C:
		}
	}
}

// picture is a JPEG of about a size, of which no copy is like another.
type picture struct{ raw []byte }

// newPicture makes one with so many pixels and about so many bytes: grain over a scene,
// as a camera takes it.
func newPicture(width, height, size int) *picture {
	img := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	noise := make([]byte, width*height)
	_, _ = rand.Read(noise)
	for y := range height {
		for x := range width {
			img.Y[y*img.YStride+x] = byte(60 + (x/37+y/23)%90 + int(noise[y*width+x]>>3))
		}
	}
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = byte(110+i%40), byte(120+i/97%20)
	}
	var b bytes.Buffer
	for quality := 95; quality > 20; quality -= 3 {
		b.Reset()
		_ = jpeg.Encode(&b, img, &jpeg.Options{Quality: quality})
		if b.Len() <= size {
			break
		}
	}
	return &picture{b.Bytes()}
}

// sending is a picture with a comment of its own (ITU-T T.81 §B.2.4.5).
type sending struct {
	head, tail []byte
	size       int64
	sum        string
}

func (p *picture) sending() *sending {
	s := &sending{head: append(bytes.Clone(p.raw[:2]), 0xff, 0xfe, 0, 34), tail: p.raw[2:]}
	s.head = append(s.head, []byte(rand.Text() + "12345678901234567890")[:32]...)
	s.size = int64(len(s.head) + len(s.tail))
	h := sha256.New()
	h.Write(s.head)
	h.Write(s.tail)
	s.sum = hex.EncodeToString(h.Sum(nil))
	return s
}

// fresh is its bytes.
func (p *picture) fresh() []byte {
	s := p.sending()
	return append(s.head, s.tail...)
}

// The pictures that are sent: 1.2 and 12 megapixels.
var (
	smallPicture = sync.OnceValue(func() *picture { return newPicture(1280, 960, 300_000) })
	largePicture = sync.OnceValue(func() *picture { return newPicture(4000, 3000, 5_000_000) })
)

// BenchmarkLoad is the real binary under clients that post operations, one at a time,
// and that make whole checks.
func BenchmarkLoad(b *testing.B) {
	for _, s := range loadStores {
		b.Run(s.name, func(b *testing.B) {
			l := newLoad(b, s.settings(b))
			photos := make([]*picture, photosOfCheck)
			for i := range photos {
				photos[i] = smallPicture()
			}
			for _, clients := range []int{1, 4, 16} {
				if s.name != "postgres+minio" {
					b.Run(fmt.Sprintf("operation/%d", clients), func(b *testing.B) {
						l.plan(2000)
						checks, n := make([]string, clients), make([]int, clients)
						l.run(b, clients, "operation", func(c int) {
							if n[c]%100 == 0 { // a check has about a hundred
								checks[c] = l.begin()
							}
							n[c]++
							l.post(opOf(checks[c], visit.OpNote, visit.Note{Item: "C01", Text: fmt.Sprint(n[c])}))
						})
					})
				}
				if s.name == "sqlite+files" { // what no server can leave out
					b.Run(fmt.Sprintf("bare/%d", clients), func(b *testing.B) {
						floor, checks := bare(b, l), l.prepare(250*int(loadFor.Seconds()), photos)
						floor.run(b, clients, "check", func(int) { floor.check(<-checks) })
					})
				}
				b.Run(fmt.Sprintf("check/%d", clients), func(b *testing.B) {
					checks := l.prepare(80*int(loadFor.Seconds()), photos)
					l.run(b, clients, "check", func(int) { l.check(<-checks) })
					l.forget()
				})
			}
		})
	}
}

// ingestClients is how many send photos at once.
const ingestClients = 4

// ingestRounds is how often the same photos go both ways: what else the machine does meets
// both, and the middle one of the ratios counts. Who goes first is faster, for the disk is
// quiet then: they take turns at it.
const ingestRounds = 9

// BenchmarkIngest is photos sent to the real binary until their receipts, as a ratio to
// the same bytes sent to the same MinIO by minio-go alone, and written to synced files.
func BenchmarkIngest(b *testing.B) {
	for _, s := range []stores{loadStores[0], loadStores[2]} {
		settings := s.settings(b)
		l := newLoad(b, settings)
		for _, p := range []struct {
			name    string
			picture func() *picture
			n       int // a round
		}{{"300KB", smallPicture, 300}, {"5MB", largePicture, 10}} {
			b.Run(s.name+"/"+p.name, func(b *testing.B) {
				put := plainFiles(b)
				if len(settings) > 0 {
					put = plainMinIO(b, settings)
				}
				l.plan(1)
				check := l.begin()
				var ours, plain, ratios []float64
				var received time.Duration
				for round := range ingestRounds {
					raws, files := make([][]byte, p.n), make([]string, p.n)
					for i := range raws {
						raws[i] = p.picture().fresh()
						files[i] = l.declare(check, raws[i])
					}
					sides := []func(){
						func() { plain = append(plain, rate(raws, put)) },
						func() {
							cpu := l.cpu()
							ours = append(ours, rate(raws, func(i int, raw []byte) { l.send(files[i], raw) }))
							received += l.cpu() - cpu
						},
					}
					sides[round%2]()
					sides[1-round%2]()
					ratios = append(ratios, 100*ours[round]/plain[round])
					if round < ingestRounds-1 {
						l.forget()
					}
				}
				b.ReportMetric(received.Seconds()*1000/float64(p.n*ingestRounds), "cpu-ms/photo")
				cpu := l.cpu()
				l.settle()
				b.ReportMetric((l.cpu()-cpu).Seconds()*1000/float64(p.n), "previews-after-cpu-ms/photo")
				b.ReportMetric(median(ours), "MB/s")
				b.ReportMetric(median(plain), "plain-MB/s")
				b.ReportMetric(median(ratios), "%-of-plain")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// median is the middle one.
func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}

// rate is how many MB/s go through.
func rate(raws [][]byte, put func(i int, raw []byte)) float64 {
	var wg sync.WaitGroup
	var next atomic.Int64
	total := 0
	for _, raw := range raws {
		total += len(raw)
	}
	begun := time.Now()
	for range ingestClients {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(raws); i = int(next.Add(1)) - 1 {
				put(i, raws[i])
			}
		})
	}
	wg.Wait()
	return float64(total) / 1e6 / time.Since(begun).Seconds()
}

func plainMinIO(b *testing.B, settings []string) func(int, []byte) {
	b.Helper()
	of := map[string]string{}
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		of[name] = value
	}
	client, err := minio.New(of["CONGVU_S3_ENDPOINT"], &minio.Options{Creds: credentials.NewStaticV4(of["CONGVU_S3_ACCESS_KEY"], of["CONGVU_S3_SECRET_KEY"], "")})
	if err != nil {
		b.Fatal(err)
	}
	return func(_ int, raw []byte) {
		_, err := client.PutObject(context.Background(), of["CONGVU_S3_BUCKET"], "plain/"+inspection.NewID(), bytes.NewReader(raw), int64(len(raw)), minio.PutObjectOptions{DisableMultipart: true})
		if err != nil {
			panic(err)
		}
	}
}

func plainFiles(b *testing.B) func(int, []byte) {
	dir := folder(b)
	return func(_ int, raw []byte) {
		f, err := os.Create(filepath.Join(dir, inspection.NewID()))
		if err == nil {
			_, err = f.Write(raw)
		}
		if err == nil {
			err = f.Sync()
		}
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			panic(err)
		}
	}
}
