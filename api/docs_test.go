package api_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// curlLine is a request as the documents show it.
var curlLine = regexp.MustCompile(`(?s)curl -sS (?:-X (\w+) )?"\$SIGNALBOX_URL([^"]+)"[^\n]*?(?: -d '(.*?)')?\n`)

// What these documents show is answered as they say.
func TestDocs_RequestsThatDocumentsShowAreTaken(t *testing.T) {
	t.Parallel()
	for name, least := range map[string]int{"captures": 3, "audiences": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile("../docs/" + name + ".md")
			if err != nil {
				t.Fatal(err)
			}
			b := newBox(t)
			requests := 0
			for _, block := range strings.Split(string(text), "```") {
				for _, m := range curlLine.FindAllStringSubmatch(block, -1) {
					requests++
					method := m[1]
					if method == "" {
						method = "GET"
					}
					if got := b.send(b.admin, method, m[2], m[3]); got.status/100 != 2 {
						t.Errorf("%s %s answered %d: %s", method, m[2], got.status, got.body)
					}
				}
			}
			if requests < least {
				t.Errorf("%d requests were found, want at least %d", requests, least)
			}
		})
	}
}
