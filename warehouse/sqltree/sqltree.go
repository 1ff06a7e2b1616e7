// Package sqltree holds one SELECT as DuckDB's own parser reads it, so that
// which tables a query reads is never guessed from its text. A tree comes from
// json_serialize_sql, can be pointed at other tables, and goes back to SQL
// through json_deserialize_sql.
//
// What the round trip loses, and a caller has to know: comments; the words
// MATERIALIZED and NOT MATERIALIZED of a CTE (no result depends on them); and a
// lambda comes back in the arrow form, which DuckDB 1.5 reads.
package sqltree

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Querier runs the parser. *sql.DB, *sql.Conn and *sql.Tx are one; any DuckDB
// will do, an empty one in memory too: nothing is looked up in its catalog.
type Querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Table names a table as a query does: parts that it leaves out are empty.
type Table struct {
	Catalog, Schema, Name string
}

// String is the name for messages: its parts with dots between them.
func (t Table) String() string { return strings.Join(t.parts(), ".") }

// SQL is the name for a statement: every part quoted.
func (t Table) SQL() string {
	parts := t.parts()
	for i, p := range parts {
		parts[i] = Quote(p)
	}
	return strings.Join(parts, ".")
}

func (t Table) parts() []string {
	parts := make([]string, 0, 3)
	for _, p := range []string{t.Catalog, t.Schema, t.Name} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return parts
}

// Quote makes any name safe as an identifier inside SQL.
func Quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// ParseError says why a text is not one SELECT. Its message is a sentence for
// the person who wrote it.
type ParseError struct {
	Message string
	Line    int // 1-based line of the text that was parsed; 0: not known
	Column  int // 1-based column in bytes; 0: not known
}

// Error gives the message with its line, where one is known.
func (e *ParseError) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Message)
}

// Tree is one SELECT. Replace and ReplaceQuery change it in place; everything
// else only reads, and may run from several goroutines at once.
type Tree struct {
	text string         // what was parsed; locations are byte offsets in it
	root map[string]any // the statement: node and named_param_map
}

// serialized is what json_serialize_sql answers.
type serialized struct {
	Error      bool             `json:"error"`
	Type       string           `json:"error_type"`
	Message    string           `json:"error_message"`
	Position   string           `json:"position"`
	Statements []map[string]any `json:"statements"`
}

// Parse reads exactly one SELECT (VALUES, FROM-first, TABLE, DESCRIBE and SHOW
// are SELECTs to DuckDB: see Shows for the last two). What the user got wrong
// comes back as *ParseError, any other error is the database's own.
func Parse(ctx context.Context, q Querier, text string) (*Tree, error) {
	if e := unreadable(text); e != nil {
		return nil, e
	}
	var raw string
	err := q.QueryRowContext(ctx,
		"select cast(json_serialize_sql(cast(? as varchar)) as varchar)", text).Scan(&raw)
	if err != nil {
		return nil, fmt.Errorf("parse a query of %d bytes: %w", len(text), err)
	}
	var s serialized
	// Locations reach 2^64-1 and hugeint constants are split into two 64-bit
	// halves: as float64 they would come back as other numbers.
	dec := json.NewDecoder(strings.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&s); err != nil {
		return nil, fmt.Errorf("read the parse tree of a query of %d bytes: %w", len(text), err)
	}
	if s.Error {
		return nil, s.refusal(text)
	}
	switch len(s.Statements) {
	case 1:
		return &Tree{text: text, root: s.Statements[0]}, nil
	case 0:
		return nil, &ParseError{Message: "there is no statement: write one SELECT"}
	}
	e := &ParseError{Message: fmt.Sprintf("there are %d statements: write one SELECT", len(s.Statements))}
	e.Line, e.Column = place(text, (&Tree{root: s.Statements[1]}).first())
	return nil, e
}

// unreadable refuses what the driver can't pass on or would cut short.
func unreadable(text string) *ParseError {
	for i, c := range text {
		_, size := utf8.DecodeRuneInString(text[i:])
		if c != 0 && (c != utf8.RuneError || size > 1) {
			continue
		}
		e := &ParseError{Message: "the text is not UTF-8: save the file as UTF-8"}
		if c == 0 {
			e.Message = "the text holds a zero byte"
		}
		e.Line, e.Column = place(text, i)
		return e
	}
	return nil
}

var pivotWord = regexp.MustCompile(`(?i)\b(pivot|pivot_wider)\b`)

func (s *serialized) refusal(text string) *ParseError {
	e := &ParseError{Message: s.Message}
	if chars, err := strconv.Atoi(s.Position); err == nil {
		e.Line, e.Column = place(text, byteOffset(text, chars))
	}
	if s.Type != "not implemented" || !strings.HasPrefix(s.Message, "Only SELECT") {
		return e
	}
	e.Message = "this is not a SELECT: write one SELECT and nothing else"
	if pivotWord.MatchString(text) {
		e.Message = "PIVOT is read only with its list of values, inside a CTE or a subquery: " +
			"with p as (pivot t on k in ('a', 'b') using sum(v)) select … from p"
	}
	return e
}

