package intake

import (
	"context"
	"errors"
	"time"

	"signalbox"
	"signalbox/decide"
)

// SubmitBatch has signals decided and saved, each on its own: one that is refused never sinks the others. The verdicts are in the
// order of the inputs. The error is of the whole: nothing was taken.
func (i *Intake) SubmitBatch(ctx context.Context, ws signalbox.WorkspaceID, key signalbox.KeyID, in []signalbox.SignalInput) ([]signalbox.Verdict, error) {
	return verdicts(i.batch(ctx, ws, signalInputs(ws, key, in)))
}

// TryBatch says what SubmitBatch would answer now, and changes nothing.
func (i *Intake) TryBatch(ctx context.Context, ws signalbox.WorkspaceID, key signalbox.KeyID, in []signalbox.SignalInput) ([]signalbox.Verdict, error) {
	return verdicts(i.try(ctx, ws, signalInputs(ws, key, in)))
}

// ImportAccounts has rows of an import decided and saved, each on its own, as SubmitBatch does for signals. dry says what would come
// of them now, and changes nothing.
func (i *Intake) ImportAccounts(ctx context.Context, ws signalbox.WorkspaceID, rows []signalbox.AccountRow, dry bool) ([]signalbox.RowVerdict, error) {
	inputs, act := make([]decide.Input, len(rows)), actOf(ctx)
	for n := range rows {
		inputs[n] = decide.Input{Workspace: ws, Act: act, Account: &decide.AccountAct{Row: &rows[n]}}
	}
	return i.rows(ctx, ws, inputs, dry)
}

// ImportContacts does for contacts what ImportAccounts does for accounts.
func (i *Intake) ImportContacts(ctx context.Context, ws signalbox.WorkspaceID, rows []signalbox.ContactRow, dry bool) ([]signalbox.RowVerdict, error) {
	inputs, act := make([]decide.Input, len(rows)), actOf(ctx)
	for n := range rows {
		inputs[n] = decide.Input{Workspace: ws, Act: act, Contact: &decide.ContactAct{Row: &rows[n]}}
	}
	return i.rows(ctx, ws, inputs, dry)
}

func signalInputs(ws signalbox.WorkspaceID, key signalbox.KeyID, in []signalbox.SignalInput) []decide.Input {
	inputs := make([]decide.Input, len(in))
	for n := range in {
		inputs[n] = decide.Input{Workspace: ws, APIKey: key, Signal: &in[n]}
	}
	return inputs
}

func verdicts(outcomes []decide.Outcome, err error) ([]signalbox.Verdict, error) {
	if err != nil {
		return nil, err
	}
	out := make([]signalbox.Verdict, len(outcomes))
	for n := range outcomes {
		out[n] = signalbox.Verdict{Receipt: outcomes[n].Receipt, Err: outcomes[n].Err}
	}
	return out, nil
}

func (i *Intake) rows(ctx context.Context, ws signalbox.WorkspaceID, inputs []decide.Input, dry bool) ([]signalbox.RowVerdict, error) {
	run := i.batch
	if dry {
		run = i.try
	}
	outcomes, err := run(ctx, ws, inputs)
	if err != nil {
		return nil, err
	}
	out := make([]signalbox.RowVerdict, len(outcomes))
	for n := range outcomes {
		o := &outcomes[n]
		out[n] = signalbox.RowVerdict{Change: o.Change, Err: o.Err}
		switch {
		case dry && o.Change == signalbox.RowCreated: // its id is nobody's
		case o.Account != nil:
			out[n].Entity = signalbox.EntityID(o.Account.ID)
		case o.Contact != nil:
			out[n].Entity = signalbox.EntityID(o.Contact.ID)
		}
	}
	return out, nil
}

