package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"signalbox/client"
)

// sending are the flags of send.
type sending struct {
	conn       connection
	signal     client.SignalInput
	properties []string
	occurredAt string
	file       string
	jsonl      string
	keyPrefix  string
	batch      int
	asJSON     bool
}

// send makes the command that sends one signal, or a file of them.
func (p *program) send() *cobra.Command {
	var s sending
	cmd := &cobra.Command{
		Use:   "send",
		Short: "Send one signal, or a file of them",
		Long: `Send one signal described by flags or by a JSON file, or every line of a JSONL
file. A file can be sent again after a stop: each line has an idempotency key
made of the file's name and the line's number, so no line counts twice.`,
		Example: `  signalbox send --type demo_requested --source website --email jane@acme.com \
    --property plan=pro --property seats=12
  signalbox send --file signal.json
  signalbox send --jsonl signals.jsonl`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error { return p.sendAny(cmd, &s) },
	}
	f := cmd.Flags()
	f.StringVar(&s.signal.Type, "type", "", "what happened, such as demo_requested")
	f.StringVar(&s.signal.Source, "source", "", "who says so, such as website")
	f.StringVar(&s.signal.Account.Domain, "domain", "", "domain of the company")
	f.StringVar(&s.signal.Account.Name, "account-name", "", "name of the company")
	f.StringVar(&s.signal.Contact.Email, "email", "", "e-mail of the person")
	f.StringVar(&s.signal.Contact.FirstName, "first-name", "", "first name of the person")
	f.StringVar(&s.signal.Contact.LastName, "last-name", "", "last name of the person")
	f.StringVar(&s.signal.Contact.Title, "title", "", "job title of the person")
	f.StringVar(&s.signal.Contact.LinkedInURL, "linkedin-url", "", "LinkedIn page of the person")
	f.StringArrayVarP(&s.properties, "property", "p", nil, "a property, name=value; values that are JSON are sent as JSON; repeatable")
	f.StringVar(&s.occurredAt, "occurred-at", "", "when it happened, RFC 3339 (default now)")
	f.BoolVar(&s.signal.Backfill, "backfill", false, "history: counts, but triggers nothing")
	f.StringVar(&s.signal.IdempotencyKey, "idempotency-key", "", "the same key with the same signal counts once (default a random one)")
	f.StringVar(&s.file, "file", "", "send the JSON object of this file; - reads standard input")
	f.StringVar(&s.jsonl, "jsonl", "", "send each line of this file; - reads standard input")
	f.StringVar(&s.keyPrefix, "key-prefix", "", "with --jsonl: begin idempotency keys with this (default the file's name)")
	f.IntVar(&s.batch, "batch-size", 500, "with --jsonl: signals per request, at most 2500")
	f.BoolVar(&s.asJSON, "json", false, "write the answer as JSON")
	s.conn.flags(cmd)
	return cmd
}

// described are the flags that describe one signal.
var described = []string{"type", "source", "domain", "account-name", "email", "first-name", "last-name", "title", "linkedin-url", "property", "occurred-at", "backfill"}

func (p *program) sendAny(cmd *cobra.Command, s *sending) error {
	byFlags := ""
	for _, name := range described {
		if cmd.Flags().Changed(name) {
			byFlags = name
			break
		}
	}
	switch {
	case s.jsonl != "" && s.file != "":
		return usagef("give --file or --jsonl, not both")
	case (s.jsonl != "" || s.file != "") && byFlags != "":
		return usagef("--%s does not go with a file: the file says what to send", byFlags)
	case s.batch < 1 || s.batch > client.MaxBatch:
		return usagef("--batch-size must be 1 to %d", client.MaxBatch)
	case s.jsonl != "" && s.signal.IdempotencyKey != "":
		return usagef("--idempotency-key is for one signal; --key-prefix begins the keys of a file")
	case len(s.keyPrefix) > maxPrefix:
		return usagef("--key-prefix may have at most %d bytes", maxPrefix)
	}
	c, err := s.conn.open(p)
	if err != nil {
		return err
	}
	if s.jsonl != "" {
		return p.sendLines(cmd.Context(), c, s)
	}
	receipt, err := p.sendOne(cmd.Context(), c, s)
	if err != nil {
		return err
	}
	return p.showReceipt(receipt, s.asJSON)
}

func (p *program) sendOne(ctx context.Context, c *client.Client, s *sending) (client.Receipt, error) {
	if s.file != "" {
		body, err := p.readInput(s.file)
		if err != nil {
			return client.Receipt{}, err
		}
		return c.SendJSON(ctx, body, s.signal.IdempotencyKey)
	}
	if s.signal.Type == "" || s.signal.Source == "" {
		return client.Receipt{}, usagef("a signal needs --type and --source (or --file, or --jsonl)")
	}
	var err error
	if s.signal.Properties, err = parseProperties(s.properties); err != nil {
		return client.Receipt{}, err
	}
	if s.occurredAt != "" {
		if s.signal.OccurredAt, err = time.Parse(time.RFC3339, s.occurredAt); err != nil {
			return client.Receipt{}, usagef("--occurred-at: %q is not a time such as 2026-01-02T15:04:05Z", clean(s.occurredAt, 80))
		}
	}
	return c.SendSignal(ctx, s.signal)
}

// parseProperties reads name=value pairs: what is JSON stays what it is, anything else is text.
func parseProperties(pairs []string) (map[string]any, error) {
	properties := make(map[string]any, len(pairs))
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, usagef("--property: %q is not name=value", clean(pair, 80))
		}
		if _, twice := properties[name]; twice {
			return nil, usagef("--property: %s is given twice", clean(name, 80))
		}
		if json.Valid([]byte(value)) {
			properties[name] = json.RawMessage(value)
		} else {
			properties[name] = value
		}
	}
	return properties, nil
}

func (p *program) showReceipt(r client.Receipt, asJSON bool) error {
	if r.Ignored != "" {
		fmt.Fprintf(p.stderr, "%s the server does not know these fields: %s\n", p.paint(yellow, "note:"), clean(r.Ignored, 400))
	}
	if asJSON {
		return writeJSON(p.stdout, r)
	}
	rows := [][]string{{"signal", r.ID}, {"account", orDash(r.AccountID)}, {"contact", orDash(r.ContactID)}}
	if r.Replayed {
		rows[0][1] += " (sent before with this idempotency key)"
	}
	for _, row := range rows {
		fmt.Fprintf(p.stdout, "%-8s %s\n", row[0], row[1])
	}
	return nil
}
