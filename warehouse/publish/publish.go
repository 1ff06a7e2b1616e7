// Package publish writes what was built as Parquet for BI tools, and as a
// read-only DuckDB file: data/published/<build>/, with the link `current` to
// the newest build. A build is whole or not there: it is written beside the
// others under a hidden name, its files reach the disk before its name does,
// and the link is replaced by a rename. Whoever resolves the link once reads
// one consistent build, however often it is replaced meanwhile.
//
// The package reads the warehouse in one transaction and writes with a DuckDB
// of its own, so the warehouse itself stays closed to files.
package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/funnelhouse/funnelhouse/internal/durable"
	"github.com/funnelhouse/funnelhouse/warehouse"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// Config says where builds are published and how many are kept.
type Config struct {
	// Dir is the folder of the builds, data/published. Required.
	Dir string
	// Warehouse is what is published. Required.
	Warehouse *warehouse.Warehouse
	// Keep is how many older builds stay beside the current one. Default: 2.
	Keep int
	// Version is that of this program, for the manifest.
	Version string
	// Zone is the company's, for the manifest. Default: UTC.
	Zone string
	// Logger tells of what was removed. Default: silence.
	Logger *slog.Logger
	// Now tells the time. Default: time.Now.
	Now func() time.Time
}

// Content is what a build is made of, besides the tables that stand.
type Content struct {
	Models  []Model // the marts, in any order
	Metrics *metric.Set
	Company metric.Company
	// Language is that of the labels beside values. Default: en.
	Language string
	AsOf     time.Time // the day as of which metric values hold
	Project  string    // hash of the models' files
}

// Model is a mart to be published.
type Model struct {
	Schema, Name string
	Description  string
	Grain        []string
	Columns      map[string]string // descriptions by column
}

// Result is what a publish did.
type Result struct {
	Build    string // name of the build that is current now
	Path     string
	New      bool // false: nothing had changed, and the build is an older one
	Manifest *Manifest
	Written  int // files that were written anew; the others are those of the build before
}

// Publisher publishes builds of one warehouse, one at a time.
type Publisher struct {
	cfg  Config
	busy sync.Mutex
	// step is asked before and after each step that a crash may fall into. It is
	// there for tests.
	step func(name string) error
}

const (
	currentLink  = "current"
	manifestFile = "manifest.json"
	databaseFile = "marts.duckdb"
	spillFolder  = "tmp" // where the writing DuckDB puts what doesn't fit in its memory
	hidden       = "."   // begins the name of what is not a build (yet)
)

// New returns a Publisher.
func New(cfg Config) (*Publisher, error) {
	if cfg.Dir == "" || cfg.Warehouse == nil {
		return nil, errors.New("make a publisher: no folder or no warehouse")
	}
	if cfg.Keep < 0 {
		return nil, fmt.Errorf("make a publisher: keep %d older builds", cfg.Keep)
	}
	if cfg.Keep == 0 {
		cfg.Keep = 2
	}
	if cfg.Zone == "" {
		cfg.Zone = "UTC"
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Publisher{cfg: cfg, step: func(string) error { return nil }}, nil
}

// Publish writes a build, unless all of it would be as in the current one. With
// an error the current build is the one it was, or the new one where only the
// removal of older ones failed.
func (p *Publisher) Publish(ctx context.Context, c Content) (*Result, error) {
	p.busy.Lock()
	defer p.busy.Unlock()
	if c.Language == "" {
		c.Language = "en"
	}
	r, err := p.publish(ctx, c)
	if err != nil {
		return nil, p.explain(err)
	}
	return r, nil
}

func (p *Publisher) publish(ctx context.Context, c Content) (r *Result, err error) {
	if err := durable.MkdirAll(p.cfg.Dir); err != nil {
		return nil, err
	}
	if err := p.clean(); err != nil {
		return nil, err
	}
	before := p.current()
	snapshot, err := openSnapshot(ctx, p.cfg.Warehouse)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, snapshot.close()) }()
	files, m, err := p.plan(ctx, snapshot, c)
	if err != nil {
		return nil, err
	}
	if before.same(files, m) && p.stands(before) {
		return &Result{Build: before.Build, Path: filepath.Join(p.cfg.Dir, before.Build), Manifest: before}, nil
	}
	if before != nil && before.Version != m.Version {
		before = nil // another program may have written the same rows otherwise
	}
	if m.Build, err = p.name(); err != nil {
		return nil, err
	}
	beside := filepath.Join(p.cfg.Dir, hidden+m.Build)
	written, err := p.write(ctx, snapshot, beside, before, files, m)
	if err != nil {
		_ = os.RemoveAll(beside) // what stays is removed by the next publish
		return nil, err
	}
	// From here on a crash leaves a build that is whole and not current yet; the
	// next publish removes it and makes another one.
	place := filepath.Join(p.cfg.Dir, m.Build)
	if err := p.do("rename", func() error { return durable.Rename(beside, place) }); err != nil {
		return nil, err
	}
	if err := p.do("link", func() error { return p.link(m.Build) }); err != nil {
		return nil, err
	}
	if err := p.do("prune", p.prune); err != nil {
		return nil, fmt.Errorf("build %s is current, but older ones are not removed: %w", m.Build, err)
	}
	return &Result{Build: m.Build, Path: place, New: true, Manifest: m, Written: written}, nil
}

