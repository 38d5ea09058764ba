package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"path"
	"sync"
	"sync/atomic"
	"time"
)

// look is somebody who looks at the dashboard: a browser's connections, signed in.
type look struct {
	rig    *rig
	client *http.Client
	ids    things
	views  []*view
	at     int          // the view to look at next
	events atomic.Int64 // that the stream has shown
}

// view is a page of the dashboard in one state: what it asks for when it is opened, all at once.
type view struct {
	name  string
	asks  []*ask
	shown Histogram // until the last answer is there
}

// ask is one request of a page.
type ask struct {
	path   string
	holds  string // must be in the answer; "": it is a list, and nothing is in it
	sparse bool   // what it looks for lies deep: an answer without a row may say where to look on
	took   Histogram
}

// The connections that a browser makes to one server; the stream has one of them.
const browserConnections = 6

// lookEvery is how soon after one page the next one is opened, or when it is there, if that is later: ten pages a second are more than anybody looks at,
// and leave the machine's few cores to what is measured beside.
const lookEvery = 100 * time.Millisecond

// maxAnswer bounds what is read of an answer.
const maxAnswer = 32 << 20

// newLook signs somebody in and finds what the pages of single things are about.
func (r *rig) newLook(ctx context.Context) (*look, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	l := &look{rig: r, client: &http.Client{Jar: jar, Timeout: answerWithin, Transport: &http.Transport{MaxConnsPerHost: browserConnections, MaxIdleConnsPerHost: browserConnections}}}
	var made struct {
		Data struct {
			InviteURL string `json:"invite_url"`
		}
	}
	if err := r.call(ctx, http.MethodPost, "/v1/members", map[string]string{"email": "viewer@example.com", "role": "admin"}, &made); err != nil {
		return nil, err
	}
	body := fmt.Appendf(nil, `{"password":%q}`, randomHex(16))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url("/v1/links/"+path.Base(made.Data.InviteURL)), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if _, err := l.do(req); err != nil {
		return nil, err
	}
	if l.ids, err = l.find(ctx); err != nil {
		return nil, fmt.Errorf("find what to look at: %w", err)
	}
	l.views = l.ids.views(time.Now())
	return l, nil
}

func (l *look) close() { l.client.CloseIdleConnections() }

func (l *look) url(path string) string { return "http://" + l.rig.nodes[0].addr + path }

// do makes a request and answers its body; a status that is no success is an error.
func (l *look) do(req *http.Request) ([]byte, error) {
	resp, err := l.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err == nil && resp.StatusCode/100 != 2 {
		err = &statusError{resp.StatusCode, fmt.Sprintf("%s %s answered %d: %.300s", req.Method, req.URL.RequestURI(), resp.StatusCode, body)}
	}
	return body, err
}

func (l *look) get(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.url(path), nil)
	if err != nil {
		return nil, err
	}
	return l.do(req)
}

// run looks at page after page until ctx ends, with the stream held open. Each round goes on where the one before stopped; before the first the
// program and its database have seen none of the requests.
func (l *look) run(ctx context.Context) error {
	outer := context.WithoutCancel(ctx) // a page that is being shown is waited for
	streaming, stop := context.WithCancel(outer)
	defer stop()
	begun, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- l.stream(streaming, begun) }()
	select {
	case <-begun:
	case err := <-ended:
		return err
	}
	var err error
	for ; err == nil && ctx.Err() == nil; l.at = (l.at + 1) % len(l.views) {
		next := time.Now().Add(lookEvery)
		if err = l.show(outer, l.views[l.at]); err == nil {
			_ = pause(ctx, time.Until(next)) // ctx ends the loop
		}
	}
	stop()
	return errors.Join(err, <-ended)
}

// show opens a page.
func (l *look) show(ctx context.Context, v *view) error {
	errs := make([]error, len(v.asks))
	begin := time.Now()
	var all sync.WaitGroup
	for i, a := range v.asks {
		all.Go(func() { errs[i] = l.ask(ctx, a) })
	}
	all.Wait()
	v.shown.Record(time.Since(begin))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s: %w", v.name, err)
	}
	return nil
}

func (l *look) ask(ctx context.Context, a *ask) error {
	begin := time.Now()
	body, err := l.get(ctx, a.path)
	if err != nil {
		return err
	}
	a.took.Record(time.Since(begin))
	return a.check(body)
}

// rest opens the pages that the rounds were too short for: their answers are checked like all others, and their times are none under the load.
func (l *look) rest(ctx context.Context) error {
	for _, v := range l.views {
		if v.shown.Count() > 0 {
			continue
		}
		for _, a := range v.asks {
			body, err := l.get(ctx, a.path)
			if err == nil {
				err = a.check(body)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", v.name, err)
			}
		}
	}
	return nil
}

var noRows, more = []byte(`"data":[]`), []byte(`"next_cursor":"`)

// check says what is wrong with an answer.
func (a *ask) check(body []byte) error {
	empty := bytes.Contains(body, noRows)
	switch {
	case a.sparse && empty && bytes.Contains(body, more):
		return nil
	case a.holds == "" && !empty:
		return fmt.Errorf("%s answered rows where there are none: %.300s", a.path, body)
	case !bytes.Contains(body, []byte(a.holds)):
		return fmt.Errorf("%s answered without %s: %.300s", a.path, a.holds, body)
	}
	return nil
}

// stream holds the stream of events open until ctx ends.
func (l *look) stream(ctx context.Context, begun chan<- struct{}) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.url("/v1/stream?topics=deliveries,logs,signals"), nil)
	if err != nil {
		return err
	}
	client := *l.client
	client.Timeout = 0
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the stream answered %d", resp.StatusCode)
	}
	close(begun)
	shown := int64(0)
	for lines := bufio.NewReaderSize(resp.Body, 64<<10); ; {
		line, err := lines.ReadSlice('\n')
		if bytes.HasPrefix(line, []byte("event: signal")) {
			shown++
		}
		switch {
		case ctx.Err() != nil && shown > 0:
			l.events.Add(shown)
			return nil
		case ctx.Err() != nil:
			return errors.New("the stream showed none of the signals that arrived")
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("the stream ended: %w", err)
		}
	}
}

// results sums up what was seen.
func (l *look) results() (list []PageResult) {
	for _, v := range l.views {
		p := PageResult{Name: v.name, Shown: v.shown.Latency()}
		for _, a := range v.asks {
			p.Requests = append(p.Requests, RequestResult{Path: l.ids.unnamed(a.path), Took: a.took.Latency()})
		}
		list = append(list, p)
	}
	return list
}
