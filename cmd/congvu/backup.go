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
	"os"
	"path/filepath"
	"strings"

	"congvu/evidence"
	"congvu/evidence/blob"
	"congvu/inspection"
	"congvu/inspection/history"
	"congvu/inspection/installation"
	"congvu/migrations"

	"github.com/urfave/cli/v3"
)

// A backup is a folder: tables/NAME.jsonl, blobs/CLASS/SHA256, and manifest.json,
// which is written last and names the hash of everything else. It does not hold the
// master key.
type manifest struct {
	Program string                   `json:"program"`
	Schema  int64                    `json:"schema"`
	TakenAt string                   `json:"taken_at"`
	Tables  map[string]manifestTable `json:"tables"`
	Objects []evidence.Object        `json:"objects"`
}

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
			return m.with(ctx, func(p *program) error {
				taken := m.Clock.Now()
				man, err := m.backup(ctx, p, dir)
				if err != nil {
					return err
				}
				done := installation.Backup{ID: inspection.NewID(), TakenAt: taken, FinishedAt: m.Clock.Now(), Objects: int64(len(man.Objects)), Bytes: man.bytes()}
				if err := installation.Record(ctx, p.db, done); err != nil {
					return err
				}
				fmt.Fprintf(m.Out, "Đã sao lưu %d bảng và %d tệp vào %s. Khóa chính (CONGVU_MASTER_KEY) không nằm trong bản sao lưu: giữ riêng.\n", len(man.Tables), len(man.Objects), dir)
				return nil
			})
		}}
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
		return fmt.Errorf("thư mục %s không trống; chọn một thư mục trống", dir)
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
// what was received meanwhile may be there too, nothing that is named is missing.
func (m *Main) backup(ctx context.Context, p *program, dir string) (manifest, error) {
	man := manifest{Program: version, TakenAt: m.Clock.Now().String(), Tables: map[string]manifestTable{}}
	if err := emptyFolder(dir); err != nil {
		return man, err
	}
	if err := os.Mkdir(filepath.Join(dir, "tables"), 0o700); err != nil {
		return man, err
	}
	files := map[string]*hashed{}
	schema, tables, err := migrations.Dump(ctx, p.db, func(table string) (io.WriteCloser, error) {
		f, err := create(filepath.Join(dir, "tables", table+".jsonl"))
		files[table] = f
		return f, err
	})
	if err != nil {
		return man, err
	}
	man.Schema = schema
	for name, t := range tables {
		man.Tables[name] = manifestTable{t.Columns, t.Rows, files[name].sum()}
	}
	if man.Objects, err = p.services.Evidence.Objects(ctx); err != nil {
		return man, err
	}
	for _, o := range man.Objects {
		if err := saveObject(ctx, p.store, o, dir); err != nil {
			return man, fmt.Errorf("%s: %w", o.Key, err)
		}
	}
	raw, err := json.MarshalIndent(man, "", " ")
	if err != nil {
		return man, err
	}
	f, err := create(filepath.Join(dir, "manifest.json"))
	if err != nil {
		return man, err
	}
	if _, err := f.Write(append(raw, '\n')); err != nil {
		return man, errors.Join(err, f.Close())
	}
	return man, f.Close()
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
			fmt.Fprintf(m.Out, "Đã khôi phục %d bảng và %d tệp, chụp lúc %s; mọi mã băm đều khớp.\n", len(man.Tables), len(man.Objects), man.TakenAt)
			return nil
		}}
}

// restore checks the whole backup before it writes anything, and what it wrote after.
func (m *Main) restore(ctx context.Context, c Config, dir string) (manifest, error) {
	man, err := readBackup(dir)
	if err != nil {
		return man, err
	}
	if err := untouched(c); err != nil {
		return man, err
	}
	db, err := migrations.Open(ctx, c.DSN())
	if err != nil {
		return man, err
	}
	defer migrations.Close(db)
	tables := map[string]migrations.Dumped{}
	for name, t := range man.Tables {
		tables[name] = migrations.Dumped{Columns: t.Columns, Rows: t.Rows}
	}
	err = migrations.Load(ctx, db, man.Schema, tables, func(table string) (io.ReadCloser, error) {
		return os.Open(filepath.Join(dir, "tables", table+".jsonl"))
	})
	switch {
	case errors.Is(err, migrations.ErrNotEmpty):
		return man, errors.New("cơ sở dữ liệu không trống; khôi phục chỉ ghi vào một cài đặt trống")
	case errors.Is(err, migrations.ErrNewer):
		return man, fmt.Errorf("bản sao lưu thuộc phiên bản mới hơn chương trình này: %w", err)
	case err != nil:
		return man, err
	}
	store, err := openStore(ctx, c)
	if err != nil {
		return man, err
	}
	for _, o := range man.Objects {
		if err := loadObject(ctx, store, o, dir); err != nil {
			return man, fmt.Errorf("%s: %w", o.Key, err)
		}
	}
	return man, m.checkRestored(ctx, c, man)
}

