// Package cases holds what the unit tests of models and of metrics, the files
// of sql/testdata, have in common: a scratch database that a case leaves as it
// was, rows that fill its tables, rows shown as text, and the error of a case
// that doesn't hold.
package cases

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
)

// CaseError is a case that doesn't hold, or couldn't be run. A mistake in its
// file is a *yamlfile.Problem instead.
type CaseError struct {
	// Path is the case's file as it was given: testdata/leads/merged-lead.yaml
	// of the sql/ folder. Who knows the folder may put it in front.
	Path string
	// Err says what is wrong, without the path.
	Err error
}

// Error returns "path: what is wrong".
func (e *CaseError) Error() string { return e.Path + ": " + e.Err.Error() }

// Unwrap returns what is wrong.
func (e *CaseError) Unwrap() error { return e.Err }

// OfMetric tells a metric's case from a model's where both have one name and
// share a folder: a metric is always asked as of a day, a model never. What is
// no YAML is nobody's; who decodes it says why.
func OfMetric(path string, data []byte) bool {
	var keys map[string]any
	if _, err := yamlfile.Decode(path, data, &keys); err != nil {
		return false
	}
	_, asked := keys["as_of"]
	return asked
}

// Run runs the case of the file at path in a transaction of the scratch
// database that is undone afterwards. An error of run comes back as *CaseError,
// but as it is where it holds a *yamlfile.Problem.
func Run(ctx context.Context, path string, scratch *sql.DB, run func(*sql.Tx) error) error {
	tx, err := scratch.BeginTx(ctx, nil)
	if err != nil {
		return &CaseError{Path: path, Err: fmt.Errorf("begin: %w", err)}
	}
	err = run(tx)
	// Over already where ctx was done.
	if undo := tx.Rollback(); undo != nil && !errors.Is(undo, sql.ErrTxDone) {
		err = errors.Join(err, fmt.Errorf("roll back: %w", undo))
	}
	if err == nil || len(yamlfile.Problems(err)) > 0 {
		return err
	}
	return &CaseError{Path: path, Err: err}
}
