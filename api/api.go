package api

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"signalbox"
	"signalbox/auth"
	"signalbox/poll/connector"
	"signalbox/seal"
)

// Config is what the doors work with. Everything is needed except what says otherwise.
type Config struct {
	Keys    Authenticator
	SignIn  *auth.SignIn
	Signals Signals
	Scores  Scores
	Acts    Acts
	Imports Imports
	Merges  Merges
	Store   Store
	Sender  Sender
	Targets Targets
	// Arrivals wakes readers of feeds; nil: they poll.
	Arrivals Arrivals
	// Linked keeps linked accounts; nil: there are none, and no doors of theirs.
	Linked LinkedStore
	// Connectors are the definitions that streams may name, by name.
	Connectors map[string]*connector.Definition
	// ImportDir is the directory whose files streams may read; "": none may be.
	ImportDir string
	// Journal takes notes for the log; nil: nothing is noted.
	Journal Journal
	// Live shows what happens as it happens; nil: there is no live view.
	Live Live
	// CheckHeaders judges a webhook's custom headers; its error's text may be shown and holds no value.
	CheckHeaders func(map[string]string) error
	// NormalizeDomain and NormalizeEmail give what records are found by, as deciding does; their errors' texts may be shown.
	NormalizeDomain func(string) (string, error)
	NormalizeEmail  func(string) (string, error)
	// Sources says where the signals of a record came from, by its own state and those of all that is merged into it.
	Sources func(...signalbox.EntityState) (signalbox.Sources, error)
	// Blend works out what several records say together, as deciding does.
	Blend func(...signalbox.Own) signalbox.Own

	Box   *seal.Box
	Codec *signalbox.Codec
	IDs   *signalbox.IDs
	// Ready says whether signals can be taken now; its error's text is logged, not shown.
	Ready func(context.Context) error
	// Metrics answers GET /metrics; nil: there is no such path.
	Metrics http.Handler
	// Observe is told of every finished request of an operation; nil: nobody is.
	Observe func(operation string, status int, took time.Duration)
	// Now is the clock that is stored and compared with what is stored; nil: time.Now.
	Now func() time.Time
	// Share is this node's part of a limit on requests that its nodes divide, at least one; nil: all of it.
	Share func(whole int) int
	// Wake is told of due rows that a change wrote; nil: they are found by the next poll.
	Wake func(at time.Time)

	// Mail sends one message now; nil: there is no mail server.
	Mail func(context.Context, signalbox.Mail) error

	// PublicURL is how others reach this server, without a final slash: links lead there.
	PublicURL string
	// Proxies are those whose word on where a request came from, and how, is taken.
	Proxies []netip.Prefix
	// NoPasswords has members sign in by OIDC only.
	NoPasswords bool
	OIDC        OIDC
	Dev         bool // the server runs with --dev

	UserAgent string // of deliveries: Signalbox/<version>
	Version   string
	Log       *slog.Logger
	Rand      io.Reader // of keys and secrets; nil: crypto/rand
}

// API is the public doors. Safe for concurrent use.
type API struct {
	cfg    Config
	mux    *http.ServeMux
	routes []route
	limits *limits
	// buffers are those that bodies are read into.
	buffers sync.Pool

	document func() document
	// origin tells requests of our own pages from those of others.
	origin *http.CrossOriginProtection

	// life ends when the server shuts down: readers who wait for events are answered with what there is.
	life context.Context
	stop context.CancelFunc
}

// New makes the doors.
func New(cfg Config) *API {
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Share == nil {
		cfg.Share = func(whole int) int { return whole }
	}
	if cfg.Wake == nil {
		cfg.Wake = func(time.Time) {}
	}
	if cfg.Observe == nil {
		cfg.Observe = func(string, int, time.Duration) {}
	}
	a := &API{cfg: cfg, mux: http.NewServeMux(), limits: newLimits(cfg.Store, cfg.Share)}
	a.life, a.stop = context.WithCancel(context.Background())
	a.routes = a.table()
	for pattern, methods := range byPattern(a.routes) {
		a.mux.Handle(pattern, methods)
	}
	a.mux.Handle("/", http.HandlerFunc(unknownPath))
	a.origin = newOrigin(cfg.PublicURL)
	a.document = sync.OnceValue(a.buildDocument)
	return a
}

// StopWaiting answers everybody who waits for events, now and from now on: a server that drains need not wait for them.
func (a *API) StopWaiting() { a.stop() }

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := a.cfg.Now().UTC()
	c := &call{ResponseWriter: w, api: a, r: r, now: now}
	c.request = signalbox.RequestID(a.cfg.IDs.Next(now))
	c.requestID = a.cfg.Codec.Format(signalbox.KindRequest, int64(c.request))
	h := w.Header()
	h["X-Request-Id"] = []string{c.requestID}
	h["X-Content-Type-Options"] = nosniff
	defer c.finish()
	if untidy(r.URL.Path) {
		unknownPath(c, r) // ServeMux would redirect, and a redirected POST loses its body
		return
	}
	a.mux.ServeHTTP(c, r)
}

// The values of headers that never change, shared by all answers.
var (
	nosniff  = []string{"nosniff"}
	jsonType = []string{"application/json"}
	noStore  = []string{"no-store"}
)

// untidy says whether a path is one that ServeMux cleans by a redirect.
func untidy(path string) bool {
	return strings.Contains(path, "//") || strings.Contains(path, "/./") || strings.Contains(path, "/../") ||
		strings.HasSuffix(path, "/.") || strings.HasSuffix(path, "/..") || !strings.HasPrefix(path, "/")
}

func unknownPath(w http.ResponseWriter, r *http.Request) {
	w.(*call).fail(signalbox.Errorf(signalbox.NotFound, "there is nothing at this path; GET /openapi.json lists what there is"))
}

// methods are the routes of one pattern.
type methods map[string]*route

func byPattern(routes []route) map[string]methods {
	out := map[string]methods{}
	for i := range routes {
		r := &routes[i]
		if out[r.pattern] == nil {
			out[r.pattern] = methods{}
		}
		out[r.pattern][r.method] = r
	}
	return out
}

// ServeHTTP picks the route of the request's method; HEAD is GET, whose body the server drops.
func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := w.(*call)
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	c.route = m[method]
	if c.route == nil {
		c.Header().Set("Allow", m.allowed())
		c.fail(signalbox.Errorf(signalbox.MethodNotAllowed, "this path takes %s", m.allowed()))
		return
	}
	if err := c.serve(); err != nil {
		c.fail(err)
	}
}

// allowed lists the methods in a fixed order.
func (m methods) allowed() string {
	var list []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if m[method] != nil || method == http.MethodHead && m[http.MethodGet] != nil {
			list = append(list, method)
		}
	}
	return strings.Join(list, ", ")
}

// serve authenticates and runs the route.
func (c *call) serve() error {
	if c.route.need == public {
		if err := c.sameOrigin(); err != nil {
			return err
		}
		if !c.route.anyQuery {
			if err := c.parseQuery(); err != nil {
				return err
			}
		}
		return c.route.run(c)
	}
	if err := c.authenticate(); err != nil {
		return err
	}
	if c.route.need != auth.NeedIngest {
		if err := c.api.limits.take(c); err != nil {
			return err
		}
	}
	if !c.route.anyQuery {
		if err := c.parseQuery(); err != nil {
			return err
		}
	}
	return c.route.run(c)
}
