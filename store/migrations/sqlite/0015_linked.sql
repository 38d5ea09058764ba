-- Linked accounts, the streams of their records, each run of one, the names of the fields of a stream, and of each record its id and keyed prints of its
-- contents: nothing of what is in it. A stream is worked on under a lease, as a delivery is. A program that does not know them leaves their due rows alone.
-- oldest: 5

CREATE TABLE linked_accounts (
  id                INTEGER PRIMARY KEY,
  workspace_id      INTEGER NOT NULL,
  provider          TEXT NOT NULL,
  origin_owner_id   TEXT NOT NULL,
  origin_owner_name TEXT NOT NULL,
  origin_username   TEXT NOT NULL,
  setup             TEXT,
  status            TEXT NOT NULL CHECK (status IN ('active', 'inactive')),
  revision          INTEGER NOT NULL,
  created_at        INTEGER NOT NULL,
  updated_at        INTEGER NOT NULL
);
CREATE INDEX linked_accounts_by_workspace ON linked_accounts (workspace_id, id);

CREATE TABLE streams (
  id               INTEGER PRIMARY KEY,
  workspace_id     INTEGER NOT NULL,
  linked_id        INTEGER NOT NULL,
  api              TEXT NOT NULL,
  record_type      TEXT NOT NULL,
  every_us         INTEGER NOT NULL,
  confirmations    INTEGER NOT NULL,
  emit_baseline    INTEGER NOT NULL CHECK (emit_baseline IN (0, 1)),
  emit_signals     INTEGER NOT NULL CHECK (emit_signals IN (0, 1)),
  connector        TEXT NOT NULL,
  fingerprint      INTEGER NOT NULL,
  sealed_secrets   BLOB,
  sealed_key       BLOB NOT NULL,
  paused           INTEGER NOT NULL CHECK (paused IN (0, 1)),
  version          INTEGER NOT NULL,
  baselined        INTEGER NOT NULL,
  known            INTEGER NOT NULL,
  kept             INTEGER NOT NULL,
  names            INTEGER NOT NULL,
  run_id           INTEGER,
  quarantine_id    INTEGER,
  last_run_id      INTEGER,
  next_at          INTEGER NOT NULL,
  created_at       INTEGER NOT NULL,
  updated_at       INTEGER NOT NULL,
  deleted_at       INTEGER,
  lease_node       INTEGER,
  lease_generation INTEGER,
  CHECK ((lease_node IS NULL) = (lease_generation IS NULL))
);
CREATE INDEX streams_by_linked ON streams (workspace_id, linked_id, id);

CREATE TABLE sync_runs (
  id           INTEGER PRIMARY KEY,
  workspace_id INTEGER NOT NULL,
  linked_id    INTEGER NOT NULL,
  stream_id    INTEGER NOT NULL,
  status       TEXT NOT NULL CHECK (status IN ('running', 'complete', 'failed', 'quarantined')),
  baseline     INTEGER NOT NULL CHECK (baseline IN (0, 1)),
  silent       INTEGER NOT NULL CHECK (silent IN (0, 1)),
  fingerprint  INTEGER NOT NULL,
  fetched      INTEGER NOT NULL,
  created      INTEGER NOT NULL,
  updated      INTEGER NOT NULL,
  unchanged    INTEGER NOT NULL,
  missing      INTEGER NOT NULL,
  deleted      INTEGER NOT NULL,
  waiting      INTEGER NOT NULL,
  suppressed   INTEGER NOT NULL,
  added        INTEGER NOT NULL,
  duplicates   INTEGER NOT NULL,
  page         INTEGER NOT NULL,
  checkpoint   BLOB,
  progress     BLOB,
  step         INTEGER NOT NULL,
  error        TEXT NOT NULL,
  started_at   INTEGER NOT NULL,
  ended_at     INTEGER,
  decision     TEXT NOT NULL CHECK (decision IN ('', 'approved', 'discarded')),
  closed       TEXT NOT NULL CHECK (closed IN ('', 'approved', 'discarded', 'found')),
  closed_at    INTEGER,
  CHECK ((ended_at IS NULL) = (status = 'running')),
  CHECK (fetched + missing = created + updated + unchanged + deleted + waiting + suppressed)
);
CREATE INDEX sync_runs_by_workspace ON sync_runs (workspace_id, id);
CREATE INDEX sync_runs_by_linked ON sync_runs (workspace_id, linked_id, id);
CREATE INDEX sync_runs_by_stream ON sync_runs (workspace_id, stream_id, id);

CREATE TABLE stream_names (
  workspace_id INTEGER NOT NULL,
  stream_id    INTEGER NOT NULL,
  number       INTEGER NOT NULL,
  name         TEXT NOT NULL,
  PRIMARY KEY (workspace_id, stream_id, number)
) WITHOUT ROWID;

-- Each row is a record, its key in the order of their bytes: a stream is walked by it, page by page. The row is narrow, as a run rewrites all of them.
CREATE TABLE snapshots (
  workspace_id INTEGER NOT NULL,
  stream_id    INTEGER NOT NULL,
  record       TEXT NOT NULL,
  print        BLOB NOT NULL,
  seen         INTEGER NOT NULL,
  walk         INTEGER NOT NULL,
  outcome      INTEGER NOT NULL,
  missed       INTEGER NOT NULL,
  PRIMARY KEY (workspace_id, stream_id, record)
) WITHOUT ROWID;
