package api

import (
	"net/http"
	"strconv"
	"strings"

	"signalbox"
	"signalbox/auth"
	"signalbox/wire"
)

func (a *API) batchRoute() route {
	return route{
		method: http.MethodPost, pattern: "/v1/signals/batch", id: "createSignals", tag: "Signals", need: auth.NeedIngest,
		summary: "Send many signals",
		detail: "Up to 2,500 signals and 5 MiB. Each gets its own result: one that is rejected never sinks the others. `failed` means: send this one again. " +
			"With the header `Idempotency-Key: K`, item i has the key `K/i` unless it has its own. With `dry_run` the results say what would come of each " +
			"item, and nothing is stored.",
		status: http.StatusOK, anyQuery: true,
		also:     []signalbox.Code{signalbox.TooLarge, signalbox.UnsupportedMedia, signalbox.Overloaded},
		examples: batchExamples(),
		answers:  raw[batchBody, batchAnswer](a.createSignals),
	}
}

// usualSignal is about how many bytes a signal of a batch takes.
const usualSignal = 600

// likely guesses how many signals a body of so many bytes holds: when the line is nearly full, a batch that would not fit is not
// worth reading. A guess too high only refuses, for the moment, what would have been among the last to fit.
func likely(bytes, most int64) int { return int(min(max(bytes/usualSignal, 1), most)) }

// createSignals takes a batch in.
func (a *API) createSignals(c *call) error {
	if err := a.cfg.Signals.Room(c.ws(), likely(c.r.ContentLength, wire.MaxBatch)); err != nil {
		return err
	}
	body, release, err := c.body(wire.MaxBatchBody)
	if err != nil {
		return err
	}
	defer release()
	batch, err := wire.DecodeBatch(body, c.now)
	c.ignore(batch.Ignored, batch.Items...)
	if err != nil {
		return err
	}
	if err := batchKeys(c.r.Header, batch.Items); err != nil {
		return err
	}
	inputs, places := accepted(batch.Items)
	submit := a.cfg.Signals.SubmitBatch
	if batch.DryRun {
		submit = a.cfg.Signals.TryBatch
	}
	var verdicts []signalbox.Verdict
	if len(inputs) > 0 {
		if verdicts, err = submit(c.r.Context(), c.ws(), c.by.key.ID, inputs); err != nil {
			return err
		}
		if !batch.DryRun {
			c.quota(verdicts[len(verdicts)-1].Quota)
		}
	}
	answer := c.batchAnswer(&batch, places, verdicts)
	if !batch.DryRun {
		c.noteBatch(&batch, &answer, places, verdicts)
	}
	return c.encode(http.StatusOK, dataAnswer{Data: answer, Meta: c.meta()})
}

// batchKeys gives items without a key of their own the one that the header makes: K/i.
func batchKeys(h http.Header, items []wire.BatchItem) error {
	key, err := idempotencyKey(h)
	if key == "" || err != nil {
		return err
	}
	for i := range items {
		item := &items[i]
		if item.Err != nil || item.In.IdempotencyKey != "" {
			continue
		}
		item.In.IdempotencyKey = key + "/" + strconv.Itoa(i)
		if len(item.In.IdempotencyKey) > signalbox.MaxKey {
			return signalbox.InvalidField("Idempotency-Key", "the header Idempotency-Key is too long: with the item's number at most %d bytes", signalbox.MaxKey)
		}
		if item.In.BodyHash, err = wire.BodyHash(item.Body); err != nil {
			item.Err = err
		}
	}
	return nil
}

// accepted are the items that decoded, and where in the batch each stands.
func accepted(items []wire.BatchItem) (inputs []signalbox.SignalInput, places []int) {
	for i := range items {
		if items[i].Err == nil {
			inputs, places = append(inputs, items[i].In), append(places, i)
		}
	}
	return inputs, places
}

