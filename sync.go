package signalbox

import "time"

// SyncClaim is a node that wants to work on a stream.
type SyncClaim struct {
	Workspace WorkspaceID
	Stream    StreamID
	Lease     Lease     // the node's: the stream is its own until a slice ends the work, or the lease has ended
	Run       SyncRunID // the id of the run, if one is to begin
	Now       time.Time
}

// SyncWork is what is to be done with a stream, and what it takes.
type SyncWork struct {
	Stream     Stream
	Names      []string // of fields, in the order in which they were first seen: prints name fields by their place here, from 1
	Run        *SyncRun // goes on, or begins; nil: none
	Quarantine *SyncRun // the one that is open; nil: none. With a decision it is to be carried out, when no run goes on
}

// SyncSlice is one step of the work on a stream: what is saved, in one transaction or not at all.
type SyncSlice struct {
	Lease   Lease   // fences: the stream is leased so
	Version int64   // and nobody has changed it since
	Run     SyncRun // as it stands with this slice; its Step is one above that of the stored one

	Names   []string // field names to add to those of the stream
	Rows    []Snapshot
	Drop    []string // records that leave the snapshot
	Changes []LinkedChange
	Signals bool // the changes become signals too

	Known     int64     // by how much the stream's own count changes
	Kept      int64     // likewise
	Baselined bool      // the run is the stream's baseline
	Closes    SyncRunID // a quarantine that the run has shown to be over, unless somebody has decided it meanwhile; 0: none
	Next      time.Time // the work has ended, and the next run is to begin then; zero: it goes on
}

// Unseen asks for the rows of a snapshot that were last seen before a run, in the order of their records' bytes.
type Unseen struct {
	Workspace WorkspaceID
	Stream    StreamID
	Before    SyncRunID
	After     string // only records behind it; "": from the first
}

// SyncKey names what a slice is decided by.
type SyncKey struct {
	Workspace WorkspaceID
	Stream    StreamID
	Run       SyncRunID
	Closes    SyncRunID // 0: none
	Lease     Lease
}

// Key names what the slice is decided by.
func (s *SyncSlice) Key() SyncKey {
	return SyncKey{Workspace: s.Run.Workspace, Stream: s.Run.Stream, Run: s.Run.ID, Closes: s.Closes, Lease: s.Lease}
}

// SyncState is a stream as deciding on a slice of it finds it.
type SyncState struct {
	Stream Stream
	Names  int64 // how many field names it has
	Leased Lease // whose it is; zero: nobody's
	Holds  bool  // the lease of the slice has not ended
	Linked LinkedAccount
	Runs   map[SyncRunID]SyncRun // the slice's, the one that it closes and the stream's quarantine, as far as there are such
}

// Synced is a slice to be saved, with what it makes of its stream.
type Synced struct {
	*SyncSlice
	Stream  Stream   // as it stands then
	Names   int64    // how many field names it has without those of the slice
	Release bool     // the work has ended: the stream is nobody's
	Closed  *SyncRun // a quarantine that is over; nil: none is
}

// SyncAlarm is a run that was quarantined, and what it is a run of, as administrators are told.
type SyncAlarm struct {
	Run    SyncRun
	Stream Stream
	Linked LinkedAccount
}
