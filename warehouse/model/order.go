package model

import (
	"slices"
	"strings"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
)

// order puts the models into an order in which each comes after what it reads
// and after what its tests look into; models that don't depend on each other
// come by schema and name, staging first.
func (l *loader) order() {
	p := l.project
	done := map[*Model]bool{}
	names := l.names()
	slices.SortStableFunc(names, func(a, b string) int {
		return strings.Compare(p.byName[b].Schema, p.byName[a].Schema) // staging before marts
	})
	var visit func(m *Model, path []*Model) bool
	visit = func(m *Model, path []*Model) bool {
		if done[m] {
			return true
		}
		if i := slices.Index(path, m); i >= 0 {
			l.cycle(append(slices.Clone(path[i:]), m))
			return false
		}
		for _, d := range p.dependencies(m) {
			if !visit(d, append(path, m)) {
				return false
			}
		}
		done[m] = true
		p.models = append(p.models, m)
		return true
	}
	for _, name := range names {
		if !visit(p.byName[name], nil) {
			return // one cycle at a time: the next may be the same
		}
	}
}

// dependencies are the models that come before m, sorted by name.
func (p *Project) dependencies(m *Model) []*Model {
	var found []*Model
	for _, t := range m.Inputs {
		if d := p.owner(t); d != nil {
			found = append(found, d)
		}
	}
	for _, t := range m.tests {
		if d := p.owner(t.to); d != nil && d != m {
			found = append(found, d)
		}
	}
	slices.SortFunc(found, func(a, b *Model) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(found)
}

func (l *loader) cycle(path []*Model) {
	names := make([]string, len(path))
	for i, m := range path {
		names[i] = m.String()
	}
	m := path[0]
	line := m.tree.TableLine(path[1].Table())
	l.report(&yamlfile.Problem{
		Path: m.Path, Line: line, Column: min(line, 1), Message: "the model depends on itself: " + strings.Join(names, " needs "),
		Fix: "break the circle; a test's relationships count as well",
	})
}
