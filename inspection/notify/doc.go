// Package notify tells people, and programs of others, what has happened: messages in
// the program, e-mail and webhooks, all made out of rows of history that are read by
// cursor.
//
// It owns messages, contacts, the two queues and their workers. It does not own what
// happened (history), when a deadline is near (who owns the clock writes an event), nor
// rights (org).
//
// Invariants: the table in rules.go is the whole of who is told of what; it is pure. A
// message is made in the transaction that moves the cursor, its id derives from event and
// recipient, and before it is made, shown or sent its recipient, as an actor of that day,
// may read its subject: who may no more gets nothing. What a unit may not know of makes
// nothing for it, and nothing for any webhook. Rows hold codes, figures, dates and ids;
// words are made when they are read. A mail is handed over at least once, under one
// Message-ID, and twice only where the process ends between the server's 250 and the
// commit. Any number of copies work at once: rows are claimed with a lease.
package notify
