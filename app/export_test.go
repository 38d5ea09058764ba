package app

import (
	"context"

	"signalbox"
	"signalbox/intake"
	"signalbox/poll"
)

// Intake and Streams are the server's own, for tests that come by no door.
func (a *App) Intake() *intake.Intake { return a.intake }

// Streams fetches the streams of linked accounts.
func (a *App) Streams() *poll.Runner { return a.streams }

// NewID makes an id.
func (a *App) NewID() int64 { return a.ids.Next(a.node.Now()) }

// Prepare puts a connector into a stream.
func (a *App) Prepare(ctx context.Context, s *signalbox.Stream, given []byte, keep bool) error {
	return a.connectors.Prepare(ctx, s, given, keep)
}

// Open opens a stream's source.
func (a *App) Open(ctx context.Context, s *signalbox.Stream) (poll.Source, error) {
	return a.connectors.Open(ctx, s)
}
