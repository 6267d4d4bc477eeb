package history

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/gowebpki/jcs"
)

type code string

type writes string

func (w writes) MarshalText() ([]byte, error) { return []byte("<" + string(w) + ">"), nil }

// TestEveryBodyIsAsRFC8785WantsIt: the short way and the library's give the same.
func TestEveryBodyIsAsRFC8785WantsIt(t *testing.T) {
	for _, v := range []any{
		nil, true, false, 0, -1, 1 << 53, 1<<53 + 1, int64(math.MaxInt64), int64(math.MinInt64), 1.5, 1e21, 0.1, math.Copysign(0, -1), "", "x", "Trụ sở <một & hai>", "\u2028\u2029",
		"\x00\x01\b\f\n\r\t\x1f\x7f\"\\/", "\U0001f600", "\ufeff", code("SIGNED"), writes("x"), []string{"b", "a", "é\n"}, []string{}, []string(nil), []any{1, 2.5}, []int{1},
		map[string]any{"b": 1, "a": map[string]any{"z": "x", "y": nil}, "": 0, "A": 1, "€": 1, "\U0001f600": 2, "\ufb33": 3}, map[string]string{"b": "1"}, struct{ B, A int }{1, 2},
	} {
		body := body{ID: "x", Device: "<é\n>", Data: map[string]any{"of": v, "at": int64(12)}}
		if v == "x" {
			body.Device = "\xff"
		}
		got, err := canonical(body)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		want, err := jcs.Transform(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
}
