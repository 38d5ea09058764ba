// Package auth says who asks and what they may do: the API keys of contract section 2 and the scopes that they carry, and the members of contract
// section 14 with their passwords, sessions and roles.
//
// It makes keys, judges their shape, looks them up by their SHA-256 and answers one table: which scope, and which role, allows which need. It begins sessions by a
// password or a one-time link, and looks their tokens up in the same way. oidc, below it, signs in with an identity provider.
//
// Invariants:
//   - a key is shown once, when it is made, and so is a token; only its hash (of a key also its last four characters) is ever stored or logged;
//   - whether a key lives is decided by the look-up alone. Its shape only words the refusal (Refused), which never says
//     whether a well-formed key existed: unknown, revoked and expired read the same. So do an unknown e-mail and a wrong password, after the same time;
//   - expiry and revocation are checked at each use. What is remembered of a key or a session is never older than CacheFor, so that a
//     revocation holds within a second on every node, and at once on the node that answered it (Keys.Forget, Sessions.Forget);
//   - a password is hashed with argon2id, few at once: many sign-ins wait, and are refused when too many do, but take no more memory;
//   - failed sign-ins slow further ones and never lock anybody out (throttle.go);
//   - what the tables of scopes and roles do not allow is refused.
//
// It refuses to know routes and SQL: the doors name what they need, and the stores are interfaces of a few methods.
package auth
