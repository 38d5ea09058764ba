-- A webhook may sign with a key of its own besides its secret (ed25519): sealed like that, the public half to be handed out, and the key before while an
-- overlap goes on. A program that does not know them signs with the secret alone, which every receiver can go on taking.
-- oldest: 5

ALTER TABLE webhooks ADD COLUMN sealed_key BYTEA;
ALTER TABLE webhooks ADD COLUMN sealed_previous_key BYTEA;
ALTER TABLE webhooks ADD COLUMN public_key TEXT COLLATE "C" NOT NULL DEFAULT '';
