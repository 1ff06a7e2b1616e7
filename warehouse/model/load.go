package model

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/funnelhouse/funnelhouse/contracts"
	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
	"github.com/funnelhouse/funnelhouse/warehouse/sqltree"
)

// Load reads staging/*.sql, marts/*.sql and the cases of the sql/ folder, whose
// root files is, into memory; a build uses nothing but that. What can be told
// without a database is checked here, the rest by Check. All problems of all
// files come back together, each a *yamlfile.Problem.
func Load(ctx context.Context, files fs.FS, set *contracts.Set, parser sqltree.Querier) (*Project, error) {
	return load(ctx, files, set.All(), parser)
}

func load(ctx context.Context, files fs.FS, events []*contracts.Contract, parser sqltree.Querier) (*Project, error) {
	unsteady, err := sqltree.Unsteady(ctx, parser)
	if err != nil {
		return nil, err
	}
	l := &loader{
		project: &Project{byName: map[string]*Model{}, raw: map[string]bool{}, cases: map[string][]byte{}},
		events:  events, parser: parser, unsteady: unsteady, broken: map[string]bool{},
	}
	for _, c := range events {
		l.project.raw[c.Table()] = true
	}
	hash := sha256.New()
	for _, schema := range []string{stagingSchema, martsSchema} {
		if err := l.folder(ctx, files, schema, hash.Write); err != nil {
			return nil, err
		}
	}
	if err := l.readCases(files); err != nil {
		return nil, err
	}
	for _, name := range l.names() {
		l.vet(l.project.byName[name])
	}
	l.order()
	if err := errors.Join(l.problems...); err != nil {
		return nil, err
	}
	l.project.Hash = hex.EncodeToString(hash.Sum(nil))
	return l.project, nil
}

type loader struct {
	project  *Project
	events   []*contracts.Contract
	parser   sqltree.Querier
	unsteady map[string]bool
	broken   map[string]bool // tables of files that couldn't be read: they are not missing
	problems []error
}

func (l *loader) report(p *yamlfile.Problem) { l.problems = append(l.problems, p) }

// names lists the models' names, sorted, so that problems come in one order.
func (l *loader) names() []string { return slices.Sorted(maps.Keys(l.project.byName)) }

// folder reads the models of one schema and adds them to the hash.
func (l *loader) folder(ctx context.Context, files fs.FS, schema string, hash func([]byte) (int, error)) error {
	entries, err := fs.ReadDir(files, schema)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("list the models of %s: %w", schema, err)
	}
	for _, e := range entries {
		file := path.Join(schema, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), ".") || path.Ext(e.Name()) == ".md":
			continue
		case e.IsDir() || path.Ext(e.Name()) != ".sql":
			l.report(&yamlfile.Problem{Path: file, Message: "is not read", Fix: "a model is a file " + schema + "/<name>.sql"})
			continue
		}
		data, err := fs.ReadFile(files, file)
		if err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
		// The length keeps two files from passing for one.
		if _, err := hash(fmt.Appendf(nil, "%s\x00%d\x00%s", file, len(data), data)); err != nil {
			return fmt.Errorf("hash %s: %w", file, err)
		}
		if err := l.file(ctx, schema, file, string(data)); err != nil {
			return err
		}
	}
	return nil
}

var modelName = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

func (l *loader) file(ctx context.Context, schema, file, text string) error {
	name := strings.TrimSuffix(path.Base(file), ".sql")
	if !modelName.MatchString(name) {
		l.report(&yamlfile.Problem{
			Path: file, Message: "the name is not a model's",
			Fix: "use lower-case letters, digits and single underscores, beginning with a letter",
		})
		return nil
	}
	l.broken[schema+"."+name] = true // until it is read whole
	if other := l.project.byName[name]; other != nil {
		l.report(&yamlfile.Problem{Path: file, Message: "the name is taken by " + other.Path, Fix: "a name is unique over staging and marts: choose another"})
		return nil
	}
	h, doc, err := readHeader(file, text)
	if err != nil {
		l.problems = append(l.problems, err)
		return nil
	}
	m := &Model{
		Path: file, Schema: schema, Name: name, Description: h.Description, Grain: h.Grain,
		View: h.Materialized == "view", Owner: h.Owner, Event: h.Event, text: text, doc: doc,
	}
	l.columns(m, h)
	switch {
	case h.Materialized == "incremental":
		l.report(doc.Problem("materialized", "incremental is not in this version yet", "write table"))
	case h.Materialized != "" && h.Materialized != "table" && h.Materialized != "view":
		l.report(doc.Problem("materialized", h.Materialized+" is no way to keep a model", "write table or view"))
	case m.View && schema == stagingSchema:
		// A view over raw tables would show rows that no build has tested.
		l.report(doc.Problem("materialized", "a staging model is not a view", "write table"))
	}
	m.tree, err = sqltree.Parse(ctx, l.parser, text)
	var refused *sqltree.ParseError
	switch {
	case errors.As(err, &refused):
		l.report(&yamlfile.Problem{Path: file, Line: refused.Line, Column: refused.Column, Message: refused.Message})
		return nil
	case err != nil:
		return fmt.Errorf("parse %s: %w", file, err)
	}
	m.Inputs = m.tree.Tables()
	l.project.byName[name] = m
	delete(l.broken, m.String())
	return l.expressions(ctx, m)
}

