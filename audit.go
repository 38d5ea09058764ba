package signalbox

import (
	"context"
	"encoding/json"
	"reflect"
	"time"
)

// ActorType is what kind of one made a change.
type ActorType string

// The kinds of actors.
const (
	ActorMember ActorType = "member"
	ActorKey    ActorType = "api_key"
	ActorSystem ActorType = "system" // the program itself, or whoever owns its database
)

// Actor is who makes a change.
type Actor struct {
	Type ActorType
	ID   int64  // a MemberID or a KeyID; 0: neither
	Name string // as it was at the time
}

// Act is a change being made: by whom, and for which request. It goes with the context of a call that changes something, and whoever saves the change
// writes the audit log's entry in the same transaction. Without an Act nothing is written: what follows from signals and time is no act.
type Act struct {
	Entry   AuditID // the id of the entry that it makes: an Act is good for one change
	Actor   Actor
	Request RequestID // 0: no request
	At      time.Time
}

type actKey struct{}

// WithAct says by whom a call's change is made.
func WithAct(ctx context.Context, act Act) context.Context {
	return context.WithValue(ctx, actKey{}, act)
}

// ActOf returns the Act of a call; false: the change is nobody's.
func ActOf(ctx context.Context) (Act, bool) {
	act, ok := ctx.Value(actKey{}).(Act)
	return act, ok
}

// Subject is what a change is about.
type Subject struct {
	Type string // the word of its kind: "webhook"
	ID   int64
	Name string // as it was at the time; "" for one who was erased
}

// subjectKinds are the prefixes of subjects' ids.
var subjectKinds = map[string]Kind{
	"account": KindAccount, "contact": KindContact, "webhook": KindWebhook, "api_key": KindKey, "member": KindMember, "session": KindSession,
	"workspace": KindWorkspace, "job": KindJob, "delivery": KindDelivery, "event": KindEvent,
	"merge": KindMerge, "import": KindImport, "signal": KindSignal, "audience": KindAudience, "scoring": KindWorkspace,
	"linked_account": KindLinked, "stream": KindStream, "sync_run": KindSyncRun,
	"icp": KindICP, "persona": KindPersona, "signal_type": KindType,
}

// Kind is the prefix of the subject's id; "" for a subject without one.
func (s Subject) Kind() Kind { return subjectKinds[s.Type] }

// AuditEntry tells of one change.
type AuditEntry struct {
	ID        AuditID
	Workspace WorkspaceID
	At        time.Time
	Actor     Actor
	Action    string // what was changed, and how: "webhook.updated"
	Subject   Subject
	Before    []byte // a JSON object of what changed, as it was; nil: it was not there
	After     []byte // a JSON object of what changed, as it is; nil: it is no more
	Request   RequestID
}

// AuditFilter narrows the audit log; zero fields do not.
type AuditFilter struct {
	Actor    int64  // the id of a member or an API key
	Action   string // a whole action, or what stands before its dot
	Subject  int64
	From, To time.Time // at, inclusive
}

// AuditDays is how long the audit log is kept.
const AuditDays = 365

// Facts are what the audit log may say of a thing: its members by their names in JSON. A secret is never one of them.
type Facts map[string]any

// Diff returns what differs between two states of a thing, as JSON objects; nil for a state that is nil. When both are nil, nothing was changed.
func Diff(before, after Facts) (was, is []byte) {
	if before == nil || after == nil {
		return before.encode(), after.encode()
	}
	old, changed := Facts{}, Facts{}
	for name, value := range after {
		if !reflect.DeepEqual(before[name], value) {
			old[name], changed[name] = before[name], value
		}
	}
	if len(changed) == 0 {
		return nil, nil
	}
	return old.encode(), changed.encode()
}

func (f Facts) encode() []byte {
	if f == nil {
		return nil
	}
	text, err := json.Marshal(f)
	if err != nil {
		panic(err) // not reachable: facts are texts, numbers, lists and JSON that was checked
	}
	return text
}

