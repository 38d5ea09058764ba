package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"time"

	"github.com/google/uuid"

	"signalbox"
	"signalbox/api"
	"signalbox/strictjson"
)

// Workspace is a workspace as this door shows it.
type Workspace struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Timezone  string    `json:"timezone"`
	CreatedAt time.Time `json:"created_at"`
	APIKey    string    `json:"api_key,omitempty"` // its first admin key, only when it was just made
}

// Rewrapped is what sealing anew has done.
type Rewrapped struct {
	KeyID   string   `json:"key_id"`         // of the key that now opens everything
	Changed int      `json:"changed"`        // values that another key had sealed
	Lost    []string `json:"lost,omitempty"` // webhooks that were disabled because no key opened what was sealed in them
}

// Acts is what the server does for its owners.
type Acts interface {
	// Backup writes everything that was acknowledged before the call to w. Until it has succeeded, what is written is of no use.
	Backup(ctx context.Context, w io.Writer) error
	// Rewrap seals every stored secret with the server's first key; what no key opens is an error, unless it is to be forgotten.
	Rewrap(ctx context.Context, forget bool) (Rewrapped, error)
	// Workspaces lists all workspaces.
	Workspaces(ctx context.Context) ([]Workspace, error)
	// CreateWorkspace makes a workspace with its first key.
	CreateWorkspace(ctx context.Context, name string) (Workspace, error)
	// Members lists the members of all workspaces.
	Members(ctx context.Context) ([]Member, error)
	// MemberLink makes a fresh one-time link for the member of an e-mail.
	MemberLink(ctx context.Context, email string) (MemberLink, error)
}

// Door is the local door. Run serves it.
type Door struct {
	acts     Acts
	log      *slog.Logger
	listener net.Listener
	server   *http.Server
}

// The clocks of the door.
const (
	headerFor = 10 * time.Second
	writeFor  = 5 * time.Minute // a client that takes no byte of a backup for so long has gone
	stopFor   = 2 * time.Second // a request under way may take to notice that the server stops
)

// maxBody is the most that is read of a request.
const maxBody = 64 << 10

