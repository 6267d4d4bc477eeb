package evidence

import "gorm.io/gorm"

// Object is an object of the store that a row names. Its key is its class and its
// SHA-256.
type Object struct {
	Key, SHA256 string
	Size        int64
}

// Objects lists every object that the rows name, each once, in the order of their keys:
// for a backup, which asks in the snapshot of its rows, and for checking that all is
// there. For the command line; it asks for no right.
func Objects(tx *gorm.DB) ([]Object, error) {
	var all []Object
	err := tx.Raw(`SELECT DISTINCT 'o/' || sha256 AS key, sha256, size FROM evidence_files WHERE state = ?
		UNION SELECT DISTINCT 'd/' || sha256 AS key, sha256, size FROM evidence_derived ORDER BY 1`, Received).Scan(&all).Error
	return all, err
}
