-- Merging: a record that stands for others keeps them, and what it says by itself, in merged; those point to it by merged_into. A row of
-- merges names records and holds nothing that they say.
-- A program that does not know this would answer a merged record as if it stood for itself, so that none such goes on working.
-- oldest: 2

ALTER TABLE accounts ADD COLUMN merged_into INTEGER;
ALTER TABLE accounts ADD COLUMN merged TEXT;
ALTER TABLE contacts ADD COLUMN merged_into INTEGER;
ALTER TABLE contacts ADD COLUMN merged TEXT;

CREATE TABLE merges (
  id           INTEGER PRIMARY KEY,
  workspace_id INTEGER NOT NULL,
  kind         INTEGER NOT NULL CHECK (kind IN (1, 2)),
  status       TEXT NOT NULL CHECK (status IN ('proposed', 'done', 'undone', 'dismissed')),
  from_id      INTEGER NOT NULL,
  into_id      INTEGER NOT NULL CHECK (into_id <> from_id),
  reason       TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  undone_at    INTEGER,
  CHECK ((undone_at IS NOT NULL) = (status = 'undone'))
);
CREATE INDEX merges_by_workspace ON merges (workspace_id, id);
-- A pair is proposed once, whatever became of it.
CREATE UNIQUE INDEX merges_proposed_once ON merges (workspace_id, from_id, into_id) WHERE reason <> '';
-- So that erasing a record finds what was proposed of it.
CREATE INDEX merges_proposed_into ON merges (workspace_id, into_id) WHERE reason <> '';

-- What lists are sorted by: the name, or what stands in for it, in lower case; and when a record's last signal came, to the minute. The indexes hold
-- what can be listed.
ALTER TABLE accounts ADD COLUMN sorted TEXT NOT NULL DEFAULT '';
ALTER TABLE contacts ADD COLUMN sorted TEXT NOT NULL DEFAULT '';
UPDATE accounts SET sorted = lower(CASE WHEN name <> '' THEN name ELSE domain END);
UPDATE contacts SET sorted = lower(CASE WHEN first_name <> '' OR last_name <> '' THEN trim(first_name || ' ' || last_name) ELSE email END);
CREATE INDEX accounts_by_status ON accounts (workspace_id, status, id) WHERE status <> '';
CREATE INDEX accounts_by_name ON accounts (workspace_id, sorted, id) WHERE erased_at IS NULL AND merged_into IS NULL;
CREATE INDEX contacts_by_name ON contacts (workspace_id, sorted, id) WHERE erased_at IS NULL AND merged_into IS NULL;

ALTER TABLE entity_states ADD COLUMN account_rank INTEGER;
ALTER TABLE entity_states ADD COLUMN contact_rank INTEGER;
UPDATE entity_states SET account_rank = last_signal_at WHERE entity_id IN (SELECT id FROM accounts);
UPDATE entity_states SET contact_rank = last_signal_at WHERE entity_id IN (SELECT id FROM contacts);
CREATE INDEX entity_states_by_account_rank ON entity_states (workspace_id, account_rank, entity_id) WHERE account_rank IS NOT NULL;
CREATE INDEX entity_states_by_contact_rank ON entity_states (workspace_id, contact_rank, entity_id) WHERE contact_rank IS NOT NULL;

-- The words that records are found by, in lower case.
CREATE TABLE record_words (
  workspace_id INTEGER NOT NULL,
  kind         INTEGER NOT NULL CHECK (kind IN (1, 2)),
  word         TEXT NOT NULL,
  entity_id    INTEGER NOT NULL,
  PRIMARY KEY (workspace_id, kind, word, entity_id)
) WITHOUT ROWID;

-- Imports, so that they can be undone: what each said before of the records that it changed.
CREATE TABLE imports (
  id           INTEGER PRIMARY KEY,
  workspace_id INTEGER NOT NULL,
  name         TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  undone_at    INTEGER
);
CREATE INDEX imports_by_workspace ON imports (workspace_id, id);
-- Of one name one stands.
CREATE UNIQUE INDEX imports_by_name ON imports (workspace_id, name) WHERE undone_at IS NULL;

CREATE TABLE import_rows (
  workspace_id INTEGER NOT NULL,
  import_id    INTEGER NOT NULL,
  entity_id    INTEGER NOT NULL,
  kind         INTEGER NOT NULL CHECK (kind IN (1, 2)),
  made         INTEGER NOT NULL CHECK (made IN (0, 1)),
  before       TEXT,
  revision     INTEGER NOT NULL,
  PRIMARY KEY (workspace_id, import_id, entity_id)
) WITHOUT ROWID;
-- So that erasing a record finds what imports keep of it.
CREATE INDEX import_rows_by_entity ON import_rows (workspace_id, entity_id);
