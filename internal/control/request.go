//go:build unix

package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// Sentinels of [Client.Run].
var (
	// ErrNotServing: no process listens on the control socket. Nothing has run.
	ErrNotServing = errors.New("no process listens on the control socket")
	// ErrNoAnswer: a process listens and doesn't answer. Nothing has run.
	ErrNoAnswer = errors.New("the process at the control socket doesn't answer")
	// ErrLost: the process went away while the command ran. What the command
	// had done by then is not known here.
	ErrLost = errors.New("the process that ran the command ended before the command was done")
)

// Request is one command to run in the process that holds the data folder.
type Request struct {
	// Command is the subcommand's name, as "model build". It may be logged and
	// shown; Args may not.
	Command string
	// Args are the command line without the program's name.
	Args []string
	// Dir is the client's working directory, absolute.
	Dir string
	// Terminal says that the client's standard output is a terminal,
	// StderrTerminal its standard error, Width how many columns it has (0: not
	// known).
	Terminal       bool
	StderrTerminal bool
	Width          int
	// Version is the client's binary. The server refuses another one than its
	// own: the same arguments might mean something else to it. [Client.Run] sets it.
	Version string
}

// wireRequest carries names as bytes: an argument or a path need not be UTF-8,
// and JSON text must be.
type wireRequest struct {
	Command        string   `json:"command"`
	Args           [][]byte `json:"args"`
	Dir            []byte   `json:"dir"`
	Terminal       bool     `json:"terminal"`
	StderrTerminal bool     `json:"stderr_terminal"`
	Width          int      `json:"width"`
	Version        string   `json:"version"`
}

func encodeRequest(req Request) ([]byte, error) {
	wire := wireRequest{
		Command:        req.Command,
		Args:           make([][]byte, len(req.Args)),
		Dir:            []byte(req.Dir),
		Terminal:       req.Terminal,
		StderrTerminal: req.StderrTerminal,
		Width:          req.Width,
		Version:        req.Version,
	}
	for i, arg := range req.Args {
		wire.Args[i] = []byte(arg)
	}
	payload, err := json.Marshal(wire)
	if err != nil {
		return nil, fmt.Errorf("encode the request: %w", err)
	}
	if len(payload) > maxRequest {
		return nil, fmt.Errorf("the command line is too long for the control socket: %d bytes as sent, %d allowed; put the long argument into a file",
			len(payload), maxRequest)
	}
	return payload, nil
}

func decodeRequest(payload []byte) (Request, error) {
	var wire wireRequest
	if err := json.Unmarshal(payload, &wire); err != nil {
		return Request{}, fmt.Errorf("%w: request: %w", errProtocol, err)
	}
	req := Request{
		Command:        wire.Command,
		Args:           make([]string, len(wire.Args)),
		Dir:            string(wire.Dir),
		Terminal:       wire.Terminal,
		StderrTerminal: wire.StderrTerminal,
		Width:          max(wire.Width, 0),
		Version:        wire.Version,
	}
	for i, arg := range wire.Args {
		req.Args[i] = string(arg)
	}
	if !filepath.IsAbs(req.Dir) {
		return Request{}, fmt.Errorf("%w: the working directory is not absolute", errProtocol)
	}
	return req, nil
}

// accepted is the server's first answer.
type accepted struct {
	PID     int    `json:"pid"`
	Version string `json:"version"`
}

// Reasons of a refusal.
const (
	reasonVersion  = "version"
	reasonUser     = "user"
	reasonBusy     = "busy"
	reasonStopping = "stopping"
	reasonRequest  = "request"
)

// refused says why a command was not begun.
type refused struct {
	PID     int    `json:"pid"`
	Version string `json:"version"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// VersionError says that the command and the process that holds the data
// folder are two different binaries. Nothing has run.
type VersionError struct {
	Client, Server string
	PID            int // of the server
}

// Error names both versions and what to do.
func (e *VersionError) Error() string {
	return fmt.Sprintf("this is funnelhouse %s, and the process that holds the data folder (PID %d) is funnelhouse %s; restart that process with this binary, or run the command with that one",
		e.Client, e.PID, e.Server)
}

// RefusedError says why the server didn't begin the command. Nothing has run.
type RefusedError struct {
	PID     int // of the server
	Message string
}

// Error gives the server's reason.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("the process that holds the data folder (PID %d) refused the command: %s", e.PID, e.Message)
}

// userError says that the other side of a connection is another user.
type userError struct{ want, got int }

func (e *userError) Error() string {
	return fmt.Sprintf("the other side of the control socket runs as user %d and this one as user %d; run the command as the same user", e.got, e.want)
}

// Waiting times where the configuration gives none.
const (
	defaultAnswerTimeout  = 5 * time.Second
	defaultRequestTimeout = 5 * time.Second
	defaultCancelTimeout  = 10 * time.Second
	defaultStopTimeout    = 5 * time.Second
	defaultMaxCommands    = 32
)
