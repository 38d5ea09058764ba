package signalbox

import (
	"slices"
	"strings"
)

// Near gives up to three known names that are a slip away from what was written, the closest first: what was probably meant.
func Near(written string, known []string) []string {
	w := []rune(strings.ToLower(strings.TrimSpace(written)))
	if len(w) > MaxName {
		return nil
	}
	near := make([][]string, max(1, len(w)/3)+1) // by how many letters differ
	for _, one := range known {
		if d := distance(w, []rune(strings.ToLower(one))); d < len(near) {
			near[d] = append(near[d], one)
		}
	}
	all := slices.Concat(near...)
	return all[:min(len(all), 3)]
}

// distance counts the letters that must be added, left out or changed.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			changed := diagonal
			if a[i] != b[j] {
				changed++
			}
			diagonal = row[j+1]
			row[j+1] = min(changed, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
