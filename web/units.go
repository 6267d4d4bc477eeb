package web

import (
	"net/http"
	"slices"
	"strings"

	"congvu/inspection"
	"congvu/inspection/org"

	"github.com/labstack/echo/v4"
	"golang.org/x/sync/errgroup"
)

// beforeReform is the last day of the three tiers (Nghị quyết 203/2025/QH15: districts
// end on 1 July 2025).
const beforeReform inspection.Date = "2025-06-30"

// unitNode is an administrative unit of the tree with what it holds on the day.
type unitNode struct {
	org.Unit
	Organisations []organisationNode
	Children      []*unitNode
	Became        []org.Descent
	From          []org.Descent
	// Sums over itself and all below.
	Units, Desks, Posts, Simulated int
	Open                           bool
}

type organisationNode struct {
	org.Organisation
	Desks []deskNode
}

type deskNode struct {
	org.Desk
	Posts     int
	Simulated bool
}

type unitsPage struct {
	Base
	AsOf   inspection.Date
	Query  string
	Before inspection.Date
	Today  inspection.Date
	Tree   []*unitNode
	Found  int
	Units  int
	Desks  int

	Manages bool // the reader may enter units
}

// unitsPage is the tree of administrative units as it stood on a day, with their
// organisations, desks and numbers of posts.
func (s *Server) unitsPage(c echo.Context) error {
	ctx, a := c.Request().Context(), actor(c)
	page := unitsPage{Base: s.base(c, "units.title"), Query: strings.TrimSpace(c.QueryParam("q")), Before: beforeReform}
	page.Today = page.Now.Date()
	_, page.Manages = org.Can(a, org.ManageOrg, org.Subject{})
	var err error
	if page.AsOf, err = inspection.ParseDate(c.QueryParam("as_of")); err != nil {
		return err
	}
	if page.AsOf == "" {
		page.AsOf = page.Today
	}
	var units []org.Unit
	var organisations map[string][]org.Organisation
	var desks map[string][]org.Desk
	var posts, simulated map[string]int
	var became, from map[string][]org.Descent
	var reads errgroup.Group // side by side
	reads.Go(func() (err error) { units, err = s.Org.Tree(ctx, a, page.AsOf); return err })
	reads.Go(func() (err error) {
		organisations, desks, posts, err = s.Org.Register(ctx, a, page.AsOf)
		return err
	})
	reads.Go(func() (err error) { simulated, err = s.Org.SimulatedPosts(ctx, a, page.AsOf); return err })
	reads.Go(func() (err error) { became, from, err = s.Org.UnitDescents(ctx, a); return err })
	if err := reads.Wait(); err != nil {
		return err
	}
	nodes := make(map[string]*unitNode, len(units))
	for _, u := range units {
		n := &unitNode{Unit: u, Became: became[u.ID], From: from[u.ID]}
		for _, o := range organisations[u.ID] {
			on := organisationNode{Organisation: o}
			for _, d := range desks[o.ID] {
				on.Desks = append(on.Desks, deskNode{d, posts[d.ID], simulated[d.ID] > 0})
				n.Desks, n.Posts, n.Simulated = n.Desks+1, n.Posts+posts[d.ID], n.Simulated+simulated[d.ID]
			}
			n.Organisations = append(n.Organisations, on)
		}
		nodes[u.ID] = n
	}
	for _, u := range slices.Backward(units) { // children before parents: sums go up
		n := nodes[u.ID]
		if u.ParentID == nil {
			continue
		}
		if p := nodes[*u.ParentID]; p != nil {
			p.Units, p.Desks, p.Posts, p.Simulated = p.Units+n.Units+1, p.Desks+n.Desks, p.Posts+n.Posts, p.Simulated+n.Simulated
		}
	}
	for _, u := range units {
		n := nodes[u.ID]
		if u.ParentID != nil && nodes[*u.ParentID] != nil {
			nodes[*u.ParentID].Children = append(nodes[*u.ParentID].Children, n)
		} else {
			page.Tree = append(page.Tree, n)
			n.Open = true
		}
		page.Units++
		page.Desks += n.desksOfItself()
	}
	if words := strings.Fields(inspection.Fold(page.Query)); len(words) > 0 {
		page.Tree = slices.DeleteFunc(page.Tree, func(n *unitNode) bool { return !n.keep(words, &page.Found) })
	}
	return s.render(c, http.StatusOK, "units", page)
}

func (n *unitNode) desksOfItself() int {
	sum := 0
	for _, o := range n.Organisations {
		sum += len(o.Desks)
	}
	return sum
}

// keep tells whether a unit, something that it holds or something below it has all
// the words. What is below a unit that has them stays; other branches go. Branches
// that lead to a match are opened.
func (n *unitNode) keep(words []string, found *int) bool {
	if n.marked(words, found) {
		return true
	}
	n.Children = slices.DeleteFunc(n.Children, func(c *unitNode) bool { return !c.keep(words, found) })
	n.Open = n.Open || len(n.Children) > 0
	return n.Open
}

// marked counts the matches in a unit and, where it has the words itself, below it.
func (n *unitNode) marked(words []string, found *int) bool {
	n.Open = n.inside(words)
	if n.Open {
		*found++
	}
	if !has(n.Search, words) {
		return false
	}
	if !n.Open {
		*found++
	}
	for _, c := range n.Children {
		n.Open = c.below(words, found) || n.Open
	}
	n.Open = n.Open || len(n.Children) == 0
	return true
}

// below counts and opens the matches of a branch that stays whole.
func (n *unitNode) below(words []string, found *int) bool {
	n.Open = n.inside(words)
	self := n.Open || has(n.Search, words)
	if self {
		*found++
	}
	for _, c := range n.Children {
		if c.below(words, found) {
			n.Open = true
		}
	}
	return self || n.Open
}

// inside tells whether an organisation or desk of the unit has the words.
func (n *unitNode) inside(words []string) bool {
	return slices.ContainsFunc(n.Organisations, func(o organisationNode) bool {
		return has(o.Search, words) || slices.ContainsFunc(o.Desks, func(d deskNode) bool { return has(d.Search, words) })
	})
}

func has(search string, words []string) bool {
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(search, w) })
}

// Leaf tells that there is nothing to open.
func (n *unitNode) Leaf() bool {
	return len(n.Children) == 0 && len(n.Organisations) == 0 && len(n.Became) == 0 && len(n.From) == 0
}

// IsSimulated tells that the posts counted are demo data.
func (n *unitNode) IsSimulated() bool { return n.Simulated > 0 }

// UnitName is a unit's name with the word for its type, where the name does not begin
// with it: names alone are shared by many.
func (b Base) UnitName(t org.UnitType, name string) string {
	word := b.Of("units.type", t)
	if t == "COUNTRY" || strings.HasPrefix(inspection.Fold(name), inspection.Fold(word)) {
		return name
	}
	return word + " " + name
}
