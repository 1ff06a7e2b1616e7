package metric

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// InvariantError says which invariant doesn't hold for a metric: its figures
// can't be trusted until the model is right.
type InvariantError struct {
	Metric string
	Model  string
	// Message says what is wrong, and with how many rows.
	Message string
	Rows    int64
	// SQL finds the rows; empty where the rows are not at fault but their sum.
	SQL string
}

// Error names the metric and its model and says what is wrong.
func (v *InvariantError) Error() string {
	return fmt.Sprintf("metric %s on %s: %s", v.Metric, v.Model, v.Message)
}

// Verify checks, for every metric that counts rows, what must hold whatever the
// data are: the entity identifies a row and is never null; what is counted and
// what is not (excluded, outside of a ratio's denominator, without a value) are
// together all rows that the metric is about; the numerator is part of the
// denominator; no row is lost or doubled between the
// whole and its parts. table names the table (schema.table) that holds a
// model, so that a build can point it at tables that are not swapped in yet;
// asOf is the day for $as_of. What doesn't hold comes back as *InvariantError, all
// joined; metrics on models for which table returns "" are left out.
func (s *Set) Verify(ctx context.Context, q Querier, asOf time.Time, table func(model string) string) error {
	v := &verifier{set: s, q: q, asOf: asOf, table: table, keys: map[string]keyState{}}
	var broken []error
	for _, m := range s.All() {
		if m.Kind == Derived || table(m.Model) == "" {
			continue
		}
		found, err := v.metric(ctx, m)
		if err != nil {
			return fmt.Errorf("verify metric %s on %s: %w", m.Name, table(m.Model), err)
		}
		for _, one := range found {
			one.Metric, one.Model = m.Name, m.Model
			broken = append(broken, one)
		}
	}
	return errors.Join(broken...)
}

type verifier struct {
	set   *Set
	q     Querier
	asOf  time.Time
	table func(string) string
	keys  map[string]keyState // by model and entity, which many metrics share
}

type keyState struct{ null, doubled int64 }

func (v *verifier) metric(ctx context.Context, m *Metric) ([]*InvariantError, error) {
	found, err := v.entity(ctx, m)
	if err != nil {
		return nil, err
	}
	account, err := v.account(ctx, m)
	return append(found, account...), err
}

// entity counts rows without the entity, and entities with several rows.
func (v *verifier) entity(ctx context.Context, m *Metric) ([]*InvariantError, error) {
	table := tableName(v.table(m.Model))
	columns := idents(m.Entity)
	list := strings.Join(columns, ", ")
	null := "select * from " + table + " where " + strings.Join(columns, " is null or ") + " is null"
	doubled := "select " + list + ", count(*) as rows from " + table + " group by " + list + " having count(*) > 1"
	state, ok := v.keys[m.Model+" "+list]
	if !ok {
		err := v.q.QueryRowContext(ctx, "select (select count(*) from ("+null+")), (select count(*) from ("+doubled+"))").
			Scan(&state.null, &state.doubled)
		if err != nil {
			return nil, fmt.Errorf("count the entities: %w", err)
		}
		v.keys[m.Model+" "+list] = state
	}
	var found []*InvariantError
	if state.null > 0 {
		found = append(found, &InvariantError{
			Message: fmt.Sprintf("%d rows have no %s", state.null, strings.Join(m.Entity, ", ")), Rows: state.null, SQL: null,
		})
	}
	if state.doubled > 0 {
		found = append(found, &InvariantError{
			Message: fmt.Sprintf("%d values of %s have more than one row", state.doubled, strings.Join(m.Entity, ", ")),
			Rows:    state.doubled, SQL: doubled,
		})
	}
	return found, nil
}

// account holds the metric's own statement, split as finely as it goes, against
// a plain count of the rows.
func (v *verifier) account(ctx context.Context, m *Metric) ([]*InvariantError, error) {
	p := &plan{
		set: v.set, metric: m, grain: Month, by: m.Dimensions, asOf: dateOf(v.asOf),
		table: func(model string) string { return tableName(v.table(model)) },
	}
	above := "0"
	if m.proportion() {
		above = "count(case when " + colNumerator + " > " + colDenominator + " or " + colDenominator + " <> " + colN + " then 1 end)"
	}
	var counted, over int64
	err := v.q.QueryRowContext(ctx, "select coalesce(cast(sum("+colN+") as bigint), 0), "+
		above+" from (\n"+p.statement()+")").Scan(&counted, &over)
	if err != nil {
		return nil, fmt.Errorf("sum its rows: %w", err)
	}
	var all, excluded, outside, without int64
	if err := v.q.QueryRowContext(ctx, p.rowCounts()).Scan(&all, &excluded, &outside, &without); err != nil {
		return nil, fmt.Errorf("count its rows: %w", err)
	}
	var found []*InvariantError
	if left := all - excluded - outside - without; counted != left {
		found = append(found, &InvariantError{
			Message: balance(counted, excluded, outside, without, all), Rows: left - counted,
		})
	}
	if over > 0 {
		found = append(found, &InvariantError{
			Message: fmt.Sprintf("in %d rows of its result the numerator is above the denominator", over), Rows: over, SQL: p.statement(),
		})
	}
	return found, nil
}

// balance says which numbers don't add up.
func balance(counted, excluded, outside, without, all int64) string {
	parts := []string{fmt.Sprintf("%d rows counted", counted)}
	if outside > 0 {
		parts = append(parts, fmt.Sprintf("%d outside of its denominator", outside))
	}
	if without > 0 {
		parts = append(parts, fmt.Sprintf("%d without a value", without))
	}
	return fmt.Sprintf("%s and %d excluded are not the %d rows it is about", strings.Join(parts, ", "), excluded, all)
}

// rowCounts counts the rows that the metric is about, and those of them that
// are not counted, each once: excluded ones, those outside of the denominator
// of a ratio, and those without a value.
func (p *plan) rowCounts() string {
	m := p.metric
	var reasons []string
	reason := func(condition, why string) { reasons = append(reasons, "when "+condition+" then '"+why+"'") }
	for _, c := range m.Excluded {
		reason(p.holds(c.SQL), "excluded")
	}
	if m.Denominator.Where != "" {
		reason("not "+p.holds(m.Denominator.Where), "outside")
	}
	if valued(m) {
		reason(p.lacks(m), "without")
	}
	why := "null"
	if len(reasons) > 0 {
		why = "case\n" + indent(strings.Join(reasons, "\n")) + "\nend"
	}
	number := func(of string) string { return "count(case when why = '" + of + "' then 1 end)" }
	return "select count(*), " + number("excluded") + ", " + number("outside") + ", " + number("without") + " from (\n" +
		indent("select "+why+" as why from "+p.table(m.Model)+" where "+strings.Join(p.scope(m), " and ")) + "\n)"
}
