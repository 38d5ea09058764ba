package signalbox

import (
	"cmp"
	"encoding/json"
	"time"
)

// Stream is one kind of record of a linked account that is fetched and compared again and again, so that differences become events (contract section
// 13, S4-4).
type Stream struct {
	ID         StreamID
	Workspace  WorkspaceID
	Linked     LinkedAccountID
	API        string // what kind of product it is from: "hris"
	RecordType string // "employees"

	Interval              time.Duration // 0: DefaultSyncInterval
	Confirmations         int           // complete runs in a row that a record is missing in before it is deleted; 0: DefaultConfirmations
	EmitCreatedOnBaseline bool          // the first baseline tells of every record as created
	EmitSignals           bool          // what is told becomes signals too
	Connector             []byte        // how its records are fetched, a JSON object, without what signs in
	Secrets               []byte        // sealed: what signs in; nil: nothing does
	Fingerprint           uint64        // of whatever decides which records there are and how they look, so not of credentials; never 0
	Key                   []byte        // sealed: what its prints are made with; never changed
	Paused                bool          // nothing is fetched; a run that goes on waits where it is
	Version               int64         // grows with every change that somebody makes to what stands above

	Baselined  uint64    // the Fingerprint of the latest baseline; 0: there was none
	Known      int64     // rows of its snapshot
	Kept       int64     // those of them with Missed = MissedKept
	Run        SyncRunID // the run that goes on; 0: none
	Quarantine SyncRunID // the run that waits to be approved or discarded; 0: none
	NextAt     time.Time // when the next run is to begin
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// The pace of streams (contract section 13).
const (
	DefaultSyncInterval  = time.Hour // S4-4
	MinSyncInterval      = time.Minute
	MaxSyncInterval      = 24 * time.Hour
	DefaultConfirmations = 2
	MaxConfirmations     = 10 // more, and a deletion at the default interval is told half a day late
	maxAPI               = 32 // both are parts of the names of events
	maxRecordType        = 64
)

// Check refuses a stream that cannot be run.
func (s *Stream) Check() error {
	switch {
	case !isWord(s.API, maxAPI, false):
		return InvalidField("api", "api must be a lower-case word such as hris or ats: letters and digits, at most %d", maxAPI)
	case !isWord(s.RecordType, maxRecordType, true):
		return InvalidField("record_type", "record_type must be a lower-case name such as employees or job_postings: letters, digits and _, at most %d", maxRecordType)
	case s.Interval != 0 && (s.Interval < MinSyncInterval || s.Interval > MaxSyncInterval):
		return InvalidField("interval", "interval must be between 1m and 24h")
	case s.Confirmations < 0 || s.Confirmations > MaxConfirmations:
		return InvalidField("deletion.confirmations", "deletion.confirmations must be between 1 and %d", MaxConfirmations)
	}
	return nil
}

// Facts are what the audit log tells of a stream.
func (s *Stream) Facts() Facts {
	return Facts{
		"api": s.API, "record_type": s.RecordType, "interval": cmp.Or(s.Interval, DefaultSyncInterval).String(), "confirmations": s.Confirm(),
		"emit_created_on_baseline": s.EmitCreatedOnBaseline, "emit_signals": s.EmitSignals, "connector": json.RawMessage(s.Connector), "paused": s.Paused,
	}
}

// isWord says whether a text is a lower-case name that begins with a letter.
func isWord(text string, most int, underscores bool) bool {
	if text == "" || len(text) > most || text[0] < 'a' || text[0] > 'z' {
		return false
	}
	for _, c := range []byte(text) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && (c != '_' || !underscores) {
			return false
		}
	}
	return true
}

// Period is the time from the beginning of a run to that of the next: the interval, made up to a tenth shorter or longer by the stream's id, so that
// streams which were made together do not stay together. It is always the same for one stream.
func (s *Stream) Period() time.Duration {
	h := uint64(s.ID) // ids made after each other differ in few bits: mix them (splitmix64)
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	share := float64((h^h>>31)>>11)/(1<<52) - 1 // -1 to 1
	interval := cmp.Or(s.Interval, DefaultSyncInterval)
	return interval + time.Duration(share*float64(interval)/10)
}

// NextSync is when the run after one is to begin: a period after that one began, but not at once after it has ended, however long it took.
func (s *Stream) NextSync(began, ended time.Time) time.Time {
	period := s.Period()
	next, rested := began.Add(period), ended.Add(period/10)
	if next.Before(rested) {
		return rested
	}
	return next
}

// Confirm is in how many complete runs in a row a record must be missing before it is deleted.
func (s *Stream) Confirm() int { return cmp.Or(s.Confirmations, DefaultConfirmations) }

// NewRun is a run of the stream that begins now. The first one under a Fingerprint that comes to its end is the baseline, which tells nothing: what differs
// then, differs because others records are asked for, or because they are looked at in another way.
func (s *Stream) NewRun(id SyncRunID, now time.Time) SyncRun {
	baseline := s.Baselined != s.Fingerprint
	return SyncRun{
		ID: id, Workspace: s.Workspace, Linked: s.Linked, Stream: s.ID, Status: SyncRunning, Fingerprint: s.Fingerprint, StartedAt: now,
		Baseline: baseline, Silent: baseline && !(s.EmitCreatedOnBaseline && s.Baselined == 0),
	}
}

