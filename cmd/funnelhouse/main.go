// Command funnelhouse takes a company from Kafka topics to the figures that
// its managers decide by. Each subcommand has a file here: it reads flags and
// calls one function. house.go joins the stages for all of them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"golang.org/x/term"

	"github.com/funnelhouse/funnelhouse/internal/arenas"
	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
)

// version is set by the build.
var version = ""

func main() {
	arenas.Bound()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if os.Getenv("GOGC") == "" {
		// Nearly all of the heap is batches without pointers: collecting it often
		// costs nothing that can be measured and saves a hundred megabytes.
		debug.SetGCPercent(40)
	}
	code := run(ctx, os.Args[1:], terminal())
	stop()
	os.Exit(code)
}

// stdio is where a command reads and writes.
type stdio struct {
	in          io.Reader
	out, err    io.Writer
	outTerminal bool
	errTerminal bool
	width       int // of the terminal in columns, 0 where it is not known
}

func terminal() stdio {
	s := stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	s.outTerminal = term.IsTerminal(int(os.Stdout.Fd()))
	s.errTerminal = term.IsTerminal(int(os.Stderr.Fd()))
	if w, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		s.width = w
	}
	return s
}

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2 // the command line, the configuration or a project file is wrong
)

// usageError is a mistake in the command line or the configuration.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// exitError ends with a code that another process has already explained.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit %d", e.code) }

// run runs one command line and returns its exit code.
func run(ctx context.Context, args []string, io stdio) int {
	return report(ctx, (&app{io: io}).execute(ctx, args), io)
}

// report writes an error for its reader and chooses the exit code.
func report(ctx context.Context, err error, io stdio) int {
	if err == nil {
		return exitOK
	}
	if exit := (*exitError)(nil); errors.As(err, &exit) {
		return exit.code
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		_, _ = fmt.Fprintln(io.err, "funnelhouse: interrupted")
		return exitFailure
	}
	_, _ = fmt.Fprintf(io.err, "funnelhouse: %v\n", err)
	if usage := (*usageError)(nil); errors.As(err, &usage) || len(yamlfile.Problems(err)) > 0 {
		return exitUsage
	}
	return exitFailure
}

// buildVersion is the version set by the build, or what Go knows of it.
func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}
