package reports

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/funnelhouse/funnelhouse/internal/durable"
)

// Ledger knows which occurrences were made or missed, which editions there are
// and which mails were sent. Each fact is a file of its own, written once and
// fsynced before anybody acts on it:
//
//	<report>/schedules/0001.json               a schedule, from when on it held
//	<report>/missed/2026-10-02T0800.json       occurrences that nobody will make
//	<report>/2026-10/1.json                    an edition
//	<report>/2026-10/1.r2.a1.begun.json        its mail to the second recipient, first try
//	<report>/2026-10/1.r2.a1.ended.json        how that went
//
// The pages themselves lie in a folder for people: <report>/2026-10/1.en.html.
// The edition's file is what makes it: pages without one are what a crash left,
// and pages that still have their temporary names get their own ones when the
// ledger is opened.
type Ledger struct {
	records string
	pages   string

	mu    sync.Mutex
	books map[string]*book
}

// book is what the ledger knows of one report.
type book struct {
	schedules []adoption
	missed    []missed
	editions  []*Edition // as they were made
}

// adoption is a schedule that came into force. What lies before it was never
// promised.
type adoption struct {
	Cron  string    `json:"cron"`
	Zone  string    `json:"zone"`
	Since time.Time `json:"since"`
}

func (b *book) since(s *Schedule) (time.Time, bool) {
	n := len(b.schedules)
	if n == 0 || b.schedules[n-1].Cron != s.Cron || b.schedules[n-1].Zone != s.Zone.String() {
		return time.Time{}, false
	}
	return b.schedules[n-1].Since, true
}

type missed struct {
	Occurrences []Occurrence `json:"occurrences"`
	FoundAt     time.Time    `json:"found_at"`
}

type begun struct {
	At time.Time `json:"at"`
}

type ended struct {
	At      time.Time `json:"at"`
	Outcome Outcome   `json:"outcome"`
	Error   string    `json:"error,omitempty"`
}

const (
	schedulesFolder = "schedules"
	missedFolder    = "missed"
)

// OpenLedger reads the ledger in records; pages is the folder for the pages.
// Both are made when something is written.
func OpenLedger(records, pages string) (*Ledger, error) {
	l := &Ledger{records: records, pages: pages, books: map[string]*book{}}
	reports, err := subfolders(records)
	if err != nil {
		return nil, fmt.Errorf("read the ledger of reports: %w", err)
	}
	for _, report := range reports {
		if err := l.load(report); err != nil {
			return nil, fmt.Errorf("read the ledger of report %s: %w", report, err)
		}
	}
	return l, nil
}

// Adopt returns from when on a report's schedule holds: since now where it is
// another one than the last.
func (l *Ledger) Adopt(report string, s *Schedule, now time.Time) (since time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if since, ok := l.book(report).since(s); ok {
		return since, nil
	}
	a := adoption{Cron: s.Cron, Zone: s.Zone.String(), Since: now.UTC().Round(0)}
	return a.Since, l.adopt(report, a)
}

func (l *Ledger) adopt(report string, a adoption) error {
	b := l.book(report)
	if err := l.write(a, report, schedulesFolder, fmt.Sprintf("%04d.json", len(b.schedules)+1)); err != nil {
		return fmt.Errorf("record the schedule of report %s: %w", report, err)
	}
	b.schedules = append(b.schedules, a)
	return nil
}

// Since tells from when on a report's schedule holds; false: it was never
// adopted, or another one was since.
func (l *Ledger) Since(report string, s *Schedule) (time.Time, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.book(report).since(s)
}

// Withdraw records that a report has no schedule any more, so that nothing of
// the time until it has one again was promised.
func (l *Ledger) Withdraw(report string, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.book(report).schedules); n == 0 || l.book(report).schedules[n-1].Cron == "" {
		return nil
	}
	return l.adopt(report, adoption{Since: now.UTC().Round(0)})
}

// Settled tells whether an occurrence was made or missed, and until when all
// are: zero where none is.
func (l *Ledger) Settled(report string) (until time.Time, is func(wall string) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	walls := map[string]bool{}
	settle := func(o Occurrence) {
		walls[o.Wall] = true
		if o.At.After(until) {
			until = o.At
		}
	}
	b := l.book(report)
	for _, m := range b.missed {
		for _, o := range m.Occurrences {
			settle(o)
		}
	}
	for _, e := range b.editions {
		if e.Occurrence != nil {
			settle(*e.Occurrence)
		}
	}
	return until, func(wall string) bool { return walls[wall] }
}

