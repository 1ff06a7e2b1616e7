package reports

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// definitions is what Check needs to know of the metrics: *metric.Set is one.
type definitions interface {
	Get(code string) (*metric.Metric, error)
}

// Check holds every report against the metrics. All problems come back joined,
// each a *yamlfile.Problem.
func Check(set *Set, metrics definitions) error {
	var problems []error
	for _, r := range set.All() {
		for i, s := range r.Sections {
			for j, code := range s.Metrics {
				field := fmt.Sprintf("sections[%d].%s", i, s.Kind)
				if s.Kind == FiguresSection {
					field += fmt.Sprintf("[%d]", j)
				}
				m, err := metrics.Get(code)
				if err != nil {
					message, fix, _ := strings.Cut(err.Error(), "; ")
					problems = append(problems, r.doc.Problem(field, message, fix))
					continue
				}
				if s.By != "" && !slices.Contains(m.Dimensions, s.By) {
					problems = append(problems, r.doc.Problem(fmt.Sprintf("sections[%d].by", i),
						fmt.Sprintf("%s has no dimension %q", code, s.By), dimensionFix(s.By, m.Dimensions)))
				}
			}
		}
	}
	return errors.Join(problems...)
}

func dimensionFix(word string, known []string) string {
	if near := yamlfile.Nearest(word, known); near != "" {
		return "did you mean " + near + "?"
	}
	return "its dimensions are: " + list(known)
}
