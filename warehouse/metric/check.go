package metric

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
	"github.com/funnelhouse/funnelhouse/warehouse/sqltree"
)

// Model is what a metric needs to know of a model.
type Model struct {
	Grain   []string          // the columns that identify a row
	Columns map[string]string // DuckDB type by column
}

// conditionClasses are the nodes that a metric's own conditions may hold. A
// subquery is none of them: what a figure is made of is rows of one model.
func conditionClasses() []string { return append(plainClasses(), "LAMBDA", "PARAMETER") }

// Check holds every metric against the models and compiles it on db, where the
// models' tables exist, empty or not: at grain month by every dimension. All
// problems come back joined, each a *yamlfile.Problem unless the database
// itself fails.
func Check(ctx context.Context, set *Set, db *sql.DB, models map[string]Model) error {
	unsteady, err := sqltree.Unsteady(ctx, db)
	if err != nil {
		return err
	}
	c := &checker{set: set, db: db, models: models, unsteady: unsteady}
	broken := map[string]bool{}
	for _, m := range set.All() {
		if m.Kind == Derived {
			continue
		}
		before := len(c.problems)
		if err := c.rows(ctx, m); err != nil {
			return err
		}
		broken[m.Name] = len(c.problems) > before
	}
	for _, m := range set.All() {
		if set.touches(m, broken) {
			continue
		}
		if err := c.compile(ctx, m); err != nil {
			return err
		}
	}
	return errors.Join(c.problems...)
}

// touches tells whether a metric or an input of it is among the broken ones.
func (s *Set) touches(m *Metric, broken map[string]bool) bool {
	return broken[m.Name] || slices.ContainsFunc(m.Inputs, func(in Input) bool {
		return s.touches(s.metrics[in.Metric], broken)
	})
}

type checker struct {
	set      *Set
	db       *sql.DB
	models   map[string]Model
	unsteady map[string]bool
	problems []error
}

func (c *checker) problem(m *Metric, field, fix, format string, args ...any) {
	c.problems = append(c.problems, m.doc.Problem(field, fmt.Sprintf(format, args...), fix))
}

// rows checks the columns and conditions of a metric on one model. Its error is
// the database's; what is wrong in the file is collected.
func (c *checker) rows(ctx context.Context, m *Metric) error {
	model, ok := c.models[m.Model]
	if !ok {
		c.problem(m, "model", "write "+nearestOr(m.Model, slices.Sorted(maps.Keys(c.models))), "there is no model %s", m.Model)
		return nil
	}
	for i, column := range m.Entity {
		c.column(m, model, index("entity", i), column)
	}
	if entity := slices.Sorted(slices.Values(m.Entity)); !slices.Equal(entity, slices.Sorted(slices.Values(model.Grain))) {
		c.problem(m, "entity", "write "+strings.Join(model.Grain, ", "),
			"a row of %s is not one %s: its grain is %s", m.Model, strings.Join(m.Entity, ", "), strings.Join(model.Grain, ", "))
	}
	c.day(m, model, "time", m.Time)
	if m.Kind == Conversion {
		c.day(m, model, "reached", m.Reached)
	}
	for i, column := range m.Dimensions {
		c.column(m, model, index("dimensions", i), column)
	}
	if strings.TrimSpace(m.Where) != "" {
		if err := c.condition(ctx, m, model, "where", m.Where); err != nil {
			return err
		}
	}
	for _, e := range m.Excluded {
		if err := c.condition(ctx, m, model, "excluded."+e.Reason, e.SQL); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) column(m *Metric, model Model, field, column string) bool {
	if _, ok := model.Columns[column]; ok {
		return true
	}
	known := slices.Sorted(maps.Keys(model.Columns))
	c.problem(m, field, "write "+nearestOr(column, known), "%s has no column %s", m.Model, column)
	return false
}

// day checks a column that says when. An instant falls into different months
// in different zones; which day it belongs to is decided once, in staging.
func (c *checker) day(m *Metric, model Model, field, column string) {
	if !c.column(m, model, field, column) || strings.EqualFold(model.Columns[column], "DATE") {
		return
	}
	var days []string
	for name, typ := range model.Columns {
		if strings.EqualFold(typ, "DATE") {
			days = append(days, name)
		}
	}
	slices.Sort(days)
	fix := "give the model a DATE column: business_date(" + column + ")"
	if near := yamlfile.Nearest(strings.TrimSuffix(column, "_at")+"_date", days); near != "" {
		fix = "write " + near
	} else if len(days) > 0 {
		fix += ", or write one of " + strings.Join(days, ", ")
	}
	c.problem(m, field, fix, "%s is %s, not DATE", column, model.Columns[column])
}

// condition checks one condition of a metric.
func (c *checker) condition(ctx context.Context, m *Metric, model Model, field, text string) error {
	err := c.vet(ctx, m, model, text)
	if wrong, ok := errors.AsType[*conditionError](err); ok {
		c.problem(m, field, wrong.fix, "%s", wrong.message)
		return nil
	}
	return err
}

// checkDay stands for $as_of where only the form of a statement counts.
func checkDay() time.Time { return time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC) }

