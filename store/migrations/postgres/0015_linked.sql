-- Linked accounts, the streams of their records, each run of one, the names of the fields of a stream, and of each record its id and keyed prints of its
-- contents: nothing of what is in it. A stream is worked on under a lease, as a delivery is. A program that does not know them leaves their due rows alone.
-- oldest: 5

CREATE TABLE linked_accounts (
  id                BIGINT NOT NULL,
  workspace_id      BIGINT NOT NULL,
  provider          TEXT COLLATE "C" NOT NULL,
  origin_owner_id   TEXT COLLATE "C" NOT NULL,
  origin_owner_name TEXT COLLATE "C" NOT NULL,
  origin_username   TEXT COLLATE "C" NOT NULL,
  setup             TEXT COLLATE "C",
  status            TEXT COLLATE "C" NOT NULL CHECK (status IN ('active', 'inactive')),
  revision          BIGINT NOT NULL,
  created_at        BIGINT NOT NULL,
  updated_at        BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, id)
);

CREATE TABLE streams (
  id               BIGINT NOT NULL,
  workspace_id     BIGINT NOT NULL,
  linked_id        BIGINT NOT NULL,
  api              TEXT COLLATE "C" NOT NULL,
  record_type      TEXT COLLATE "C" NOT NULL,
  every_us         BIGINT NOT NULL,
  confirmations    BIGINT NOT NULL,
  emit_baseline    SMALLINT NOT NULL CHECK (emit_baseline IN (0, 1)),
  emit_signals     SMALLINT NOT NULL CHECK (emit_signals IN (0, 1)),
  connector        TEXT COLLATE "C" NOT NULL,
  fingerprint      BIGINT NOT NULL,
  sealed_secrets   BYTEA,
  sealed_key       BYTEA NOT NULL,
  paused           SMALLINT NOT NULL CHECK (paused IN (0, 1)),
  version          BIGINT NOT NULL,
  baselined        BIGINT NOT NULL,
  known            BIGINT NOT NULL,
  kept             BIGINT NOT NULL,
  names            BIGINT NOT NULL,
  run_id           BIGINT,
  quarantine_id    BIGINT,
  last_run_id      BIGINT,
  next_at          BIGINT NOT NULL,
  created_at       BIGINT NOT NULL,
  updated_at       BIGINT NOT NULL,
  deleted_at       BIGINT,
  lease_node       BIGINT,
  lease_generation BIGINT,
  PRIMARY KEY (workspace_id, id),
  CHECK ((lease_node IS NULL) = (lease_generation IS NULL))
);
CREATE INDEX streams_by_linked ON streams (workspace_id, linked_id, id);

CREATE TABLE sync_runs (
  id           BIGINT NOT NULL,
  workspace_id BIGINT NOT NULL,
  linked_id    BIGINT NOT NULL,
  stream_id    BIGINT NOT NULL,
  status       TEXT COLLATE "C" NOT NULL CHECK (status IN ('running', 'complete', 'failed', 'quarantined')),
  baseline     SMALLINT NOT NULL CHECK (baseline IN (0, 1)),
  silent       SMALLINT NOT NULL CHECK (silent IN (0, 1)),
  fingerprint  BIGINT NOT NULL,
  fetched      BIGINT NOT NULL,
  created      BIGINT NOT NULL,
  updated      BIGINT NOT NULL,
  unchanged    BIGINT NOT NULL,
  missing      BIGINT NOT NULL,
  deleted      BIGINT NOT NULL,
  waiting      BIGINT NOT NULL,
  suppressed   BIGINT NOT NULL,
  added        BIGINT NOT NULL,
  duplicates   BIGINT NOT NULL,
  page         BIGINT NOT NULL,
  checkpoint   BYTEA,
  progress     BYTEA,
  step         BIGINT NOT NULL,
  error        TEXT COLLATE "C" NOT NULL,
  started_at   BIGINT NOT NULL,
  ended_at     BIGINT,
  decision     TEXT COLLATE "C" NOT NULL CHECK (decision IN ('', 'approved', 'discarded')),
  closed       TEXT COLLATE "C" NOT NULL CHECK (closed IN ('', 'approved', 'discarded', 'found')),
  closed_at    BIGINT,
  PRIMARY KEY (workspace_id, id),
  CHECK ((ended_at IS NULL) = (status = 'running')),
  CHECK (fetched + missing = created + updated + unchanged + deleted + waiting + suppressed)
);
CREATE INDEX sync_runs_by_linked ON sync_runs (workspace_id, linked_id, id);
CREATE INDEX sync_runs_by_stream ON sync_runs (workspace_id, stream_id, id);

CREATE TABLE stream_names (
  workspace_id BIGINT NOT NULL,
  stream_id    BIGINT NOT NULL,
  number       BIGINT NOT NULL,
  name         TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (workspace_id, stream_id, number)
);

-- Each row is a record, its key in the order of their bytes: a stream is walked by it, page by page. The row is narrow, as a run rewrites all of them.
CREATE TABLE snapshots (
  workspace_id BIGINT NOT NULL,
  stream_id    BIGINT NOT NULL,
  record       TEXT COLLATE "C" NOT NULL,
  print        BYTEA NOT NULL,
  seen         BIGINT NOT NULL,
  walk         SMALLINT NOT NULL,
  outcome      SMALLINT NOT NULL,
  missed       SMALLINT NOT NULL,
  PRIMARY KEY (workspace_id, stream_id, record)
);
