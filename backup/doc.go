// Package backup takes everything out of a database into one archive, and puts it back into an empty one, of either kind.
//
// It refuses to decide what a row means, to read keys, and to choose a database: who calls it names it, and the keys that are there.
//
// Invariants:
//
//   - A backup's file has its name only when it is whole and on the disk, and was read again.
//   - What is written is one moment of the database; the sealed values in it stay sealed, and no key is ever in it.
//   - Nothing is written into a database before the whole archive was read and found whole, of a schema that this program knows, and sealed with
//     keys that are there.
//   - A database that a restore was cut short in says so and lets no server start; one that holds anything else is not touched.
//   - A restore has ended only when the database, read again, has in every table as many rows with the same checksum as the archive.
package backup
