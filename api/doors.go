package api

import (
	"context"
	"net/http"
	"time"

	"signalbox"
)

// Authenticator knows API keys.
type Authenticator interface {
	// Authenticate returns the live key that text is. A refusal is a *signalbox.Error Unauthorized.
	Authenticate(ctx context.Context, text string, now time.Time) (signalbox.APIKey, error)
	// Forget is called after a key was changed or revoked.
	Forget()
}

// Signals takes signals in: it answers after they are durable with all they cause.
type Signals interface {
	Submit(ctx context.Context, ws signalbox.WorkspaceID, key signalbox.KeyID, in signalbox.SignalInput) (signalbox.Receipt, error)
	// Room returns nil, or the refusal that so many more signals would get now, so that they need not be read.
	Room(ws signalbox.WorkspaceID, signals int) error
	SubmitBatch(ctx context.Context, ws signalbox.WorkspaceID, key signalbox.KeyID, in []signalbox.SignalInput) ([]signalbox.Verdict, error)
	// TryBatch says what SubmitBatch would answer now, and changes nothing.
	TryBatch(ctx context.Context, ws signalbox.WorkspaceID, key signalbox.KeyID, in []signalbox.SignalInput) ([]signalbox.Verdict, error)
}

// Imports makes and changes many records at once, each on its own. dry says what would come of them now, and changes nothing.
type Imports interface {
	ImportAccounts(ctx context.Context, ws signalbox.WorkspaceID, rows []signalbox.AccountRow, dry bool) ([]signalbox.RowVerdict, error)
	ImportContacts(ctx context.Context, ws signalbox.WorkspaceID, rows []signalbox.ContactRow, dry bool) ([]signalbox.RowVerdict, error)
	// UndoRows takes back what an import did to records; each that somebody else has touched since is left alone, and says why.
	UndoRows(ctx context.Context, ws signalbox.WorkspaceID, rows []signalbox.ImportedRow) ([]signalbox.UndoneRow, error)
}

// Acts are what people do to records by hand.
type Acts interface {
	// Refit qualifies a record anew, by what its last signal says.
	Refit(ctx context.Context, ws signalbox.WorkspaceID, of signalbox.EntityID) error
	// Qualify qualifies the record of a stored signal now.
	Qualify(ctx context.Context, s *signalbox.Signal) (signalbox.Receipt, error)
	PatchAccount(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.AccountID, p signalbox.AccountPatch) (signalbox.Account, error)
	PatchContact(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.ContactID, p signalbox.ContactPatch) (signalbox.Contact, error)
	EraseAccount(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.AccountID) (signalbox.Job, error)
	EraseContact(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.ContactID) (signalbox.Job, error)
}

// Merges has records stand for others, and takes that back.
type Merges interface {
	// MergeRecords merges from into into. dry says what would come of it, and changes nothing.
	MergeRecords(ctx context.Context, ws signalbox.WorkspaceID, kind signalbox.RecordKind, from, into signalbox.EntityID, dry bool) (signalbox.Merge, error)
	AcceptMerge(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.MergeID) (signalbox.Merge, error)
	DismissMerge(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.MergeID) (signalbox.Merge, error)
	UndoMerge(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.MergeID) (signalbox.Merge, error)
}

// mergeActFunc is one of the acts on a merge that there is.
type mergeActFunc = func(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.MergeID) (signalbox.Merge, error)

// Sender is what the doors ask of the sending side.
type Sender interface {
	// Test sends a test delivery once, settles it, and returns the attempt and the headers that were sent.
	Test(ctx context.Context, w *signalbox.Webhook, r signalbox.Ready) (signalbox.Attempt, http.Header, error)
	// Lease is the lease under which this node sends at the moment; false: it cannot, come again.
	Lease() (signalbox.Lease, bool)
	// Changed is called after a webhook was changed or deleted.
	Changed(id signalbox.WebhookID)
}

// Arrivals tells when a pull webhook may have something new. It is only a wake-up: a lost one costs a short poll.
type Arrivals interface {
	// Wait returns when something may have arrived for id, or when ctx ends.
	Wait(ctx context.Context, id signalbox.WebhookID)
}

// Targets judges where webhooks may point.
type Targets interface {
	// CheckTarget refuses a URL; the error's text may be shown.
	CheckTarget(ctx context.Context, url string) error
}

