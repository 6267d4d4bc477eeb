package inspection

// Page asks for a part of a list: at most Limit rows after the one that Cursor
// names. The zero Page is the first 50.
type Page struct {
	Cursor string
	Limit  int
}

// Size is the limit within 1 to 500, 50 when none is given.
func (p Page) Size() int {
	switch {
	case p.Limit <= 0:
		return 50
	case p.Limit > 500:
		return 500
	}
	return p.Limit
}
