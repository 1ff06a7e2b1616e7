package model

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
	"github.com/funnelhouse/funnelhouse/warehouse"
	"github.com/funnelhouse/funnelhouse/warehouse/cases"
	"github.com/funnelhouse/funnelhouse/warehouse/sqltree"
)

// caseFile is a unit test as it is written.
type caseFile struct {
	Description string                             `yaml:"description" doc:"What the case shows."`
	Zone        string                             `yaml:"zone" doc:"Time zone in which a business day begins in this case. Default: UTC, whatever the company's is."`
	Currency    string                             `yaml:"currency" doc:"Currency of the company in this case. Default: none, every amount is taken to be in it, whatever the company's is."`
	Given       yamlfile.Ordered[[]map[string]any] `yaml:"given" required:"true" doc:"Rows by table (raw, staging or marts). A column that is left out is null, but in raw the columns that every event has get a value: _topic case, _epoch, _partition and _n 0, _offset the row's number from 0, _batch_id 1, _id event-<row's number>, _source case, _occurred_at and _ingested_at the first instant of 2000. Tables between the given ones and the model are built."`
	Expect      []map[string]any                   `yaml:"expect" required:"true" doc:"All rows of the model, in any order. Only columns that are named in some row are compared; where another row leaves one out it is null."`
}

// CaseSchema is the JSON Schema of a model's case file.
func CaseSchema() ([]byte, error) {
	return yamlfile.Schema("funnelhouse model case", "A unit test of a model: sql/testdata/<model>/<case>.yaml.", caseFile{})
}

// RunCase runs one case (a path as in Cases) of the model of that name. scratch
// is the database that Check has been through; it is left as it was. A mistake
// in the file comes back as *yamlfile.Problem, anything else as
// *cases.CaseError: where the rows differ its text is a table of them, "-"
// expected and missing, "+" there and not expected.
func RunCase(ctx context.Context, p *Project, name, path string, scratch *sql.DB) error {
	m := p.byName[name]
	if m == nil {
		return &cases.CaseError{Path: path, Err: fmt.Errorf("there is no model %s", name)}
	}
	data, ok := p.cases[path]
	if !ok {
		return &cases.CaseError{Path: path, Err: errors.New("it was not there when the project was read")}
	}
	r := &caseRun{project: p, model: m}
	var err error
	if r.doc, err = yamlfile.Decode(path, data, &r.file); err != nil {
		return err
	}
	return cases.Run(ctx, path, scratch, func(tx *sql.Tx) error {
		r.tx = tx
		return r.run(ctx)
	})
}

type caseRun struct {
	project *Project
	model   *Model
	doc     *yamlfile.Doc
	file    caseFile
	tx      *sql.Tx
}

func (r *caseRun) run(ctx context.Context) error {
	zone := cmp.Or(r.file.Zone, "UTC")
	if _, err := time.LoadLocation(zone); err != nil || zone == "Local" {
		return r.doc.Problem("zone", fmt.Sprintf("%q is no time zone", zone), "write a name of the IANA database, like Asia/Shanghai")
	}
	if _, err := r.tx.ExecContext(ctx, warehouse.BusinessDate(zone)); err != nil {
		return fmt.Errorf("set the zone: %w", err)
	}
	if _, err := r.tx.ExecContext(ctx, warehouse.CompanyCurrency(r.file.Currency)); err != nil {
		return fmt.Errorf("set the currency: %w", err)
	}
	given := map[sqltree.Table]bool{}
	for _, e := range r.file.Given {
		schema, name, _ := strings.Cut(e.Key, ".")
		t := sqltree.Table{Schema: schema, Name: name}
		given[t] = true
		if r.project.owner(t) == r.model {
			return r.doc.Problem("given."+e.Key, "the model itself can't be given", "give the tables that it reads")
		}
		if err := r.insert(ctx, e.Key, t, e.Value); err != nil {
			return err
		}
	}
	if err := r.build(ctx, given); err != nil {
		return err
	}
	return r.compare(ctx)
}

// insert fills a given table.
func (r *caseRun) insert(ctx context.Context, key string, t sqltree.Table, rows []map[string]any) error {
	columns, err := cases.Columns(ctx, r.tx, t)
	if err != nil {
		return err
	}
	if len(columns) == 0 {
		return r.doc.Problem("given."+key, "there is no table "+t.String(), nearFix(t.String(), r.tables(), "name a table of raw, staging or marts"))
	}
	for i, row := range rows {
		field := fmt.Sprintf("given.%s[%d]", key, i)
		if err := r.known(field, row, columns, t); err != nil {
			return err
		}
		if t.Schema == rawSchema {
			row = withEnvelope(row, i)
		}
		if err := cases.Insert(ctx, r.tx, t, columns, row); err != nil {
			return r.refused(ctx, err, field, "give values of the columns' types")
		}
	}
	return nil
}

// refused makes what DuckDB says of a row a problem of the file, unless it was
// only interrupted.
func (r *caseRun) refused(ctx context.Context, err error, field, fix string) error {
	if ctx.Err() != nil {
		return err
	}
	return r.doc.Problem(field, sqlProblem("", err, 0).Message, fix)
}

// tables lists the tables that can be given, sorted.
func (r *caseRun) tables() []string {
	var names []string
	for name := range r.project.raw {
		names = append(names, rawSchema+"."+name)
	}
	for _, m := range r.project.models {
		names = append(names, m.String())
	}
	slices.Sort(names)
	return names
}

