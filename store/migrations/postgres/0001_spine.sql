-- The spine, as the embedded database has it under the same number. What differs, and why:
--   every key and index of a tenant's table begins with workspace_id, so that the schema can be distributed by it; due_at alone
--   does not: what is due is found over all workspaces;
--   text is compared byte by byte (COLLATE "C"), as the embedded database does, whatever the server's locale;
--   booleans and states are SMALLINT: the same statements compare them with 0 and 1; JSON is TEXT: JSONB would reorder its keys;
--   rows that are rewritten for ever leave room in their pages (fillfactor), so that a new version needs no index entry.
-- Ids are made by the program and grow with time; times are microseconds since 1970, UTC.
-- Tables that grow with signals have no foreign keys: a row may outlive what it points to (retention), and every write
-- goes through code that knows.

CREATE TABLE settings (
  name  TEXT COLLATE "C" PRIMARY KEY,
  value BYTEA NOT NULL
);

-- One row per node number. heartbeat_at is the server's time, never a node's; a node that is lost has had its leases ended by another one.
CREATE TABLE nodes (
  id           SMALLINT PRIMARY KEY CHECK (id BETWEEN 0 AND 1023),
  token        TEXT COLLATE "C" NOT NULL UNIQUE,
  generation   BIGINT NOT NULL,
  heartbeat_at BIGINT NOT NULL,
  lost         SMALLINT NOT NULL DEFAULT 0 CHECK (lost IN (0, 1)),
  holds        SMALLINT NOT NULL DEFAULT 0 CHECK (holds IN (0, 1)) -- it sends nothing: nobody counts on it
) WITH (fillfactor = 50);

CREATE TABLE workspaces (
  id               BIGINT PRIMARY KEY,
  name             TEXT COLLATE "C" NOT NULL,
  timezone         TEXT COLLATE "C" NOT NULL,
  require_identity SMALLINT NOT NULL CHECK (require_identity IN (0, 1)),
  mailbox_added    TEXT COLLATE "C",
  mailbox_removed  TEXT COLLATE "C",
  aliases          TEXT COLLATE "C",
  limits           TEXT COLLATE "C" NOT NULL,
  retention        TEXT COLLATE "C" NOT NULL,
  revision         BIGINT NOT NULL,
  created_at       BIGINT NOT NULL,
  updated_at       BIGINT NOT NULL
);

-- The row that serialises a workspace: whoever decides for it holds it until the commit.
CREATE TABLE heads (
  workspace_id        BIGINT PRIMARY KEY,
  definitions_version BIGINT NOT NULL,
  last_id             BIGINT NOT NULL,
  types               BIGINT NOT NULL,
  signals             BIGINT NOT NULL DEFAULT 0, -- how many are stored: counted as they come and go, a scan would be long
  changes             BYTEA -- which records the last turns have changed; NULL: any
) WITH (fillfactor = 50);
ALTER TABLE heads ALTER COLUMN changes SET STORAGE PLAIN; -- never in a table of its own: it is written with every turn

CREATE TABLE api_keys (
  id           BIGINT PRIMARY KEY,
  workspace_id BIGINT NOT NULL,
  name         TEXT COLLATE "C" NOT NULL,
  scope        TEXT COLLATE "C" NOT NULL,
  hint         TEXT COLLATE "C" NOT NULL,
  hash         BYTEA NOT NULL UNIQUE CHECK (length(hash) = 32),
  created_at   BIGINT NOT NULL,
  expires_at   BIGINT,
  last_used_at BIGINT,
  revoked_at   BIGINT
);
CREATE INDEX api_keys_by_workspace ON api_keys (workspace_id, id);

CREATE TABLE signal_types (
  id           BIGINT NOT NULL,
  workspace_id BIGINT NOT NULL,
  name         TEXT COLLATE "C" NOT NULL,
  declared     SMALLINT NOT NULL CHECK (declared IN (0, 1)),
  created_at   BIGINT NOT NULL,
  UNIQUE (workspace_id, name),
  PRIMARY KEY (workspace_id, id)
);

CREATE TABLE record_keys (
  workspace_id BIGINT NOT NULL,
  kind         SMALLINT NOT NULL,
  value        TEXT COLLATE "C" NOT NULL,
  entity_id    BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, kind, value)
);
-- So that erasing finds every key of a record; ids grow, so a new record's entries go to its right end.
CREATE INDEX record_keys_by_entity ON record_keys (workspace_id, entity_id);

CREATE TABLE accounts (
  id           BIGINT NOT NULL,
  workspace_id BIGINT NOT NULL,
  domain       TEXT COLLATE "C" NOT NULL,
  name         TEXT COLLATE "C" NOT NULL,
  status       TEXT COLLATE "C" NOT NULL,
  attributes   TEXT COLLATE "C",
  revision     BIGINT NOT NULL,
  created_at   BIGINT NOT NULL,
  updated_at   BIGINT NOT NULL,
  erased_at    BIGINT,
  PRIMARY KEY (workspace_id, id)
);

