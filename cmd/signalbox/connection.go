package main

import (
	"cmp"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"signalbox/app"
	"signalbox/client"
)

// connection are the flags of a command that talks to a server.
type connection struct {
	server  string
	key     string
	dataDir string
}

// flags adds them to a command.
func (c *connection) flags(cmd *cobra.Command) {
	c.serverFlags(cmd)
	cmd.Flags().StringVar(&c.dataDir, "data-dir", app.DefaultDataDir, "where to look for the key that a first start left")
}

// serverFlags adds those that name a server.
func (c *connection) serverFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.server, "server", "", "URL of the server (SIGNALBOX_URL; default http://"+app.DefaultAddr+")")
	cmd.Flags().StringVar(&c.key, "api-key", "", "API key (better: SIGNALBOX_API_KEY, which nobody sees in a process list)")
}

// open makes the client: flags, then the environment, then what a first start left in the data directory.
func (c *connection) open(p *program, opts ...client.Option) (*client.Client, error) {
	server, key := cmp.Or(c.server, p.env("SIGNALBOX_URL")), cmp.Or(c.key, p.env("SIGNALBOX_API_KEY"))
	if server == "" || key == "" {
		dir := c.dataDir
		if fromEnv := p.env("SIGNALBOX_DATA_DIR"); dir == app.DefaultDataDir && fromEnv != "" {
			dir = fromEnv
		}
		left, leftKey, err := readCredentials(dir)
		if err != nil {
			return nil, err
		}
		// A key goes to no server but the one that made it, or the one that its owner names beside it.
		if key == "" && (server == "" || server == left) {
			key = leftKey
		}
		server = cmp.Or(server, left)
	}
	if key == "" {
		return nil, errors.New("no API key: set SIGNALBOX_API_KEY, or give --data-dir of a server whose first start left its key there")
	}
	opts = append(opts, client.WithUserAgent("signalbox-cli/"+buildVersion().Version))
	return client.New(cmp.Or(server, "http://"+app.DefaultAddr), key, opts...), nil
}

// How patient a command with a whole file is with a server that is busy, away for a moment, or whose limit of a minute is used up.
const (
	fileRetries     = 8
	fileLongestWait = 2 * time.Minute
)

// patient makes a client that does not give up soon. try is called with another one that does: a wrong address or key is told at once.
func (c *connection) patient(p *program, try func(*client.Client) error) (*client.Client, error) {
	quick, err := c.open(p)
	if err != nil {
		return nil, err
	}
	defer quick.CloseIdle()
	if err := try(quick); err != nil {
		return nil, err
	}
	return c.open(p, client.WithRetries(fileRetries), client.WithLongestWait(fileLongestWait))
}
