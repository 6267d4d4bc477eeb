package checklist

import (
	"bytes"
	"embed"
	"io"
)

//go:embed seed/*.csv
var seed embed.FS

// Seed opens one of the embedded files: checklist.csv (the 45 items), bases.csv
// (the texts they rest on) and guidance.csv (guidance and phrases per item).
func Seed(name string) io.Reader {
	raw, err := seed.ReadFile("seed/" + name)
	if err != nil {
		panic(err)
	}
	return bytes.NewReader(raw)
}
