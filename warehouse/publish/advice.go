package publish

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// explain says what to do about a failed publish, and what readers find now.
func (p *Publisher) explain(err error) error {
	found := "no build is published yet"
	if build, linkErr := os.Readlink(filepath.Join(p.cfg.Dir, currentLink)); linkErr == nil {
		found = "readers find the build " + build
	}
	if advice := advice(err); advice != "" {
		found = advice + "; " + found
	}
	return fmt.Errorf("publish to %s: %w; %s", p.cfg.Dir, err, found)
}

// advice knows the ways in which a disk refuses. DuckDB tells of them in the
// words of the system.
func advice(err error) string {
	is := func(errno syscall.Errno) bool {
		return errors.Is(err, errno) || strings.Contains(strings.ToLower(err.Error()), errno.Error())
	}
	switch {
	case is(syscall.ENOSPC), is(syscall.EDQUOT):
		return "make room on that disk: a build needs as much as what has changed in it, and retention.published_builds says how many older ones are kept"
	case is(syscall.EROFS):
		return "that disk is mounted for reading alone: mount it for writing"
	case is(syscall.EACCES), is(syscall.EPERM):
		return "let the user who runs funnelhouse write there"
	}
	return ""
}
