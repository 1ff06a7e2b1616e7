package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/funnelhouse/funnelhouse/internal/control"
)

// app is one command line being run: in this process for its own user, or
// for another process that met the lock of the data folder.
type app struct {
	io   stdio
	args []string
	dir  string // of the project
	// owner is the open house of the process that holds the data folder; nil
	// where this command line has not met it yet.
	owner *house
	// cwd is where relative paths of the command line start.
	cwd string
	bar *progress
}

func (a *app) execute(ctx context.Context, args []string) error {
	a.args = args
	a.bar = newProgress(a.io)
	defer a.bar.done()
	if a.cwd == "" {
		cwd, err := os.Getwd()
		if err != nil {
			return err
		}
		a.cwd = cwd
	}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(a.io.in)
	root.SetOut(a.io.out)
	root.SetErr(a.io.err)
	return root.ExecuteContext(ctx)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "funnelhouse",
		Short: "From Kafka topics to the figures that managers decide by",
		Long: `funnelhouse reads business events from Kafka, holds each against its contract,
commits them to a DuckDB warehouse exactly once, builds SQL models from them, and
computes metrics: conversion, customer satisfaction, market share, on-time delivery and
defects, by month, quarter and year. It shows them on pages, writes and mails reports,
and publishes Parquet for BI tools.

A project is a folder with funnelhouse.yaml and, where it has its own, the folders
contracts, sources, sql, dashboards/pages and reports. Everything that funnelhouse
writes lies in data/.`,
		Example: `  funnelhouse demo --dir try          a made-up company, to try things on
  funnelhouse metric lead_to_won --dir try --by channel
  funnelhouse serve --dir try         its pages, at http://127.0.0.1:8080`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return c.Help()
		},
	}
	root.PersistentFlags().StringVar(&a.dir, "dir", ".", "folder of the project")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef("%w; see: %s --help", err, c.CommandPath())
	})
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SuggestionsMinimumDistance = 2
	root.AddCommand(
		a.initCommand(), a.demoCommand(), a.serveCommand(), a.ingestCommand(), a.buildCommand(),
		a.checkCommand(), a.queryCommand(), a.metricCommand(), a.publishCommand(), a.reportCommand(), a.reportsCommand(),
		a.schemaCommand(), a.versionCommand(),
	)
	for _, c := range root.Commands() {
		c.Args = usageArgs(c.Args)
	}
	root.Args = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return unknownCommand(c, args[0])
	}
	return root
}

// usageArgs makes a wrong number of arguments a usage error.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if check == nil {
			check = cobra.NoArgs
		}
		if err := check(c, args); err != nil {
			return usagef("%w; write it as: %s", err, c.UseLine())
		}
		return nil
	}
}

func unknownCommand(c *cobra.Command, word string) error {
	message := fmt.Sprintf("there is no command %q", word)
	if near := c.SuggestionsFor(word); len(near) > 0 {
		message += fmt.Sprintf("; did you mean %s?", strings.Join(near, " or "))
	}
	return usagef("%s; see: funnelhouse --help", message)
}

// project is the project's folder as an absolute path.
func (a *app) project() string {
	if filepath.IsAbs(a.dir) {
		return filepath.Clean(a.dir)
	}
	return filepath.Join(a.cwd, a.dir)
}

// withHouse runs f in the process that holds the data folder. Where that is
// nobody yet, it is this one until f has returned; where it is another one,
// the whole command line runs there.
func (a *app) withHouse(ctx context.Context, command string, f func(context.Context, *house) error) error {
	if a.owner != nil {
		if a.owner.dir != a.project() {
			return fmt.Errorf("the process that was asked holds %s and not %s", a.owner.dir, a.project())
		}
		return f(ctx, a.owner)
	}
	data, err := a.dataFolder()
	if err != nil {
		return err
	}
	client, err := control.NewClient(control.ClientConfig{Version: buildVersion()})
	if err != nil {
		return err
	}
	request := control.Request{
		Command: command, Args: a.args, Dir: a.cwd,
		Terminal: a.io.outTerminal, StderrTerminal: a.io.errTerminal, Width: a.io.width,
	}
	lock, exit, err := client.AcquireOrRun(ctx, data, request, a.io.in, a.io.out, a.io.err)
	if err != nil {
		return err
	}
	if lock == nil {
		if exit != exitOK {
			return &exitError{exit}
		}
		return nil
	}
	err = a.own(ctx, command, lock, f)
	return errors.Join(err, lock.Close())
}