// do takes one step; tests fail it before or after its effect.
func (p *Publisher) do(name string, f func() error) error {
	if err := p.step("before " + name); err != nil {
		return err
	}
	if err := f(); err != nil {
		return err
	}
	return p.step("after " + name)
}

// buildName is how a build is named: by the time at which it was begun.
const buildName = "20060102T150405.000Z"

// name is the time of the build. A clock that stands still or was set back
// makes no name twice, and names sort in the order of publishing.
func (p *Publisher) name() (string, error) {
	names, err := p.builds()
	if err != nil {
		return "", err
	}
	name := p.cfg.Now().UTC().Format(buildName)
	if len(names) > 0 && name <= names[len(names)-1] {
		last, err := time.Parse(buildName, names[len(names)-1])
		if err != nil {
			return "", err
		}
		name = last.Add(time.Millisecond).Format(buildName)
	}
	return name, nil
}

// link points `current` at a build: the new link is made under another name,
// and a rename puts it in the old one's place.
func (p *Publisher) link(build string) error {
	beside := filepath.Join(p.cfg.Dir, hidden+currentLink)
	if err := os.Symlink(build, beside); err != nil {
		return fmt.Errorf("link the build: %w", err)
	}
	return durable.Rename(beside, filepath.Join(p.cfg.Dir, currentLink))
}

// current reads the manifest of the current build; nil where there is none. A
// build that can't be read any more is nothing to build upon, and is told of.
func (p *Publisher) current() *Manifest {
	m, err := Read(filepath.Join(p.cfg.Dir, currentLink))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		p.cfg.Logger.Warn("the published build can't be read; all of it is written anew", "error", err)
	}
	return m
}

// stands tells whether the files of a build are there in their full size.
func (p *Publisher) stands(m *Manifest) bool {
	for i := range m.Files {
		f := &m.Files[i]
		info, err := os.Stat(filepath.Join(p.cfg.Dir, m.Build, filepath.FromSlash(f.Path)))
		if err != nil || info.Size() != f.Bytes {
			return false
		}
	}
	return true
}

// builds lists the builds by their names, the oldest first. Whatever else lies
// in the folder is somebody's own.
func (p *Publisher) builds() ([]string, error) {
	entries, err := os.ReadDir(p.cfg.Dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && isBuild(e.Name()) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

func isBuild(name string) bool {
	_, err := time.Parse(buildName, name)
	return err == nil
}

// clean removes what an earlier publish left unfinished: what never had a name
// that counts, and builds that came after the current one without becoming it.
// They would be kept in the place of builds that somebody may still read.
func (p *Publisher) clean() error {
	entries, err := os.ReadDir(p.cfg.Dir)
	if err != nil {
		return err
	}
	// Without a link no build is removed.
	current, err := os.Readlink(filepath.Join(p.cfg.Dir, currentLink))
	linked := err == nil && isBuild(current)
	for _, e := range entries {
		name, unfinished := strings.CutPrefix(e.Name(), hidden)
		switch {
		case unfinished && (isBuild(name) || name == currentLink || name == spillFolder):
		case linked && isBuild(e.Name()) && e.Name() > current:
		default:
			continue
		}
		if err := p.remove(e.Name()); err != nil {
			return fmt.Errorf("remove what an earlier publish left: %w", err)
		}
	}
	return nil
}

// remove removes a build or what was to become one, under a hidden name: nobody
// shall find half a build.
func (p *Publisher) remove(name string) error {
	gone := filepath.Join(p.cfg.Dir, name)
	if !strings.HasPrefix(name, hidden) {
		gone = filepath.Join(p.cfg.Dir, hidden+name)
		if err := durable.Rename(filepath.Join(p.cfg.Dir, name), gone); err != nil {
			return err
		}
	}
	return os.RemoveAll(gone)
}

// prune removes the builds that are older than those kept. The one that
// `current` points at stays, whatever its age.
func (p *Publisher) prune() error {
	names, err := p.builds()
	if err != nil {
		return err
	}
	current, err := os.Readlink(filepath.Join(p.cfg.Dir, currentLink))
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return name == current })
	for len(names) > p.cfg.Keep {
		if err := p.remove(names[0]); err != nil {
			return err
		}
		p.cfg.Logger.Debug("older build removed", "build", names[0])
		names = names[1:]
	}
	return nil
}
