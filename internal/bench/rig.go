package bench

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// rig is a server with a receiver behind it, on a database of its own.
type rig struct {
	b        *bench
	nodes    []*node // the server; in the scenario nodes there may be two
	receiver *child  // nil where nothing is to be received
	hook     string  // the webhook's id, "" for none
	schema   string  // on PostgreSQL, what to drop at the end
	database string  // and its URL
	secret   string  // the secret key that nodes of one PostgreSQL database share
	key      string
	target   string // host:port of the receiver
	hold     bool
	contacts int      // that there are; 0: as many as the run's others have
	webhooks int64    // that take every signal; 0: one
	events   []string // that the webhook takes; nil: every signal
	known    bool     // accounts have attributes and contacts titles, and every signal is a page view
	turned   int      // of them that have had the turn of a fill
	from     int64    // the number of the last signal before the measurement going on
}

// node is one server of a rig.
type node struct {
	server *child // nil: a running server that somebody else started
	dir    string
	addr   string
}

// How long a server may take to become ready, and how often it is asked.
const (
	readyWithin = 2 * time.Minute
	readyEvery  = time.Millisecond
)

// newRig starts a server on an empty database and fills it: each of the contacts and accounts exists, what is to be
// stored before is stored, and then a webhook to a receiver takes every signal.
func (b *bench) newRig(ctx context.Context, hold bool) (_ *rig, err error) {
	r := &rig{b: b, hold: hold, key: b.APIKey}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	if err := r.open(ctx, receiverConfig{}); err != nil {
		return nil, err
	}
	if err := r.populate(ctx); err != nil {
		return nil, err
	}
	return r, r.subscribe(ctx)
}

// open starts the receiver, and the first server on an empty database unless one runs already.
func (r *rig) open(ctx context.Context, c receiverConfig) (err error) {
	var at listening
	if r.receiver, err = startChild(ctx, r.b.Command, roleReceiver, c, &at); err != nil {
		return err
	}
	r.target = at.Addr
	if r.b.Server != "" {
		r.nodes = []*node{{addr: r.b.Server}}
		return nil
	}
	_, err = r.startFirst(ctx)
	return err
}

// startFirst makes an empty database and starts the first node on it.
func (r *rig) startFirst(ctx context.Context) (took time.Duration, err error) {
	r.key, r.secret = "sk_live_"+randomHex(16), randomHex(32)
	if d := r.b.database; d != nil {
		if r.schema, r.database, err = d.makeSchema(ctx); err != nil {
			return 0, err
		}
	}
	return r.addNode(ctx)
}

// addNode starts one more server on the rig's database and says how long it took until it was ready.
func (r *rig) addNode(ctx context.Context) (took time.Duration, err error) {
	n := &node{}
	if n.dir, err = os.MkdirTemp(r.b.dir, "data-"); err != nil {
		return 0, err
	}
	r.nodes = append(r.nodes, n)
	return r.start(ctx, n)
}

// removeNode stops the last server.
func (r *rig) removeNode() error {
	last := len(r.nodes) - 1
	n := r.nodes[last]
	r.nodes = r.nodes[:last]
	return errors.Join(r.b.end(n.server), os.RemoveAll(n.dir))
}

// start starts a node's server and says how long it took from the start of the process until it was ready.
func (r *rig) start(ctx context.Context, n *node) (took time.Duration, err error) {
	begin := time.Now()
	var at listening
	c := serverConfig{DataDir: n.dir, APIKey: r.key, Target: r.target, Loopback: r.webhooks > 0, Hold: r.hold}
	if r.database != "" {
		c.DatabaseURL, c.SecretKey = r.database, r.secret
	}
	if n.server, err = startChild(ctx, r.b.Command, roleServer, c, &at); err != nil {
		return 0, err
	}
	n.addr = at.Addr
	return n.untilReady(ctx, begin)
}

func randomHex(bytes int) string {
	raw := make([]byte, bytes)
	rand.Read(raw)
	return hex.EncodeToString(raw)
}

