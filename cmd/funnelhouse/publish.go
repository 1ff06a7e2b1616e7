package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/funnelhouse/funnelhouse/warehouse/publish"
)

func (a *app) publishCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "publish",
		Short: "Write marts and metric values as Parquet for BI tools",
		Long: `publish writes the marts, the values of every metric and the dimensions as Parquet, and
all of them as a DuckDB file, to data/published/<build>/. The link data/published/current
leads to the newest build and is replaced in one step: a reader that follows it once reads
one whole build. Files that would be the same are those of the build before. serve does
this by itself after builds and when a day begins.`,
		Example: `  funnelhouse publish
  duckdb -readonly data/published/current/marts.duckdb "from metrics.values"`,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withHouse(c.Context(), "publish", func(ctx context.Context, h *house) error {
				started := time.Now()
				bar := newProgress(a.io)
				bar.say("publishing")
				result, err := h.publish(ctx)
				bar.done()
				if err != nil {
					return err
				}
				return writePublished(a.io.out, result, time.Since(started), filepath.Join(a.dir, "data", publishedFolder))
			})
		},
	}
}

// publishedFolder is where the builds lie in the data folder.
const publishedFolder = "published"

// writePublished says what was written and where.
func writePublished(out io.Writer, r *publish.Result, took time.Duration, folder string) error {
	if !r.New {
		_, err := fmt.Fprintf(out, "nothing new since %s\n", filepath.Join(folder, r.Build))
		return err
	}
	var rows, bytes int64
	for i := range r.Manifest.Files {
		rows += r.Manifest.Files[i].Rows
		bytes += r.Manifest.Files[i].Bytes
	}
	for _, l := range r.Manifest.LeftOut {
		if _, err := fmt.Fprintf(out, "left out  %s: %s\n", l.Name, l.Reason); err != nil {
			return err
		}
	}
	for i := range r.Manifest.Files {
		if f := &r.Manifest.Files[i]; f.Stale {
			if _, err := fmt.Fprintf(out, "older     %s: its last build failed, and the rows are those of the one before\n", f.Table); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintf(out, "%s with %s, %.1f MB, %s of them new, in %.1f s\n%s\n", plural(int64(len(r.Manifest.Files)), "file"), plural(rows, "row"),
		float64(bytes)/1e6, count(int64(r.Written)), took.Seconds(), filepath.Join(folder, r.Build))
	return err
}

// publish writes what was built last, one publish at a time.
func (h *house) publish(ctx context.Context) (*publish.Result, error) {
	h.publishing.Lock()
	defer h.publishing.Unlock()
	content, err := h.publishable(ctx)
	if err != nil {
		return nil, err
	}
	publisher, err := publish.New(publish.Config{
		Dir: filepath.Join(h.dir, "data", publishedFolder), Warehouse: h.wh, Keep: h.settings.publishedKept,
		Version: buildVersion(), Zone: h.zone().String(), Logger: h.log,
	})
	if err != nil {
		return nil, err
	}
	result, err := publisher.Publish(ctx, *content)
	if errors.Is(err, publish.ErrNotBuilt) {
		return nil, fmt.Errorf("%w%s", publish.ErrNotBuilt, dirFlag(h.dir))
	}
	return result, err
}

// publishable is the content of a build: models and metrics of the last build
// of models that succeeded; in a process that has built none, those in the
// project's files.
func (h *house) publishable(ctx context.Context) (*publish.Content, error) {
	f := h.adopted.Load()
	if f == nil {
		var err error
		if f, err = loadFigures(ctx, h.dir, h.promises.contracts, h.wh); err != nil {
			return nil, err
		}
	}
	content := &publish.Content{Metrics: f.metrics, Company: h.company(), Language: h.settings.language, AsOf: h.today(), Project: f.models.Hash}
	for _, m := range f.models.Models() {
		if m.Schema != "marts" {
			continue
		}
		mart := publish.Model{Schema: m.Schema, Name: m.Name, Description: m.Description.In("en"), Grain: m.Grain, Columns: map[string]string{}}
		for _, c := range m.Columns {
			mart.Columns[c.Name] = c.Description.In("en")
		}
		content.Models = append(content.Models, mart)
	}
	return content, nil
}

// publishOn publishes after builds, at most as often as the configuration
// says, and when a new day begins, as of which metrics may say something else.
// A failure keeps the builds that are there and is tried again.
func (h *house) publishOn(ctx context.Context, built <-chan struct{}) error {
	select { // the first build brings what is missing
	case <-built:
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		result, err := h.publish(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			h.log.ErrorContext(ctx, "not published", "error", err)
		case result.New:
			h.log.InfoContext(ctx, "published", "build", result.Build, "files_written", result.Written, "left_out", len(result.Manifest.LeftOut))
		}
		if !wait(ctx, h.settings.publishEvery) {
			return ctx.Err()
		}
		if err != nil {
			continue
		}
		tomorrow := time.NewTimer(untilTomorrow(time.Now(), h.zone()))
		select {
		case <-built:
		case <-tomorrow.C:
		case <-ctx.Done():
		}
		tomorrow.Stop()
	}
}

// untilTomorrow is how long it is to the next business day.
func untilTomorrow(now time.Time, zone *time.Location) time.Duration {
	year, month, day := now.In(zone).Date()
	return time.Date(year, month, day+1, 0, 0, 0, 0, zone).Sub(now)
}
