// Package automate turns what happens into runs of automations and what they do, and notifications with them (contract sections 10 and 11). It is pure: what
// happened, facts, what is kept of a record, and now go in; runs, actions ready to be done, and reasons come out.
//
// Of a workspace's automations a [Model] is made. Whoever decides asks it, for each [Happening], which automations it starts ([Model.Match]), whether their
// frequency and the hour have room for another run ([Model.Claim]), and has the run made ([Model.Run]). A run that waits is asked about again when it is due
// ([Model.Recheck]). [Model.Why] says clause by clause why an automation runs, or does not.
//
// It refuses to know where anything is stored, what time it is, and how an action is done. It refuses to look at the past: making, enabling or changing an
// automation starts nothing, for only what happens is ever asked about, and conditions on `signals` know what package audience keeps of them ([Model.Atoms]).
//
// Invariants:
//   - of two happenings of one turn that only one run is allowed for, the first has it: a claim is written when it is made;
//   - states of records that are merged answer together as one that saw the runs of all, and a record that is parted again has its own back;
//   - what is throttled claims nothing: the next one may run;
//   - a threshold is crossed by an edge, not by a level: it fires again only after it was crossed back (V-12);
//   - no value of a signal or a record changes where a request goes, which fields a body has, whom a message mentions, or a message's headers;
//   - a chain of automations ends: at [signalbox.MaxDepth] none sends a signal or changes a record;
//   - the same input gives the same run, byte for byte; a Model never changes and is safe for concurrent use. States, a Pace and Facts belong to one
//     goroutine at a time.
package automate
