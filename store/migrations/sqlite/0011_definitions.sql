-- What a workspace has defined beside its webhooks: its scoring, ICPs and personas, audiences, how declared types are taken. The body is JSON of the kind.
-- A program that does not know them decides as if there were none.
-- oldest: 5

CREATE TABLE definitions (
  workspace_id INTEGER NOT NULL,
  kind         TEXT NOT NULL,
  id           INTEGER NOT NULL,
  code         TEXT NOT NULL,
  body         TEXT NOT NULL,
  revision     INTEGER NOT NULL,
  created_at   INTEGER NOT NULL,
  updated_at   INTEGER NOT NULL,
  PRIMARY KEY (workspace_id, kind, id),
  UNIQUE (workspace_id, kind, code)
) WITHOUT ROWID;

CREATE INDEX jobs_that_go_on ON jobs (workspace_id, kind, id) WHERE ended_at IS NULL;