// Listen makes the door of a data directory. The caller has the lock of its database. Close undoes it where Run is not called.
func Listen(dataDir string, acts Acts, log *slog.Logger) (*Door, error) {
	l, err := listen(dataDir)
	if err != nil {
		return nil, err
	}
	d := &Door{acts: acts, log: log, listener: l}
	mux := http.NewServeMux()
	for pattern, h := range map[string]handler{
		"POST /backup": d.backup, "POST /rewrap": d.rewrap, "GET /workspaces": d.workspaces, "POST /workspaces": d.createWorkspace,
		"GET /members": d.members, "POST /members/link": d.memberLink,
	} {
		mux.Handle(pattern, d.handle(h))
	}
	mux.Handle("/", d.handle(func(http.ResponseWriter, *http.Request) error { return signalbox.NoSuch("route") }))
	d.server = &http.Server{Handler: mux, ReadHeaderTimeout: headerFor, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	return d, nil
}

// Run serves until ctx ends; what is under way then ends too.
func (d *Door) Run(ctx context.Context) error {
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	d.server.BaseContext = func(net.Listener) context.Context { return base }
	served := make(chan error, 1)
	go func() { served <- d.server.Serve(d.listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	cancel()
	grace, end := context.WithTimeout(context.WithoutCancel(ctx), stopFor)
	defer end()
	if err := d.server.Shutdown(grace); err != nil {
		_ = d.server.Close() // what did not end in time is cut
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Close removes the socket.
func (d *Door) Close() error {
	if err := d.listener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

type handler func(http.ResponseWriter, *http.Request) error

// handle answers with the error of a handler, in the words of the public API, and tells the log.
func (d *Door) handle(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin, id := time.Now(), "req_"+uuid.NewString()
		w.Header().Set("X-Request-Id", id)
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		err := h(w, r)
		log := d.log.With("request_id", id, "method", r.Method, "path", r.URL.Path, "took", time.Since(begin))
		if err == nil {
			log.Info("admin.request")
			return
		}
		log.Warn("admin.request", "err", err)
		refuse(w, id, err)
	})
}

// refusal is an error as it goes over the socket.
type refusal struct {
	Error refusalError `json:"error"`
	Meta  meta         `json:"meta"`
}

type refusalError struct {
	Code      signalbox.Code `json:"code"`
	Message   string         `json:"message"`
	RequestID string         `json:"request_id"`
}

type meta struct {
	RequestID string    `json:"request_id"`
	Timestamp time.Time `json:"timestamp"`
}

// refuse answers an error with all that it says: who reads it owns the server.
func refuse(w http.ResponseWriter, id string, err error) {
	code, message := signalbox.CodeOf(err), err.Error()
	var e *signalbox.Error
	if errors.As(err, &e) && e.Err == nil {
		message = e.Msg
	}
	status := http.StatusInternalServerError
	for _, r := range api.Refusals() {
		if r.Code == code {
			status = r.Status
		}
	}
	if code == "" {
		code = signalbox.Internal
	}
	writeJSON(w, status, refusal{refusalError{code, message, id}, meta{id, time.Now().UTC()}})
}

// data is what stands in an answer.
type data[T any] struct {
	Data T `json:"data"`
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // who does not read it has gone
}

// backupType is the media type of an archive, and errorTrailer the header behind it that says why it is not complete.
const (
	backupType   = "application/vnd.signalbox.archive"
	errorTrailer = "Signalbox-Error"
)

// backup streams an archive. An error before its first byte is an answer like any other; one after it stands in a trailer, and the archive has no end.
func (d *Door) backup(w http.ResponseWriter, r *http.Request) error {
	out := &stream{w: w, clock: http.NewResponseController(w)}
	err := d.acts.Backup(r.Context(), out)
	if err == nil || !out.begun {
		return err
	}
	d.log.Warn("admin.backup", "request_id", w.Header().Get("X-Request-Id"), "err", err)
	w.Header().Set(errorTrailer, mime.QEncoding.Encode("utf-8", err.Error()))
	return nil
}

// stream begins an answer at its first byte.
type stream struct {
	w     http.ResponseWriter
	clock *http.ResponseController
	begun bool
}

func (s *stream) Write(b []byte) (int, error) {
	if !s.begun {
		s.begun = true
		s.w.Header().Set("Content-Type", backupType)
		s.w.Header().Set("Trailer", errorTrailer) // also of an answer so short that it would be sent with its length
		s.w.WriteHeader(http.StatusOK)
	}
	if err := s.clock.SetWriteDeadline(time.Now().Add(writeFor)); err != nil {
		return 0, err
	}
	return s.w.Write(b)
}

func (d *Door) rewrap(w http.ResponseWriter, r *http.Request) error {
	done, err := d.acts.Rewrap(r.Context(), r.URL.Query().Get("lost") == "forget")
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, data[Rewrapped]{done})
	return nil
}

func (d *Door) workspaces(w http.ResponseWriter, r *http.Request) error {
	list, err := d.acts.Workspaces(r.Context())
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, data[[]Workspace]{list})
	return nil
}

// newWorkspace is the body of POST /workspaces.
type newWorkspace struct {
	Name string `json:"name"`
}

func (d *Door) createWorkspace(w http.ResponseWriter, r *http.Request) error {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return signalbox.Errorf(signalbox.Invalid, "the body cannot be read: %v", err)
	}
	var in newWorkspace
	if err := strictjson.UnmarshalKnown(text, &in); err != nil {
		return signalbox.Errorf(signalbox.Invalid, "the body: %v", err)
	}
	made, err := d.acts.CreateWorkspace(r.Context(), in.Name)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusCreated, data[Workspace]{made})
	return nil
}
