// Package inbound is what a door for other tools does with a body that it is sent (contract section 10, "Incoming"): it proves who sent it, reads it, and
// makes signals of it by a mapping. It also hides what looks secret before a body is shown.
//
// A door is compiled once per definition and used for many bodies: [Door.Verify], then [Door.Challenge], [Parse], [Door.Map]. A body that Parse or Map
// refuses is to be kept by whoever called: it can be mapped again once the mapping is mended, and [Door.Try] shows what each field of a mapping gives.
//
// It refuses to keep anything, to know what time it is, to normalise domains and e-mails (identity does, when the signal is decided), and to guess a
// mapping.
//
// Invariants:
//   - signatures are compared in constant time over the bytes as they came; an error names the header, never the right value;
//   - every refusal is a *signalbox.Error whose Msg may be shown; one of a mapping names the field as Param, "mapping.contact.email";
//   - a body becomes all of its signals or none;
//   - a signal that is mapped passed the same checks as one that was sent to POST /v1/signals;
//   - the same door and request always give the same signals, so that mapping again is harmless where there is an idempotency key;
//   - what a mapping costs is bounded, in time and in memory, whatever the body;
//   - hiding never changes the shape of a JSON text, only leaves.
package inbound
