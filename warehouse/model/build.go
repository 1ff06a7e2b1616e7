package model

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/funnelhouse/funnelhouse/warehouse/sqltree"
)

// Config is what a Runner works with.
type Config struct {
	// DB is the warehouse. Required. An appender may write to schema raw in
	// other transactions meanwhile.
	DB *sql.DB
	// Logger gets a line for each build and each failing test. Default: silence.
	Logger *slog.Logger
	// Progress is called before each model with how many are done, and once at
	// the end with an empty name. Default: none.
	Progress func(model string, done, total int)
	// Verify is asked for each model that held its own tests, with the table in
	// which it stands before it is adopted; an error fails the model. Default:
	// nothing more is asked.
	Verify func(ctx context.Context, tx *sql.Tx, model, table string) error
	// Now tells the time. Default: time.Now.
	Now func() time.Time
}

// Runner builds projects, one at a time.
type Runner struct {
	cfg  Config
	busy sync.Mutex
}

// New returns a Runner on a warehouse.
func New(cfg Config) (*Runner, error) {
	if cfg.DB == nil {
		return nil, errors.New("make a runner of models: no database")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Progress == nil {
		cfg.Progress = func(string, int, int) {}
	}
	if cfg.Verify == nil {
		cfg.Verify = func(context.Context, *sql.Tx, string, string) error { return nil }
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Runner{cfg: cfg}, nil
}

// Options are what one build may do otherwise.
type Options struct {
	// KeepUnchanged leaves a model as it stands where the project is the one it
	// was built from and no newer batch has come to any raw table behind it.
	// Rows that were changed or deleted in place are not seen. Default: every
	// model is built.
	KeepUnchanged bool
}

// Status says what became of a model in a build.
type Status string

// Built models are adopted. Failed ones (their query, or a test that isn't a
// warning) and the skipped ones that read them stay as they stood before; of a
// view that is its text alone, since it has no rows of its own. Kept ones had
// nothing new.
const (
	Built   Status = "built"
	Failed  Status = "failed"
	Skipped Status = "skipped"
	Kept    Status = "kept"
)

// Result is what a build did.
type Result struct {
	ProjectHash string
	// UpToBatch is the highest batch whose raw rows the build read.
	UpToBatch int64
	Models    []*Outcome // in the order of building
	// Dropped are the tables of models that the project no longer has.
	Dropped []string
	Seconds float64
}

// Outcome is what became of one model.
type Outcome struct {
	Model      string // marts.leads
	Status     Status
	Rows       int64 // of the table that was built, 0 where none was
	Duplicates int64 // rows that lost against another of their dedupe key
	Seconds    float64
	// Message says why a model failed or was skipped. It may hold values of
	// rows: it is not for the log.
	Message string
	// FailedTests are the tests that did not hold, warnings included.
	FailedTests []TestResult

	model *Model
	err   error
}

// TestResult is a test that did not hold.
type TestResult struct {
	Test     string // lead_id unique
	Severity Severity
	Count    int64 // rows that break it; of unique: values that stand more than once
	// SQL selects them. Those of a model that was not adopted are in its __next
	// table until the next build.
	SQL string

	test Test
}

// Build builds the models of a project and adopts those that hold their tests,
// together, in one short transaction at the end. The error names each model
// that was not adopted for a fault of its own, with its test; the result is
// complete nevertheless. A nil result means that nothing was adopted.
//
// Consistency: each model is built in a transaction of its own, so a later one
// could see raw rows that an earlier one did not. Every raw table is therefore
// read up to the newest batch there was at the start: batches are committed
// whole and in order by one writer, so up to that number the rows are the same
// for all models, however long the build takes.
func (r *Runner) Build(ctx context.Context, p *Project, opt Options) (*Result, error) {
	r.busy.Lock()
	defer r.busy.Unlock()
	start := r.cfg.Now()
	b, err := r.begin(ctx, p, opt)
	if err != nil {
		return nil, fmt.Errorf("begin the build of models: %w", err)
	}
	for i, m := range p.models {
		r.cfg.Progress(m.String(), i, len(p.models))
		result := b.model(ctx, m)
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("build %s: %w", m, err)
		}
		b.done[m] = result
		b.result.Models = append(b.result.Models, result)
	}
	if err := b.swap(ctx); err != nil {
		return nil, fmt.Errorf("adopt the models built: %w", err)
	}
	b.result.Seconds = r.cfg.Now().Sub(start).Seconds()
	r.cfg.Progress("", len(p.models), len(p.models))
	return b.result, b.report(ctx)
}

// build is the state of one Build.
type build struct {
	cfg      Config
	project  *Project
	opt      Options
	standing map[sqltree.Table]bool // what staging and marts hold; true: a view
	state    map[string]stateRow
	done     map[*Model]*Outcome
	result   *Result
}

func (r *Runner) begin(ctx context.Context, p *Project, opt Options) (*build, error) {
	b := &build{cfg: r.cfg, project: p, opt: opt, done: map[*Model]*Outcome{}, result: &Result{ProjectHash: p.Hash}}
	var err error
	if err = prepareState(ctx, r.cfg.DB); err != nil {
		return nil, err
	}
	if b.standing, err = dropLeftovers(ctx, r.cfg.DB); err != nil {
		return nil, err
	}
	if b.state, err = readState(ctx, r.cfg.DB); err != nil {
		return nil, err
	}
	b.result.UpToBatch, err = b.newestBatch(ctx)
	return b, err
}

// newestBatch is the highest batch of all raw tables that the project reads,
// in one look; 0 where there is none.
func (b *build) newestBatch(ctx context.Context) (int64, error) {
	tables := map[string]bool{}
	for _, m := range b.project.models {
		for _, t := range m.Inputs {
			if t.Schema == rawSchema {
				tables[t.SQL()] = true
			}
		}
	}
	looks := []string{"select 0 as batch"}
	for t := range tables {
		looks = append(looks, "select max(_batch_id) from "+t)
	}
	var batch int64
	newest := "select coalesce(max(batch), 0) from (" + strings.Join(looks, " union all ") + ")"
	if err := b.cfg.DB.QueryRowContext(ctx, newest).Scan(&batch); err != nil {
		return 0, fmt.Errorf("find the newest batch: %w", err)
	}
	return batch, nil
}

// model builds one model and tests it. What goes wrong is in the result.
func (b *build) model(ctx context.Context, m *Model) *Outcome {
	start := b.cfg.Now()
	result := &Outcome{Model: m.String(), model: m, Status: Built}
	switch unchanged, err := b.unchanged(ctx, m); {
	case err != nil:
		result.fail(err)
	case unchanged:
		result.Status = Kept
	default:
		if reason := b.waits(m); reason != "" {
			result.Status, result.Message = Skipped, reason
			break
		}
		if err := b.construct(ctx, m, result); err != nil {
			result.fail(err)
		}
	}
	result.Seconds = b.cfg.Now().Sub(start).Seconds()
	return result
}

func (r *Outcome) fail(err error) {
	r.Status, r.Message, r.err = Failed, err.Error(), err
}

// waits says why a model can't be built now: what it reads was not adopted.
func (b *build) waits(m *Model) string {
	for _, t := range m.Inputs {
		if d := b.project.owner(t); d != nil && !b.done[d].Status.good() {
			return "it reads " + d.String() + ", which was not built"
		}
	}
	for _, t := range m.tests {
		d := b.project.owner(t.to)
		if d == nil || d == m || b.done[d].Status.good() {
			continue
		}
		// A test alone is no reason to keep a model back: it is held against the
		// table that will stand after this build.
		if _, ok := b.standing[t.to]; !ok {
			return "a test looks into " + t.to.String() + ", which there is not yet"
		}
	}
	return ""
}

func (s Status) good() bool { return s == Built || s == Kept }

// place is where a model's or its duplicates' table is to be read during this
// build.
func (b *build) place(t sqltree.Table) sqltree.Table {
	if d := b.project.owner(t); d != nil && b.done[d] != nil && b.done[d].Status == Built {
		return next(t)
	}
	return t
}

// construct builds the model's __next table in a transaction of its own and tests
// it there. A view is built as a table as well: its readers in this build and
// its tests see rows that no swap can pull from under them.
func (b *build) construct(ctx context.Context, m *Model, result *Outcome) (err error) {
	statements, err := m.statements(ctx, b.cfg.DB, making{input: b.place, output: next, upTo: b.result.UpToBatch})
	if err != nil {
		return err
	}
	tx, err := b.cfg.DB.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, rollback(tx))
		}
	}()
	for _, s := range statements {
		if _, err := tx.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	if result.Rows, err = count(ctx, tx, "from "+next(m.Table()).SQL()); err != nil {
		return fmt.Errorf("count its rows: %w", err)
	}
	if d, ok := m.Duplicates(); ok {
		if result.Duplicates, err = count(ctx, tx, "from "+next(d).SQL()); err != nil {
			return fmt.Errorf("count its duplicates: %w", err)
		}
	}
	if err := b.test(ctx, tx, m, result); err != nil {
		return err
	}
	if result.Status == Built {
		if err := b.cfg.Verify(ctx, tx, m.String(), next(m.Table()).String()); err != nil {
			if ctx.Err() != nil {
				return err
			}
			result.fail(err)
		}
	}
	// Also where a test fails: the rows that break it can be looked at until the
	// next build begins.
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// rollback gives up a transaction; that it is over already is no error.
func rollback(tx *sql.Tx) error {
	if err := tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return err
	}
	return nil
}

