package intake

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"signalbox"
	"signalbox/decide"
	"signalbox/internal/fault"

	"golang.org/x/sync/singleflight"
)

// Store saves what was decided.
type Store interface {
	// Decide runs one deciding transaction: prepare is called when it begins and says what to read; decide gets that, and its
	// Decision is saved. It returns after the commit; an error means that nothing was saved. A database that several programs share may run
	// both again: the last run counts.
	Decide(ctx context.Context, prepare func() signalbox.Need, decide func(*signalbox.Situation) (*signalbox.Decision, error)) error
	// Definitions reads the definitions of a workspace that are in force.
	Definitions(ctx context.Context, ws signalbox.WorkspaceID) (*signalbox.Definitions, error)
	// DefinitionsVersion is the version of those.
	DefinitionsVersion(ctx context.Context, ws signalbox.WorkspaceID) (int64, error)
	// LastSignal is the last signal of a record; nil when it has none, or that one was erased.
	LastSignal(ctx context.Context, ws signalbox.WorkspaceID, of signalbox.EntityID) (*signalbox.Signal, error)
	// WhileAway has a function called again and again for as long as nobody can be answered, with the reason as an Unavailable error.
	WhileAway(func(error))
}

// Sender takes deliveries from memory to their receivers.
type Sender interface {
	// Reserve asks for room for n deliveries with bodies of so many bytes; false: they must be found in the table.
	Reserve(w *signalbox.Webhook, n, bytes int) (signalbox.Lease, bool)
	// Unreserve gives room back when the deliveries were not saved.
	Unreserve(w *signalbox.Webhook, n, bytes int)
	// Send takes deliveries over that are saved, leased to this node and have their room.
	Send(w *signalbox.Webhook, ready []signalbox.Ready)
}

// Waker is told what a commit has made; losing a call costs a poll, nothing else.
type Waker interface {
	Due(at time.Time)                          // a due row was written
	Arrived(webhook signalbox.WebhookID)       // a pull webhook has something to read
	Committed(signals int, took time.Duration) // for the metrics
}

// Config is what an Intake works with.
type Config struct {
	Store  Store
	Sender Sender
	Waker  Waker
	IDs    decide.IDs
	Codec  *signalbox.Codec
	Now    func() time.Time // nil: the clock
	Log    *slog.Logger

	// Committers is how many turns may be decided at once, of different workspaces; 0: one. More pay where a commit is waited for elsewhere.
	Committers int
	// Alone has a turn hold one workspace, so that its transaction touches one shard of a distributed database.
	Alone bool
}

// twinWaits is how long a signal waits for an earlier one with the same idempotency key (contract section 3).
const twinWaits = 5 * time.Second

// Intake is where every input joins the next turn. Safe for concurrent use; Run must be running for anything to be answered.
type Intake struct {
	cfg   Config
	queue *queue

	complained atomic.Int64 // the Unix second of the last complaint about turns that were not saved

	mu       sync.RWMutex
	compiled map[signalbox.WorkspaceID]*decide.Compiled
	first    singleflight.Group // compiling what is not in compiled, by workspace

	dry chan struct{} // holds one token: a dry run takes the database's turn, so there is one at a time
}

// New makes an intake; Run starts it.
func New(cfg Config) *Intake {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.Committers = max(cfg.Committers, 1)
	i := &Intake{cfg: cfg, queue: newQueue(cfg.Alone), compiled: map[signalbox.WorkspaceID]*decide.Compiled{}, dry: make(chan struct{}, 1)}
	cfg.Store.WhileAway(func(err error) { i.refuse(i.queue.leave(), err) })
	return i
}

// Submit has one signal decided and saved with all its consequences, and returns its answer after the commit.
//
// Errors: those of the signal itself (Invalid, IdempotencyMismatch, RateLimited), Overloaded when too much waits, InProgress when
// an earlier signal with the same key has no answer for 5 s, Unavailable when the database cannot save, Internal when deciding
// this signal panicked, and ctx's. After ctx's error the signal may have been stored or not: the same idempotency key tells.
func (i *Intake) Submit(ctx context.Context, ws signalbox.WorkspaceID, key signalbox.KeyID, in signalbox.SignalInput) (signalbox.Receipt, error) {
	out, err := i.one(ctx, decide.Input{Workspace: ws, APIKey: key, Signal: &in})
	return out.Receipt, err
}

// Qualify qualifies the record of a stored signal now: one that was held, or one that is to be judged anew.
func (i *Intake) Qualify(ctx context.Context, s *signalbox.Signal) (signalbox.Receipt, error) {
	out, err := i.one(ctx, decide.Input{Workspace: s.Workspace, Act: actOf(ctx), Qualify: s})
	return out.Receipt, err
}

// PatchAccount changes an account as a person asked.
func (i *Intake) PatchAccount(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.AccountID, p signalbox.AccountPatch) (signalbox.Account, error) {
	out, err := i.one(ctx, decide.Input{Workspace: ws, Act: actOf(ctx), Account: &decide.AccountAct{ID: id, Patch: p}})
	if err != nil {
		return signalbox.Account{}, err
	}
	return *out.Account, nil
}

