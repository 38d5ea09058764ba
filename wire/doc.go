// Package wire turns bodies into words and words into bodies: it holds the faces of Signalbox (contract, table of faces).
//
// Inwards it decodes the bodies of the signal doors into [signalbox.SignalInput]: every field trimmed, of the right JSON type and
// within its bounds. Outwards it writes the answer to a signal and freezes an event into the bytes that every attempt of its
// deliveries sends. It also knows which events exist, what their bodies look like, and which patterns subscribe to them.
//
// It refuses to decide: whether a domain or an e-mail makes sense is identity's business, what a signal causes is decide's. It
// does no I/O, reads no clock and keeps no state.
//
// Invariants:
//   - every refusal is a *signalbox.Error whose Param names the field, dotted, and whose Msg may be shown to the sender;
//   - every body written here equals JSON.stringify(JSON.parse(body)) (contract section 12, ledger C27), whatever it is made of;
//   - the bytes of an event depend on its EventInfo alone, so freezing it twice gives the same bytes;
//   - nothing that is returned shares memory with a body that was handed in, but for BatchItem.Body.
package wire
