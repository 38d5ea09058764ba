package auth_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"signalbox"
	"signalbox/auth"
)

func makeKey(t testing.TB) string {
	t.Helper()
	key, err := auth.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key.Reveal()
}

// proves S0-11
func TestNewKey_HasTheFormThatScannersKnow(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		key := makeKey(t)
		if len(key) != 44 || !strings.HasPrefix(key, "sk_live_") || seen[key] {
			t.Fatalf("key %q: want sk_live_ and 36 more characters, never twice", key)
		}
		if err := auth.CheckShape(key); err != nil || auth.Mistyped(key) {
			t.Fatalf("a made key is refused: %v, mistyped %v", err, auth.Mistyped(key))
		}
		seen[key] = true
	}
}

func TestNewKey_SameRandomnessSameKey(t *testing.T) {
	t.Parallel()
	random := bytes.Repeat([]byte{0, 1, 61, 62, 247, 248, 255}, 40)
	key, err := auth.NewKey(bytes.NewReader(random))
	if err != nil {
		t.Fatal(err)
	}
	// 62 and 247 wrap to 0 and 61; 248 and 255 are passed over.
	const want = "sk_live_01z0z01z0z01z0z01z0z01z0z01z0z"
	if got := key.Reveal(); got[:38] != want {
		t.Errorf("key %s…, want %s…", got[:38], want)
	}
	if _, err := auth.NewKey(bytes.NewReader(random[:10])); err == nil {
		t.Error("a key was made though randomness ran out")
	}
}

func TestMistyped_EveryChangeOfOneCharacterShows(t *testing.T) {
	t.Parallel()
	key := makeKey(t)
	for i := len(auth.Prefix); i < len(key); i++ {
		for _, c := range "0Aaz9" {
			typo := key[:i] + string(c) + key[i+1:]
			if typo != key && !auth.Mistyped(typo) {
				t.Errorf("%q passes for %q", typo, key)
			}
		}
	}
}

func TestCheckShape_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ key, want string }{
		"empty":          {"", "empty"},
		"no prefix":      {"live_" + strings.Repeat("a", 36), "begins with sk_live_"},
		"test prefix":    {"sk_test_" + strings.Repeat("a", 36), "begins with sk_live_"},
		"too short":      {"sk_live_" + strings.Repeat("a", 23), "too short"},
		"bootstrap":      {"sk_live_" + strings.Repeat("a_", 12), ""},
		"long bootstrap": {"sk_live_" + strings.Repeat("x", 247), ""},
		"too long":       {"sk_live_" + strings.Repeat("x", 248), "too long"},
		"quoted":         {"sk_live_" + strings.Repeat("a", 36) + `"`, "only letters"},
		"spaces":         {"sk_live_ " + strings.Repeat("a", 36), "only letters"},
		"the sample":     {"sk_live_your_api_key_here", "too short"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := auth.CheckShape(c.key)
			if c.want == "" {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			if signalbox.CodeOf(err) != signalbox.Unauthorized || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want unauthorized saying %q", err, c.want)
			}
		})
	}
}

func TestRefused_NeverTellsWhetherAKeyExisted(t *testing.T) {
	t.Parallel()
	one, other := auth.Refused(makeKey(t)), auth.Refused("sk_live_a_bootstrap_key_of_someone_else")
	if one.Error() != other.Error() {
		t.Errorf("%q differs from %q", one, other)
	}
	if got := auth.Refused("sk_live_" + strings.Repeat("a", 36)).Error(); !strings.Contains(got, "mistyped") {
		t.Errorf("a wrong checksum reads %q", got)
	}
}

func TestSecret_IsHiddenWhereverItIsPrinted(t *testing.T) {
	t.Parallel()
	key, err := auth.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "key", key, "in", struct{ K auth.Secret }{key})
	encoded, err := json.Marshal(struct{ K auth.Secret }{key})
	if err != nil {
		t.Fatal(err)
	}
	all := logged.String() + string(encoded) + fmt.Sprintf("%v %+v %#v %s %q", key, key, key, key, key)
	if strings.Contains(all, key.Reveal()[8:]) {
		t.Errorf("printed: %s", all)
	}
}

func FuzzCheckShape(f *testing.F) {
	for _, s := range []string{"", "sk_live_", "sk_live_" + strings.Repeat("a", 36), "Bearer x", "sk_live_\x00", "sk_live_é" + strings.Repeat("b", 30)} {
		f.Add(s)
	}
	words := map[string]bool{} // all that a refusal can say: nothing of the key can be in it
	for _, key := range []string{"", "x", "sk_live_", "sk_live_ ", "sk_live_" + strings.Repeat("a", 248)} {
		words[auth.CheckShape(key).Error()] = true
	}
	f.Fuzz(func(t *testing.T, key string) {
		err := auth.CheckShape(key)
		if err == nil && (len(key) < 32 || len(key) > 255) {
			t.Errorf("%q passes", key)
		}
		if err != nil && !words[err.Error()] {
			t.Errorf("%q is refused in words of its own: %v", key, err)
		}
		_, _, _ = auth.Mistyped(key), auth.Hint(key), auth.Refused(key)
	})
}