// PatchContact changes a contact as a person asked.
func (i *Intake) PatchContact(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.ContactID, p signalbox.ContactPatch) (signalbox.Contact, error) {
	out, err := i.one(ctx, decide.Input{Workspace: ws, Act: actOf(ctx), Contact: &decide.ContactAct{ID: id, Patch: p}})
	if err != nil {
		return signalbox.Contact{}, err
	}
	return *out.Contact, nil
}

// EraseAccount takes an account out of sight and its name out of use at once, and returns the job that removes the rest.
func (i *Intake) EraseAccount(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.AccountID) (signalbox.Job, error) {
	return i.job(ctx, decide.Input{Workspace: ws, Act: actOf(ctx), Account: &decide.AccountAct{ID: id, Erase: true}})
}

// EraseContact takes a contact out of sight and its keys out of use at once, and returns the job that removes the rest.
func (i *Intake) EraseContact(ctx context.Context, ws signalbox.WorkspaceID, id signalbox.ContactID) (signalbox.Job, error) {
	return i.job(ctx, decide.Input{Workspace: ws, Act: actOf(ctx), Contact: &decide.ContactAct{ID: id, Erase: true}})
}

// actOf is by whom a call's change is made, nil when it is nobody's.
func actOf(ctx context.Context) *signalbox.Act {
	act, ok := signalbox.ActOf(ctx)
	if !ok {
		return nil
	}
	return &act
}

func (i *Intake) job(ctx context.Context, in decide.Input) (signalbox.Job, error) {
	out, err := i.one(ctx, in)
	if err != nil {
		return signalbox.Job{}, err
	}
	return *out.Job, nil
}

// Room returns nil, or the Overloaded that so many more signals of the workspace would get now: a door need not read what it would
// refuse.
func (i *Intake) Room(ws signalbox.WorkspaceID, signals int) error {
	return i.queue.room(ws, signals, signals*inputOverhead)
}

// one lets one input wait for its turn.
func (i *Intake) one(ctx context.Context, in decide.Input) (decide.Outcome, error) {
	by, err := i.preparer(ctx, in.Workspace)
	if err != nil {
		return decide.Outcome{}, err
	}
	p, err := by.prepare(ctx, in)
	if err != nil {
		return decide.Outcome{}, err
	}
	w := &waiting{Prepared: p, bytes: sizeOf(in), ticket: newTicket(1)}
	twin, err := i.queue.put([]*waiting{w})
	if err != nil {
		return decide.Outcome{}, err
	}
	if err := i.await(ctx, w.ticket, twin); err != nil {
		return decide.Outcome{}, err
	}
	return w.outcome, w.outcome.Err
}

// await waits for the outcome; one that has a twin in flight gives up after twinWaits.
func (i *Intake) await(ctx context.Context, t *ticket, twin bool) error {
	var late <-chan time.Time
	if twin {
		timer := time.NewTimer(twinWaits)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-t.done:
		return nil
	case <-late:
		return &signalbox.Error{Code: signalbox.InProgress, RetryAfter: time.Second, Msg: "an earlier request with this idempotency key has no answer yet; send again"}
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Waiting returns how many inputs, and how many bytes of them, wait for a turn.
func (i *Intake) Waiting() (inputs, bytes int) { return i.queue.waitingNow() }

// Run commits turns until ctx ends, then those that still wait, and returns.
func (i *Intake) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, i.queue.close)
	defer stop()
	last := context.WithoutCancel(ctx)
	var committers sync.WaitGroup
	for range i.cfg.Committers {
		committers.Go(func() {
			for t := i.queue.wait(ctx); t != nil; t = i.queue.wait(ctx) {
				i.run(last, t)
			}
		})
	}
	committers.Wait()
	i.queue.close()
	for t := i.queue.begin(); t != nil; t = i.queue.begin() {
		i.run(last, t)
	}
	return nil
}

// run commits a turn, which takes more inputs until the store begins with it.
func (i *Intake) run(ctx context.Context, t *turn) {
	i.commit(ctx, t.inputs, func() []*waiting {
		i.queue.more(t)
		return t.inputs
	})
	i.queue.end(t)
}

