package main

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"strings"
	"time"

	"signalbox/client"
)

// recordKind is a kind of thing that is exported and imported. Its export's columns are named as its import's fields are.
type recordKind struct {
	name   string // accounts
	most   int    // rows of one request
	fields []field
	needs  [][]string                                                                 // of each, one field must be there
	list   func(context.Context, *client.Client, *exporting) iter.Seq2[[]cell, error] // newest first
	empty  []cell                                                                     // an exported row that says nothing: its columns
	send   func(ctx context.Context, c *client.Client, items []json.RawMessage, dry bool) ([]client.BatchResult, error)
}

// signals says whether rows are signals: they need keys, and are history unless they are to trigger.
func (k *recordKind) signals() bool { return k.name == "signals" }

// shape is how a cell of a CSV file becomes JSON.
type shape int

const (
	asText   shape = iota // a string
	asScalar              // a number, true, false or null where it is written as one, else a string
	asObject              // a JSON object; its members may be columns of their own, "attributes.plan"
	asIs                  // JSON; in JSONL only
)

// field is something that a row may say.
type field struct {
	path  string // where in the row's JSON: "contact.email"
	shape shape
	// names are what others call it, in lower case without spaces and marks.
	names []string
}

// The fields of companies and people, wherever they stand.
var (
	domainNames   = []string{"domain", "companydomain", "accountdomain", "website", "websiteurl", "companywebsite", "companyurl", "url", "web", "homepage"}
	companyNames  = []string{"company", "companyname", "account", "accountname", "organization", "organisation", "organizationname", "organisationname"}
	emailNames    = []string{"email", "emailaddress", "mail", "workemail", "businessemail", "contactemail"}
	linkedInNames = []string{"linkedin", "linkedinurl", "linkedinprofile", "linkedinprofileurl", "personlinkedinurl", "contactlinkedin", "contactlinkedinurl"}
	firstNames    = []string{"firstname", "givenname", "forename", "first", "contactfirstname"}
	lastNames     = []string{"lastname", "surname", "familyname", "last", "contactlastname"}
	titleNames    = []string{"title", "jobtitle", "position", "role", "contacttitle"}
)

var recordKinds = []*recordKind{
	{
		name: "accounts", most: client.MaxRows, empty: accountCells(&client.Account{}), needs: [][]string{{"domain"}},
		fields: []field{
			{"domain", asText, domainNames},
			{"name", asText, append([]string{"name"}, companyNames...)},
			{"status", asText, []string{"status", "accountstatus", "companystatus"}},
			{"attributes", asObject, []string{"attributes"}},
		},
		list: func(ctx context.Context, c *client.Client, _ *exporting) iter.Seq2[[]cell, error] {
			return cells(c.Accounts(ctx, client.RecordQuery{PageSize: exportPage}), accountCells)
		},
		send: func(ctx context.Context, c *client.Client, items []json.RawMessage, dry bool) ([]client.BatchResult, error) {
			return c.ImportAccountsJSON(ctx, items, dry)
		},
	},
	{
		name: "contacts", most: client.MaxRows, empty: contactCells(&client.Contact{}), needs: [][]string{{"email", "linkedin_url"}},
		fields: []field{
			{"email", asText, emailNames},
			{"linkedin_url", asText, linkedInNames},
			{"first_name", asText, firstNames},
			{"last_name", asText, lastNames},
			{"title", asText, titleNames},
			{"account_domain", asText, domainNames},
			{"attributes", asObject, []string{"attributes"}},
		},
		list: func(ctx context.Context, c *client.Client, _ *exporting) iter.Seq2[[]cell, error] {
			return cells(c.Contacts(ctx, client.RecordQuery{PageSize: exportPage}), contactCells)
		},
		send: func(ctx context.Context, c *client.Client, items []json.RawMessage, dry bool) ([]client.BatchResult, error) {
			return c.ImportContactsJSON(ctx, items, dry)
		},
	},
	{
		name: "signals", most: client.MaxBatch, empty: signalCells(&client.Signal{}), needs: [][]string{{"type"}, {"source"}},
		fields: []field{
			{"type", asText, []string{"type", "signaltype", "event", "eventtype", "eventname"}},
			{"source", asText, []string{"source", "signalsource"}},
			{"account.domain", asText, domainNames},
			{"account.name", asText, companyNames},
			{"account.attributes", asObject, []string{"accountattributes"}},
			{"contact.email", asText, emailNames},
			{"contact.linkedin_url", asText, linkedInNames},
			{"contact.first_name", asText, firstNames},
			{"contact.last_name", asText, lastNames},
			{"contact.title", asText, titleNames},
			{"contact.attributes", asObject, []string{"contactattributes"}},
			{"properties", asObject, []string{"properties", "context"}},
			{"occurred_at", asText, []string{"occurredat", "occurred", "timestamp", "time", "date", "datetime"}},
			{"idempotency_key", asText, []string{"idempotencykey"}},
			{"backfill", asScalar, []string{"backfill"}},
			{"account", asIs, nil},
			{"contact", asIs, nil},
		},
		list: func(ctx context.Context, c *client.Client, e *exporting) iter.Seq2[[]cell, error] {
			return cells(c.Signals(ctx, client.SignalQuery{From: e.from, To: e.to, PageSize: exportPage}), signalCells)
		},
		send: func(ctx context.Context, c *client.Client, items []json.RawMessage, dry bool) ([]client.BatchResult, error) {
			if dry {
				return c.TryBatchJSON(ctx, items, "")
			}
			return c.SendBatchJSON(ctx, items, "")
		},
	},
}

