-- Members: who signs in, their sessions and one-time links, and the audit log of what was changed by whom.
-- Tokens are never stored, only their SHA-256; a password is a hash in the PHC format, '' for none.
-- oldest: 1

CREATE TABLE members (
  id           INTEGER PRIMARY KEY,
  workspace_id INTEGER NOT NULL,
  email        TEXT NOT NULL UNIQUE CHECK (email <> ''), -- over all workspaces: signing in names none
  name         TEXT NOT NULL,
  role         TEXT NOT NULL CHECK (role IN ('admin', 'analyst', 'viewer')),
  password     TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  updated_at   INTEGER NOT NULL,
  joined_at    INTEGER,
  last_seen_at INTEGER
);
CREATE INDEX members_by_workspace ON members (workspace_id, id);

CREATE TABLE sessions (
  id           INTEGER PRIMARY KEY,
  workspace_id INTEGER NOT NULL,
  member_id    INTEGER NOT NULL,
  hash         BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
  user_agent   TEXT NOT NULL,
  address      TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  seen_at      INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL
);
CREATE INDEX sessions_by_member ON sessions (workspace_id, member_id, id);

CREATE TABLE links (
  id           INTEGER PRIMARY KEY,
  workspace_id INTEGER NOT NULL,
  member_id    INTEGER NOT NULL,
  kind         TEXT NOT NULL CHECK (kind IN ('invite', 'reset')),
  hash         BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  UNIQUE (workspace_id, member_id) -- a member has one link at a time
);

CREATE TABLE audit_log (
  id           INTEGER PRIMARY KEY,
  workspace_id INTEGER NOT NULL,
  at           INTEGER NOT NULL,
  actor_type   TEXT NOT NULL,
  actor_id     INTEGER,
  actor_name   TEXT NOT NULL,
  action       TEXT NOT NULL,
  subject_type TEXT NOT NULL,
  subject_id   INTEGER,
  subject_name TEXT NOT NULL,
  before       TEXT,
  after        TEXT,
  request_id   INTEGER
);
CREATE INDEX audit_log_by_workspace ON audit_log (workspace_id, id);
-- So that erasing finds what is told of a record.
CREATE INDEX audit_log_by_subject ON audit_log (subject_id, id) WHERE subject_id IS NOT NULL;