// commit has inputs decided and saved together, and answers them. more, unless it is nil, says what has joined them when the store begins.
func (i *Intake) commit(ctx context.Context, turn []*waiting, more func() []*waiting) {
	var decision *signalbox.Decision
	var outcomes []decide.Outcome
	var inputs []decide.Prepared
	var held reservations
	begin := time.Now()
	err := i.cfg.Store.Decide(ctx,
		func() signalbox.Need {
			if more != nil {
				turn, more = more(), nil // a second run is of the same inputs: the first one's may be answered by position
			}
			inputs = inputsOf(turn)
			return decide.Need(inputs)
		},
		func(s *signalbox.Situation) (d *signalbox.Decision, err error) {
			// One clock reading per turn; microseconds are as fine as the store keeps.
			now := i.cfg.Now().UTC().Truncate(time.Microsecond)
			d, outcomes, err = decide.Turn(s, inputs, decide.Env{Now: now, IDs: i.cfg.IDs, Codec: i.cfg.Codec})
			if err != nil {
				return nil, err
			}
			decision = d
			held.giveBack(i.cfg.Sender) // of a run that the database took back
			held = i.reserve(turn, outcomes, d)
			if fault.Err("intake.ack_before_commit") != nil { // the wrong program that the crash harness must catch
				i.answer(turn, outcomes)
				turn = nil
			}
			return d, nil
		})
	if err != nil {
		held.giveBack(i.cfg.Sender)
		i.failed(ctx, turn, err)
		return
	}
	fault.Point("intake.after_commit")
	held.send(i.cfg.Sender)
	i.learn(turn, decision)
	i.answer(turn, outcomes)
	i.wake(decision, begin)
}

// failed deals with a turn that was not saved: without the input that panicked it runs again, halves of it are tried apart when
// something in it cannot be saved, and what is left is answered with the error.
func (i *Intake) failed(ctx context.Context, turn []*waiting, err error) {
	var poison *decide.Poison
	switch {
	case errors.As(err, &poison):
		w := turn[poison.Input]
		i.poisoned(ctx, w.Workspace, poison)
		i.refuse([]*waiting{w}, errPoisoned(poison))
		if rest := append(turn[:poison.Input:poison.Input], turn[poison.Input+1:]...); len(rest) > 0 {
			i.commit(ctx, rest, nil)
		}
	case signalbox.CodeOf(err) != signalbox.Internal || len(turn) <= 1:
		i.cfg.Log.Log(ctx, i.loudness(), "intake.not_saved", "inputs", len(turn), "err", err)
		i.refuse(turn, err)
	default:
		i.cfg.Log.WarnContext(ctx, "intake.halved", "inputs", len(turn), "err", err)
		i.commit(ctx, turn[:len(turn)/2], nil)
		i.commit(ctx, turn[len(turn)/2:], nil)
	}
}

// poisoned logs an input whose deciding panicked.
func (i *Intake) poisoned(ctx context.Context, ws signalbox.WorkspaceID, p *decide.Poison) {
	i.cfg.Log.ErrorContext(ctx, "intake.poison", "workspace", ws, "panic", p.Value, "stack", string(p.Stack))
}

// errPoisoned is the answer to it.
func errPoisoned(p *decide.Poison) error {
	return &signalbox.Error{Code: signalbox.Internal, Msg: "deciding this failed; nothing of it was stored", Err: p}
}

// loudness is an error's once a second, and debug's for its repeats: a full disk fails every turn.
func (i *Intake) loudness() slog.Level {
	now := time.Now().Unix()
	if i.complained.Swap(now) == now {
		return slog.LevelDebug
	}
	return slog.LevelError
}

// refuse answers inputs with an error.
func (i *Intake) refuse(list []*waiting, err error) {
	for _, w := range list {
		w.outcome = decide.Outcome{Err: err}
	}
	i.queue.answered(list)
}

// answer gives every input its outcome; those that were prepared under older definitions are prepared again and wait on, and so do those whose
// workspace somebody else had.
func (i *Intake) answer(turn []*waiting, outcomes []decide.Outcome) {
	fault.Point("intake.before_answer")
	var stale, busy []*waiting
	done := make([]*waiting, 0, len(turn))
	for n, w := range turn {
		switch {
		case outcomes[n].Busy:
			busy = append(busy, w)
		case outcomes[n].Stale:
			stale = append(stale, w)
		default:
			w.outcome = outcomes[n]
			done = append(done, w)
		}
	}
	i.queue.answered(done)
	i.queue.putBack(busy, true)
	if len(stale) > 0 {
		i.again(stale)
	}
}

func newTicket(n int) *ticket {
	t := &ticket{done: make(chan struct{})}
	t.left.Store(int32(n))
	return t
}

func inputsOf(turn []*waiting) []decide.Prepared {
	list := make([]decide.Prepared, len(turn))
	for n, w := range turn {
		list[n] = w.Prepared
	}
	return list
}

// sizeOf is about how much memory an input holds while it waits.
func sizeOf(in decide.Input) int {
	switch {
	case in.Signal != nil:
		return inputOverhead + len(in.Signal.Properties) + len(in.Signal.Account.Attributes) + len(in.Signal.Contact.Attributes)
	case in.Account != nil && in.Account.Row != nil:
		return inputOverhead + len(in.Account.Row.Patch.Attributes)
	case in.Contact != nil && in.Contact.Row != nil:
		return inputOverhead + len(in.Contact.Row.Patch.Attributes)
	case in.Sync != nil:
		return inputOverhead + sliceRow*(len(in.Sync.Rows)+len(in.Sync.Drop)+len(in.Sync.Changes))
	}
	return inputOverhead
}
