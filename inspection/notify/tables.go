package notify

import (
	"congvu/inspection"
	"congvu/inspection/i18n"
)

type cursor struct {
	One      int   `gorm:"column:one;primaryKey"`
	Position int64 `gorm:"column:position"`
	AfterSeq int64 `gorm:"column:after_seq"`
}

func (cursor) TableName() string { return "notify_cursor" }

// Contact is where and how a person is written to.
type Contact struct {
	PersonID    string             `gorm:"column:person_id;primaryKey"`
	Email       string             `gorm:"column:email"` // empty: no mail
	Language    i18n.Lang          `gorm:"column:language"`
	Wants       bool               `gorm:"column:wants"`      // mail that is no obligation
	RefusedAt   inspection.Instant `gorm:"column:refused_at"` // when the mail server refused the address, 0 since one went through
	RefusedCode string             `gorm:"column:refused_code"`
	Version     int64              `gorm:"column:version"` // 0: never set
}

// TableName is the table.
func (Contact) TableName() string { return "notify_contacts" }

// Message tells one person of one event.
type Message struct {
	ID          string             `gorm:"column:id;primaryKey"`
	PersonID    string             `gorm:"column:person_id"`
	EventSeq    int64              `gorm:"column:event_seq"`
	EventID     string             `gorm:"column:event_id"`
	SubjectKind string             `gorm:"column:subject_kind"`
	SubjectID   string             `gorm:"column:subject_id"`
	Key         string             `gorm:"column:key"`
	Params      string             `gorm:"column:params"` // JSON of details
	Obligation  bool               `gorm:"column:obligation"`
	EventAt     inspection.Instant `gorm:"column:event_at"`
	MadeAt      inspection.Instant `gorm:"column:made_at"`
	ReadAt      inspection.Instant `gorm:"column:read_at"`
}

// TableName is the table.
func (Message) TableName() string { return "notify_messages" }

type mailState string

const (
	mailQueued  mailState = "QUEUED"
	mailSent    mailState = "SENT"
	mailRefused mailState = "REFUSED" // for good, by the mail server
	mailDropped mailState = "DROPPED" // nobody to write to any more, or nothing that they may read
)

type mailRow struct {
	MessageID  string             `gorm:"column:message_id;primaryKey"`
	State      mailState          `gorm:"column:state"`
	Attempts   int64              `gorm:"column:attempts"`
	MadeAt     inspection.Instant `gorm:"column:made_at"`
	NextAt     inspection.Instant `gorm:"column:next_at"`
	LeaseUntil inspection.Instant `gorm:"column:lease_until"`
	LeaseOwner string             `gorm:"column:lease_owner"`
	Error      string             `gorm:"column:error"`
	DoneAt     inspection.Instant `gorm:"column:done_at"`
}

func (mailRow) TableName() string { return "notify_mails" }

// HookState is how an endpoint stands.
type HookState string

// The states of an endpoint. Off is what failing for days makes of it.
const (
	HookActive  HookState = "ACTIVE"
	HookPaused  HookState = "PAUSED"
	HookOff     HookState = "OFF"
	HookRemoved HookState = "REMOVED"
)

// Webhook is an endpoint of others that is told of events.
type Webhook struct {
	ID           string             `gorm:"column:id;primaryKey"`
	URL          string             `gorm:"column:url"`
	State        HookState          `gorm:"column:state"`
	Secret       string             `gorm:"column:secret"` // sealed
	OldSecret    string             `gorm:"column:old_secret"`
	OldUntil     inspection.Instant `gorm:"column:old_until"`
	FailingSince inspection.Instant `gorm:"column:failing_since"`
	LeaseUntil   inspection.Instant `gorm:"column:lease_until"`
	LeaseOwner   string             `gorm:"column:lease_owner"`
	CreatedAt    inspection.Instant `gorm:"column:created_at"`
	Version      int64              `gorm:"column:version"`
}

// TableName is the table.
func (Webhook) TableName() string { return "notify_webhooks" }

// DeliveryState is what became of a delivery.
type DeliveryState string

// The states of a delivery.
const (
	DeliveryQueued DeliveryState = "QUEUED"
	DeliverySent   DeliveryState = "SENT"
	DeliveryFailed DeliveryState = "FAILED"
)

// Delivery is one event for one endpoint.
type Delivery struct {
	ID        string             `gorm:"column:id;primaryKey"`
	WebhookID string             `gorm:"column:webhook_id"`
	EventID   string             `gorm:"column:event_id"`
	Type      string             `gorm:"column:type"`
	Payload   string             `gorm:"column:payload"`
	State     DeliveryState      `gorm:"column:state"`
	Attempts  int64              `gorm:"column:attempts"`
	MadeAt    inspection.Instant `gorm:"column:made_at"`
	NextAt    inspection.Instant `gorm:"column:next_at"`
	DoneAt    inspection.Instant `gorm:"column:done_at"`
}

// TableName is the table.
func (Delivery) TableName() string { return "notify_deliveries" }

// Attempt is one try of a delivery.
type Attempt struct {
	DeliveryID string             `gorm:"column:delivery_id;primaryKey"`
	N          int64              `gorm:"column:n;primaryKey"`
	At         inspection.Instant `gorm:"column:at"`
	Status     int64              `gorm:"column:status"` // of HTTP, 0 without an answer
	MS         int64              `gorm:"column:ms"`
	Error      string             `gorm:"column:error"` // a code, empty for success
}

// TableName is the table.
func (Attempt) TableName() string { return "notify_attempts" }

// Tables lists a value of every table of the package, for the test that compares them
// with the schema.
func Tables() []any {
	return []any{cursor{}, Contact{}, Message{}, mailRow{}, Webhook{}, Delivery{}, Attempt{}}
}
