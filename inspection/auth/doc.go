// Package auth owns who signs in: accounts, passwords, sessions and the throttling
// of guesses.
//
// It does not own what a person may do (org.Can) nor what a person is: the
// capacities of a signed-in actor are read from org at every request, so that a
// role that has ended ends at once.
//
// Invariants: a password stands only as an argon2id hash, a session's token only as
// its SHA-256; an unknown user name takes as long and answers the same as a wrong
// password; every guess is counted in the database before the password is looked
// at, so that any number of copies of the program share one count; history names
// accounts by id or keyed hash, never by user name; accounts are never deleted; the
// set-up code opens only an installation without accounts, and one first account comes
// of it; no change leaves an installation that had an administrator without one.
package auth
