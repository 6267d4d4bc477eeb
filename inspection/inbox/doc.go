// Package inbox gathers what somebody has to do today: of findings, checks and
// recommendations, each line with one thing to do, what hurts most first.
//
// It owns nothing and keeps nothing: every line is a row of another package whose state
// and terms say that this person is the one to act, asked through the same table of rights
// as the act itself. What somebody may not do is no line of theirs; sealed targets are
// never looked at.
package inbox
