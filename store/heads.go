package store

import "signalbox"

// The head of a workspace (design, Serial per workspace): whoever changes what deciding reads does it under the head, in the writer.

// lockHeadSQL takes a head until the transaction ends, where the writer is not the lock.
const lockHeadSQL = `
SELECT last_id
  FROM heads
 WHERE workspace_id = $1`

// lockHead makes what follows in this transaction serial with all else that is decided or defined in a workspace. Whoever reads
// a definition to change it, or must not miss what a turn is about to save, takes the head first.
func (t *tx) lockHead(ws signalbox.WorkspaceID) error {
	if t.pg == nil {
		return nil
	}
	_, err := t.one(lockHeadSQL, []any{ws}, func(*row) {})
	return err
}

const bumpHeadSQL = `
UPDATE heads
   SET definitions_version = definitions_version + 1,
       last_id = CASE WHEN last_id < $2 THEN $2 ELSE last_id END
 WHERE workspace_id = $1`

// bumpDefinitions makes the next version of a workspace's definitions, and its highest id at least id (0: leave it).
func (t *tx) bumpDefinitions(ws signalbox.WorkspaceID, id int64) error {
	return t.changeHead(bumpHeadSQL, ws, id)
}

const raiseHeadSQL = `
UPDATE heads
   SET last_id = CASE WHEN last_id < $2 THEN $2 ELSE last_id END
 WHERE workspace_id = $1`

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
