// Package sqlitepool opens an SQLite file the way the program uses it: one connection
// that writes, several that read beside it, and statements that each connection
// compiles once.
//
// SQLite lets one writer in at a time, and those who find the door shut sleep and try
// again while it may long be open. Here they stand in a queue inside the process, each
// let in when the one before has done. Other processes on the same file are waited for
// as the DSN says (busy_timeout).
//
// Invariants: everything that writes goes over the one connection, whole transactions
// too; a read over the others sees what was last committed. Whoever holds a transaction
// must not wait for a write outside of it.
package sqlitepool
