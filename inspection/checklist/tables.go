package checklist

import (
	"slices"
	"strings"

	"congvu/inspection"
	"congvu/inspection/org"
)

// State of a version.
type State string

// The states of a version.
const (
	Draft     State = "DRAFT"
	Published State = "PUBLISHED"
)

// Checklist is one version of a checklist. Key names the checklist through its
// versions, Number counts them from 1.
type Checklist struct {
	ID          string             `gorm:"column:id;primaryKey"`
	Key         string             `gorm:"column:key"`
	Number      int64              `gorm:"column:number"`
	TitleVI     string             `gorm:"column:title_vi"`
	TitleEN     string             `gorm:"column:title_en"`
	State       State              `gorm:"column:state"`
	ContentHash string             `gorm:"column:content_hash"`
	CreatedAt   inspection.Instant `gorm:"column:created_at;autoCreateTime:false"`
	PublishedAt inspection.Instant `gorm:"column:published_at"`
	PublishedBy string             `gorm:"column:published_by"`
	Version     int64              `gorm:"column:version"`
}

// TableName is the table.
func (Checklist) TableName() string { return "checklists" }

// Item is one item of one version, with all that belongs to it. The values of
// Response, Source and Severity are those of package score, of Photo those of a
// check; Redact is what must be covered before a picture is shared: PEOPLE, PAPERS
// or nothing.
type Item struct {
	ID           string `gorm:"column:id;primaryKey"`
	ChecklistID  string `gorm:"column:checklist_id"`
	Position     int64  `gorm:"column:position"`
	Key          string `gorm:"column:item_key"`
	Code         string `gorm:"column:code"`
	Section      string `gorm:"column:section"`
	SectionVI    string `gorm:"column:section_vi"`
	SectionEN    string `gorm:"column:section_en"`
	TextVI       string `gorm:"column:text_vi"`
	TextEN       string `gorm:"column:text_en"`
	Response     string `gorm:"column:response"`
	Source       string `gorm:"column:source"`
	Photo        string `gorm:"column:photo"`
	PhotoNote    string `gorm:"column:photo_note"`
	Redact       string `gorm:"column:redact"`
	Severity     string `gorm:"column:severity"`
	Weight       int64  `gorm:"column:weight"`
	Target       int64  `gorm:"column:target"`  // ten-thousandths, 0: none
	ZeroAt       int64  `gorm:"column:zero_at"` // ten-thousandths
	CountLabelVI string `gorm:"column:count_label_vi"`
	CountLabelEN string `gorm:"column:count_label_en"`
	AppliesTo    string `gorm:"column:applies_to"`
	GuidanceVI   string `gorm:"column:guidance_vi"`
	GuidanceEN   string `gorm:"column:guidance_en"`

	Bases   []Citation `gorm:"-"`
	Phrases []Phrase   `gorm:"-"`
}

// TableName is the table.
func (Item) TableName() string { return "checklist_items" }

// Applies tells whether the item is asked of a kind of organisation.
func (it Item) Applies(kind org.Kind) bool {
	return it.AppliesTo == "ALL" || slices.Contains(strings.Split(it.AppliesTo, "|"), string(kind))
}

// Phrase is a sentence that is at hand when an item is noted.
type Phrase struct {
	ItemID   string `gorm:"column:item_id;primaryKey"`
	Position int64  `gorm:"column:position;primaryKey"`
	TextVI   string `gorm:"column:text_vi"`
	TextEN   string `gorm:"column:text_en"`
}

// TableName is the table.
func (Phrase) TableName() string { return "item_phrases" }

// Citation is what an item rests on, in its own words. Where the text is in the
// register, Basis is its record and Locator the place in it.
type Citation struct {
	ItemID   string  `gorm:"column:item_id;primaryKey"`
	Position int64   `gorm:"column:position;primaryKey"`
	Text     string  `gorm:"column:citation"`
	Locator  string  `gorm:"column:locator"`
	BasisID  *string `gorm:"column:basis_id"`
	Basis    *Basis  `gorm:"-"`
}

// TableName is the table.
func (Citation) TableName() string { return "item_bases" }

// String is the citation as a document prints it: the number of the text and the
// place in it, or the words as they were entered.
func (c Citation) String() string {
	if c.Basis == nil {
		return c.Text
	}
	return strings.TrimSpace(c.Basis.Number + " " + c.Locator)
}

// Basis is a legal text as a dated record. Confirmed is false where the record
// rests on general knowledge only; Note says what is known of that.
type Basis struct {
	ID            string          `gorm:"column:id;primaryKey"`
	Code          string          `gorm:"column:code"`
	Number        string          `gorm:"column:number"`
	Date          inspection.Date `gorm:"column:date"`
	TitleVI       string          `gorm:"column:title_vi"`
	EffectiveFrom inspection.Date `gorm:"column:effective_from"`
	EffectiveTo   inspection.Date `gorm:"column:effective_to"`
	ReplacedBy    string          `gorm:"column:replaced_by"`
	Confirmed     bool            `gorm:"column:confirmed"`
	Note          string          `gorm:"column:note"`
	Version       int64           `gorm:"column:version"`
}

// TableName is the table.
func (Basis) TableName() string { return "legal_bases" }

// InForce tells whether the text was in force on a day.
func (b Basis) InForce(on inspection.Date) bool { return on.Within(b.EffectiveFrom, b.EffectiveTo) }

// Version is a version with its items in their order.
type Version struct {
	Checklist
	Items []Item
}

// Tables lists the package's table structs, for the test that compares them with
// the migrated schema.
func Tables() []any { return []any{Checklist{}, Item{}, Phrase{}, Citation{}, Basis{}} }
