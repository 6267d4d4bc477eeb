package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"congvu/evidence"
	"congvu/evidence/blob"
	"congvu/inspection"
	"congvu/inspection/auth"
	"congvu/inspection/history"
	"congvu/inspection/installation"
	"congvu/migrations"

	"github.com/urfave/cli/v3"
	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"
)

// A backup is a folder: tables/NAME.jsonl, blobs/KEY of the store, and manifest.json, which
// names the hash of everything else and has its own beside it, as sha256sum writes it.
// The manifest gets its name last: a folder without it is no backup. It does not hold
// the master key.
type manifest struct {
	Program string                   `json:"program"`
	Schema  int64                    `json:"schema"`
	TakenAt string                   `json:"taken_at"`
	Tables  map[string]manifestTable `json:"tables"`
	Objects []evidence.Object        `json:"objects"`
}

const (
	manifestName = "manifest.json"
	manifestSum  = manifestName + ".sha256"
)

// objectsAtOnce is how many objects are copied side by side.
const objectsAtOnce = 4

// bytes of the objects.
func (m manifest) bytes() (n int64) {
	for _, o := range m.Objects {
		n += o.Size
	}
	return n
}

type manifestTable struct {
	Columns []string `json:"columns"`
	Rows    int64    `json:"rows"`
	SHA256  string   `json:"sha256"`
}

func (m *Main) backupCommand() *cli.Command {
	return &cli.Command{Name: "backup", Usage: "write a backup of the running installation into an empty folder", ArgsUsage: "DIR",
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if cmd.NArg() != 1 {
				return cli.Exit("congvu backup DIR", 2)
			}
			dir := cmd.Args().First()
			c, err := m.config()
			if err != nil {
				return err
			}
			db, status, err := openAsItIs(ctx, c)
			if err != nil {
				return err
			}
			defer closeDatabase(db)
			store, err := openStore(ctx, c)
			if err != nil {
				return err
			}
			if err := emptyFolder(dir); err != nil { // what stands there is left alone, and nothing is said of it
				return err
			}
			taken := m.Clock.Now()
			man, err := m.backup(ctx, db, store, dir)
			if err != nil {
				return fmt.Errorf("chưa sao lưu được, %s không phải là bản sao lưu: %w", dir, err)
			}
			if !status.Pending() { // an older schema may have no place for it
				done := installation.Backup{ID: inspection.NewID(), TakenAt: taken, FinishedAt: m.Clock.Now(), Objects: int64(len(man.Objects)), Bytes: man.bytes()}
				if err := installation.Record(ctx, db, done); err != nil {
					return fmt.Errorf("bản sao lưu trong %s đã xong, nhưng chưa ghi nhận được vào cơ sở dữ liệu: %w", dir, err)
				}
			}
			fmt.Fprintf(m.Out, "Đã sao lưu %d bảng và %d tệp vào %s. Khóa chính (CONGVU_MASTER_KEY) không nằm trong bản sao lưu: giữ riêng.\n", len(man.Tables), len(man.Objects), dir)
			return nil
		}}
}

// openAsItIs opens a database that is there, and leaves its schema alone: a backup
// before an upgrade must not be the upgrade.
func openAsItIs(ctx context.Context, c Config) (*gorm.DB, migrations.Status, error) {
	if !migrations.IsPostgres(c.DSN()) {
		if _, err := os.Stat(c.DSN()); err != nil {
			return nil, migrations.Status{}, fmt.Errorf("không có cơ sở dữ liệu ở %s; kiểm tra CONGVU_DATA: %w", c.DSN(), err)
		}
	}
	db, err := migrations.Open(ctx, c.DSN())
	if err != nil {
		return nil, migrations.Status{}, err
	}
	status, err := migrations.ReadStatus(ctx, db)
	if err == nil && status.Current == 0 {
		err = errors.New("cơ sở dữ liệu chưa có gì để sao lưu")
	}
	if err != nil {
		closeDatabase(db)
		return nil, status, err
	}
	return db, status, nil
}

func closeDatabase(db *gorm.DB) {
	if err := migrations.Close(db); err != nil {
		slog.Error("closing the database", "error", err)
	}
}

// emptyFolder makes a folder or takes an empty one.
func emptyFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return os.MkdirAll(dir, 0o700)
	case err != nil:
		return err
	case len(entries) > 0:
		return fmt.Errorf("thư mục %s không trống, nội dung ở đó giữ nguyên; chọn một thư mục trống hoặc chưa có để sao lưu", dir)
	}
	return nil
}