// Store is the part of the database that the doors read and change themselves. A getter answers an unknown or foreign id with
// signalbox.NoSuch; next is what to pass as Page.Before for the rest of a list, 0 when there is none.
type Store interface {
	DefinitionStore
	WorkspaceStore
	KeyStore
	MemberStore
	AuditStore
	SignalStore
	AccountStore
	ContactStore
	RecordStore
	WebhookStore
	DeliveryStore
	FeedStore
	JobStore
	LogStore
	OverviewStore
	MergeStore
	ImportStore
}

// ImportStore keeps what imports did.
type ImportStore interface {
	Imports(ctx context.Context, ws signalbox.WorkspaceID, page signalbox.Page) (list []signalbox.Import, next int64, err error)
	Import(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.ImportID) (signalbox.Import, error)
	// ImportedRows answers what an import did to records of a kind with ids below before, the latest made first; none: that was all.
	ImportedRows(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.ImportID, kind signalbox.RecordKind, before signalbox.EntityID) ([]signalbox.ImportedRow, error)
	EndImport(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.ImportID, now time.Time) error
}

// MergeStore keeps merges.
type MergeStore interface {
	Merges(ctx context.Context, ws signalbox.WorkspaceID, f signalbox.MergeFilter, page signalbox.Page) (list []signalbox.Merge, next int64, err error)
	Merge(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.MergeID) (signalbox.Merge, error)
	// MergeViews reads what merges are shown with; blend works out what several records say together.
	MergeViews(ctx context.Context, ws signalbox.WorkspaceID, list []signalbox.Merge, blend func(...signalbox.Own) signalbox.Own) ([]signalbox.MergeView, error)
}

// DefinitionStore keeps what workspaces define beside webhooks.
type DefinitionStore interface {
	Definitions(ctx context.Context, ws signalbox.WorkspaceID) (*signalbox.Definitions, error)
	// Define has change say what becomes of one definition, given all that are in force; nil: nothing does.
	Define(ctx context.Context, ws signalbox.WorkspaceID, now time.Time, change func(*signalbox.Definitions) (*signalbox.Redefinition, error)) error
}

// WorkspaceStore keeps workspaces.
type WorkspaceStore interface {
	Workspace(ctx context.Context, id signalbox.WorkspaceID) (signalbox.Workspace, error)
	UpdateWorkspace(ctx context.Context, id signalbox.WorkspaceID, now time.Time, change func(*signalbox.Workspace) error) (signalbox.Workspace, error)
}

// KeyStore keeps API keys.
type KeyStore interface {
	CreateKey(ctx context.Context, key signalbox.APIKey) error
	Keys(ctx context.Context, ws signalbox.WorkspaceID, page signalbox.Page) (keys []signalbox.APIKey, next int64, err error)
	Key(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.KeyID) (signalbox.APIKey, error)
	UpdateKey(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.KeyID, change func(*signalbox.APIKey) error) (signalbox.APIKey, error)
	RevokeKey(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.KeyID, now time.Time) error
}

// MemberStore keeps members, their sessions and links.
type MemberStore interface {
	CreateMember(ctx context.Context, m signalbox.Member, invite *signalbox.Link) error
	Members(ctx context.Context, ws signalbox.WorkspaceID, page signalbox.Page) (list []signalbox.Member, next int64, err error)
	Member(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.MemberID) (signalbox.Member, error)
	MemberByEmail(ctx context.Context, email string) (signalbox.Member, error)
	UpdateMember(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.MemberID, now time.Time, change func(*signalbox.Member) error) (signalbox.Member, error)
	DeleteMember(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.MemberID) error
	// PutLink gives a member a link in place of the one before; its kind follows from whether the member has joined.
	PutLink(ctx context.Context, l signalbox.Link) (signalbox.Link, error)
	LinkByHash(ctx context.Context, hash [32]byte, now time.Time) (signalbox.Link, signalbox.Member, error)
	Sessions(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.MemberID, page signalbox.Page) (list []signalbox.Session, next int64, err error)
	DeleteSession(ctx context.Context, ws signalbox.WorkspaceID, member signalbox.MemberID, id signalbox.SessionID) error
}

// AuditStore keeps what was changed by whom. Each change's entry is written by the call that makes it, from the Act of its context.
type AuditStore interface {
	AuditLog(ctx context.Context, ws signalbox.WorkspaceID, f signalbox.AuditFilter, page signalbox.Page) (list []signalbox.AuditEntry, next int64, err error)
}

