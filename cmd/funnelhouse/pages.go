package main

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/funnelhouse/funnelhouse/dashboards"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// pagesFolder holds the pages of a project.
const pagesFolder = "dashboards/pages"

// figureTime bounds one figure of a page.
const figureTime = 30 * time.Second

// loadPages reads the pages. A project's own are held against its metrics; of
// the built-in ones those parts are taken that its metrics can answer.
func loadPages(dir string, metrics *metric.Set) (*dashboards.Set, error) {
	files, err := folder(dir, pagesFolder)
	if err != nil {
		return nil, err
	}
	pages, err := dashboards.Load(files)
	if err != nil {
		return nil, inFolder(pagesFolder, err)
	}
	if _, missing := os.Stat(filepath.Join(dir, filepath.FromSlash(pagesFolder))); missing == nil {
		return pages, inFolder(pagesFolder, dashboards.Check(pages, metrics))
	}
	return pages.Fit(metrics), nil
}

// pages answers browsers with the project's pages. They are read anew when a
// file of theirs changes or a build adopts other metrics; files with mistakes
// change nothing but that the pages say so.
func (h *house) pages() (http.Handler, error) {
	renderer, err := h.renderer()
	if err != nil {
		return nil, err
	}
	p := &pageServer{house: h}
	p.site, err = dashboards.New(dashboards.Config{
		Company:   h.cfg.Company.Name,
		Languages: h.cfg.Company.Languages,
		Currency:  h.cfg.Company.Currency,
		Calendar:  h.company(),
		Zone:      h.zone(),
		Today:     h.today,
		Fresh:     h.freshness,
		Logger:    h.log,
	}, p, renderer)
	if err != nil {
		return nil, err
	}
	p.handler = p.site.Handler()
	return p, nil
}

// pageServer keeps a site in step with the project.
type pageServer struct {
	house   *house
	site    *dashboards.Site
	handler http.Handler
	metrics atomic.Pointer[metric.Set] // those that the pages were held against

	mu       sync.Mutex
	looked   time.Time
	seen     string      // of the files, when they were last read
	adopted  *metric.Set // of the house, at that time
	isBroken bool        // the pages have mistakes
	mistakes string      // told already
}

// lookEvery is how often the files are looked at while pages are asked for.
const lookEvery = time.Second

// ServeHTTP answers with the pages as their files stand.
func (p *pageServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.refresh(r.Context())
	p.handler.ServeHTTP(w, r)
}

func (p *pageServer) refresh(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	adopted := p.house.adoptedMetrics()
	if time.Since(p.looked) < lookEvery && adopted == p.adopted {
		return
	}
	p.looked = time.Now()
	if seen := p.fingerprint(); seen != p.seen || adopted != p.adopted {
		p.seen, p.adopted = seen, adopted
		err := p.load(adopted)
		p.isBroken = err != nil
		if err == nil {
			p.mistakes = ""
		} else if text := err.Error(); text != p.mistakes {
			p.mistakes = text
			p.house.log.ErrorContext(ctx, "pages not adopted: the last version without mistakes stays", "reason", text)
		}
	}
	p.site.SetStale(p.isBroken || p.house.refused.Load())
}

// load reads the pages and holds them against the metrics of the last build,
// before the first one against those in the project's files.
func (p *pageServer) load(metrics *metric.Set) (err error) {
	if metrics == nil {
		if metrics, err = loadMetrics(p.house.dir); err != nil {
			return err
		}
	}
	pages, err := loadPages(p.house.dir, metrics)
	if err != nil {
		return err
	}
	p.metrics.Store(metrics)
	p.site.SetPages(pages)
	return nil
}

// fingerprint changes when a file of the pages does, or of the metrics as long
// as they are read from there.
func (p *pageServer) fingerprint() string {
	var b strings.Builder
	folders := []string{pagesFolder}
	if p.adopted == nil {
		folders = append(folders, "sql/metrics")
	}
	for _, name := range folders {
		root := filepath.Join(p.house.dir, filepath.FromSlash(name))
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(&b, path, info.Size(), info.ModTime().UnixNano())
			return err
		})
		if err != nil {
			fmt.Fprintln(&b, name, err) // none of its own, or it is being changed
		}
	}
	return b.String()
}

// Get returns the metric of this code.
func (p *pageServer) Get(code string) (*metric.Metric, error) { return p.metrics.Load().Get(code) }

// Query answers a request for figures.
func (p *pageServer) Query(ctx context.Context, q metric.Request) (*metric.Table, error) {
	ctx, cancel := context.WithTimeout(ctx, figureTime)
	defer cancel()
	h, set := p.house, p.metrics.Load()
	table, err := set.Query(ctx, h.wh.DB(), h.company(), q)
	if err == nil {
		return table, nil
	}
	if advice := h.notBuilt(ctx, set, q.Metric); advice != nil {
		return nil, &metric.RequestError{Field: "metric", Err: advice} // it is for people
	}
	return nil, err
}

// freshness tells how old what pages show is.
func (h *house) freshness(ctx context.Context) (dashboards.Freshness, error) {
	var f dashboards.Freshness
	var loaded, computed *time.Time
	if err := h.wh.DB().QueryRowContext(ctx, "select max(committed_at) from ingest.ledger").Scan(&loaded); err != nil {
		return f, fmt.Errorf("read the age of the data: %w", err)
	}
	if loaded != nil {
		f.LoadedAt = *loaded
	}
	columns, err := h.wh.TableColumns(ctx, "build.models")
	if err != nil || len(columns) == 0 {
		return f, err // nothing has been built yet
	}
	const built = "select max(built_at), count(*) filter (status = 'failed') from build.models"
	if err := h.wh.DB().QueryRowContext(ctx, built).Scan(&computed, &f.NotBuilt); err != nil {
		return f, fmt.Errorf("read the age of the models: %w", err)
	}
	if computed != nil {
		f.ComputedAt = *computed
	}
	return f, nil
}
