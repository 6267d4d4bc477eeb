// Package score is the arithmetic of a check: points per item, sections,
// deductions, caps, grade, rank, the on-time share of remedies and the summary of
// an attendance table.
//
// It owns the formulas and nothing else: no database, no clock, no words. It
// imports the root package only.
//
// Invariants: sums are exact fractions (math/big) and are rounded once, half up,
// to hundredths of a point, before any border is compared; an item without an
// answer never counts as zero but makes the result INCOMPLETE; the score of a
// check lies between 0 and 100; an unrated score has no grade and no rank.
package score
