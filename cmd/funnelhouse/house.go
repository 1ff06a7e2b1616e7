package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/funnelhouse/funnelhouse/charts"
	"github.com/funnelhouse/funnelhouse/contracts"
	"github.com/funnelhouse/funnelhouse/dashboards"
	"github.com/funnelhouse/funnelhouse/ingest/kafka"
	"github.com/funnelhouse/funnelhouse/internal/errtree"
	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
	"github.com/funnelhouse/funnelhouse/reports"
	"github.com/funnelhouse/funnelhouse/sources"
	sqlfiles "github.com/funnelhouse/funnelhouse/sql"
	"github.com/funnelhouse/funnelhouse/warehouse"
	"github.com/funnelhouse/funnelhouse/warehouse/cases"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
	"github.com/funnelhouse/funnelhouse/warehouse/model"
)

// folder returns one folder of the project: its own where it has one, else
// the embedded default, whole.
func folder(dir, name string) (fs.FS, error) {
	own := filepath.Join(dir, filepath.FromSlash(name))
	info, err := os.Stat(own)
	switch {
	case err == nil && info.IsDir():
		return os.DirFS(own), nil
	case err == nil:
		return nil, usagef("%s is a file and must be a folder", own)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	switch name {
	case "contracts":
		return contracts.Files, nil
	case "sources":
		return sources.Files, nil
	case pagesFolder:
		return dashboards.Files()
	case "reports":
		return reports.Files, nil
	default:
		return sqlfiles.Files, nil
	}
}

// promises is what ingest is held against: contracts, and sources to read.
type promises struct {
	contracts *contracts.Set
	sources   []*sources.Source
}

func loadPromises(dir string) (promises, error) {
	var p promises
	contractFiles, err := folder(dir, "contracts")
	if err != nil {
		return p, err
	}
	sourceFiles, err := folder(dir, "sources")
	if err != nil {
		return p, err
	}
	var errContracts, errSources error
	p.contracts, errContracts = contracts.Load(contractFiles)
	p.sources, errSources = sources.Load(sourceFiles)
	return p, errors.Join(inFolder("contracts", errContracts), inFolder("sources", errSources))
}

// inFolder makes the paths of problems and of failed cases relative to the
// project.
func inFolder(name string, err error) error {
	for _, p := range yamlfile.Problems(err) {
		p.Path = path.Join(name, p.Path)
	}
	for _, c := range errtree.All[*cases.CaseError](err) {
		c.Path = path.Join(name, c.Path)
	}
	return err
}

// databaseFile is the warehouse in the data folder.
const databaseFile = "warehouse.duckdb"

// house is one open data folder with all that works on it.
type house struct {
	dir      string
	cfg      *config
	settings *settings
	promises promises
	wh       *warehouse.Warehouse
	log      *slog.Logger

	brokerMu sync.Mutex
	broker   *kafka.Embedded // once started, where the configuration has one

	// ingesting is held, by a value in the channel, by the one loop that reads
	// and appends.
	ingesting chan struct{}
	// sending is held by a demo while it finds out what is still to be sent.
	sending sync.Mutex
	// steady is the loop that goes on until it is stopped; nil in a process
	// that does not ingest, or only catches up.
	steady atomic.Pointer[loop]
	// building is held by a build.
	building sync.Mutex
	// built rings when models were adopted, whoever asked for the build.
	built chan struct{}
	// publishing is held by a publish.
	publishing sync.Mutex
	// adopted is what the last build that succeeded was made of; nil before it.
	adopted atomic.Pointer[figures]
	// refused says that the last build met mistakes in the project's files.
	refused atomic.Bool

	keeping sync.Mutex
	keeper  *reports.Keeper // once asked for

	// renderer draws the charts of pages and reports. It is made when the first
	// is asked for: it holds tens of megabytes that most commands don't need.
	renderer func() (*charts.Renderer, error)
}

func openHouse(ctx context.Context, dir string, log *slog.Logger) (*house, error) {
	if strings.Contains(dir, "?") {
		return nil, usagef("the project's path %s holds a question mark, which DuckDB takes for the end of the path: rename the folder", dir)
	}
	cfg, settings, err := loadConfig(dir)
	if err != nil {
		return nil, err
	}
	promises, err := loadPromises(dir)
	if err != nil {
		return nil, err
	}
	h := &house{dir: dir, cfg: cfg, settings: settings, promises: promises, log: log, ingesting: make(chan struct{}, 1), built: make(chan struct{}, 1)}
	h.renderer = sync.OnceValues(charts.NewRenderer)
	h.settings.connection.Logger = log
	h.wh, err = warehouse.Open(ctx, warehouse.Config{
		Path:      filepath.Join(dir, "data", databaseFile),
		Memory:    cfg.Warehouse.Memory,
		Threads:   cfg.Warehouse.Threads,
		Zone:      cfg.Company.Zone,
		Currency:  cfg.Company.Currency,
		Contracts: promises.contracts,
		Logger:    log,
	})
	if errors.Is(err, warehouse.ErrTypeChanged) {
		return nil, &usageError{err}
	}
	if err != nil {
		return nil, err
	}
	return h, nil
}

func (h *house) close() error {
	var err error
	if h.broker != nil {
		err = h.broker.Close()
	}
	return errors.Join(err, h.wh.Close())
}

// errNoKafka says what is missing: a typo must never start an empty broker.
func (h *house) errNoKafka() error {
	return usagef(`no kafka in %s: name the brokers to read from

  kafka:
    brokers: [host:9092]

or see a company at work without any: funnelhouse demo --dir try`, configFile)
}

// connection says how to reach the brokers, and starts the embedded one
// where the configuration has it.
func (h *house) connection() (kafka.Connection, error) {
	if h.cfg.Kafka == nil {
		return kafka.Connection{}, h.errNoKafka()
	}
	connection := h.settings.connection
	if connection.SASL != nil {
		password, err := h.cfg.Kafka.SASL.Password.read(h.dir)
		if err != nil {
			return connection, usagef("%s: kafka.sasl.password: %w", configFile, err)
		}
		with := *connection.SASL
		with.Password = password
		connection.SASL = &with
	}
	if h.cfg.Kafka.Embedded == "" {
		if err := connection.Check(); err != nil {
			return connection, usagef("%s: %w", configFile, err)
		}
		return connection, nil
	}
	h.brokerMu.Lock()
	defer h.brokerMu.Unlock()
	if h.broker == nil {
		broker, err := kafka.StartEmbedded(kafka.EmbeddedConfig{Dir: within(h.dir, h.cfg.Kafka.Embedded), Logger: h.log})
		if err != nil {
			return connection, err
		}
		h.broker = broker
		h.log.Info("embedded broker listens", "address", broker.Addr())
	}
	connection.Brokers = []string{h.broker.Addr()}
	return connection, nil
}

// figures is what sql/ holds: models and metrics, read once.
type figures struct {
	files   fs.FS
	models  *model.Project
	metrics *metric.Set
}

func loadFigures(ctx context.Context, dir string, set *contracts.Set, wh *warehouse.Warehouse) (*figures, error) {
	files, err := folder(dir, "sql")
	if err != nil {
		return nil, err
	}
	f := &figures{files: files}
	var errModels, errMetrics error
	f.models, errModels = model.Load(ctx, files, set, wh.DB())
	f.metrics, errMetrics = metric.Load(files)
	return f, errors.Join(inFolder("sql", errModels), inFolder("sql", errMetrics))
}

// loadMetrics reads the project's metrics alone.
func loadMetrics(dir string) (*metric.Set, error) {
	files, err := folder(dir, "sql")
	if err != nil {
		return nil, err
	}
	set, err := metric.Load(files)
	return set, inFolder("sql", err)
}

// adoptedMetrics are the metrics of the last build that succeeded; nil before it.
func (h *house) adoptedMetrics() *metric.Set {
	if f := h.adopted.Load(); f != nil {
		return f.metrics
	}
	return nil
}

// company is what metrics need to know of it.
func (h *house) company() metric.Company {
	return metric.Company{FiscalYearStarts: h.settings.fiscalStart}
}

// zone is the company's, in which its business days begin.
func (h *house) zone() *time.Location {
	if zone, err := time.LoadLocation(h.cfg.Company.Zone); err == nil {
		return zone // an empty name is UTC; any other was proved with the configuration
	}
	return time.UTC
}

// today is the company's business day.
func (h *house) today() time.Time {
	now := time.Now().In(h.zone())
	return time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
}

// build builds every model once.
func (h *house) build(ctx context.Context, progress func(model string, done, total int)) (*model.Result, error) {
	h.building.Lock()
	defer h.building.Unlock()
	f, err := loadFigures(ctx, h.dir, h.promises.contracts, h.wh)
	if err == nil {
		err = checkFigures(ctx, f, h.promises.contracts, h.cfg.Company)
	}
	h.refused.Store(len(yamlfile.Problems(err)) > 0)
	if err != nil {
		return nil, fmt.Errorf("the models were not built: %w", err)
	}
	asOf := h.today()
	runner, err := model.New(model.Config{
		DB: h.wh.DB(), Logger: h.log, Progress: progress,
		Verify: func(ctx context.Context, q warehouse.Tx, name, table string) error {
			return f.metrics.Verify(ctx, q, asOf, func(model string) string {
				if model != name {
					return ""
				}
				return table
			})
		},
	})
	if err != nil {
		return nil, err
	}
	result, err := runner.Build(ctx, f.models, model.Options{})
	if err == nil {
		h.adopted.Store(f)
	}
	if result != nil {
		ring(h.built)
	}
	return result, err
}
