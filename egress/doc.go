// Package egress is the only way out: every request that Signalbox sends to a
// place somebody else chose leaves through here, guarded, bounded and timed.
//
// A [Policy] is the rule of where we may go. It is built once from the
// configuration and never changes. It judges a URL twice:
//
//   - when it is saved, by [Policy.CheckURL] (no network) or
//     [Policy.CheckTarget] (which also looks the name up, so that a bad target
//     is refused while its author is still looking at it);
//   - when it is dialled, in [Client.Do]. This is the judgement that protects:
//     a name may point elsewhere by then.
//
// A [Client] sends one request and reads one bounded answer.
//
// Invariants:
//
//   - A name is resolved once per dial, as a rooted name, without search
//     domains. Every answer must pass; the address that passed is the address
//     that is dialled, and net.Dialer's control hook judges it once more just
//     before connect(2). There is no moment at which DNS can change its mind.
//   - Addresses are judged by an explicit table, not by what net/netip calls
//     global. An IPv4 address inside an IPv6 one is judged too.
//   - A pooled connection was vetted for its scheme, host and port, and the
//     policy cannot change, so requests on it need no second judgement.
//   - An answer costs at most 64 KiB of headers and 16 KiB of body, as the
//     bytes came (nothing is decompressed), and at most the two clocks:
//     [Config.ConnectTimeout] until the TCP connection stands,
//     [Config.SendTimeout] from there (contract section 12, S1-42, S1-43).
//   - Text of a [Failure] is fixed wording: it never holds an address, a path
//     or an error text of the system or the receiver.
//
// It refuses to follow redirects, to read proxies from the environment, to
// speak anything but HTTP/1.1, and to decide what an answer means (package
// retry does).
//
// HTTP/1.1 only, on purpose: the clock and the rule of the one repetition are
// about connections, one connection carries one request at a time so a slow
// answer cannot hold up another lane, and the attacks that live in HTTP/2
// framing have nothing to attack.
package egress
