package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/funnelhouse/funnelhouse/contracts"
	"github.com/funnelhouse/funnelhouse/dashboards"
	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
	"github.com/funnelhouse/funnelhouse/reports"
	"github.com/funnelhouse/funnelhouse/sources"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
	"github.com/funnelhouse/funnelhouse/warehouse/model"
)

// fileKind is one kind of file that users write.
type fileKind struct {
	name   string
	schema func() ([]byte, error)
}

func fileKinds() []fileKind {
	return []fileKind{
		{"config", func() ([]byte, error) {
			return yamlfile.Schema("funnelhouse.yaml", "This installation.", config{})
		}},
		{"contract", contracts.SchemaJSON},
		{"source", sources.SchemaJSON},
		{"model", model.HeaderSchema},
		{"model-case", model.CaseSchema},
		{"metric", metric.DefinitionSchema},
		{"metric-case", metric.CaseSchema},
		{"page", dashboards.SchemaJSON},
		{"report", reports.SchemaJSON},
	}
}

func (a *app) schemaCommand() *cobra.Command {
	var names []string
	for _, k := range fileKinds() {
		names = append(names, k.name)
	}
	return &cobra.Command{
		Use:   "schema KIND",
		Short: "Write the JSON Schema of a kind of file, for editors",
		Long: `schema writes the JSON Schema of a kind of file: ` + strings.Join(names, ", ") + `.
An editor that knows it completes keys and marks mistakes while you write. A model's
header is YAML inside a SQL comment, so its schema serves to look things up.`,
		Example:   "  funnelhouse schema contract > contract.schema.json",
		Args:      cobra.ExactArgs(1),
		ValidArgs: names,
		RunE: func(_ *cobra.Command, args []string) error {
			for _, k := range fileKinds() {
				if k.name != args[0] {
					continue
				}
				data, err := k.schema()
				if err != nil {
					return err
				}
				_, err = a.io.out.Write(append(data, '\n'))
				return err
			}
			message := fmt.Sprintf("there is no kind of file %q; there are: %s", args[0], strings.Join(names, ", "))
			if near := yamlfile.Nearest(args[0], names); near != "" {
				message = fmt.Sprintf("there is no kind of file %q; did you mean %s?", args[0], near)
			}
			return usagef("%s", message)
		},
	}
}