// batchAnswer joins what decoding refused and what intake decided, in the order of the batch.
func (c *call) batchAnswer(batch *wire.SignalBatch, places []int, verdicts []signalbox.Verdict) batchAnswer {
	out := batchAnswer{Results: make([]batchResult, len(batch.Items)), DryRun: batch.DryRun}
	for i := range batch.Items {
		if err := batch.Items[i].Err; err != nil {
			out.Results[i] = c.refusedItem(i, err)
		}
	}
	for n, v := range verdicts {
		i := places[n]
		switch {
		case v.Err != nil:
			out.Results[i] = c.refusedItem(i, v.Err)
		case batch.DryRun && !v.Replayed:
			out.Results[i] = batchResult{Index: i, Status: itemCreated} // its ids are nobody's
		default:
			out.Results[i] = batchResult{
				Index: i, Status: itemCreated, ID: c.idText(signalbox.KindSignal, int64(v.ID)),
				AccountID: c.idText(signalbox.KindAccount, int64(v.Account)), ContactID: c.idText(signalbox.KindContact, int64(v.Contact)),
			}
			if v.Replayed {
				out.Results[i].Status = itemDuplicate
			}
		}
	}
	return out
}

func (c *call) refusedItem(i int, err error) batchResult {
	status, refusal := c.refusal(i, err)
	return batchResult{Index: i, Status: status, Error: refusal}
}

// refusal words an item that was not stored: rejected when sending it again cannot help, failed when it can.
func (c *call) refusal(i int, err error) (status string, refusal *errorObject) {
	e := shown(c.r.Context(), err)
	status = itemRejected
	switch e.Code {
	case signalbox.Internal, signalbox.Unavailable, signalbox.Overloaded, signalbox.InProgress:
		status = itemFailed
	}
	if e.Code == signalbox.Internal {
		c.api.cfg.Log.Warn("item.failed", "request_id", c.requestID, "operation", c.route.id, "item", i, "error", e)
	}
	return status, &errorObject{Code: wireCode(e), Message: e.Msg, Param: e.Param}
}

// What became of an item of a batch.
const (
	itemCreated   = "created"
	itemDuplicate = "duplicate"
	itemRejected  = "rejected"
	itemFailed    = "failed"
)

type batchAnswer struct {
	Results []batchResult `json:"results" doc:"One for each item, in the order of the batch."`
	DryRun  bool          `json:"dry_run,omitempty" doc:"True: nothing was stored, and what would have been made has no id."`
}

type batchResult struct {
	Index     int          `json:"index"`
	Status    string       `json:"status" enum:"created|duplicate|rejected|failed" doc:"duplicate: its idempotency key was answered before; rejected: it cannot be taken as it is; failed: send it again."`
	ID        string       `json:"id,omitempty"`
	AccountID string       `json:"account_id,omitempty"`
	ContactID string       `json:"contact_id,omitempty"`
	Error     *errorObject `json:"error,omitempty"`
}

// batchBody documents the body that wire.DecodeBatch reads.
type batchBody struct {
	Signals []signalBody `json:"signals" required:"true" maxitems:"2500"`
	DryRun  *bool        `json:"dry_run" doc:"True: say what would come of it, and store nothing."`
}

func batchExamples() []example {
	return []example{{name: "two", summary: "Two page views, one of them wrong",
		body: `{"signals":[{"type":"page_view","source":"segment","contact":{"email":"jane@acmecorp.com"},"properties":{"url":"/pricing"},"idempotency_key":"view-1"},{"type":"page_view","source":"segment","contact":{"email":"not an address"}}]}`}}
}

// The most that is said of unknown fields in one header.
const (
	maxIgnoredNames = 50
	maxIgnoredBytes = 4 << 10
)

// ignore names what a signal door did not know, in the answer's header and in the log.
func (c *call) ignore(names []string, items ...wire.BatchItem) {
	c.ignored = names
	for i := range items {
		for _, name := range items[i].Ignored {
			if len(c.ignored) < maxIgnoredNames {
				c.ignored = append(c.ignored, "signals."+strconv.Itoa(i)+"."+name)
			}
		}
	}
	if len(c.ignored) == 0 {
		return
	}
	line := strings.Join(c.ignored[:min(len(c.ignored), maxIgnoredNames)], ", ")
	if len(line) > maxIgnoredBytes {
		line = line[:max(0, strings.LastIndex(line[:maxIgnoredBytes], ", "))] + ", ..."
	}
	c.Header()["X-Signalbox-Ignored"] = []string{line}
}
