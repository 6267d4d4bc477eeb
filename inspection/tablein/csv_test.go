package tablein

import (
	"bytes"
	"strings"
	"testing"
)

func read(s string) (Table, []Problem) {
	return Read("a.csv", strings.NewReader(s), []string{"key", "name"}, []string{"note"})
}

func TestAccepts(t *testing.T) {
	for name, s := range map[string]string{
		"plain":           "key,name\na,Đầm Dơi\n",
		"byte order mark": "\ufeffkey,name\na,Đầm Dơi\n",
		"CRLF":            "key,name\r\na,Đầm Dơi\r\n",
		"decomposed":      "key,name\na,Đầm Dơi\n",
		"spaces, quotes":  "key,name\n a ,\" Đầm Dơi \"\n\n",
		"semicolons":      "\ufeffkey;name\r\na;Đầm Dơi\r\n",
	} {
		got, bad := read(s)
		if len(bad) > 0 || len(got.Rows) != 1 || got.Rows[0].Get("name") != "Đầm Dơi" || got.Rows[0].Line != 2 {
			t.Errorf("%s: %+v %+v", name, got, bad)
		}
	}
}

func TestRefuses(t *testing.T) {
	for _, c := range []struct {
		name, in, key string
		line          int
	}{
		{"empty", "", "csv.error.empty", 0},
		{"windows-1258", "key,name\na,\xd0\xe2m\n", "csv.error.encoding", 2},
		{"utf-16", "\xff\xfek\x00e\x00", "csv.error.encoding", 1},
		{"formula", "key,name\na,b\nc,=HYPERLINK(1)\n", "csv.error.formula", 3},
		{"plus", "key,name\n+1,b\n", "csv.error.formula", 2},
		{"minus", "key,name\na,-1\n", "csv.error.formula", 2},
		{"at", "key,name\na,@SUM(1)\n", "csv.error.formula", 2},
		{"space before a formula", "key,name\na,\"  =1\"\n", "csv.error.formula", 2},
		{"NUL", "key,name\na,b\x00\n", "csv.error.characters", 2},
		{"missing column", "key\na\n", "csv.error.column_missing", 1},
		{"unknown column", "key,name,nmae\na,b,c\n", "csv.error.column_unknown", 1},
		{"column twice", "key,name,name\na,b,c\n", "csv.error.column_twice", 1},
		{"short row", "key,name\na\n", "csv.error.columns", 2},
		{"quotes", "key,name\na,\"b\n", "csv.error.quotes", 3},
		{"too large", "key,name\n" + strings.Repeat("a,b\n", MaxBytes/4+1), "csv.error.too_large", 0},
		{"too many rows", "key,name\n" + strings.Repeat("a,b\n", MaxRows+1), "csv.error.too_many_rows", MaxRows + 2},
		{"long cell", "key,name\na," + strings.Repeat("x", maxCell+1), "csv.error.characters", 2},
	} {
		_, bad := read(c.in)
		if len(bad) != 1 || bad[0].Key != c.key || bad[0].Line != c.line && c.key != "csv.error.quotes" || bad[0].File != "a.csv" {
			t.Errorf("%s: %+v", c.name, bad)
		}
	}
}

func TestEveryBadLineIsNamed(t *testing.T) {
	_, bad := read("key,name\n=1,b\na\nc,\"two\nlines\"\nd,=2\n")
	if len(bad) != 3 || bad[0].Line != 2 || bad[1].Line != 3 || bad[2].Line != 6 {
		t.Fatalf("%+v", bad)
	}
}

func TestToBeConfirmedIsLeftOut(t *testing.T) {
	got, bad := read("key,name,note\na,NQ 1 (number to be confirmed),x\n")
	if len(bad) > 0 || got.Rows[0].Get("name") != "" || got.Rows[0].Get("note") != "x" {
		t.Fatalf("%+v %+v", got, bad)
	}
	if l := got.Rows[0].LeftOut("name", "note"); len(l) != 1 || l[0] != "name" {
		t.Fatal(l)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("key,name\na,b\n"))
	f.Add([]byte("\ufeffkey,name,note\r\n\"a\nb\",=1,\xff\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		table, bad := Read("f", bytes.NewReader(raw), []string{"key"}, []string{"name", "note"})
		for _, p := range bad {
			if p.Key == "" || p.File != "f" {
				t.Fatalf("%+v", p)
			}
		}
		if len(bad) > 0 {
			return
		}
		for _, r := range table.Rows {
			if k := r.Raw("key"); k != "" && strings.ContainsRune("=+-@", rune(k[0])) {
				t.Fatal("a formula came through:", k)
			}
		}
	})
}

func TestPeopleHeadTheirColumnsAsTheyLike(t *testing.T) {
	got, bad := ReadAs("a.csv", strings.NewReader("MÃ;Tên đơn vị\na;\"Đầm; Dơi\"\n"), []string{"key", "name"}, nil, map[string]string{"ma": "key", "ten don vi": "name"})
	if len(bad) > 0 || len(got.Rows) != 1 || got.Rows[0].Get("key") != "a" || got.Rows[0].Get("name") != "Đầm; Dơi" {
		t.Errorf("%+v %+v", got, bad)
	}
	if _, bad := ReadAs("a.csv", strings.NewReader("ma,key\na,b\n"), []string{"key"}, nil, map[string]string{"ma": "key"}); len(bad) != 1 || bad[0].Key != "csv.error.column_twice" {
		t.Errorf("two headings of one column: %+v", bad)
	}
}
