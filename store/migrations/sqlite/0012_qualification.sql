-- What a signal is within its type, and whether its record waits to be qualified until somebody asks; what a record's qualification came to (JSON), written
-- when it changes; what deciding keeps of a record for its qualification and its audiences, packed; who is in which audience; and by what a signal of the
-- capture door is known, for as long as it is kept. Accounts on which signals landed that
-- name no person are leads, as contacts are: lead_rank is where they stand among them. A program that does not know them leaves records as they were qualified.
-- oldest: 5

ALTER TABLE signals ADD COLUMN event_name TEXT;
ALTER TABLE signals ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entity_states ADD COLUMN lead_rank INTEGER;
CREATE INDEX entity_states_by_lead_rank ON entity_states (workspace_id, lead_rank, entity_id) WHERE lead_rank IS NOT NULL;
ALTER TABLE entity_states ADD COLUMN following BLOB;

CREATE TABLE qualifications (
  workspace_id  INTEGER NOT NULL,
  entity_id     INTEGER NOT NULL,
  at            INTEGER NOT NULL,
  icp           TEXT NOT NULL,
  icp_score     INTEGER NOT NULL,
  persona       TEXT NOT NULL,
  persona_score INTEGER NOT NULL,
  body          TEXT NOT NULL,
  PRIMARY KEY (workspace_id, entity_id)
) WITHOUT ROWID;

CREATE TABLE audience_members (
  workspace_id INTEGER NOT NULL,
  audience_id  INTEGER NOT NULL,
  entity_id    INTEGER NOT NULL,
  since        INTEGER NOT NULL,
  PRIMARY KEY (workspace_id, audience_id, entity_id)
) WITHOUT ROWID;

CREATE INDEX audience_members_of_record ON audience_members (workspace_id, entity_id, audience_id);

CREATE TABLE captures (
  workspace_id INTEGER NOT NULL,
  key          BLOB NOT NULL,
  signal_id    INTEGER NOT NULL,
  account_id   INTEGER,
  contact_id   INTEGER,
  PRIMARY KEY (workspace_id, key)
) WITHOUT ROWID;

CREATE INDEX captures_of_signal ON captures (workspace_id, signal_id);
