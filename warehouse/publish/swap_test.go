package publish

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// swaps counts what was published, and keeps a publisher from going further
// than its promise: a reader may hold a build for as long as two further
// publishes.
type swaps struct {
	mu        sync.Mutex
	moved     *sync.Cond
	published int
	held      int // published when the reader began; -1: it reads nothing
}

func (s *swaps) hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = s.published
}

func (s *swaps) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = -1
	s.moved.Signal()
}

func (s *swaps) publish(f func()) {
	s.mu.Lock()
	for s.held >= 0 && s.published-s.held >= 2 {
		s.moved.Wait()
	}
	s.published++ // counts from its beginning
	s.mu.Unlock()
	f()
}

// A reader that follows the link once finds one whole build, each time, while
// builds are swapped under it.
func TestReaderDuringSwaps(t *testing.T) {
	t.Parallel()
	h := small(t, "moving as select i as id, 0 as round from range(1000) r(i)", "still as select i as id from range(1000) r(i)")
	h.publish()
	const rounds = 200
	s := &swaps{held: -1}
	s.moved = sync.NewCond(&s.mu)
	// Each step of a publish wakes the reader, which reads while the next ones are
	// taken; a reader that never rests would only make the swaps slower.
	bell, ended := make(chan struct{}, 1), make(chan error, 1)
	h.publisher.step = func(string) error {
		select {
		case bell <- struct{}{}:
		default:
		}
		return nil
	}
	reads, seen := 0, map[string]bool{}
	go func() {
		for range bell {
			s.hold()
			build, err := readBuild(h.dir)
			s.release()
			if err != nil {
				ended <- fmt.Errorf("build %s: %w", build, err)
				return
			}
			reads++
			seen[build] = true
		}
		ended <- nil
	}()
	for range rounds {
		s.publish(func() {
			h.run("update marts.moving set round = round + 1")
			h.now = h.now.Add(time.Second)
			if r := h.publish(); !r.New || r.Written != 2 {
				t.Errorf("%d files were written, want one mart and the database", r.Written)
			}
		})
	}
	close(bell)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if reads < rounds || len(seen) < rounds/4 {
		t.Errorf("only %d reads of %d builds", reads, len(seen))
	}
	t.Logf("%d reads of %d builds", reads, len(seen))
}

// readBuild reads as a BI tool should: it resolves the link once.
func readBuild(dir string) (build string, err error) {
	if build, err = os.Readlink(filepath.Join(dir, currentLink)); err != nil {
		return build, err
	}
	place := filepath.Join(dir, build)
	m, err := Read(place)
	if err != nil {
		return build, err
	}
	if m.Build != build || len(m.Files) != 6 {
		return build, fmt.Errorf("the manifest is that of %s with %d files", m.Build, len(m.Files))
	}
	if err := Verify(place, m); err != nil {
		return build, err
	}
	rows, err := arrowRows(filepath.Join(place, "marts", "moving.parquet"))
	if err != nil {
		return build, err
	}
	_, round, _ := strings.Cut(rows[0], "|")
	for _, row := range rows {
		if !strings.HasSuffix(row, "|"+round) {
			return build, fmt.Errorf("rows of two builds: %s and %s", rows[0], row)
		}
	}
	if len(rows) != 1000 {
		return build, fmt.Errorf("%d rows", len(rows))
	}
	return build, nil
}

var errCut = errors.New("cut off here")

// Whichever step fails, before or after it has taken effect, and whether the
// program learns it or dies of it: what is current is whole, the old build or
// the new one, and the next publish brings everything into order.
func TestEveryStepFails(t *testing.T) {
	t.Parallel()
	h := small(t, "moving as select 0 as round", "still as select 1 as n")
	var steps []string
	h.publisher.step = func(name string) error {
		steps = append(steps, name)
		return nil
	}
	var history []string // builds that were current
	next := func() string {
		h.now = h.now.Add(time.Minute)
		h.run("update marts.moving set round = round + 1")
		return rowsOf(t, h.wh.DB(), "from marts.moving")[0]
	}
	for range 3 {
		next()
		h.publish()
		history = append(history, h.current())
	}
	steps = steps[:len(steps)/3]
	if len(steps) != 20 {
		t.Fatalf("the steps are %v", steps)
	}
	for _, step := range steps {
		for _, dies := range []bool{false, true} {
			round := next()
			h.publisher.step = func(name string) error {
				switch {
				case name != step:
					return nil
				case dies:
					panic(errCut)
				default:
					return errCut
				}
			}
			if err := survive(func() error { _, err := h.publisher.Publish(t.Context(), h.content); return err }); !errors.Is(err, errCut) {
				t.Fatalf("%s: %v", step, err)
			}
			linked := slices.Contains([]string{"after link", "before prune", "after prune"}, step)
			if now := h.current(); (now != history[len(history)-1]) != linked {
				t.Fatalf("%s: current is %s after %v", step, now, history)
			} else if linked {
				history = append(history, now)
			}

			h.publisher.step = func(string) error { return nil }
			h.now = h.now.Add(time.Minute)
			if linked {
				round = next()
			}
			if !h.publish().New {
				t.Fatalf("%s: nothing new afterwards", step)
			}
			history = append(history, h.current())
			is(t, step+": the folder", h.lies(), strings.Join(append(history[len(history)-3:], currentLink), " "))
			rows, err := arrowRows(h.file("marts", "moving.parquet"))
			if err != nil {
				t.Fatal(err)
			}
			is(t, step+": the mart", rows, "["+round+"]")
		}
	}
}

