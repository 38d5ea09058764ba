package api_test

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"signalbox"
)

var (
	curlBlocks   = regexp.MustCompile("(?s)```\n(curl .*?)```")
	curlCommands = regexp.MustCompile(`(?s)curl -sS(?: -X (\w+))? "\$SIGNALBOX_URL([^"]+)" -H "Authorization: Bearer \$SIGNALBOX_API_KEY"(?:( -H 'Content-Type: application/json')? -d @- <<'END'\n(.*?)\nEND)?`)
)

// The manual's commands are run in their order, and each is answered with success.
func TestManual_ItsCommandsWork(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/linked-accounts.md")
	if err != nil {
		t.Fatal(err)
	}
	b := newBox(t)
	names, ran := map[string]string{}, 0
	for _, block := range curlBlocks.FindAllStringSubmatch(string(text), -1) {
		commands := curlCommands.FindAllStringSubmatch(block[1], -1)
		if len(commands) != strings.Count(block[1], "curl ") {
			t.Errorf("a command cannot be read: %s", block[1])
		}
		for _, c := range commands {
			method, path, kind, body := c[1], c[2], "", c[4]
			if method == "" {
				method = http.MethodGet
			}
			if body != "" && c[3] == "" {
				kind = "application/x-www-form-urlencoded" // what curl says of itself
			}
			if strings.Contains(path, "$QUARANTINED") {
				names["$QUARANTINED"] = b.quarantine(names["$STREAM"])
			}
			for name, id := range names {
				path = strings.ReplaceAll(path, name, id)
			}
			got := b.send(b.admin, method, path, body, "Content-Type", kind)
			if got.status >= 300 || strings.Contains(path, "$") {
				t.Errorf("%s %s: %d %s", method, path, got.status, got.body)
			}
			ran++
			if got.status != http.StatusNoContent {
				names[noted(b, got)] = got.text("data.id") + got.text("data.run_id")
			}
		}
	}
	if ran != 9 {
		t.Errorf("%d commands were run", ran)
	}
}

// noted is what the manual calls the id of an answer.
func noted(b *box, a answer) string {
	b.Helper()
	for kind, name := range map[signalbox.Kind]string{signalbox.KindLinked: "$ACCOUNT", signalbox.KindStream: "$STREAM", signalbox.KindSyncRun: "$RUN"} {
		if _, ok := b.codec.Parse(kind, a.text("data.id")+a.text("data.run_id")); ok {
			return name
		}
	}
	return "$NOTHING"
}