func (n *node) untilReady(ctx context.Context, begin time.Time) (time.Duration, error) {
	for {
		resp, err := manager.Get("http://" + n.addr + "/readyz")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return time.Since(begin), nil
			}
		}
		if ctx.Err() != nil || time.Since(begin) > readyWithin {
			return 0, errors.Join(fmt.Errorf("the server is not ready after %s", time.Since(begin).Round(time.Second)), err, ctx.Err())
		}
		time.Sleep(readyEvery)
	}
}

// populate makes every account and contact known, and stores the signals that are to be there before, through the batch door.
func (r *rig) populate(ctx context.Context) error {
	if err := r.fill(ctx, r.b.Contacts, true); err != nil {
		return fmt.Errorf("make the contacts: %w", err)
	}
	if r.b.Preload == 0 {
		return nil
	}
	r.b.say("storing %s signals", thousands(float64(r.b.Preload)))
	return r.fill(ctx, r.b.Preload, false)
}

// fill stores n signals through the batch door.
func (r *rig) fill(ctx context.Context, n int, inTurn bool) error {
	const size, connections = 1000, 2
	l := r.load(connections, maxDuration)
	l.path, l.batch, l.count, l.inTurn, l.turned = batchPath, size, int64(n), inTurn, r.turned
	l.tells = r.known && inTurn
	o, err := l.run(ctx)
	if err == nil && o.accepted.Load() < int64(n) {
		err = fmt.Errorf("%d of %d signals were stored in %s; %d requests refused, %d failed", o.accepted.Load(), n, o.elapsed.Round(time.Second), o.refused.Load(), o.failed.Load())
	}
	return err
}

// The doors of signals.
const (
	signalPath  = "/v1/signals"
	batchPath   = "/v1/signals/batch"
	capturePath = "/signals"
)

// load is a closed loop of single signals on this rig's server; where there are several, its connections are spread over them.
func (r *rig) load(connections int, d time.Duration) *load {
	b := r.b
	l := &load{
		target: target{path: signalPath, key: r.key}, connections: connections, duration: d,
		numbers: &b.numbers, seed: b.Seed + uint64(b.numbers.Load()), population: cmp.Or(r.contacts, b.Contacts), keys: b.Keys, pageViews: r.known,
	}
	for _, n := range r.nodes {
		l.addrs = append(l.addrs, n.addr)
	}
	return l
}

// subscribe makes the webhook that takes every signal, and tells the receiver its secret.
func (r *rig) subscribe(ctx context.Context) error {
	var hook struct{ ID, Secret string }
	events := r.events
	if events == nil {
		events = []string{"signal.created"}
	}
	body := map[string]any{"url": "http://" + r.target + "/", "events": events, "label": "signalbox bench"}
	if err := r.call(ctx, http.MethodPost, "/v1/webhooks", body, &hook); err != nil {
		if r.b.Server != "" {
			return fmt.Errorf("%w (the server must allow loopback targets: --dev, or --allow-target 127.0.0.1)", err)
		}
		return err
	}
	r.hook = hook.ID
	var reply done
	return errors.Join(r.receiver.ask(order{Do: "secret", Arg: hook.Secret}, &reply), reply.err(), r.begin())
}

// begin begins a measurement: what the receiver gets from now on counts.
func (r *rig) begin() error {
	r.from = r.b.numbers.Load()
	var reply done
	err := r.receiver.ask(order{Do: "reset", Arg: strconv.FormatInt(r.from, 10)}, &reply)
	return errors.Join(err, reply.err())
}

// came asks the receiver what has come since the measurement began.
func (r *rig) came(what string) (got Received, err error) {
	return got, r.receiver.ask(order{Do: what}, &got)
}

// pid is a node's process, 0 when it is not known.
func (r *rig) pid(n *node) int {
	if n.server == nil {
		return r.b.ServerPID
	}
	return n.server.pid()
}

