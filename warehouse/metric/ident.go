package metric

import (
	"strings"

	"github.com/funnelhouse/funnelhouse/warehouse/sqltree"
)

// keywords are the words that DuckDB doesn't take for a name everywhere.
const keywords = " " +
	"all analyse analyze and anti any array as asc asof asymmetric at authorization between bigint binary " +
	"bit boolean both by case cast char character check coalesce collate collation column columns " +
	"concurrently constraint create cross dec decimal default deferrable desc describe distinct do else " +
	"end except exists extract false fetch float for foreign freeze from full generated glob group " +
	"grouping grouping_id having ilike in initially inner inout int integer intersect interval into is " +
	"isnull join lambda lateral leading left like limit map national natural nchar none not notnull null " +
	"nullif numeric offset on only or order out outer overlaps overlay pivot pivot_longer pivot_wider " +
	"placing position positional precision primary qualify real references returning right row select " +
	"semi setof show similar smallint some struct substring summarize symmetric table tablesample then " +
	"time timestamp to trailing treat trim true try_cast union unique unpack unpivot using values varchar " +
	"variadic verbose when where window with xmlattributes xmlconcat xmlelement xmlexists xmlforest " +
	"xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable "

// ident writes a name as SQL, in quotes only where it needs them: the SQL of a
// metric is read by people.
func ident(name string) string {
	if columnPattern.MatchString(name) && !strings.Contains(keywords, " "+name+" ") {
		return name
	}
	return sqltree.Quote(name)
}

func idents(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = ident(n)
	}
	return out
}

// tableName writes a model's name as SQL.
func tableName(model string) string {
	schema, name, ok := strings.Cut(model, ".")
	if !ok {
		return ident(model)
	}
	return ident(schema) + "." + ident(name)
}
