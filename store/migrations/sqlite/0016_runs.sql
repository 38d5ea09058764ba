-- What became of each start of an automation: why it ran (reasons, JSON; NULL once it was erased), what it did (actions, JSON), what a notification said (notice,
-- JSON), and what it sent (events, a JSON list of ids, of which last_id is the highest; of a run that sent nothing it is its own). due_at is set while it waits. And
-- how many runs each automation of a workspace had this hour, packed. A program that does not know them would start none.
-- oldest: 16

CREATE TABLE runs (
  id            INTEGER PRIMARY KEY,
  workspace_id  INTEGER NOT NULL,
  automation_id INTEGER NOT NULL,
  version       INTEGER NOT NULL,
  signal_id     INTEGER,
  account_id    INTEGER,
  contact_id    INTEGER,
  of_kind       INTEGER NOT NULL,
  happened      TEXT NOT NULL,
  at            INTEGER NOT NULL,
  due_at        INTEGER,
  status        TEXT NOT NULL CHECK (status IN ('done', 'waiting', 'throttled', 'stopped')),
  depth         INTEGER NOT NULL,
  reasons       TEXT,
  actions       TEXT,
  notice        TEXT,
  events        TEXT,
  last_id       INTEGER NOT NULL CHECK (last_id >= id)
);
CREATE INDEX runs_by_automation ON runs (workspace_id, automation_id, id);
-- What is not erased yet of a signal, an account, a contact: erasing finds it by these.
CREATE INDEX runs_by_signal ON runs (workspace_id, signal_id, id) WHERE signal_id IS NOT NULL AND reasons IS NOT NULL;
CREATE INDEX runs_by_account ON runs (workspace_id, account_id, id) WHERE account_id IS NOT NULL AND reasons IS NOT NULL;
CREATE INDEX runs_by_contact ON runs (workspace_id, contact_id, id) WHERE contact_id IS NOT NULL AND reasons IS NOT NULL;

CREATE TABLE paces (
  workspace_id INTEGER NOT NULL PRIMARY KEY,
  packed       BLOB NOT NULL
) WITHOUT ROWID;
