package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/funnelhouse/funnelhouse/warehouse/model"
)

// buildEvery is the shortest time from one build to the next while serve runs.
const buildEvery = 5 * time.Second

func (a *app) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Ingest, build, publish, report and answer until stopped",
		Long: `serve reads the topics, commits what they hold, builds the models after new batches,
publishes Parquet after builds, makes and mails reports on their schedules, and answers
at server.listen (default 127.0.0.1:8080): pages for browsers, POST /v1/query for one
SELECT, GET /v1/metrics/CODE for a metric, as JSON, CSV or Arrow.
Every other command works meanwhile: it meets the lock of data/ and is
answered by this process. Stop it with Ctrl-C or SIGTERM; what was read is committed
first.`,
		Example: "  funnelhouse serve --dir company",
		RunE: func(c *cobra.Command, _ []string) error {
			return a.asHolder(c.Context(), "serve", func(ctx context.Context, h *house) error {
				return h.serve(ctx)
			})
		},
	}
}

// serve starts ingest before builds and stops all together: a build can be
// cut off at any point, the batch being committed is finished by the loop, and
// answers under way have a few seconds.
func (h *house) serve(ctx context.Context) error {
	if h.cfg.Kafka == nil {
		return h.errNoKafka()
	}
	group, ctx := errgroup.WithContext(ctx)
	fresh := make(chan struct{}, 1)
	group.Go(func() error {
		return h.ingestOn(ctx, func(tally) { ring(fresh) })
	})
	group.Go(func() error { return h.buildOn(ctx, fresh) })
	group.Go(func() error { return h.publishOn(ctx, h.built) })
	group.Go(func() error { return h.listen(ctx) })
	group.Go(func() error { return h.reportOn(ctx) })
	h.log.InfoContext(ctx, "serving", "data", h.dir)
	err := group.Wait()
	if err == nil || errors.Is(err, context.Canceled) {
		h.log.InfoContext(context.WithoutCancel(ctx), "stopped")
		return nil
	}
	return err
}

// buildOn builds once at the start and then after new batches, with a pause in
// which the next batches gather: at least buildEvery, and as long as the build
// itself took, so that building never takes more than half of the time.
func (h *house) buildOn(ctx context.Context, fresh <-chan struct{}) error {
	for {
		started := time.Now()
		result, err := h.build(ctx, nil) // logs its success itself
		took := time.Since(started)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			// The last good version stays; the next batch tries again. A model's own
			// message may hold values of rows, so it goes to build.models and not
			// into the log.
			h.log.ErrorContext(ctx, "models not built", "reason", notBuiltReason(result, err))
		}
		if !wait(ctx, max(buildEvery, took)) {
			return ctx.Err()
		}
		select {
		case <-fresh:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ring wakes whoever waits on a bell; one that rings already says enough.
func ring(bell chan<- struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}

// notBuiltReason names the models that failed, or says why none was begun.
func notBuiltReason(result *model.Result, err error) string {
	if result == nil {
		return err.Error()
	}
	var failed []string
	for _, m := range result.Models {
		if m.Status == model.Failed {
			failed = append(failed, m.Model)
		}
	}
	return strings.Join(failed, ", ") + `; see: funnelhouse query "select model, message from build.models where status = 'failed'"`
}

// wait waits for d, or returns false when ctx is done first.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
