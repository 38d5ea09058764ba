-- Merging: a record that stands for others keeps them, and what it says by itself, in merged; those point to it by merged_into. A row of
-- merges names records and holds nothing that they say.

ALTER TABLE accounts ADD COLUMN merged_into BIGINT;
ALTER TABLE accounts ADD COLUMN merged TEXT COLLATE "C";
ALTER TABLE contacts ADD COLUMN merged_into BIGINT;
ALTER TABLE contacts ADD COLUMN merged TEXT COLLATE "C";

CREATE TABLE merges (
  id           BIGINT NOT NULL,
  workspace_id BIGINT NOT NULL,
  kind         SMALLINT NOT NULL CHECK (kind IN (1, 2)),
  status       TEXT COLLATE "C" NOT NULL CHECK (status IN ('proposed', 'done', 'undone', 'dismissed')),
  from_id      BIGINT NOT NULL,
  into_id      BIGINT NOT NULL CHECK (into_id <> from_id),
  reason       TEXT COLLATE "C" NOT NULL,
  created_at   BIGINT NOT NULL,
  undone_at    BIGINT,
  PRIMARY KEY (workspace_id, id),
  CHECK ((undone_at IS NOT NULL) = (status = 'undone'))
);
-- A pair is proposed once, whatever became of it.
CREATE UNIQUE INDEX merges_proposed_once ON merges (workspace_id, from_id, into_id) WHERE reason <> '';
-- So that erasing a record finds what was proposed of it.
CREATE INDEX merges_proposed_into ON merges (workspace_id, into_id) WHERE reason <> '';
