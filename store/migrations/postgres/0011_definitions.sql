-- What a workspace has defined beside its webhooks: its scoring, ICPs and personas, audiences, how declared types are taken. The body is JSON of the kind.
-- A program that does not know them decides as if there were none.
-- oldest: 5

CREATE TABLE definitions (
  workspace_id BIGINT NOT NULL,
  kind         TEXT COLLATE "C" NOT NULL,
  id           BIGINT NOT NULL,
  code         TEXT COLLATE "C" NOT NULL,
  body         TEXT COLLATE "C" NOT NULL,
  revision     BIGINT NOT NULL,
  created_at   BIGINT NOT NULL,
  updated_at   BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, kind, id),
  UNIQUE (workspace_id, kind, code)
);

CREATE INDEX jobs_that_go_on ON jobs (workspace_id, kind, id) WHERE ended_at IS NULL;