// hashed is a file that knows the hash of what was written to it and is on disk when
// it is closed.
type hashed struct {
	file *os.File // not embedded: io.Copy would find its ReadFrom and pass the hash by
	hash hash.Hash
}

func create(path string) (*hashed, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	return &hashed{f, sha256.New()}, err
}

func (h *hashed) Write(p []byte) (int, error) {
	n, err := h.file.Write(p)
	h.hash.Write(p[:n])
	return n, err
}

func (h *hashed) Close() error { return errors.Join(h.file.Sync(), h.file.Close()) }

func (h *hashed) sum() string { return hex.EncodeToString(h.hash.Sum(nil)) }

// backup takes one consistent copy of the database and then the objects that it names:
// they are written once and never changed, so that what was received meanwhile is of no
// matter, and what is removed meanwhile stays for hours. A backup that fails leaves nothing.
func (m *Main) backup(ctx context.Context, db *gorm.DB, store blob.Store, dir string) (_ manifest, err error) {
	man := manifest{Program: version, TakenAt: m.Clock.Now().String(), Tables: map[string]manifestTable{}}
	if err := emptyFolder(dir); err != nil {
		return man, err
	}
	defer func() {
		if err != nil {
			for _, name := range []string{manifestName, manifestName + ".part", manifestSum, "tables", "blobs"} {
				err = errors.Join(err, os.RemoveAll(filepath.Join(dir, name)))
			}
		}
	}()
	if err := os.Mkdir(filepath.Join(dir, "tables"), 0o700); err != nil {
		return man, err
	}
	files := map[string]*hashed{}
	open := func(table string) (io.WriteCloser, error) {
		f, err := create(filepath.Join(dir, "tables", table+".jsonl"))
		files[table] = f
		return f, err
	}
	schema, tables, err := migrations.Dump(ctx, db, open, func(tx *gorm.DB) (err error) {
		man.Objects, err = evidence.Objects(tx)
		return err
	})
	if err != nil {
		return man, err
	}
	man.Schema = schema
	for name, t := range tables {
		man.Tables[name] = manifestTable{t.Columns, t.Rows, files[name].sum()}
	}
	err = eachObject(ctx, man.Objects, func(ctx context.Context, o evidence.Object) error { return saveObject(ctx, store, o, dir) })
	if err != nil {
		return man, err
	}
	return man, man.write(dir)
}