CREATE TABLE contacts (
  id           BIGINT NOT NULL,
  workspace_id BIGINT NOT NULL,
  account_id   BIGINT,
  email        TEXT COLLATE "C" NOT NULL,
  first_name   TEXT COLLATE "C" NOT NULL,
  last_name    TEXT COLLATE "C" NOT NULL,
  title        TEXT COLLATE "C" NOT NULL,
  linkedin_url TEXT COLLATE "C" NOT NULL,
  attributes   TEXT COLLATE "C",
  by_hand      BIGINT NOT NULL,
  revision     BIGINT NOT NULL,
  created_at   BIGINT NOT NULL,
  updated_at   BIGINT NOT NULL,
  erased_at    BIGINT,
  PRIMARY KEY (workspace_id, id)
);
CREATE INDEX contacts_by_account ON contacts (workspace_id, account_id, id) WHERE account_id IS NOT NULL;

-- Narrow on purpose: deciding touches one row per record and turn, and many of them share a page.
CREATE TABLE entity_states (
  entity_id      BIGINT NOT NULL,
  workspace_id   BIGINT NOT NULL,
  last_signal_id BIGINT,
  last_signal_at BIGINT,
  signals        BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, entity_id)
) WITH (fillfactor = 70);

-- A record's timeline is a chain: entity_states.last_signal_id, then prev_account_signal_id or prev_contact_signal_id of each
-- signal. Erasing blanks a signal and leaves its row, so that chains stay whole; retention deletes the oldest, so that a chain
-- ends at a missing row. What a signal caused lies in (id, caused_to].
CREATE TABLE signals (
  id                     BIGINT NOT NULL,
  workspace_id           BIGINT NOT NULL,
  type_id                BIGINT NOT NULL,
  source                 TEXT COLLATE "C" NOT NULL,
  account_id             BIGINT,
  contact_id             BIGINT,
  occurred_at            BIGINT NOT NULL,
  created_at             BIGINT NOT NULL,
  properties             TEXT COLLATE "C",
  backfill               SMALLINT NOT NULL CHECK (backfill IN (0, 1)),
  prev_account_signal_id BIGINT CHECK (prev_account_signal_id < id),
  prev_contact_signal_id BIGINT CHECK (prev_contact_signal_id < id),
  caused_to              BIGINT NOT NULL CHECK (caused_to >= id),
  erased_at              BIGINT,
  PRIMARY KEY (workspace_id, id)
);
CREATE INDEX signals_by_type ON signals (workspace_id, type_id, id);

-- A body once per format that a subscribed webhook had when the event was made. Its deliveries lie in (id, caused_to].
CREATE TABLE events (
  id           BIGINT NOT NULL,
  workspace_id BIGINT NOT NULL,
  name         TEXT COLLATE "C" NOT NULL,
  signal_id    BIGINT,
  account_id   BIGINT,
  contact_id   BIGINT,
  stairoids    TEXT COLLATE "C",
  standard     TEXT COLLATE "C",
  caused_to    BIGINT NOT NULL CHECK (caused_to >= id),
  test         SMALLINT NOT NULL CHECK (test IN (0, 1)),
  created_at   BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, id)
);

-- States: 1 pending, 2 retrying, 3 delivered, 4 failed, 5 skipped. The first two are open.
CREATE TABLE deliveries (
  id               BIGINT NOT NULL,
  workspace_id     BIGINT NOT NULL,
  webhook_id       BIGINT NOT NULL,
  event_id         BIGINT NOT NULL,
  event_name       TEXT COLLATE "C" NOT NULL,
  state            SMALLINT NOT NULL CHECK (state BETWEEN 1 AND 5),
  reason           TEXT COLLATE "C" NOT NULL,
  attempts         BIGINT NOT NULL,
  due_at           BIGINT,
  lease_node       SMALLINT,
  lease_generation BIGINT,
  manual_state     SMALLINT,
  manual_reason    TEXT COLLATE "C",
  manual_due_at    BIGINT,
  test             SMALLINT NOT NULL CHECK (test IN (0, 1)),
  created_at       BIGINT NOT NULL,
  done_at          BIGINT,
  CHECK ((done_at IS NULL) = (state <= 2)),
  CHECK (due_at IS NULL OR done_at IS NULL),
  CHECK (lease_node IS NULL OR due_at IS NOT NULL),
  CHECK ((lease_node IS NULL) = (lease_generation IS NULL)),
  PRIMARY KEY (workspace_id, id)
) WITH (fillfactor = 80);
CREATE INDEX deliveries_open ON deliveries (workspace_id, webhook_id, due_at, id) WHERE done_at IS NULL AND due_at IS NOT NULL;
CREATE INDEX deliveries_by_webhook ON deliveries (workspace_id, webhook_id, id);
-- What a pull webhook's reader has not come back for: it is open and never due. Rows of push webhooks are not in it.
CREATE INDEX deliveries_unread ON deliveries (workspace_id, webhook_id, id) WHERE done_at IS NULL AND due_at IS NULL;
-- Not state IN (2, 4, 5): that builds a table of its own for every row that is inserted.
CREATE INDEX deliveries_trouble ON deliveries (workspace_id, webhook_id, state, id) WHERE state = 2 OR state >= 4;