// SignalStore keeps signals.
type SignalStore interface {
	Signals(ctx context.Context, ws signalbox.WorkspaceID, f signalbox.SignalFilter, page signalbox.Page) (list []signalbox.SignalView, next signalbox.Place, err error)
	Signal(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.SignalID) (signalbox.SignalView, error)
	// TypeSignals answers signals of a type with ids below before (0: from the newest), the latest made first, erased ones too; none: these were all.
	TypeSignals(ctx context.Context, ws signalbox.WorkspaceID, typ signalbox.TypeID, before signalbox.SignalID) ([]signalbox.Signal, error)
}

// AccountStore keeps accounts.
type AccountStore interface {
	Accounts(ctx context.Context, ws signalbox.WorkspaceID, f signalbox.RecordFilter, page signalbox.Page) (list []signalbox.Account, next signalbox.Place, err error)
	Account(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.AccountID) (signalbox.Account, error)
}

// ContactStore keeps contacts.
type ContactStore interface {
	Contacts(ctx context.Context, ws signalbox.WorkspaceID, f signalbox.RecordFilter, page signalbox.Page) (list []signalbox.Contact, next signalbox.Place, err error)
	Contact(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.ContactID) (signalbox.Contact, error)
}

// RecordStore finds records by what they are known by, and what is kept of them between signals.
type RecordStore interface {
	FindRecord(ctx context.Context, key signalbox.RecordKey) (id signalbox.EntityID, found bool, err error)
	// Scored reads at most limit signals of a record and of all that is merged with it, the latest first.
	Scored(ctx context.Context, ws signalbox.WorkspaceID, kind signalbox.RecordKind, entity signalbox.EntityID, limit int) ([]signalbox.Scored, error)
	// States and Companies read many records at once; what is not there is left out. Companies answers what stands for an account that was merged.
	Leads(ctx context.Context, ws signalbox.WorkspaceID, page signalbox.Page) (list []signalbox.Lead, next signalbox.Place, err error)
	AudienceMembers(ctx context.Context, ws signalbox.WorkspaceID, of signalbox.AudienceID, page signalbox.Page) (list []signalbox.AudienceMember, next int64, err error)
	CountMembers(ctx context.Context, ws signalbox.WorkspaceID, of signalbox.AudienceID) (int64, error)
	// Qualifications answers what the qualifications of records came to; what was never qualified is left out.
	Qualifications(ctx context.Context, ws signalbox.WorkspaceID, ids []signalbox.EntityID) (map[signalbox.EntityID]signalbox.Fit, error)
	States(ctx context.Context, ws signalbox.WorkspaceID, ids []signalbox.EntityID) (map[signalbox.EntityID]signalbox.EntityState, error)
	Companies(ctx context.Context, ws signalbox.WorkspaceID, ids []signalbox.AccountID) (map[signalbox.AccountID]signalbox.Account, error)
}

// WebhookStore keeps webhooks.
type WebhookStore interface {
	CreateWebhook(ctx context.Context, w signalbox.Webhook) error
	Webhook(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.WebhookID) (signalbox.Webhook, error)
	WebhooksOf(ctx context.Context, ws signalbox.WorkspaceID, format signalbox.Format, page signalbox.Page) (list []signalbox.Webhook, total int, next int64, err error)
	UpdateWebhook(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.WebhookID, now time.Time, change func(*signalbox.Webhook) error) (signalbox.Webhook, error)
	DeleteWebhook(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.WebhookID, now time.Time, job signalbox.Job) error
}

// DeliveryStore keeps events, their deliveries and the attempts of those.
type DeliveryStore interface {
	Event(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.EventID) (signalbox.Event, []signalbox.Delivery, error)
	Caused(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.SignalID, page signalbox.Page) (list []signalbox.Delivery, next int64, err error)
	Deliveries(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.WebhookID, f signalbox.DeliveryFilter, page signalbox.Page) (list []signalbox.Delivery, next int64, err error)
	Delivery(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.DeliveryID) (signalbox.DeliveryView, error)
	RetryDelivery(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.DeliveryID, now time.Time) (signalbox.Delivery, error)
	InsertTest(ctx context.Context, e signalbox.Event, d signalbox.NewDelivery) error
	PreviewRecovery(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.WebhookID, r signalbox.Recovery) (signalbox.RecoveryPreview, error)
	CreateRecovery(ctx context.Context, j signalbox.Job, r signalbox.Recovery) error
}

