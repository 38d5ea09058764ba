package signalbox

import "time"

// MaxImportName is how long the name of an import may be, in characters.
const MaxImportName = 100

// Import is a set of rows that were sent under one name, so that all of it can be undone.
type Import struct {
	ID        ImportID
	Workspace WorkspaceID
	Name      string
	CreatedAt time.Time
	UndoneAt  time.Time // zero: it stands
	Records   int64     // how many records it has made or changed and still can undo
}

// ImportKey names an import that stands.
type ImportKey struct {
	Workspace WorkspaceID
	Name      string
}

// ImportedRow is what an import did to a record: enough to take it back.
type ImportedRow struct {
	Workspace WorkspaceID
	Import    ImportID
	Kind      RecordKind
	Entity    EntityID
	Made      bool
	Before    *Own  // what it said by itself; nil when the import made it
	Was       int64 // its revision before this change
	Revision  int64 // and after it; 0: somebody else changed it between two changes of the import
	Used      bool  // an account that live contacts belong to
}

// UndoneRow is what became of one record when its import was undone.
type UndoneRow struct {
	Kind   RecordKind
	Entity EntityID
	Left   string // why it was left alone, "" when it was restored or removed
}
