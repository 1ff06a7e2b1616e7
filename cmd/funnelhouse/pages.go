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
	"time"

	"github.com/funnelhouse/funnelhouse/charts"
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
	if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(pagesFolder))); err != nil {
		return pages.Fit(metrics), nil
	}
	return pages, inFolder(pagesFolder, dashboards.Check(pages, metrics))
}

// pages answers browsers with the project's pages. They are read anew when a
// file of theirs or of a metric changes; files with mistakes change nothing but
// that the pages say so.
func (h *house) pages() (http.Handler, error) {
	renderer, err := charts.NewRenderer()
	if err != nil {
		return nil, err
	}
	p := &pageServer{house: h, renderer: renderer}
	if p.site, err = p.make(nil, nil); err != nil {
		return nil, err
	}
	p.refresh()
	return p, nil
}

type pageServer struct {
	house    *house
	renderer *charts.Renderer

	mu       sync.Mutex
	site     *dashboards.Site
	looked   time.Time
	seen     string // of the files, when they were last read
	mistakes string // told already
}

// lookEvery is how often the files are looked at while pages are asked for.
const lookEvery = time.Second

// ServeHTTP answers with the pages as their files stand.
func (p *pageServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.refresh().Handler().ServeHTTP(w, r)
}

// refresh returns the site of the last good files.
func (p *pageServer) refresh() *dashboards.Site {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.looked) < lookEvery {
		return p.site
	}
	p.looked = time.Now()
	now := p.fingerprint()
	if now == p.seen {
		return p.site
	}
	p.seen = now
	site, err := p.load()
	if err != nil {
		p.site.SetStale(true)
		if text := err.Error(); text != p.mistakes {
			p.mistakes = text
			p.house.log.Error("pages not adopted: the last version without mistakes stays", "reason", text)
		}
		return p.site
	}
	p.site, p.mistakes = site, ""
	return p.site
}

func (p *pageServer) load() (*dashboards.Site, error) {
	metrics, err := loadMetrics(p.house.dir)
	if err != nil {
		return nil, err
	}
	pages, err := loadPages(p.house.dir, metrics)
	if err != nil {
		return nil, err
	}
	return p.make(pages, metrics)
}

func (p *pageServer) make(pages *dashboards.Set, metrics *metric.Set) (*dashboards.Site, error) {
	h := p.house
	if metrics == nil {
		metrics = &metric.Set{}
	}
	return dashboards.New(dashboards.Config{
		Pages:     pages,
		Company:   h.cfg.Company.Name,
		Languages: h.cfg.Company.Languages,
		Currency:  h.cfg.Company.Currency,
		Calendar:  h.company(),
		Zone:      h.zone(),
		Today:     h.today,
		Fresh:     h.freshness,
		Logger:    h.log,
	}, &figureSource{house: h, set: metrics}, p.renderer)
}

// fingerprint changes when a file of the pages or of the metrics does.
func (p *pageServer) fingerprint() string {
	var b strings.Builder
	for _, name := range []string{pagesFolder, "sql/metrics"} {
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

// figureSource asks the warehouse.
type figureSource struct {
	house *house
	set   *metric.Set
}

// Get returns the metric of this code.
func (f *figureSource) Get(code string) (*metric.Metric, error) { return f.set.Get(code) }

// Query answers a request for figures.
func (f *figureSource) Query(ctx context.Context, q metric.Request) (*metric.Table, error) {
	ctx, cancel := context.WithTimeout(ctx, figureTime)
	defer cancel()
	table, err := f.set.Query(ctx, f.house.wh.DB(), f.house.company(), q)
	if err == nil {
		return table, nil
	}
	if advice := f.house.notBuilt(ctx, f.set, q.Metric); advice != nil {
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
