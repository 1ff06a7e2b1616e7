package sqltree

import (
	"context"
	"fmt"
	"strings"
)

// Unsteady holds the functions, in lower case, whose answer depends on when,
// where or by whom they are called, or is drawn by chance: what a figure is
// made of calls none of them. age, which counts from today only where it has
// one argument, is not among them. error() is a fine thing to call.
func Unsteady(ctx context.Context, q Querier) (map[string]bool, error) {
	// DuckDB's own marks, so that one that it gains later is known too.
	var marked string
	err := q.QueryRowContext(ctx, `select coalesce(string_agg(distinct lower(function_name), ' '), '') from duckdb_functions()
		where stability in ('VOLATILE', 'CONSISTENT_WITHIN_QUERY') and function_name <> 'error'`).Scan(&marked)
	if err != nil {
		return nil, fmt.Errorf("list the functions of the database: %w", err)
	}
	found := map[string]bool{}
	for name := range strings.FieldsSeq(marked) {
		found[name] = true
	}
	for _, name := range unmarked() {
		found[name] = true
	}
	return found, nil
}

// unmarked are what DuckDB's marks miss, in this version or another: names that
// are macros, settings, and sketches that depend on how threads were scheduled.
func unmarked() []string {
	return []string{
		"approx_quantile", "approx_top_k", "clock_timestamp", "current_catalog", "current_database", "current_date",
		"current_localtime", "current_localtimestamp", "current_query", "current_role", "current_schema", "current_schemas",
		"current_setting", "current_time", "current_timestamp", "current_user", "currval", "gen_random_uuid", "get_current_time",
		"get_current_timestamp", "getenv", "getvariable", "localtime", "localtimestamp", "nextval", "now", "random",
		"reservoir_quantile", "session_user", "setseed", "statement_timestamp", "today", "transaction_timestamp", "txid_current",
		"uuid", "uuidv4", "uuidv7", "version",
	}
}

// Aggregates holds the functions, in lower case, that turn many rows into one
// value.
func Aggregates(ctx context.Context, q Querier) (map[string]bool, error) {
	var names string
	err := q.QueryRowContext(ctx, `select coalesce(string_agg(distinct lower(function_name), ' '), '') from duckdb_functions()
		where function_type = 'aggregate'`).Scan(&names)
	if err != nil {
		return nil, fmt.Errorf("list the aggregates of the database: %w", err)
	}
	found := map[string]bool{}
	for name := range strings.FieldsSeq(names) {
		found[name] = true
	}
	return found, nil
}
