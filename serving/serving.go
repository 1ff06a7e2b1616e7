// Package serving answers questions over HTTP: one SELECT, or a metric at a
// grain, as JSON, CSV or an Arrow stream. Nobody logs in yet, so it is made for
// the loopback address alone, and it refuses what a web page of somebody else
// could make a browser send there.
//
// It reads the warehouse and never writes. An answer that breaks off after its
// head was sent ends with a cut connection, so that half of a result is never
// taken for the whole.
package serving

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/funnelhouse/funnelhouse/warehouse"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// Config says how questions are answered.
type Config struct {
	// Queries is how many questions are answered at the same time. Default: 4.
	Queries int
	// Wait is how long a question waits for its turn. Default: 10s.
	Wait time.Duration
	// Limit is how long a question may take, its answer read to the end.
	// Default: 60s.
	Limit time.Duration
	// BodyWithin is how long the body of a request may take to come. Default: 10s.
	BodyWithin time.Duration
	// Language is that of labels. Default: en.
	Language string
	// Today is the company's business day, as of which figures hold. Default:
	// today in UTC.
	Today func() time.Time
	// Logger tells of our own failures. Default: silence.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Queries == 0 {
		c.Queries = 4
	}
	if c.Wait == 0 {
		c.Wait = 10 * time.Second
	}
	if c.Limit == 0 {
		c.Limit = 60 * time.Second
	}
	if c.BodyWithin == 0 {
		c.BodyWithin = 10 * time.Second
	}
	if c.Language == "" {
		c.Language = "en"
	}
	if c.Today == nil {
		c.Today = func() time.Time { return time.Now().UTC() }
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Metrics answers for the metrics of the project, which may change while it is
// served.
type Metrics interface {
	// All lists the metrics by code.
	All() ([]*metric.Metric, error)
	Get(code string) (*metric.Metric, error)
	Query(ctx context.Context, req metric.Request) (*metric.Table, error)
}

// Server answers /v1/.
type Server struct {
	cfg     Config
	wh      *warehouse.Warehouse
	metrics Metrics
	turns   chan struct{} // one value for each question being answered
}

// New makes a server. It owns neither the warehouse nor the metrics.
func New(cfg Config, wh *warehouse.Warehouse, metrics Metrics) (*Server, error) {
	cfg = cfg.withDefaults()
	if wh == nil || metrics == nil {
		return nil, errors.New("serve questions: no warehouse or no metrics")
	}
	if cfg.Queries < 0 {
		return nil, fmt.Errorf("serve questions: %d at the same time", cfg.Queries)
	}
	return &Server{cfg: cfg, wh: wh, metrics: metrics, turns: make(chan struct{}, cfg.Queries)}, nil
}

// Handler answers every path below /v1/. It guards itself; whoever mounts it
// beside other pages guards those too.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/v1/query", s.on(s.query, http.MethodPost))
	mux.Handle("/v1/metrics", s.on(s.list, http.MethodGet, http.MethodHead))
	mux.Handle("/v1/metrics/{code}", s.on(s.measure, http.MethodGet, http.MethodHead))
	mux.Handle("/", s.on(func(http.ResponseWriter, *http.Request) error {
		return &failure{status: http.StatusNotFound, message: "there is nothing here: ask POST /v1/query, GET /v1/metrics or GET /v1/metrics/{code}"}
	}))
	return Guard(mux)
}

// failure is what is wrong with a request, with its status.
type failure struct {
	status  int
	field   string
	message string
}

func (f *failure) Error() string { return f.message }

func refuse(status int, field, format string, args ...any) error {
	return &failure{status: status, field: field, message: fmt.Sprintf(format, args...)}
}

// on answers requests of these methods (none: of all), and writes what went
// wrong.
func (s *Server) on(answer func(http.ResponseWriter, *http.Request) error, methods ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(methods) > 0 && !slices.Contains(methods, r.Method) {
			w.Header().Set("Allow", strings.Join(methods, ", "))
			writeFailure(w, &failure{status: http.StatusMethodNotAllowed, message: "send " + methods[0]})
			return
		}
		out := &answerWriter{ResponseWriter: w}
		err := answer(out, r)
		if err == nil {
			return
		}
		told, ok := errors.AsType[*failure](err)
		if !ok && r.Context().Err() == nil {
			s.cfg.Logger.ErrorContext(r.Context(), "question not answered", "path", r.URL.Path, "reason", err)
		}
		if out.begun {
			panic(http.ErrAbortHandler) // the client must not take what it has for all
		}
		if !ok {
			told = &failure{status: http.StatusInternalServerError, message: "this failed here and not in the question; the log of serve says why"}
		}
		writeFailure(w, told)
	})
}

// answerWriter knows whether an answer was begun.
type answerWriter struct {
	http.ResponseWriter
	begun bool
}

func (w *answerWriter) WriteHeader(status int) {
	w.begun = true
	w.ResponseWriter.WriteHeader(status)
}

func (w *answerWriter) Write(p []byte) (int, error) {
	w.begun = true
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func writeFailure(w http.ResponseWriter, f *failure) {
	body := struct {
		Error string `json:"error"`
		Field string `json:"field,omitempty"`
	}{f.message, f.field}
	text, err := marshal(body)
	if err != nil {
		text = []byte(`{"error": "this failed"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.status)
	_, _ = w.Write(append(text, '\n')) // the client may be gone
}

// turn waits until a question may be answered. The connection is bounded from
// then on: a client that doesn't read is cut off, since an open transaction
// keeps the log from being written into the file.
func (s *Server) turn(w http.ResponseWriter, r *http.Request) (ctx context.Context, done func(), err error) {
	wait := time.NewTimer(s.cfg.Wait)
	defer wait.Stop()
	select {
	case s.turns <- struct{}{}:
	case <-r.Context().Done():
		return nil, nil, r.Context().Err()
	case <-wait.C:
		w.Header().Set("Retry-After", "5")
		return nil, nil, refuse(http.StatusServiceUnavailable, "", "%d questions are being answered: ask again later", s.cfg.Queries)
	}
	until := time.Now().Add(s.cfg.Limit)
	ctx, cancel := context.WithDeadline(r.Context(), until)
	// Behind the limit itself, so that its message can still be sent.
	if err := http.NewResponseController(w).SetWriteDeadline(until.Add(time.Second)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		cancel()
		<-s.turns
		return nil, nil, fmt.Errorf("bound the time of an answer: %w", err)
	}
	return ctx, func() { cancel(); <-s.turns }, nil
}

// tooLong is said where the limit was reached.
func (s *Server) tooLong() error {
	return refuse(http.StatusBadRequest, "", "this took longer than %s and was ended: narrow it, or put the work into a model", s.cfg.Limit)
}

// parameters refuses every parameter that a question doesn't have.
func parameters(query url.Values, known ...string) error {
	for name := range query {
		if !slices.Contains(known, name) {
			slices.Sort(known)
			return refuse(http.StatusBadRequest, name, "there is no parameter %q; there are: %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}

// marshal writes JSON without turning <, > and & into escapes.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
