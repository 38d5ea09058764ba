package app

import (
	"context"

	"signalbox"
	"signalbox/intake"
	"signalbox/poll"
	"signalbox/store"
)

// syncStore is the store as streams are worked on: what a slice finds different is decided and saved in a turn, like any input.
type syncStore struct {
	*store.DB
	turns *intake.Intake
}

// SaveSync saves a slice with what follows from it.
func (s syncStore) SaveSync(ctx context.Context, slice *signalbox.SyncSlice) error {
	return s.turns.SaveSync(ctx, slice)
}

// newStreams makes the runner of the streams of linked accounts.
func (a *App) newStreams() *poll.Runner {
	return poll.New(poll.Config{
		Store: syncStore{a.db, a.intake}, Desk: a.db, Node: a.node, Box: a.box, Open: a.connectors.Open, IDs: a.ids, Codec: a.codec, Log: a.log, Now: a.node.Now,
		Wake: a.wakes.Due,
	})
}
