package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"signalbox/sign"
)

// verification are the flags of verify.
type verification struct {
	secrets []string
	headers []string
	body    string
	scheme  string
	at      string
}

// verify makes the command that judges a signature as a receiver would.
func (p *program) verify() *cobra.Command {
	var v verification
	names := schemeNames()
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check the signature of a webhook that arrived",
		Long: `Check the signature of a body, under any scheme that Signalbox knows, and say
which one matched or why none did. The body must be the bytes that arrived,
not JSON that was parsed and written again.`,
		Example: `  signalbox verify --secret whsec_… --header 'X-Stairoids-Signature: 9f86d…' --body body.json
  SIGNALBOX_WEBHOOK_SECRET=whsec_… signalbox verify --header 'webhook-id: evt_…' \
    --header 'webhook-timestamp: 1767225600' --header 'webhook-signature: v1,…' < body.json`,
		Args: exactly(),
		RunE: func(*cobra.Command, []string) error { return p.verifyBody(v) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&v.secrets, "secret", nil, "signing secret, repeatable (better: SIGNALBOX_WEBHOOK_SECRET)")
	f.StringArrayVarP(&v.headers, "header", "H", nil, "header that came with it, 'Name: value'; repeatable")
	f.StringVar(&v.body, "body", "-", "file with the body; - reads standard input")
	f.StringVar(&v.scheme, "scheme", "", "accept this scheme only: "+strings.Join(names, ", "))
	f.StringVar(&v.at, "at", "", "judge timestamps as of this moment, RFC 3339 or Unix seconds (default now)")
	_ = cmd.RegisterFlagCompletionFunc("scheme", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp)) // fails only for a flag that does not exist
	return cmd
}

func schemeNames() []string {
	var names []string
	for _, s := range sign.Schemes() {
		names = append(names, string(s))
	}
	return names
}

func (p *program) verifyBody(v verification) error {
	header, err := parseHeaders(v.headers)
	if err != nil {
		return err
	}
	at, err := p.moment(v.at)
	if err != nil {
		return err
	}
	if v.scheme != "" && !slices.Contains(schemeNames(), v.scheme) {
		return usagef("--scheme: %q is none of %s", v.scheme, strings.Join(schemeNames(), ", "))
	}
	if env := p.env("SIGNALBOX_WEBHOOK_SECRET"); len(v.secrets) == 0 && env != "" {
		v.secrets = []string{env}
	}
	if len(v.secrets) == 0 {
		return usagef("no secret: set SIGNALBOX_WEBHOOK_SECRET or give --secret")
	}
	secrets := make([]sign.Secret, len(v.secrets))
	for i, s := range v.secrets {
		secrets[i] = sign.Secret(s)
	}
	body, err := p.readInput(v.body)
	if err != nil {
		return err
	}
	scheme := sign.Scheme(v.scheme)
	if scheme == "" {
		scheme, err = sign.VerifyAny(header, body, secrets, at)
	} else {
		err = sign.Verify(scheme, header, body, secrets, at)
	}
	if err != nil {
		return p.unverified(err, body)
	}
	fmt.Fprintf(p.stdout, "%s: the signature is good under the scheme %s (%s)\n", p.paint(green, "ok"), scheme, scheme.Header())
	if scheme.Weak() {
		fmt.Fprintln(p.stdout, "This scheme does not sign the body: whoever saw one request can forge the next.")
	}
	return nil
}

// unverified says for every scheme that was tried why it did not match.
func (p *program) unverified(err error, body []byte) error {
	for _, reason := range split(err) {
		fmt.Fprintf(p.stderr, "%s %v\n", p.paint(red, "not verified:"), reason)
	}
	if n := len(body); n > 0 && body[n-1] == '\n' {
		fmt.Fprintln(p.stderr, "The body ends with a line break, which bodies of Signalbox never do: perhaps an editor added it.")
	}
	return errSaid
}

func parseHeaders(lines []string) (http.Header, error) {
	h := http.Header{}
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, usagef("--header: %q is not 'Name: value'", clean(line, 80))
		}
		h.Add(name, strings.TrimSpace(value))
	}
	return h, nil
}

// moment reads a time that a flag gave; now when it gave none.
func (p *program) moment(text string) (time.Time, error) {
	if text == "" {
		return p.now(), nil
	}
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Unix(seconds, 0), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, usagef("--at: %q is neither a time such as 2026-01-02T15:04:05Z nor Unix seconds", clean(text, 80))
	}
	return t, nil
}

// readInput reads a file, or standard input for "-".
func (p *program) readInput(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(p.stdin)
	}
	return os.ReadFile(name)
}
