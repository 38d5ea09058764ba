package storesuite

import (
	"reflect"
	"time"

	"signalbox"
)

var keyTests = map[string]func(*Box){
	"AKeyIsFoundByItsHash":          keyByHash,
	"OneHashIsOneKey":               keyTwice,
	"OnlyNameScopeAndExpiryChange":  keyUpdate,
	"RevokingKeepsTheFirstTime":     keyRevoke,
	"LastUsedGoesForwardOnly":       keyTouch,
	"APageIsStableWhileKeysAreMade": keyPages,
}

func keyByHash(b *Box) {
	k := b.NewKey("ci")
	k.ExpiresAt = b.Now.Add(time.Hour)
	_, err := b.DB.UpdateKey(b.Context(), b.WS, k.ID, func(u *signalbox.APIKey) error { u.ExpiresAt = k.ExpiresAt; return nil })
	b.Must(err)
	b.Must(b.DB.RevokeKey(b.Context(), b.WS, k.ID, b.Now))
	k.RevokedAt = b.Now
	got, err := b.DB.KeyByHash(b.Context(), k.Hash)
	b.Must(err)
	if !reflect.DeepEqual(got, k) {
		b.Fatalf("got %+v, want %+v, revoked and expired as it is", got, k)
	}
	_, err = b.DB.KeyByHash(b.Context(), [32]byte{1})
	b.WantNoSuch(err, "key")
}

func keyTwice(b *Box) {
	k := b.NewKey("ci")
	k.ID = signalbox.KeyID(b.ID())
	b.WantCode(b.DB.CreateKey(b.Context(), k), signalbox.Conflict)
	k.Hash, k.Workspace = [32]byte{9}, signalbox.WorkspaceID(b.ID())
	b.WantNoSuch(b.DB.CreateKey(b.Context(), k), "workspace")
}

func keyUpdate(b *Box) {
	k := b.NewKey("ci")
	got, err := b.DB.UpdateKey(b.Context(), b.WS, k.ID, func(u *signalbox.APIKey) error {
		u.Name, u.Hint, u.Hash, u.RevokedAt = "deploy", "zzzz", [32]byte{}, b.Now
		return nil
	})
	b.Must(err)
	k.Name = "deploy"
	stored, err := b.DB.Key(b.Context(), b.WS, k.ID)
	b.Must(err)
	if got != k || stored != k {
		b.Fatalf("answered %+v, stored %+v, want %+v", got, stored, k)
	}
}

func keyRevoke(b *Box) {
	k := b.NewKey("ci")
	b.Must(b.DB.RevokeKey(b.Context(), b.WS, k.ID, b.Now))
	b.Must(b.DB.RevokeKey(b.Context(), b.WS, k.ID, b.Now.Add(time.Hour)))
	got, err := b.DB.Key(b.Context(), b.WS, k.ID)
	b.Must(err)
	if !got.RevokedAt.Equal(b.Now) {
		b.Fatalf("revoked at %v, want %v", got.RevokedAt, b.Now)
	}
}

func keyTouch(b *Box) {
	k := b.NewKey("ci")
	late := b.Now.Add(time.Hour)
	for _, at := range []time.Time{late, b.Now} {
		b.Must(b.DB.TouchKeys(b.Context(), map[signalbox.KeyID]time.Time{k.ID: at, 12345: at}))
	}
	got, err := b.DB.Key(b.Context(), b.WS, k.ID)
	b.Must(err)
	if !got.LastUsedAt.Equal(late) {
		b.Fatalf("last used at %v, want %v", got.LastUsedAt, late)
	}
}

func keyPages(b *Box) {
	var want []signalbox.KeyID
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		want = append([]signalbox.KeyID{b.NewKey(name).ID}, want...)
	}
	var got []signalbox.KeyID
	for before := int64(0); ; {
		page, next, err := b.DB.Keys(b.Context(), b.WS, signalbox.Page{Limit: 2, Before: before})
		b.Must(err)
		for _, k := range page {
			got = append(got, k.ID)
		}
		if before = next; next == 0 {
			break
		}
		b.NewKey("new " + string(rune('a'+len(got))))
	}
	if !reflect.DeepEqual(got, want) {
		b.Fatalf("pages hold %v, want %v", got, want)
	}
}