// Miss records occurrences, in their order, that nobody will make.
func (l *Ledger) Miss(report string, list []Occurrence, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := missed{Occurrences: list, FoundAt: now.UTC().Round(0)}
	name := strings.ReplaceAll(list[len(list)-1].Wall, ":", "") + ".json"
	if err := l.write(m, report, missedFolder, name); err != nil {
		return fmt.Errorf("record what report %s has missed: %w", report, err)
	}
	b := l.book(report)
	b.missed = append(b.missed, m)
	return nil
}

// Missed lists a report's missed occurrences, in their order.
func (l *Ledger) Missed(report string) []Occurrence {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []Occurrence
	for _, m := range l.book(report).missed {
		all = append(all, m.Occurrences...)
	}
	return all
}

// Page is an edition's text in one language.
type Page struct {
	Language string
	Subject  string
	HTML     []byte
	Text     []byte
}

// Issue writes an edition: its pages under temporary names, its record, which
// makes it, and then the pages' names. Its number is the one that Next gave.
func (l *Ledger) Issue(e *Edition, pages []Page) (*Edition, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e = e.clone()
	e.MadeAt = e.MadeAt.UTC().Round(0)
	e.attempts = make([][]Attempt, len(e.Recipients))
	wrap := func(err error) error { return fmt.Errorf("write report %s of %s: %w", e.Report, e.Period, err) }
	if n, err := l.nextNumber(e.Report, e.Period); err != nil || n != e.Number {
		return nil, wrap(errors.Join(err, fmt.Errorf("edition %d is taken", e.Number)))
	}
	folder := l.pageFolder(e)
	if err := durable.MkdirAll(folder); err != nil {
		return nil, wrap(err)
	}
	for _, p := range pages {
		f := PageFile{Language: p.Language, Subject: p.Subject}
		for _, part := range []struct {
			print *FilePrint
			kind  string
			data  []byte
		}{{&f.HTML, "html", p.HTML}, {&f.Text, "txt", p.Text}} {
			*part.print = printOf(fmt.Sprintf("%d.%s.%s", e.Number, p.Language, part.kind), part.data)
			if err := durable.Write(temporary(folder, part.print.Name), part.data); err != nil {
				return nil, wrap(err)
			}
		}
		e.Pages = append(e.Pages, f)
	}
	if err := l.write(e, e.Report, folderOf(e.Period), strconv.Itoa(e.Number)+".json"); err != nil {
		return nil, wrap(err)
	}
	b := l.book(e.Report)
	b.editions = append(b.editions, e)
	if err := l.namePages(e); err != nil {
		return nil, wrap(err)
	}
	return e.clone(), nil
}

// Next is the number of a period's next edition.
func (l *Ledger) Next(report, period string) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, err := l.nextNumber(report, period)
	if err != nil {
		return 0, fmt.Errorf("number report %s of %s: %w", report, period, err)
	}
	return n, nil
}

// Editions lists a report's editions, as they were made. They are copies.
func (l *Ledger) Editions(report string) []*Edition {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []*Edition
	for _, e := range l.book(report).editions {
		all = append(all, e.clone())
	}
	return all
}

// Again returns an edition as it is now.
func (l *Ledger) Again(e *Edition) *Edition {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.own(e).clone()
}

// Reports lists the reports that the ledger knows, sorted.
func (l *Ledger) Reports() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var names []string
	for name, b := range l.books {
		if len(b.schedules)+len(b.missed)+len(b.editions) > 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Begin records that a mail is about to be sent. It is false where that is not
// due: it was sent meanwhile, or another caller is at it.
func (l *Ledger) Begin(e *Edition, recipient int, now time.Time) (ok bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	own := l.own(e)
	attempts := own.attempts[recipient]
	if d := delivery(own.Recipients[recipient], attempts); d.State != StateWaiting || len(attempts) > 0 && attempts[len(attempts)-1].running {
		return false, nil
	}
	at := now.UTC().Round(0)
	if err := l.write(begun{At: at}, attemptPath(own, recipient, len(attempts)+1, "begun")...); err != nil {
		return false, fmt.Errorf("record a mail of report %s: %w", e.Report, err)
	}
	own.attempts[recipient] = append(attempts, Attempt{BegunAt: at, running: true})
	return true, nil
}

// End records how the sending that Begin announced has ended. Where that can't
// be written it counts as cut off.
func (l *Ledger) End(e *Edition, recipient int, now time.Time, outcome Outcome, message string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	own := l.own(e)
	n := len(own.attempts[recipient])
	last := &own.attempts[recipient][n-1]
	last.running = false
	at := now.UTC().Round(0)
	if err := l.write(ended{At: at, Outcome: outcome, Error: message}, attemptPath(own, recipient, n, "ended")...); err != nil {
		return fmt.Errorf("record a mail of report %s: %w", e.Report, err)
	}
	last.EndedAt, last.Outcome, last.Error = at, outcome, message
	return nil
}

// ReadPage reads a page of an edition, and refuses one that is not what was
// written.
func (l *Ledger) ReadPage(e *Edition, language string) (Page, error) {
	f := e.page(language)
	if f == nil {
		return Page{}, fmt.Errorf("edition %d of report %s has no page in %s", e.Number, e.Report, language)
	}
	html, err := l.read(e, f.HTML)
	if err != nil {
		return Page{}, err
	}
	text, err := l.read(e, f.Text)
	return Page{Language: language, Subject: f.Subject, HTML: html, Text: text}, err
}

func (l *Ledger) read(e *Edition, want FilePrint) ([]byte, error) {
	path := filepath.Join(l.pageFolder(e), want.Name)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read edition %d of report %s: %w", e.Number, e.Report, err)
	}
	if printOf(want.Name, data) != want {
		return nil, fmt.Errorf("%s is not what was written on %s: it was changed since; make a new edition", path, e.MadeAt.Format(time.DateOnly))
	}
	return data, nil
}

