// Package installation keeps what the program knows of itself: which copies of it run,
// with which version and clock, and when it was last backed up. It holds nothing of any
// check and decides nothing; the pages of health read it.
package installation
