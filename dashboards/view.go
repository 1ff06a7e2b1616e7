package dashboards

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// firstYear is how far back a page can be asked for.
const firstYear = 1900

// atOnce is how many cells are asked for at a time.
const atOnce = 3

// pageView is what the templates are given.
type pageView struct {
	Language, Title, Company string
	W                        words
	Pages                    []link
	Grains                   []link
	Languages                []link
	Status                   []string // as of, loaded, computed
	Warnings                 []string // what stands in the way of the newest figures
	Message                  string
	Rows                     []*rowView
	Home                     string

	page    *Page
	reading *reading
}

type link struct {
	Text, URL, Lang string
	IsCurrent       bool
}

// rowView is what stands beside each other.
type rowView struct {
	IsFigures bool // nothing but figures
	Cells     []cellView
}

type cellView struct {
	Figure *figureView
	Chart  *chartView
}

// view is a page without its figures; p may be nil.
func (s *Site) view(r *http.Request, pages *Set, p *Page) *pageView {
	language := s.languageOf(r)
	grain := metric.Month
	if p != nil {
		grain = p.Grain
	}
	if wanted := metric.Grain(r.URL.Query().Get("grain")); slices.Contains(grains(), wanted) {
		grain = wanted
	}
	today := s.cfg.Today()
	asOf, err := time.Parse(time.DateOnly, r.URL.Query().Get("as_of"))
	isPast := err == nil && asOf.Before(today) && asOf.Year() >= firstYear
	if isPast {
		today = asOf
	}
	w := wordsOf(language)
	v := &pageView{Language: language, W: w, Company: s.cfg.Company, page: p}
	if s.isStale.Load() {
		v.Warnings = append(v.Warnings, w.LastGood)
	}
	address := func(page *Page, language string, grain metric.Grain) string {
		path := "/"
		if page != nil && page != pages.first() {
			path = "/pages/" + page.Name
		}
		query := url.Values{"lang": {language}}
		if page != nil && grain != page.Grain {
			query.Set("grain", string(grain))
		}
		if isPast {
			query.Set("as_of", asOf.Format(time.DateOnly))
		}
		return path + "?" + query.Encode()
	}
	v.Home = address(nil, language, grain)
	for _, l := range languages() {
		v.Languages = append(v.Languages, link{Text: l.Name, Lang: l.Code, URL: address(p, l.Code, grain), IsCurrent: l.Code == language})
	}
	for _, one := range pages.All() {
		v.Pages = append(v.Pages, link{Text: one.Title.In(language), URL: address(one, language, grain), IsCurrent: one == p})
	}
	v.Title = s.cfg.Company
	if p == nil {
		return v
	}
	v.Title = p.Title.In(language)
	for _, g := range grains() {
		v.Grains = append(v.Grains, link{Text: grainWord(&w, g), URL: address(p, language, g), IsCurrent: g == grain})
	}
	v.reading = &reading{
		site: s, language: language, words: w, today: today, time: timelineOf(s.cfg.Calendar, grain, today), histories: map[string]*asked{},
	}
	return v
}

func grainWord(w *words, grain metric.Grain) string {
	switch grain {
	case metric.Quarter:
		return w.Quarter
	case metric.Year:
		return w.Year
	default:
		return w.Month
	}
}

// fill asks for the figures. A figure that fails says so in its place.
func (v *pageView) fill(ctx context.Context) {
	v.reading.site.status(ctx, v)
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, row := range v.page.Rows {
		view := &rowView{IsFigures: true, Cells: make([]cellView, len(row))}
		v.Rows = append(v.Rows, view)
		for j := range row {
			view.IsFigures = view.IsFigures && row[j].Kind == Figure
			group.Go(func() error {
				cell := &row[j]
				if cell.Kind == Figure {
					view.Cells[j].Figure = v.reading.figure(ctx, cell.Metric)
				} else {
					view.Cells[j].Chart = v.reading.chart(ctx, fmt.Sprintf("chart-%d-%d", i+1, j+1), cell)
				}
				return nil
			})
		}
	}
	_ = group.Wait() // no cell fails the page
}

// status says as of when the figures hold and how old they are.
func (s *Site) status(ctx context.Context, v *pageView) {
	v.Status = []string{fmt.Sprintf(v.W.AsOf, spokenDay(v.reading.today, v.Language))}
	if s.cfg.Fresh == nil {
		return
	}
	fresh, err := s.cfg.Fresh(ctx)
	if err != nil {
		if ctx.Err() == nil {
			s.cfg.Logger.ErrorContext(ctx, "age of the figures unknown", "reason", err)
		}
		return
	}
	for _, one := range []struct {
		format string
		at     time.Time
	}{{v.W.Loaded, fresh.LoadedAt}, {v.W.Computed, fresh.ComputedAt}} {
		if !one.at.IsZero() {
			v.Status = append(v.Status, fmt.Sprintf(one.format, one.at.In(s.cfg.Zone).Format("2006-01-02 15:04")+" "+zoneName(s.cfg.Zone)))
		}
	}
	if fresh.NotBuilt > 0 {
		v.Warnings = append(v.Warnings, fmt.Sprintf(v.W.NotBuilt, fresh.NotBuilt))
	}
}

// zoneName is a place rather than letters that three countries share.
func zoneName(zone *time.Location) string {
	return strings.ReplaceAll(zone.String(), "_", " ")
}
