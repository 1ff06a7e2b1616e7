// Package model runs the SQL files of sql/staging and sql/marts. It reads them
// once, finds their order with DuckDB's own parser, checks them against an
// empty warehouse, and builds them: each one beside its standing version,
// tested there, and all swapped in by one short transaction. It does not know
// what a figure means; warehouse/metric does.
//
// What a crash leaves of a build are tables named …__next, which nobody reads
// and the next build drops.
package model

import (
	"slices"
	"strings"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
	"github.com/funnelhouse/funnelhouse/warehouse/cases"
	"github.com/funnelhouse/funnelhouse/warehouse/sqltree"
)

// The schemas that a model lives in and reads from.
const (
	rawSchema     = "raw"
	stagingSchema = "staging"
	martsSchema   = "marts"
)

const (
	nextSuffix       = "__next"
	duplicatesSuffix = "_duplicates"
)

// Project is a set of models read at one moment. It doesn't change.
type Project struct {
	// Hash is the SHA-256, in hex, over the paths and texts of the model files.
	Hash string

	models []*Model // in an order in which each comes after what it reads
	byName map[string]*Model
	raw    map[string]bool   // the raw tables that there are, without their schema
	cases  map[string][]byte // the texts of testdata/*/*.yaml by their paths
}

// Model is one SQL file.
type Model struct {
	Path        string // staging/lead_created.sql
	Schema      string // staging or marts
	Name        string // lead_created
	Description yamlfile.Text
	Grain       []string // the columns that tell one row from another
	View        bool     // kept as a view and not as a table
	Owner       string   // the department that answers for it; empty: none named
	// Event is the event type whose rows a staging model holds once per dedupe
	// key; empty: nothing is deduplicated.
	Event   string
	Columns []Column
	// Inputs are the tables that it reads, sorted.
	Inputs []sqltree.Table

	text  string
	tree  *sqltree.Tree
	doc   *yamlfile.Doc
	key   []string // the dedupe key's columns, where Event is set
	tests []Test   // in the order of the columns, the grain's last
}

// Column is one column of a model, in the order of its select list.
type Column struct {
	Name        string
	Description yamlfile.Text
}

// Table is the model's table: marts.leads.
func (m *Model) Table() sqltree.Table { return sqltree.Table{Schema: m.Schema, Name: m.Name} }

// String is the model's name with its schema.
func (m *Model) String() string { return m.Schema + "." + m.Name }

// Tests are the model's tests, the ones that its grain implies among them.
func (m *Model) Tests() []Test { return slices.Clone(m.tests) }

// Duplicates is the table of the rows that lost against another of their key;
// false where the model names no event.
func (m *Model) Duplicates() (sqltree.Table, bool) {
	return sqltree.Table{Schema: m.Schema, Name: m.Name + duplicatesSuffix}, m.Event != ""
}

// Models lists the models in an order in which each comes after what it reads.
func (p *Project) Models() []*Model { return slices.Clone(p.models) }

// Has tells whether there is a model of that name, written without its schema:
// names are unique over both.
func (p *Project) Has(name string) bool { return p.byName[name] != nil }

// Case is a unit test in testdata/<name>/, where name is that of a model or of
// a metric.
type Case struct {
	Name string
	Path string // testdata/leads/merged-lead.yaml
	// OfMetric says that it is written as a metric's are, which matters where a
	// model and a metric have one name.
	OfMetric bool
}

// Cases lists the case files, those of metrics among them, by their paths.
func (p *Project) Cases() []Case {
	var list []Case
	for path, data := range p.cases {
		parts := strings.Split(path, "/")
		list = append(list, Case{Name: parts[len(parts)-2], Path: path, OfMetric: cases.OfMetric(path, data)})
	}
	slices.SortFunc(list, func(a, b Case) int { return strings.Compare(a.Path, b.Path) })
	return list
}

// owner is the model that makes a table: the model itself or the one whose
// duplicates it holds; nil for a raw table.
func (p *Project) owner(t sqltree.Table) *Model {
	if m := p.byName[t.Name]; m != nil && m.Schema == t.Schema {
		return m
	}
	if m := p.byName[strings.TrimSuffix(t.Name, duplicatesSuffix)]; m != nil && m.Schema == t.Schema && m.Event != "" {
		return m
	}
	return nil
}

// next is the table that a build makes beside the standing one.
func next(t sqltree.Table) sqltree.Table {
	t.Name += nextSuffix
	return t
}

// quoteText makes any text safe as a literal inside SQL.
func quoteText(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// quoteNames writes columns as identifiers with commas between them.
func quoteNames(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = sqltree.Quote(n)
	}
	return strings.Join(quoted, ", ")
}
