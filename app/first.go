package app

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"signalbox"
	"signalbox/auth"
	"signalbox/backup"
	"signalbox/seal"
	"signalbox/store"
)

// sealer seals and opens secrets.
type sealer = *seal.Box

// probeSetting is the name of the stored probe that a secret key must open.
const probeSetting = "seal_probe"

// keyFile is the name of the secret key of an embedded database, in its data directory.
const keyFile = "secret.key"

// openBox finds the secret key and holds it against the probe that the database keeps: a server must not start with a key that
// cannot open what is stored.
func (a *App) openBox(ctx context.Context) (*seal.Box, error) {
	box, err := a.cfg.box(func() (seal.Key, error) { return seal.LoadOrCreateKeyFile(filepath.Join(a.cfg.DataDir, keyFile)) })
	if err != nil {
		return nil, err
	}
	probe, err := a.db.MakeSetting(ctx, probeSetting, box.Probe())
	if err != nil {
		return nil, err
	}
	if err := opensProbe(box, probe); err != nil {
		return nil, err
	}
	return box, opensAll(ctx, a.db, box)
}

// opensAll says that something in a database is sealed with a key that a box has not, though it has the probe's: a change of keys that was not
// completed.
func opensAll(ctx context.Context, db *store.DB, box *seal.Box) error {
	keys, err := sealedBy(ctx, db)
	if err != nil {
		return err
	}
	if err := backup.CheckKeys("the database", keys, box.IDs()); err != nil {
		return fmt.Errorf("%w: a change of keys was not completed; set SIGNALBOX_OLD_SECRET_KEYS too, and run signalbox keys rewrap", err)
	}
	return nil
}

// opensProbe says that a box does not open what is sealed in a database, and which key would.
func opensProbe(box *seal.Box, probe []byte) error {
	if err := box.CheckProbe(probe); err != nil {
		return fmt.Errorf("the secret key does not open this database: %w", err)
	}
	return nil
}

// box makes a box of the configured keys; without any the key is byDefault's.
func (c *Config) box(byDefault func() (seal.Key, error)) (*seal.Box, error) {
	key, err := c.secretKey(byDefault)
	if err != nil {
		return nil, err
	}
	var old []seal.Key
	for _, text := range c.OldSecretKeys {
		k, err := seal.ParseKey(text)
		if err != nil {
			return nil, fmt.Errorf("old secret key: %w", err)
		}
		old = append(old, k)
	}
	return seal.NewBox(key, old...)
}

func (c *Config) secretKey(byDefault func() (seal.Key, error)) (seal.Key, error) {
	switch {
	case c.SecretKey != "":
		return seal.ParseKey(c.SecretKey)
	case c.SecretKeyFile != "":
		return seal.LoadKeyFile(c.SecretKeyFile)
	}
	return byDefault()
}

// nodeToken is what makes a restarted node the node that it was.
func nodeToken(dir string) (string, error) {
	path := filepath.Join(dir, "node.token")
	text, err := os.ReadFile(path)
	if err == nil && len(text) > 0 {
		return strings.TrimSpace(string(text)), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	var raw [16]byte
	rand.Read(raw[:])
	token := hex.EncodeToString(raw[:])
	return token, os.WriteFile(path, []byte(token+"\n"), 0o600)
}

// firstKeySetting holds the id of the first start's key until somebody has been shown it, then shownKey.
const (
	firstKeySetting = "first_key"
	shownKey        = "shown"
)

// firstStart makes a workspace, an admin key and an admin when there is none yet, and the bootstrap key when one is configured. A first start that
// ended before its key was shown begins again: nobody knows that key, so another one takes its place.
func (a *App) firstStart(ctx context.Context) error {
	list, err := a.db.Workspaces(ctx)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		ws, err := a.makeWorkspace(ctx, "My workspace")
		if err != nil {
			return err
		}
		list = append(list, ws)
	}
	first := a.firstAPIKey
	if a.cfg.BootstrapAPIKey != "" {
		first = a.bootstrap
	}
	if err := first(ctx, list[0].ID); err != nil {
		return err
	}
	return a.firstMember(ctx, list[0].ID)
}

// firstAPIKey makes the first start's key, unless somebody was shown one.
func (a *App) firstAPIKey(ctx context.Context, ws signalbox.WorkspaceID) error {
	known, err := a.db.Setting(ctx, firstKeySetting)
	if err != nil || string(known) == shownKey {
		return err
	}
	if made, ok := parseFirst(known); ok {
		if made.token != a.token && a.node.Now().Sub(made.at) < showWithin {
			return nil // another node is about to show its key
		}
		if err := a.db.RevokeKey(ctx, ws, made.key, a.node.Now().UTC()); err != nil && signalbox.CodeOf(err) != signalbox.NotFound {
			return err
		}
	}
	key, id, err := a.makeKey(ctx, ws, "First key", "")
	if err != nil {
		return err
	}
	a.tell(ws)
	a.first.APIKey = key
	return a.db.PutSetting(ctx, firstKeySetting, firstKey{id, a.node.Now(), a.token}.format())
}

