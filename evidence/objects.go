package evidence

import "gorm.io/gorm"

// Object is an object of the store that a row names. Its key is its class and its
// SHA-256, or the id of its row where it is kept apart.
type Object struct {
	Key, SHA256 string
	Size        int64
}

// Objects lists every object that the rows name, each once, in the order of their keys:
// for a backup, which asks in the snapshot of its rows, and for checking that all is
// there. What is removed is not among them, whether its bytes have left or will. For the
// command line; it asks for no right, and reads a schema from before there was anything to
// remove as well.
func Objects(tx *gorm.DB) ([]Object, error) {
	var all []Object
	if !tx.Migrator().HasColumn(&file{}, "removed_at") {
		err := tx.Raw(`SELECT DISTINCT 'o/' || sha256 AS key, sha256, size FROM evidence_files WHERE state = ?
			UNION SELECT DISTINCT 'd/' || sha256 AS key, sha256, size FROM evidence_derived ORDER BY 1`, Received).Scan(&all).Error
		return all, err
	}
	err := tx.Raw(`SELECT CASE WHEN object <> '' THEN object ELSE 'o/' || sha256 END AS key, sha256, size
			FROM evidence_files WHERE state = ? AND removed_at = 0
		UNION SELECT CASE WHEN d.object <> '' THEN d.object ELSE 'd/' || d.sha256 END AS key, d.sha256, d.size
			FROM evidence_derived d JOIN evidence_files f ON f.id = d.file_id WHERE f.removed_at = 0 ORDER BY 1`, Received).Scan(&all).Error
	return all, err
}