// batch lets inputs of one workspace wait for their turns, and returns their outcomes in order. The error is of the whole.
func (i *Intake) batch(ctx context.Context, ws signalbox.WorkspaceID, inputs []decide.Input) ([]decide.Outcome, error) {
	by, err := i.preparer(ctx, ws)
	if err != nil {
		return nil, err
	}
	outcomes := make([]decide.Outcome, len(inputs))
	list := make([]*waiting, 0, len(inputs))
	place := make([]int, 0, len(inputs))
	for n := range inputs {
		p, err := by.prepare(ctx, inputs[n])
		if by.failed != nil {
			return nil, by.failed
		}
		if err != nil {
			outcomes[n].Err = err
			continue
		}
		list = append(list, &waiting{Prepared: p, bytes: sizeOf(p.Input), batch: true})
		place = append(place, n)
	}
	if len(list) == 0 {
		return outcomes, nil
	}
	t := newTicket(len(list))
	for _, w := range list {
		w.ticket = t
	}
	twin, err := i.queue.put(list)
	if err != nil {
		return nil, err
	}
	if err := i.await(ctx, t, twin); err != nil {
		return nil, err
	}
	for n, w := range list {
		outcomes[place[n]] = w.outcome
	}
	return outcomes, nil
}

// errDry ends a dry run's transaction: nothing of it is saved.
var errDry = errors.New("a dry run saves nothing")

// maxTries is how often a dry run begins anew because the definitions changed under it.
const maxTries = 5

// try decides inputs of one workspace in one turn that is dropped: what an earlier one would make, a later one finds.
func (i *Intake) try(ctx context.Context, ws signalbox.WorkspaceID, inputs []decide.Input) ([]decide.Outcome, error) {
	select {
	case i.dry <- struct{}{}:
		defer func() { <-i.dry }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for range maxTries {
		outcomes, stale, err := i.tryOnce(ctx, ws, inputs)
		if err != nil || !stale {
			return outcomes, err
		}
		if _, err := i.compile(ctx, ws); err != nil {
			return nil, err
		}
	}
	return nil, &signalbox.Error{Code: signalbox.Unavailable, RetryAfter: time.Second, Msg: "the workspace's settings change all the time; send again"}
}

// tryOnce is try under one version of the definitions; stale says that it is not in force any more.
func (i *Intake) tryOnce(ctx context.Context, ws signalbox.WorkspaceID, inputs []decide.Input) (outcomes []decide.Outcome, stale bool, err error) {
	by, err := i.preparer(ctx, ws)
	if err != nil {
		return nil, false, err
	}
	outcomes = make([]decide.Outcome, len(inputs))
	list := make([]decide.Prepared, 0, len(inputs))
	place := make([]int, 0, len(inputs))
	for n := range inputs {
		p, err := by.prepare(ctx, inputs[n])
		if by.failed != nil {
			return nil, false, by.failed
		}
		if err != nil {
			outcomes[n].Err = err
			continue
		}
		list, place = append(list, p), append(place, n)
	}
	for len(list) > 0 {
		decided, err := i.drop(ctx, list)
		var poison *decide.Poison
		switch {
		case errors.As(err, &poison):
			i.poisoned(ctx, list[poison.Input].Workspace, poison)
			outcomes[place[poison.Input]].Err = errPoisoned(poison)
			list = append(list[:poison.Input], list[poison.Input+1:]...)
			place = append(place[:poison.Input], place[poison.Input+1:]...)
			continue
		case err != nil:
			return nil, false, err
		case decided[0].Stale: // one workspace: all of them are
			return nil, true, nil
		}
		for n := range decided {
			outcomes[place[n]] = decided[n]
		}
		return outcomes, false, nil
	}
	return outcomes, false, nil
}

// drop decides a turn and saves nothing of it.
func (i *Intake) drop(ctx context.Context, list []decide.Prepared) (outcomes []decide.Outcome, err error) {
	err = i.cfg.Store.Decide(ctx, func() signalbox.Need { return decide.Need(list) },
		func(s *signalbox.Situation) (*signalbox.Decision, error) {
			now := i.cfg.Now().UTC().Truncate(time.Microsecond)
			if _, outcomes, err = decide.Turn(s, list, decide.Env{Now: now, IDs: i.cfg.IDs, Codec: i.cfg.Codec, Dashboard: i.cfg.Dashboard}); err != nil {
				return nil, err
			}
			return nil, errDry
		})
	if errors.Is(err, errDry) {
		return outcomes, nil
	}
	return nil, err
}
