package metric

import (
	"strconv"
	"strings"
)

// valued tells whether a row may lack what the metric is made of. Such a row is
// left out of the figure and counted apart.
func valued(m *Metric) bool {
	switch m.Kind {
	case Sum, Average, Percentile, Distinct:
		return true
	case Ratio:
		return !m.proportion()
	case Count, Conversion, Derived:
	}
	return false
}

// rowParts are the columns that a counted row brings for its figure.
func (p *plan) rowParts(m *Metric) []string {
	switch m.Kind {
	case Sum, Average, Percentile, Distinct:
		return []string{p.rowMeasure(m) + " as " + colMeasure}
	case Ratio:
		parts := []string{p.part(m.Numerator) + " as " + colTop}
		if valued(m) {
			// Its condition stands in the WHERE: who is not in the denominator is not
			// counted at all.
			parts = append(parts, p.part(Part{Value: m.Denominator.Value})+" as "+colBottom)
		}
		return parts
	case Conversion:
		return []string{p.reached(m) + " as " + colReached}
	case Count, Derived:
	}
	return nil
}

// part is what one row adds to a part of a ratio. It is null where the row
// belongs to the part and has no value.
func (p *plan) part(part Part) string {
	value := "1"
	if part.Value != "" {
		value = p.value(part.Value)
	}
	if part.Where == "" {
		return value
	}
	return "case when " + p.holds(part.Where) + " then " + value + " else 0 end"
}

func (p *plan) holds(condition string) string { return holds(withAsOf(condition, p.asOf)) }

func (p *plan) value(text string) string { return withAsOf(valueSQL(text), p.asOf) }

// quoted is a value with quotes around it where it is a column whose name needs
// them.
func quoted(text string) string {
	if text = strings.TrimSpace(text); columnPattern.MatchString(text) {
		return ident(text)
	}
	return text
}

// valueSQL is a metric's value as SQL: a column under its name, anything else in
// parentheses. An expression that ends in a comment needs the line break.
func valueSQL(text string) string {
	if text = quoted(text); columnPattern.MatchString(text) {
		return text
	}
	if strings.Contains(text, "--") {
		text += "\n"
	}
	return "(" + text + ")"
}

// valuedBody tells of each row of a ratio whether it has what both parts need:
// one that lacks either is in neither.
func valuedBody(from string) string {
	return "select\n" + indent("*,\n"+colTop+" is not null and "+colBottom+" is not null as "+colHas) + "\nfrom " + from
}

const whereValued = " filter (where " + colHas + ")"

// measured is the number of rows that have a value.
func measured(m *Metric) string {
	if m.Kind == Ratio {
		return "count(*)" + whereValued
	}
	return "count(" + colMeasure + ")"
}

// aggregates are numerator, denominator, value and n over the counted rows, and
// what else a kind needs. A percentile and a distinct count are made of rows
// and never of other figures: those of a year don't follow from its months.
func aggregates(m *Metric) []string {
	const sum = "sum(" + colMeasure + ")"
	numerator, denominator := "null", "null"
	value, n := "", "count(*)"
	switch m.Kind {
	case Count:
		numerator, value = n, "cast(count(*) as double)"
	case Sum:
		numerator, value = sum, "cast("+sum+" as double)"
	case Average:
		numerator, denominator = sum, measured(m)
		value = "cast(" + sum + " as double) / nullif(" + measured(m) + ", 0)"
	case Distinct:
		numerator = "count(distinct " + colMeasure + ")"
		value = "cast(" + numerator + " as double)"
	case Percentile:
		at := strconv.FormatFloat(m.At, 'f', -1, 64)
		value = "percentile_cont(" + at + ") within group (order by cast(" + colMeasure + " as double))"
	case Conversion:
		numerator, denominator = "sum("+colReached+")", n
		value = "cast(sum(" + colReached + ") as double) / nullif(count(*), 0)"
	case Ratio:
		numerator, denominator = "sum("+colTop+")", n
		value = "cast(" + numerator + " as double) / nullif(count(*), 0)"
		if valued(m) {
			numerator, denominator = "sum("+colTop+")"+whereValued, "sum("+colBottom+")"+whereValued
			value = "cast(" + numerator + " as double) / nullif(cast(" + denominator + " as double), 0)"
		}
	case Derived:
	}
	columns := []string{
		decimal(numerator) + " as " + colNumerator, decimal(denominator) + " as " + colDenominator, value + " as " + colValue,
	}
	if !valued(m) {
		return append(columns, n+" as "+colN)
	}
	columns = append(columns, measured(m)+" as "+colN, "count(*) - "+measured(m)+" as "+colWithout)
	if m.MeanInterval {
		// In one order: the last digits of a sum of doubles depend on it, and the
		// same rows must give the same interval every time.
		columns = append(columns, "var_pop(cast("+colMeasure+" as double) order by "+colMeasure+") as "+colVariance)
	}
	return columns
}

// lacks is the condition of the rows that a valued metric leaves out for want of
// a value.
func (p *plan) lacks(m *Metric) string {
	if m.Kind != Ratio {
		return p.rowMeasure(m) + " is null"
	}
	return "(" + p.part(m.Numerator) + " is null or " + p.part(Part{Value: m.Denominator.Value}) + " is null)"
}

func (p *plan) rowMeasure(m *Metric) string {
	if m.Kind == Distinct {
		return ident(m.Distinct)
	}
	return p.value(m.Value)
}
