package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"signalbox/app"
)

// credentialsFile is where a first start without a terminal leaves the API key and the first admin's password, in the data directory.
const credentialsFile = "credentials.env"

// The names in the credentials file, in its order.
var credentialNames = []string{"SIGNALBOX_URL", "SIGNALBOX_WORKSPACE_ID", "SIGNALBOX_API_KEY", "SIGNALBOX_ADMIN_EMAIL", "SIGNALBOX_ADMIN_PASSWORD"}

// writeCredentials writes what the first start made to a file that only its owner can read; a shell can source it. What the file held and was not made anew
// stays. It is on the disk before this returns: nobody can be shown it again.
func writeCredentials(dataDir, url string, first app.FirstStart) (string, error) {
	held, err := allCredentials(dataDir)
	if err != nil {
		return "", err
	}
	made := map[string]string{
		"SIGNALBOX_URL": url, "SIGNALBOX_WORKSPACE_ID": first.Workspace, "SIGNALBOX_API_KEY": first.APIKey, "SIGNALBOX_ADMIN_EMAIL": first.Email,
		"SIGNALBOX_ADMIN_PASSWORD": first.Password,
	}
	text := "# Made at the first start: an admin API key, and whom to sign in as. Delete this file once they are kept elsewhere.\n"
	for _, name := range credentialNames {
		if value := cmp.Or(made[name], held[name]); value != "" {
			text += name + "=" + value + "\n"
		}
	}
	path := filepath.Join(dataDir, credentialsFile)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return "", fmt.Errorf("write the credentials: %w", err)
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Chmod(0o600), f.Sync(), f.Close()); err != nil {
		return "", fmt.Errorf("write the credentials: %w", err)
	}
	return path, nil
}

// readCredentials returns the URL and the key of a credentials file, "" when there is none.
func readCredentials(dataDir string) (url, key string, err error) {
	held, err := allCredentials(dataDir)
	return held["SIGNALBOX_URL"], held["SIGNALBOX_API_KEY"], err
}

// allCredentials returns what a credentials file holds, by name; nothing when there is none.
func allCredentials(dataDir string) (map[string]string, error) {
	f, err := os.Open(filepath.Join(dataDir, credentialsFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the credentials: %w", err)
	}
	defer f.Close()
	held := map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), "=")
		held[name] = value
	}
	return held, lines.Err()
}