// FeedStore reads a webhook's events in the order of their commits.
type FeedStore interface {
	Feed(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.WebhookID, after signalbox.DeliveryID, limit int) ([]signalbox.FeedItem, error)
	// AckFeed marks what a pull webhook's reader has read, up to and with upTo (0: nothing yet), and that a reader was here.
	AckFeed(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.WebhookID, upTo signalbox.DeliveryID, now time.Time) error
}

// JobStore keeps jobs.
type JobStore interface {
	Jobs(ctx context.Context, ws signalbox.WorkspaceID, page signalbox.Page) (list []signalbox.Job, next int64, err error)
	Job(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.JobID) (signalbox.Job, error)
	CancelJob(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.JobID, now time.Time) (signalbox.Job, error)
	// OpenJob is the job of a kind that goes on; the zero Job when none does.
	OpenJob(ctx context.Context, ws signalbox.WorkspaceID, kind signalbox.JobKind) (signalbox.Job, error)
	// ReplaceJob saves a rescoring in the place of one that goes on; act is what the audit log calls it.
	ReplaceJob(ctx context.Context, j *signalbox.Job, act string) error
}

// LogStore keeps the log.
type LogStore interface {
	Logs(ctx context.Context, ws signalbox.WorkspaceID, f signalbox.LogFilter, page signalbox.Page) (list []signalbox.LogRow, next int64, err error)
}

// OverviewStore says how a workspace and its webhooks fare.
type OverviewStore interface {
	Overview(ctx context.Context, ws signalbox.WorkspaceID, now time.Time) (signalbox.Overview, error)
	WebhookHealth(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.WebhookID, now time.Time) (signalbox.Health, error)
}

// Journal takes notes of requests for the log. Note never waits.
type Journal interface {
	Note(row signalbox.LogRow)
}

// Live shows what happens as it happens.
type Live interface {
	// Watch begins a view; after, unless it is 0, is the last thing that the client has seen. RateLimited when there are too many.
	Watch(ctx context.Context, ws signalbox.WorkspaceID, topics signalbox.LiveTopics, after int64) (View, error)
	// Changed says that a delivery was changed by hand.
	Changed(ws signalbox.WorkspaceID, id signalbox.DeliveryID)
}

// View is what one client watches; it is closed by whoever began it.
type View interface {
	// Next waits for events, or new stats (else nil). An error is ctx's, or says that nothing comes any more.
	Next(ctx context.Context) ([]signalbox.LiveEvent, *signalbox.LiveStats, error)
	Close()
}

// Scores says where records stand, by the definitions in force.
type Scores interface {
	// Standing is where a record stands at a moment: of its own state and those of all that is merged into it.
	Standing(ctx context.Context, ws signalbox.WorkspaceID, kind signalbox.RecordKind, at time.Time, states ...signalbox.EntityState) (signalbox.Standing, error)
	// Preview says who would move by another scoring at a moment. read answers signals with whom they are about, slice after slice; none: these were all.
	Preview(ctx context.Context, ws signalbox.WorkspaceID, to *signalbox.Scoring, at time.Time, read func() ([]signalbox.SignalView, error)) (signalbox.ScoringPreview, error)
	// Together refuses definitions whose conditions together would keep too much of a record.
	Together(d *signalbox.Definitions) error
	// Explain says what a score is made of at a moment, and where that puts the record: the most largest contributions of signals, and one rest.
	Explain(ctx context.Context, ws signalbox.WorkspaceID, kind signalbox.RecordKind, signals []signalbox.Scored, at time.Time, most int) (signalbox.Standing, signalbox.Explanation, error)
	// History says where a record stood at several moments, which ascend.
	History(ctx context.Context, ws signalbox.WorkspaceID, kind signalbox.RecordKind, signals []signalbox.Scored, at []time.Time) (signalbox.ScoreHistory, error)
}

// Automations says why automations and notifications are started.
type Automations interface {
	// Why says clause by clause why a stored signal starts one, or does not, by the definitions in force; fires says which. NoSuch when there is none of that id.
	Why(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.AutomationID, q *signalbox.Asked) (fires bool, reasons []signalbox.Reason, err error)
}
