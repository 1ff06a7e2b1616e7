package reports

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	editionFile = regexp.MustCompile(`^([1-9][0-9]*)\.json$`)
	attemptFile = regexp.MustCompile(`^([1-9][0-9]*)\.r([1-9][0-9]*)\.a([1-9][0-9]*)\.(begun|ended)\.json$`)
)

func subfolders(path string) ([]string, error) {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// records lists the record files of a folder, sorted. What begins with a dot is
// what a crash left.
func recordsIn(path string) ([]string, error) {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() && strings.HasSuffix(e.Name(), ".json") && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// load reads what the ledger has on one report.
func (l *Ledger) load(report string) error {
	folder := filepath.Join(l.records, report)
	b := l.book(report)
	err := eachRecord(filepath.Join(folder, schedulesFolder), func(path string) error {
		var a adoption
		err := readRecord(path, &a)
		b.schedules = append(b.schedules, a)
		return err
	})
	if err != nil {
		return err
	}
	err = eachRecord(filepath.Join(folder, missedFolder), func(path string) error {
		var m missed
		err := readRecord(path, &m)
		b.missed = append(b.missed, m)
		return err
	})
	if err != nil {
		return err
	}
	periods, err := subfolders(folder)
	if err != nil {
		return err
	}
	for _, period := range periods {
		if period == schedulesFolder || period == missedFolder {
			continue
		}
		if err := l.loadPeriod(b, filepath.Join(folder, period)); err != nil {
			return err
		}
	}
	slices.SortStableFunc(b.editions, func(a, b *Edition) int {
		return cmp.Or(a.MadeAt.Compare(b.MadeAt), cmp.Compare(a.Number, b.Number))
	})
	return nil
}

func eachRecord(folder string, read func(path string) error) error {
	names, err := recordsIn(folder)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := read(filepath.Join(folder, name)); err != nil {
			return err
		}
	}
	return nil
}

// loadPeriod reads the editions of a period, and what was tried with them.
func (l *Ledger) loadPeriod(b *book, folder string) error {
	names, err := recordsIn(folder)
	if err != nil {
		return err
	}
	editions := map[int]*Edition{}
	var attempts []attemptName
	for _, name := range names {
		if m := attemptFile.FindStringSubmatch(name); m != nil {
			attempts = append(attempts, attemptName{
				name: name, edition: number(m[1]), recipient: number(m[2]) - 1, attempt: number(m[3]), what: m[4],
			})
			continue
		}
		if !editionFile.MatchString(name) {
			continue
		}
		e := &Edition{}
		if err := readRecord(filepath.Join(folder, name), e); err != nil {
			return err
		}
		e.attempts = make([][]Attempt, len(e.Recipients))
		if err := l.namePages(e); err != nil {
			return err
		}
		editions[e.Number] = e
		b.editions = append(b.editions, e)
	}
	// By number, not by name: a10 comes after a9; "begun" before "ended".
	slices.SortFunc(attempts, func(a, b attemptName) int {
		return cmp.Or(cmp.Compare(a.attempt, b.attempt), cmp.Compare(a.what, b.what))
	})
	for _, a := range attempts {
		if err := a.load(editions[a.edition], folder); err != nil {
			return err
		}
	}
	return nil
}

// attemptName is what the name of an attempt's record says.
type attemptName struct {
	name                        string
	edition, recipient, attempt int
	what                        string
}

func (a attemptName) load(e *Edition, folder string) error {
	path := filepath.Join(folder, a.name)
	if e == nil || a.recipient < 0 || a.recipient >= len(e.Recipients) {
		return fmt.Errorf("%s belongs to no edition; bring its record back from a copy of data/records", path)
	}
	have := len(e.attempts[a.recipient])
	if a.what == "begun" && a.attempt == have+1 {
		var r begun
		err := readRecord(path, &r)
		e.attempts[a.recipient] = append(e.attempts[a.recipient], Attempt{BegunAt: r.At})
		return err
	}
	if a.what == "ended" && a.attempt == have && have > 0 {
		var r ended
		err := readRecord(path, &r)
		last := &e.attempts[a.recipient][have-1]
		last.EndedAt, last.Outcome, last.Error = r.At, r.Outcome, r.Error
		return err
	}
	return fmt.Errorf("%s stands without the records before it; bring them back from a copy of data/records", path)
}

// number reads digits that a pattern has let through; what is too large is none.
func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return -1
	}
	return n
}