// test runs the model's tests on its __next table.
func (b *build) test(ctx context.Context, q sqltree.Querier, m *Model, result *Outcome) error {
	for _, t := range m.tests {
		to := b.place(t.to)
		if b.project.owner(t.to) == m {
			to = next(t.to)
		}
		n, err := count(ctx, q, "from ("+t.query(next(m.Table()), to)+")")
		if err != nil {
			return fmt.Errorf("test %s: %w", t, err)
		}
		if n == 0 {
			continue
		}
		result.FailedTests = append(result.FailedTests, TestResult{Test: t.String(), Severity: t.Severity, Count: n, test: t})
		if t.Severity == Fail {
			result.Status = Failed
			result.err = errors.Join(result.err, fmt.Errorf("test %s does not hold for %s", t, t.cases(n)))
		}
	}
	if result.Status == Failed {
		result.Message = result.err.Error()
	}
	return nil
}

func count(ctx context.Context, q sqltree.Querier, from string) (int64, error) {
	var n int64
	err := q.QueryRowContext(ctx, "select count(*) "+from).Scan(&n)
	return n, err
}

// report writes the log and joins the faults of the models.
func (b *build) report(ctx context.Context) error {
	var errs []error
	counts := map[Status]int{}
	for _, r := range b.result.Models {
		counts[r.Status]++
		for i := range r.FailedTests {
			t := &r.FailedTests[i]
			t.SQL = t.test.query(b.placeNow(r.model, r.model.Table()), b.placeNow(r.model, t.test.to))
			level := slog.LevelInfo // a warning is no news in every build; the result tells it
			if t.Severity == Fail {
				level = slog.LevelWarn
			}
			b.cfg.Logger.Log(ctx, level, "model test failed", "model", r.Model, "test", t.Test, "severity", string(t.Severity), "count", t.Count)
		}
		if r.err != nil {
			errs = append(errs, fmt.Errorf("build %s: %w", r.Model, r.err))
		}
	}
	b.cfg.Logger.InfoContext(ctx, "models built", "project_hash", b.result.ProjectHash, "up_to_batch", b.result.UpToBatch, "seconds", b.result.Seconds,
		"built", counts[Built], "failed", counts[Failed], "skipped", counts[Skipped], "kept", counts[Kept])
	return errors.Join(errs...)
}

// placeNow is where a table is after the swap, seen from a model: its own
// __next where it was not adopted.
func (b *build) placeNow(m *Model, t sqltree.Table) sqltree.Table {
	if b.project.owner(t) == m && b.done[m].Status == Failed {
		return next(t)
	}
	return t
}
