//go:build unix

package control

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

const (
	// maxName is the longest path that a socket may be bound to everywhere:
	// 108 bytes on Linux, 104 on other systems, with the closing zero.
	maxName = 103

	// bindPattern names the private folders in which sockets are bound.
	bindPattern = ".funnelhouse-bind-*"
	bindName    = "s"
)

// Listener is the control socket of one data folder.
type Listener struct {
	lock  *Lock
	inner *net.UnixListener
	path  string

	once sync.Once
	err  error
}

// Listen opens the control socket of the data folder. Only the holder of the
// lock can: that makes whatever lies in its place a dead process's socket, to
// be replaced. Close the listener before the lock.
func (l *Lock) Listen() (*Listener, error) {
	if !l.held() {
		return nil, fmt.Errorf("open the control socket in %s: the lock is given back", l.dir)
	}
	path := filepath.Join(l.dir, socketName)
	inner, err := bind(l.dir, path)
	if err != nil {
		return nil, fmt.Errorf("open the control socket %s: %w", path, err)
	}
	return &Listener{lock: l, inner: inner, path: path}, nil
}

// Close removes the socket and stops accepting. Closing twice does nothing.
func (l *Listener) Close() error {
	l.once.Do(func() {
		var removed error
		// With the lock gone the socket may be the next holder's.
		if l.lock.held() {
			removed = os.Remove(l.path)
			if errors.Is(removed, fs.ErrNotExist) {
				removed = nil
			}
		}
		l.err = errors.Join(removed, l.inner.Close())
	})
	return l.err
}

// bind makes the socket in a private folder inside dir, sets its mode, and
// renames it into place. A crash leaves an empty or private folder, removed by
// the next bind.
func bind(dir, path string) (_ *net.UnixListener, err error) {
	left, err := filepath.Glob(filepath.Join(escapeGlob(dir), bindPattern))
	if err != nil {
		return nil, err
	}
	for _, folder := range left {
		if err := os.RemoveAll(folder); err != nil {
			return nil, err
		}
	}
	private, err := os.MkdirTemp(dir, bindPattern) // mode 0700
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(private)) }()

	var inner *net.UnixListener
	err = withShortName(filepath.Join(private, bindName), func(name string) error {
		inner, err = net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
		return err
	})
	if err != nil {
		return nil, err
	}
	// Its name is about to change; Close removes the new one.
	inner.SetUnlinkOnClose(false)
	if err := os.Chmod(filepath.Join(private, bindName), 0o600); err != nil {
		return nil, errors.Join(err, inner.Close())
	}
	if err := os.Rename(filepath.Join(private, bindName), path); err != nil {
		return nil, errors.Join(err, inner.Close())
	}
	return inner, nil
}

// connect opens a connection to the control socket of dir. It returns
// [ErrNotServing] where no process listens.
func connect(dir string) (*net.UnixConn, error) {
	path := filepath.Join(dir, socketName)
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotServing
	}
	if err != nil {
		return nil, fmt.Errorf("look for the control socket: %w", err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return nil, fmt.Errorf("%s is not a socket; remove it and start the process again", path)
	}

	var conn *net.UnixConn
	err = withShortName(path, func(name string) error {
		// It doesn't block: a local socket takes a connection at once or not at all.
		conn, err = net.DialUnix("unix", nil, &net.UnixAddr{Name: name, Net: "unix"})
		return err
	})
	switch {
	case errors.Is(err, unix.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		return nil, ErrNotServing
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("connect to %s: %w; run the command as the user who runs that process", path, err)
	case err != nil:
		return nil, fmt.Errorf("connect to %s: %w", path, err)
	}
	return conn, nil
}

// withShortName calls use with a name of path that fits a socket. Where path
// is too long, the name leads through a link to its folder, which lives in a
// private temporary folder until use returns.
func withShortName(path string, use func(name string) error) (err error) {
	if strings.HasPrefix(path, "@") {
		path = "./" + path // a leading @ would name a socket outside the file system
	}
	if len(path) <= maxName {
		return use(path)
	}
	folder, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return err
	}
	private, err := shortFolder()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(private)) }()
	link := filepath.Join(private, "d")
	if err := os.Symlink(folder, link); err != nil {
		return err
	}
	return use(filepath.Join(link, filepath.Base(path)))
}

// shortFolder makes a private folder whose name leaves room for the socket's.
func shortFolder() (string, error) {
	const room = maxName - len("/d/") - len(socketName)
	var reasons error
	for _, parent := range []string{os.TempDir(), "/tmp"} {
		folder, err := os.MkdirTemp(parent, "fh")
		if err == nil && len(folder) <= room {
			return folder, nil
		}
		if err == nil {
			err = errors.Join(fmt.Errorf("%s is too long", folder), os.Remove(folder))
		}
		reasons = errors.Join(reasons, err)
	}
	return "", fmt.Errorf("a path over %d bytes needs a short temporary folder: %w", maxName, reasons)
}

// escapeGlob makes a folder's name literal for filepath.Glob.
func escapeGlob(dir string) string {
	escaped := make([]byte, 0, len(dir))
	for i := range len(dir) {
		switch dir[i] {
		case '*', '?', '[', '\\':
			escaped = append(escaped, '\\')
		}
		escaped = append(escaped, dir[i])
	}
	return string(escaped)
}
