package model

import (
	"fmt"
	"slices"
	"strings"

	"github.com/funnelhouse/funnelhouse/contracts"
	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
	"github.com/funnelhouse/funnelhouse/warehouse/sqltree"
)

// fromArguments tells whether a function in FROM makes its rows from its
// arguments alone.
func fromArguments(name string) bool {
	switch name {
	case "generate_series", "range", "unnest":
		return true
	}
	return false
}

// unsteadyCall tells whether the query calls f in a way that gives another
// answer for the same input, and what to write instead.
func (l *loader) unsteadyCall(tree *sqltree.Tree, f string) (fix string, unsteady bool) {
	if f == "age" && slices.Contains(tree.Arguments(f), 1) {
		return "age of one argument counts from today: use date_diff between two columns", true
	}
	return "a model gives the same answer for the same input: use a column of an event; what depends on the day is for metrics ($as_of)",
		l.unsteady[f]
}

// vet reports what can be told from the parse tree alone.
func (l *loader) vet(m *Model) {
	at := func(line int, message, fix string) {
		l.report(&yamlfile.Problem{Path: m.Path, Line: line, Column: min(line, 1), Message: message, Fix: fix})
	}
	for _, p := range m.tree.Parameters() {
		at(0, "reads the parameter $"+p, "a model gives the same answer for the same input: parameters are for metrics")
	}
	if m.tree.Samples() {
		at(0, "draws rows by chance (sample)", "choose them by a condition")
	}
	if m.tree.Shows() {
		at(0, "looks into the catalog (describe, show, summarize)", "read tables")
	}
	if m.Schema == martsSchema && m.tree.StarInLastStep() {
		at(0, "the last step selects *", "a mart names its columns: list them")
	}
	inFrom := m.tree.TableFunctions()
	for _, f := range m.tree.Functions() {
		if fix, bad := l.unsteadyCall(m.tree, f); bad {
			at(m.tree.FunctionLine(f), f+" gives another answer for the same input", fix)
		}
		if slices.Contains(inFrom, f) && !fromArguments(f) {
			at(m.tree.FunctionLine(f), f+" reads something else than tables", "a model reads tables alone: bring files in as a source")
		}
	}
	for _, t := range m.Inputs {
		l.vetInput(m, t, at)
	}
	for _, t := range m.tests {
		l.vetRelationship(m, t)
	}
	if other := l.project.byName[strings.TrimSuffix(m.Name, duplicatesSuffix)]; other != nil && other != m && other.Event != "" {
		at(0, "the name is that of the duplicates of "+other.String(), "choose another")
	}
	l.vetEvent(m)
}

func (l *loader) vetInput(m *Model, t sqltree.Table, at func(int, string, string)) {
	line := m.tree.TableLine(t)
	switch {
	case t.Catalog != "":
		at(line, t.String()+" names a database", "write schema and table alone")
	case t.Schema == "":
		fix := "write raw.<event>_v1, staging.<model> or marts.<model>"
		for _, known := range l.readable(m) {
			if strings.HasSuffix(known, "."+t.Name) {
				fix = "write " + known
			}
		}
		at(line, "the table "+t.Name+" has no schema", fix)
	case m.Schema == stagingSchema && t.Schema != rawSchema:
		at(line, "a staging model reads "+t.String(), "staging reads raw tables alone: move the logic to marts")
	case m.Schema == martsSchema && t.Schema == rawSchema:
		fix := "marts read staging and marts alone: read the staging model of that event"
		for _, name := range l.names() {
			if other := l.project.byName[name]; other.Schema == stagingSchema && slices.Contains(other.Inputs, t) {
				fix = "marts read staging and marts alone: read " + other.String()
			}
		}
		at(line, "a mart reads "+t.String(), fix)
	case l.broken[strings.TrimSuffix(t.String(), duplicatesSuffix)]:
	case !slices.Contains(l.readable(m), t.String()):
		known := l.readable(m)
		at(line, "there is no table "+t.String(), nearFix(t.String(), known, "there are "+strings.Join(known, ", ")))
	}
}

// readable lists the tables that a model may read, sorted.
func (l *loader) readable(m *Model) []string {
	var names []string
	if m.Schema == stagingSchema {
		for name := range l.project.raw {
			names = append(names, rawSchema+"."+name)
		}
		slices.Sort(names)
		return names
	}
	return l.built()
}

// built lists the tables that models make, sorted.
func (l *loader) built() []string {
	var names []string
	for _, m := range l.project.byName {
		names = append(names, m.String())
		if d, ok := m.Duplicates(); ok {
			names = append(names, d.String())
		}
	}
	slices.Sort(names)
	return names
}

func (l *loader) vetRelationship(m *Model, t Test) {
	if t.Kind != Relationships {
		return
	}
	owner := l.project.owner(t.to)
	if owner == nil && l.broken[t.to.String()] {
		return
	}
	if owner == nil {
		l.report(m.doc.Problem(t.field+".relationships.to", "there is no model "+t.to.String(),
			nearFix(t.to.String(), l.built(), "name a table of staging or marts")))
		return
	}
	if !slices.Contains(owner.columnNames(), t.toColumn) {
		l.report(m.doc.Problem(t.field+".relationships.column", t.to.String()+" has no column "+t.toColumn,
			nearFix(t.toColumn, owner.columnNames(), "it has "+strings.Join(owner.columnNames(), ", "))))
	}
}

// vetEvent finds the dedupe key of a staging model's event, as its columns.
func (l *loader) vetEvent(m *Model) {
	if m.Event == "" {
		return
	}
	if m.Schema != stagingSchema {
		l.report(m.doc.Problem("event", "a mart holds no single event", "remove it: event is for staging models"))
		return
	}
	var known []string
	var first *contracts.Contract
	for _, c := range l.events {
		known = append(known, c.Event)
		if c.Event != m.Event {
			continue
		}
		table := sqltree.Table{Schema: rawSchema, Name: c.Table()}
		if !slices.Contains(m.Inputs, table) {
			// Rows of a version that nobody reads would be missed in silence.
			l.report(m.doc.Problem("event", "the model doesn't read "+table.String()+", which holds "+c.Name(),
				"read every version of the event (union all)"))
		}
		if first == nil {
			first, m.key = c, keyColumns(c)
		}
		if !slices.Equal(keyColumns(c), m.key) {
			l.report(m.doc.Problem("event", fmt.Sprintf("%s and %s have different dedupe keys (%s, %s)", first.Name(), c.Name(),
				strings.Join(m.key, " "), strings.Join(keyColumns(c), " ")), "give all versions of an event one dedupeKey"))
		}
	}
	if first == nil {
		l.report(m.doc.Problem("event", "there is no contract for the event "+m.Event,
			nearFix(m.Event, known, "write the contract, or name the event without its version")))
	}
}

// keyColumns names the columns in which a staging model keeps the parts of an
// event's dedupe key.
func keyColumns(c *contracts.Contract) []string {
	columns := make([]string, 0, len(c.DedupeKey))
	for _, k := range c.DedupeKey {
		switch {
		case k.Field != "":
			columns = append(columns, k.Field)
		case k.Attribute == "id":
			columns = append(columns, "event_id")
		case k.Attribute == "time":
			columns = append(columns, "occurred_at")
		default:
			columns = append(columns, k.Attribute)
		}
	}
	slices.Sort(columns)
	return slices.Compact(columns)
}
