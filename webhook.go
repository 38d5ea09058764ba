package signalbox

import (
	"strings"
	"time"
)

// Format is the shape of a webhook's bodies and of its vendor headers (contract section 12).
type Format string

// The formats. Stackone sends what happens to linked accounts and their records, under its own names (S4-9…S4-15); staircase sends notifications alone
// and subscribes to nothing.
const (
	FormatStairoids Format = "stairoids"
	FormatStandard  Format = "standard"
	FormatStackOne  Format = "stackone"
	FormatStaircase Format = "staircase"
)

// Formats lists them all.
func Formats() []Format {
	return []Format{FormatStairoids, FormatStandard, FormatStackOne, FormatStaircase}
}

// linkedAccount and account begin the name of the same event here and in the format stackone.
const (
	linkedAccount = "linked_account."
	account       = "account."
)

// EventName is what an event is called by the webhooks of a format; "" when the format does not send it.
func (f Format) EventName(event string) string {
	switch {
	case f == FormatStairoids || f == FormatStandard:
		return event
	case f != FormatStackOne:
		return ""
	case strings.HasPrefix(event, "hris_") || strings.HasPrefix(event, "ats_"):
		return event
	}
	if what, ok := strings.CutPrefix(event, linkedAccount); ok {
		return account + what
	}
	return ""
}

// SignatureFormat is a variant of a format's vendor signature; "" is the format's own.
type SignatureFormat string

// The variants: prefixed, of stairoids, writes X-Stairoids-Signature as sha256=<hex> (contradiction C1); secret_sha256, of staircase, sends the hash of
// the secret alone (C28), which whoever has seen one request can send too.
const (
	SignaturePrefixed SignatureFormat = "prefixed"
	SignatureHashed   SignatureFormat = "secret_sha256"
)

// WebhookKind says how events reach the receiver.
type WebhookKind string

// A push webhook is sent to; a pull webhook has no url and is read by its feed. What an automation sends goes through a webhook of its own, whose id has the
// number of the automation's: it subscribes to nothing, each of its deliveries says where it goes (Event.Request), and it is shown with the automation.
const (
	KindPush   WebhookKind = "push"
	KindPull   WebhookKind = "pull"
	KindAction WebhookKind = "action"
)

// DefaultMaxInFlight is how many requests one webhook gets at the same time unless set.
const DefaultMaxInFlight = 8

// Webhook is a registered receiver.
type Webhook struct {
	ID              WebhookID
	Workspace       WorkspaceID
	Kind            WebhookKind
	URL             string   // "" for a pull webhook
	Events          []string // names, "prefix.*" or "*"
	Label           string
	Description     string
	Format          Format
	SignatureFormat SignatureFormat
	SealedSecret    []byte
	SealedPrevious  []byte    // the secret before, while it signs too
	PreviousUntil   time.Time // until when it does, or did; zero: there was none
	VendorPrevious  bool      // until then the format's own header, which has room for one signature, is signed with it
	SealedKey       []byte    // the ed25519 key that signs as well; nil: none does
	SealedOldKey    []byte    // the key before, while the secret before signs too
	PublicKey       string    // of SealedKey, as Standard Webhooks writes it (whpk_…); "": none
	Filter          []byte    // which of the events that it names it takes, as JSON; nil: all of them
	SealedHeaders   []byte    // custom headers as a JSON object, sealed; nil for none
	HeaderNames     []string
	MaxInFlight     int
	RatePerSecond   int             // requests in a second at most; 0: as many as it takes
	RetrySchedule   []time.Duration // the wait after each failed attempt that counts; nil: the server's own (S1-35…S1-39); empty: none
	Enabled         bool
	DisabledReason  string // "" while enabled
	Temporary       bool   // goes with its last reader
	LastReadAt      time.Time
	Revision        int64 // grows with each change
	CreatedAt       time.Time
	UpdatedAt       time.Time
}

// PreviousSigns says whether the secret before the present one still signs.
func (w *Webhook) PreviousSigns(at time.Time) bool {
	return len(w.SealedPrevious) > 0 && at.Before(w.PreviousUntil)
}

// Event is something that happened here, with its bytes frozen for each format that a subscribed webhook has.
type Event struct {
	ID        EventID
	Workspace WorkspaceID
	Name      string // "signal.created"
	Signal    SignalID
	Account   AccountID
	Contact   ContactID
	Bodies    Bodies
	Request   *Request // of what an automation sends: where it goes; nil: to the webhook
	CausedTo  int64    // its deliveries lie in (ID, CausedTo]
	Test      bool
	CreatedAt time.Time
}

// EventActionTriggered is the name of an event that an automation's action makes, and what its body calls itself unless the action has a body of its own
// (S0-30). It goes where its Request says: nothing can subscribe to it, however wide its pattern is.
const EventActionTriggered = "automation.action_triggered"

// Request is where something goes that an automation sends, and how (contract section 10). Its body is the event's, in the format stairoids.
type Request struct {
	Type    ActionType `json:"type"`              // ActWebhook, ActSlack or ActEmail
	Method  string     `json:"method,omitempty"`  // of a webhook: POST, PUT or PATCH
	URL     string     `json:"url,omitempty"`     // of a webhook and of slack
	Headers []Header   `json:"headers,omitempty"` // of a webhook, beside those of every delivery
	Key     string     `json:"key"`               // sent as Idempotency-Key: the same at every attempt
	To      string     `json:"to,omitempty"`      // of an email, whose text is the body
	Subject string     `json:"subject,omitempty"`
}

// size is how many bytes of memory it takes, about; nil: none.
func (r *Request) size() int {
	if r == nil {
		return 0
	}
	n := len(r.URL) + len(r.Key) + len(r.To) + len(r.Subject)
	for i := range r.Headers {
		n += len(r.Headers[i].Name) + len(r.Headers[i].Sealed)
	}
	return n
}

