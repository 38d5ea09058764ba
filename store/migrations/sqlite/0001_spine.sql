-- The spine: workspaces, keys, records, signals, events, deliveries, and what waits for time.
-- Ids are made by the program and grow with time; times are microseconds since 1970, UTC; booleans are 0 and 1.
-- Tables that grow with signals have no foreign keys: a row may outlive what it points to (retention), and every write
-- goes through code that knows.

CREATE TABLE settings (
  name  TEXT PRIMARY KEY,
  value BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE nodes (
  id           INTEGER PRIMARY KEY,
  token        TEXT NOT NULL,
  generation   INTEGER NOT NULL,
  heartbeat_at INTEGER NOT NULL
);

CREATE TABLE workspaces (
  id               INTEGER PRIMARY KEY,
  name             TEXT NOT NULL,
  timezone         TEXT NOT NULL,
  require_identity INTEGER NOT NULL CHECK (require_identity IN (0, 1)),
  mailbox_added    TEXT,
  mailbox_removed  TEXT,
  aliases          TEXT,
  limits           TEXT NOT NULL,
  retention        TEXT NOT NULL,
  revision         INTEGER NOT NULL,
  created_at       INTEGER NOT NULL,
  updated_at       INTEGER NOT NULL
);

-- The row that serialises a workspace: whoever decides for it holds it until the commit.
CREATE TABLE heads (
  workspace_id        INTEGER PRIMARY KEY,
  definitions_version INTEGER NOT NULL,
  last_id             INTEGER NOT NULL,
  types               INTEGER NOT NULL,
  signals             INTEGER NOT NULL DEFAULT 0, -- how many are stored: counted as they come and go, a scan would be long
  changes             BLOB -- which records the last turns have changed; NULL: any
);

CREATE TABLE api_keys (
  id           INTEGER PRIMARY KEY,
  workspace_id INTEGER NOT NULL,
  name         TEXT NOT NULL,
  scope        TEXT NOT NULL,
  hint         TEXT NOT NULL,
  hash         BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER,
  last_used_at INTEGER,
  revoked_at   INTEGER
);
CREATE INDEX api_keys_by_workspace ON api_keys (workspace_id, id);

CREATE TABLE signal_types (
  id           INTEGER PRIMARY KEY,
  workspace_id INTEGER NOT NULL,
  name         TEXT NOT NULL,
  declared     INTEGER NOT NULL CHECK (declared IN (0, 1)),
  created_at   INTEGER NOT NULL,
  UNIQUE (workspace_id, name)
);

CREATE TABLE record_keys (
  workspace_id INTEGER NOT NULL,
  kind         INTEGER NOT NULL,
  value        TEXT NOT NULL,
  entity_id    INTEGER NOT NULL,
  PRIMARY KEY (workspace_id, kind, value)
) WITHOUT ROWID;
-- So that erasing finds every key of a record; ids grow, so a new record's entries go to its right end.
CREATE INDEX record_keys_by_entity ON record_keys (entity_id);

CREATE TABLE accounts (
  id           INTEGER PRIMARY KEY,
  workspace_id INTEGER NOT NULL,
  domain       TEXT NOT NULL,
  name         TEXT NOT NULL,
  status       TEXT NOT NULL,
  attributes   TEXT,
  revision     INTEGER NOT NULL,
  created_at   INTEGER NOT NULL,
  updated_at   INTEGER NOT NULL,
  erased_at    INTEGER
);
CREATE INDEX accounts_by_workspace ON accounts (workspace_id, id);

CREATE TABLE contacts (
  id           INTEGER PRIMARY KEY,
  workspace_id INTEGER NOT NULL,
  account_id   INTEGER,
  email        TEXT NOT NULL,
  first_name   TEXT NOT NULL,
  last_name    TEXT NOT NULL,
  title        TEXT NOT NULL,
  linkedin_url TEXT NOT NULL,
  attributes   TEXT,
  by_hand      INTEGER NOT NULL,
  revision     INTEGER NOT NULL,
  created_at   INTEGER NOT NULL,
  updated_at   INTEGER NOT NULL,
  erased_at    INTEGER
);
CREATE INDEX contacts_by_workspace ON contacts (workspace_id, id);
CREATE INDEX contacts_by_account ON contacts (account_id, id) WHERE account_id IS NOT NULL;

-- Narrow on purpose: deciding touches one row per record and turn, and many of them share a page.
CREATE TABLE entity_states (
  entity_id      INTEGER PRIMARY KEY,
  workspace_id   INTEGER NOT NULL,
  last_signal_id INTEGER,
  last_signal_at INTEGER,
  signals        INTEGER NOT NULL
);

-- A record's timeline is a chain: entity_states.last_signal_id, then prev_account_signal_id or prev_contact_signal_id of each
-- signal. Erasing blanks a signal and leaves its row, so that chains stay whole; retention deletes the oldest, so that a chain
-- ends at a missing row. What a signal caused lies in (id, caused_to].
CREATE TABLE signals (
  id                     INTEGER PRIMARY KEY,
  workspace_id           INTEGER NOT NULL,
  type_id                INTEGER NOT NULL,
  source                 TEXT NOT NULL,
  account_id             INTEGER,
  contact_id             INTEGER,
  occurred_at            INTEGER NOT NULL,
  created_at             INTEGER NOT NULL,
  properties             TEXT,
  backfill               INTEGER NOT NULL CHECK (backfill IN (0, 1)),
  prev_account_signal_id INTEGER CHECK (prev_account_signal_id < id),
  prev_contact_signal_id INTEGER CHECK (prev_contact_signal_id < id),
  caused_to              INTEGER NOT NULL CHECK (caused_to >= id),
  erased_at              INTEGER
);
CREATE INDEX signals_by_type ON signals (workspace_id, type_id, id);

-- A body once per format that a subscribed webhook had when the event was made. Its deliveries lie in (id, caused_to].
CREATE TABLE events (
  id           INTEGER PRIMARY KEY,
  workspace_id INTEGER NOT NULL,
  name         TEXT NOT NULL,
  signal_id    INTEGER,
  account_id   INTEGER,
  contact_id   INTEGER,
  stairoids    TEXT,
  standard     TEXT,
  caused_to    INTEGER NOT NULL CHECK (caused_to >= id),
  test         INTEGER NOT NULL CHECK (test IN (0, 1)),
  created_at   INTEGER NOT NULL
);

-- States: 1 pending, 2 retrying, 3 delivered, 4 failed, 5 skipped. The first two are open.
CREATE TABLE deliveries (
  id               INTEGER PRIMARY KEY,
  workspace_id     INTEGER NOT NULL,
  webhook_id       INTEGER NOT NULL,
  event_id         INTEGER NOT NULL,
  event_name       TEXT NOT NULL,
  state            INTEGER NOT NULL CHECK (state BETWEEN 1 AND 5),
  reason           TEXT NOT NULL,
  attempts         INTEGER NOT NULL,
  due_at           INTEGER,
  lease_node       INTEGER,
  lease_generation INTEGER,
  manual_state     INTEGER,
  manual_reason    TEXT,
  manual_due_at    INTEGER,
  test             INTEGER NOT NULL CHECK (test IN (0, 1)),
  created_at       INTEGER NOT NULL,
  done_at          INTEGER,
  CHECK ((done_at IS NULL) = (state <= 2)),
  CHECK (due_at IS NULL OR done_at IS NULL),
  CHECK (lease_node IS NULL OR due_at IS NOT NULL),
  CHECK ((lease_node IS NULL) = (lease_generation IS NULL))
);
CREATE INDEX deliveries_open ON deliveries (workspace_id, webhook_id, due_at, id) WHERE done_at IS NULL AND due_at IS NOT NULL;
CREATE INDEX deliveries_by_webhook ON deliveries (webhook_id, id);
-- What a pull webhook's reader has not come back for: it is open and never due. Rows of push webhooks are not in it.
CREATE INDEX deliveries_unread ON deliveries (webhook_id, id) WHERE done_at IS NULL AND due_at IS NULL;
-- Not state IN (2, 4, 5): that builds a table of its own for every row that is inserted.
CREATE INDEX deliveries_trouble ON deliveries (workspace_id, webhook_id, state, id) WHERE state = 2 OR state >= 4;

CREATE TABLE attempts (
  id            INTEGER PRIMARY KEY,
  workspace_id  INTEGER NOT NULL,
  delivery_id   INTEGER NOT NULL,
  at            INTEGER NOT NULL,
  duration_us   INTEGER NOT NULL,
  dns_us        INTEGER NOT NULL,
  connect_us    INTEGER NOT NULL,
  tls_us        INTEGER NOT NULL,
  first_byte_us INTEGER NOT NULL,
  remote_addr   TEXT NOT NULL,
  status_code   INTEGER NOT NULL,
  error         TEXT NOT NULL,
  headers       TEXT,
  body          BLOB,
  truncated     INTEGER NOT NULL CHECK (truncated IN (0, 1)),
  manual        INTEGER NOT NULL CHECK (manual IN (0, 1))
);
CREATE INDEX attempts_by_delivery ON attempts (delivery_id, id);

-- Everything that waits for time: one row per subject, holding the earliest moment that time alone can change it.
CREATE TABLE due (
  kind         INTEGER NOT NULL,
  subject      INTEGER NOT NULL,
  workspace_id INTEGER NOT NULL,
  at           INTEGER NOT NULL,
  PRIMARY KEY (kind, subject)
) WITHOUT ROWID;
CREATE INDEX due_at ON due (at);

-- Answers kept for idempotency keys; day by day, so that old ones go by range.
CREATE TABLE answered (
  workspace_id INTEGER NOT NULL,
  day          INTEGER NOT NULL,
  key          BLOB NOT NULL CHECK (length(key) = 16),
  body         BLOB NOT NULL CHECK (length(body) = 16),
  signal_id    INTEGER NOT NULL,
  account_id   INTEGER,
  contact_id   INTEGER,
  created_at   INTEGER NOT NULL,
  PRIMARY KEY (workspace_id, day, key)
) WITHOUT ROWID;

CREATE TABLE meters (
  workspace_id INTEGER NOT NULL,
  key_id       INTEGER NOT NULL,
  packed       BLOB NOT NULL,
  PRIMARY KEY (workspace_id, key_id)
) WITHOUT ROWID;

CREATE TABLE webhooks (
  id               INTEGER PRIMARY KEY,
  workspace_id     INTEGER NOT NULL,
  kind             TEXT NOT NULL CHECK (kind IN ('push', 'pull')),
  url              TEXT NOT NULL,
  events           TEXT NOT NULL,
  label            TEXT NOT NULL,
  description      TEXT NOT NULL,
  format           TEXT NOT NULL,
  signature_format TEXT NOT NULL,
  sealed_secret    BLOB,
  sealed_headers   BLOB,
  header_names     TEXT,
  max_in_flight    INTEGER NOT NULL,
  enabled          INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  disabled_reason  TEXT NOT NULL,
  temporary        INTEGER NOT NULL CHECK (temporary IN (0, 1)),
  last_read_at     INTEGER,
  revision         INTEGER NOT NULL,
  created_at       INTEGER NOT NULL,
  updated_at       INTEGER NOT NULL,
  deleted_at       INTEGER
);
CREATE INDEX webhooks_by_workspace ON webhooks (workspace_id, id) WHERE deleted_at IS NULL;

CREATE TABLE jobs (
  id           INTEGER PRIMARY KEY,
  workspace_id INTEGER NOT NULL,
  kind         TEXT NOT NULL,
  status       TEXT NOT NULL CHECK (status IN ('queued', 'running', 'done', 'failed', 'cancelled')),
  subject      INTEGER,
  cursor       INTEGER NOT NULL,
  mark         INTEGER NOT NULL DEFAULT 0, -- the store's own: the step of its work, or how far it was safe
  matching     INTEGER NOT NULL,
  done         INTEGER NOT NULL,
  error        TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  updated_at   INTEGER NOT NULL,
  ended_at     INTEGER,
  CHECK ((ended_at IS NULL) = (status IN ('queued', 'running')))
);
CREATE INDEX jobs_by_workspace ON jobs (workspace_id, id);
