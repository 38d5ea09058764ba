package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// Issue 2: a reference page at /docs from the program itself.
func TestReference_ABrowserShowsItWithoutErrorsAndWithoutOtherHosts(t *testing.T) {
	t.Parallel()
	s := serve(t)
	shot := filepath.Join(t.TempDir(), "docs.png")
	if keep := os.Getenv("SIGNALBOX_E2E_SCREENSHOT"); keep != "" {
		shot = keep // to look at
	}
	home := t.TempDir()
	out := output(t, []string{"SIGNALBOX_URL=" + s.url, "CHROMIUM=" + kit.chromium, "SCREENSHOT=" + shot, "HOME=" + home, "PROFILE=" + filepath.Join(home, "profile")},
		kit.node, "programs/reference.mjs")
	var got struct {
		Title    string
		Errors   []string
		Hosts    []string
		Requests []string
		Missing  []string
		Shown    []string
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("the program printed %q: %v", out, err)
	}
	for _, problem := range got.Errors {
		t.Errorf("the page complains: %s", problem)
	}
	if len(got.Hosts) != 1 || "http://"+got.Hosts[0] != s.url {
		t.Errorf("the page asks the hosts %v, want only %s", got.Hosts, s.url)
	}
	for _, operation := range got.Missing {
		t.Errorf("the page does not show the operation %q", operation)
	}
	if len(got.Shown) < 20 {
		t.Errorf("the page shows %d operations only: %v", len(got.Shown), got.Shown)
	}
	if info, err := os.Stat(shot); err != nil || info.Size() < 10_000 {
		t.Errorf("the screenshot is empty: %v", err)
	}
}