// Path is where a page of an edition lies.
func (l *Ledger) Path(e *Edition, language string) string {
	if f := e.page(language); f != nil {
		return filepath.Join(l.pageFolder(e), f.HTML.Name)
	}
	return ""
}

func (l *Ledger) book(report string) *book {
	if l.books[report] == nil {
		l.books[report] = &book{}
	}
	return l.books[report]
}

// own is the ledger's own edition of which e is a copy.
func (l *Ledger) own(e *Edition) *Edition {
	for _, o := range l.book(e.Report).editions {
		if o.Period == e.Period && o.Number == e.Number {
			return o
		}
	}
	return e // never: editions come from the ledger
}

func (l *Ledger) pageFolder(e *Edition) string {
	return filepath.Join(l.pages, e.Report, folderOf(e.Period))
}

// folderOf is a period's label as a folder: that of a fiscal year holds a slash.
func folderOf(period string) string { return strings.ReplaceAll(period, "/", "-") }

func temporary(folder, name string) string { return filepath.Join(folder, "."+name+".new") }

func printOf(name string, data []byte) FilePrint {
	sum := sha256.Sum256(data)
	return FilePrint{Name: name, Bytes: len(data), SHA256: hex.EncodeToString(sum[:])}
}

func attemptPath(e *Edition, recipient, attempt int, what string) []string {
	return []string{e.Report, folderOf(e.Period), fmt.Sprintf("%d.r%d.a%d.%s.json", e.Number, recipient+1, attempt, what)}
}

// nextNumber is one more than any edition that is recorded, and than any page
// that lies there: who lost the records doesn't lose the pages as well.
func (l *Ledger) nextNumber(report, period string) (int, error) {
	highest := 0
	for _, e := range l.book(report).editions {
		if e.Period == period {
			highest = max(highest, e.Number)
		}
	}
	entries, err := os.ReadDir(filepath.Join(l.pages, report, folderOf(period)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	for _, entry := range entries {
		number, _, _ := strings.Cut(entry.Name(), ".")
		if n, err := strconv.Atoi(number); err == nil {
			highest = max(highest, n)
		}
	}
	return highest + 1, nil
}

// namePages gives pages their names that a crash has kept from them.
func (l *Ledger) namePages(e *Edition) error {
	folder := l.pageFolder(e)
	for _, p := range e.Pages {
		for _, f := range []FilePrint{p.HTML, p.Text} {
			data, err := os.ReadFile(temporary(folder, f.Name))
			if errors.Is(err, fs.ErrNotExist) || err == nil && printOf(f.Name, data) != f {
				continue // it has its name, or somebody took it away
			}
			if err != nil {
				return err
			}
			if err := durable.Rename(temporary(folder, f.Name), filepath.Join(folder, f.Name)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *Ledger) write(record any, path ...string) error {
	data, err := json.MarshalIndent(record, "", "  ")
	if err != nil {
		return err
	}
	file := filepath.Join(append([]string{l.records}, path...)...)
	if err := durable.MkdirAll(filepath.Dir(file)); err != nil {
		return err
	}
	return durable.WriteNew(file, append(data, '\n'))
}

func readRecord(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s is no record: %w; bring it back from a copy of data/records", path, err)
	}
	return nil
}
