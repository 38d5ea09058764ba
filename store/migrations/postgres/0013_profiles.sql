-- Each version of an ICP or a persona: what a record's qualification came to names it, and keeps but a letter for each of its parameters. A program that does
-- not know it cannot read such a qualification, and an earlier program's is read as before.
-- oldest: 13

CREATE TABLE profile_versions (
  workspace_id BIGINT NOT NULL,
  kind         TEXT COLLATE "C" NOT NULL,
  code         TEXT COLLATE "C" NOT NULL,
  version      BIGINT NOT NULL,
  body         TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (workspace_id, kind, code, version)
);

INSERT INTO profile_versions (workspace_id, kind, code, version, body)
SELECT workspace_id, kind, code, revision, body
  FROM definitions
 WHERE kind IN ('icp', 'persona');
