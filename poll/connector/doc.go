// Package connector fetches the records of one stream of another product, page by page: from an HTTP API that answers JSON, or from a CSV file.
//
// A [Config] says where a stream is and how it is read: the address, how to sign in, how pages follow each other, where the records and their ids lie. It
// comes from the API (contract section 16) or from a [Definition], a YAML file that describes a product once for everybody (docs/connectors.md). [Open]
// makes a [Source] of it. A Source is asked for one page at a time, and each [Page] carries a [Checkpoint]: a few bytes from which another process can go on.
//
// It refuses to know about runs, hashes, differences and storage: package poll holds what it fetches against what was there before. It refuses to dial: it is
// handed a [Doer], which is egress's client in the program. It keeps nothing on the disk.
//
// Invariants:
//   - a page is whole or there is none: an answer that is cut off, empty, HTML, not UTF-8, or that holds one thing which is no record, is a [Failure] that
//     names the page and the reason. Records are never passed over, because what is passed over looks deleted;
//   - the last page is the last because the provider said so: an empty page, a reached total, no further link. A short page is not the end: a provider may
//     give fewer records than it was asked for;
//   - paging ends: after [MaxPages], or as soon as a cursor or a page comes again;
//   - secrets go where the configuration says and nowhere else: not into a failure, a checkpoint, nor to another origin that a provider names as the next page;
//   - bytes of the same record are the same, whatever order its provider writes its members in.
//
// Time is that of the process, measured by package time; a wait ends with its context.
package connector
