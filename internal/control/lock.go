//go:build unix

package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	lockName   = "funnelhouse.lock"
	socketName = "funnelhouse.sock"

	// maxHolder bounds what is read of a lock file that something else wrote.
	maxHolder = 4 << 10
)

// holder is the content of the lock file.
type holder struct {
	PID       int       `json:"pid"`
	Command   string    `json:"command"`
	StartedAt time.Time `json:"started_at"`
}

// HeldError says which process holds the data folder.
type HeldError struct {
	Dir     string
	PID     int       // 0: not known
	Command string    // the subcommand, as "serve"; empty: not known
	Since   time.Time // zero: not known
}

// Error names the holder and what to do.
func (e *HeldError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("%s is in use by another process; wait until it ends and run the command again", e.Dir)
	}
	return fmt.Sprintf("%s; wait until it ends, or stop it with: kill %d", e.who(), e.PID)
}

// who names the holder without advice.
func (e *HeldError) who() string {
	if e.PID == 0 {
		return e.Dir + " is in use by another process"
	}
	return fmt.Sprintf("%s is in use by funnelhouse %s (PID %d, since %s)",
		e.Dir, e.Command, e.PID, e.Since.Format(time.RFC3339))
}

// Lock is the ownership of one data folder. It lasts until Close or until the
// process ends, however it ends.
type Lock struct {
	dir string

	mu   sync.Mutex // guards file
	file *os.File   // nil once closed
}

// Acquire takes the data folder dir, which must exist, for the subcommand
// named command. Where another process holds it, the error is a [*HeldError].
func Acquire(dir, command string) (*Lock, error) {
	path := filepath.Join(dir, lockName)
	for {
		lock, err := acquireOnce(dir, path, command)
		if lock != nil || err != nil {
			return lock, err
		}
	}
}

// acquireOnce returns neither a lock nor an error where the file at path was
// replaced between opening and locking it: what is locked then is a file that
// the next process wouldn't see.
func acquireOnce(dir, path, command string) (_ *Lock, err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of the data folder: %w", err)
	}
	keep := false
	defer func() {
		if !keep {
			err = errors.Join(err, file.Close())
		}
	}()

	if err := flock(file, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, readHolder(dir, file)
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	same, err := isSameFile(path, file)
	if err != nil || !same {
		return nil, err
	}
	if err := writeHolder(file, holder{PID: os.Getpid(), Command: command, StartedAt: time.Now()}); err != nil {
		return nil, fmt.Errorf("write %s: %w", path, err)
	}
	keep = true
	return &Lock{dir: dir, file: file}, nil
}

// Close gives the data folder back. Closing twice does nothing.
func (l *Lock) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	// Emptied first, so that only a killed process leaves its name behind.
	err := l.file.Truncate(0)
	// Released by name: a child that is being started right now still has the
	// file open until it is executed, and would keep the lock so long.
	if uerr := flock(l.file, unix.LOCK_UN); err == nil {
		err = uerr
	}
	if cerr := l.file.Close(); err == nil {
		err = cerr
	}
	l.file = nil
	if err != nil {
		return fmt.Errorf("give back the lock of %s: %w", l.dir, err)
	}
	return nil
}

func (l *Lock) held() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file != nil
}

func flock(file *os.File, how int) error {
	for {
		err := unix.Flock(int(file.Fd()), how)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func isSameFile(path string, file *os.File) (bool, error) {
	opened, err := file.Stat()
	if err != nil {
		return false, fmt.Errorf("stat %s: %w", path, err)
	}
	named, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("stat %s: %w", path, err)
	}
	return os.SameFile(opened, named), nil
}

// writeHolder replaces the content of the lock file. A reader in between sees
// an empty file and takes the holder as not known.
func writeHolder(file *os.File, h holder) error {
	content, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if err := file.Chmod(0o600); err != nil {
		return err
	}
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err = file.WriteAt(append(content, '\n'), 0)
	return err
}

// readHolder reads who holds the lock. What it can't read, or the name of a
// process that is gone (killed, its successor has not written yet), is left
// out: the lock is held either way.
func readHolder(dir string, file *os.File) *HeldError {
	held := &HeldError{Dir: dir}
	var h holder
	if err := json.NewDecoder(io.LimitReader(file, maxHolder)).Decode(&h); err != nil {
		return held
	}
	if h.PID <= 0 || errors.Is(unix.Kill(h.PID, 0), unix.ESRCH) {
		return held
	}
	held.PID, held.Command, held.Since = h.PID, h.Command, h.StartedAt
	return held
}
