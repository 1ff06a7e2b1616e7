package metric

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Names of the result's columns. A dimension has none of them.
const (
	colStart       = "period_start" // first day of the period
	colPeriod      = "period"       // 'total', in its place
	colNumerator   = "numerator"
	colDenominator = "denominator"
	colValue       = "value"
	colN           = "n"
	colLast        = "last_date" // youngest day of a cohort, at grain total
	colEarly       = "reached_before_start"
	colReached     = "reached"
	colMeasure     = "measure"          // what a row adds to a sum, an average, a percentile or a distinct count
	colTop         = "numerator_part"   // what a row adds to the numerator of a ratio
	colBottom      = "denominator_part" // and to its denominator, where that is a value
	colHas         = "has_value"        // whether it has what both need
	colWithout     = "without_value"    // rows that lack the value, which are left out
	colVariance    = "variance"

	// spine is the CTE of a derived metric with every period and dimension that
	// one of its inputs has.
	spine = "every_period"
)

func reservedNames() []string {
	return []string{
		colStart, colPeriod, colNumerator, colDenominator, colValue, colN, colLast, colEarly, colReached,
		colMeasure, colTop, colBottom, colHas, colWithout, colVariance, "flags", "ci_low", "ci_high",
	}
}

// SQL writes the one statement that answers a request. It runs as it stands in
// any client: days are written out, and the only text of the request in it is
// a condition that was vetted. q parses that condition.
func (s *Set) SQL(ctx context.Context, q Querier, company Company, req Request) (string, error) {
	p, err := s.plan(ctx, q, company, req)
	if err != nil {
		return "", err
	}
	return p.statement(), nil
}

type cte struct{ name, body string }

// writer collects the steps of a statement.
type writer struct {
	*plan
	ctes []cte
}

func (p *plan) statement() string {
	w := &writer{plan: p}
	body := w.metricBody("", p.metric, p.by, p.where, false)
	steps := make([]string, len(w.ctes))
	for i, c := range w.ctes {
		steps[i] = c.name + " as (\n" + indent(c.body) + "\n)"
	}
	order := []string{p.periodColumn() + " nulls last"}
	for _, d := range idents(p.by) {
		order = append(order, d+" nulls last")
	}
	return p.title() + "with " + strings.Join(steps, ",\n\n") + "\n\n" + body + "\norder by " + strings.Join(order, ", ") + "\n"
}

// title says in a comment what the statement computes. It holds nothing that a
// user may have written freely: a line break would end it.
func (p *plan) title() string {
	title := fmt.Sprintf("-- %s version %d, %s", p.metric.Name, p.metric.Version, p.grain)
	if len(p.by) > 0 {
		title += " by " + strings.Join(p.by, ", ")
	}
	return title + ", as of " + p.asOf.Format(time.DateOnly) + "\n"
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(text, "\n", "\n    ")
}

func (p *plan) periodColumn() string {
	if p.grain == Total {
		return colPeriod
	}
	return colStart
}

// ranged tells whether rows outside of a range are left out.
func (p *plan) ranged() bool { return !p.from.IsZero() || !p.to.IsZero() }

// cohortEnd tells whether the youngest day of a cohort is asked for: at grain
// total without an end, where no period says how old a cohort is.
func (p *plan) cohortEnd(m *Metric) bool {
	return m.window > 0 && p.grain == Total && p.to.IsZero()
}

// early tells whether rows that reached before their start are counted.
func early(m *Metric) bool { return m.Kind == Conversion && m.Open }

// metricBody adds the steps of a metric and returns its last SELECT. prefix
// begins the names of its steps. dated leaves out rows without a period.
func (w *writer) metricBody(prefix string, m *Metric, by []string, where string, dated bool) string {
	if m.Kind == Derived {
		return w.derivedBody(prefix, m, by, where)
	}
	return w.rowsBody(prefix, m, by, where, dated)
}

