package metric

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
	"github.com/funnelhouse/funnelhouse/warehouse/cases"
	"github.com/funnelhouse/funnelhouse/warehouse/sqltree"
)

// caseFile is testdata/<metric>/<case>.yaml.
type caseFile struct {
	Description      string                             `yaml:"description" doc:"What the case shows."`
	Given            yamlfile.Ordered[[]map[string]any] `yaml:"given" required:"true" doc:"Rows by model (schema.table). A column that is left out is null."`
	AsOf             string                             `yaml:"as_of" required:"true" doc:"The day as of which it is asked: 2026-10-31."`
	Grain            string                             `yaml:"grain" required:"true" enum:"total|year|quarter|month|week|day" doc:"The length of a period."`
	By               []string                           `yaml:"by" doc:"Dimensions to split by."`
	From             any                                `yaml:"from" doc:"First period or day."`
	To               any                                `yaml:"to" doc:"Last period or day, included."`
	Where            string                             `yaml:"where" doc:"SQL condition on the metric's dimensions."`
	FiscalYearStarts string                             `yaml:"fiscal_year_starts" doc:"English name of a month. Default: january."`
	Expect           []map[string]any                   `yaml:"expect" required:"true" doc:"The rows in their order. Only the keys that are written are compared: period, numerator, denominator, value, n, ci_low, ci_high, flags, and the dimensions of by."`
}

func caseKeys() []string {
	return []string{"period", colNumerator, colDenominator, colValue, colN, "ci_low", "ci_high", "flags"}
}

// RunCase runs one case of a metric, the file at path of the sql/ folder. The
// models' tables exist in scratch with their real columns; the case's rows
// take the place of what is in them and are gone afterwards. A mistake in the
// file comes back as *yamlfile.Problem, anything else as *cases.CaseError:
// where the rows differ its text has both beside each other.
func RunCase(ctx context.Context, set *Set, name, path string, files fs.FS, scratch *sql.DB) error {
	m, err := set.Get(name)
	if err != nil {
		return &cases.CaseError{Path: path, Err: err}
	}
	data, err := fs.ReadFile(files, path)
	if err != nil {
		return &cases.CaseError{Path: path, Err: fmt.Errorf("read it: %w", err)}
	}
	c := &metricCase{metric: m}
	if c.doc, err = yamlfile.Decode(path, data, &c.file); err != nil {
		return err
	}
	company, req, err := c.request()
	if err != nil {
		return err
	}
	return cases.Run(ctx, path, scratch, func(tx *sql.Tx) error {
		return c.run(ctx, tx, set, company, req)
	})
}

type metricCase struct {
	metric *Metric
	file   caseFile
	doc    *yamlfile.Doc
}

func (c *metricCase) problem(field, fix, format string, args ...any) error {
	return c.doc.Problem(field, fmt.Sprintf(format, args...), fix)
}

func (c *metricCase) request() (Company, Request, error) {
	f := &c.file
	req := Request{Metric: c.metric.Name, Grain: Grain(f.Grain), By: f.By, Where: f.Where}
	var company Company
	var problems []error
	day, err := time.Parse(time.DateOnly, f.AsOf)
	if err != nil {
		problems = append(problems, c.problem("as_of", "write a day, for example 2026-10-31", "%q is no day", f.AsOf))
	}
	req.AsOf = day
	if f.FiscalYearStarts != "" {
		company.FiscalYearStarts, err = ParseMonth(f.FiscalYearStarts)
		if err != nil {
			problems = append(problems, c.problem("fiscal_year_starts", "", "%s", err))
		}
	}
	if f.From != nil {
		req.From = cases.Text(f.From)
	}
	if f.To != nil {
		req.To = cases.Text(f.To)
	}
	known := append(caseKeys(), f.By...)
	for i, row := range f.Expect {
		for _, key := range slices.Sorted(maps.Keys(row)) {
			field := index("expect", i) + "." + key
			switch {
			case !has(known, key) && has(c.metric.Dimensions, key):
				problems = append(problems, c.problem(field, "add it to by", "the case does not split by %s", key))
			case !has(known, key):
				problems = append(problems, c.problem(field, "write "+nearestOr(key, known), "unknown key"))
			case key == "flags":
				problems = append(problems, c.checkFlags(field, row[key]))
			}
		}
	}
	return company, req, errors.Join(problems...)
}

func (c *metricCase) checkFlags(field string, v any) error {
	list, ok := v.([]any)
	if !ok {
		return c.problem(field, "write a list, for example [immature]", "is no list")
	}
	for i, flag := range list {
		if name, ok := flag.(string); !ok || !has(flagNames(), name) {
			return c.problem(index(field, i), "write "+nearestOr(cases.Text(flag), flagNames()), "%q is no flag", cases.Text(flag))
		}
	}
	return nil
}

func (c *metricCase) run(ctx context.Context, tx *sql.Tx, set *Set, company Company, req Request) error {
	for _, model := range c.metric.models {
		if _, err := tx.ExecContext(ctx, "delete from "+tableName(model)); err != nil {
			return fmt.Errorf("empty %s: %w", model, err)
		}
	}
	for _, e := range c.file.Given {
		if !has(c.metric.models, e.Key) {
			return c.problem("given."+e.Key, "write "+nearestOr(e.Key, c.metric.models),
				"%s does not read %s", c.metric.Name, e.Key)
		}
		if err := c.insert(ctx, tx, e.Key, e.Value); err != nil {
			return err
		}
	}
	table, err := set.Query(ctx, tx, company, req)
	if refused, ok := errors.AsType[*RequestError](err); ok {
		return c.problem(refused.Field, "", "%s", refused.Err)
	}
	if err != nil {
		return err
	}
	return c.compare(table)
}

// insert fills a model's table.
func (c *metricCase) insert(ctx context.Context, tx *sql.Tx, model string, rows []map[string]any) error {
	schema, name, _ := strings.Cut(model, ".")
	table := sqltree.Table{Schema: schema, Name: name}
	columns, err := cases.Columns(ctx, tx, table)
	if err != nil {
		return err
	}
	known := slices.Sorted(slices.Values(cases.Names(columns)))
	for i, row := range rows {
		field := index("given."+model, i)
		for _, column := range slices.Sorted(maps.Keys(row)) {
			if !has(known, column) {
				return c.problem(field+"."+column, "write "+nearestOr(column, known), "%s has no column %s", model, column)
			}
			switch row[column].(type) {
			case []any, map[string]any:
				return c.problem(field+"."+column, "write one value", "is a list or a mapping")
			}
		}
		if len(row) == 0 {
			return c.problem(field, "write at least one column", "is empty")
		}
		if err := cases.Insert(ctx, tx, table, columns, row); err != nil {
			if ctx.Err() != nil {
				return fmt.Errorf("insert into %s: %w", model, err)
			}
			return c.problem(field, "", "can't be stored in %s: %s", model, firstLine(err))
		}
	}
	return nil
}
