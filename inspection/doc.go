// Package inspection is the vocabulary that every other package shares: errors,
// ids, instants and dates, the actor, the clock and pages of a list. It knows no
// database, no HTTP and none of the packages below it, and imports the standard
// library only.
package inspection