// untouched refuses a data folder that holds anything.
func untouched(c Config) error {
	for _, name := range []string{"congvu.db", "evidence"} {
		if _, err := os.Stat(filepath.Join(c.Data, name)); err == nil {
			return fmt.Errorf("thư mục %s đã có dữ liệu; khôi phục chỉ ghi vào một thư mục trống", c.Data)
		}
	}
	return nil
}

// readBackup reads the manifest and holds every file of the backup against it.
func readBackup(dir string) (manifest, error) {
	var man manifest
	raw, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		return man, fmt.Errorf("không đọc được manifest.json; bản sao lưu chưa hoàn tất hoặc không phải bản sao lưu: %w", err)
	}
	if err := json.Unmarshal(raw, &man); err != nil {
		return man, fmt.Errorf("manifest.json: %w", err)
	}
	var bad []string
	for name, t := range man.Tables {
		path := "tables/" + name + ".jsonl"
		if strings.ContainsAny(name, `/\.`) || !sumIs(filepath.Join(dir, filepath.FromSlash(path)), t.SHA256) {
			bad = append(bad, path)
		}
	}
	for _, o := range man.Objects {
		if blob.CheckKey(o.Key) != nil || !sumIs(filepath.Join(dir, "blobs", filepath.FromSlash(o.Key)), o.SHA256) {
			bad = append(bad, "blobs/"+o.Key)
		}
	}
	if len(bad) > 0 {
		return man, fmt.Errorf("bản sao lưu hỏng, không có gì được ghi: %s", strings.Join(bad, ", "))
	}
	return man, nil
}

func sumIs(path, want string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, bufio.NewReaderSize(f, 1<<20))
	return err == nil && hex.EncodeToString(h.Sum(nil)) == want
}

func loadObject(ctx context.Context, store blob.Store, o evidence.Object, dir string) error {
	f, err := os.Open(filepath.Join(dir, "blobs", filepath.FromSlash(o.Key)))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := store.Put(ctx, o.Key, f, o.Size, o.SHA256); err != nil && !errors.Is(err, blob.ErrExists) {
		return err
	}
	return nil
}

// checkRestored opens the restored installation and holds every row of history and
// every object that a row names against its hash.
func (m *Main) checkRestored(ctx context.Context, c Config, man manifest) error {
	p, err := m.open(ctx, c)
	if err != nil {
		return err
	}
	defer p.close()
	if err := p.checkHistory(ctx, man.Tables["history"].Rows); err != nil {
		return err
	}
	objects, err := p.services.Evidence.Objects(ctx)
	if err != nil {
		return err
	}
	for _, o := range objects {
		from, _, err := p.store.Open(ctx, o.Key)
		if err != nil {
			return fmt.Errorf("%s: %w", o.Key, err)
		}
		h := sha256.New()
		_, err = io.Copy(h, from)
		if err := errors.Join(err, from.Close()); err != nil {
			return fmt.Errorf("%s: %w", o.Key, err)
		}
		if hex.EncodeToString(h.Sum(nil)) != o.SHA256 {
			return fmt.Errorf("%s: nội dung không khớp với SHA-256 đã ghi", o.Key)
		}
	}
	return nil
}

// checkHistory holds every row of history against its hash.
func (p *program) checkHistory(ctx context.Context, want int64) error {
	n, last := int64(0), int64(0)
	for {
		var rows []history.Row
		if err := p.db.WithContext(ctx).Where("seq > ?", last).Order("seq").Limit(1000).Find(&rows).Error; err != nil {
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
