// Package admin is the local door of a server on an embedded database: what whoever owns the data directory may have done while the server runs, because
// only the server may open the database. It is a socket in the data directory, and HTTP over it.
//
// It asks for no key: who can open the socket can read and write the database file too, and the file's mode lets nobody else. It refuses to be reached
// from another machine, decides nothing, and hides no error: its callers are the server's owners.
//
// Invariants: the socket never exists with a mode that lets others in; one that a crash left is replaced at the next start, which nothing else can do,
// because whoever listens has the database's lock; a backup that did not succeed is never taken for one that did.
package admin
