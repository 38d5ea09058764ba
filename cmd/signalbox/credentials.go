package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"signalbox/app"
)

// credentialsFile is where a first start without a terminal leaves the API key, in the data directory.
const credentialsFile = "credentials.env"

// writeCredentials writes what the first start made to a file that only its owner can read; a shell can source it. It is on the
// disk before this returns: nobody can be shown the key again.
func writeCredentials(dataDir, url string, first app.FirstStart) (string, error) {
	path := filepath.Join(dataDir, credentialsFile)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return "", fmt.Errorf("write the credentials: %w", err)
	}
	_, err = fmt.Fprintf(f, "# Made at the first start: an admin API key. Delete this file once the key is kept elsewhere.\nSIGNALBOX_URL=%s\nSIGNALBOX_WORKSPACE_ID=%s\nSIGNALBOX_API_KEY=%s\n",
		url, first.Workspace, first.APIKey)
	if err = errors.Join(err, f.Chmod(0o600), f.Sync(), f.Close()); err != nil {
		return "", fmt.Errorf("write the credentials: %w", err)
	}
	return path, nil
}

// readCredentials returns the URL and the key of a credentials file, "" when there is none.
func readCredentials(dataDir string) (url, key string, err error) {
	f, err := os.Open(filepath.Join(dataDir, credentialsFile))
	if errors.Is(err, os.ErrNotExist) {
		return "", "", nil
	}
	if err != nil {
		return "", "", fmt.Errorf("read the credentials: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		switch name, value, _ := strings.Cut(lines.Text(), "="); name {
		case "SIGNALBOX_URL":
			url = value
		case "SIGNALBOX_API_KEY":
			key = value
		}
	}
	return url, key, lines.Err()
}
