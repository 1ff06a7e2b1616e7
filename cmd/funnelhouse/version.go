package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/funnelhouse/funnelhouse/warehouse"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Say which version this is",
		Example: "  funnelhouse version",
		RunE: func(c *cobra.Command, _ []string) error {
			duckdb, err := warehouse.EngineVersion(c.Context())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.io.out, "funnelhouse %s (DuckDB %s, %s, %s/%s)\n", buildVersion(), duckdb, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
