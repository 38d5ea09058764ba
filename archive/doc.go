// Package archive is the format of a backup file: everything that a database holds, one file, whichever kind of database it came from.
//
// It refuses to know what a row means, to read or write files and to hold a secret: rows are bytes that it is given, and of the keys that
// their sealed values need it has the names alone.
//
// # The format
//
// A file is a first line and frames, one behind the other, to its last byte:
//
//	"signalbox archive\n"
//	frame: kind (1 byte) · number (4) · length (4) · CRC-32C of those (4) · that many bytes · CRC-32C of all of the frame before (4)
//
// Numbers are big-endian; frames count from 0. The first frame is a header (H, JSON: Header and the version of this format), the last one a footer (F,
// JSON: rows and SHA-256 of every table, and SHA-256 of every byte before it), and between them are blocks (B) of rows of one table each, in the
// order of the header's tables:
//
//	table (uvarint) · rows (uvarint) · length of what follows when unpacked (uvarint) · DEFLATE of: for each row its length (uvarint) and its bytes
//
// # Invariants
//
//   - A file that was cut off, of which any byte changed, or whose frames were left out, doubled or put in another order is refused, and the
//     error says where. What was read before that was as it was written, but only io.EOF says that it was everything.
//   - Reading takes a bounded amount of memory, whatever a file claims.
//   - The same rows and the same header give the same file.
package archive
