package ui

import (
	"sync"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// traffic is what a tab asks of the network.
type traffic struct {
	mu   sync.Mutex
	page cdp.LoaderID               // the page that is shown; nobody waits for the requests of the one before
	open map[network.RequestID]bool // those of the page without their whole answer; the stream of news never has one, and is left out
	urls []string                   // of every request, in order
}

// traffic watches the tab's requests from now on.
func (p *tab) traffic() *traffic {
	p.t.Helper()
	n := &traffic{open: map[network.RequestID]bool{}}
	if err := chromedp.Listen(p.ctx, n.hear); err != nil {
		p.t.Fatal(err)
	}
	call(p, network.Enable, network.EnableParams{})
	return n
}

func (n *traffic) hear(ev any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch e := ev.(type) {
	case *network.EventRequestWillBeSent:
		n.urls = append(n.urls, e.Request.URL)
		if e.Type == network.ResourceTypeDocument {
			n.page = e.LoaderID
			clear(n.open)
		}
		if e.LoaderID == n.page && e.Type != network.ResourceTypeEventSource {
			n.open[e.RequestID] = true
		}
	case *network.EventLoadingFinished:
		delete(n.open, e.RequestID)
	case *network.EventLoadingFailed:
		delete(n.open, e.RequestID)
	}
}

// idle says whether every answer is there.
func (n *traffic) idle() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.open) == 0
}

// take gives what was asked for since it was taken last.
func (n *traffic) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	urls := n.urls
	n.urls = nil
	return urls
}