// ParseExpression reads a text as one expression of a select list. A text that
// escapes from it (a closing parenthesis and a FROM of its own, an alias, a
// second column) is refused, so the text can stand inside a larger query. Lines
// of a ParseError count in the expression.
func ParseExpression(ctx context.Context, q Querier, expr string) (*Tree, error) {
	const before = "select ("
	// The line break lets an expression end in a comment.
	t, err := Parse(ctx, q, before+expr+"\n)")
	if err != nil {
		return nil, err
	}
	if !t.isExpression() {
		return nil, &ParseError{Message: "this is not one expression"}
	}
	return t, nil
}

// isExpression tells whether the tree is a SELECT of one unnamed column and
// nothing else.
func (t *Tree) isExpression() bool {
	node := object(t.root["node"])
	list := array(node["select_list"])
	if text(node["type"]) != "SELECT_NODE" || len(list) != 1 || text(object(list[0])["alias"]) != "" {
		return false
	}
	if text(object(node["from_table"])["type"]) != "EMPTY" || len(array(node["modifiers"])) > 0 ||
		len(array(object(node["cte_map"])["map"])) > 0 || len(array(node["group_expressions"])) > 0 ||
		len(array(node["group_sets"])) > 0 || text(node["aggregate_handling"]) != "STANDARD_HANDLING" {
		return false
	}
	for _, clause := range []string{"where_clause", "having", "sample", "qualify"} {
		if node[clause] != nil {
			return false
		}
	}
	// `(a, b)` is a row of two values and `(a) , (b)` two columns: the second
	// was refused above, the first is an expression of type struct.
	return true
}

// Clone returns a tree that can be changed without this one.
func (t *Tree) Clone() *Tree {
	return &Tree{text: t.text, root: object(copied(t.root))}
}

// SQL writes the tree as one statement on one line, without a semicolon. What
// DuckDB prints is read again and held against the tree: a text that means
// something else is an error here and never a wrong figure later.
func (t *Tree) SQL(ctx context.Context, q Querier) (string, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(map[string]any{"error": false, "statements": []any{t.root}})
	if err != nil {
		return "", fmt.Errorf("write a parse tree: %w", err)
	}
	var out string
	err = q.QueryRowContext(ctx, "select cast(json_deserialize_sql(cast(? as json)) as varchar)", buf.String()).Scan(&out)
	if err != nil {
		return "", fmt.Errorf("turn a parse tree back into SQL: %w", err)
	}
	again, err := Parse(ctx, q, out)
	if err != nil {
		return "", fmt.Errorf("read back the SQL of a parse tree (%s): %w", out, err)
	}
	if !reflect.DeepEqual(normal(t.root), normal(again.root)) {
		return "", fmt.Errorf("turn a parse tree back into SQL: DuckDB prints another query than it read: %s", out)
	}
	return out, nil
}

// normal is a node without what printing may change and no result depends on:
// places, the order of parameters and of names in EXCLUDE, and the subquery
// that printing puts around VALUES.
func normal(v any) any {
	switch v := v.(type) {
	case []any:
		a := make([]any, len(v))
		for i, e := range v {
			a[i] = normal(e)
		}
		return a
	case map[string]any:
		if inner := values(v); inner != nil {
			return normal(inner)
		}
		m := make(map[string]any, len(v))
		for k, e := range v {
			switch k {
			case "query_location", "named_param_map":
			case "qualified_exclude_list", "exclude_list":
				m[k] = unordered(array(normal(e)))
			default:
				m[k] = normal(e)
			}
		}
		return m
	}
	return v
}

// values returns the EXPRESSION_LIST inside (select * from (values …) as
// valueslist) as valueslist, or nil.
func values(n map[string]any) map[string]any {
	if text(n["type"]) != "SUBQUERY" || text(n["alias"]) != "valueslist" {
		return nil
	}
	from := object(object(object(n["subquery"])["node"])["from_table"])
	if text(from["type"]) != "EXPRESSION_LIST" || text(from["alias"]) != "valueslist" {
		return nil
	}
	return from
}

func unordered(list []any) []any {
	slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return list
}

// byteOffset is where character n begins: an error's position counts
// characters, a node's location bytes.
func byteOffset(text string, n int) int {
	for i := range text {
		if n == 0 {
			return i
		}
		n--
	}
	return len(text)
}

// place turns a byte offset into a line and a column, both from 1; 0, 0 for an
// offset outside of the text.
func place(text string, offset int) (line, column int) {
	if offset < 0 || offset > len(text) {
		return 0, 0
	}
	before := text[:offset]
	return strings.Count(before, "\n") + 1, offset - strings.LastIndexByte(before, '\n')
}
