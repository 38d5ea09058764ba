package decide

import (
	"fmt"
	"slices"

	"signalbox"
	"signalbox/strictjson"
)

// A slice of the work on a stream is decided like any input: what differs becomes events, and signals where the stream emits them, in the transaction that
// saves the slice. It is fenced by the stream's lease and version and by the run's step, so that it is taken once or not at all.

// prepareSync prepares the signals that a slice's changes become, in their order; nil stands for one that can be none.
func (c *Compiled) prepareSync(p *Prepared) {
	s := p.Sync
	p.rows = len(s.Rows) + len(s.Drop) + len(s.Names) + 3 // the stream, its run and its due row
	for i := range s.Changes {
		p.rows += 1 + len(c.takers(s.Changes[i].Event()))
	}
	if !s.Signals {
		return
	}
	p.rows += len(s.Changes) * c.signalRows
	p.emits = make([]*Prepared, len(s.Changes))
	for i := range s.Changes {
		p.emits[i] = c.prepareChange(p.Workspace, &s.Changes[i])
	}
}

// prepareChange prepares the signal of a change. What its source says of whom it is about and cannot be read is not known; nil: the workspace takes no signal
// that is about nobody.
func (c *Compiled) prepareChange(ws signalbox.WorkspaceID, change *signalbox.LinkedChange) *Prepared {
	s := &signalbox.SignalInput{Type: change.Event(), Account: change.Account, Contact: change.Contact, OccurredAt: change.At}
	for {
		p, err := c.prepareSignal(Prepared{Input: Input{Workspace: ws, Signal: s}, By: c, emitted: true})
		if err == nil {
			return &p
		}
		doubt := map[string]*string{"account.domain": &s.Account.Domain, "contact.email": &s.Contact.Email, "contact.linkedin_url": &s.Contact.LinkedInURL}[paramOf(err)]
		if doubt == nil || *doubt == "" {
			return nil
		}
		*doubt = ""
	}
}

func paramOf(err error) string {
	if e, ok := err.(*signalbox.Error); ok {
		return e.Param
	}
	return ""
}

// sync decides a slice.
func (f *fold) sync(in *Prepared, out *Outcome) {
	s, st := in.Sync, f.now.Syncs[in.Sync.Run.Stream]
	if st == nil || st.Stream.Workspace != in.Workspace {
		out.Err = signalbox.NoSuch("stream")
		return
	}
	if out.Err = fenced(s, st); out.Err != nil {
		return
	}
	saved := f.synced(s, st)
	f.out.Synced = append(f.out.Synced, saved)
	for i := range s.Changes {
		change := &s.Changes[i]
		f.tell(in, event{name: change.Event(), linked: &st.Linked, record: &change.Record, at: change.At})
		if s.Signals && !f.emit(in, i, st) {
			out.Refused++
		}
	}
	st.Stream, st.Names = saved.Stream, saved.Names+int64(len(s.Names))
	if saved.Release {
		st.Leased = signalbox.Lease{}
	}
}

// fenced refuses a slice that is not the next one of whoever has the stream.
func fenced(s *signalbox.SyncSlice, st *signalbox.SyncState) error {
	run, known := st.Runs[s.Run.ID]
	switch {
	case !st.Holds || st.Leased != s.Lease:
		return signalbox.Errorf(signalbox.Conflict, "the stream is worked on by another node, or the lease has ended")
	case st.Stream.Version != s.Version:
		return signalbox.Errorf(signalbox.Conflict, "the stream was changed meanwhile")
	case !known || run.Stream != s.Run.Stream || run.Step != s.Run.Step-1 || run.Decision != s.Run.Decision:
		return signalbox.Errorf(signalbox.Conflict, "the run is another one, or has come further")
	case len(s.Rows)+len(s.Drop) > signalbox.SliceRows || len(s.Changes) > signalbox.SliceRows:
		return fmt.Errorf("a slice of %d rows and %d changes: the most is %d", len(s.Rows)+len(s.Drop), len(s.Changes), signalbox.SliceRows)
	case !s.Run.Balanced():
		return fmt.Errorf("the counts of run %d do not add up", run.ID)
	}
	return nil
}

