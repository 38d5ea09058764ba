package bench

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// What only the first signals of the scenario viewer have.
const (
	rareSource = "paper mail"
	rareType   = "letter_opened"
	rareDomain = "rarely-heard-of.com"
)

// things are what the pages of single things are about, and where second pages begin.
type things struct {
	hook, signal, delivery, failed string
	account, quiet, contact        string // an account that much is said of, one that little is said of, and somebody
	domain, email                  string // of the account and the contact
	signals, accounts, log         string // cursors
}

// rows is a list as it is answered.
type rows struct {
	Data []struct {
		ID     string
		Domain string
		Email  string
	}
	Meta struct {
		Next string `json:"next_cursor"`
	}
}

// find asks for lists and takes what they begin with.
func (l *look) find(ctx context.Context) (t things, err error) {
	t.hook = l.rig.hook
	hot := fmt.Sprint(trades[0], "-0.com") // the account that most is said of
	for _, f := range []struct {
		path string
		take func(*rows)
	}{
		{"/v1/signals?limit=50", func(r *rows) { t.signal, t.signals = r.Data[0].ID, r.Meta.Next }},
		{"/v1/accounts?q=" + hot, func(r *rows) { t.account, t.domain = r.Data[0].ID, r.Data[0].Domain }},
		{"/v1/accounts?limit=50", func(r *rows) { t.quiet, t.accounts = r.Data[0].ID, r.Meta.Next }},
		{"/v1/contacts?q=" + hot, func(r *rows) { t.contact, t.email = r.Data[0].ID, r.Data[0].Email }},
		{"/v1/webhooks/" + t.hook + "/deliveries?status=delivered", func(r *rows) { t.delivery = r.Data[0].ID }},
		{"/v1/webhooks/" + t.hook + "/deliveries?status=failed", func(r *rows) { t.failed = r.Data[0].ID }},
		{"/v1/logs?limit=50", func(r *rows) { t.log = r.Meta.Next }},
	} {
		body, err := l.get(ctx, f.path)
		if err != nil {
			return t, err
		}
		list, err := decoded[rows](body)
		if err != nil {
			return t, err
		}
		if len(list.Data) == 0 {
			return t, fmt.Errorf("%s answered nothing of what was stored", f.path)
		}
		f.take(&list)
	}
	return t, nil
}

// unnamed is a path without what belongs to this run.
func (t things) unnamed(path string) string {
	for _, id := range []string{t.hook, t.signal, t.delivery, t.failed, t.account, t.quiet, t.contact} {
		path = strings.ReplaceAll(path, id, "{id}")
	}
	for _, cursor := range []string{t.signals, t.accounts, t.log} {
		if cursor != "" {
			path = strings.ReplaceAll(path, url.QueryEscape(cursor), "…")
		}
	}
	return path
}

// views are the pages of the dashboard with what web/ui/pages asks for on each.
func (t things) views(now time.Time) []*view {
	var all []*view
	for _, group := range [][]*view{
		{opens("Overview", has("/v1/overview", `"total":`), list("/v1/signals?limit=12", nil))},
		t.signalViews(now), t.recordViews(), t.mergeViews(), t.hookViews(now), t.logViews(now), t.peopleViews(),
	} {
		all = append(all, group...)
	}
	return all
}

// opens is a page with what it asks for.
func opens(name string, asks ...*ask) *view { return &view{name: name, asks: asks} }

// has asks for one thing.
func has(path, holds string) *ask { return &ask{path: path, holds: holds} }

// params are a list's filters, one after the other: a name and a value.
type params []string

// list asks for a page of a list that has rows.
func list(path string, p params) *ask { return &ask{path: listPath(path, p), holds: `"id":"`} }

// none asks for a page of a list to which nothing belongs.
func none(path string, p params) *ask { return &ask{path: listPath(path, p), sparse: true} }

