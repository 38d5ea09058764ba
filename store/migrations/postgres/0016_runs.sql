-- What became of each start of an automation: why it ran (reasons, JSON; NULL once it was erased), what it did (actions, JSON), what a notification said (notice,
-- JSON), and what it sent (events, a JSON list of ids, of which last_id is the highest; of a run that sent nothing it is its own). due_at is set while it waits. And
-- how many runs each automation of a workspace had this hour, packed. A program that does not know them would start none.
-- oldest: 16

CREATE TABLE runs (
  id            BIGINT NOT NULL,
  workspace_id  BIGINT NOT NULL,
  automation_id BIGINT NOT NULL,
  version       BIGINT NOT NULL,
  signal_id     BIGINT,
  account_id    BIGINT,
  contact_id    BIGINT,
  of_kind       SMALLINT NOT NULL,
  happened      TEXT COLLATE "C" NOT NULL,
  at            BIGINT NOT NULL,
  due_at        BIGINT,
  status        TEXT COLLATE "C" NOT NULL CHECK (status IN ('done', 'waiting', 'throttled', 'stopped')),
  depth         SMALLINT NOT NULL,
  reasons       TEXT COLLATE "C",
  actions       TEXT COLLATE "C",
  notice        TEXT COLLATE "C",
  events        TEXT COLLATE "C",
  last_id       BIGINT NOT NULL CHECK (last_id >= id),
  PRIMARY KEY (workspace_id, id)
);
CREATE INDEX runs_by_automation ON runs (workspace_id, automation_id, id);
CREATE INDEX runs_by_signal ON runs (workspace_id, signal_id, id) WHERE signal_id IS NOT NULL AND reasons IS NOT NULL;
CREATE INDEX runs_by_account ON runs (workspace_id, account_id, id) WHERE account_id IS NOT NULL AND reasons IS NOT NULL;
CREATE INDEX runs_by_contact ON runs (workspace_id, contact_id, id) WHERE contact_id IS NOT NULL AND reasons IS NOT NULL;

CREATE TABLE paces (
  workspace_id BIGINT NOT NULL PRIMARY KEY,
  packed       BYTEA NOT NULL
) WITH (fillfactor = 50);