// synced says what a slice makes of its stream, and when that is due.
func (f *fold) synced(s *signalbox.SyncSlice, st *signalbox.SyncState) signalbox.Synced {
	to := signalbox.Synced{SyncSlice: s, Stream: st.Stream, Names: st.Names}
	stream := &to.Stream
	stream.Known += s.Known
	stream.Kept += s.Kept
	if s.Run.Status != signalbox.SyncRunning && stream.Run == s.Run.ID {
		stream.Run = 0
		if s.Run.Status == signalbox.SyncQuarantined {
			stream.Quarantine = s.Run.ID
			f.out.Sooner = append(f.out.Sooner, signalbox.Due{Kind: signalbox.DueAlarm, Workspace: stream.Workspace, Subject: int64(s.Run.ID), At: f.env.Now})
		}
	}
	st.Runs[s.Run.ID] = s.Run
	if s.Run.Closed != "" && stream.Quarantine == s.Run.ID {
		stream.Quarantine = 0
	}
	if over, have := st.Runs[s.Closes]; have && s.Closes != 0 && over.Stream == stream.ID && over.Decision == "" {
		over.Closed, over.ClosedAt = signalbox.SyncFound, s.Run.EndedAt
		st.Runs[s.Closes], to.Closed = over, &over
		if stream.Quarantine == over.ID {
			stream.Quarantine = 0
		}
	}
	if s.Baselined {
		stream.Baselined = s.Run.Fingerprint
	}
	if s.Next.IsZero() {
		return to
	}
	to.Release, stream.NextAt = true, s.Next
	due := signalbox.Due{Kind: signalbox.DueStream, Workspace: stream.Workspace, Subject: int64(stream.ID), At: s.Next}
	if q, have := st.Runs[stream.Quarantine]; have && q.Decision != "" {
		due.At = f.env.Now
	}
	f.out.Due = append(f.out.Due, due)
	return to
}

// emit decides the signal of a change; false: it was refused. It counts against no limit: nobody sent it, and nobody could send it again.
func (f *fold) emit(in *Prepared, i int, st *signalbox.SyncState) bool {
	p := in.emits[i]
	if p == nil {
		return false
	}
	p.Signal.Source, p.Signal.Properties = st.Linked.Provider, f.properties(&in.Sync.Changes[i], st)
	_, err := f.signal(p)
	return err == nil
}

// properties are what a change's signal says: which record it is, and which of its fields differ.
func (f *fold) properties(change *signalbox.LinkedChange, st *signalbox.SyncState) []byte {
	b := append(make([]byte, 0, 160), `{"linked_account_id":`...)
	b = strictjson.AppendString(b, f.env.Codec.Format(signalbox.KindLinked, int64(st.Linked.ID)))
	b = strictjson.AppendString(append(b, `,"record_type":`...), change.Record.Type)
	b = strictjson.AppendString(append(b, `,"record_id":`...), change.Record.ID)
	if change.Kind == signalbox.ChangeUpdated {
		b = append(b, `,"changed_fields":[`...)
		for i, name := range change.Record.Changed {
			if i > 0 {
				b = append(b, ',')
			}
			b = strictjson.AppendString(b, name)
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

// takers are the webhooks that subscribe to an event, in the order of their ids. Events of records may have any name (contract section 13).
func (c *Compiled) takers(event string) []*signalbox.Webhook {
	if list, known := c.subscribed[event]; known || c.events[event] {
		return list
	}
	if list, known := c.others.Load(event); known {
		return list.([]*signalbox.Webhook)
	}
	var list []*signalbox.Webhook
	for i := range c.Definitions.Webhooks {
		if c.Definitions.Webhooks[i].Takes(event) {
			list = append(list, &c.Definitions.Webhooks[i])
		}
	}
	c.others.Store(event, slices.Clip(list))
	return list
}
