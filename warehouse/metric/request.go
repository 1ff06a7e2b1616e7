package metric

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
)

// Querier runs queries: *sql.DB, *sql.Conn and *sql.Tx are one.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Request asks for a metric's rows.
type Request struct {
	Metric string
	// Grain is the length of a period. Default: month.
	Grain Grain
	// From and To are labels of periods or days, To included: to 2026-03 is
	// through 31 March. Default: no limit. Rows without a period are in no range.
	From, To string
	// By lists the dimensions to split by.
	By []string
	// Where is a SQL condition on the metric's dimensions. Default: all rows.
	Where string
	// AsOf is the day as of which the figures hold; only its date counts. It has
	// no default: this package knows neither the clock nor the company's zone.
	AsOf time.Time
}

// RequestError is a request that can't be answered as it was asked. Its message
// is a sentence that says what to ask instead.
type RequestError struct {
	Field string // metric, grain, from, to, by, where, as_of
	Err   error
}

// Error names the field and says what is wrong with it.
func (e *RequestError) Error() string { return e.Field + ": " + e.Err.Error() }

// Unwrap returns what is wrong with the field.
func (e *RequestError) Unwrap() error { return e.Err }

func refuse(field, format string, args ...any) error {
	return &RequestError{Field: field, Err: fmt.Errorf(format, args...)}
}

// plan is a request that was found to be sound.
type plan struct {
	set     *Set
	metric  *Metric
	company Company
	grain   Grain
	from    time.Time // first day; zero: no limit
	to      time.Time // last day; zero: no limit
	by      []string
	where   string
	used    []string // dimensions in where
	asOf    time.Time
	table   func(model string) string
}

func (s *Set) plan(ctx context.Context, q Querier, company Company, req Request) (*plan, error) {
	m, err := s.Get(req.Metric)
	if err != nil {
		return nil, &RequestError{Field: "metric", Err: err}
	}
	p := &plan{set: s, metric: m, company: company, grain: req.Grain, by: req.By, table: tableName}
	if p.grain == "" {
		p.grain = Month
	}
	if _, err := ParseGrain(string(p.grain)); err != nil {
		return nil, &RequestError{Field: "grain", Err: err}
	}
	if req.AsOf.IsZero() {
		return nil, refuse("as_of", "is missing")
	}
	p.asOf = dateOf(req.AsOf)
	if err := p.limit(req); err != nil {
		return nil, err
	}
	for i, d := range req.By {
		if has(req.By[:i], d) {
			return nil, refuse("by", "%s stands twice", d)
		}
		if !has(m.Dimensions, d) {
			return nil, refuse("by", "%w", s.noDimension(m, d))
		}
	}
	if strings.TrimSpace(req.Where) != "" {
		p.where = req.Where
		p.used, err = whereColumns(ctx, q, m, req.Where)
		if _, wrong := errors.AsType[*conditionError](err); wrong {
			return nil, &RequestError{Field: "where", Err: err}
		}
		if err != nil {
			return nil, fmt.Errorf("vet the condition on %s: %w", m.Name, err)
		}
	}
	return p, s.splittable(m, p.by, p.used)
}

func (p *plan) limit(req Request) error {
	for _, end := range []struct {
		field, label string
		put          func(Period)
	}{
		{"from", req.From, func(period Period) { p.from = period.Start }},
		{"to", req.To, func(period Period) { p.to = period.End }},
	} {
		if end.label == "" {
			continue
		}
		period, err := p.company.ParsePeriod(end.label)
		if err != nil {
			return &RequestError{Field: end.field, Err: err}
		}
		end.put(period)
	}
	if !p.from.IsZero() && !p.to.IsZero() && p.to.Before(p.from) {
		return refuse("to", "%s is before %s", req.To, req.From)
	}
	return nil
}

// noDimension says which dimensions there are, and which input of a derived
// metric stands in the way.
func (s *Set) noDimension(m *Metric, dimension string) error {
	in := didYouMean(dimension, m.Dimensions)
	list := "its dimensions are: " + orNone(m.Dimensions)
	if m.Kind == Derived && in == "" {
		if lack := s.lacking(m, dimension); len(lack) < len(m.Inputs) {
			return fmt.Errorf("%s has no dimension %q: its input %s lacks it and is not declared across it; %s",
				m.Name, dimension, strings.Join(lack, ", "), list)
		}
	}
	return fmt.Errorf("%s has no dimension %q%s; %s", m.Name, dimension, in, list)
}

func didYouMean(word string, known []string) string {
	if near := yamlfile.Nearest(word, known); near != "" {
		return " (did you mean " + near + "?)"
	}
	return ""
}

// splittable refuses what inputs that are taken across a dimension can't
// answer: no input with all the dimensions to split by, or a condition that
// holds dimensions of which an input is filtered by some and taken across
// others.
func (s *Set) splittable(m *Metric, by, used []string) error {
	if m.Kind != Derived {
		return nil
	}
	whole := false
	for _, in := range m.Inputs {
		of := s.metrics[in.Metric]
		across := kept(used, in.Across)
		if len(across) > 0 && len(across) < len(used) {
			return refuse("where", "the input %s of %s is taken across %s, so a condition can't join it with %s; ask for one of them by --by",
				in.Alias, m.Name, strings.Join(across, ", "), strings.Join(without(used, in.Across), ", "))
		}
		whole = whole || len(kept(by, in.Across)) == 0
		if err := s.splittable(of, without(by, in.Across), without(used, in.Across)); err != nil {
			return err
		}
	}
	if !whole {
		return refuse("by", "no input of %s can be split by all of %s", m.Name, strings.Join(by, ", "))
	}
	return nil
}

func kept(list, in []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !has(in, s) })
}

func without(list, less []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return has(less, s) })
}
