// Package csvin reads CSV files that people send in, and names every bad line.
//
// It owns the hardening that all imports share: size, encoding, columns, formulas,
// cells that say "to be confirmed". It does not know what the columns mean; the
// importing package checks that and adds its own problems to the same list. It
// imports the root package only.
//
// Invariants: a cell is valid UTF-8 in NFC, trimmed, without control characters;
// a row has exactly the columns of the head; a problem names file and line and an
// i18n key; a table with problems must not be imported.
package csvin
