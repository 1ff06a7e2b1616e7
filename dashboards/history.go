package dashboards

import (
	"context"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/funnelhouse/funnelhouse/charts"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// reading is one request for a page: who reads it, in which language, over
// which periods. It asks each metric once.
type reading struct {
	site     *Site
	language string
	words    words
	today    time.Time // as of when
	time     timeline

	mu        sync.Mutex
	histories map[string]*asked
}

type asked struct {
	once    sync.Once
	history *history
	err     error
}

// history is a metric's rows over the timeline.
type history struct {
	metric *metric.Metric
	rows   []*metric.Row // by the timeline's periods; nil: none
}

func (r *reading) history(ctx context.Context, code string) (*history, error) {
	r.mu.Lock()
	a := r.histories[code]
	if a == nil {
		a = &asked{}
		r.histories[code] = a
	}
	r.mu.Unlock()
	a.once.Do(func() { a.history, a.err = r.ask(ctx, code) })
	return a.history, a.err
}

func (r *reading) ask(ctx context.Context, code string) (*history, error) {
	m, err := r.site.metrics.Get(code)
	if err != nil {
		return nil, err
	}
	table, err := r.site.metrics.Query(ctx, r.request(code, r.time.first(), r.time.running().Label, ""))
	if err != nil {
		return nil, err
	}
	h := &history{metric: m, rows: make([]*metric.Row, len(r.time.periods))}
	for i := range table.Rows {
		if at := r.time.at(table.Rows[i].Period); at >= 0 {
			h.rows[at] = &table.Rows[i]
		}
	}
	h.fillZeros(&r.time)
	return h, nil
}

func (r *reading) request(code, from, to, by string) metric.Request {
	q := metric.Request{Metric: code, Grain: r.time.grain, From: from, To: to, AsOf: r.today}
	if by != "" {
		q.By = []string{by}
	}
	return q
}

// fillZeros: a period without rows has none, and for what is counted or added
// up that is 0, as soon as there was anything at all.
func (h *history) fillZeros(t *timeline) {
	switch h.metric.Kind {
	case metric.Count, metric.Sum, metric.Distinct:
	default:
		return
	}
	seen := false
	for i, row := range h.rows {
		if row != nil {
			seen = true
		} else if seen {
			h.rows[i] = &metric.Row{Period: t.label(i), Numerator: "0", Value: new(0.0), N: new(int64(0))}
		}
	}
}

// settled is the period whose value is shown large: the last complete one. Of
// cohorts that still ripen it is the last one that no longer does, where there
// is one: half a cohort's share would look like a fall. A value that isn't
// there yet, as where a market's size is published later, is waited for: the
// last one before it stays, for a few periods.
func (h *history) settled(t *timeline) int {
	complete, gaps := t.last()-1, 0
	for i := complete; i >= 0 && gaps <= t.patience(); i-- {
		switch row := h.rows[i]; {
		case row != nil && row.Has(metric.Immature):
		case value(row) != nil:
			return i
		default:
			gaps++
		}
	}
	return complete
}

// mayChange tells whether the value of a period isn't its last.
func (h *history) mayChange(t *timeline, i int) bool {
	return t.isRunning(i) || h.rows[i] != nil && h.rows[i].Has(metric.Immature)
}

// value is a row's value, nil where there is no row or it can't be assessed.
func value(row *metric.Row) *float64 {
	if row == nil {
		return nil
	}
	return row.Value
}

// isClear tells whether two values differ by more than chance: the interval of
// their difference, after Newcombe, made of the intervals of both, is on one
// side of 0. Without intervals nothing can be said and known is false.
func isClear(now, before *metric.Row) (differs, known bool) {
	if now.CILow == nil || now.CIHigh == nil || before.CILow == nil || before.CIHigh == nil || now.Value == nil || before.Value == nil {
		return false, false
	}
	d := *now.Value - *before.Value
	below := math.Hypot(*now.Value-*now.CILow, *before.CIHigh-*before.Value)
	above := math.Hypot(*now.CIHigh-*now.Value, *before.Value-*before.CILow)
	return d-below > 0 || d+above < 0, true
}

// write writes a value in its metric's unit, which stays on its line.
func (r *reading) write(m *metric.Metric, v *float64) string {
	return unbroken(charts.FormatValue(v, m.Unit, r.site.cfg.Currency, r.language))
}

func unbroken(s string) string { return strings.ReplaceAll(s, " ", "\u00a0") }
