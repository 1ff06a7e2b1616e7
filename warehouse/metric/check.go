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
	aggregates, err := sqltree.Aggregates(ctx, db)
	if err != nil {
		return err
	}
	c := &checker{set: set, db: db, models: models, unsteady: unsteady, aggregates: aggregates}
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
	set        *Set
	db         *sql.DB
	models     map[string]Model
	unsteady   map[string]bool
	aggregates map[string]bool
	problems   []error
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
	if m.Kind == Distinct {
		c.column(m, model, "distinct", m.Distinct)
	}
	return c.expressions(ctx, m, model)
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

// expressions checks the SQL of a metric: conditions and values.
func (c *checker) expressions(ctx context.Context, m *Metric, model Model) error {
	type expression struct {
		field, text string
		of          func(typ string) error
	}
	list := []expression{{"where", m.Where, condition}}
	for _, e := range m.Excluded {
		list = append(list, expression{"excluded." + e.Reason, e.SQL, condition})
	}
	list = append(list,
		expression{"numerator.where", m.Numerator.Where, condition}, expression{"numerator.value", quoted(m.Numerator.Value), exactNumber},
		expression{"denominator.where", m.Denominator.Where, condition}, expression{"denominator.value", quoted(m.Denominator.Value), exactNumber},
		expression{"value", quoted(m.Value), exactNumber})
	for _, e := range list {
		if strings.TrimSpace(e.text) == "" {
			continue
		}
		err := c.vet(ctx, m, model, e.text, e.of)
		if wrong, ok := errors.AsType[*conditionError](err); ok {
			c.problem(m, e.field, wrong.fix, "%s", wrong.message)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// condition refuses what is not true or false.
func condition(typ string) error {
	if typ != "BOOLEAN" {
		return unfitf("write a comparison", "is %s, not a condition", typ)
	}
	return nil
}

// exactNumber refuses what can't be added up without rounding: sums are kept
// with 6 digits after the point.
func exactNumber(typ string) error {
	var precision, scale int
	switch typ {
	case "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT":
		return nil
	case "DOUBLE", "FLOAT":
		return unfitf("cast it to decimal(18, 6)", "is %s, which sums only nearly", typ)
	}
	if n, err := fmt.Sscanf(typ, "DECIMAL(%d,%d)", &precision, &scale); err != nil || n != 2 {
		return unfitf("write a column of numbers", "is %s, not a number", typ)
	}
	if scale > 6 {
		return unfitf("cast it to decimal(18, 6)", "is %s: more than 6 digits after the point are not kept", typ)
	}
	return nil
}

// checkDay stands for $as_of where only the form of a statement counts.
func checkDay() time.Time { return time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC) }

// vet checks one expression; of refuses the types that it may not have.
func (c *checker) vet(ctx context.Context, m *Metric, model Model, text string, of func(typ string) error) error {
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
		if c.aggregates[name] {
			return unfitf("write it on the columns of one row: the metric's kind says what becomes of them", "%s is an aggregate", name)
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
	typ, err := c.typeOf(ctx, m, text)
	if err != nil {
		return err
	}
	return of(typ)
}

// typeOf compiles an expression.
func (c *checker) typeOf(ctx context.Context, m *Metric, text string) (string, error) {
	var name, typ string
	var rest [4]any
	err := c.db.QueryRowContext(ctx, "describe select ("+text+"\n) as expression from "+tableName(m.Model)).
		Scan(&name, &typ, &rest[0], &rest[1], &rest[2], &rest[3])
	if ctx.Err() != nil {
		return "", fmt.Errorf("compile an expression of %s: %w", m.Name, err)
	}
	if err != nil {
		return "", unfitf("", "%s", firstLine(err))
	}
	return typ, nil
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