func (c *checker) vet(ctx context.Context, m *Metric, model Model, text string) error {
	tree, err := parseCondition(ctx, c.db, text, conditionClasses())
	if err != nil {
		return err
	}
	for _, name := range tree.Parameters() {
		if !strings.EqualFold("$"+name, asOfName) {
			return unfitf("write "+asOfName, "there is no parameter $%s", name)
		}
	}
	for _, name := range tree.Functions() {
		if c.unsteady[name] || name == "age" {
			return unfitf("write "+asOfName+" for the day that is asked for", "%s gives another answer every time", name)
		}
	}
	known := slices.Sorted(maps.Keys(model.Columns))
	for _, parts := range tree.Columns() {
		first := strings.ToLower(parts[0])
		if _, ok := model.Columns[first]; !ok {
			return unfitf("write "+nearestOr(first, known)+"; text stands in 'single quotes'", "%s has no column %s", m.Model, strings.Join(parts, "."))
		}
	}
	text = withAsOf(text, checkDay())
	tree, err = parseCondition(ctx, c.db, text, conditionClasses())
	if err != nil {
		return err
	}
	if len(tree.Parameters()) > 0 {
		return unfitf("write the condition so that $as_of stands alone", "$as_of can't be found in it")
	}
	return c.boolean(ctx, m, text)
}

// boolean compiles a condition and refuses one that is not true or false.
func (c *checker) boolean(ctx context.Context, m *Metric, text string) error {
	var name, typ string
	var rest [4]any
	err := c.db.QueryRowContext(ctx, "describe select ("+text+"\n) as condition from "+tableName(m.Model)).
		Scan(&name, &typ, &rest[0], &rest[1], &rest[2], &rest[3])
	if ctx.Err() != nil {
		return fmt.Errorf("compile a condition of %s: %w", m.Name, err)
	}
	if err != nil {
		return unfitf("", "%s", firstLine(err))
	}
	if typ != "BOOLEAN" {
		return unfitf("write a comparison", "is %s, not a condition", typ)
	}
	return nil
}

// firstLine is a database's message without the statement below it, which is
// not the user's text.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// compile runs the metric by each dimension and by all of them.
func (c *checker) compile(ctx context.Context, m *Metric) error {
	splits := [][]string{nil}
	for _, d := range m.Dimensions {
		splits = append(splits, []string{d})
	}
	if m.Kind != Derived && len(m.Dimensions) > 1 {
		splits = append(splits, m.Dimensions)
	}
	for _, by := range splits {
		_, err := c.set.Query(ctx, c.db, Company{}, Request{Metric: m.Name, Grain: Month, By: by, AsOf: checkDay()})
		if err == nil {
			continue
		}
		if ctx.Err() != nil {
			return fmt.Errorf("compile metric %s: %w", m.Name, err)
		}
		c.problem(m, "metric", "", "can't be computed%s: %s", byText(by), firstLine(err))
		return nil
	}
	return nil
}

func byText(by []string) string {
	if len(by) == 0 {
		return ""
	}
	return " by " + strings.Join(by, ", ")
}