// known reports a row's first column that the table doesn't have.
func (r *caseRun) known(field string, row map[string]any, columns []cases.Column, t sqltree.Table) error {
	names := cases.Names(columns)
	for _, name := range slices.Sorted(maps.Keys(row)) {
		if !slices.Contains(names, name) {
			return r.doc.Problem(field+"."+name, t.String()+" has no column "+name, nearFix(name, names, "it has "+strings.Join(names, ", ")))
		}
	}
	return nil
}

// withEnvelope gives a raw row what every real one has.
func withEnvelope(row map[string]any, i int) map[string]any {
	full := map[string]any{
		"_topic": "case", "_epoch": 0, "_partition": 0, "_offset": i, "_n": 0, "_batch_id": 1,
		"_id": "event-" + strconv.Itoa(i), "_source": "case",
		"_occurred_at": "2000-01-01T00:00:00Z", "_ingested_at": "2000-01-01T00:00:00Z",
	}
	maps.Copy(full, row)
	return full
}

// build makes the model, and before it every model on the way from a given
// table to it that is not given itself.
func (r *caseRun) build(ctx context.Context, given map[sqltree.Table]bool) error {
	needed := map[*Model]bool{}
	var need func(m *Model)
	need = func(m *Model) {
		needed[m] = true
		for _, t := range m.Inputs {
			if d := r.project.owner(t); d != nil && !given[t] && !needed[d] {
				need(d)
			}
		}
	}
	need(r.model)
	changed := map[*Model]bool{}
	for _, m := range r.project.models {
		if !needed[m] {
			continue
		}
		for _, t := range m.Inputs {
			changed[m] = changed[m] || given[t] || changed[r.project.owner(t)]
		}
		if !changed[m] && m != r.model {
			continue
		}
		statements, err := m.statements(ctx, r.tx, inPlace())
		if err != nil {
			return err
		}
		for _, s := range statements {
			if _, err := r.tx.ExecContext(ctx, s); err != nil {
				return fmt.Errorf("build %s: %w", m, err)
			}
		}
	}
	return nil
}

// compare holds the model's rows against the expected ones. Both sides are cast
// to the column's type and then to text, so 10.5 meets 10.50 and instants meet
// in any offset.
func (r *caseRun) compare(ctx context.Context) error {
	columns, err := cases.Columns(ctx, r.tx, r.model.Table())
	if err != nil {
		return err
	}
	named := map[string]bool{}
	for i, row := range r.file.Expect {
		if err := r.known(fmt.Sprintf("expect[%d]", i), row, columns, r.model.Table()); err != nil {
			return err
		}
		for name := range row {
			named[name] = true
		}
	}
	columns = slices.DeleteFunc(columns, func(c cases.Column) bool { return !named[c.Name] })
	var want [][]string
	for i, row := range r.file.Expect {
		cells, err := r.expected(ctx, row, columns)
		if err != nil {
			return r.refused(ctx, err, fmt.Sprintf("expect[%d]", i), "expect values of the columns' types")
		}
		want = append(want, cells)
	}
	texts := []string{"1"} // so that rows are counted where no column is named
	for _, c := range columns {
		texts = append(texts, "coalesce(cast("+sqltree.Quote(c.Name)+" as varchar), '"+nullText+"')")
	}
	got, err := textRows(ctx, r.tx, "select "+strings.Join(texts, ", ")+" from "+r.model.Table().SQL())
	if err != nil {
		return fmt.Errorf("read %s: %w", r.model, err)
	}
	for i := range got {
		got[i] = got[i][1:]
	}
	return r.difference(cases.Names(columns), got, want)
}

// nullText is how a null is shown; in a case it is written null.
const nullText = "<null>"

func (r *caseRun) expected(ctx context.Context, row map[string]any, columns []cases.Column) ([]string, error) {
	texts := []string{"1"}
	var values []any
	for _, c := range columns {
		if v := row[c.Name]; v != nil {
			texts = append(texts, "cast(cast(? as "+c.Type+") as varchar)")
			values = append(values, cases.Text(v))
			continue
		}
		texts = append(texts, "'"+nullText+"'")
	}
	rows, err := textRows(ctx, r.tx, "select "+strings.Join(texts, ", "), values...)
	if err != nil {
		return nil, err
	}
	return rows[0][1:], nil
}

func textRows(ctx context.Context, q cases.Querier, query string, args ...any) (out [][]string, err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		cells, into := make([]string, len(names)), make([]any, len(names))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		out = append(out, cells)
	}
	return out, rows.Err()
}

// difference is nil where both sides hold the same rows, each as often.
func (r *caseRun) difference(columns []string, got, want [][]string) error {
	slices.SortFunc(got, slices.Compare[[]string])
	slices.SortFunc(want, slices.Compare[[]string])
	table := [][]string{append([]string{" "}, columns...)}
	missing, more := 0, 0
	for len(got) > 0 || len(want) > 0 {
		var order int
		switch {
		case len(got) == 0:
			order = 1
		case len(want) == 0:
			order = -1
		default:
			order = slices.Compare(got[0], want[0])
		}
		switch {
		case order == 0:
			table = append(table, append([]string{" "}, got[0]...))
			got, want = got[1:], want[1:]
		case order < 0:
			more++
			table = append(table, append([]string{"+"}, got[0]...))
			got = got[1:]
		default:
			missing++
			table = append(table, append([]string{"-"}, want[0]...))
			want = want[1:]
		}
	}
	if missing == 0 && more == 0 {
		return nil
	}
	what := ""
	if r.file.Description != "" {
		what = r.file.Description + ": "
	}
	return fmt.Errorf("%s%s has %d rows that are not expected (+) and misses %d (-)\n%s", what, r.model, more, missing, cases.Aligned(table))
}
