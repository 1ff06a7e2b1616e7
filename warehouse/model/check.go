package model

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
	"github.com/funnelhouse/funnelhouse/warehouse/cases"
)

// Check builds every model on an empty warehouse: a database in memory that has
// the schemas raw, staging and marts, the empty raw tables and the macros. It
// finds what only DuckDB can tell, and holds each header against the columns of
// its result. All problems come back together, each a *yamlfile.Problem; what
// reads a broken model is left out. Afterwards scratch holds every model's
// table without rows, as RunCase wants it.
func Check(ctx context.Context, p *Project, scratch *sql.DB) error {
	c := &checker{project: p, scratch: scratch}
	broken := map[*Model]bool{}
	for _, m := range p.models {
		if slices.ContainsFunc(p.dependencies(m), func(d *Model) bool { return broken[d] }) {
			broken[m] = true
			continue
		}
		before := len(c.problems)
		if err := c.model(ctx, m); err != nil {
			return fmt.Errorf("check %s: %w", m, err)
		}
		broken[m] = len(c.problems) > before
	}
	return errors.Join(c.problems...)
}

type checker struct {
	project  *Project
	scratch  *sql.DB
	problems []error
}

func (c *checker) report(p *yamlfile.Problem) { c.problems = append(c.problems, p) }

// model reports what is wrong with one model; an error is the database's own.
func (c *checker) model(ctx context.Context, m *Model) error {
	// The file's own text first, so that DuckDB's lines are the file's.
	before := "create or replace table " + m.Table().SQL() + " as "
	if _, err := c.scratch.ExecContext(ctx, before+m.text); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c.report(sqlProblem(m.Path, err, len(before)))
		return nil
	}
	columns, err := cases.Columns(ctx, c.scratch, m.Table())
	if err != nil {
		return err
	}
	if !c.columns(m, columns) {
		return nil
	}
	statements, err := m.statements(ctx, c.scratch, inPlace())
	if err != nil {
		return err
	}
	for _, s := range statements {
		if _, err := c.scratch.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	for _, t := range m.tests {
		if err := c.test(ctx, m, t, columns); err != nil {
			return err
		}
	}
	return nil
}

// test runs one test on no rows. There DuckDB compares no value of a list with
// the column, so those are cast apart.
func (c *checker) test(ctx context.Context, m *Model, t Test, columns []cases.Column) error {
	queries := []string{"select count(*) from (" + t.query(m.Table(), t.to) + ")"}
	for _, v := range t.values {
		kind := columns[slices.Index(cases.Names(columns), t.Columns[0])].Type
		queries = append(queries, "select count(cast("+v+" as "+kind+"))")
	}
	for _, q := range queries {
		var n int64
		if err := c.scratch.QueryRowContext(ctx, q).Scan(&n); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			c.report(m.doc.Problem(t.field, sqlProblem(m.Path, err, 0).Message, "a test is about the columns of the model"))
			return nil
		}
	}
	return nil
}

// columns holds the header and the dedupe key against the columns of the
// result.
func (c *checker) columns(m *Model, got []cases.Column) bool {
	before := len(c.problems)
	documented, made := m.columnNames(), cases.Names(got)
	for _, name := range documented {
		if !slices.Contains(made, name) {
			c.report(m.doc.Problem("columns."+name, "the query has no such column", nearFix(name, made, "remove it, or select it")))
		}
	}
	for _, name := range made {
		if !slices.Contains(documented, name) {
			c.report(m.doc.Problem("columns", "the query's column "+name+" is not described", "add "+name+": {description: …}"))
		}
	}
	if len(c.problems) == before && !slices.Equal(documented, made) {
		c.report(m.doc.Problem("columns", "the columns stand in another order than in the query", "order them "+strings.Join(made, ", ")))
	}
	if m.Event != "" {
		for _, name := range append(position(), m.key...) {
			if !slices.Contains(made, name) {
				c.report(m.doc.Problem("event", "without the column "+name+" no duplicate can be told", "keep "+name+" in the select list"+origin(name)))
			}
		}
	}
	return len(c.problems) == before
}

// origin says which raw column a column of the convention comes from.
func origin(name string) string {
	switch name {
	case "event_id":
		return " (_id as event_id)"
	case "source", "subject", "occurred_at":
		return " (_" + name + " as " + name + ")"
	}
	return ""
}

// errorPlace is how DuckDB shows where an error is: the line's text cut to a
// window, and a caret under it.
var errorPlace = regexp.MustCompile(`\n+(LINE (\d+): )(.*)\n( *)\^`)

// sqlProblem turns an error of DuckDB into the place in a file. before is how
// much stands in front of the file's text in its first line.
func sqlProblem(path string, err error, before int) *yamlfile.Problem {
	text := err.Error()
	p := &yamlfile.Problem{Path: path}
	if at := errorPlace.FindStringSubmatchIndex(text); at != nil {
		p.Line, _ = strconv.Atoi(text[at[4]:at[5]])
		p.Column = 1
		// A window that begins inside the line has lost the column.
		if line := text[at[6]:at[7]]; !strings.HasPrefix(line, "...") {
			p.Column = (at[9] - at[8]) - (at[3] - at[2]) + 1
			if p.Line == 1 {
				p.Column -= before
			}
			p.Column = max(p.Column, 1)
		}
		text = text[:at[0]]
	}
	p.Message = strings.Join(strings.Fields(text), " ")
	return p
}