// deep asks for a page of a list whose rows lie at the bottom.
func deep(path string, p params) *ask {
	return &ask{path: listPath(path, p), holds: `"id":"`, sparse: true}
}

// listPath writes the path of a list as usePages of the dashboard does.
func listPath(path string, p params) string {
	q := ""
	for i := 0; i < len(p); i += 2 {
		q += "&" + p[i] + "=" + url.QueryEscape(p[i+1])
	}
	if !strings.Contains(path, "limit=") {
		q += "&limit=50"
	}
	if q != "" && !strings.Contains(path, "?") {
		q = "?" + q[1:]
	}
	return path + q
}

func (t things) signalViews(now time.Time) []*view {
	const signals = "/v1/signals"
	lately, earlier := lately(now)
	at := signals + "/" + t.signal
	return []*view{
		opens("Signals", list(signals, nil)),
		opens("Signals, next page", list(signals, params{"cursor", t.signals})),
		opens("Signals of an account", list(signals, params{"account_domain", t.domain})),
		opens("Signals of a contact", list(signals, params{"contact_email", t.email})),
		opens("Signals of a type", list(signals, params{"type", signalTypes[0]})),
		opens("Signals of a rare type", list(signals, params{"type", rareType})),
		opens("Signals of a source", list(signals, params{"source", sources[0]})),
		opens("Signals of a rare source", deep(signals, params{"source", rareSource})),
		opens("Signals of a type and a source", list(signals, params{"type", signalTypes[0], "source", sources[0]})),
		opens("Signals of no source", none(signals, params{"source", "nobody"})),
		opens("Signals of nobody", none(signals, params{"account_domain", "nobody.example"})),
		opens("Signals, last 15 minutes", list(signals, params{"from", lately})),
		opens("Signals until days ago", none(signals, params{"to", earlier})),
		opens("Signal", has(at, t.signal), list(at+"/deliveries", nil)),
	}
}

func (t things) recordViews() []*view {
	var all []*view
	for _, kind := range []struct{ name, one, path, common, some, rare string }{
		{"Accounts", "account", "/v1/accounts", "ltd", "47", t.domain},
		{"Contacts", "contact", "/v1/contacts", firstNames[0], lastNames[1] + " 47", t.email},
	} {
		proposed := func() *ask { return has("/v1/merges?status=proposed&kind="+kind.one+"&limit=50", `"data":[`) }
		of := func(name string, p params) { all = append(all, opens(kind.name+name, deep(kind.path, p), proposed())) }
		of("", nil)
		for _, sort := range []string{"name", "last_signal_at", "-last_signal_at"} {
			of(" by "+sort, params{"sort", sort})
			of(", "+kind.common+", by "+sort, params{"q", kind.common, "sort", sort})
			of(", "+kind.some+", by "+sort, params{"q", kind.some, "sort", sort})
		}
		of(", "+kind.common, params{"q", kind.common})
		of(", "+kind.some, params{"q", kind.some})
		of(", one", params{"q", kind.rare})
		all = append(all, opens(kind.name+", nobody", none(kind.path, params{"q", "zzyzx"}), proposed()))
		all = append(all, opens(kind.name+", common and nobody", none(kind.path, params{"q", kind.common + " zzyzx", "sort", "name"}), proposed()))
	}
	merged := has("/v1/merges?status=proposed&kind=account&limit=50", `"data":[`)
	all = append(all, opens("Accounts, next page", list("/v1/accounts", params{"cursor", t.accounts}), merged))
	all = append(all, opens("Accounts with a status", list("/v1/accounts", params{"status", "customer"})))
	all = append(all, opens("Accounts with no such status", none("/v1/accounts", params{"status", "churned"})))
	all = append(all, opens("Accounts with a status by name", deep("/v1/accounts", params{"status", "customer", "sort", "name"})))
	for _, account := range []string{t.account, t.quiet} {
		at := "/v1/accounts/" + account
		all = append(all, opens("Account", has(at, account), list(at+"/timeline", nil), has("/v1/contacts?account_id="+account+"&limit=50", `"data":[`)))
	}
	at := "/v1/contacts/" + t.contact
	return append(all, opens("Contact", has(at, t.contact), list(at+"/timeline", nil)),
		opens("Edit a contact", has(at, t.contact)),
		opens("Merge an account", has("/v1/accounts/"+t.account, t.account), list("/v1/accounts?limit=10", params{"q", "47"})))
}

