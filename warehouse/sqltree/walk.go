package sqltree

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// scope is what a place in the tree can see by name: the CTEs defined so far
// around it, and the FROM clauses of the SELECTs that it stands in.
type scope struct {
	up  *scope
	cte string // lower case; empty where the entry is a FROM clause
	// recursive marks the name that a recursive CTE gives its own last rows.
	recursive bool
	from      []map[string]any // BASE_TABLE nodes of one FROM clause
	lambda    []string         // parameters of a lambda, lower case
}

func (s *scope) sees(name string) *scope {
	name = strings.ToLower(name)
	for ; s != nil; s = s.up {
		if s.cte != "" && s.cte == name {
			return s
		}
	}
	return nil
}

// binds tells whether the name is a lambda's parameter here.
func (s *scope) binds(name string) bool {
	name = strings.ToLower(name)
	for ; s != nil; s = s.up {
		if slices.Contains(s.lambda, name) {
			return true
		}
	}
	return false
}

// walk visits every object of the tree with the scope it stands in. DuckDB's
// rules for CTEs, each tried on 1.5: a body sees the CTEs before it and those
// around it; its own name only inside the recursive side of a recursive CTE,
// where the parser made one; names fold case; a qualified name is never a CTE.
func walk(v any, sc *scope, visit func(map[string]any, *scope)) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			walk(e, sc, visit)
		}
	case map[string]any:
		visit(v, sc)
		inner := enter(v, sc, visit)
		for key, child := range v {
			switch {
			case key == "cte_map":
			case key == "right" && text(v["type"]) == "RECURSIVE_CTE_NODE":
				own := &scope{up: inner, cte: strings.ToLower(text(v["cte_name"])), recursive: true}
				walk(child, own, visit)
			default:
				walk(child, inner, visit)
			}
		}
	}
}

// enter walks the CTEs of a query node in their order and returns the scope of
// the rest of the node; for other nodes the scope is as it was.
func enter(v map[string]any, sc *scope, visit func(map[string]any, *scope)) *scope {
	if m, ok := v["cte_map"]; ok {
		for _, e := range array(object(m)["map"]) {
			entry := object(e)
			walk(entry["value"], sc, visit)
			sc = &scope{up: sc, cte: strings.ToLower(text(entry["key"]))}
		}
		if from, ok := v["from_table"]; ok {
			sc = &scope{up: sc, from: baseTables(from, nil)}
		}
	}
	if text(v["class"]) == "LAMBDA" {
		if names := parameters(v["lhs"]); names != nil {
			sc = &scope{up: sc, lambda: names}
		}
	}
	return sc
}

// baseTables lists the tables of one FROM clause, not those of its subqueries.
func baseTables(v any, to []map[string]any) []map[string]any {
	node := object(v)
	switch text(node["type"]) {
	case "BASE_TABLE":
		return append(to, node)
	case "JOIN":
		return baseTables(node["right"], baseTables(node["left"], to))
	case "PIVOT":
		return baseTables(node["source"], to)
	}
	return to
}

// parameters names the parameters of a lambda. `a -> b` is also how JSON is
// read (`doc -> '$.x'`); the parser makes the same node of both, but gives the
// left side of a written-out `lambda x:` no place of its own. So an arrow's left
// side counts as a column, which is the side that hides nothing.
func parameters(lhs any) []string {
	node := object(lhs)
	if _, placed := location(node); placed {
		return nil
	}
	refs := []any{lhs}
	if text(node["class"]) == "FUNCTION" {
		refs = array(node["children"])
	}
	var names []string
	for _, r := range refs {
		if parts := array(object(r)["column_names"]); len(parts) == 1 {
			names = append(names, strings.ToLower(text(parts[0])))
		}
	}
	return names
}

// location is a node's byte offset; false where the parser gave none.
func location(node map[string]any) (int, bool) {
	n, ok := node["query_location"].(json.Number)
	if !ok {
		return 0, false
	}
	// "No place" is 2^64-1, which doesn't fit an int.
	offset, err := strconv.Atoi(n.String())
	return offset, err == nil
}

// first is the lowest offset of the tree, or -1.
func (t *Tree) first() int {
	low := -1
	walk(t.root, nil, func(n map[string]any, _ *scope) {
		if at, ok := location(n); ok && (low < 0 || at < low) {
			low = at
		}
	})
	return low
}

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func array(v any) []any {
	a, _ := v.([]any)
	return a
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func copied(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, e := range v {
			m[k] = copied(e)
		}
		return m
	case []any:
		a := make([]any, len(v))
		for i, e := range v {
			a[i] = copied(e)
		}
		return a
	}
	return v
}
