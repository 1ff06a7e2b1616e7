package sqltree

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Tables lists the tables that the query reads, less the CTEs in scope where
// they are named, each once, sorted, spelled as where it is named first. A file
// named in FROM ('x.csv') is a table without a schema; functions that read files
// are in Functions.
func (t *Tree) Tables() []Table {
	type named struct {
		table Table
		at    int
	}
	first := map[Table]named{}
	t.eachTable(func(n map[string]any) {
		at, ok := location(n)
		if !ok {
			at = len(t.text)
		}
		table := tableOf(n)
		if known, ok := first[folded(table)]; !ok || at < known.at {
			first[folded(table)] = named{table, at}
		}
	})
	found := make([]Table, 0, len(first))
	for _, f := range first {
		found = append(found, f.table)
	}
	slices.SortFunc(found, func(a, b Table) int {
		return cmp.Or(cmp.Compare(a.Catalog, b.Catalog), cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Name, b.Name))
	})
	return found
}

// TableLine is the line (from 1) where a table is first named; 0: not known.
func (t *Tree) TableLine(table Table) int {
	low := -1
	t.eachTable(func(n map[string]any) {
		if at, ok := location(n); ok && folded(tableOf(n)) == folded(table) && (low < 0 || at < low) {
			low = at
		}
	})
	line, _ := place(t.text, low)
	return line
}

func (t *Tree) eachTable(f func(map[string]any)) {
	walk(t.root, nil, func(n map[string]any, sc *scope) {
		if text(n["type"]) != "BASE_TABLE" {
			return
		}
		table := tableOf(n)
		if table.Catalog == "" && table.Schema == "" && sc.sees(table.Name) != nil {
			return
		}
		// USING KEY names the whole of a recursive CTE recurring.<name>.
		if table.Catalog == "" && strings.EqualFold(table.Schema, "recurring") {
			if s := sc.sees(table.Name); s != nil && s.recursive {
				return
			}
		}
		f(n)
	})
}

func tableOf(n map[string]any) Table {
	return Table{Catalog: text(n["catalog_name"]), Schema: text(n["schema_name"]), Name: text(n["table_name"])}
}

func folded(t Table) Table {
	return Table{Catalog: strings.ToLower(t.Catalog), Schema: strings.ToLower(t.Schema), Name: strings.ToLower(t.Name)}
}

// Functions lists the scalar, aggregate, window and table functions that the
// query calls, in lower case and without their schema, sorted, each once.
// Operators are left out (`a + b`, `a like b`, `a similar to b` aside, which the
// parser makes a call of regexp_full_match). current_date and its kin, which
// the parser takes for columns, are among them; they are in Columns too.
func (t *Tree) Functions() []string {
	found := map[string]bool{}
	t.eachFunction(func(name string, _ map[string]any) { found[name] = true })
	return slices.Sorted(maps.Keys(found))
}

// FunctionLine is the line (from 1) where a function is first called; 0: not
// known.
func (t *Tree) FunctionLine(name string) int {
	low := -1
	t.eachFunction(func(n string, node map[string]any) {
		if at, ok := location(node); ok && n == strings.ToLower(name) && (low < 0 || at < low) {
			low = at
		}
	})
	line, _ := place(t.text, low)
	return line
}

// Arguments gives the number of arguments of each call of a function.
func (t *Tree) Arguments(name string) []int {
	var counts []int
	t.eachFunction(func(n string, node map[string]any) {
		if n == strings.ToLower(name) {
			counts = append(counts, len(array(node["children"])))
		}
	})
	return counts
}

func (t *Tree) eachFunction(f func(name string, node map[string]any)) {
	walk(t.root, nil, func(n map[string]any, sc *scope) {
		switch text(n["class"]) {
		case "FUNCTION", "WINDOW":
			if operator, _ := n["is_operator"].(bool); !operator {
				f(strings.ToLower(text(n["function_name"])), n)
			}
		case "COLUMN_REF":
			parts := array(n["column_names"])
			if len(parts) != 1 {
				return
			}
			if name := strings.ToLower(text(parts[0])); valueFunction(name) && !sc.binds(name) {
				f(name, n)
			}
		}
	})
}

// TableFunctions lists the functions that stand in FROM as a table does, table
// macros among them: lower case, sorted, each once. They are in Functions too.
func (t *Tree) TableFunctions() []string {
	found := map[string]bool{}
	walk(t.root, nil, func(n map[string]any, _ *scope) {
		if text(n["type"]) == "TABLE_FUNCTION" {
			found[strings.ToLower(text(object(n["function"])["function_name"]))] = true
		}
	})
	return slices.Sorted(maps.Keys(found))
}

