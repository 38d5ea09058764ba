package app

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"signalbox"
	"signalbox/admin"
	"signalbox/store"
)

// Workspace is a workspace as its server's owners see it, and Rewrapped what sealing anew has done.
type (
	Workspace = admin.Workspace
	Rewrapped = admin.Rewrapped
)

// localActs is what a server does for whoever owns its data directory.
type localActs struct{ a *App }

// Backup copies the database while it works, and writes that.
func (l localActs) Backup(ctx context.Context, w io.Writer) error {
	made := l.a.node.Now()
	return l.a.db.SnapshotOnline(ctx, nil, func(s *store.Snapshot) error { return l.a.cfg.write(ctx, s, w, made) })
}

// Rewrap seals every stored secret with the first key.
func (l localActs) Rewrap(ctx context.Context, forget bool) (Rewrapped, error) {
	r := rewrapper{db: l.a.db, box: l.a.box, codec: l.a.codec, now: l.a.node.Now, forget: forget}
	return r.run(ctx)
}

// Workspaces lists all workspaces.
func (l localActs) Workspaces(ctx context.Context) ([]Workspace, error) {
	stored, err := l.a.db.Workspaces(ctx)
	list := make([]Workspace, len(stored))
	for i := range stored {
		list[i] = showWorkspace(l.a.codec, &stored[i])
	}
	return list, err
}

// CreateWorkspace makes a workspace with its first key.
func (l localActs) CreateWorkspace(ctx context.Context, name string) (Workspace, error) {
	if name = strings.TrimSpace(name); name == "" || len([]rune(name)) > signalbox.MaxName {
		return Workspace{}, signalbox.InvalidField("name", "name must have 1 to %d characters", signalbox.MaxName)
	}
	ws, key, err := l.a.MakeWorkspace(ctx, name)
	if err != nil {
		return Workspace{}, err
	}
	made := showWorkspace(l.a.codec, &ws)
	made.APIKey = key
	return made, nil
}

func showWorkspace(codec *signalbox.Codec, w *signalbox.Workspace) Workspace {
	return Workspace{ID: codec.Format(signalbox.KindWorkspace, int64(w.ID)), Name: w.Name, Timezone: w.Timezone, CreatedAt: w.CreatedAt}
}

// openDoor makes the local door of an embedded database, nil where there can be none. Without it everything else works, so that what stands in its way is
// a warning.
func (a *App) openDoor() *admin.Door {
	if a.cfg.DatabaseURL != "" {
		return nil // whoever has the URL needs no server's help
	}
	door, err := admin.Listen(a.cfg.DataDir, localActs{a}, a.log)
	if err != nil {
		a.log.Warn("the local door cannot be opened: backup, workspaces and keys rewrap need a stopped server", "err", err)
		return nil
	}
	return door
}

// Owner is what whoever owns a database may do with its workspaces. Close gives the database back.
type Owner interface {
	Workspaces(ctx context.Context) ([]Workspace, error)
	CreateWorkspace(ctx context.Context, name string) (Workspace, error)
	Members(ctx context.Context) ([]Member, error)
	MemberLink(ctx context.Context, email string) (MemberLink, error)
	Close() error
}

// stopped is a database that no server of this process's owner has open.
type stopped struct {
	localActs
	*App
	temporary string // the node's directory; "" when it is a data directory
}

// Close closes the database.
func (s stopped) Close() error {
	err := s.App.Close()
	if s.temporary != "" {
		err = errors.Join(err, os.RemoveAll(s.temporary))
	}
	return err
}

// Own opens the configured database for its owner: an embedded one through the server that has it open, else by itself. first is told what a first start
// made that nobody was shown yet.
func Own(ctx context.Context, cfg Config, first func(*App, FirstStart) error) (Owner, error) {
	cfg = cfg.withDefaults()
	server, err := cfg.server(ctx)
	if err != nil {
		return nil, err
	}
	if server != nil {
		return server, nil
	}
	if cfg.PublicURL == "" {
		cfg.PublicURL = cfg.scheme() + "://" + Reachable(cfg.Addr) // where a server of this configuration is
	}
	cfg.Addr, cfg.HoldDeliveries = "127.0.0.1:0", true
	s := stopped{}
	if cfg.DatabaseURL != "" { // a node beside others: its directory is for the time of this call
		if s.temporary, err = os.MkdirTemp("", "signalbox-"); err != nil {
			return nil, err
		}
		cfg.DataDir = s.temporary
	}
	if s.App, err = New(ctx, cfg); err != nil {
		if s.temporary != "" {
			err = errors.Join(err, os.RemoveAll(s.temporary))
		}
		server, err := cfg.orServer(ctx, err)
		if err != nil {
			return nil, err
		}
		return server, nil
	}
	s.localActs.a = s.App
	if shown, ok := s.FirstStart(); ok {
		if err := first(s.App, shown); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}
