package app

import (
	"context"
	"net"
	"net/http"
	"os"

	"signalbox"
	"signalbox/api"
	"signalbox/deliver"
	"signalbox/egress"
	"signalbox/identity"
	"signalbox/watch"
)

// newPolicy builds the address guard; own are the addresses that this server listens at.
func newPolicy(c Config, own ...string) (*egress.Policy, error) {
	ports := make([]uint16, len(c.AllowPorts))
	for i, p := range c.AllowPorts {
		ports[i] = uint16(p)
	}
	ec := egress.Config{Dev: c.Dev, AllowTargets: c.AllowTargets, AllowPorts: ports, Proxy: c.EgressProxy, Own: own}
	if c.TargetCA != "" {
		pem, err := os.ReadFile(c.TargetCA)
		if err != nil {
			return nil, err
		}
		ec.TargetCA = pem
	}
	return egress.NewPolicy(ec)
}

// targets judges where webhooks may point.
type targets struct{ policy *egress.Policy }

// CheckTarget refuses a URL that may not be sent to.
func (t targets) CheckTarget(ctx context.Context, url string) error {
	_, err := t.policy.CheckTarget(ctx, url)
	return err
}

// testSender is the sending side as the doors see it.
type testSender struct {
	*deliver.Sender
	node deliver.Node
}

// Lease is the lease under which this node sends now.
func (t testSender) Lease() (signalbox.Lease, bool) { return t.node.Lease() }

// Test sends a test delivery once and returns what was sent and what came back.
func (t testSender) Test(ctx context.Context, w *signalbox.Webhook, r signalbox.Ready) (signalbox.Attempt, http.Header, error) {
	return t.Sender.Test(ctx, w, r)
}

// normalizeEmail gives the form that contacts are found by.
func normalizeEmail(raw string) (string, error) {
	_, match, _, err := identity.Email(raw)
	return match, err
}

// Reachable turns a listening address into one that a browser on this machine can open.
func Reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// live is the live view as the doors see it.
type live struct{ *watch.Hub }

// Watch begins a view.
func (l live) Watch(ctx context.Context, ws signalbox.WorkspaceID, topics signalbox.LiveTopics, after int64) (api.View, error) {
	v, err := l.Hub.Watch(ctx, ws, topics, after)
	if err != nil {
		return nil, err
	}
	return v, nil
}
