package metric

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/funnelhouse/funnelhouse/warehouse/sqltree"
)

// maxWhere bounds a request's condition, in bytes.
const maxWhere = 4000

// whereFunctions are what a request's condition may call: pure functions of
// text. Operators (= <> in like ilike between is null || + -) come on top.
func whereFunctions() []string {
	return []string{
		"concat", "contains", "ends_with", "ilike_escape", "left", "length", "like_escape", "list_value", "lower", "ltrim",
		"not_ilike_escape", "not_like_escape", "prefix", "regexp_full_match", "regexp_matches", "replace", "right", "rtrim",
		"starts_with", "strip_accents", "substr", "substring", "suffix", "trim", "upper",
	}
}

// plainClasses are the nodes of a parse tree that compute a value from the
// columns of one row and constants. It is a list of what is allowed, since
// there are ways to columns that name none: #3 is the third of the table.
func plainClasses() []string {
	return []string{
		"BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION", "OPERATOR",
	}
}

// conditionError is a condition that can't be taken: a sentence for the person who
// wrote it.
type conditionError struct{ message, fix string }

func (e *conditionError) Error() string {
	if e.fix == "" {
		return e.message
	}
	return e.message + "; " + e.fix
}

func unfitf(fix, format string, args ...any) error {
	return &conditionError{message: fmt.Sprintf(format, args...), fix: fix}
}

// parseCondition reads one expression made of allowed nodes. What the user got
// wrong comes back as *conditionError.
func parseCondition(ctx context.Context, q Querier, text string, allowed []string) (*sqltree.Tree, error) {
	tree, err := sqltree.ParseExpression(ctx, q, text)
	if refused, ok := errors.AsType[*sqltree.ParseError](err); ok {
		return nil, unfitf("write one SQL expression", "%s", refused.Message)
	}
	if err != nil {
		return nil, fmt.Errorf("parse a condition: %w", err)
	}
	for _, class := range tree.Classes() {
		if !has(allowed, class) {
			return nil, unfitf("write an expression on columns alone", "%s is not allowed here", classWord(class))
		}
	}
	return tree, nil
}

func classWord(class string) string {
	switch class {
	case "SUBQUERY":
		return "a subquery"
	case "WINDOW":
		return "a window function"
	case "STAR":
		return "a star"
	case "PARAMETER":
		return "a parameter"
	case "LAMBDA":
		return "a lambda"
	case "POSITIONAL_REFERENCE":
		return "a column by its number"
	}
	return strings.ToLower(class)
}

// whereColumns vets a request's condition and lists the dimensions that it
// uses. It is the one place where a user's text enters the SQL of a metric.
func whereColumns(ctx context.Context, q Querier, m *Metric, text string) ([]string, error) {
	if len(text) > maxWhere {
		return nil, unfitf("", "is %d bytes long, more than %d", len(text), maxWhere)
	}
	tree, err := parseCondition(ctx, q, text, plainClasses())
	if err != nil {
		return nil, err
	}
	dimensions := orNone(m.Dimensions)
	var used []string
	for _, parts := range tree.Columns() {
		at := -1
		if len(parts) == 1 {
			at = slices.IndexFunc(m.Dimensions, func(d string) bool { return strings.EqualFold(d, parts[0]) })
		}
		if at < 0 {
			name := strings.Join(parts, ".")
			return nil, unfitf("its dimensions are: "+dimensions, "%s has no dimension %q%s", m.Name, name, didYouMean(name, m.Dimensions))
		}
		used = append(used, m.Dimensions[at])
	}
	for _, name := range tree.Functions() {
		if !has(whereFunctions(), name) {
			return nil, unfitf("allowed are: "+strings.Join(whereFunctions(), ", "), "the function %s is not allowed in a condition", name)
		}
	}
	return used, nil
}

// holds reads a condition as false where it is null. A condition that ends in
// a comment needs the line break.
func holds(condition string) string {
	condition = strings.TrimSpace(condition)
	if strings.Contains(condition, "--") {
		condition += "\n"
	}
	return "coalesce((" + condition + "), false)"
}
