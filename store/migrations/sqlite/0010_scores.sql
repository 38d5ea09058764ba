-- What a signal was worth when it was decided, in millionths of a point, with the rules that gave it (JSON; NULL: its type alone); and what deciding
-- keeps of a record besides: its sums by signal type, and the score and stage that were last told. A program that does not know them leaves the
-- signals that it decides without points.
-- oldest: 5

ALTER TABLE signals ADD COLUMN points INTEGER NOT NULL DEFAULT 0;
ALTER TABLE signals ADD COLUMN rules TEXT;
ALTER TABLE entity_states ADD COLUMN standing BLOB;
