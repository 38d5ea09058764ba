package store

import (
	"context"
	"crypto/rand"
	"fmt"
)

// The settings that this room keeps for itself. Those that begin with placePrefix tell of one place where a database is: no copy has them.
const (
	settingCodec = "store.codec_key"
	placePrefix  = "store.place."
	settingProbe = placePrefix + "probe"
)

const getSettingSQL = `
SELECT value
  FROM settings
 WHERE name = $1`

const putSettingSQL = `
INSERT INTO settings (name, value)
VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE
   SET value = excluded.value`

const makeSettingSQL = `
INSERT INTO settings (name, value)
VALUES ($1, $2)
ON CONFLICT (name) DO NOTHING`

// CodecKey returns the key that ids are made into text with: random, made at the first call, the database's for ever.
func (db *DB) CodecKey(ctx context.Context) (key [16]byte, err error) {
	err = db.write(ctx, classManage, func(t *tx) error {
		value, err := t.makeSetting(settingCodec, func() []byte {
			rand.Read(key[:])
			return key[:]
		})
		copy(key[:], value)
		return err
	})
	if err != nil {
		return key, fmt.Errorf("codec key: %w", err)
	}
	return key, nil
}

// Setting returns what was put under a name; nil when nothing was.
func (db *DB) Setting(ctx context.Context, name string) (value []byte, err error) {
	err = db.read(ctx, func(t *tx) error {
		value, err = t.setting(name)
		return err
	})
	return value, err
}

// MakeSetting keeps a value under a name that has none yet, and returns the value that the name then has: of several nodes that make it at
// once, all get the same.
func (db *DB) MakeSetting(ctx context.Context, name string, made []byte) (value []byte, err error) {
	err = db.write(ctx, classManage, func(t *tx) error {
		value, err = t.makeSetting(name, func() []byte { return made })
		return err
	})
	return value, err
}

func (t *tx) makeSetting(name string, made func() []byte) ([]byte, error) {
	value, err := t.setting(name)
	if err != nil || value != nil {
		return value, err
	}
	if _, err := t.exec(makeSettingSQL, name, made()); err != nil {
		return nil, err
	}
	return t.setting(name) // another node's, if it was faster
}

// PutSetting keeps a value under a name, in place of the one before. Names that begin with "store." are this room's own.
func (db *DB) PutSetting(ctx context.Context, name string, value []byte) error {
	if value == nil {
		value = []byte{}
	}
	return db.write(ctx, classManage, func(t *tx) error {
		_, err := t.exec(putSettingSQL, name, value)
		return err
	})
}

func (t *tx) setting(name string) (value []byte, err error) {
	_, err = t.one(getSettingSQL, []any{name}, func(r *row) { value = r.bytes(0) })
	return value, err
}

// probe is a write that changes nothing anybody reads: it shows whether one can be committed.
func probe(t *tx) error {
	value, err := t.setting(settingProbe)
	if err != nil {
		return err
	}
	next := []byte{1}
	if len(value) == 1 {
		next[0] = value[0] + 1
	}
	_, err = t.exec(putSettingSQL, settingProbe, next)
	return err
}
