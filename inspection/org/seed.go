package org

import (
	"bytes"
	"embed"
	"io"
)

//go:embed seed/*.csv
var seed embed.FS

// Seed opens one of the embedded files: units.csv, lineage.csv (the five places
// before and after 1 July 2025), holidays.csv (2024 to 2026) and hours.csv (the
// working week that holds where a unit has entered no hours of its own).
func Seed(name string) io.Reader {
	raw, err := seed.ReadFile("seed/" + name)
	if err != nil {
		panic(err)
	}
	return bytes.NewReader(raw)
}
