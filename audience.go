package signalbox

import "time"

// Audience is a named set of records that follows a condition by itself (contract section 9).
type Audience struct {
	ID        AudienceID `json:"-"`
	Name      string     `json:"-"`
	Of        RecordKind `json:"of"`
	Condition string     `json:"condition"`       // an expression
	Ready     bool       `json:"ready,omitempty"` // its members are complete; until then it is filled by a job, and nobody is told of them
}

// AudienceMove is that a record entered an audience, or left it.
type AudienceMove struct {
	Workspace WorkspaceID
	Audience  AudienceID
	Entity    EntityID
	Entered   bool
	At        time.Time
}

// Capture is by what a signal of the capture door is known for as long as it is kept: by its idempotency key, or by its type, source, identity and time
// (S3-26).
type Capture struct {
	Key     AnswerKey
	Signal  SignalID
	Account AccountID
	Contact ContactID
}

// AudienceMember is a record that is in an audience.
type AudienceMember struct {
	Entity EntityID
	Since  time.Time
}
