package strictjson_test

import (
	"bytes"
	"encoding/base64"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"signalbox/strictjson"
)

// stringify prints, for each line of base64, what JavaScript makes of the text.
const stringify = `
const lines = require('fs').readFileSync(0, 'latin1').split('\n').filter(l => l)
const out = lines.map(l => JSON.stringify(JSON.parse(Buffer.from(l, 'base64').toString('utf8'))))
process.stdout.write(out.map(t => Buffer.from(t, 'utf8').toString('base64')).join('\n'))`

// proves C27
func TestStable_EqualsJSONStringifyOfNode(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("this test compares with JavaScript itself and needs node on the PATH: ", err)
	}
	rnd := rand.New(rand.NewPCG(27, 1))
	texts := make([][]byte, 6000)
	var input strings.Builder
	for i := range texts {
		texts[i] = writer{rnd: rnd}.append(nil, randomDoc(rnd, 5))
		input.WriteString(base64.StdEncoding.EncodeToString(texts[i]) + "\n")
	}
	cmd := exec.Command(node, "-e", stringify)
	cmd.Stdin = strings.NewReader(input.String())
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v", err)
	}
	answers := strings.Split(string(output), "\n")
	if len(answers) != len(texts) {
		t.Fatalf("node answered %d of %d", len(answers), len(texts))
	}
	for i, text := range texts {
		want, err := base64.StdEncoding.DecodeString(answers[i])
		if err != nil {
			t.Fatal(err)
		}
		got, err := strictjson.Stable(text)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("text %s\n got %s, %v\nwant %s", text, got, err, want)
		}
	}
}
