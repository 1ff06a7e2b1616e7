package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/funnelhouse/funnelhouse/contracts"
	"github.com/funnelhouse/funnelhouse/dashboards"
	"github.com/funnelhouse/funnelhouse/reports"
	"github.com/funnelhouse/funnelhouse/sources"
	sqlfiles "github.com/funnelhouse/funnelhouse/sql"
)

const initConfig = `# This installation. Every key: funnelhouse schema config
company:
  name: My company
  zone: Asia/Shanghai        # in which a business day begins
  fiscal_year_starts: january
  currency: CNY
  languages: [en, zh-Hans, zh-Hant]

# Name your brokers, then run: funnelhouse serve
# kafka:
#   brokers: [kafka-1:9092]
#   tls: {ca_file: ca.pem}
#   sasl: {mechanism: SCRAM-SHA-512, username: funnelhouse, password: {env: KAFKA_PASSWORD}}

# Who takes reports to whom. Without it they are only written to data/reports.
# mail: {host: smtp.example.com, from: reports@example.com, password: {env: SMTP_PASSWORD}}
# users:
#   - {name: wang, mail: wang@example.com, role: management, language: zh-Hans}
`

func (a *app) initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init",
		Short: "Write out a project to change",
		Long: `init writes funnelhouse.yaml and the folders contracts, sources, sql, dashboards/pages
and reports, as they are built into this program. From then on the project's own folders
are used, each as a whole. Files that exist are left as they are.`,
		Example: "  funnelhouse init --dir company",
		RunE: func(*cobra.Command, []string) error {
			return a.initialize()
		},
	}
}

func (a *app) initialize() error {
	if err := a.makeFolder(); err != nil {
		return err
	}
	written, kept := 0, 0
	write := func(name string, data []byte) error {
		path := filepath.Join(a.project(), filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return err
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			kept++
			return nil
		}
		if err != nil {
			return err
		}
		written++
		_, err = f.Write(data)
		return errors.Join(err, f.Close())
	}
	if err := write(configFile, []byte(initConfig)); err != nil {
		return err
	}
	next := "next:"
	if written > 0 {
		next = fmt.Sprintf("next: name your brokers in %s, then", filepath.Join(a.dir, configFile))
	}
	pages, err := dashboards.Files()
	if err != nil {
		return err
	}
	for _, part := range []struct {
		name  string
		files fs.FS
	}{{"contracts", contracts.Files}, {"sources", sources.Files}, {"sql", sqlfiles.Files}, {pagesFolder, pages}, {"reports", reports.Files}} {
		err := fs.WalkDir(part.files, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := fs.ReadFile(part.files, path)
			if err != nil {
				return err
			}
			return write(part.name+"/"+path, data)
		})
		if err != nil {
			return fmt.Errorf("write %s: %w", part.name, err)
		}
	}
	_, err = fmt.Fprintf(a.io.out, "wrote %s into %s", plural(int64(written), "file"), a.dir)
	if err == nil && kept > 0 {
		_, err = fmt.Fprintf(a.io.out, " and kept %s that existed", plural(int64(kept), "file"))
	}
	if err == nil {
		_, err = fmt.Fprintf(a.io.out, "\n%[1]s\n  funnelhouse check%[2]s\n  funnelhouse serve%[2]s\n", next, dirFlag(a.dir))
	}
	return err
}

// dirFlag repeats --dir in advice where it was given.
func dirFlag(dir string) string {
	if dir == "." || strings.TrimSpace(dir) == "" {
		return ""
	}
	if strings.ContainsAny(dir, " \t'\"$&;()") {
		return " --dir '" + strings.ReplaceAll(dir, "'", `'\''`) + "'"
	}
	return " --dir " + dir
}
