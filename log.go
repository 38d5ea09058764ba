package signalbox

import "time"

// LogOutcome is what became of a request that is in the log.
type LogOutcome uint8

// The outcomes of the log.
const (
	LogAccepted  LogOutcome = 1 // a signal was taken whole
	LogDuplicate LogOutcome = 2 // its idempotency key had been answered before
	LogRefused   LogOutcome = 3 // nothing came of it
	LogIgnored   LogOutcome = 4 // it was taken, and fields that nobody knows were passed over
)

// logOutcomes are the words of the wire, by outcome.
var logOutcomes = [...]string{LogAccepted: "accepted", LogDuplicate: "duplicate", LogRefused: "refused", LogIgnored: "ignored_fields"}

func (o LogOutcome) String() string {
	if int(o) < len(logOutcomes) && logOutcomes[o] != "" {
		return logOutcomes[o]
	}
	return "unknown"
}

// ParseLogOutcome reads an outcome's word.
func ParseLogOutcome(word string) (LogOutcome, bool) {
	for o, w := range logOutcomes {
		if w == word && w != "" {
			return LogOutcome(o), true
		}
	}
	return 0, false
}

// LogRow says what became of a request: of every signal, and of whatever else was refused. Of a signal that was taken whole only
// the signal is kept, so that Request, Operation and what else tells of the request are empty there.
type LogRow struct {
	ID        int64 // the signal's, if one was taken with this request; else of its own. It grows with time
	Workspace WorkspaceID
	Request   RequestID
	At        time.Time
	Outcome   LogOutcome
	Operation string
	Method    string
	Path      string
	Status    int    // of HTTP; 0 where only the signal is kept
	Code      string // of the refusal, as the caller got it
	Message   string
	Param     string
	Ignored   []string // fields that nobody knows, dotted
	Signal    SignalID
	Type      string
	Source    string
	Domain    string // of the company, normalised where it can be
	Email     string // of the person, likewise
	Key       KeyID
	KeyName   string
	Took      time.Duration
	Count     int // how many requests the row stands for: in a flood one stands for many
}

// LogOf is a signal that was taken whole as a row of the log.
func LogOf(s *SignalView) LogRow {
	l := LogRow{ID: int64(s.ID), Workspace: s.Workspace, At: s.CreatedAt, Outcome: LogAccepted, Signal: s.ID, Type: s.Type, Source: s.Source, Count: 1}
	if s.AccountRow != nil {
		l.Domain = s.AccountRow.Domain
	}
	if s.ContactRow != nil {
		l.Email = s.ContactRow.Email
	}
	return l
}

// LogFilter narrows the log; zero fields do not.
type LogFilter struct {
	Signal   SignalID
	Domain   string // normalised
	Account  AccountID
	Outcome  LogOutcome
	From, To time.Time // inclusive
	Query    string    // a part of what a row says, without regard to case
}
