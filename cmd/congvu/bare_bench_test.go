package main

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"congvu/inspection"

	_ "modernc.org/sqlite"
)

// The bare server is what a check is held against: it takes the same requests from the
// same clients and does nothing but what no server can leave out. Of a photograph it reads
// the bytes, takes their hash and has them on the disk under their name; of a post it has
// the body in an SQLite file, on the disk too. It knows no sessions, rights, operations,
// history or receipts.
func bare(b testing.TB, l *load) *load {
	b.Helper()
	floor := *l
	floor.program = launch{sub: bareServer, binary: os.Executable}.start(b)
	return &floor
}

const bareServer = "bare-server"

// This program of tests is the bare server too, in a process of its own.
func init() {
	if len(os.Args) == 2 && os.Args[1] == bareServer {
		log.Fatal(serveBare(os.Getenv("CONGVU_ADDR"), os.Getenv("CONGVU_DATA")))
	}
}

func serveBare(addr, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "bare.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("CREATE TABLE posts (body BLOB NOT NULL)"); err != nil {
		return err
	}
	rooms := sync.Pool{New: func() any { return new([]byte) }}
	taking := func(keep func(raw []byte) (any, error)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			room := rooms.Get().(*[]byte)
			defer rooms.Put(room)
			if int64(cap(*room)) < r.ContentLength {
				*room = make([]byte, r.ContentLength)
			}
			raw := (*room)[:r.ContentLength]
			_, err := io.ReadFull(r.Body, raw)
			var answer any
			if err == nil {
				answer, err = keep(raw)
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			_ = json.NewEncoder(w).Encode(answer)
		}
	}
	http.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("POST /api/v1/operations", taking(func(raw []byte) (any, error) {
		_, err := db.Exec("INSERT INTO posts (body) VALUES (?)", raw)
		return map[string]any{"outcomes": make([]outcome, 1)}, err
	}))
	http.HandleFunc("PUT /api/v1/files/{id}/content", taking(func(raw []byte) (any, error) {
		h := sha256.Sum256(raw)
		sum := hex.EncodeToString(h[:])
		return map[string]string{"sha256": sum, "signature": "none"}, keepBare(filepath.Join(dir, sum[:2]), sum, raw)
	}))
	return http.ListenAndServe(addr, nil)
}

// keepBare writes a file under another name, and gives it its own when it is on the disk.
func keepBare(dir, name string, raw []byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp := filepath.Join(dir, inspection.NewID())
	f, err := os.Create(tmp)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(raw); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(dir, name)); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