// serverSets are columns of an export that an import passes over: the server sets them.
var serverSets = []string{"id", "created_at", "updated_at"}

// kindNamed finds a kind of record.
func kindNamed(name string) (*recordKind, error) {
	names := make([]string, len(recordKinds))
	for i, k := range recordKinds {
		if names[i] = k.name; k.name == name {
			return k, nil
		}
	}
	return nil, usagef("%q is none of %s", clean(name, 40), strings.Join(names, ", "))
}

// cell is one value of an exported row: text, or a JSON object.
type cell struct {
	path   string // also the column's name
	text   string
	object json.RawMessage
}

// object is a JSON object to export; an empty one says nothing.
func object(path string, value json.RawMessage) cell {
	if value = bytes.TrimSpace(value); string(value) == "{}" || string(value) == "null" {
		value = nil
	}
	return cell{path: path, object: value}
}

// moment is a time to export, as the API writes it.
func moment(path string, t time.Time) cell {
	return cell{path: path, text: t.UTC().Format("2006-01-02T15:04:05.000Z")}
}

func accountCells(a *client.Account) []cell {
	return []cell{
		{path: "domain", text: a.Domain}, {path: "name", text: a.Name}, {path: "status", text: a.Status}, object("attributes", a.Attributes),
		{path: "id", text: a.ID}, moment("created_at", a.CreatedAt), moment("updated_at", a.UpdatedAt),
	}
}

func contactCells(p *client.Contact) []cell {
	return []cell{
		{path: "email", text: p.Email}, {path: "linkedin_url", text: p.LinkedInURL}, {path: "first_name", text: p.FirstName}, {path: "last_name", text: p.LastName},
		{path: "title", text: p.Title}, {path: "account_domain", text: p.AccountDomain}, object("attributes", p.Attributes),
		{path: "id", text: p.ID}, moment("created_at", p.CreatedAt), moment("updated_at", p.UpdatedAt),
	}
}

func signalCells(s *client.Signal) []cell {
	account, contact := client.AccountRef{}, client.ContactRef{}
	if s.Account != nil {
		account = *s.Account
	}
	if s.Contact != nil {
		contact = *s.Contact
	}
	return []cell{
		{path: "type", text: s.Type}, {path: "source", text: s.Source}, {path: "account.domain", text: account.Domain},
		{path: "contact.email", text: contact.Email}, {path: "contact.linkedin_url", text: contact.LinkedInURL},
		object("properties", s.Properties), moment("occurred_at", s.OccurredAt), {path: "id", text: s.ID}, moment("created_at", s.CreatedAt),
	}
}

// cells turns the things of a list into rows.
func cells[T any](list iter.Seq2[T, error], row func(*T) []cell) iter.Seq2[[]cell, error] {
	return func(yield func([]cell, error) bool) {
		for thing, err := range list {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(row(&thing), nil) {
				return
			}
		}
	}
}
