//go:build unix

// Package control makes every command work whether or not another process
// holds the data folder. One process owns it at a time: the one that holds the
// [Lock]. That process may serve a socket beside the lock; a command that
// meets the lock hands its arguments, working directory and standard input to
// the holder through the socket and gets output and exit code back. The
// package knows no command: cmd gives it a [Handler].
//
// # The lock
//
// funnelhouse.lock in the data folder, taken with flock: the kernel releases
// it whatever way the process ends. The content names the holder, for
// messages alone; it decides nothing. The file is never deleted, since a
// process that opened it just before would then lock a file that no one else
// can see.
//
// # The socket
//
// funnelhouse.sock in the data folder, mode 0600. It is bound in a private
// folder and renamed into place, so it is never reachable with another mode,
// and a socket left by a dead process is replaced in one step, by the holder of
// the lock alone. Where the path is too long for a socket's name, both sides
// reach the folder through a symbolic link in a private temporary folder that
// lives only for the bind or the connect; the socket itself stays where it is.
//
// # The protocol
//
// A frame is one byte of kind, four bytes of length (big endian) and the
// payload. A length beyond the limit of its kind ends the connection before
// anything is allocated for it.
//
//	client  R  request, JSON, up to 1 MiB
//	server  A  accepted, JSON: pid and version of the server
//	server  N  refused, JSON: the reason; the connection ends
//	client  G  go: the client still waits, the command may begin
//	server  W  wants one chunk of standard input
//	client  I  that chunk, up to 32 KiB; empty: end of input
//	client  F  standard input can't be read: the error's text
//	client  C  cancel (Ctrl-C)
//	server  O  standard output, up to 32 KiB
//	server  E  standard error, up to 32 KiB
//	server  X  exit code, four bytes; the connection ends
//
// Without G nothing has run, so a client that got no answer in time may be
// started again without a second thought. Input is sent only when the command
// asks for it, one chunk at a time: a terminal that no command reads is left
// alone, and a command that doesn't read its input doesn't keep the server
// from hearing a C. Output waits for the client: a slow one slows its command
// down and costs no memory. When either side goes away, the other learns it
// from the connection's end: the command's context is cancelled, the client
// reports [ErrLost].
package control
