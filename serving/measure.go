package serving

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// listed is a metric as GET /v1/metrics lists it.
type listed struct {
	Metric      string            `json:"metric"`
	Label       string            `json:"label"`
	Labels      map[string]string `json:"labels"`
	Description map[string]string `json:"description"`
	Kind        string            `json:"kind"`
	Unit        string            `json:"unit"`
	Direction   string            `json:"direction,omitempty"`
	Owner       string            `json:"owner"`
	Version     int               `json:"version"`
	Dimensions  []string          `json:"dimensions"`
}

// list answers GET /v1/metrics.
func (s *Server) list(w http.ResponseWriter, r *http.Request) error {
	if err := parameters(r.URL.Query()); err != nil {
		return err
	}
	all, err := s.metrics.All()
	if err != nil {
		return err
	}
	answer := struct {
		Metrics []listed `json:"metrics"`
	}{make([]listed, len(all))}
	for i, m := range all {
		answer.Metrics[i] = listed{
			Metric: m.Name, Label: m.Label(s.cfg.Language), Labels: m.Labels, Description: m.Description, Kind: string(m.Kind),
			Unit: m.Unit, Direction: m.Direction, Owner: m.Owner, Version: m.Version, Dimensions: append([]string{}, m.Dimensions...),
		}
	}
	text, err := marshal(answer)
	if err != nil {
		return err
	}
	formats()[0].head(w)
	_, err = w.Write(append(text, '\n'))
	return err
}

// measure answers GET /v1/metrics/{code}.
func (s *Server) measure(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	if err := parameters(query, "grain", "from", "to", "by", "where", "as_of", "format"); err != nil {
		return err
	}
	f, err := formatOf(r)
	if err != nil {
		return err
	}
	m, err := s.metrics.Get(r.PathValue("code"))
	if err != nil {
		return refuse(http.StatusNotFound, "metric", "%s", err)
	}
	req, err := s.request(m, query)
	if err != nil {
		return err
	}
	ctx, done, err := s.turn(w, r)
	if err != nil {
		return err
	}
	defer done()
	table, err := s.metrics.Query(ctx, req)
	if err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) && r.Context().Err() == nil {
			return s.tooLong()
		}
		return s.unanswered(ctx, m, err)
	}
	a := answer{Table: table, asOf: req.AsOf, label: table.Metric.Label(s.cfg.Language)}
	f.head(w)
	out := bufio.NewWriterSize(w, 64<<10)
	switch f.name {
	case "csv":
		err = a.csv(out)
	case "arrow":
		err = a.arrow(out)
	default:
		err = a.json(out)
	}
	if err != nil {
		return err
	}
	return out.Flush()
}

func (s *Server) request(m *metric.Metric, query url.Values) (metric.Request, error) {
	req := metric.Request{
		Metric: m.Name, Grain: metric.Grain(query.Get("grain")), From: query.Get("from"), To: query.Get("to"),
		Where: query.Get("where"), AsOf: s.cfg.Today(),
	}
	for _, one := range []string{"grain", "from", "to", "where", "as_of", "format"} {
		if len(query[one]) > 1 {
			return req, refuse(http.StatusBadRequest, one, "%s stands twice", one)
		}
	}
	if text := query.Get("as_of"); text != "" {
		day, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return req, refuse(http.StatusBadRequest, "as_of", "%q is no day: write one like 2026-10-31", text)
		}
		req.AsOf = day
	}
	for _, list := range query["by"] {
		for d := range strings.SplitSeq(list, ",") {
			if d = strings.TrimSpace(d); d != "" {
				req.By = append(req.By, d)
			}
		}
	}
	return req, nil
}

// unanswered says what is wrong with a question about a metric.
func (s *Server) unanswered(ctx context.Context, m *metric.Metric, err error) error {
	if refused, ok := errors.AsType[*metric.RequestError](err); ok {
		status := http.StatusBadRequest
		if refused.Field == "metric" {
			status = http.StatusNotFound
		}
		return refuse(status, refused.Field, "%s", refused.Err)
	}
	for _, name := range m.Models() {
		columns, lookup := s.wh.TableColumns(ctx, name)
		if lookup == nil && len(columns) == 0 {
			return refuse(http.StatusServiceUnavailable, "metric", "%s is not built yet: wait for the first build, or run funnelhouse build", name)
		}
	}
	return err
}

// answer is a metric's rows with what they were asked by.
type answer struct {
	*metric.Table
	asOf  time.Time
	label string
}

// columns are those of a row in every format.
func (a answer) columns() []string {
	return append(append([]string{"period"}, a.Dimensions...), "numerator", "denominator", "value", "n", "ci_low", "ci_high", "flags")
}

// cells are a row's, in the order of columns, without the flags.
func (a answer) cells(r *metric.Row) []any {
	cells := []any{orNull(r.Period)}
	for _, d := range r.Dimensions {
		if d == nil {
			cells = append(cells, nil)
		} else {
			cells = append(cells, *d)
		}
	}
	cells = append(cells, number(r.Numerator), number(r.Denominator), float(r.Value))
	if r.N == nil {
		cells = append(cells, nil)
	} else {
		cells = append(cells, json.Number(strconv.FormatInt(*r.N, 10)))
	}
	return append(cells, float(r.CILow), float(r.CIHigh))
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func number(digits string) any {
	if digits == "" {
		return nil
	}
	return json.Number(digits)
}

func float(x *float64) any {
	if x == nil {
		return nil
	}
	return *x
}

func (a answer) json(out *bufio.Writer) error {
	head := struct {
		Metric     string   `json:"metric"`
		Label      string   `json:"label"`
		Version    int      `json:"version"`
		Unit       string   `json:"unit"`
		Grain      string   `json:"grain"`
		AsOf       string   `json:"as_of"`
		Dimensions []string `json:"dimensions"`
	}{
		a.Metric.Name, a.label, a.Metric.Version, a.Metric.Unit, string(a.Grain), a.asOf.Format(time.DateOnly),
		append([]string{}, a.Dimensions...),
	}
	text, err := marshal(head)
	if err != nil {
		return err
	}
	if _, err := out.WriteString(strings.TrimSuffix(string(text), "}") + `,"rows": [`); err != nil {
		return err
	}
	columns := a.columns()
	for i := range a.Rows {
		flags := append([]string{}, a.Rows[i].Flags...)
		cells := append(a.cells(&a.Rows[i]), flags)
		lead := ",\n {"
		if i == 0 {
			lead = "\n {"
		}
		for j, cell := range cells {
			text, err := marshal(cell)
			if err != nil {
				return fmt.Errorf("write %s: %w", columns[j], err)
			}
			// A column's name is lower-case words.
			if _, err := out.WriteString(lead + `"` + columns[j] + `": ` + string(text)); err != nil {
				return err
			}
			lead = ", "
		}
		if err := out.WriteByte('}'); err != nil {
			return err
		}
	}
	_, err = out.WriteString("\n]}\n")
	return err
}

func (a answer) csv(out *bufio.Writer) error {
	var head []any
	for _, c := range a.columns() {
		head = append(head, c)
	}
	if err := writeCSV(out, head); err != nil {
		return err
	}
	for i := range a.Rows {
		cells := append(a.cells(&a.Rows[i]), orNull(strings.Join(a.Rows[i].Flags, " ")))
		if err := writeCSV(out, cells); err != nil {
			return err
		}
	}
	return nil
}
