package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"signalbox/app"
)

// healthWithin is how long a healthy server takes to say so.
const healthWithin = 2 * time.Second

// healthcheck makes the command that asks a server whether it can take signals: for places that have no other program to ask with.
func (p *program) healthcheck() *cobra.Command {
	return &cobra.Command{
		Use:   "healthcheck [URL]",
		Short: "Ask a server whether it is ready, by the exit status",
		Long: `Ask a server whether it can take signals now: exit status 0 when /readyz says so
within 2 seconds, 1 when not. Without a URL it asks the server that listens at
SIGNALBOX_ADDR on this machine (default ` + app.DefaultAddr + `).`,
		Example: `  signalbox healthcheck
  signalbox healthcheck https://signals.example.com`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("%q is one argument too many", args[1])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			url := "http://" + app.Reachable(cmp.Or(p.env("SIGNALBOX_ADDR"), app.DefaultAddr))
			if len(args) > 0 {
				url = args[0]
			}
			return healthy(cmd.Context(), url)
		},
	}
}

// healthy says why a server is not ready.
func healthy(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, healthWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
	if err != nil {
		return usagef("%q is not a URL such as http://127.0.0.1:8080", clean(url, 80))
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<10))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s/readyz answers %d: %s", url, res.StatusCode, clean(string(text), 200))
	}
	return err
}
