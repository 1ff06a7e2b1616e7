package publish

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// disk is a file system of so many megabytes, as far as this machine lets us.
func disk(t *testing.T, megabytes string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+megabytes+"m"); err != nil {
		t.Skipf("a small disk needs the right to mount one: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// A full disk costs nothing but the new build.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := disk(t, "6")
	h := small(t, "moving as select 0 as id, 'x' as text")
	h.dir = filepath.Join(dir, "published")
	h.publisher = h.another(Config{})
	h.publish()
	was := h.current()
	h.run("insert into marts.moving select i, md5(cast(i as varchar)) from range(300000) r(i)")
	_, err := h.publisher.Publish(t.Context(), h.content)
	says(t, err, h.dir, "moving.parquet", "No space left on device", "make room on that disk", "readers find the build "+was)
	is(t, "current", h.current(), was)
	is(t, "the folder", h.lies(), was+" current")
	h.run("delete from marts.moving where id > 100")
	h.publish()
	if h.current() == was {
		t.Error("the next publish made no build")
	}
}

// A folder that can't be written to.
func TestReadOnlyFolder(t *testing.T) {
	t.Parallel()
	h := small(t, "moving as select 0 as round")
	why, advice := "permission denied", "let the user who runs funnelhouse write there"
	lock := func() error { return os.Chmod(h.dir, 0o500) }
	unlock := func() error { return os.Chmod(h.dir, 0o700) }
	if os.Getuid() == 0 { // whom permissions don't stop
		dir := disk(t, "6")
		h.dir, why, advice = filepath.Join(dir, "published"), "read-only file system", "mount it for writing"
		h.publisher = h.another(Config{})
		lock = func() error { return syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, "") }
		unlock = func() error { return syscall.Mount("", dir, "", syscall.MS_REMOUNT, "") }
	}
	h.publish()
	was := h.current()
	h.run("update marts.moving set round = 1")
	if err := lock(); err != nil {
		t.Fatal(err)
	}
	_, err := h.publisher.Publish(t.Context(), h.content)
	if again := unlock(); again != nil {
		t.Fatal(again)
	}
	says(t, err, h.dir, why, advice, "readers find the build "+was)
	if strings.Count(err.Error(), "\n") > 0 {
		t.Errorf("the error has more than a line: %v", err)
	}
	is(t, "current", h.current(), was)
	is(t, "the folder", h.lies(), was+" current")
	h.publish()
}