// survive runs f as a process of its own would, as far as files go.
func survive(f func() error) (err error) {
	defer func() {
		if died := recover(); died != nil {
			err = died.(error)
		}
	}()
	return f()
}

func (h *house) info(build, name string) os.FileInfo {
	h.Helper()
	info, err := os.Stat(filepath.Join(h.dir, build, name))
	if err != nil {
		h.Fatal(err)
	}
	return info
}

// Only what changed is written anew.
func TestOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	h := small(t, "moving as select 0 as round", "still as select i as id, 'x' as name from range(10) r(i)")
	files := []string{"marts/moving.parquet", "marts/still.parquet", "metrics/values.parquet", "dimensions/metrics.parquet", "dimensions/calendar.parquet"}
	rewritten := func(what, before string, want ...string) string {
		t.Helper()
		h.now = h.now.Add(time.Minute)
		r := h.publish()
		if !r.New {
			t.Fatalf("%s: no new build", what)
		}
		is(t, what+": files written", r.Written, len(want)+1)
		var fresh []string
		for _, f := range files {
			if !os.SameFile(h.info(before, f), h.info(r.Build, f)) {
				fresh = append(fresh, f)
			}
		}
		is(t, what, fresh, want)
		return h.current()
	}
	first := h.publish().Build
	h.run("update marts.moving set round = 1")
	second := rewritten("a mart that changed", first, "marts/moving.parquet")

	// Rows in another order and new offsets are nothing new.
	h.run("create or replace table marts.still as select i as id, 'x' as name from range(10) r(i) order by i desc")
	h.run(batch(7, 42), batch(8, 50))
	if r := h.publish(); r.New || r.Build != second || r.Manifest.Build != second || h.lies() != first+" "+second+" current" {
		t.Errorf("a build %+v of nothing new", r)
	}

	h.content.AsOf = h.content.AsOf.AddDate(0, 0, 1)
	third := rewritten("another day", second, []string{}...)
	m, err := Read(filepath.Join(h.dir, third))
	if err != nil {
		t.Fatal(err)
	}
	is(t, "the manifest", fmt.Sprintln(m.AsOf, m.BuiltAt, m.UpToBatch, m.Offsets), fmt.Sprintln("2026-11-03", h.now, 7, "[{crm.events 0 0 42}]"))

	h.content.Models[1].Description = "Something else."
	fourth := rewritten("another description", third, "marts/still.parquet")
	h.run("alter table marts.still rename name to label")
	fifth := rewritten("another column", fourth, "marts/still.parquet")

	// A file that was damaged is not handed on; one that lost its end is seen at once.
	damaged := filepath.Join(h.dir, fifth, "marts", "still.parquet")
	if err := os.Chmod(damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(damaged)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(damaged, text, 0o600); err != nil {
		t.Fatal(err)
	}
	h.run("update marts.moving set round = 2")
	sixth := rewritten("a damaged file", fifth, "marts/moving.parquet", "marts/still.parquet")
	if err := os.Truncate(filepath.Join(h.dir, sixth, "marts", "moving.parquet"), 10); err != nil {
		t.Fatal(err)
	}
	seventh := rewritten("a file cut short", sixth, "marts/moving.parquet")

	// Another program may write the same rows otherwise.
	h.publisher = h.another(Config{Version: "2"})
	eighth := rewritten("another version", seventh, files...)

	// What can't be read is nothing to build upon.
	if err := os.WriteFile(filepath.Join(h.dir, eighth, manifestFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	ninth := rewritten("an unreadable manifest", eighth, files...)
	if err := os.Remove(filepath.Join(h.dir, ninth, manifestFile)); err != nil {
		t.Fatal(err)
	}
	rewritten("no manifest", ninth, files...)
}

// Older builds are kept, the current one always; what is none of ours stays.
func TestKeep(t *testing.T) {
	t.Parallel()
	h := small(t, "moving as select 0 as round")
	if err := os.MkdirAll(filepath.Join(h.dir, "0-copy-for-power-bi"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(h.dir, ".nfs0001"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var history []string
	swap := func(now time.Time) {
		t.Helper()
		h.now = now
		h.run("update marts.moving set round = round + 1")
		h.publish()
		history = append(history, h.current())
	}
	lies := func(what string, kept int) {
		t.Helper()
		is(t, what, h.lies(), ".nfs0001 0-copy-for-power-bi "+strings.Join(append(slices.Clone(history[len(history)-kept-1:]), currentLink), " "))
	}
	for i := range 4 {
		swap(monday.Add(time.Duration(i) * time.Hour))
	}
	lies("two older ones", 2)
	// The clock stands still, then it is set back.
	swap(h.now)
	swap(monday.AddDate(0, -1, 0))
	swap(monday.AddDate(-1, 0, 0))
	lies("after the clock was set back", 2)
	is(t, "the order", slices.IsSorted(history), true)
	h.publisher = h.another(Config{Keep: 1})
	swap(monday.AddDate(-2, 0, 0))
	lies("one older one", 1)
	if _, err := New(Config{Dir: h.dir, Warehouse: h.wh, Keep: -1}); err == nil {
		t.Error("a publisher that keeps less than nothing")
	}

	// Without a readable build before, the clock being behind: the new one stays.
	if err := os.WriteFile(h.file(manifestFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	swap(monday.AddDate(-3, 0, 0))
	lies("after an unreadable one", 1)
	// Whoever removes the link loses no build.
	if err := os.Remove(filepath.Join(h.dir, currentLink)); err != nil {
		t.Fatal(err)
	}
	swap(monday)
	lies("after a lost link", 1)
}
