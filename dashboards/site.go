package dashboards

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/funnelhouse/funnelhouse/charts"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// Metrics answers for figures.
type Metrics interface {
	Query(ctx context.Context, request metric.Request) (*metric.Table, error)
	Get(code string) (*metric.Metric, error)
}

// Freshness is how old what a page shows is. A zero time is not shown.
type Freshness struct {
	LoadedAt   time.Time // when the last data was loaded
	ComputedAt time.Time // when the models were last built
	NotBuilt   int       // models whose last build failed, so that an older one stands
}

// Config is what a site needs to know of the project.
type Config struct {
	Pages     *Set           // as SetPages does. Default: none
	Company   string         // its name, above every page. Default: none
	Languages []string       // of its readers, the preferred one first. Default: en
	Currency  string         // ISO 4217 code. Default: none is shown
	Calendar  metric.Company // when its years begin
	Zone      *time.Location // of the instants shown. Default: UTC
	// Today is the company's business day. Required.
	Today func() time.Time
	// Fresh says how old the figures are. Default: it isn't shown.
	Fresh  func(ctx context.Context) (Freshness, error)
	Logger *slog.Logger // Default: none
}

// Site answers browsers.
type Site struct {
	cfg       Config
	metrics   Metrics
	pictures  *pictures
	templates *template.Template
	assets    map[string]*asset
	pages     atomic.Pointer[Set]
	isStale   atomic.Bool
}

// New makes a site of pages. The renderer may be shared.
func New(cfg Config, metrics Metrics, renderer *charts.Renderer) (*Site, error) {
	if cfg.Today == nil || metrics == nil || renderer == nil {
		return nil, errors.New("make the pages: Today, metrics and renderer are required")
	}
	if cfg.Zone == nil {
		cfg.Zone = time.UTC
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Site{cfg: cfg, metrics: metrics, pictures: &pictures{renderer: renderer, kept: map[[32]byte][]byte{}}}
	s.SetPages(cfg.Pages)
	var err error
	if s.assets, err = loadAssets(); err != nil {
		return nil, fmt.Errorf("make the pages: %w", err)
	}
	s.templates, err = template.New("").Funcs(template.FuncMap{
		"asset": func(name string) (string, error) {
			a := s.assets[name]
			if a == nil {
				return "", fmt.Errorf("there is no %s", name)
			}
			return "/static/" + name + "?v=" + a.version, nil
		},
		"pair": func(w words, view any) any {
			return struct {
				W    words
				View any
			}{w, view}
		},
	}).ParseFS(assets, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("make the pages: %w", err)
	}
	return s, nil
}

// SetPages shows other pages from the next request on; nil: none.
func (s *Site) SetPages(pages *Set) {
	if pages == nil {
		pages = &Set{}
	}
	s.pages.Store(pages)
}

// SetStale says whether the project's files have mistakes, so that what is
// shown is the last version without. Pages then say so.
func (s *Site) SetStale(isStale bool) { s.isStale.Store(isStale) }

// Handler answers for / , /pages/NAME and /static/.
func (s *Site) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /static/{name}", s.serveAsset)
	mux.HandleFunc("GET /pages/{page}", func(w http.ResponseWriter, r *http.Request) {
		pages := s.pages.Load()
		s.servePage(w, r, pages, pages.Get(r.PathValue("page")))
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		pages := s.pages.Load()
		s.servePage(w, r, pages, pages.first())
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) { s.servePage(w, r, s.pages.Load(), nil) })
	return mux
}

// policy lets a page load from this server alone, and no script or style that
// stands in the page itself.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func protect(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// servePage shows a page of a set; nil is one that isn't there.
func (s *Site) servePage(w http.ResponseWriter, r *http.Request, pages *Set, p *Page) {
	ctx := r.Context()
	status, name := http.StatusOK, "page.html"
	view := s.view(r, pages, p)
	switch {
	case p == nil && pages.first() != nil:
		status, name, view.Message = http.StatusNotFound, "message.html", view.W.NotFound
	case p == nil && s.isStale.Load():
		status, name, view.Message = http.StatusServiceUnavailable, "message.html", view.W.FailedPage
	case p == nil:
		status, name, view.Message = http.StatusNotFound, "message.html", view.W.NothingHere
	default:
		view.fill(ctx)
	}
	if ctx.Err() != nil {
		return // nobody reads it any more
	}
	var b bytes.Buffer
	if err := s.templates.ExecuteTemplate(&b, name, view); err != nil {
		s.cfg.Logger.ErrorContext(ctx, "page not written", "page", r.URL.Path, "reason", err)
		http.Error(w, "The page can't be written; the log says why.", http.StatusInternalServerError)
		return
	}
	protect(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", view.Language)
	w.Header().Set("Cache-Control", "private, no-cache")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // a reader that is gone
}

// explain is what a page says where a figure fails. A refusal is made for
// people; any other error may hold values of rows and goes to the log.
func (s *Site) explain(ctx context.Context, w *words, code string, err error) string {
	if refused, ok := errors.AsType[*metric.RequestError](err); ok {
		return refused.Err.Error()
	}
	if ctx.Err() == nil {
		s.cfg.Logger.ErrorContext(ctx, "figure not shown", "metric", code, "reason", err)
	}
	return fmt.Sprintf(w.SeeLog, code)
}

// languageOf is the one asked for, else the company's first.
func (s *Site) languageOf(r *http.Request) string {
	for _, wanted := range append([]string{r.URL.Query().Get("lang")}, s.cfg.Languages...) {
		if slices.ContainsFunc(languages(), func(l language) bool { return l.Code == wanted }) {
			return wanted
		}
	}
	return "en"
}
