package metric

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// derived checks what can be said of a derived metric without its inputs.
func (l *loader) derived(m *Metric) {
	if len(m.Inputs) == 0 {
		l.problem("inputs", "name the metrics that expr is made of, for example {won: won_leads, new: new_leads}", "are missing")
	}
	known := make([]string, 0, len(m.Inputs))
	for _, in := range m.Inputs {
		field := "inputs." + in.Alias
		if !codePattern.MatchString(in.Alias) || in.Alias == spine {
			l.problem(field, "write lower-case words joined by _", "%q is no name for an input", in.Alias)
		}
		known = append(known, in.Alias)
		for i, d := range in.Across {
			if has(in.Across[:i], d) {
				l.problem(index(field+".across", i), "remove one", "%s stands twice", d)
			}
		}
	}
	if strings.TrimSpace(m.Expr) == "" {
		l.problem("expr", "write how the inputs become one figure, for example won / new", "is missing")
		return
	}
	expr, err := parseExpr(m.Expr)
	if err != nil {
		l.problem("expr", "an expression holds names of inputs, numbers, + - * / and parentheses", "%s", err)
		return
	}
	m.expr = expr
	used := expr.aliases()
	for _, name := range used {
		if !has(known, name) {
			l.problem("expr", "write "+nearestOr(name, known), "there is no input %q", name)
		}
	}
	for _, name := range known {
		if !has(used, name) {
			l.problem("inputs."+name, "use it in expr or remove it", "is not used")
		}
	}
}

// resolve joins derived metrics to their inputs: it refuses unknown inputs and
// cycles, and gives every metric its dimensions, models and longest window.
func (s *Set) resolve() error {
	var problems []error
	for _, m := range s.All() {
		for _, in := range m.Inputs {
			if s.Has(in.Metric) {
				continue
			}
			field := "inputs." + in.Alias
			problems = append(problems, m.doc.Problem(field, fmt.Sprintf("there is no metric %q", in.Metric), "write "+nearestOr(in.Metric, s.Names())))
		}
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	done := map[string]bool{}
	for _, m := range s.All() {
		problems = append(problems, s.settle(m, done, nil))
	}
	return errors.Join(problems...)
}

// settle settles a metric after its inputs. way is how it was come to.
func (s *Set) settle(m *Metric, done map[string]bool, way []string) error {
	if at := slices.Index(way, m.Name); at >= 0 {
		circle := append(slices.Clone(way[at:]), m.Name)
		return m.doc.Problem("inputs", "goes in a circle: "+strings.Join(circle, " > "), "let a metric be made of others alone")
	}
	if done[m.Name] {
		return nil
	}
	// A broken one is done as well: its problem is told once.
	defer func() { done[m.Name] = true }()
	var problems []error
	for _, in := range m.Inputs {
		problems = append(problems, s.settle(s.metrics[in.Metric], done, append(slices.Clone(way), m.Name)))
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	if m.Kind != Derived {
		m.models = []string{m.Model}
		return nil
	}
	for _, in := range m.Inputs {
		of := s.metrics[in.Metric]
		m.window = max(m.window, of.window)
		m.models = append(m.models, of.models...)
	}
	slices.Sort(m.models)
	m.models = slices.Compact(m.models)
	m.Dimensions = s.shared(m)
	return s.checkAcross(m)
}

// shared lists the dimensions by which a derived metric can be split: those
// that every input has or is taken across, and at least one has.
func (s *Set) shared(m *Metric) []string {
	var shared []string
	for _, in := range m.Inputs {
		for _, d := range s.dimensionsOf(in) {
			if !has(shared, d) && len(s.lacking(m, d)) == 0 {
				shared = append(shared, d)
			}
		}
	}
	return shared
}

// dimensionsOf lists the dimensions by which an input is split.
func (s *Set) dimensionsOf(in Input) []string {
	return slices.DeleteFunc(slices.Clone(s.metrics[in.Metric].Dimensions), func(d string) bool { return has(in.Across, d) })
}

// lacking lists the inputs that neither have a dimension nor are taken across.
func (s *Set) lacking(m *Metric, dimension string) []string {
	var lack []string
	for _, in := range m.Inputs {
		if !has(in.Across, dimension) && !has(s.metrics[in.Metric].Dimensions, dimension) {
			lack = append(lack, in.Alias)
		}
	}
	return lack
}

// checkAcross refuses an across that no other input is split by: a typing error
// there would go unseen.
func (s *Set) checkAcross(m *Metric) error {
	var problems []error
	for _, in := range m.Inputs {
		var others []string
		for _, other := range m.Inputs {
			if other.Alias != in.Alias {
				others = append(others, s.dimensionsOf(other)...)
			}
		}
		slices.Sort(others)
		others = slices.Compact(others)
		for i, d := range in.Across {
			if has(others, d) {
				continue
			}
			problems = append(problems, m.doc.Problem(index("inputs."+in.Alias+".across", i),
				fmt.Sprintf("no other input has the dimension %q", d), "write "+nearestOr(d, others)))
		}
	}
	return errors.Join(problems...)
}