// Columns lists the column references as their parts, spelled as they stand,
// sorted, each once; a lambda's parameters (`lambda x:`) are none. The parts are
// what was written: a.b may be column b of table a or field b of column a.
func (t *Tree) Columns() [][]string {
	var found [][]string
	walk(t.root, nil, func(n map[string]any, sc *scope) {
		if text(n["class"]) != "COLUMN_REF" {
			return
		}
		names := array(n["column_names"])
		parts := make([]string, len(names))
		for i, p := range names {
			parts[i] = text(p)
		}
		if len(parts) > 0 && !sc.binds(parts[0]) {
			found = append(found, parts)
		}
	})
	slices.SortFunc(found, slices.Compare[[]string])
	return slices.CompactFunc(found, slices.Equal[[]string])
}

// ColumnLine is the line (from 1) where a column is first named with exactly
// these parts; 0: not known.
func (t *Tree) ColumnLine(parts ...string) int {
	low := -1
	walk(t.root, nil, func(n map[string]any, _ *scope) {
		if text(n["class"]) != "COLUMN_REF" {
			return
		}
		names := array(n["column_names"])
		same := slices.EqualFunc(names, parts, func(a any, b string) bool { return strings.EqualFold(text(a), b) })
		if at, ok := location(n); same && ok && (low < 0 || at < low) {
			low = at
		}
	})
	line, _ := place(t.text, low)
	return line
}

// Parameters lists the prepared-statement parameters: names without the $, and
// numbers for ? and $1. Sorted, each once.
func (t *Tree) Parameters() []string {
	found := map[string]bool{}
	walk(t.root, nil, func(n map[string]any, _ *scope) {
		if text(n["class"]) == "PARAMETER" {
			found[text(n["identifier"])] = true
		}
	})
	return slices.Sorted(maps.Keys(found))
}

// StarInLastStep tells whether the outermost select list holds a star (*, t.*,
// COLUMNS(…)), on any side of a set operation.
func (t *Tree) StarInLastStep() bool { return starInLastStep(object(t.root["node"])) }

func starInLastStep(node map[string]any) bool {
	if text(node["type"]) == "SET_OPERATION_NODE" {
		return starInLastStep(object(node["left"])) || starInLastStep(object(node["right"]))
	}
	return hasStar(node["select_list"])
}

// hasStar looks for a star outside of subqueries: COLUMNS(*) + 1 makes columns
// as * does.
func hasStar(v any) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, hasStar)
	case map[string]any:
		switch text(v["class"]) {
		case "STAR":
			return true
		case "SUBQUERY":
			return hasStar(v["child"])
		}
		for _, child := range v {
			if hasStar(child) {
				return true
			}
		}
	}
	return false
}

// Classes lists the kinds of expressions in DuckDB's words (COLUMN_REF, CONSTANT,
// FUNCTION, OPERATOR, COMPARISON, CONJUNCTION, CASE, CAST, BETWEEN, COLLATE,
// SUBQUERY, WINDOW, STAR, PARAMETER, LAMBDA, POSITIONAL_REFERENCE, DEFAULT, …),
// sorted, each once, for those who list what they allow.
func (t *Tree) Classes() []string {
	found := map[string]bool{}
	walk(t.root, nil, func(n map[string]any, _ *scope) {
		if class := text(n["class"]); class != "" {
			found[class] = true
		}
	})
	return slices.Sorted(maps.Keys(found))
}

// HasStar tells whether a star stands anywhere, subqueries included. count(*)
// is no star.
func (t *Tree) HasStar() bool {
	return t.has(func(n map[string]any) bool { return text(n["class"]) == "STAR" })
}

// HasSubquery tells whether a SELECT stands inside the outermost one: a
// subquery, a CTE, a side of a set operation.
func (t *Tree) HasSubquery() bool {
	top := object(t.root["node"])
	if text(top["type"]) != "SELECT_NODE" {
		return true
	}
	count := 0
	walk(t.root, nil, func(n map[string]any, _ *scope) {
		if _, ok := n["cte_map"]; ok {
			count++
		}
	})
	return count > 1
}

// HasWindow tells whether a window function (… over …) is used.
func (t *Tree) HasWindow() bool {
	return t.has(func(n map[string]any) bool { return text(n["class"]) == "WINDOW" })
}

// Samples tells whether rows are drawn by chance (USING SAMPLE, TABLESAMPLE).
func (t *Tree) Samples() bool {
	return t.has(func(n map[string]any) bool { return object(n["sample"]) != nil })
}

// Shows tells whether the query looks into the catalog by DESCRIBE, SHOW or
// SUMMARIZE.
func (t *Tree) Shows() bool {
	return t.has(func(n map[string]any) bool { return text(n["type"]) == "SHOW_REF" })
}

func (t *Tree) has(is func(map[string]any) bool) bool {
	found := false
	walk(t.root, nil, func(n map[string]any, _ *scope) { found = found || is(n) })
	return found
}

// valueFunction tells whether SQL calls the name without parentheses.
func valueFunction(name string) bool {
	switch name {
	case "current_catalog", "current_database", "current_date", "current_role", "current_schema", "current_time",
		"current_timestamp", "current_user", "localtime", "localtimestamp", "session_user":
		return true
	}
	return false
}
