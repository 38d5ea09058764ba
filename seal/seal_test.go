package seal_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"signalbox/seal"
)

var bind = seal.Bind{Workspace: 7, Row: 1 << 40, Kind: "webhook.secret"}

// key makes a different key for each letter.
func key(t testing.TB, letter byte) seal.Key {
	t.Helper()
	k, err := seal.NewKey(bytes.NewReader(append(bytes.Repeat([]byte{letter}, 31), 0)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func box(t testing.TB, primary byte, old ...byte) *seal.Box {
	t.Helper()
	var olds []seal.Key
	for _, letter := range old {
		olds = append(olds, key(t, letter))
	}
	b, err := seal.NewBox(key(t, primary), olds...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOpen_GivesWhatWasSealed(t *testing.T) {
	t.Parallel()
	b := box(t, 'a')
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOf(rapid.Byte()).Draw(t, "plaintext")
		bind := seal.Bind{
			Workspace: rapid.Int64().Draw(t, "workspace"), Row: rapid.Int64().Draw(t, "row"), Kind: rapid.String().Draw(t, "kind"),
		}
		sealed := b.Seal(bind, text)
		if len(sealed) != len(text)+seal.Overhead {
			t.Fatalf("%d bytes became %d", len(text), len(sealed))
		}
		got, err := b.Open(bind, sealed)
		if err != nil || !bytes.Equal(got, text) {
			t.Fatalf("got %x, %v; want %x", got, err, text)
		}
	})
}

func TestSeal_NeverGivesTheSameBytesTwiceNorTheText(t *testing.T) {
	t.Parallel()
	b, text := box(t, 'a'), []byte("whsec_a long enough secret")
	one, two := b.Seal(bind, text), b.Seal(bind, text)
	if bytes.Equal(one, two) || bytes.Contains(one, text) {
		t.Errorf("got %x and %x", one, two)
	}
}

func TestOpen_AChangeOfAnyByteIsRefused(t *testing.T) {
	t.Parallel()
	b := box(t, 'a')
	sealed := b.Seal(bind, []byte("secret"))
	for i := range sealed {
		for bit := range 8 {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1 << bit
			if got, err := b.Open(bind, changed); err == nil || got != nil {
				t.Errorf("byte %d, bit %d: got %q, %v", i, bit, got, err)
			}
		}
		if _, err := b.Open(bind, sealed[:i]); err == nil {
			t.Errorf("cut to %d bytes: opened", i)
		}
	}
	if _, err := b.Open(bind, append(bytes.Clone(sealed), 0)); !errors.Is(err, seal.ErrNotOpened) {
		t.Errorf("one byte more: got %v", err)
	}
	for _, text := range []string{"", "plain text that was never sealed, long enough"} {
		if _, err := b.Open(bind, []byte(text)); !errors.Is(err, seal.ErrMalformed) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

// reliability 2.2: AAD = workspace, row, kind
func TestOpen_AnotherPlaceIsRefused(t *testing.T) {
	t.Parallel()
	b := box(t, 'a')
	sealed := b.Seal(bind, []byte("secret"))
	for name, other := range map[string]seal.Bind{
		"workspace":          {Workspace: 8, Row: bind.Row, Kind: bind.Kind},
		"row":                {Workspace: 7, Row: bind.Row + 1, Kind: bind.Kind},
		"kind":               {Workspace: 7, Row: bind.Row, Kind: "webhook.header"},
		"longer kind":        {Workspace: 7, Row: bind.Row, Kind: bind.Kind + "s"},
		"swapped":            {Workspace: bind.Row, Row: 7, Kind: bind.Kind},
		"nothing":            {},
		"negative workspace": {Workspace: -7, Row: bind.Row, Kind: bind.Kind},
	} {
		if got, err := b.Open(other, sealed); !errors.Is(err, seal.ErrNotOpened) || got != nil {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

func TestOpen_AnUnknownKeyIsNamed(t *testing.T) {
	t.Parallel()
	sealed := box(t, 'a').Seal(bind, []byte("secret"))
	_, err := box(t, 'b', 'c').Open(bind, sealed)
	var unknown *seal.UnknownKeyError
	if !errors.As(err, &unknown) {
		t.Fatalf("got %v", err)
	}
	want := key(t, 'a').ID()
	if unknown.Want != want || !strings.Contains(err.Error(), string(want)) {
		t.Errorf("got %v, want the name %s", err, want)
	}
	for _, have := range []byte{'b', 'c'} {
		if !strings.Contains(err.Error(), string(key(t, have).ID())) {
			t.Errorf("%v does not name a key that was given", err)
		}
	}
	if id, err := seal.SealedBy(sealed); err != nil || id != want {
		t.Errorf("SealedBy: got %s, %v", id, err)
	}
}

func TestRewrap_RotatesToThePrimaryKey(t *testing.T) {
	t.Parallel()
	before, during, after := box(t, 'a'), box(t, 'b', 'a'), box(t, 'b')
	sealed := before.Seal(bind, []byte("secret"))
	if before.NeedsRewrap(sealed) || !during.NeedsRewrap(sealed) {
		t.Error("only the box with a new primary key wants to rewrap")
	}
	fresh, err := during.Rewrap(bind, sealed)
	if err != nil {
		t.Fatal(err)
	}
	if during.NeedsRewrap(fresh) {
		t.Error("a rewrapped value needs it again")
	}
	if again, err := during.Rewrap(bind, fresh); err != nil || !bytes.Equal(again, fresh) {
		t.Errorf("rewrapping twice: got %x, %v; want %x", again, err, fresh)
	}
	if got, err := after.Open(bind, fresh); err != nil || string(got) != "secret" {
		t.Errorf("with the new key alone: got %q, %v", got, err)
	}
	if _, err := during.Rewrap(seal.Bind{}, sealed); !errors.Is(err, seal.ErrNotOpened) {
		t.Errorf("with a wrong bind: got %v", err)
	}
	if during.NeedsRewrap([]byte("nonsense")) {
		t.Error("nonsense needs rewrapping")
	}
}

// contract 15: start refuses a key that cannot open a stored probe and names the key id wanted
func TestCheckProbe_RefusesAKeyThatCannotOpenTheData(t *testing.T) {
	t.Parallel()
	probe := box(t, 'a').Probe()
	for _, good := range []*seal.Box{box(t, 'a'), box(t, 'b', 'a')} {
		if err := good.CheckProbe(probe); err != nil {
			t.Error(err)
		}
	}
	err := box(t, 'b').CheckProbe(probe)
	var unknown *seal.UnknownKeyError
	if !errors.As(err, &unknown) || unknown.Want != key(t, 'a').ID() {
		t.Errorf("got %v", err)
	}
	if err := box(t, 'a').CheckProbe(box(t, 'a').Seal(bind, []byte("signalbox"))); !errors.Is(err, seal.ErrNotOpened) {
		t.Errorf("a value that is no probe: got %v", err)
	}
}

func TestParseKey_TakesHexAndBase64(t *testing.T) {
	t.Parallel()
	raw := append(bytes.Repeat([]byte{0xfb, 0xff}, 15), 1, 2)
	want := hex.EncodeToString(raw)
	for _, text := range []string{
		want, strings.ToUpper(want), " " + want + "\r\n",
		base64.StdEncoding.EncodeToString(raw), base64.RawStdEncoding.EncodeToString(raw),
		base64.URLEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw) + "\n",
	} {
		if k, err := seal.ParseKey(text); err != nil || k.Reveal() != want {
			t.Errorf("%q: got %v", text, err)
		}
	}
	for _, text := range []string{
		"", "short", want[:63], want + "0", strings.Repeat("x", 64), strings.Repeat("!", 43), strings.Repeat("00", 32),
		base64.StdEncoding.EncodeToString(raw[:31]), base64.StdEncoding.EncodeToString(raw) + "=", base64.StdEncoding.EncodeToString(append(raw, 1)),
	} {
		if _, err := seal.ParseKey(text); err == nil {
			t.Errorf("%q was accepted", text)
		} else if text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("the error repeats the key: %v", err)
		}
	}
}

func TestKeyID_IsStableAndDistinct(t *testing.T) {
	t.Parallel()
	k, err := seal.ParseKey("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
	if err != nil {
		t.Fatal(err)
	}
	// HKDF-SHA-256, no salt, info "signalbox seal key id": a change would orphan every stored value
	if got, want := k.ID(), seal.KeyID("k_51be975ca2fd17d8"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if key(t, 'a').ID() == key(t, 'b').ID() {
		t.Error("two keys share an id")
	}
	if _, err := seal.NewKey(strings.NewReader("too short")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("too little randomness: got %v", err)
	}
}

func TestOpen_AValueOfAnEarlierRelease(t *testing.T) {
	t.Parallel()
	k, err := seal.ParseKey("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
	if err != nil {
		t.Fatal(err)
	}
	b, err := seal.NewBox(k)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := hex.DecodeString("0151be975ca2fd17d8d86fd31e6ffe6c6a4ddbd6c4d43a26bd15341c7fac04980a4417da2504c21553ed36fc3984ffc78c")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := b.Open(bind, stored); err != nil || string(got) != "whsec_stored" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestNewBox_RefusesAMissingKey(t *testing.T) {
	t.Parallel()
	if _, err := seal.NewBox(seal.Key{}); err == nil {
		t.Error("a zero key was taken")
	}
	if b := box(t, 'a', 'a'); b.Primary() != key(t, 'a').ID() {
		t.Errorf("the same key twice: got %s", b.Primary())
	}
}

func TestKey_PrintsHiddenEverywhere(t *testing.T) {
	t.Parallel()
	k := key(t, 'S')
	b, err := seal.NewBox(k)
	if err != nil {
		t.Fatal(err)
	}
	public := struct{ K seal.Key }{k}
	private := struct {
		k seal.Key
		b *seal.Box
	}{k, b}
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "k", k, "public", public)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "k", k, "private", private)
	encoded, err := json.Marshal(public)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(encoded)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{k, &k, public, private, b, *b} {
			fmt.Fprintf(&out, verb, v)
		}
	}
	out.WriteString(k.String() + k.GoString())
	for _, leak := range []string{"SSSS", "53535353", "83 83 83", "83, 83", "0x53, 0x53"} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("the key shows as %q", leak)
		}
	}
	if !strings.Contains(out.String(), "[hidden]") {
		t.Error("nothing printed [hidden]")
	}
}

func FuzzOpen(f *testing.F) {
	b := box(f, 'a')
	f.Add(b.Seal(bind, []byte("secret")))
	f.Add([]byte{1})
	f.Add([]byte("k_"))
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if _, err := b.Open(seal.Bind{Kind: "another"}, sealed); err == nil {
			t.Fatalf("%x opened", sealed)
		}
	})
}

func FuzzParseKey(f *testing.F) {
	f.Add("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
	f.Add("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := seal.ParseKey(text)
		if err != nil {
			return
		}
		if again, err := seal.ParseKey(k.Reveal()); err != nil || again.ID() != k.ID() {
			t.Fatalf("%q: its own text gives %v, %v", text, again, err)
		}
	})
}

// TestParseKey_AnyRandomBytesAreAKey: whatever they would be as text.
func TestParseKey_AnyRandomBytesAreAKey(t *testing.T) {
	t.Parallel()
	text := "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
	if k, err := seal.ParseKey(text); err != nil || k.Reveal() != text {
		t.Errorf("got %v", err)
	}
	if _, err := seal.ParseKey(strings.Repeat("a0", 32)); err == nil {
		t.Error("one byte again and again was taken")
	}
}
