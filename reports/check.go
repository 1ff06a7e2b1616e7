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

// Fit returns of each report what the metrics can answer: a section without any
// of its metrics, or whose dimension they lack, is left out, and so is a report
// without sections. It is for built-in reports in a project of other metrics.
func (s *Set) Fit(metrics definitions) *Set {
	fit := &Set{reports: map[string]*Report{}}
	for name, r := range s.reports {
		some := *r
		some.Sections = nil
		for _, section := range r.Sections {
			section.Metrics = slices.DeleteFunc(slices.Clone(section.Metrics), func(code string) bool {
				m, err := metrics.Get(code)
				return err != nil || section.By != "" && !slices.Contains(m.Dimensions, section.By)
			})
			if len(section.Metrics) > 0 {
				some.Sections = append(some.Sections, section)
			}
		}
		if len(some.Sections) > 0 {
			fit.reports[name] = &some
		}
	}
	return fit
}

func dimensionFix(word string, known []string) string {
	if near := yamlfile.Nearest(word, known); near != "" {
		return "did you mean " + near + "?"
	}
	return "its dimensions are: " + list(known)
}
