package cases

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
	"github.com/funnelhouse/funnelhouse/warehouse/sqltree"
)

// Column is a column of a table.
type Column struct {
	Name string
	Type string // as DuckDB writes it
}

// Querier runs queries: *sql.DB, *sql.Conn and *sql.Tx are one.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Columns lists a table's columns in their order, none where there is no such
// table.
func Columns(ctx context.Context, q Querier, t sqltree.Table) (columns []Column, err error) {
	rows, err := q.QueryContext(ctx, `select column_name, data_type from duckdb_columns()
		where database_name = current_database() and schema_name = ? and table_name = ? order by column_index`, t.Schema, t.Name)
	if err != nil {
		return nil, fmt.Errorf("list the columns of %s: %w", t, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var c Column
		if err := rows.Scan(&c.Name, &c.Type); err != nil {
			return nil, fmt.Errorf("list the columns of %s: %w", t, err)
		}
		columns = append(columns, c)
	}
	return columns, rows.Err()
}

// Names lists the columns' names in their order.
func Names(columns []Column) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return names
}

// Insert writes one row of a case into a table with these columns; those that
// it doesn't name are null. Values go as text and are cast to the column's own
// type, so that a case is as strict about them as the table. The error is
// DuckDB's.
func Insert(ctx context.Context, tx *sql.Tx, t sqltree.Table, columns []Column, row map[string]any) error {
	var names, casts []string
	var values []any
	for _, c := range columns {
		if v := row[c.Name]; v != nil {
			names, casts = append(names, sqltree.Quote(c.Name)), append(casts, "cast(? as "+c.Type+")")
			values = append(values, Text(v))
		}
	}
	if len(names) == 0 {
		names, casts = []string{sqltree.Quote(columns[0].Name)}, []string{"null"}
	}
	_, err := tx.ExecContext(ctx, "insert into "+t.SQL()+" ("+strings.Join(names, ", ")+") values ("+strings.Join(casts, ", ")+")", values...)
	return err
}

// Text writes a value of a YAML file as text that DuckDB casts: a list or a
// mapping as JSON.
func Text(v any) string {
	if s, ok := yamlfile.ScalarText(v); ok {
		return s
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v) // no value of YAML gets here
	}
	return string(data)
}
