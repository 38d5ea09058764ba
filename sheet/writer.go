package sheet

import "strings"

// AppendRow appends one row, with its line end (CRLF). A row without cells cannot be told from an empty line: it is none.
func AppendRow(dst []byte, cells ...string) []byte {
	if len(cells) == 0 {
		return dst
	}
	for i, cell := range cells {
		if i > 0 {
			dst = append(dst, ',')
		}
		if !needsQuotes(cell) && (cell != "" || len(cells) > 1) {
			dst = append(dst, cell...)
			continue
		}
		dst = append(dst, '"')
		for {
			before, after, found := strings.Cut(cell, `"`)
			dst = append(dst, before...)
			if !found {
				break
			}
			dst = append(dst, `""`...)
			cell = after
		}
		dst = append(dst, '"')
	}
	return append(dst, "\r\n"...)
}

// needsQuotes says whether a cell is read as itself only in quotes, also by readers that trim cells or separate them otherwise, and
// at the start of a file, where U+FEFF would be taken for a mark of its encoding.
func needsQuotes(cell string) bool {
	return strings.ContainsAny(cell, "\",;\t\r\n") || strings.HasPrefix(cell, " ") || strings.HasSuffix(cell, " ") || strings.HasPrefix(cell, bom)
}

// guard is what Defuse puts before a cell: spreadsheets take what follows it for text.
const guard = "'"

// triggers are what spreadsheets take for the beginning of a formula, also in the wide forms of East Asian keyboards.
const triggers = "=+-@\t\r\n＝＋－＠"

// Defuse returns a cell that a spreadsheet takes for text: one that begins as a formula gets an apostrophe. So does one that already
// looks like that, so that Restore can tell which is which.
func Defuse(cell string) string {
	if fused(cell) {
		return guard + cell
	}
	return cell
}

// Restore takes back what Defuse did.
func Restore(cell string) string {
	if strings.HasPrefix(cell, guard) && fused(cell[len(guard):]) {
		return cell[len(guard):]
	}
	return cell
}

// fused says whether a cell begins as a formula, behind any number of apostrophes.
func fused(cell string) bool {
	for _, r := range strings.TrimLeft(cell, guard) {
		return strings.ContainsRune(triggers, r)
	}
	return false
}
