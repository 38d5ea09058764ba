-- What a signal is within its type, and whether its record waits to be qualified until somebody asks; what a record's qualification came to (JSON), written
-- when it changes; what deciding keeps of a record for its qualification and its audiences, packed; who is in which audience; and by what a signal of the
-- capture door is known, for as long as it is kept. Accounts on which signals landed that
-- name no person are leads, as contacts are: lead_rank is where they stand among them. A program that does not know them leaves records as they were qualified.
-- oldest: 5

ALTER TABLE signals ADD COLUMN event_name TEXT COLLATE "C";
ALTER TABLE signals ADD COLUMN held SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE entity_states ADD COLUMN lead_rank BIGINT;
CREATE INDEX entity_states_by_lead_rank ON entity_states (workspace_id, lead_rank, entity_id) WHERE lead_rank IS NOT NULL;
ALTER TABLE entity_states ADD COLUMN following BYTEA;

CREATE TABLE qualifications (
  workspace_id  BIGINT NOT NULL,
  entity_id     BIGINT NOT NULL,
  at            BIGINT NOT NULL,
  icp           TEXT COLLATE "C" NOT NULL,
  icp_score     BIGINT NOT NULL,
  persona       TEXT COLLATE "C" NOT NULL,
  persona_score BIGINT NOT NULL,
  body          TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (workspace_id, entity_id)
);

CREATE TABLE audience_members (
  workspace_id BIGINT NOT NULL,
  audience_id  BIGINT NOT NULL,
  entity_id    BIGINT NOT NULL,
  since        BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, audience_id, entity_id)
);

CREATE INDEX audience_members_of_record ON audience_members (workspace_id, entity_id, audience_id);

CREATE TABLE captures (
  workspace_id BIGINT NOT NULL,
  key          BYTEA NOT NULL,
  signal_id    BIGINT NOT NULL,
  account_id   BIGINT,
  contact_id   BIGINT,
  PRIMARY KEY (workspace_id, key)
);

CREATE INDEX captures_of_signal ON captures (workspace_id, signal_id);
