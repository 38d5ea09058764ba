package crash_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// needRoot fails a test that has to mount something.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("this test mounts file systems and needs root; run it as root, or leave it out with -skip")
	}
}

// mounted is a file system that goes with the test.
type mounted struct {
	root    string
	unmount func()
}

// mount mounts at a new folder below dir. What hinders it is told: containers often forbid it.
func mount(t *testing.T, dir string, args ...string) mounted {
	t.Helper()
	needRoot(t)
	at, err := os.MkdirTemp(dir, "mount-")
	if err != nil {
		t.Fatal(err)
	}
	if err := do(append(append([]string{"mount"}, args...), at)); err != nil {
		t.Fatalf("this test needs to mount file systems (tmpfs, loop devices): %v", err)
	}
	// Lazily: a process that still looks at it must not keep it.
	return mounted{at, undo(t, "umount", "-l", at)}
}

// disk is ext4 in a file, mounted by a loop device.
type disk struct {
	t     *testing.T
	dir   string
	image string
	mounted
	copies int
}

// The size of a disk; its file is sparse.
const diskSize = 4 << 30

func newDisk(t *testing.T, dir string) *disk {
	t.Helper()
	needRoot(t)
	d := &disk{t: t, dir: dir, image: filepath.Join(dir, "disk-0.img")}
	f, err := os.Create(d.image)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(diskSize); err != nil {
		t.Fatal(err)
	}
	f.Close()
	// Nothing may write to it later but what is asked for: no lazy initialisation.
	if err := do([]string{"mkfs.ext4", "-q", "-F", "-m", "0", "-N", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0", d.image}); err != nil {
		t.Fatalf("mkfs.ext4 (Debian package e2fsprogs): %v", err)
	}
	d.mount()
	return d
}

// mount mounts the image. The journal commits by itself only every ten minutes: within a test, what is on the disk is what somebody synced.
func (d *disk) mount() {
	d.t.Helper()
	d.mounted = mount(d.t, d.dir, "-o", "loop,commit=600", d.image)
}

// cut copies the image as it is at this instant, and puts the copy in the place of the disk, as the power coming back would. The
// caller has stopped whoever writes; what they had written and not synced is in no copy.
func (d *disk) cut(then func()) {
	d.t.Helper()
	d.copies++
	copied := filepath.Join(d.dir, fmt.Sprintf("disk-%d.img", d.copies))
	if err := do([]string{"cp", "--sparse=always", d.image, copied}); err != nil {
		d.t.Fatal(err)
	}
	then()
	d.unmount()
	if err := os.Remove(d.image); err != nil {
		d.t.Fatal(err)
	}
	d.image = copied
	d.mount()
}

const writeback = "/proc/sys/vm/dirty_writeback_centisecs"

// holdWriteback keeps the kernel from writing what nobody synced, for the time of the test.
func holdWriteback(t *testing.T) {
	t.Helper()
	needRoot(t)
	was, err := os.ReadFile(writeback)
	if err != nil {
		t.Fatal(err)
	}
	undo(t, "sh", "-c", "echo "+strings.TrimSpace(string(was))+" > "+writeback)
	if err := os.WriteFile(writeback, []byte("0\n"), 0o644); err != nil {
		t.Fatalf("this test sets %s: %v", writeback, err)
	}
}

// freeze stops every thread of a server and returns when all of them stand still: a system call under way has ended by then.
func (v *server) freeze() {
	t := v.site.t
	t.Helper()
	pid := v.cmd.Process.Pid
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if !eventually(t.Context(), 10*time.Second, time.Millisecond, func() bool { return stopped(pid) }) {
		t.Fatal("the server does not stand still 10 s after SIGSTOP")
	}
}

// thaw lets a server that stands still go on.
func (v *server) thaw() {
	v.site.t.Helper()
	if err := syscall.Kill(v.cmd.Process.Pid, syscall.SIGCONT); err != nil {
		v.site.t.Fatal(err)
	}
}

// stopped says whether every thread of a process is in state T.
func stopped(pid int) bool {
	stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(stats) == 0 {
		return false
	}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			return false
		}
		_, state, _ := strings.Cut(string(text), ") ")
		if !strings.HasPrefix(state, "T") {
			return false
		}
	}
	return true
}