CREATE TABLE attempts (
  id            BIGINT NOT NULL,
  workspace_id  BIGINT NOT NULL,
  delivery_id   BIGINT NOT NULL,
  at            BIGINT NOT NULL,
  duration_us   BIGINT NOT NULL,
  dns_us        BIGINT NOT NULL,
  connect_us    BIGINT NOT NULL,
  tls_us        BIGINT NOT NULL,
  first_byte_us BIGINT NOT NULL,
  remote_addr   TEXT COLLATE "C" NOT NULL,
  status_code   BIGINT NOT NULL,
  error         TEXT COLLATE "C" NOT NULL,
  headers       TEXT COLLATE "C",
  body          BYTEA,
  truncated     SMALLINT NOT NULL CHECK (truncated IN (0, 1)),
  manual        SMALLINT NOT NULL CHECK (manual IN (0, 1)),
  PRIMARY KEY (workspace_id, id)
);
CREATE INDEX attempts_by_delivery ON attempts (workspace_id, delivery_id, id);

-- Everything that waits for time: one row per subject, holding the earliest moment that time alone can change it.
CREATE TABLE due (
  kind         SMALLINT NOT NULL,
  subject      BIGINT NOT NULL,
  workspace_id BIGINT NOT NULL,
  at           BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, kind, subject)
) WITH (fillfactor = 50);
CREATE INDEX due_at ON due (at);

-- Answers kept for idempotency keys; day by day, so that old ones go by range.
CREATE TABLE answered (
  workspace_id BIGINT NOT NULL,
  day          BIGINT NOT NULL,
  key          BYTEA NOT NULL CHECK (length(key) = 16),
  body         BYTEA NOT NULL CHECK (length(body) = 16),
  signal_id    BIGINT NOT NULL,
  account_id   BIGINT,
  contact_id   BIGINT,
  created_at   BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, day, key)
);

CREATE TABLE meters (
  workspace_id BIGINT NOT NULL,
  key_id       BIGINT NOT NULL,
  packed       BYTEA NOT NULL,
  PRIMARY KEY (workspace_id, key_id)
) WITH (fillfactor = 50);

CREATE TABLE webhooks (
  id               BIGINT NOT NULL,
  workspace_id     BIGINT NOT NULL,
  kind             TEXT COLLATE "C" NOT NULL CHECK (kind IN ('push', 'pull')),
  url              TEXT COLLATE "C" NOT NULL,
  events           TEXT COLLATE "C" NOT NULL,
  label            TEXT COLLATE "C" NOT NULL,
  description      TEXT COLLATE "C" NOT NULL,
  format           TEXT COLLATE "C" NOT NULL,
  signature_format TEXT COLLATE "C" NOT NULL,
  sealed_secret    BYTEA,
  sealed_headers   BYTEA,
  header_names     TEXT COLLATE "C",
  max_in_flight    BIGINT NOT NULL,
  enabled          SMALLINT NOT NULL CHECK (enabled IN (0, 1)),
  disabled_reason  TEXT COLLATE "C" NOT NULL,
  temporary        SMALLINT NOT NULL CHECK (temporary IN (0, 1)),
  last_read_at     BIGINT,
  revision         BIGINT NOT NULL,
  created_at       BIGINT NOT NULL,
  updated_at       BIGINT NOT NULL,
  deleted_at       BIGINT,
  PRIMARY KEY (workspace_id, id)
);

CREATE TABLE jobs (
  id           BIGINT NOT NULL,
  workspace_id BIGINT NOT NULL,
  kind         TEXT COLLATE "C" NOT NULL,
  status       TEXT COLLATE "C" NOT NULL CHECK (status IN ('queued', 'running', 'done', 'failed', 'cancelled')),
  subject      BIGINT,
  cursor       BIGINT NOT NULL,
  mark         BIGINT NOT NULL DEFAULT 0, -- the store's own: the step of its work, or how far it was safe
  matching     BIGINT NOT NULL,
  done         BIGINT NOT NULL,
  error        TEXT COLLATE "C" NOT NULL,
  created_at   BIGINT NOT NULL,
  updated_at   BIGINT NOT NULL,
  ended_at     BIGINT,
  CHECK ((ended_at IS NULL) = (status IN ('queued', 'running'))),
  PRIMARY KEY (workspace_id, id)
);
