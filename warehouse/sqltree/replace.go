package sqltree

import (
	"maps"
	"strings"
)

// Replace points the query at other tables: each reference to a key (compared
// without case, all three parts as written) becomes a reference to its value.
// The reference keeps its name as alias unless it has one, and columns that
// were qualified with its schema or catalog lose them, since an alias has none.
// Where a query reads two tables of one name from two schemas and tells them
// apart by the schema alone, the result is ambiguous, which DuckDB says.
func (t *Tree) Replace(with map[Table]Table) {
	replace(t, with, func(n map[string]any, to Table) {
		n["catalog_name"], n["schema_name"], n["table_name"] = to.Catalog, to.Schema, to.Name
	})
}

// ReplaceQuery is Replace with a query, as a subquery, in the place of a table.
func (t *Tree) ReplaceQuery(with map[Table]*Tree) {
	replace(t, with, func(n map[string]any, to *Tree) {
		subquery := map[string]any{
			"type": "SUBQUERY", "alias": n["alias"], "sample": n["sample"], "query_location": n["query_location"],
			"subquery": copied(to.root), "column_name_alias": n["column_name_alias"],
		}
		clear(n)
		maps.Copy(n, subquery)
	})
}

func replace[V any](t *Tree, with map[Table]V, put func(map[string]any, V)) {
	to := make(map[Table]V, len(with))
	for k, v := range with {
		to[folded(k)] = v
	}
	// Columns first: which of them named a table is seen from the tables as they
	// still are.
	walk(t.root, nil, func(n map[string]any, sc *scope) {
		if text(n["class"]) == "COLUMN_REF" {
			n["column_names"] = unqualified(array(n["column_names"]), sc, to)
		}
		_, catalog := n["catalog"]
		_, column := n["column"]
		if catalog && column && len(n) == 4 { // a name in EXCLUDE or RENAME
			n["catalog"], n["schema"] = "", ""
		}
	})
	var found []map[string]any
	t.eachTable(func(n map[string]any) {
		if _, ok := to[folded(tableOf(n))]; ok {
			found = append(found, n)
		}
	})
	for _, n := range found {
		table := tableOf(n)
		if text(n["alias"]) == "" {
			n["alias"] = table.Name
		}
		put(n, to[folded(table)])
	}
}

// unqualified takes schema and catalog off a column of a table without an
// alias, in this FROM clause or one around it, that is being replaced. Others
// stay: a.b.c may as well be a field of a struct.
func unqualified[V any](parts []any, sc *scope, to map[Table]V) []any {
	for ; sc != nil; sc = sc.up {
		for _, n := range sc.from {
			table := tableOf(n)
			if _, ok := to[folded(table)]; !ok || text(n["alias"]) != "" {
				continue
			}
			var prefix []string
			for _, p := range []string{table.Catalog, table.Schema} {
				if p != "" {
					prefix = append(prefix, p)
				}
			}
			if starts(parts, append(prefix, table.Name)) {
				return parts[len(prefix):]
			}
			// catalog.schema.table.column where FROM leaves the catalog out.
			if table.Catalog == "" && len(parts) > 3 && starts(parts[1:], []string{table.Schema, table.Name}) {
				return parts[2:]
			}
		}
	}
	return parts
}

func starts(parts []any, names []string) bool {
	if len(parts) < len(names) {
		return false
	}
	for i, name := range names {
		if !strings.EqualFold(text(parts[i]), name) {
			return false
		}
	}
	return true
}
