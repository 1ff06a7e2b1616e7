//go:build unix && !linux

package control

import "net"

// checkPeer leaves the decision to the mode of the socket, 0600.
func checkPeer(*net.UnixConn, int) error { return nil }