// rowsBody counts the rows of one model.
func (w *writer) rowsBody(prefix string, m *Metric, by []string, where string, dated bool) string {
	counted := prefix + "counted"
	rows := w.countedBody(m, by, where, dated)
	if m.Kind == Ratio && valued(m) {
		w.ctes = append(w.ctes, cte{prefix + "parts", rows})
		rows = valuedBody(prefix + "parts")
	}
	w.ctes = append(w.ctes, cte{counted, rows})
	columns := append([]string{w.periodColumn()}, idents(by)...)
	group := strings.Join(columns, ", ")
	columns = append(columns, aggregates(m)...)
	if w.cohortEnd(m) {
		columns = append(columns, "max("+colLast+") as "+colLast)
	}
	if early(m) {
		columns = append(columns, "sum("+colEarly+") as "+colEarly)
	}
	body := selectList(columns) + "\nfrom " + counted + "\ngroup by " + group
	if valued(m) {
		// A group of which no row has a value has no figure.
		body += "\nhaving " + measured(m) + " > 0"
	}
	return body
}

func selectList(columns []string) string {
	return "select\n" + indent(strings.Join(columns, ",\n"))
}

// countedBody selects the rows that a metric counts, each with its period.
func (w *writer) countedBody(m *Metric, by []string, where string, dated bool) string {
	day := ident(m.Time)
	columns := append([]string{w.periodOf(day) + " as " + w.periodColumn()}, idents(by)...)
	columns = append(columns, w.rowParts(m)...)
	if w.cohortEnd(m) {
		columns = append(columns, day+" as "+colLast)
	}
	if early(m) {
		columns = append(columns, w.reachedEarly(m)+" as "+colEarly)
	}
	conditions := w.scope(m)
	for _, c := range m.Excluded {
		conditions = append(conditions, "not "+w.holds(c.SQL))
	}
	if m.Denominator.Where != "" {
		conditions = append(conditions, w.holds(m.Denominator.Where))
	}
	if !w.from.IsZero() {
		conditions = append(conditions, day+" >= "+dateLiteral(w.from))
	}
	if !w.to.IsZero() {
		conditions = append(conditions, day+" <= "+dateLiteral(w.to))
	}
	if dated && !w.ranged() {
		conditions = append(conditions, day+" is not null")
	}
	if where != "" {
		conditions = append(conditions, holds(where))
	}
	body := selectList(columns) + "\nfrom " + w.table(m.Model)
	if len(conditions) > 0 {
		body += "\nwhere " + strings.Join(conditions, "\n    and ")
	}
	return body
}

// scope is the condition that says which rows a metric is about.
func (p *plan) scope(m *Metric) []string {
	day := ident(m.Time)
	conditions := []string{"(" + day + " is null or " + day + " <= " + dateLiteral(p.asOf) + ")"}
	if strings.TrimSpace(m.Where) != "" {
		conditions = append(conditions, p.holds(m.Where))
	}
	return conditions
}

// reached is 1 for a row of the numerator.
func (p *plan) reached(m *Metric) string {
	day, reached := ident(m.Time), ident(m.Reached)
	known := reached + " <= " + dateLiteral(p.asOf)
	if m.Open {
		return "case when " + known + " then 1 else 0 end"
	}
	return "case\n" + indent("when "+reached+" >= "+day+
		"\n    and "+reached+" <= "+day+" + interval '"+strconv.Itoa(m.Window)+"' day"+
		"\n    and "+known+" then 1\nelse 0") + "\nend"
}

// reachedEarly is 1 for a row of the numerator that got there before its time.
func (p *plan) reachedEarly(m *Metric) string {
	reached := ident(m.Reached)
	return "case when " + reached + " < " + ident(m.Time) + " and " + reached + " <= " + dateLiteral(p.asOf) + " then 1 else 0 end"
}

// periodOf is the period of a day as SQL: its first day, or 'total'.
func (p *plan) periodOf(day string) string {
	shift := ""
	switch p.grain {
	case Total:
		return "case when " + day + " is not null then 'total' end"
	case Day:
		return day
	case Year, Quarter:
		// Months, not days: the last day of a longer month falls back within the
		// month that it is moved to.
		if months := int(p.company.firstMonth()) - 1; months > 0 && (p.grain == Year || months%3 != 0) {
			shift = "interval '" + strconv.Itoa(months) + "' month"
		}
	case Month, Week:
	}
	if shift == "" {
		return "cast(date_trunc('" + string(p.grain) + "', " + day + ") as date)"
	}
	return "cast(date_trunc('" + string(p.grain) + "', " + day + " - " + shift + ") + " + shift + " as date)"
}

