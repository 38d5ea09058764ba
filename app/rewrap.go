package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"signalbox"
	"signalbox/backup"
	"signalbox/deliver"
	"signalbox/seal"
	"signalbox/sign"
	"signalbox/store"
)

// rewrapPasses is how often all values are gone through: a node may seal new ones with an old key meanwhile.
const rewrapPasses = 3

// secretLost is why a webhook is disabled whose secret no key opens any more.
const secretLost = "secret_lost"

// Rewrap seals every stored secret of the configured database with the first key, which the old keys must open: of an embedded database through the server that
// has it open, with that server's keys, else by itself. What no key opens ends it with an error, unless it is to be forgotten: then the webhooks that it is of
// are disabled as secret_lost.
func Rewrap(ctx context.Context, cfg Config, forget bool) (done Rewrapped, err error) {
	sc, err := cfg.database()
	if err != nil {
		return done, err
	}
	cfg = cfg.withDefaults()
	if err := cfg.Check(); err != nil {
		return done, err
	}
	server, err := cfg.server(ctx)
	if err != nil {
		return done, err
	}
	if server != nil {
		defer server.Close()
		return server.Rewrap(ctx, forget)
	}
	box, err := cfg.box(func() (seal.Key, error) { return seal.LoadKeyFile(filepath.Join(cfg.DataDir, keyFile)) })
	if err != nil {
		return done, err
	}
	if err := current(ctx, sc); err != nil {
		return done, err
	}
	db, err := store.Open(ctx, sc)
	if err != nil {
		if server, err = cfg.orServer(ctx, err); err != nil {
			return done, err
		}
		defer server.Close()
		return server.Rewrap(ctx, forget)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	key, err := db.CodecKey(ctx)
	if err != nil {
		return done, err
	}
	r := rewrapper{db: db, box: box, codec: signalbox.NewCodec(key), now: cfg.Now, forget: forget}
	return r.run(ctx)
}

// rewrapper seals everything in a database anew with its box's first key.
type rewrapper struct {
	db     *store.DB
	box    *seal.Box
	codec  *signalbox.Codec
	now    func() time.Time
	forget bool

	lost map[signalbox.WebhookID]bool // of the workspace that is being worked on
}

// run does the probe last: until then a start with the first key alone is refused, and names the key that is wanted besides. Cut short, it is begun anew
// and finds done what was done.
func (r *rewrapper) run(ctx context.Context) (Rewrapped, error) {
	done := Rewrapped{KeyID: string(r.box.Primary())}
	probe, err := r.db.Setting(ctx, probeSetting)
	if err != nil {
		return done, err
	}
	if probe != nil && !r.forget {
		if err := opensProbe(r.box, probe); err != nil {
			return done, err
		}
	}
	for pass := 1; ; pass++ {
		if err := r.all(ctx, &done); err != nil {
			return done, err
		}
		left, err := sealedBy(ctx, r.db)
		if err != nil {
			return done, err
		}
		left = slices.DeleteFunc(left, func(id string) bool { return id == done.KeyID })
		if len(left) == 0 {
			break
		}
		if pass == rewrapPasses {
			return done, fmt.Errorf("a node still seals with the secret key %s: start every node with the new key first, then do this again", left[0])
		}
	}
	if probe != nil && r.box.NeedsRewrap(probe) {
		done.Changed++
		return done, r.db.PutSetting(ctx, probeSetting, r.box.Probe())
	}
	return done, nil
}

// sealedBy names the keys that a database's values are sealed with, the probe aside.
func sealedBy(ctx context.Context, db *store.DB) ([]string, error) {
	headers, err := db.SealedHeaders(ctx, seal.HeaderSize)
	return backup.Keys(headers), err
}

// all goes through every workspace once.
func (r *rewrapper) all(ctx context.Context, done *Rewrapped) error {
	list, err := r.db.Workspaces(ctx)
	if err != nil {
		return err
	}
	for _, ws := range list {
		r.lost = map[signalbox.WebhookID]bool{}
		n, err := r.db.Rewrap(ctx, ws.ID, r.anew)
		done.Changed += n
		if err != nil {
			return err
		}
		for _, wh := range slices.Sorted(maps.Keys(r.lost)) {
			if err := r.giveUp(ctx, ws.ID, wh); err != nil {
				return err
			}
			done.Lost = append(done.Lost, r.codec.Format(signalbox.KindWebhook, int64(wh)))
		}
	}
	return nil
}

// anew seals a value with the first key.
func (r *rewrapper) anew(v store.Sealed) ([]byte, error) {
	fresh, err := r.box.Rewrap(seal.Bind{Workspace: int64(v.Workspace), Row: v.Row, Kind: v.Kind}, v.Value)
	switch {
	case err == nil:
		return fresh, nil
	case r.forget && v.Table == "events": // of what an automation has sent, or would have: its definition is lost as well
		return nil, nil
	case r.forget:
		r.lost[signalbox.WebhookID(v.Row)] = true
		if v.Table == "webhooks" {
			return v.Value, nil // until giveUp
		}
		return nil, nil
	case v.Table != "webhooks":
		return nil, fmt.Errorf("a header that the automation %s sends: %w; delete the automation, or have what no key opens forgotten with --forget-lost",
			r.codec.Format(signalbox.KindAutomation, v.Row), err)
	}
	return nil, fmt.Errorf("webhook %s: %w; delete the webhook, or have what no key opens forgotten with --forget-lost",
		r.codec.Format(signalbox.KindWebhook, v.Row), err)
}

// giveUp disables a webhook whose secret or headers no key opens. It gets a secret that nobody knows, and no headers and no key.
func (r *rewrapper) giveUp(ctx context.Context, ws signalbox.WorkspaceID, wh signalbox.WebhookID) error {
	secret, err := sign.NewSecret(rand.Reader)
	if err != nil {
		return err
	}
	_, err = r.db.UpdateWebhook(ctx, ws, wh, r.now().UTC().Truncate(time.Microsecond), func(w *signalbox.Webhook) error {
		w.Enabled, w.DisabledReason = false, secretLost
		w.SealedSecret = r.box.Seal(seal.Bind{Workspace: int64(ws), Row: int64(wh), Kind: deliver.SecretKind}, []byte(secret.Reveal()))
		w.SealedHeaders, w.HeaderNames = nil, nil
		w.SealedPrevious, w.PreviousUntil, w.VendorPrevious = nil, time.Time{}, false
		w.SealedKey, w.SealedOldKey, w.PublicKey = nil, nil, ""
		return nil
	})
	if signalbox.CodeOf(err) == signalbox.NotFound {
		return nil // deleted meanwhile
	}
	return err
}
