// Package tablein reads tables that people send in, as CSV or as a spreadsheet (XLSX),
// and names every bad line or cell.
//
// It owns the hardening that all imports share: size, encoding, what a spreadsheet packs
// and computes, columns, formulas, cells that say "to be confirmed". It does not know what
// the columns mean; the importing package checks that and adds its own problems to the
// same list. It imports the root package only.
//
// Of a spreadsheet it reads the first sheet that is not hidden: values alone, of a formula
// the one that was saved with it, days as yyyy-mm-dd, of merged cells what stands in the
// first; macros, links, pictures and further sheets are not looked at. What comes out is
// what the same table saved as CSV gives.
//
// Invariants: a cell is valid UTF-8 in NFC, trimmed, without control characters;
// a row has exactly the columns of the head; a problem names file and line and an
// i18n key; a table with problems must not be imported.
package tablein
