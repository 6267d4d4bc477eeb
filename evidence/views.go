package evidence

import (
	"context"
	"image"
	"io"
	"slices"
	"sync"

	"congvu/evidence/imaging/view"
	"congvu/inspection"

	"golang.org/x/sync/semaphore"
)

// Shown is a picture as its reader may open it. Height is a share of its width.
type Shown struct {
	ID      string
	Variant Variant
	Height  float64
}

// Views is what two pictures say about the view, and the forms that were compared.
type Views struct {
	view.Comparison
	First, Second Shown
}

// CompareViews tells what became of the view between two pictures, as the actor may open
// them without a reason: previews, or copies confirmed for sharing. The same bytes give the
// same answer, which is kept for a while. Codes: not_found (also for what is no picture
// that this actor opens so), unavailable.
func (s *Service) CompareViews(ctx context.Context, actor inspection.Actor, first, second string) (Views, error) {
	var v Views
	one, err := s.look(ctx, actor, first, &v.First)
	if err != nil {
		return v, err
	}
	defer one.Close()
	two, err := s.look(ctx, actor, second, &v.Second)
	if err != nil {
		return v, err
	}
	defer two.Close()
	key := one.ETag + two.ETag
	seen, known := s.compared.known(key)
	if !known {
		_, _ = one.Close(), two.Close() // nothing is held while others have the turn
		seen, err = s.compared.of(ctx, key, func() (c compared, err error) {
			a, as, err := s.grey(ctx, actor, v.First)
			if err != nil {
				return c, err
			}
			b, bs, err := s.grey(ctx, actor, v.Second)
			if err != nil {
				return c, err
			}
			if as+bs != key { // another copy was confirmed meanwhile
				return c, inspection.E(inspection.Unavailable, "error.unavailable")
			}
			return compared{view.Compare(a, b), high(a), high(b)}, nil
		})
	}
	v.Comparison, v.First.Height, v.Second.Height = seen.Comparison, seen.first, seen.second
	return v, err
}

// look opens the form of a picture that the actor opens without a reason.
func (s *Service) look(ctx context.Context, actor inspection.Actor, id string, as *Shown) (*Content, error) {
	i, err := s.Get(ctx, actor, id)
	if err != nil {
		return nil, err
	}
	switch as.ID = id; {
	case i.Whole && !i.NeedsReason && i.Has():
		as.Variant = Preview
	case i.Shared != nil && i.Shared.Thumb:
		as.Variant = Shared
	default:
		return nil, notFound()
	}
	return s.Open(ctx, actor, id, as.Variant, "")
}

// grey reads what CompareViews looks at, and tells the tag of its bytes.
func (s *Service) grey(ctx context.Context, actor inspection.Actor, p Shown) (g *image.Gray, tag string, err error) {
	c, err := s.Open(ctx, actor, p.ID, p.Variant, "")
	if err != nil {
		return nil, "", err
	}
	defer c.Close()
	raw, err := io.ReadAll(io.LimitReader(c, inMemory))
	if err != nil {
		return nil, "", storeTrouble(err)
	}
	_, err = s.work.See(ctx, raw, func(img image.Image) { g = view.Reduce(img) })
	return g, c.ETag, err
}

func high(g *image.Gray) float64 { return float64(g.Bounds().Dy()) / float64(g.Bounds().Dx()) }

// viewsKept is how many comparisons are kept.
const viewsKept = 1000

type compared struct {
	view.Comparison
	first, second float64 // heights
}

// comparisons makes comparisons one at a time, for each keeps a processor busy for a quarter of a
// second, and keeps the last of them.
type comparisons struct {
	turn *semaphore.Weighted
	mu   sync.Mutex
	kept map[string]compared
	keys []string // oldest first
}

func newComparisons() comparisons {
	return comparisons{turn: semaphore.NewWeighted(1), kept: map[string]compared{}}
}

func (v *comparisons) known(key string) (compared, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	c, ok := v.kept[key]
	return c, ok
}

// of makes the comparison that is not known, when its turn comes.
func (v *comparisons) of(ctx context.Context, key string, compare func() (compared, error)) (compared, error) {
	if err := v.turn.Acquire(ctx, 1); err != nil {
		return compared{}, inspection.E(inspection.Unavailable, "error.unavailable").Because(err)
	}
	defer v.turn.Release(1)
	if c, ok := v.known(key); ok { // somebody else asked for it
		return c, nil
	}
	c, err := compare()
	if err != nil {
		return c, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.keys) >= viewsKept {
		delete(v.kept, v.keys[0])
		v.keys = slices.Delete(v.keys, 0, 1)
	}
	v.kept[key], v.keys = c, append(v.keys, key)
	return c, nil
}
