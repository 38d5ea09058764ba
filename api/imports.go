package api

import (
	"math"
	"net/http"

	"signalbox"
	"signalbox/auth"
)

// importRoutes are the doors of imports that were given a name.
func (a *API) importRoutes() []route {
	const tag = "Imports"
	return []route{
		{
			method: http.MethodGet, pattern: "/v1/imports", id: "listImports", tag: tag, need: auth.NeedRead,
			summary: "List imports", detail: "Those whose batches of accounts or contacts had a name in `import`, newest first.", status: http.StatusOK, query: paging(),
			answers: lists(a.listImports),
		},
		{
			method: http.MethodPost, pattern: "/v1/imports/{id}/undo", id: "undoImport", tag: tag, need: auth.NeedWrite,
			summary: "Undo an import",
			detail: "Records that it changed say again what they said before, and those that it made are removed. A record that anybody or anything else has touched since is left " +
				"alone; `left` says which and why.",
			status: http.StatusOK, bodyOptional: true, also: []signalbox.Code{signalbox.Conflict, signalbox.Overloaded}, answers: asks(a.undoImport),
		},
	}
}

// importView is an import.
type importView struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Records   int64  `json:"records" doc:"How many records it has made or changed and not taken back; at most 10000 are counted."`
	CreatedAt stamp  `json:"created_at"`
	UndoneAt  *stamp `json:"undone_at"`
}

// importUndone is what became of an import that was undone.
type importUndone struct {
	importView
	Undone int          `json:"undone" doc:"How many records are restored or removed."`
	Left   []recordLeft `json:"left" doc:"The records that were left alone: the first 1000 of them."`
	More   int          `json:"more" doc:"How many more were."`
}

// recordLeft is a record that was left alone.
type recordLeft struct {
	Kind   string `json:"kind" enum:"account|contact"`
	ID     string `json:"id"`
	Reason string `json:"reason"`
}

func (c *call) importView(m *signalbox.Import) importView {
	return importView{
		ID: c.idText(signalbox.KindImport, int64(m.ID)), Name: m.Name, Records: m.Records, CreatedAt: stamp(m.CreatedAt), UndoneAt: stampOrNull(m.UndoneAt),
	}
}

func (a *API) listImports(c *call) (page[importView], error) {
	p, err := c.page()
	if err != nil {
		return page[importView]{}, err
	}
	rows, next, err := a.cfg.Store.Imports(c.r.Context(), c.ws(), p)
	if err != nil {
		return page[importView]{}, err
	}
	out := page[importView]{next: c.cursor(next)}
	for i := range rows {
		out.items = append(out.items, c.importView(&rows[i]))
	}
	return out, nil
}

// undoImport takes contacts back first: an account that only they belong to can go then.
func (a *API) undoImport(c *call) (importUndone, error) {
	var out importUndone
	id, err := id[signalbox.ImportID](c, signalbox.KindImport, "import")
	if err != nil {
		return out, err
	}
	m, err := a.cfg.Store.Import(c.r.Context(), c.ws(), id)
	if err != nil {
		return out, err
	}
	if !m.UndoneAt.IsZero() {
		return out, signalbox.Errorf(signalbox.Conflict, "the import %s is undone already", c.idText(signalbox.KindImport, int64(id)))
	}
	out.Left = []recordLeft{}
	for _, kind := range []signalbox.RecordKind{signalbox.ContactRecord, signalbox.AccountRecord} {
		if err := a.undoRows(c, id, kind, &out); err != nil {
			return out, err
		}
	}
	if err := a.cfg.Store.EndImport(c.act(), c.ws(), id, c.now); err != nil {
		return out, err
	}
	if m, err = a.cfg.Store.Import(c.r.Context(), c.ws(), id); err != nil {
		return out, err
	}
	out.importView = c.importView(&m)
	return out, nil
}

// undoRows takes back what an import did to records of one kind, a slice at a time.
func (a *API) undoRows(c *call, id signalbox.ImportID, kind signalbox.RecordKind, out *importUndone) error {
	for before := signalbox.EntityID(math.MaxInt64); ; {
		rows, err := a.cfg.Store.ImportedRows(c.r.Context(), c.ws(), id, kind, before)
		if err != nil || len(rows) == 0 {
			return err
		}
		before = rows[len(rows)-1].Entity
		undone, err := a.cfg.Imports.UndoRows(c.act(), c.ws(), rows)
		if err != nil {
			return err
		}
		for _, u := range undone {
			switch {
			case u.Left == "":
				out.Undone++
			case len(out.Left) < maxRows:
				out.Left = append(out.Left, recordLeft{Kind: u.Kind.String(), ID: c.idText(u.Kind.ID(), int64(u.Entity)), Reason: u.Left})
			default:
				out.More++
			}
		}
	}
}