// usage is what the servers and their database have used so far.
type usage struct {
	nodes    []time.Duration // CPU time of each server, 0 when it cannot be told
	database time.Duration   // CPU time of PostgreSQL, 0 when it cannot be told
	wal      int64           // bytes of its log
}

// usage reads the clocks.
func (r *rig) usage() (u usage) {
	u.wal = r.b.database.wal()
	for _, n := range r.nodes {
		t, err := cpuTime(r.pid(n))
		if err != nil {
			t = 0
		}
		u.nodes = append(u.nodes, t)
	}
	u.database = r.b.database.cpu()
	return u
}

// since is what was used after an earlier reading of the same servers.
func (u usage) since(before usage) usage {
	for i := range u.nodes {
		u.nodes[i] -= before.nodes[i]
	}
	u.database -= before.database
	u.wal -= before.wal
	return u
}

// cpu is the CPU time of all together.
func (u usage) cpu() (sum time.Duration) {
	for _, t := range u.nodes {
		sum += t
	}
	return sum + u.database
}

// memory is the memory in MB of the server that has most.
func (r *rig) memory() (resident, peak float64) {
	for _, n := range r.nodes {
		now, high, err := memory(r.pid(n))
		if err != nil {
			return 0, 0
		}
		resident, peak = max(resident, megabytes(now)), max(peak, megabytes(high))
	}
	return resident, peak
}

// profile takes a CPU profile of the own server while do runs, if profiles are wanted.
func (r *rig) profile(scenario string, do func() error) error {
	path, server := r.b.profilePath(scenario), r.nodes[0].server
	if path == "" || server == nil {
		return do()
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	var begun, ended done
	if err := errors.Join(server.ask(order{Do: "profile", Arg: path}, &begun), begun.err()); err != nil {
		return err
	}
	err = do()
	return errors.Join(err, server.ask(order{Do: "profiled"}, &ended), ended.err())
}

// close removes what the rig has made and ends its processes.
func (r *rig) close() error {
	var errs []error
	if r.b.Server != "" && r.hook != "" {
		ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
		defer cancel()
		errs = append(errs, r.call(ctx, http.MethodDelete, "/v1/webhooks/"+r.hook, nil, nil))
	}
	for len(r.nodes) > 0 {
		errs = append(errs, r.removeNode())
	}
	errs = append(errs, r.b.end(r.receiver))
	if r.schema != "" {
		errs = append(errs, r.b.database.dropSchema(r.schema))
	}
	return errors.Join(errs...)
}

// end stops a child and counts the CPU time it has used.
func (b *bench) end(c *child) error {
	if c == nil {
		return nil
	}
	err := c.stop()
	b.count(c)
	return err
}

func (b *bench) count(c *child) {
	if s := c.cmd.ProcessState; s != nil && !c.counted {
		c.counted = true
		b.children += s.UserTime() + s.SystemTime()
	}
}

// manager makes the few requests that are not the load. Only loopback is ever spoken to, so no proxy is asked.
var manager = &http.Client{Timeout: answerWithin, Transport: &http.Transport{DisableKeepAlives: true}}

// call does one management request.
func (r *rig) call(ctx context.Context, method, path string, body, answer any) error {
	var send io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		send = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+r.nodes[0].addr+path, send)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+r.key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := manager.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxDelivery))
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return &statusError{resp.StatusCode, fmt.Sprintf("%s %s answered %d: %.300s", method, path, resp.StatusCode, text)}
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(text, answer)
}

// checkServer refuses to load anything but loopback.
func checkServer(c Config) error {
	host, _, err := net.SplitHostPort(c.Server)
	if err != nil {
		return fmt.Errorf("server: %q is not host:port", c.Server)
	}
	ips, err := net.LookupIP(host)
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	for _, ip := range ips {
		if !ip.IsLoopback() {
			return fmt.Errorf("server: %s is not on loopback, and bench loads nothing else", c.Server)
		}
	}
	if c.APIKey == "" {
		return errors.New("a running server needs an API key with the scope read_write or admin")
	}
	return nil
}
