package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"signalbox"
)

// The values of an action's custom headers are sealed one by one, for the webhook that its automation sends through, and lie inside JSON: in the automation's
// definition, and in the request of each event that a run of it has made. Definitions come first when values are sealed anew, and count as changed, so that
// whatever is decided later takes the new ones; then the events that were there. So what is sealed in events needs no look of its own at a start.

// The columns that hold them.
var (
	definedHeaders = SealedColumn{"definitions", "body", "webhook.headers"}
	sentHeaders    = SealedColumn{"events", "request", "webhook.headers"}
)

const definedActionsSQL = `
SELECT id, body
  FROM definitions
 WHERE workspace_id = $1 AND kind = 'automation'
 ORDER BY id
 LIMIT 500` // signalbox.DefinitionKind.Most

// allActionsSQL is of all workspaces, asked at a start and by a backup.
const allActionsSQL = `
SELECT body
  FROM definitions
 WHERE kind = 'automation'`

const rewrapDefinitionSQL = `
UPDATE definitions
   SET body = $3
 WHERE workspace_id = $1 AND kind = 'automation' AND id = $2`

// requestsSQL also finds the webhook that an event was sent through. The deliveries of an event lie behind it.
const requestsSQL = `
SELECT id, request,
       (SELECT webhook_id
          FROM deliveries
         WHERE deliveries.workspace_id = $1 AND deliveries.id > events.id AND deliveries.id <= events.caused_to AND deliveries.event_id = events.id
         LIMIT 1)
  FROM events
 WHERE workspace_id = $1 AND id > $2 AND request IS NOT NULL
 ORDER BY id
 LIMIT $3`

const rewrapRequestSQL = `
UPDATE events
   SET request = $3
 WHERE workspace_id = $1 AND id = $2 AND request IS NOT NULL`

// actionHeaders returns with what the sealed values in automations begin.
func (t *tx) actionHeaders(size int) (list [][]byte, err error) {
	seen := map[string]bool{}
	err = t.query(allActionsSQL, nil, func(r *row) error {
		values, err := sealedInActions(r.bytes(0))
		for _, v := range values {
			if begin := v[:min(size, len(v))]; !seen[string(begin)] {
				seen[string(begin)] = true
				list = append(list, bytes.Clone(begin))
			}
		}
		return err
	})
	return list, err
}

// sealedInActions finds the sealed values of an automation.
func sealedInActions(body []byte) ([][]byte, error) {
	var a struct {
		Actions []struct{ Headers []signalbox.Header }
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, err
	}
	var list []signalbox.Header
	for i := range a.Actions {
		list = append(list, a.Actions[i].Headers...)
	}
	return sealedOf(list), nil
}

// sealedInRequest finds those of a request.
func sealedInRequest(text []byte) ([][]byte, error) {
	q, err := parseRequest(text)
	if err != nil || q == nil {
		return nil, err
	}
	return sealedOf(q.Headers), nil
}

// sealedOf are the values of headers that have one.
func sealedOf(list []signalbox.Header) (values [][]byte) {
	for i := range list {
		if v := list[i].Sealed; len(v) > 0 {
			values = append(values, v)
		}
	}
	return values
}

// rewrapActions seals anew what lies in automations, and then what lies in events.
func (db *DB) rewrapActions(ctx context.Context, ws signalbox.WorkspaceID, change func(Sealed) ([]byte, error)) (changed int, err error) {
	err = db.write(ctx, classSlice, func(t *tx) (err error) {
		changed, err = t.rewrapDefinitions(ws, change)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("rewrap automations: %w", err)
	}
	for after, more := int64(0), true; more; {
		var n int
		last := after
		err := db.write(ctx, classSlice, func(t *tx) (err error) {
			n, last, err = t.rewrapRequests(ws, after, change)
			return err
		})
		if err != nil {
			return changed, fmt.Errorf("rewrap events: %w", err)
		}
		changed += n
		more, after = last > after, last
	}
	return changed, nil
}

// holder is a row whose JSON holds sealed values.
type holder struct {
	id, lane int64
	text     []byte
}

func (t *tx) rewrapDefinitions(ws signalbox.WorkspaceID, change func(Sealed) ([]byte, error)) (changed int, err error) {
	if err := t.lockHead(ws); err != nil {
		return 0, err
	}
	var list []holder
	err = t.query(definedActionsSQL, []any{id(ws)}, func(r *row) error {
		list = append(list, holder{r.int(0), r.int(0), bytes.Clone(r.bytes(1))})
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, h := range list {
		n, err := t.rewrapInside(definedHeaders, ws, &h, sealedInActions, rewrapDefinitionSQL, change)
		if err != nil {
			return 0, err
		}
		changed += n
	}
	if changed == 0 {
		return 0, nil
	}
	return changed, t.bumpDefinitions(ws, 0)
}

// rewrapRequests is one slice; last is the event that it came to, or after when there was none.
func (t *tx) rewrapRequests(ws signalbox.WorkspaceID, after int64, change func(Sealed) ([]byte, error)) (changed int, last int64, err error) {
	if err := t.lockHead(ws); err != nil {
		return 0, after, err
	}
	var list []holder
	err = t.query(requestsSQL, []any{id(ws), after, signalbox.SliceRows}, func(r *row) error {
		list = append(list, holder{r.int(0), r.int(2), bytes.Clone(r.bytes(1))})
		return nil
	})
	if err != nil {
		return 0, after, err
	}
	last = after
	for _, h := range list {
		last = h.id
		if h.lane == 0 {
			continue // nothing sends it: nobody opens it
		}
		n, err := t.rewrapInside(sentHeaders, ws, &h, sealedInRequest, rewrapRequestSQL, change)
		if err != nil {
			return 0, after, err
		}
		changed += n
	}
	return changed, last, nil
}

// rewrapInside seals anew what lies in one row. The rest of its JSON stays to the byte, also what a later version of the program has put there: a sealed value is
// found by its own text, which no other value has. One that change gives up (nil) becomes null.
func (t *tx) rewrapInside(c SealedColumn, ws signalbox.WorkspaceID, h *holder, find func([]byte) ([][]byte, error), sql string, change func(Sealed) ([]byte, error)) (changed int, err error) {
	values, err := find(h.text)
	if err != nil {
		return 0, fmt.Errorf("row %d: %w", h.id, err)
	}
	for _, v := range values {
		fresh, err := change(Sealed{c, ws, h.lane, v})
		if err != nil {
			return 0, err
		}
		if bytes.Equal(fresh, v) {
			continue
		}
		h.text = bytes.ReplaceAll(h.text, jsonBytes(v), jsonBytes(fresh))
		changed++
	}
	if changed == 0 {
		return 0, nil
	}
	_, err = t.exec(sql, id(ws), h.id, textBytes(h.text))
	return changed, err
}

// jsonBytes is a value as JSON holds it: base64 in quotes, or null.
func jsonBytes(v []byte) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		return nil // not reachable: bytes
	}
	return text
}
