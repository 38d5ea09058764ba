// Package sheet reads and writes CSV (RFC 4180) so that what was written reads back as the very same bytes, and so that a spreadsheet
// which opens it runs nothing of it. It is pure: no files, no network.
//
// It knows no types and no names: a cell is text. It refuses what other readers guess at, with the line and what would be right: a quote
// inside a cell that has none around it, text after a closing quote, a row with more or fewer cells than the first one, UTF-16, bytes
// that are no UTF-8, U+0000, and a row without end, which is what a missing quote makes of the rest of a file.
//
// Invariants:
//   - reading what was written gives the same cells, whatever valid UTF-8 without U+0000 is in them, line ends included;
//   - Restore(Defuse(cell)) is cell, and Defuse never returns what a spreadsheet takes for a formula;
//   - however long a file is, no more of it is held than one row, of at most MaxRow bytes.
package sheet
