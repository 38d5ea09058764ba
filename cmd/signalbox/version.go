package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/ncruces/go-sqlite3"
	"github.com/spf13/cobra"
)

// build is what this program was made from.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit"` // "unknown" outside a repository; "+changes" when it was not clean
	Go      string `json:"go"`
	System  string `json:"system"`
	SQLite  string `json:"sqlite,omitempty"`
}

// buildVersion reads what the linker left in the program.
func buildVersion() build {
	b := build{Version: "dev", Commit: "unknown", Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
	}
	changes := ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			b.Commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changes = "+changes"
		}
	}
	b.Commit += changes
	return b
}

// sqliteVersion asks the library itself.
func sqliteVersion() (version string, err error) {
	db, err := sqlite3.Open(":memory:")
	if err != nil {
		return "", err
	}
	defer db.Close()
	stmt, _, err := db.Prepare("SELECT sqlite_version()")
	if err != nil {
		return "", err
	}
	defer stmt.Close()
	if stmt.Step() {
		version = stmt.ColumnText(0)
	}
	return version, stmt.Err()
}

// version makes the command that says which program this is.
func (p *program) version() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "version", Short: "Show which version this is", Args: exactly(),
		RunE: func(*cobra.Command, []string) (err error) {
			b := buildVersion()
			if b.SQLite, err = sqliteVersion(); err != nil {
				return fmt.Errorf("ask SQLite for its version: %w", err)
			}
			if asJSON {
				return writeJSON(p.stdout, b)
			}
			_, err = fmt.Fprintf(p.stdout, "signalbox %s\ncommit %s\n%s %s\nSQLite %s\n", b.Version, b.Commit, b.Go, b.System, b.SQLite)
			return err
		}}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}