// holderWait is how long a command that must hold the data folder itself waits
// for a short one to end.
const holderWait = 5 * time.Second

// asHolder runs f in this process, which must be the one that holds the data
// folder: what goes on until it is stopped is no guest in a command that ends.
func (a *app) asHolder(ctx context.Context, command string, f func(context.Context, *house) error) error {
	if a.owner != nil {
		return fmt.Errorf("funnelhouse %s can't run inside another command", command)
	}
	data, err := a.dataFolder()
	if err != nil {
		return err
	}
	waiting, stop := context.WithTimeout(ctx, holderWait)
	defer stop()
	for {
		lock, err := control.Acquire(data, command)
		if err == nil {
			err = a.own(ctx, command, lock, f)
			return errors.Join(err, lock.Close())
		}
		held := (*control.HeldError)(nil)
		if !errors.As(err, &held) || held.Command == "serve" || held.Command == "ingest" || !wait(waiting, 50*time.Millisecond) {
			return err
		}
	}
}

// dataFolder makes the project's data folder where there is none yet.
func (a *app) dataFolder() (string, error) {
	if err := a.mustExist(); err != nil {
		return "", err
	}
	data := filepath.Join(a.project(), "data")
	if !exists(filepath.Join(a.project(), configFile)) && !exists(filepath.Join(data, databaseFile)) {
		return "", usagef("%s is no project, there is no %s: name the project's folder with --dir, or begin one with funnelhouse init or funnelhouse demo", a.dir, configFile)
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return "", fmt.Errorf("make the data folder: %w", err)
	}
	return data, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// makeFolder makes the project's folder where there is none yet.
func (a *app) makeFolder() error {
	if info, err := os.Stat(a.project()); err == nil && !info.IsDir() {
		return usagef("%s is a file: name the project's folder with --dir", a.dir)
	}
	return os.MkdirAll(a.project(), 0o750)
}

// mustExist keeps a mistyped --dir from becoming a new project.
func (a *app) mustExist() error {
	info, err := os.Stat(a.project())
	if err != nil || !info.IsDir() {
		return usagef("there is no folder %s; make it, or name the project's folder with --dir", a.dir)
	}
	return nil
}

// own opens the house and runs f in it, while the control socket serves the
// commands of other processes. They end before the house is closed.
func (a *app) own(ctx context.Context, command string, lock *control.Lock, f func(context.Context, *house) error) error {
	a.bar.say("opening the warehouse")
	h, err := openHouse(ctx, a.project(), a.logger(command))
	a.bar.done()
	if err != nil {
		return err
	}
	server, err := control.NewServer(control.ServerConfig{Version: buildVersion()}, h.handle, h.log)
	if err != nil {
		return errors.Join(err, h.close())
	}
	listener, err := lock.Listen()
	if err != nil {
		return errors.Join(err, h.close())
	}
	serving, stop := context.WithCancel(ctx)
	defer stop()
	var group errgroup.Group
	group.Go(func() error { return server.Run(serving, listener) })
	err = f(ctx, h)
	if err != nil {
		stop() // guests may wait for what has just failed
	}
	// Nobody new is let in; who is in may finish, unless ctx ends.
	err = errors.Join(err, listener.Close())
	if still := group.Wait(); still != nil {
		// A command still uses the house: closing it would pull it away.
		return errors.Join(err, still)
	}
	return errors.Join(err, h.close())
}

// handle runs a command of another process in this house.
func (h *house) handle(ctx context.Context, req control.Request, stdin io.Reader, stdout, stderr io.Writer) int {
	io := stdio{in: stdin, out: stdout, err: stderr, outTerminal: req.Terminal, errTerminal: req.StderrTerminal, width: req.Width}
	a := &app{io: io, owner: h, cwd: req.Dir}
	return report(ctx, a.execute(ctx, req.Args), io)
}

// logger writes what happens while nobody looks. Commands that answer a
// person at once stay silent but for warnings.
func (a *app) logger(command string) *slog.Logger {
	level := slog.LevelWarn
	if command == "serve" {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(a.bar, &slog.HandlerOptions{Level: level}))
}
