-- Members, as the embedded database has them under the same number. members, sessions and links are reference tables: whoever signs in names no
-- workspace, and an e-mail or a token is what tells it. The audit log is a tenant's table, and its keys begin with the workspace.
-- Tokens are never stored, only their SHA-256; a password is a hash in the PHC format, '' for none.
-- oldest: 1

CREATE TABLE members (
  id           BIGINT PRIMARY KEY,
  workspace_id BIGINT NOT NULL,
  email        TEXT COLLATE "C" NOT NULL UNIQUE CHECK (email <> ''), -- over all workspaces: signing in names none
  name         TEXT COLLATE "C" NOT NULL,
  role         TEXT COLLATE "C" NOT NULL CHECK (role IN ('admin', 'analyst', 'viewer')),
  password     TEXT COLLATE "C" NOT NULL,
  created_at   BIGINT NOT NULL,
  updated_at   BIGINT NOT NULL,
  joined_at    BIGINT,
  last_seen_at BIGINT
);
CREATE INDEX members_by_workspace ON members (workspace_id, id);

CREATE TABLE sessions (
  id           BIGINT PRIMARY KEY,
  workspace_id BIGINT NOT NULL,
  member_id    BIGINT NOT NULL,
  hash         BYTEA NOT NULL UNIQUE CHECK (length(hash) = 32),
  user_agent   TEXT COLLATE "C" NOT NULL,
  address      TEXT COLLATE "C" NOT NULL,
  created_at   BIGINT NOT NULL,
  seen_at      BIGINT NOT NULL,
  expires_at   BIGINT NOT NULL
);
CREATE INDEX sessions_by_member ON sessions (workspace_id, member_id, id);

CREATE TABLE links (
  id           BIGINT PRIMARY KEY,
  workspace_id BIGINT NOT NULL,
  member_id    BIGINT NOT NULL,
  kind         TEXT COLLATE "C" NOT NULL CHECK (kind IN ('invite', 'reset')),
  hash         BYTEA NOT NULL UNIQUE CHECK (length(hash) = 32),
  created_at   BIGINT NOT NULL,
  expires_at   BIGINT NOT NULL,
  UNIQUE (workspace_id, member_id) -- a member has one link at a time
);

CREATE TABLE audit_log (
  id           BIGINT NOT NULL,
  workspace_id BIGINT NOT NULL,
  at           BIGINT NOT NULL,
  actor_type   TEXT COLLATE "C" NOT NULL,
  actor_id     BIGINT,
  actor_name   TEXT COLLATE "C" NOT NULL,
  action       TEXT COLLATE "C" NOT NULL,
  subject_type TEXT COLLATE "C" NOT NULL,
  subject_id   BIGINT,
  subject_name TEXT COLLATE "C" NOT NULL,
  before       TEXT COLLATE "C",
  after        TEXT COLLATE "C",
  request_id   BIGINT,
  PRIMARY KEY (workspace_id, id)
);
-- So that erasing finds what is told of a record.
CREATE INDEX audit_log_by_subject ON audit_log (workspace_id, subject_id, id) WHERE subject_id IS NOT NULL;