// columns takes the columns and tests over from the header and adds the tests
// that the grain implies.
func (l *loader) columns(m *Model, h *header) {
	has := map[string]bool{} // tests that fail a build, as text
	for _, c := range h.Columns {
		m.Columns = append(m.Columns, Column{Name: c.Key, Description: c.Value.Description})
		for i, d := range c.Value.Tests {
			t := d.Test
			t.Columns, t.field = []string{c.Key}, fmt.Sprintf("columns.%s.tests[%d]", c.Key, i)
			m.tests = append(m.tests, t)
			has[t.String()] = has[t.String()] || t.Severity == Fail
		}
	}
	if len(h.Grain) == 0 {
		l.report(m.doc.Problem("grain", "names no column", "name the columns that tell one row from another"))
		return
	}
	var implied []Test
	for _, c := range h.Grain {
		if _, ok := h.Columns.Get(c); !ok {
			l.report(m.doc.Problem("grain", c+" is no column of the model", nearFix(c, m.columnNames(), "name columns that are described below")))
			return
		}
		implied = append(implied, Test{Kind: NotNull, Columns: []string{c}, Severity: Fail, field: "grain"})
	}
	implied = append(implied, Test{Kind: Unique, Columns: h.Grain, Severity: Fail, field: "grain"})
	for _, t := range implied {
		if !has[t.String()] {
			m.tests = append(m.tests, t)
		}
	}
}

func (m *Model) columnNames() []string {
	names := make([]string, len(m.Columns))
	for i, c := range m.Columns {
		names[i] = c.Name
	}
	return names
}

// expressions vets the conditions of tests: each is one expression on the
// columns of a row.
func (l *loader) expressions(ctx context.Context, m *Model) error {
	for _, t := range m.tests {
		if t.Kind != Expression {
			continue
		}
		tree, err := sqltree.ParseExpression(ctx, l.parser, t.expression)
		var refused *sqltree.ParseError
		switch {
		case errors.As(err, &refused):
			l.report(m.doc.Problem(t.field, refused.Message, "write one SQL condition"))
		case err != nil:
			return fmt.Errorf("parse a test of %s: %w", m.Path, err)
		case tree.HasSubquery() || tree.HasWindow() || len(tree.Parameters()) > 0 || tree.HasStar():
			l.report(m.doc.Problem(t.field, "the condition looks beyond its row", "use columns of the row and constants alone; for another table there is relationships"))
		default:
			for _, f := range tree.Functions() {
				if fix, bad := l.unsteadyCall(tree, f); bad {
					l.report(m.doc.Problem(t.field, f+" gives another answer for the same rows", fix))
				}
			}
		}
	}
	return nil
}

// readCases takes the texts of the unit tests into memory; RunCase decodes
// them.
func (l *loader) readCases(files fs.FS) error {
	paths, err := fs.Glob(files, "testdata/*/*.yaml")
	if err != nil {
		return fmt.Errorf("list the cases: %w", err)
	}
	for _, p := range paths {
		if l.project.cases[p], err = fs.ReadFile(files, p); err != nil {
			return fmt.Errorf("read %s: %w", p, err)
		}
	}
	return nil
}

// nearFix proposes the nearest known name, or says otherwise.
func nearFix(word string, known []string, otherwise string) string {
	if near := yamlfile.Nearest(word, known); near != "" {
		return "did you mean " + near + "?"
	}
	return otherwise
}
