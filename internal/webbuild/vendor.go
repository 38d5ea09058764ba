package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// sumsFile lists the vendored files as sha256sum does; notVendored are ours.
const sumsFile = "checksums.txt"

var notVendored = []string{sumsFile, "README.md"}

// checkVendor holds every vendored file against its checksum: none may differ, be missing, or be there without one.
func checkVendor(dir string) error {
	list, err := os.ReadFile(filepath.Join(dir, sumsFile))
	if err != nil {
		return fmt.Errorf("the browser's libraries: %w", err)
	}
	want := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(list))
	for lines.Scan() {
		sum, name, ok := strings.Cut(lines.Text(), "  ")
		if !ok {
			return fmt.Errorf("%s: %q is no line of sha256sum", sumsFile, lines.Text())
		}
		want[name] = sum
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if slices.Contains(notVendored, name) {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(text)
		if got := hex.EncodeToString(sum[:]); got != want[name] {
			return fmt.Errorf("%s is not the file that %s lists: its SHA-256 is %s", path, sumsFile, got)
		}
		delete(want, name)
		return nil
	})
	if err != nil {
		return err
	}
	for name := range want {
		return fmt.Errorf("%s lists %s, which is not there", sumsFile, name)
	}
	return nil
}
