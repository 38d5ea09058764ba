package api

import (
	"net/http"
	"strings"

	"signalbox"
	"signalbox/strictjson"
	"signalbox/wire"
)

// maxRows is how many rows a batch of records may have; maxRowBytes bounds each, as a signal in a batch.
const (
	maxRows     = 1000
	maxRowBytes = wire.MaxBody
)

// importDetail is what the document says of both doors.
const importDetail = "`null` or `\"\"` removes a field, and what a row leaves out stays as it is; `attributes` are merged (RFC 7396). Each row gets its own result: " +
	"one that is rejected never sinks the others; `unchanged` means that the record said all of it already; `failed` means: send this one again. " +
	"With `dry_run` the results say what would come of each row, and nothing is changed. Sending a batch again is safe."

// accountsBody is the body of an import of companies; its rows are read one by one.
type accountsBody struct {
	Accounts []accountRow `json:"accounts" required:"true" maxitems:"1000"`
	Import   *string      `json:"import" maxlen:"100" doc:"A name for all rows that are sent under it, in any number of batches, so that they can be undone together."`
	DryRun   *bool        `json:"dry_run" doc:"True: say what would come of it, and change nothing."`
}

type accountRow struct {
	Domain     *string        `json:"domain" required:"true" maxlen:"2048" doc:"The company's domain, or an address with it: accounts are matched by it as in signals."`
	Name       *string        `json:"name" maxlen:"200"`
	Status     *string        `json:"status" maxlen:"200" doc:"Free text, for instance customer."`
	Attributes strictjson.Raw `json:"attributes" type:"object|null" doc:"A merge patch (RFC 7396): null removes a member, null for the whole removes all."`
}

// contactsBody is the body of an import of people.
type contactsBody struct {
	Contacts []contactRow `json:"contacts" required:"true" maxitems:"1000"`
	Import   *string      `json:"import" maxlen:"100" doc:"A name for all rows that are sent under it, in any number of batches, so that they can be undone together."`
	DryRun   *bool        `json:"dry_run" doc:"True: say what would come of it, and change nothing."`
}

type contactRow struct {
	Email         *string        `json:"email" maxlen:"254" doc:"This or linkedin_url is required: contacts are matched by them as in signals."`
	LinkedInURL   *string        `json:"linkedin_url" maxlen:"512"`
	FirstName     *string        `json:"first_name" maxlen:"200"`
	LastName      *string        `json:"last_name" maxlen:"200"`
	Title         *string        `json:"title" maxlen:"200"`
	AccountDomain *string        `json:"account_domain" maxlen:"2048" doc:"Without it, the e-mail's domain counts, unless it is a mailbox provider's."`
	Attributes    strictjson.Raw `json:"attributes" type:"object|null" doc:"A merge patch (RFC 7396): null removes a member, null for the whole removes all."`
}

// row is what the door tells of a row as it was sent.
func (r *accountRow) row() (out signalbox.AccountRow, err error) {
	if err := cleanTexts([]string{"name", "status"}, []*string{r.Name, r.Status}); err != nil {
		return out, err
	}
	if err := checkURL("domain", r.Domain); err != nil {
		return out, err
	}
	out = signalbox.AccountRow{Domain: value(r.Domain), Patch: signalbox.AccountPatch{Name: r.Name, Status: r.Status}}
	out.Patch.Attributes, err = attributesPatch(r.Attributes)
	return out, err
}

func (r *contactRow) row() (out signalbox.ContactRow, err error) {
	if err := cleanTexts([]string{"first_name", "last_name", "title"}, []*string{r.FirstName, r.LastName, r.Title}); err != nil {
		return out, err
	}
	if err := checkURL("account_domain", r.AccountDomain); err != nil {
		return out, err
	}
	out = signalbox.ContactRow{
		Email: value(r.Email), LinkedInURL: value(r.LinkedInURL), AccountDomain: value(r.AccountDomain),
		Patch: signalbox.ContactPatch{FirstName: r.FirstName, LastName: r.LastName, Title: r.Title},
	}
	out.Patch.Attributes, err = attributesPatch(r.Attributes)
	return out, err
}

// checkURL bounds what may be a whole address: what is left of it once normalised has the bound of a domain.
func checkURL(param string, given *string) error {
	if len(value(given)) > signalbox.MaxURL {
		return signalbox.InvalidField(param, "%s is too long: at most %d bytes", param, signalbox.MaxURL)
	}
	return nil
}

