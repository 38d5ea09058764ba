package e2e

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"signalbox/sign"
)

// sdk is one of the packages under sdk/, driven by a program that takes a command in JSON on each line.
type sdk struct {
	name    string
	program string
}

var sdks = []sdk{{"typescript", "programs/sdk.mjs"}, {"python", "programs/sdk.py"}}

func eachSDK(t *testing.T, test func(t *testing.T, s sdk)) {
	t.Helper()
	for _, s := range sdks {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			test(t, s)
		})
	}
}

// sdkEnv has a program in Python find the package, and write nothing beside it.
func sdkEnv(t *testing.T) []string {
	t.Helper()
	path, err := filepath.Abs("../sdk/python")
	if err != nil {
		t.Fatal(err)
	}
	return []string{"PYTHONPATH=" + path, "PYTHONDONTWRITEBYTECODE=1"}
}

// interpreter runs a file by what its name ends in.
func interpreter(file string) string {
	if strings.HasSuffix(file, ".py") {
		return kit.python
	}
	return kit.node
}

// run gives the SDK all commands in one process and reads the answer to each into out, a pointer to a slice of answers.
func (s sdk) run(t *testing.T, commands []any, out any, env ...string) {
	t.Helper()
	var lines strings.Builder
	for _, command := range commands {
		line, err := json.Marshal(command)
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(append(line, '\n'))
	}
	text, errs, err := try(t, append(sdkEnv(t), env...), lines.String(), interpreter(s.program), s.program)
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", s.program, err, text[max(0, len(text)-1000):], errs)
	}
	answers := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(answers) != len(commands) {
		t.Fatalf("%s answered %d of %d commands\n%s", s.program, len(answers), len(commands), errs)
	}
	if err := json.Unmarshal([]byte("["+strings.Join(answers, ",")+"]"), out); err != nil {
		t.Fatal(err)
	}
}

const (
	sdkSecret = sign.Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw") // Standard Webhooks' own
	sdkID     = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	sdkBody   = `{"test": 2432232314, "text": "é \u2028 <&>"}`
)

var sdkTime = time.Unix(1614265330, 0)

// trick is a request that a receiver may get, with what the room sign says of it.
type trick struct {
	what    string
	scheme  sign.Scheme
	header  http.Header
	body    []byte
	secrets []sign.Secret
	now     time.Time
	forged  bool // one byte is not what was signed: it must be refused
}

// genuine is a request that is signed as it must be.
func genuine(t *testing.T, scheme sign.Scheme) trick {
	t.Helper()
	secret, verifying := sdkSecret, sdkSecret
	if scheme == sign.StandardEd25519 {
		signing, public, err := sign.NewEd25519(bytes.NewReader(bytes.Repeat([]byte{7}, ed25519.SeedSize)))
		if err != nil {
			t.Fatal(err)
		}
		secret, verifying = signing, sign.Secret(public)
	}
	name, value, err := sign.Sign(scheme, secret, sdkID, sdkTime, []byte(sdkBody))
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{name: {value}}
	if name == sign.HeaderSignature {
		header.Set(sign.HeaderID, sdkID)
		header.Set(sign.HeaderTimestamp, strconv.FormatInt(sdkTime.Unix(), 10))
	}
	return trick{what: "genuine", scheme: scheme, header: header, body: []byte(sdkBody), secrets: []sign.Secret{verifying}, now: sdkTime}
}

// with is the trick with one header changed.
func (k trick) with(what, name string, values ...string) trick {
	k.what = fmt.Sprintf("%s: %s %q", what, name, values)
	k.header = k.header.Clone()
	k.header[name] = values
	return k
}

