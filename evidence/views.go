package evidence

import (
	"context"
	"image"
	"io"
	"strings"

	"congvu/evidence/imaging/view"
	"congvu/inspection"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
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

// seen is what was said of the view between two pictures, by the hashes of the forms that
// were compared; heights are shares of their widths.
type seen struct {
	First        string             `gorm:"column:first;primaryKey"`
	Second       string             `gorm:"column:second;primaryKey"`
	Verdict      view.Verdict       `gorm:"column:verdict"`
	X            float64            `gorm:"column:x"`
	Y            float64            `gorm:"column:y"`
	Turn         float64            `gorm:"column:turn"`
	Scale        float64            `gorm:"column:scale"`
	Similarity   int                `gorm:"column:similarity"`
	Overlap      float64            `gorm:"column:overlap"`
	FirstHeight  float64            `gorm:"column:first_height"`
	SecondHeight float64            `gorm:"column:second_height"`
	MadeAt       inspection.Instant `gorm:"column:made_at"`
}

func (seen) TableName() string { return "evidence_views" }

// CompareViews tells what became of the view between two pictures, as the actor may open
// them without a reason: previews, or copies confirmed for sharing. What was said of two
// once is said of the same bytes for ever, so that a figure on paper stays the one on the
// page. Codes: not_found (also for what is no picture that this actor opens so),
// unavailable.
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
	pair := seen{First: hashOf(one), Second: hashOf(two)}
	known, err := s.said(ctx, &pair)
	if err == nil && !known {
		_, _ = one.Close(), two.Close() // nothing is held while others have the turn
		err = s.compare(ctx, actor, v, &pair)
	}
	v.Comparison = view.Comparison{Verdict: pair.Verdict, Transform: view.Transform{X: pair.X, Y: pair.Y, Turn: pair.Turn, Scale: pair.Scale}, Similarity: pair.Similarity, Overlap: pair.Overlap}
	v.First.Height, v.Second.Height = pair.FirstHeight, pair.SecondHeight
	return v, err
}

// said reads what was said of a pair, if anything was.
func (s *Service) said(ctx context.Context, pair *seen) (bool, error) {
	found := s.read(ctx).Where("first = ? AND second = ?", pair.First, pair.Second).Limit(1).Find(pair)
	return found.RowsAffected > 0, found.Error
}

// compare says of a pair what nobody has said yet, when its turn comes.
func (s *Service) compare(ctx context.Context, actor inspection.Actor, v Views, pair *seen) error {
	if err := s.looking.Acquire(ctx, 1); err != nil {
		return inspection.E(inspection.Unavailable, "error.unavailable").Because(err)
	}
	defer s.looking.Release(1)
	if known, err := s.said(ctx, pair); known || err != nil { // somebody else asked for it
		return err
	}
	a, as, err := s.grey(ctx, actor, v.First)
	if err != nil {
		return err
	}
	b, bs, err := s.grey(ctx, actor, v.Second)
	if err != nil {
		return err
	}
	if as != pair.First || bs != pair.Second { // another copy was confirmed meanwhile
		return inspection.E(inspection.Unavailable, "error.unavailable")
	}
	c := view.Compare(a, b)
	row := seen{First: as, Second: bs, Verdict: c.Verdict, X: c.Transform.X, Y: c.Transform.Y, Turn: c.Transform.Turn, Scale: c.Transform.Scale,
		Similarity: c.Similarity, Overlap: c.Overlap, FirstHeight: high(a), SecondHeight: high(b), MadeAt: s.clock.Now()}
	if err := s.transaction(ctx, func(tx *gorm.DB) error {
		return tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error
	}); err != nil {
		return err
	}
	_, err = s.said(ctx, pair) // another copy may have been first
	return err
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

// grey reads what CompareViews looks at, and tells the hash of its bytes.
func (s *Service) grey(ctx context.Context, actor inspection.Actor, p Shown) (g *image.Gray, hash string, err error) {
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
	return g, hashOf(c), err
}

// hashOf is the SHA-256 of what is shown.
func hashOf(c *Content) string { return strings.Trim(c.ETag, `"`) }

func high(g *image.Gray) float64 { return float64(g.Bounds().Dy()) / float64(g.Bounds().Dx()) }