// rawOrNull are bytes of JSON, null for none.
func rawOrNull(object []byte) any {
	if object == nil {
		return nil
	}
	return json.RawMessage(object)
}

// momentOrNull is a time as the audit log writes it, null for none.
func momentOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Truncate(time.Millisecond).Format("2006-01-02T15:04:05.000Z07:00")
}

// Facts are what the audit log says of an account.
func (a *Account) Facts() Facts {
	return Facts{"domain": a.Domain, "name": a.Name, "status": a.Status, "attributes": rawOrNull(a.Attributes)}
}

// Facts are what the audit log says of a contact.
func (c *Contact) Facts() Facts {
	return Facts{
		"email": c.Email, "first_name": c.FirstName, "last_name": c.LastName, "title": c.Title, "linkedin_url": c.LinkedInURL,
		"attributes": rawOrNull(c.Attributes),
	}
}

// Facts are what the audit log says of a webhook: header_names, but no header's value.
func (w *Webhook) Facts() Facts {
	return Facts{
		"kind": string(w.Kind), "url": w.URL, "events": nonNil(w.Events), "label": w.Label, "description": w.Description, "format": string(w.Format),
		"signature_format": string(w.SignatureFormat), "header_names": nonNil(w.HeaderNames), "max_in_flight": w.MaxInFlight, "enabled": w.Enabled,
		"rate_per_second": w.RatePerSecond, "retry_schedule": secondsOf(w.RetrySchedule),
		"disabled_reason": w.DisabledReason, "temporary": w.Temporary, "previous_secret_until": timeOrNull(w.PreviousUntil),
		"previous_secret_signs_format_header": w.VendorPrevious, "public_key": w.PublicKey,
		"filter": rawOrNull(w.Filter),
	}
}

func timeOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

// secondsOf is a schedule as the API writes it; null for the server's own.
func secondsOf(schedule []time.Duration) any {
	if schedule == nil {
		return nil
	}
	seconds := make([]int64, len(schedule))
	for i, wait := range schedule {
		seconds[i] = int64(wait / time.Second)
	}
	return seconds
}

// Title is how the audit log names a webhook.
func (w *Webhook) Title() string {
	switch {
	case w.Label != "":
		return w.Label
	case w.URL != "":
		return w.URL
	}
	return "pull webhook"
}

// Facts are what the audit log says of an API key.
func (k *APIKey) Facts() Facts {
	return Facts{"name": k.Name, "scope": string(k.Scope), "hint": k.Hint, "expires_at": momentOrNull(k.ExpiresAt), "revoked_at": momentOrNull(k.RevokedAt)}
}

// Facts are what the audit log says of a workspace.
func (w *Workspace) Facts() Facts {
	rate := func(r Rate) map[string]int { return map[string]int{"per_minute": r.PerMinute, "per_day": r.PerDay} }
	aliases := w.Aliases
	if aliases == nil {
		aliases = map[string]string{}
	}
	return Facts{
		"name": w.Name, "timezone": w.Timezone, "require_identity": w.RequireIdentity,
		"limits":            map[string]any{"workspace": rate(w.Limits.Workspace), "key": rate(w.Limits.Key), "captures": rate(w.Limits.CaptureRate()), "requests": rate(w.Limits.Requests)},
		"retention":         map[string]int{"signal_days": w.Retention.SignalDays, "event_days": w.Retention.EventDays},
		"mailbox_providers": map[string][]string{"added": nonNil(w.MailboxProviders.Added), "removed": nonNil(w.MailboxProviders.Removed)},
		"aliases":           aliases,
	}
}

// Facts are what the audit log says of a member.
func (m *Member) Facts() Facts {
	return Facts{"email": m.Email, "name": m.Name, "role": string(m.Role), "status": m.Status()}
}

// nonNil makes a list that JSON writes as [].
func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
