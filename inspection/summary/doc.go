// Package summary is what the chair reads: how many desks were checked of all, the
// score and grade of each, the findings open, due and overdue, the share remedied on
// time, and the items that fail most. It computes from what the other packages
// stored and owns no table. Rights are those of the checks and findings themselves:
// a figure counts what its reader may open.
package summary