// firstKey is a first start's key that nobody has been shown yet, as a setting keeps it: 8 bytes of id, 8 of microseconds, and the node's token.
type firstKey struct {
	key   signalbox.KeyID
	at    time.Time
	token string
}

// showWithin is how long a node may take to show the key that it made, before another one makes another.
const showWithin = time.Minute

func (f firstKey) format() []byte {
	raw := binary.BigEndian.AppendUint64(nil, uint64(f.key))
	return append(binary.BigEndian.AppendUint64(raw, uint64(f.at.UnixMicro())), f.token...)
}

func parseFirst(raw []byte) (f firstKey, ok bool) {
	if len(raw) < 16 {
		return f, false
	}
	return firstKey{
		key: signalbox.KeyID(binary.BigEndian.Uint64(raw)), at: time.UnixMicro(int64(binary.BigEndian.Uint64(raw[8:]))), token: string(raw[16:]),
	}, true
}

// FirstStartShown says that somebody has been shown what FirstStart told; without it the next start tells again, with another key and password.
func (a *App) FirstStartShown(ctx context.Context) error {
	for name, told := range map[string]string{firstKeySetting: a.first.APIKey, firstMemberSetting: a.first.Password} {
		if told == "" {
			continue
		}
		if err := a.db.PutSetting(ctx, name, []byte(shownKey)); err != nil {
			return err
		}
	}
	return nil
}

// bootstrap makes the configured key unless it is there already; a revoked one stays revoked.
func (a *App) bootstrap(ctx context.Context, ws signalbox.WorkspaceID) error {
	_, err := a.db.KeyByHash(ctx, auth.Hash(a.cfg.BootstrapAPIKey))
	if signalbox.CodeOf(err) != signalbox.NotFound {
		return err
	}
	if err := auth.CheckShape(a.cfg.BootstrapAPIKey); err != nil {
		return fmt.Errorf("SIGNALBOX_BOOTSTRAP_API_KEY: %w", err)
	}
	_, _, err = a.makeKey(ctx, ws, "Bootstrap key", a.cfg.BootstrapAPIKey)
	return err
}

// MakeWorkspace makes a workspace with the configured retention, and its first admin key, which is returned here and never again.
func (a *App) MakeWorkspace(ctx context.Context, name string) (signalbox.Workspace, string, error) {
	ws, err := a.makeWorkspace(ctx, name)
	if err != nil {
		return ws, "", err
	}
	key, _, err := a.makeKey(ctx, ws.ID, "First key", "")
	return ws, key, err
}

func (a *App) makeWorkspace(ctx context.Context, name string) (signalbox.Workspace, error) {
	now := a.node.Now().UTC().Truncate(time.Microsecond)
	ws := signalbox.Workspace{
		ID: signalbox.WorkspaceID(a.ids.Next(now)), Name: name, Timezone: "UTC", Revision: 1, CreatedAt: now, UpdatedAt: now,
		Retention: signalbox.Retention{SignalDays: a.cfg.RetentionSignalDays, EventDays: a.cfg.RetentionEventDays},
	}
	if ws.Retention.EventDays == 0 {
		ws.Retention.EventDays = signalbox.DefaultEventDays
	}
	return ws, a.db.CreateWorkspace(ctx, ws)
}

// makeKey makes an admin key; text "" has one made up.
func (a *App) makeKey(ctx context.Context, ws signalbox.WorkspaceID, name, text string) (string, signalbox.KeyID, error) {
	if text == "" {
		made, err := auth.NewKey(rand.Reader)
		if err != nil {
			return "", 0, err
		}
		text = made.Reveal()
	}
	now := a.node.Now().UTC().Truncate(time.Microsecond)
	id := signalbox.KeyID(a.ids.Next(now))
	return text, id, a.db.CreateKey(ctx, signalbox.APIKey{
		ID: id, Workspace: ws, Name: name, Scope: signalbox.ScopeAdmin,
		Hint: auth.Hint(text), Hash: auth.Hash(text), CreatedAt: now,
	})
}

// warnOfDev says loudly what --dev allows.
func (a *App) warnOfDev() {
	const warning = "--dev: webhooks may point at http and at loopback and private addresses; never run a server that others reach this way"
	if !a.cfg.Dev {
		return
	}
	if a.cfg.Notices != nil {
		fmt.Fprintln(a.cfg.Notices, warning)
		return
	}
	a.log.Warn("server.dev", "warning", warning)
}