// eachObject does something with every object, several at once.
func eachObject(ctx context.Context, objects []evidence.Object, do func(context.Context, evidence.Object) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(objectsAtOnce)
	for _, o := range objects {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := do(ctx, o); err != nil {
				return fmt.Errorf("%s: %w", o.Key, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// write ends a backup: when the manifest has its name, all is on disk.
func (m manifest) write(dir string) error {
	raw, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	raw = append(raw, '\n')
	sum := sha256.Sum256(raw)
	for name, content := range map[string][]byte{manifestName + ".part": raw, manifestSum: []byte(hex.EncodeToString(sum[:]) + "  " + manifestName + "\n")} {
		f, err := create(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		_, err = f.Write(content)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return syncFolder(path)
	})
	if err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(dir, manifestName+".part"), filepath.Join(dir, manifestName)); err != nil {
		return err
	}
	return syncFolder(dir)
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func saveObject(ctx context.Context, store blob.Store, o evidence.Object, dir string) error {
	path := filepath.Join(dir, "blobs", filepath.FromSlash(o.Key))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	from, _, err := store.Open(ctx, o.Key)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := create(path)
	if err != nil {
		return err
	}
	n, err := io.Copy(to, from)
	if err := errors.Join(err, to.Close()); err != nil {
		return err
	}
	if n != o.Size || to.sum() != o.SHA256 {
		return errors.New("nội dung trong kho không khớp với SHA-256 đã ghi")
	}
	return nil
}

func (m *Main) restoreCommand() *cli.Command {
	return &cli.Command{Name: "restore", Usage: "fill an empty installation from a backup, and check every hash", ArgsUsage: "DIR",
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if cmd.NArg() != 1 {
				return cli.Exit("congvu restore DIR", 2)
			}
			c, err := m.config()
			if err != nil {
				return err
			}
			man, err := m.restore(ctx, c, cmd.Args().First())
			if err != nil {
				return err
			}
			fmt.Fprintf(m.Out, "Đã khôi phục %d bảng và %d tệp, chụp lúc %s; mọi mã băm đều khớp. Mọi phiên đăng nhập đã kết thúc: mỗi người đăng nhập lại.\n", len(man.Tables), len(man.Objects), man.TakenAt)
			return nil
		}}
}

// restore checks the whole backup before it writes anything, and what it wrote after.
// Objects go first, rows follow in one transaction: an installation with rows has all
// that they name. A restore that fails takes back what it put.
func (m *Main) restore(ctx context.Context, c Config, dir string) (_ manifest, err error) {
	man, err := readBackup(dir)
	if err != nil {
		return man, err
	}
	before, err := untouched(c)
	if err != nil {
		return man, err
	}
	put := &restored{config: c, folder: before}
	defer func() {
		if err != nil {
			err = errors.Join(err, put.takeBack())
		}
	}()
	db, err := migrations.Open(ctx, c.DSN())
	if err != nil {
		return man, err
	}
	defer closeDatabase(db)
	switch err := migrations.Vacant(ctx, db); {
	case errors.Is(err, migrations.ErrNotEmpty):
		return man, errNotEmpty
	case err != nil:
		return man, err
	}
	store, err := openStore(ctx, c)
	if err != nil {
		return man, err
	}
	for _, err := range store.List(ctx, "") {
		if err != nil {
			return man, err
		}
		return man, errors.New("kho ảnh không trống; khôi phục chỉ ghi vào một cài đặt trống")
	}
	put.store = store
	err = eachObject(ctx, man.Objects, func(ctx context.Context, o evidence.Object) error { return put.object(ctx, o, dir) })
	if err != nil {
		return man, err
	}
	tables := map[string]migrations.Dumped{}
	for name, t := range man.Tables {
		tables[name] = migrations.Dumped{Columns: t.Columns, Rows: t.Rows}
	}
	err = migrations.Load(ctx, db, man.Schema, tables, func(table string) (io.ReadCloser, error) {
		return os.Open(filepath.Join(dir, "tables", table+".jsonl"))
	}, func(tx *gorm.DB) error {
		if err := checkRestored(ctx, tx, store, man); err != nil {
			return err
		}
		return auth.EndAll(tx, m.Clock.Now())
	})
	if errors.Is(err, migrations.ErrNotEmpty) {
		return man, errNotEmpty
	}
	return man, err
}

var errNotEmpty = errors.New("cơ sở dữ liệu không trống; khôi phục chỉ ghi vào một cài đặt trống")

// untouched refuses a data folder that holds anything, and tells whether there is one.
func untouched(c Config) (bool, error) {
	for _, name := range []string{"congvu.db", "evidence"} {
		if _, err := os.Stat(filepath.Join(c.Data, name)); err == nil {
			return true, fmt.Errorf("thư mục %s đã có dữ liệu; khôi phục chỉ ghi vào một thư mục trống", c.Data)
		}
	}
	_, err := os.Stat(c.Data)
	return err == nil, nil
}

// restored is what a restore has put.
type restored struct {
	config Config
	folder bool // was there before
	store  blob.Store
	mu     sync.Mutex
	keys   []string
}

func (r *restored) object(ctx context.Context, o evidence.Object, dir string) error {
	f, err := os.Open(filepath.Join(dir, "blobs", filepath.FromSlash(o.Key)))
	if err != nil {
		return err
	}
	defer f.Close()
	r.mu.Lock()
	r.keys = append(r.keys, o.Key)
	r.mu.Unlock()
	return r.store.Put(ctx, o.Key, f, o.Size, o.SHA256)
}

// takeBack leaves the installation as empty as it was. PostgreSQL needs no help: all rows
// come in one transaction.
func (r *restored) takeBack() (err error) {
	var names []string
	if !migrations.IsPostgres(r.config.DSN()) {
		names = append(names, "congvu.db", "congvu.db-wal", "congvu.db-shm")
	}
	if r.config.S3Endpoint == "" {
		names = append(names, "evidence")
	} else {
		for _, key := range r.keys {
			err = errors.Join(err, r.store.Delete(context.Background(), key))
		}
	}
	for _, name := range names {
		err = errors.Join(err, os.RemoveAll(filepath.Join(r.config.Data, name)))
	}
	if !r.folder {
		_ = os.Remove(r.config.Data) // goes if nothing else is in it
	}
	return err
}

// readBackup reads the manifest and holds every file of the backup against it.
func readBackup(dir string) (manifest, error) {
	var man manifest
	switch at, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return man, fmt.Errorf("không có thư mục %s; kiểm tra lại đường dẫn. Chưa có gì được ghi", dir)
	case err == nil && !at.IsDir():
		return man, fmt.Errorf("%s không phải là thư mục; bản sao lưu là một thư mục. Chưa có gì được ghi", dir)
	}
	raw, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err != nil {
		return man, fmt.Errorf("không đọc được manifest.json; bản sao lưu chưa hoàn tất hoặc không phải bản sao lưu: %w", err)
	}
	said, err := os.ReadFile(filepath.Join(dir, manifestSum))
	if err != nil {
		return man, fmt.Errorf("không đọc được %s; bản sao lưu thiếu tệp: %w", manifestSum, err)
	}
	if sum := sha256.Sum256(raw); string(said) != hex.EncodeToString(sum[:])+"  "+manifestName+"\n" {
		return man, fmt.Errorf("bản sao lưu hỏng, không có gì được ghi: %s (không khớp %s)", manifestName, manifestSum)
	}
	if err := json.Unmarshal(raw, &man); err != nil {
		return man, fmt.Errorf("manifest.json: %w", err)
	}
	newest, err := migrations.Newest()
	if err != nil {
		return man, err
	}
	if man.Schema > newest {
		return man, fmt.Errorf("bản sao lưu thuộc phiên bản mới hơn chương trình này (congvu %s, lược đồ %d; chương trình này biết đến %d), không có gì được ghi", man.Program, man.Schema, newest)
	}
	want := map[string]string{} // the hash of each file
	for name, t := range man.Tables {
		if strings.ContainsAny(name, `/\.`) {
			return man, fmt.Errorf("manifest.json: bảng %q", name)
		}
		want["tables/"+name+".jsonl"] = t.SHA256
	}
	for _, o := range man.Objects {
		if err := blob.CheckKey(o.Key); err != nil {
			return man, fmt.Errorf("manifest.json: %w", err)
		}
		want["blobs/"+o.Key] = o.SHA256
	}
	bad, err := compare(dir, want)
	if err != nil {
		return man, err
	}
	if len(bad) > 0 {
		return man, fmt.Errorf("bản sao lưu hỏng, không có gì được ghi: %s", strings.Join(bad, ", "))
	}
	return man, nil
}

// compare names every file of a backup that is not as its manifest says, is missing, or
// should not be there.
func compare(dir string, want map[string]string) (bad []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		sum, known := want[name]
		delete(want, name)
		switch {
		case name == manifestName, name == manifestSum:
		case !known:
			bad = append(bad, name+" (tệp lạ)")
		default:
			is, err := sumOf(path)
			if err != nil {
				return err
			}
			if is != sum {
				bad = append(bad, name+" (nội dung đã khác)")
			}
		}
		return nil
	})
	for name := range want {
		bad = append(bad, name+" (thiếu)")
	}
	slices.Sort(bad)
	return bad, err
}

