// Package warehouse owns the DuckDB file, and with the packages below it is
// the only one that knows DuckDB. It commits what transform made together with
// the offsets it came from, answers queries, and holds the tables that models
// and metrics are made of. It does not decide about events, and it does not
// know Kafka.
//
// Exactly once rests on one rule: rows, quarantine, ledger and offsets are
// committed in one transaction, which holds only if the offsets are still
// those that this process read. What a crash interrupts is read again from the
// stored offsets.
package warehouse

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/funnelhouse/funnelhouse/contracts"
	"github.com/funnelhouse/funnelhouse/ingest"
	_ "github.com/funnelhouse/funnelhouse/internal/needtag" // the Arrow interface needs the tag
)

// Config says how the warehouse is opened.
type Config struct {
	// Path is the database file. Default: none, the database is in memory.
	Path string
	// Memory bounds DuckDB's buffers, like 512MB. Default: 1GB.
	Memory string
	// Threads is how many threads one query uses. Default: 2.
	Threads int
	// Zone is the company's time zone, in which a business day begins.
	// Default: UTC.
	Zone string
	// Currency is the company's own (ISO 4217), the one in which amounts are
	// added up. Default: none, every amount is taken to be in it.
	Currency string
	// Contracts are the events that have a raw table.
	Contracts *contracts.Set
	// Logger tells of what the opening changed. Default: silence.
	Logger *slog.Logger
	// Now tells the time. Default: time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	if c.Memory == "" {
		c.Memory = "1GB"
	}
	if c.Threads == 0 {
		c.Threads = 2
	}
	if c.Zone == "" {
		c.Zone = "UTC"
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Warehouse is the open database. Append belongs to one goroutine; everything
// else may be called from several.
type Warehouse struct {
	cfg       Config
	db        *sql.DB
	connector *duckdb.Connector

	writer *sql.Conn // the one connection that appends
	places placeBook // what the offsets table holds, owned by Append
	batch  int64     // id of the last batch committed, owned by Append
	failed error     // once set, Append refuses: the state is unknown

	closing sync.Once
}

// Open opens or creates the database, recovers what a crash left, and makes
// the tables that the contracts ask for. In-memory ones (no Path) are for
// checks and tests.
func Open(ctx context.Context, cfg Config) (*Warehouse, error) {
	cfg = cfg.withDefaults()
	if cfg.Contracts == nil {
		return nil, errors.New("open warehouse: no contracts")
	}
	connector, err := duckdb.NewConnector(dsn(cfg), nil)
	if err != nil {
		return nil, fmt.Errorf("open warehouse %s: %w", cfg.Path, err)
	}
	w := &Warehouse{cfg: cfg, connector: connector, db: sql.OpenDB(connector)}
	if err := w.prepare(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open warehouse %s: %w", cfg.Path, err), w.Close())
	}
	return w, nil
}

func dsn(cfg Config) string {
	options := url.Values{}
	options.Set("memory_limit", cfg.Memory)
	options.Set("threads", strconv.Itoa(cfg.Threads))
	// Nothing is ever downloaded.
	options.Set("autoinstall_known_extensions", "false")
	options.Set("autoload_known_extensions", "false")
	// Its compression of texts makes a checkpoint cheaper by a fifth than that of
	// the format which is the default. DuckDB 1.4 and newer read it.
	options.Set("storage_compatibility_version", "v1.4.0")
	// Checkpoints come between batches, when the writer asks for them.
	options.Set("checkpoint_threshold", "1GB")
	options.Set("allocator_background_threads", "true")
	if cfg.Path != "" {
		options.Set("temp_directory", filepath.Join(filepath.Dir(cfg.Path), "tmp"))
	}
	return cfg.Path + "?" + options.Encode()
}

// prepare runs before anybody else may use the database.
func (w *Warehouse) prepare(ctx context.Context) error {
	// The first statement after an open is a checkpoint: it takes the log of a
	// killed process into the file before anything reads an older state of it.
	statements := []string{
		"checkpoint",
		"set global TimeZone = 'UTC'",
	}
	statements = append(statements, schemaStatements...)
	statements = append(statements, BusinessDate(w.cfg.Zone), CompanyCurrency(w.cfg.Currency))
	for _, s := range statements {
		if _, err := w.db.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	if err := w.checkZone(ctx); err != nil {
		return err
	}
	// What was made here must not stand in one log with the rows of batches.
	if _, err := w.db.ExecContext(ctx, "checkpoint"); err != nil {
		return err
	}
	if err := w.widen(ctx); err != nil {
		return err
	}
	for _, s := range []string{
		"set global enable_external_access = false",
		"set global lock_configuration = true",
	} {
		if _, err := w.db.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	if err := w.readState(ctx); err != nil {
		return err
	}
	var err error
	w.writer, err = w.db.Conn(ctx)
	return err
}

// BusinessDate is the statement that makes the macro business_date(instant):
// the day on which an instant falls in a time zone. Models compute every
// business day with it.
func BusinessDate(zone string) string {
	return "create or replace macro main.business_date(instant) as cast(instant at time zone " + quoteText(zone) + " as date)"
}

// CompanyCurrency is the statement that makes the macro
// is_company_currency(code). Models tell with it which amounts may be added up;
// the others wait for a rate.
func CompanyCurrency(code string) string {
	const macro = "create or replace macro main.is_company_currency(code) as "
	if code == "" {
		return macro + "true"
	}
	return macro + "code = " + quoteText(code)
}

// checkZone proves that DuckDB knows the company's zone.
func (w *Warehouse) checkZone(ctx context.Context) error {
	var day time.Time
	if err := w.db.QueryRowContext(ctx, "select business_date(timestamptz '2026-01-01 00:00:00+00')").Scan(&day); err != nil {
		return fmt.Errorf("company.zone %q: %w", w.cfg.Zone, err)
	}
	return nil
}

// Tx is a transaction of the warehouse.
type Tx = *sql.Tx

// DB gives models and metrics their connections. Nobody but this package
// writes to schemas raw and ingest.
func (w *Warehouse) DB() *sql.DB { return w.db }

// Close ends all connections; closing twice does nothing. DuckDB writes its log into the file then, as
// far as nobody reads.
func (w *Warehouse) Close() error {
	var err error
	w.closing.Do(func() {
		if w.writer != nil {
			err = w.writer.Close()
		}
		err = errors.Join(err, w.db.Close(), w.connector.Close())
	})
	return err
}

// Checkpoint writes the log into the database file. It is refused while a
// build or a reader is open; then the next one does it.
func (w *Warehouse) Checkpoint(ctx context.Context) error {
	_, err := w.writer.ExecContext(ctx, "checkpoint")
	return err
}

// WALBytes is the size of the log that a restart would have to replay.
func (w *Warehouse) WALBytes() int64 {
	if w.cfg.Path == "" {
		return 0
	}
	info, err := os.Stat(w.cfg.Path + ".wal")
	if err != nil {
		return 0
	}
	return info.Size()
}

// raw runs f with the driver's own connection of the writer.
func (w *Warehouse) raw(f func(driver.Conn) error) error {
	return w.writer.Raw(func(c any) error {
		conn, ok := c.(driver.Conn)
		if !ok {
			return fmt.Errorf("a connection of type %T is none of the driver's", c)
		}
		return f(conn)
	})
}

// Place returns where reading goes on: the life of each topic that was read
// last, and the next offset of every partition.
func (w *Warehouse) Place(ctx context.Context) (ingest.Place, error) {
	return readPlace(ctx, w.db)
}
