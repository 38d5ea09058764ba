package store

import "signalbox"

// The head of a workspace (design, Serial per workspace): whoever changes what deciding reads does it under the head, in the writer.

const bumpHeadSQL = `
UPDATE heads
   SET definitions_version = definitions_version + 1,
       last_id = max(last_id, $2)
 WHERE workspace_id = $1` // PostgreSQL: greatest

// bumpDefinitions makes the next version of a workspace's definitions, and its highest id at least id (0: leave it).
func (t *tx) bumpDefinitions(ws signalbox.WorkspaceID, id int64) error {
	return t.changeHead(bumpHeadSQL, ws, id)
}

const raiseHeadSQL = `
UPDATE heads
   SET last_id = max(last_id, $2)
 WHERE workspace_id = $1` // PostgreSQL: greatest

// raiseHead makes a workspace's highest id at least id.
func (t *tx) raiseHead(ws signalbox.WorkspaceID, id int64) error {
	return t.changeHead(raiseHeadSQL, ws, id)
}

func (t *tx) changeHead(sql string, ws signalbox.WorkspaceID, id int64) error {
	changed, err := t.exec(sql, int64(ws), id)
	if err == nil && changed == 0 {
		return signalbox.NoSuch("workspace")
	}
	return err
}
