package store

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

// Shape is a version of the schema with the tables that a copy of a database of that version has: this program's, or an older one that a
// backup tells of. A database that is opened with it is migrated up to that version and no further.
type Shape struct {
	Version int
	tables  []*Table
}

// Words are a table's columns as a backup keeps them: their names, and for text and blobs their kind.
func (t Table) Words() []string {
	list := slices.Clone(t.Columns)
	for i, k := range t.kinds {
		if k != kindInt {
			list[i] += " " + map[kind]string{kindText: "text", kindBlob: "blob"}[k]
		}
	}
	return list
}

// columnName is what a column or a table may be called: names from a file go into statements.
var columnName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// ParseTable makes a table of what a backup keeps of it.
func ParseTable(name string, key int, words []string) (Table, error) {
	t := Table{Name: name, Key: key}
	for _, text := range words {
		column, word, _ := strings.Cut(text, " ")
		k := kindOf[word]
		if k == 0 || !columnName.MatchString(column) || slices.Contains(t.Columns, column) {
			return t, fmt.Errorf("table %q cannot have a column %q", name, text)
		}
		t.Columns, t.kinds = append(t.Columns, column), append(t.kinds, k)
	}
	if !columnName.MatchString(name) || key < 1 || key > len(t.Columns) {
		return t, fmt.Errorf("there can be no table %q with %d columns and a key of %d", name, len(t.Columns), key)
	}
	for _, column := range ownOrder[name] {
		if !slices.Contains(t.Columns, column) {
			return t, fmt.Errorf("table %q lacks the column %q", name, column)
		}
	}
	t.keepOrder()
	return t, nil
}

// NewShape makes the shape of a backup. One of a newer schema than this program's is refused, and so is one of this program's schema that has
// other tables.
func NewShape(cfg Config, version int, tables []Table) (*Shape, error) {
	known, err := readMigrations(cfg.Migrations, ownSQLite) // the numbers are the same for both kinds of database
	switch {
	case err != nil:
		return nil, err
	case version > len(known):
		return nil, fmt.Errorf("it is of a newer program: its schema has version %d and this program knows up to %d; use the newer one", version, len(known))
	case version < 1:
		return nil, fmt.Errorf("there is no version %d of the schema", version)
	}
	s := &Shape{Version: version}
	for _, t := range tables {
		s.tables = append(s.tables, &t)
	}
	if version == len(known) && cfg.Migrations == nil && !slices.EqualFunc(s.tables, catalogue, (*Table).same) {
		return nil, errors.New("its tables are not those of its schema's version: it was made by a program that was changed")
	}
	return s, nil
}

// same says whether two tables hold the same rows.
func (t *Table) same(other *Table) bool {
	return t.Name == other.Name && t.Key == other.Key && slices.Equal(t.Words(), other.Words())
}

// list are the tables; without a shape, this program's.
func (s *Shape) list() []*Table {
	if s == nil {
		return catalogue
	}
	return s.tables
}

// migrations are those up to the shape's version; without a shape, all.
func (s *Shape) migrations(fsys fs.FS, own string) ([]migration, error) {
	known, err := readMigrations(fsys, own)
	if err == nil && s != nil {
		known = known[:min(s.Version, len(known))]
	}
	return known, err
}

// Check says whether an encoded row can be one of this table.
func (t Table) Check(row []byte) error {
	if err := t.values(row, func(int, kind, int64, []byte) {}); err != nil {
		return fmt.Errorf("table %s: %w", t.Name, err)
	}
	return nil
}
