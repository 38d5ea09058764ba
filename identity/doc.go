// Package identity normalises domains, e-mails and profile addresses, and says which account and which contact an input is about
// (contract section 5; S0-16…S0-18).
//
// It looks nothing up and merges nothing: what it returns is compared with keys whose uniqueness the database holds. It is pure
// and fast enough to run for every signal: plain ASCII names pass without the machinery of international ones.
//
// Invariants:
//   - normalising what was normalised changes nothing, so keys of different days are comparable;
//   - two companies never become one account: names under a public suffix of either section of the list, and under the
//     shared-tenant suffixes of data/shared_tenants.txt, stay apart;
//   - a mailbox provider is never an account: data/mailbox_providers.txt, edited per workspace;
//   - every refusal is a *signalbox.Error with the code Invalid.
package identity