// Target is where it goes, for people who may see deliveries: whoever has the whole address of a Slack webhook can post there, so only its host is shown.
func (r *Request) Target() string {
	switch r.Type {
	case ActEmail:
		return "mailto:" + r.To
	case ActSlack:
		scheme, rest, _ := strings.Cut(r.URL, "://")
		host, _, _ := strings.Cut(rest, "/")
		return scheme + "://" + host + "/[hidden]"
	}
	return r.URL
}

// Bodies are an event's frozen bytes by format; nil where no webhook of that format takes the event.
type Bodies struct {
	Stairoids []byte
	Standard  []byte
	Vendor    []byte // in the format of the product that the event is known from: stackone or staircase, and no event is known from both
}

// of is where the bytes of a format are.
func (b *Bodies) of(f Format) *[]byte {
	switch f {
	case FormatStairoids:
		return &b.Stairoids
	case FormatStandard:
		return &b.Standard
	}
	return &b.Vendor
}

// Of returns the bytes for a format.
func (b Bodies) Of(f Format) []byte { return *b.of(f) }

// Set freezes the bytes for a format.
func (b *Bodies) Set(f Format, body []byte) { *b.of(f) = body }

// DeliveryState is where a delivery stands; docs/states.md draws the transitions.
type DeliveryState uint8

// The states of a delivery. Pending and Retrying are open, the others final until somebody retries by hand.
const (
	Pending   DeliveryState = 1 // no attempt has ended yet
	Retrying  DeliveryState = 2 // at least one attempt failed, another is due
	Delivered DeliveryState = 3 // a 2xx answer, or read by a pull webhook's reader
	Failed    DeliveryState = 4 // no attempts are left; kept, can be retried
	Skipped   DeliveryState = 5 // never sent, with the reason; kept, can be retried
)

// deliveryStates are the words of the wire, by state.
var deliveryStates = [...]string{Pending: "pending", Retrying: "retrying", Delivered: "delivered", Failed: "failed", Skipped: "skipped"}

func (s DeliveryState) String() string {
	if int(s) < len(deliveryStates) && deliveryStates[s] != "" {
		return deliveryStates[s]
	}
	return "unknown"
}

// ParseDeliveryState reads a state's word.
func ParseDeliveryState(word string) (DeliveryState, bool) {
	for s, w := range deliveryStates {
		if w == word && w != "" {
			return DeliveryState(s), true
		}
	}
	return 0, false
}

// Open says whether an attempt may still come by itself.
func (s DeliveryState) Open() bool { return s == Pending || s == Retrying }

// The reasons that a delivery's state is what it is, beside those that retry gives.
const (
	ReasonDisabled = "webhook_disabled" // skipped: the webhook was disabled when the event was made
	ReasonDeleted  = "webhook_deleted"  // failed: the webhook was deleted before it was sent
	ReasonExpired  = "expired"          // failed: its event was past retention when it came due
	ReasonPull     = "pull"             // pending: waits to be read
	ReasonRead     = "read"             // delivered: the feed's reader came back for more
	ReasonErased   = "erased"           // failed: the record that its event is about was erased
	ReasonManual   = "manual_retry"     // retrying: an attempt was asked for by hand
	ReasonNoMail   = "no_mail_server"   // skipped: it is an e-mail, and no mail server is named (--smtp-url)
	ReasonRestored = "restored"         // skipped: it was still to be sent when a backup was restored that is to send nothing by itself
)

// Delivery is one event for one webhook.
type Delivery struct {
	ID        DeliveryID
	Workspace WorkspaceID
	Webhook   WebhookID
	Event     EventID
	EventName string
	State     DeliveryState
	Reason    string
	Attempts  int       // attempts that counted
	DueAt     time.Time // of the next attempt; zero when there is none
	Manual    *Resume   // not nil: the next attempt was asked for by hand
	Test      bool      // a test call: one attempt, never retried
	CreatedAt time.Time
	DoneAt    time.Time // zero while open
}

// Born is the delivery of an event to one webhook as it begins: due now, waiting to be read, or kept because the webhook is disabled.
func Born(w *Webhook, e *Event, id DeliveryID, now time.Time) Delivery {
	d := Delivery{ID: id, Workspace: e.Workspace, Webhook: w.ID, Event: e.ID, EventName: e.Name, State: Pending, CreatedAt: now}
	switch {
	case !w.Enabled:
		d.State, d.Reason, d.DoneAt = Skipped, ReasonDisabled, now
	case w.Kind == KindPull:
		d.Reason = ReasonPull
	default:
		d.DueAt = now
	}
	return d
}

// Resume is what a delivery goes back to when an attempt asked for by hand fails: the schedule is unchanged (contract section 12).
type Resume struct {
	State  DeliveryState
	Reason string
	DueAt  time.Time // zero: none
}

// Attempt is one HTTP request of a delivery.
type Attempt struct {
	ID         AttemptID
	Workspace  WorkspaceID
	Delivery   DeliveryID
	At         time.Time
	Duration   time.Duration
	DNS        time.Duration
	Connect    time.Duration
	TLS        time.Duration
	FirstByte  time.Duration
	RemoteAddr string
	StatusCode int    // 0: no answer
	Error      string // why there was no answer that counts, "" on a 2xx
	Headers    []byte // response headers as a JSON object, nil without an answer
	Body       []byte // the first 16 KiB of the answer
	Truncated  bool
	Manual     bool
}

// Delivered says whether the attempt brought a whole answer that counts: any 2xx.
func (a *Attempt) Delivered() bool { return a.StatusCode/100 == 2 && a.Error == "" }