func (a *API) importAccounts(c *call) error {
	var body accountsBody
	var in rows[signalbox.AccountRow]
	err := in.read(c, "accounts", &body, func(text []byte) (signalbox.AccountRow, error) {
		var r accountRow
		if err := readRow(text, &r); err != nil {
			return signalbox.AccountRow{}, err
		}
		return r.row()
	})
	if err != nil {
		return err
	}
	if err := named(body.Import, in.good, func(r *signalbox.AccountRow) *string { return &r.Import }); err != nil {
		return err
	}
	dry := body.DryRun != nil && *body.DryRun
	verdicts, err := a.cfg.Imports.ImportAccounts(c.act(), c.ws(), in.good, dry)
	if err != nil {
		return err
	}
	return in.answer(c, signalbox.KindAccount, verdicts, dry)
}

func (a *API) importContacts(c *call) error {
	var body contactsBody
	var in rows[signalbox.ContactRow]
	err := in.read(c, "contacts", &body, func(text []byte) (signalbox.ContactRow, error) {
		var r contactRow
		if err := readRow(text, &r); err != nil {
			return signalbox.ContactRow{}, err
		}
		return r.row()
	})
	if err != nil {
		return err
	}
	if err := named(body.Import, in.good, func(r *signalbox.ContactRow) *string { return &r.Import }); err != nil {
		return err
	}
	dry := body.DryRun != nil && *body.DryRun
	verdicts, err := a.cfg.Imports.ImportContacts(c.act(), c.ws(), in.good, dry)
	if err != nil {
		return err
	}
	return in.answer(c, signalbox.KindContact, verdicts, dry)
}

// named gives rows the name of their import.
func named[T any](given *string, rows []T, field func(*T) *string) error {
	name := strings.TrimSpace(value(given))
	if err := checkLength("import", name, signalbox.MaxImportName); err != nil {
		return err
	}
	for i := range rows {
		*field(&rows[i]) = name
	}
	return nil
}

// readRow reads one row of a batch strictly: a member that it does not know is refused by name, null means "remove".
func readRow(text []byte, v any) error {
	if len(text) > maxRowBytes {
		if err := strictjson.Check(text); err != nil {
			return err
		}
		return signalbox.Errorf(signalbox.TooLarge, "the row is too large: at most %d bytes", maxRowBytes)
	}
	if err := strictjson.UnmarshalKnown(text, v); err != nil {
		return err
	}
	return nullsRemove(text, v)
}

// rows are those of one batch: the good ones, where each stands, and why the others were refused.
type rows[T any] struct {
	good   []T
	places []int
	errs   []error // by place; nil for the good ones
}

// read takes the body of a batch apart: what stands beside the rows goes to frame, each row to one.
func (rs *rows[T]) read(c *call, name string, frame any, one func([]byte) (T, error)) error {
	if err := c.api.cfg.Signals.Room(c.ws(), likely(c.r.ContentLength, maxRows)); err != nil {
		return err
	}
	body, release, err := c.body(wire.MaxBatchBody)
	if err != nil {
		return err
	}
	defer release()
	batch, err := wire.SplitBatch(body, name, maxRows)
	if err != nil {
		return err
	}
	if err := strictjson.UnmarshalKnown(batch.Frame, frame); err != nil {
		return err
	}
	rs.errs = make([]error, len(batch.Items))
	for i, text := range batch.Items {
		row, err := one(text)
		if whole := batch.NotJSON(err, i); whole != nil {
			return whole
		}
		if rs.errs[i] = err; err == nil {
			rs.good, rs.places = append(rs.good, row), append(rs.places, i)
		}
	}
	return nil
}

// answer joins what reading refused and what was decided, in the order of the batch.
func (rs *rows[T]) answer(c *call, kind signalbox.Kind, verdicts []signalbox.RowVerdict, dry bool) error {
	out := importAnswer{Results: make([]rowResult, len(rs.errs)), DryRun: dry}
	for n, v := range verdicts {
		i := rs.places[n]
		rs.errs[i] = v.Err
		out.Results[i] = rowResult{Index: i, Status: string(v.Change), ID: c.idText(kind, int64(v.Entity))}
	}
	for i, err := range rs.errs {
		if err != nil {
			status, refusal := c.refusal(i, err)
			out.Results[i] = rowResult{Index: i, Status: status, Error: refusal}
		}
	}
	return c.encode(http.StatusOK, dataAnswer{Data: out, Meta: c.meta()})
}

type importAnswer struct {
	Results []rowResult `json:"results" doc:"One for each row, in the order of the batch."`
	DryRun  bool        `json:"dry_run,omitempty" doc:"True: nothing was changed, and what would have been made has no id."`
}

type rowResult struct {
	Index  int          `json:"index"`
	Status string       `json:"status" enum:"created|updated|unchanged|rejected|failed" doc:"rejected: it cannot be taken as it is; failed: send it again."`
	ID     string       `json:"id,omitempty"`
	Error  *errorObject `json:"error,omitempty"`
}