func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, bufio.NewReaderSize(f, 1<<20))
	return hex.EncodeToString(h.Sum(nil)), err
}

// checkRestored holds every row of history, and every object that a row names, against
// its hash.
func checkRestored(ctx context.Context, tx *gorm.DB, store blob.Store, man manifest) error {
	if err := checkHistory(tx, man.Tables["history"].Rows); err != nil {
		return err
	}
	objects, err := evidence.Objects(tx)
	if err != nil {
		return err
	}
	return eachObject(ctx, objects, func(ctx context.Context, o evidence.Object) error {
		from, _, err := store.Open(ctx, o.Key)
		if err != nil {
			return err
		}
		h := sha256.New()
		_, err = io.Copy(h, from)
		if err := errors.Join(err, from.Close()); err != nil {
			return err
		}
		if hex.EncodeToString(h.Sum(nil)) != o.SHA256 {
			return errors.New("nội dung không khớp với SHA-256 đã ghi")
		}
		return nil
	})
}

// checkHistory holds every row of history against its hash.
func checkHistory(tx *gorm.DB, want int64) error {
	n, last := int64(0), int64(0)
	for {
		var rows []history.Row
		if err := tx.Where("seq > ?", last).Order("seq").Limit(1000).Find(&rows).Error; err != nil {
			return err
		}
		for _, r := range rows {
			if !r.Check() {
				return fmt.Errorf("dòng lịch sử %d không khớp với mã băm của nó", r.Seq)
			}
			last = r.Seq
		}
		n += int64(len(rows))
		if len(rows) < 1000 {
			break
		}
	}
	if n != want {
		return fmt.Errorf("lịch sử có %d dòng, bản sao lưu có %d", n, want)
	}
	return nil
}
