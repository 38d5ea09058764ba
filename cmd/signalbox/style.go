package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// colour is an ANSI colour.
type colour string

// The colours, chosen to be readable on dark and on light grounds.
const (
	green  colour = "32"
	red    colour = "31"
	yellow colour = "33"
	cyan   colour = "36"
	faint  colour = "2"
	bold   colour = "1"
)

// paint colours text on a terminal; NO_COLOR turns that off.
func (p *program) paint(c colour, text string) string {
	if !p.terminal || p.env("NO_COLOR") != "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// table writes rows under a heading, in columns.
func table(w io.Writer, heading []string, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(heading, "\t"))
	for _, row := range rows {
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	return t.Flush()
}

// writeJSON writes a value for programs: indented, a line at the end.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// day writes a moment for people, "-" when there is none.
func day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// took writes a duration for people.
func took(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// clean makes text that others wrote harmless on a terminal: no control characters, at most length runes.
func clean(text string, length int) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return ' '
		}
		return r
	}, text))
	if len(runes) > length {
		return string(runes[:length-1]) + "…"
	}
	return string(runes)
}
