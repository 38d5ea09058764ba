// Package sign signs and verifies webhook bytes: every signature scheme that
// Signalbox sends, and those of other services that it receives. Receivers may
// import it; it needs the standard library only.
//
// [Signer.Headers] makes all protocol headers of one delivery attempt;
// [Verify] checks one scheme as a receiver would. Signing and verifying never
// change or re-serialise the body: the bytes given are the bytes signed.
//
// What stays true: an empty secret neither signs nor verifies; a signature is
// decoded to exactly 32 bytes (64 for ed25519) in its one strict spelling
// before it is compared, in constant time; a timestamp that is signed is held
// to [Tolerance]; the clock and randomness are arguments; secrets print as
// [hidden]. The package keeps no record of ids: refusing a repeated webhook-id
// is the receiver's work.
package sign
