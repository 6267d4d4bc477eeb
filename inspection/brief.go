package inspection

import "database/sql"

// Brief are the options of a transaction that is over in milliseconds and that many make at
// once, as people at work send what they do. On SQLite such transactions may share a commit
// (package migrations/sqlitepool); on PostgreSQL this is the level that all have.
var Brief = &sql.TxOptions{Isolation: sql.LevelReadCommitted}
