package poll_test

import (
	"bytes"
	"crypto/rand"
	"maps"
	"testing"

	"signalbox"
	"signalbox/poll"
	"signalbox/seal"
)

func newBox(t *testing.T) *seal.Box {
	t.Helper()
	key, err := seal.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	box, err := seal.NewBox(key)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func TestSecrets_AreSealedForTheirStreamAlone(t *testing.T) {
	t.Parallel()
	box, given := newBox(t), map[string]string{"token": "s3cr3t"}
	s := signalbox.Stream{Workspace: 1, ID: 2}
	var err error
	if s.Secrets, err = poll.SealSecrets(box, s.Workspace, s.ID, given); err != nil || bytes.Contains(s.Secrets, []byte("s3cr3t")) {
		t.Fatalf("sealed as %q, %v", s.Secrets, err)
	}
	if got, err := poll.OpenSecrets(box, &s); err != nil || !maps.Equal(got, given) {
		t.Errorf("opened %v, %v", got, err)
	}
	for name, other := range map[string]signalbox.Stream{"another stream": {Workspace: 1, ID: 3}, "another workspace": {Workspace: 3, ID: 2}} {
		other.Secrets = s.Secrets
		if got, err := poll.OpenSecrets(box, &other); err == nil {
			t.Errorf("%s opens %v", name, got)
		}
	}
	if got, err := poll.OpenSecrets(newBox(t), &s); signalbox.CodeOf(err) != signalbox.Internal {
		t.Errorf("another key opens %v, %v", got, err)
	}
}

func TestSecrets_NoneAreNothing(t *testing.T) {
	t.Parallel()
	box := newBox(t)
	sealed, err := poll.SealSecrets(box, 1, 2, nil)
	if sealed != nil || err != nil {
		t.Errorf("%v, %v", sealed, err)
	}
	if got, err := poll.OpenSecrets(box, &signalbox.Stream{Workspace: 1, ID: 2}); got != nil || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}
