// Package move carries a database over to another one, row by row: an embedded one that a server has outgrown, to PostgreSQL.
//
// It refuses to decide what a row means, to change one, and to fill a database that holds anything already. It opens nothing: who calls it has
// both databases, and the embedded one to itself.
//
// Invariants:
//
//   - At no moment, whatever is killed when, do both databases let a server start: the one that is left says so before the other one is complete.
//   - Rows and how far the move is are saved together, so that running it again goes on where it was: nothing is left out, nothing comes twice.
//   - The end is reached only when both databases, read again from their beginnings, have the same rows in every table: as many, with the same checksum.
package move
