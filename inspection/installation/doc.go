// Package installation keeps what the program knows of itself: which copies of it run,
// with which version and clock, when it was last backed up, and what has been done once a
// day. It holds nothing of any
// check and decides nothing; the pages of health read it.
package installation
