package model

import (
	"fmt"
	"strings"

	"github.com/funnelhouse/funnelhouse/warehouse/sqltree"
)

// TestKind is a word for what a test holds against the rows.
type TestKind string

// The tests, by the words that analysts know. A null passes all but NotNull.
const (
	Unique         TestKind = "unique"
	NotNull        TestKind = "not_null"
	AcceptedValues TestKind = "accepted_values"
	Relationships  TestKind = "relationships"
	Expression     TestKind = "expression"
)

// Severity is what a test's failing means.
type Severity string

// A failing test keeps the standing table, or is only reported.
const (
	Fail Severity = "fail"
	Warn Severity = "warn"
)

// Test is one condition on all rows of a model.
type Test struct {
	Kind     TestKind
	Columns  []string // one, or the grain's
	Severity Severity

	values     []string // of AcceptedValues, as SQL literals
	to         sqltree.Table
	toColumn   string
	expression string
	field      string // where the header has it
}

// String says in a line what is tested.
func (t Test) String() string {
	columns := strings.Join(t.Columns, ", ")
	switch t.Kind {
	case AcceptedValues:
		return columns + " in (" + strings.Join(t.values, ", ") + ")"
	case Relationships:
		return columns + " in " + t.to.String() + "." + t.toColumn
	case Expression:
		return t.expression
	case Unique, NotNull:
	}
	return columns + " " + string(t.Kind)
}

// cases says what n of the query's rows are.
func (t Test) cases(n int64) string {
	noun := "row"
	if t.Kind == Unique {
		noun = "value"
	}
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// query selects the rows, or for Unique the values, that break the test in a
// table. to is where the table of a relationship stands now.
func (t Test) query(table, to sqltree.Table) string {
	columns, from := quoteNames(t.Columns), " from "+table.SQL()
	switch t.Kind {
	case Unique:
		var known []string
		for _, c := range t.Columns {
			known = append(known, sqltree.Quote(c)+" is not null")
		}
		return "select " + columns + ", count(*) as row_count" + from +
			" where " + strings.Join(known, " and ") + " group by " + columns + " having count(*) > 1"
	case NotNull:
		return "select *" + from + " where " + columns + " is null"
	case AcceptedValues:
		return "select *" + from + " where " + columns + " not in (" + strings.Join(t.values, ", ") + ")"
	case Relationships:
		return fmt.Sprintf("select *%s as tested where tested.%s is not null and not exists (select 1 from %s as known where known.%s = tested.%s)",
			from, columns, to.SQL(), sqltree.Quote(t.toColumn), columns)
	case Expression:
		// The line break lets the expression end in a comment.
		return "select *" + from + " where not (" + t.expression + "\n)"
	}
	return ""
}