func (t things) mergeViews() []*view {
	return []*view{
		opens("Merges, proposed", list("/v1/merges?status=proposed", nil)),
		opens("Merges, done", list("/v1/merges?status=done", nil)),
		opens("Merges, undone", none("/v1/merges?status=undone", nil)),
		opens("Imports", list("/v1/imports", nil)),
	}
}

func (t things) hookViews(now time.Time) []*view {
	lately, earlier := lately(now)
	hook := "/v1/webhooks/" + t.hook
	types := func() *ask { return has("/v1/event-types", "signal.created") }
	health := func() *ask { return has(hook+"/health", `"data":`) }
	all := []*view{
		opens("Webhooks", has("/v1/webhooks?limit=50", t.hook), health()),
		opens("Webhook, health", has(hook, t.hook), types(), health()),
		opens("Delivery", has("/v1/deliveries/"+t.delivery, t.delivery)),
		opens("Delivery that failed", has("/v1/deliveries/"+t.failed, t.failed)),
	}
	of := func(name string, a *ask) { all = append(all, opens("Webhook, "+name, has(hook, t.hook), types(), a)) }
	log := hook + "/deliveries"
	of("log", list(log, nil))
	for _, status := range []string{"delivered", "retrying", "failed", "skipped"} {
		of(status, list(log, params{"status", status}))
	}
	of("pending", has(listPath(log, params{"status", "pending"}), `"data":[`))
	of("one event", list(log, params{"event", "signal.created"}))
	of("another event", none(log, params{"event", "account.created"}))
	of("last 15 minutes", list(log, params{"from", lately}))
	of("until days ago", none(log, params{"to", earlier}))
	of("failed days ago", none(log, params{"status", "failed", "to", earlier}))
	return all
}

func (t things) logViews(now time.Time) []*view {
	const logs = "/v1/logs"
	lately, earlier := lately(now)
	all := []*view{
		opens("Logs", list(logs, nil)),
		opens("Logs, next page", list(logs, params{"cursor", t.log})),
		opens("Logs, common text", list(logs, params{"q", "page"})),
		opens("Logs, rare text", deep(logs, params{"q", rareType})),
		opens("Logs, no such text", none(logs, params{"q", "zzyzx"})),
		opens("Logs of a signal", list(logs, params{"signal_id", t.signal})),
		opens("Logs of an account", list(logs, params{"domain", t.domain})),
		opens("Logs of a refused company", list(logs, params{"domain", rareDomain})),
		opens("Logs of nobody", none(logs, params{"domain", "nobody.example"})),
		opens("Logs, last 15 minutes", list(logs, params{"from", lately})),
		opens("Logs until days ago", none(logs, params{"to", earlier})),
	}
	for _, status := range []string{"accepted", "duplicate", "refused", "ignored_fields"} {
		all = append(all, opens("Logs, "+status, list(logs, params{"status", status})))
	}
	return all
}

func (t things) peopleViews() []*view {
	members := func() *ask { return has("/v1/members?limit=200", "viewer@example.com") }
	return []*view{
		opens("API Keys", list("/v1/api-keys", nil)),
		opens("Members", list("/v1/members", nil)),
		opens("Audit log", list("/v1/audit-log", nil), members()),
		opens("Audit log of webhooks", list("/v1/audit-log", params{"action", "webhook"}), members()),
		opens("Workspace", has("/v1/workspace", `"timezone":`)),
		opens("Profile and sessions", has("/v1/session", "viewer@example.com"), list("/v1/sessions", nil)),
	}
}
