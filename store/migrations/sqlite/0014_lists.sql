-- Where records stand in lists by score, and in which stage they were last told to be (NULL: the first one). What a program that does not know them leaves
-- as it was stands where it stood until somebody who does know them writes it; score_due is when a place is to be looked at again, and 0, which all rows
-- begin with, has each looked at in the first minutes after the upgrade, in slices.
-- oldest: 5

ALTER TABLE entity_states ADD COLUMN account_score INTEGER;
ALTER TABLE entity_states ADD COLUMN contact_score INTEGER;
ALTER TABLE entity_states ADD COLUMN account_stage TEXT;
ALTER TABLE entity_states ADD COLUMN contact_stage TEXT;
ALTER TABLE entity_states ADD COLUMN score_due INTEGER DEFAULT 0;
CREATE INDEX entity_states_by_account_score ON entity_states (workspace_id, account_score, entity_id) WHERE account_score IS NOT NULL;
CREATE INDEX entity_states_by_contact_score ON entity_states (workspace_id, contact_score, entity_id) WHERE contact_score IS NOT NULL;
CREATE INDEX entity_states_by_account_stage ON entity_states (workspace_id, account_stage, entity_id) WHERE account_stage IS NOT NULL;
CREATE INDEX entity_states_by_contact_stage ON entity_states (workspace_id, contact_stage, entity_id) WHERE contact_stage IS NOT NULL;
CREATE INDEX entity_states_by_score_due ON entity_states (workspace_id, score_due, entity_id) WHERE score_due IS NOT NULL;

INSERT INTO due (kind, subject, workspace_id, at) SELECT 9, id, id, 0 FROM workspaces;