// reason is what the room sign says, in the word of the SDKs.
func (k trick) reason() string {
	err := sign.Verify(k.scheme, k.header, k.body, k.secrets, k.now)
	for reason, is := range map[string]error{
		"missing": sign.ErrMissing, "malformed": sign.ErrMalformed, "too_old": sign.ErrTooOld, "too_new": sign.ErrTooNew,
		"mismatch": sign.ErrMismatch, "no_secret": sign.ErrNoSecret,
	} {
		if errors.Is(err, is) {
			return reason
		}
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// command is the trick for an SDK. Header text has a character for each byte; every other name is in small letters.
func (k trick) command(n int) any {
	headers, secrets := [][2]string{{"X-Other", "1"}}, []string{}
	for name, values := range k.header {
		if n%2 == 1 {
			name = strings.ToLower(name)
		}
		for _, value := range values {
			text := make([]rune, len(value))
			for i := range len(value) {
				text[i] = rune(value[i])
			}
			headers = append(headers, [2]string{name, string(text)})
		}
	}
	for _, secret := range k.secrets {
		secrets = append(secrets, secret.Reveal())
	}
	return map[string]any{
		"op": "verify", "headers": headers, "body": base64.StdEncoding.EncodeToString(k.body), "secrets": secrets,
		"scheme": k.scheme, "now": float64(k.now.UnixMilli()) / 1000,
	}
}

// forgeries change one byte of the body, the id, the timestamp or the signature at a time, or cut them.
func forgeries(right trick) (all []trick) {
	for name, values := range right.header {
		value := values[0]
		for i := range len(value) {
			for _, bits := range []byte{0x01, 0x20, 0x80} {
				changed := []byte(value)
				changed[i] ^= bits
				all = append(all, right.with("changed", name, string(changed)))
			}
			all = append(all, right.with("cut", name, value[:i]))
		}
		all = append(all, right.with("longer", name, value+"0"), right.with("twice", name, value, value))
		gone := right.with("gone", name)
		delete(gone.header, name)
		all = append(all, gone)
	}
	if !right.scheme.Weak() { // which by its nature does not see the body
		for i := range right.body {
			changed, cut := right, right
			changed.what, changed.body = fmt.Sprintf("byte %d of the body changed", i), bytes.Clone(right.body)
			changed.body[i] ^= 1
			cut.what, cut.body = fmt.Sprintf("the body cut at %d", i), right.body[:i]
			all = append(all, changed, cut)
		}
	}
	for i := range all {
		all[i].forged = true
	}
	return all
}

// oddities are requests that are right or wrong by a rule of their own.
func oddities(t *testing.T, right trick) []trick {
	t.Helper()
	all := []trick{right}
	for _, late := range []float64{-3e9, -301, -300.5, -300, 0.5, 300, 300.5, 301, 3e9} {
		k := right
		k.what, k.now = fmt.Sprintf("%g s late", late), sdkTime.Add(time.Duration(late*1000)*time.Millisecond)
		all = append(all, k)
	}
	other := sign.Secret("another secret of 24 bytes")
	for _, secrets := range [][]sign.Secret{{}, {""}, {"whsec_"}, {right.secrets[0], ""}, {other}, {other, right.secrets[0]}, {right.secrets[0], other}, {"whpk_AAAA"}, {"whsk_AAAA", right.secrets[0]}} {
		k := right
		k.what, k.secrets = fmt.Sprintf("%d other secrets", len(secrets)), secrets
		all = append(all, k)
	}
	name := right.scheme.Header()
	value := right.header.Get(name)
	for _, odd := range []string{
		"", " " + value, value + " ", "v2,x " + value + " v1,", value + "," + value, value + ", " + value, value + " " + value, strings.Repeat("v1,AAAA ", 31) + value,
		strings.Repeat("v1,AAAA ", 32) + value, strings.ToUpper(value), "sha256=" + value, strings.TrimPrefix(value, "sha256="), strings.TrimRight(value, "="), value + "=",
		strings.NewReplacer("+", "-", "/", "_").Replace(value), strings.NewReplacer("-", "+", "_", "/").Replace(value), value[:len(value)-8] + "\n" + value[len(value)-8:],
		"t=," + value, value + ",t=1614265330", value + ",v0=1,v1=00", "v1=00," + value, value + strings.Repeat(",", 30), value + strings.Repeat(",", 31),
	} {
		all = append(all, right.with("odd", name, odd))
	}
	for _, stamp := range []string{"0", "00", "x", "+1614265330", "01614265330", "1614265330.0", " 1614265330", "-1", "1e9", "1099511627775", "1099511627776", "99999999999999999999", "١٦١٤٢٦٥٣٣٠"} {
		switch name {
		case sign.HeaderSignature:
			all = append(all, right.with("stamp", sign.HeaderTimestamp, stamp))
		case sign.HeaderStripe:
			all = append(all, right.with("stamp", name, strings.Replace(value, "1614265330", stamp, 1)))
		}
	}
	return append(append(all, otherKeys(t, right)...), otherID(t, right)...)
}

// otherID is an id that is not ASCII: its bytes are what is signed.
func otherID(t *testing.T, right trick) []trick {
	t.Helper()
	if right.scheme != sign.Standard {
		return nil
	}
	const id = "évt 1.2"
	name, value, err := sign.Sign(right.scheme, sdkSecret, id, sdkTime, right.body)
	if err != nil {
		t.Fatal(err)
	}
	return []trick{right.with("another id", name, value).with("another id", sign.HeaderID, id)}
}

// otherKeys are requests that are signed with every kind of secret.
func otherKeys(t *testing.T, right trick) (all []trick) {
	t.Helper()
	encode := func(n int) sign.Secret {
		return sign.Secret("whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xfb}, n)))
	}
	secrets := []sign.Secret{
		"correct horse battery staple", "größer als sechzehn Zeichen", encode(23), encode(24), encode(25), encode(64), encode(65), encode(32)[:40], "whsec_not-base64-at-all!",
		"whsec_" + sign.Secret(strings.Repeat("kkkk", 7)+"kk=="), "whsec_" + sign.Secret(strings.Repeat("kkkk", 7)+"\nkkkk"),
	}
	if right.scheme == sign.StandardEd25519 {
		signing, _, err := sign.NewEd25519(bytes.NewReader(bytes.Repeat([]byte{7}, ed25519.SeedSize)))
		if err != nil {
			t.Fatal(err)
		}
		secrets = []sign.Secret{signing}
	}
	for _, secret := range secrets {
		name, value, err := sign.Sign(right.scheme, secret, sdkID, sdkTime, right.body)
		if err != nil {
			t.Fatal(err)
		}
		k := right.with("a secret of another kind", name, value)
		k.secrets = []sign.Secret{secret}
		all = append(all, k)
	}
	return all
}

// Every scheme that sign makes is verified, every change of one byte is refused, and every oddity is judged as the room sign judges it, for the same reason.
func TestSDK_VerifiesAndRefusesAsTheRoomSignDoes(t *testing.T) {
	t.Parallel()
	var all []trick
	for _, scheme := range sign.Schemes() {
		right := genuine(t, scheme)
		if got := right.reason(); got != "" {
			t.Fatalf("%s: the genuine request is %s", scheme, got)
		}
		all = append(append(all, oddities(t, right)...), forgeries(right)...)
	}
	commands := make([]any, len(all))
	for i, k := range all {
		commands[i] = k.command(i)
	}
	eachSDK(t, func(t *testing.T, s sdk) {
		var answers []struct{ Reason string }
		s.run(t, commands, &answers)
		for i, k := range all {
			want, got := k.reason(), answers[i].Reason
			if k.forged && got == "" {
				t.Errorf("%s, %s: it is accepted", k.scheme, k.what)
			}
			if got != want {
				t.Errorf("%s, %s: got reason %q, want %q", k.scheme, k.what, got, want)
			}
		}
		t.Logf("%d requests", len(all))
	})
}

// The SDK for Python has Ed25519 of its own: it is held to the vectors of RFC 8032 and of Wycheproof (C2SP/wycheproof, Apache-2.0), and so is Go's.
func TestSDK_PythonsEd25519AgreesWithTheVectorsOfRFC8032AndWycheproof(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/ed25519.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		ID                      int
		Comment                 string
		Key, Message, Signature string
		Valid                   bool
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	if err := json.Unmarshal(append(append([]byte("["), bytes.Join(lines, []byte(","))...), ']'), &vectors); err != nil {
		t.Fatal(err)
	}
	var commands []any
	for _, v := range vectors {
		commands = append(commands, map[string]string{"op": "ed25519", "key": v.Key, "message": v.Message, "signature": v.Signature})
	}
	var answers []struct{ Valid bool }
	sdks[1].run(t, commands, &answers)
	for i, v := range vectors {
		if answers[i].Valid != v.Valid {
			t.Errorf("%s (%d): got %v, want %v", v.Comment, v.ID, answers[i].Valid, v.Valid)
		}
		if ed25519.Verify(unhex(t, v.Key), unhex(t, v.Message), unhex(t, v.Signature)) != v.Valid {
			t.Errorf("%s (%d): Go does not say %v", v.Comment, v.ID, v.Valid)
		}
	}
	if len(vectors) < 150 {
		t.Errorf("only %d vectors are there", len(vectors))
	}
}

// A public key has one encoding (RFC 8032, section 5.1.3). Under these two, which are others of the neutral point, anybody could sign.
func TestSDK_PythonsEd25519RefusesAKeyInAnotherEncoding(t *testing.T) {
	t.Parallel()
	neutral := "01" + strings.Repeat("00", 63)
	commands := []any{
		map[string]string{"op": "ed25519", "key": "ee" + strings.Repeat("ff", 30) + "7f", "message": "", "signature": neutral}, // y + p
		map[string]string{"op": "ed25519", "key": "01" + strings.Repeat("00", 30) + "80", "message": "", "signature": neutral}, // -0
	}
	var answers []struct{ Valid bool }
	sdks[1].run(t, commands, &answers)
	for i, answer := range answers {
		if answer.Valid {
			t.Errorf("%v is accepted", commands[i])
		}
	}
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// What users install is compiled, and committed: it must be what its source says.
func TestSDK_TheCompiledTypeScriptIsThatOfItsSource(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	output(t, nil, kit.node, "node_modules/typescript/bin/tsc", "-p", "../sdk/typescript", "--outDir", dir)
	made, kept := files(t, dir), files(t, "../sdk/typescript/dist")
	for name, text := range made {
		if kept[name] != text {
			t.Errorf("sdk/typescript/dist/%s is not what its source compiles to: npm run build in sdk/typescript", name)
		}
		delete(kept, name)
	}
	for name := range kept {
		t.Errorf("sdk/typescript/dist/%s has no source", name)
	}
}

// files reads a folder.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, path))
		all[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
