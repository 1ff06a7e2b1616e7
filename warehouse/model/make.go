package model

import (
	"context"
	"fmt"
	"strings"

	"github.com/funnelhouse/funnelhouse/warehouse/sqltree"
)

// making says where a model finds its inputs and where its tables go.
type making struct {
	input  func(sqltree.Table) sqltree.Table
	output func(sqltree.Table) sqltree.Table
	// upTo is the highest _batch_id of the raw rows that are read; below 0: all.
	upTo int64
}

// inPlace makes a model under its own name out of what stands.
func inPlace() making {
	same := func(t sqltree.Table) sqltree.Table { return t }
	return making{input: same, output: same, upTo: -1}
}

// query is the model's SELECT on the inputs that mk names.
func (m *Model) query(ctx context.Context, q sqltree.Querier, mk making) (string, error) {
	tree := m.tree.Clone()
	tables, bounds := map[sqltree.Table]sqltree.Table{}, map[sqltree.Table]*sqltree.Tree{}
	for _, t := range m.Inputs {
		if t.Schema != rawSchema || mk.upTo < 0 {
			tables[t] = mk.input(t)
			continue
		}
		bound, err := sqltree.Parse(ctx, q, fmt.Sprintf("select * from %s where _batch_id <= %d", t.SQL(), mk.upTo))
		if err != nil {
			return "", fmt.Errorf("bound %s: %w", t, err)
		}
		bounds[t] = bound
	}
	tree.Replace(tables)
	tree.ReplaceQuery(bounds)
	text, err := tree.SQL(ctx, q)
	if err != nil {
		return "", fmt.Errorf("point %s at its inputs: %w", m, err)
	}
	return text, nil
}

// statements make the model's table, and before it that of its duplicates
// where it names an event. They belong into one transaction: the query runs
// twice and must see the same rows.
func (m *Model) statements(ctx context.Context, q sqltree.Querier, mk making) ([]string, error) {
	query, err := m.query(ctx, q, mk)
	if err != nil {
		return nil, err
	}
	table := mk.output(m.Table()).SQL()
	duplicates, ok := m.Duplicates()
	if !ok {
		return []string{"create or replace table " + table + " as " + query}, nil
	}
	losers := mk.output(duplicates).SQL()
	return []string{
		"create or replace table " + losers + " as " + m.losersQuery(query),
		"create or replace table " + table + " as " + winnersQuery(query, losers),
	}, nil
}

// position lists the columns that identify a raw row, in the order that
// decides between two rows of one dedupe key.
func position() []string { return []string{"_topic", "_epoch", "_partition", "_offset", "_n"} }

// losersQuery selects the rows that have one of the same dedupe key before
// them. The lowest position wins, so later events never change what was
// counted; of a file the newest content does, since there it replaces the one
// before. A key with a null part names nothing and has no duplicates.
//
// Only keys that stand more than once are ranked: a window over all rows costs
// several times the aggregate. rank and not row_number, because rows of one
// position (a model that makes several of one event) are no duplicates of each
// other.
func (m *Model) losersQuery(query string) string {
	keys := quoteNames(m.key)
	known, same := make([]string, len(m.key)), make([]string, len(m.key))
	for i, k := range m.key {
		k = sqltree.Quote(k)
		known[i] = k + " is not null"
		same[i] = "model_rows." + k + " = repeated." + k
	}
	return "with model_rows as (" + query + "), repeated as (select " + keys + " from model_rows where " + strings.Join(known, " and ") +
		" group by " + keys + " having count(*) > 1), ranked as (select model_rows.*, rank() over (partition by " +
		"model_rows." + strings.ReplaceAll(keys, ", ", ", model_rows.") +
		" order by _topic, case when starts_with(_topic, 'file/') then -_epoch else _epoch end, _partition, _offset, _n) as __rank" +
		" from model_rows join repeated on " + strings.Join(same, " and ") + ") select * exclude (__rank) from ranked where __rank > 1"
}

// winnersQuery selects the rows that are not among the losers, by their
// positions: there are few losers, so it costs a scan.
func winnersQuery(query, losers string) string {
	same := make([]string, len(position()))
	for i, p := range position() {
		same[i] = "lost." + p + " = model_rows." + p
	}
	return "select * from (" + query + ") as model_rows where not exists (select 1 from " + losers +
		" as lost where " + strings.Join(same, " and ") + ")"
}
