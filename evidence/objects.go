package evidence

import "context"

// Object is an object of the store that a row names. Its key is its class and its
// SHA-256.
type Object struct {
	Key, SHA256 string
	Size        int64
}

// Objects lists every object that the rows of this moment name, each once, in the
// order of their keys: for a backup, which takes rows first and then at least what
// they name, and for checking that all is there. For the command line; it asks for no
// right.
func (s *Service) Objects(ctx context.Context) ([]Object, error) {
	var all []Object
	err := s.read(ctx).Raw(`SELECT DISTINCT 'o/' || sha256 AS key, sha256, size FROM evidence_files WHERE state = ?
		UNION SELECT DISTINCT 'd/' || sha256 AS key, sha256, size FROM evidence_derived ORDER BY 1`, Received).Scan(&all).Error
	return all, err
}
