package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"syscall"
)

// ErrNoServer says that no server listens at a data directory's socket.
var ErrNoServer = errors.New("no server listens there")

// Client asks a server through its local door.
type Client struct {
	path string
	http *http.Client
}

// Dial makes a client of the server that has a data directory open; ErrNoServer when none listens there.
func Dial(ctx context.Context, dataDir string) (*Client, error) {
	path, err := shortest(dataDir, Socket)
	if err != nil {
		return nil, err
	}
	c := &Client{path: path}
	c.http = &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		},
		DisableCompression: true,
	}}
	probe, err := new(net.Dialer).DialContext(ctx, "unix", path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED): // what a crash left refuses
		return nil, ErrNoServer
	case err != nil:
		return nil, fmt.Errorf("the server's local door: %w", err)
	}
	return c, probe.Close()
}

// Close ends the client's connections.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// do asks and decodes the answer's data into out.
func (c *Client) do(ctx context.Context, method, path string, in, out any) error {
	resp, err := c.send(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&data[any]{out}); err != nil {
		return fmt.Errorf("the server's answer: %w", err)
	}
	return nil
}

// send asks, and turns a refusal into the error that it tells.
func (c *Client) send(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader = http.NoBody
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://signalbox"+path, body)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("ask the server at %s: %w", c.path, err)
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	var r refusal
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(&r); err != nil || r.Error.Message == "" {
		return nil, fmt.Errorf("the server answers with status %d", resp.StatusCode)
	}
	return nil, errors.New(r.Error.Message)
}

// Backup copies an archive to w. Without an error it is complete, as far as the server knows: who keeps it reads it again.
func (c *Client) Backup(ctx context.Context, w io.Writer) error {
	resp, err := c.send(ctx, http.MethodPost, "/backup", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	out := &noting{w: w}
	_, err = io.Copy(out, resp.Body)
	switch {
	case err == nil:
	case out.err != nil:
		return out.err
	case ctx.Err() != nil:
		return ctx.Err()
	default:
		return fmt.Errorf("the server broke the backup off: %w", err)
	}
	if text := resp.Trailer.Get(errorTrailer); text != "" {
		if plain, err := new(mime.WordDecoder).DecodeHeader(text); err == nil {
			text = plain
		}
		return errors.New(text)
	}
	return nil
}

// noting is a writer that remembers that it failed.
type noting struct {
	w   io.Writer
	err error
}

func (n *noting) Write(b []byte) (int, error) {
	k, err := n.w.Write(b)
	if err != nil {
		n.err = err
	}
	return k, err
}

// Rewrap has every stored secret sealed with the server's first key, and perhaps forgotten what no key opens.
func (c *Client) Rewrap(ctx context.Context, forget bool) (done Rewrapped, err error) {
	path := "/rewrap"
	if forget {
		path += "?lost=forget"
	}
	return done, c.do(ctx, http.MethodPost, path, nil, &done)
}

// Workspaces lists all workspaces.
func (c *Client) Workspaces(ctx context.Context) (list []Workspace, err error) {
	return list, c.do(ctx, http.MethodGet, "/workspaces", nil, &list)
}

// CreateWorkspace makes a workspace with its first key.
func (c *Client) CreateWorkspace(ctx context.Context, name string) (made Workspace, err error) {
	return made, c.do(ctx, http.MethodPost, "/workspaces", newWorkspace{name}, &made)
}
