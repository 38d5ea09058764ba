-- Merging: a record that stands for others keeps them, and what it says by itself, in merged; those point to it by merged_into. A row of
-- merges names records and holds nothing that they say.

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