// SyncStatus is where a run stands.
type SyncStatus string

// The states of a run.
const (
	SyncRunning     SyncStatus = "running"
	SyncComplete    SyncStatus = "complete"    // all that there is was seen
	SyncFailed      SyncStatus = "failed"      // what was seen was told, nothing was deleted
	SyncQuarantined SyncStatus = "quarantined" // too much is missing: somebody is to say whether it is gone
)

// SyncDecision is what somebody said of a quarantined run.
type SyncDecision string

// What can be said: what is still missing is deleted, or kept.
const (
	SyncApproved  SyncDecision = "approved"
	SyncDiscarded SyncDecision = "discarded"
)

// SyncFound closes a quarantine when a later complete run has found the records; otherwise it is closed by its decision.
const SyncFound = "found"

// SyncRun is one time that a stream's records were fetched and compared. Counts are of records, each counted once, whatever often it came, and add up
// (see [SyncRun.Balanced]).
type SyncRun struct {
	ID          SyncRunID
	Workspace   WorkspaceID
	Linked      LinkedAccountID
	Stream      StreamID
	Status      SyncStatus
	Baseline    bool   // it makes the snapshot that later runs are compared with
	Silent      bool   // it tells nobody of what it finds
	Fingerprint uint64 // the stream's when it began: under another one it does not go on

	Fetched    int64 // distinct records that came
	Created    int64 // of them, told as created
	Updated    int64 // told as updated
	Unchanged  int64
	Missing    int64 // records of the snapshot that did not come, counted when all of the others had; without those that a discarded quarantine keeps
	Deleted    int64 // of them, told as deleted
	Waiting    int64 // not deleted yet: not missing often enough, or not proven to be gone
	Suppressed int64 // differences of either kind that were not told: those of a silent run, and what the guard holds back
	Added      int64 // records that the snapshot did not have
	Duplicates int64 // how often a record came that had come already

	Page       int    // pages fetched, of the present walk through them
	Checkpoint []byte // where the next page begins; nil at the beginning, and after the end
	Progress   []byte // poll's own notes on a run that goes on; nil after the end
	Step       int64  // grows by one with each slice that is saved
	Error      string // why it failed, was quarantined, or left deletions waiting, for people; ""
	StartedAt  time.Time
	EndedAt    time.Time // zero while it goes on

	Decision SyncDecision // of a quarantined run; "": none yet
	Closed   string       // what ended the quarantine: a decision that was carried out, or SyncFound; "": nothing has
	ClosedAt time.Time
}

// Balanced says whether the counts add up: each record that came was told as created or updated, was unchanged, or was not told; each that did not come was
// deleted, waits, or was not told.
func (r *SyncRun) Balanced() bool {
	return r.Fetched+r.Missing == r.Created+r.Updated+r.Unchanged+r.Deleted+r.Waiting+r.Suppressed
}

// SyncOutcome is what the latest run that saw a record has made of it.
type SyncOutcome uint8

// The outcomes.
const (
	SyncUnchanged  SyncOutcome = 0
	SyncCreated    SyncOutcome = 1
	SyncUpdated    SyncOutcome = 2
	SyncSuppressed SyncOutcome = 3
)

// Snapshot is all that is kept of one record of a stream: its id and keyed prints of its contents (contract section 13: no contents, S4-5).
type Snapshot struct {
	Record  string      // its id, as the provider writes it
	Print   []byte      // keyed prints of it and of its fields; in a slice nil: as it is
	Seen    SyncRunID   // the latest run in which it came
	Walk    uint8       // of that run, the walk in which it came last
	Outcome SyncOutcome // what that run made of it
	Missed  int8        // complete runs in a row, since then, in which it was missing; MissedKept: nobody is asked about it any more
}

// MissedKept marks a record that is missing and that somebody has said is to be kept: until it comes again, it counts neither as known nor as missing.
const MissedKept = -1

// ChangeKind is what happened to a record of a linked account.
type ChangeKind string

// The kinds of changes: the last part of the events' names (S4-10…S4-15).
const (
	ChangeCreated ChangeKind = "created"
	ChangeUpdated ChangeKind = "updated"
	ChangeDeleted ChangeKind = "deleted"
)

// LinkedChange is a difference between what a stream has now and what it had: one event, and one signal if the stream emits them.
type LinkedChange struct {
	Kind   ChangeKind
	Record LinkedRecord // Changed names the fields, by name, of an update
	At     time.Time    // when it was found

	// Whom its signal is about, as far as its source says, which it cannot of what is gone. It is no part of what is kept of the record.
	Account AccountInput
	Contact ContactInput
}

// Event is the name of the event that the change is (S4-10…S4-15).
func (c *LinkedChange) Event() string {
	return c.Record.API + "_" + c.Record.Type + "." + string(c.Kind)
}
