// Package migrations opens the database and brings its schema up to date. The
// schema is SQL, one folder a dialect, the same numbers and names in both.
//
// It imports nothing of ours. Structs never make tables: a test compares every
// gorm struct with the schema that these files make.
package migrations