// derivedBody joins the inputs of a derived metric on period and dimensions.
// All pairs of them that one input has are listed first, so that an input that
// lacks one counts as nothing there and none is lost.
func (w *writer) derivedBody(prefix string, m *Metric, by []string, where string) string {
	every := prefix + spine
	var keys, joins []string
	key := strings.Join(append([]string{w.periodColumn()}, idents(by)...), ", ")
	operands := map[string]operand{}
	for _, in := range m.Inputs {
		of := w.set.metrics[in.Metric]
		name := prefix + in.Alias
		own, filter := without(by, in.Across), where
		if len(kept(w.used, in.Across)) > 0 {
			filter = ""
		}
		body := w.metricBody(name+"__", of, own, filter, true)
		name = ident(name)
		w.ctes = append(w.ctes, cte{name, body})
		operands[in.Alias] = operandOf(name, of)
		if len(own) == len(by) {
			keys = append(keys, "select "+key+" from "+name)
		}
		on := []string{name + "." + w.periodColumn() + " = " + every + "." + w.periodColumn()}
		for _, d := range idents(own) {
			on = append(on, name+"."+d+" is not distinct from "+every+"."+d)
		}
		joins = append(joins, "left join "+name+"\n    on "+strings.Join(on, "\n    and "))
	}
	if len(keys) == 1 {
		keys[0] = "select distinct" + strings.TrimPrefix(keys[0], "select")
	}
	w.ctes = append(w.ctes, cte{every, strings.Join(keys, "\nunion\n")})
	columns := []string{every + "." + w.periodColumn() + " as " + w.periodColumn()}
	for _, d := range idents(by) {
		columns = append(columns, every+"."+d+" as "+d)
	}
	columns = append(columns, m.expr.columns(operands)...)
	if w.cohortEnd(m) {
		columns = append(columns, w.lastDate(prefix, m)+" as "+colLast)
	}
	return selectList(columns) + "\nfrom " + every + "\n" + strings.Join(joins, "\n")
}

// operandOf is an input's figure: a count or a sum that is missing is 0, a rate
// that is missing is not known.
func operandOf(name string, m *Metric) operand {
	if m.Kind == Count || m.Kind == Sum || m.Kind == Distinct {
		return operand{sql: "coalesce(" + name + "." + colNumerator + ", 0)", rank: 3, exact: true}
	}
	return operand{sql: name + "." + colValue, rank: 3}
}

// columns are numerator, denominator, value and n of a derived metric. The
// first two are given where the expression is one division of exact parts;
// otherwise they would be rounded, and their quotient not the value.
func (n *node) columns(operands map[string]operand) []string {
	numerator, denominator := "null", "null"
	value := n.render(operands)
	if value.exact {
		value.sql = "cast(" + value.sql + " as double)"
	}
	if n.op == '/' {
		left, right := n.left.render(operands), n.right.render(operands)
		if left.exact && right.exact {
			numerator, denominator = left.sql, right.sql
		}
	}
	return []string{
		decimal(numerator) + " as " + colNumerator,
		decimal(denominator) + " as " + colDenominator,
		value.sql + " as " + colValue,
		"cast(null as bigint) as " + colN,
	}
}

// lastDate is the youngest day of the cohorts among the inputs.
func (w *writer) lastDate(prefix string, m *Metric) string {
	var dates []string
	for _, in := range m.Inputs {
		if w.cohortEnd(w.set.metrics[in.Metric]) {
			dates = append(dates, ident(prefix+in.Alias)+"."+colLast)
		}
	}
	slices.Sort(dates)
	if dates = slices.Compact(dates); len(dates) == 1 {
		return dates[0]
	}
	return "greatest(" + strings.Join(dates, ", ") + ")"
}
