// Package auth says who asks and what they may do: the API keys of contract section 2 and the scopes that they carry.
//
// It makes keys, judges their shape, looks them up by their SHA-256 and answers one table: which scope allows which need.
//
// Invariants:
//   - a key is shown once, when it is made; only its hash and its last four characters are ever stored or logged;
//   - whether a key lives is decided by the look-up alone. Its shape only words the refusal (Refused), which never says
//     whether a well-formed key existed: unknown, revoked and expired read the same;
//   - expiry and revocation are checked at each use. What is remembered of a key is never older than CacheFor, so that a
//     revocation holds within a second on every node, and at once on the node that answered it (Keys.Forget);
//   - what the scope table does not allow is refused.
//
// It refuses to know routes, HTTP or SQL: the doors name what they need, and the store is an interface of two methods.
package auth
