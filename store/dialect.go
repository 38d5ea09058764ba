package store

import "strings"

// toSQLite rewrites the numbered parameters of a statement, written once in PostgreSQL's form $1, to SQLite's ?1: SQLite reads
// $1 as a name and would number it by where it first stands. No statement of this room has a $ in a string.
func toSQLite(sql string) string { return strings.ReplaceAll(sql, "$", "?") }

// What differs between the databases beside parameters, with its reason, at the statement that needs it:
//   - a row is inserted or replaced by one prepared statement per row here (measured as fast as any multi-row form);
//     PostgreSQL will take arrays (unnest);
//   - id is the row's own key here, so workspace_id stands in WHERE but in no primary key of a table that grows;
//   - TEXT holds JSON as it was given; PostgreSQL will hold it as TEXT too, since JSONB reorders keys and changes numbers.
