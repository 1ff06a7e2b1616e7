package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"github.com/funnelhouse/funnelhouse/contracts"
	"github.com/funnelhouse/funnelhouse/ingest"
	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
	"github.com/funnelhouse/funnelhouse/reports"
	"github.com/funnelhouse/funnelhouse/warehouse"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
	"github.com/funnelhouse/funnelhouse/warehouse/model"
)

func (a *app) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Prove the project's files, without any data",
		Long: `check reads funnelhouse.yaml, contracts, sources, models, metrics, pages and reports,
runs every example of a contract and every case of sql/testdata, and compiles all SQL
against empty tables. It touches neither data/ nor the brokers. Mistakes are named by file,
line and field, with the fix, and make the exit code 2.`,
		Example: "  funnelhouse check --dir company",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := a.mustExist(); err != nil {
				return err
			}
			a.bar.say("checking the project")
			found, err := checkProject(c.Context(), a.project())
			a.bar.done()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.io.out, "all right:", found)
			return err
		},
	}
}

// inventory counts what was checked.
type inventory struct{ contracts, examples, sources, models, metrics, cases, pages, reports int64 }

func (i inventory) String() string {
	return fmt.Sprintf("%s with %s, %s, %s, %s, %s, %s, %s", plural(i.contracts, "contract"), plural(i.examples, "example"),
		plural(i.sources, "source"), plural(i.models, "model"), plural(i.metrics, "metric"), plural(i.cases, "case"),
		plural(i.pages, "page"), plural(i.reports, "report"))
}

// checkProject proves a project's files. Mistakes in files are
// yamlfile.Problems; a case that fails is a failure of its own.
func checkProject(ctx context.Context, dir string) (found inventory, err error) {
	cfg, _, errConfig := loadConfig(dir)
	promises, errPromises := loadPromises(dir)
	if err := errors.Join(errConfig, errPromises); err != nil {
		return found, err
	}
	found.contracts, found.sources = int64(len(promises.contracts.All())), int64(len(promises.sources))
	contractFiles, err := folder(dir, "contracts")
	if err != nil {
		return found, err
	}
	found.examples, err = checkExamples(contractFiles, promises.contracts)
	problems := []error{inFolder("contracts", err)}

	scratch, err := openScratch(ctx, promises.contracts, cfg.Company)
	if err != nil {
		return found, errors.Join(append(problems, err)...)
	}
	defer func() { err = errors.Join(err, scratch.Close()) }()
	figures, err := loadFigures(ctx, dir, promises.contracts, scratch)
	if err != nil {
		return found, errors.Join(append(problems, err)...)
	}
	found.models, found.metrics = int64(len(figures.models.Models())), int64(len(figures.metrics.All()))
	pages, err := loadPages(dir, figures.metrics)
	if err != nil {
		problems = append(problems, err)
	} else {
		found.pages = int64(len(pages.All()))
	}
	if err := figures.prove(ctx, scratch); err != nil {
		return found, errors.Join(append(problems, err)...)
	}
	found.cases, err = figures.runCases(ctx, scratch)
	problems = append(problems, err)
	found.reports, err = checkReports(dir, cfg, figures.metrics)
	return found, errors.Join(append(problems, err)...)
}

// checkReports holds the reports against the metrics.
func checkReports(dir string, cfg *config, metrics *metric.Set) (int64, error) {
	zone, err := time.LoadLocation(cfg.Company.Zone)
	if err != nil {
		return 0, err
	}
	set, err := loadReports(dir, zone)
	if err != nil {
		return 0, err
	}
	return int64(len(set.All())), inFolder("reports", reports.Check(set, metrics))
}

func openScratch(ctx context.Context, set *contracts.Set, company companyConfig) (*warehouse.Warehouse, error) {
	return warehouse.Open(ctx, warehouse.Config{Contracts: set, Zone: company.Zone, Currency: company.Currency})
}

// checkExamples runs every example of every contract as ingest would.
func checkExamples(files fs.FS, set *contracts.Set) (n int64, err error) {
	problems := []error{contracts.CheckExamples(files, set)}
	try := ingest.NewTry(set)
	for _, c := range set.All() {
		examples, err := contracts.Examples(files, c)
		if err != nil {
			continue // told by CheckExamples
		}
		for _, e := range examples {
			n++
			reason, message := try.Record(&ingest.Record{Value: e.Event})
			if string(reason) == e.Reason {
				continue
			}
			p := &yamlfile.Problem{Path: e.Path, Line: e.Line, Column: 1, Field: "reason"}
			switch {
			case reason == "":
				p.Message, p.Fix = fmt.Sprintf("the event is valid and was to be refused as %s", e.Reason), "break the rule that it is an example of, or remove the reason"
			case e.Reason == "":
				p.Message, p.Fix = fmt.Sprintf("the event is refused as %s: %s", reason, message), fmt.Sprintf("mend the event, or add \"reason\": %q", reason)
			default:
				p.Message, p.Fix = fmt.Sprintf("the event is refused as %s and not as %s: %s", reason, e.Reason, message), fmt.Sprintf("write \"reason\": %q, or mend the event", reason)
			}
			problems = append(problems, p)
		}
	}
	return n, errors.Join(problems...)
}

// prove compiles models and metrics on an empty warehouse.
func (f *figures) prove(ctx context.Context, scratch *warehouse.Warehouse) error {
	if err := model.Check(ctx, f.models, scratch.DB()); err != nil {
		return inFolder("sql", err)
	}
	models := map[string]metric.Model{}
	for _, m := range f.models.Models() {
		columns, err := scratch.TableColumns(ctx, m.String())
		if err != nil {
			return err
		}
		models[m.String()] = metric.Model{Grain: m.Grain, Columns: columns}
	}
	return inFolder("sql", metric.Check(ctx, f.metrics, scratch.DB(), models))
}

// runCases runs every case of sql/testdata, on a warehouse that prove has been
// through.
func (f *figures) runCases(ctx context.Context, scratch *warehouse.Warehouse) (n int64, err error) {
	var problems []error
	for _, c := range f.models.Cases() {
		n++
		switch {
		case f.metrics.Has(c.Name) && (c.OfMetric || !f.models.Has(c.Name)):
			problems = append(problems, metric.RunCase(ctx, f.metrics, c.Name, c.Path, f.files, scratch.DB()))
		case f.models.Has(c.Name):
			problems = append(problems, model.RunCase(ctx, f.models, c.Name, c.Path, scratch.DB()))
		default:
			problems = append(problems, &yamlfile.Problem{
				Path: c.Path, Message: fmt.Sprintf("there is neither a model nor a metric %s", c.Name),
				Fix: "name the folder after the model or metric that its cases are for",
			})
		}
	}
	return n, inFolder("sql", errors.Join(problems...))
}

// checkFigures proves models and metrics before a build adopts them.
func checkFigures(ctx context.Context, f *figures, set *contracts.Set, company companyConfig) (err error) {
	scratch, err := openScratch(ctx, set, company)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, scratch.Close()) }()
	return f.prove(ctx, scratch)
}
