package control

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// checkPeer refuses a connection whose other side runs as another user. The
// kernel answers for it: for a client's connection it names the process that
// opened the socket to listen.
func checkPeer(conn *net.UnixConn, uid int) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return fmt.Errorf("ask who is at the control socket: %w", err)
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err == nil {
		err = credErr
	}
	if err != nil {
		return fmt.Errorf("ask who is at the control socket: %w", err)
	}
	if int(cred.Uid) != uid {
		return &userError{want: uid, got: int(cred.Uid)}
	}
	return nil
}
