package reports

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func openLedger(t testing.TB, dir string) *Ledger {
	t.Helper()
	l, err := OpenLedger(filepath.Join(dir, "records", "reports"), filepath.Join(dir, "reports"))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func issue(t testing.TB, l *Ledger, e *Edition) *Edition {
	t.Helper()
	var err error
	if e.Number, err = l.Next(e.Report, e.Period); err != nil {
		t.Fatal(err)
	}
	if e.MadeAt.IsZero() {
		e.MadeAt = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	}
	pages := []Page{
		{Language: "en", Subject: "Report, October", HTML: []byte("<p>en</p>"), Text: []byte("en")},
		{Language: "zh-Hans", Subject: "月报", HTML: []byte("<p>中</p>"), Text: []byte("中")},
	}
	if e, err = l.Issue(e, pages); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestLedger(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := openLedger(t, dir)
	s := schedule(t, "0 8 2 * *", "Asia/Shanghai")
	now := time.Date(2026, 10, 20, 12, 0, 0, 0, time.UTC)
	for range 2 {
		if since, err := l.Adopt("a", s, now); err != nil || !since.Equal(now) {
			t.Fatalf("since %v, %v", since, err)
		}
	}
	o, _ := s.Next(now)
	people := []Recipient{{Name: "wang", Mail: "wang@example.com", Language: "zh-Hans", MessageID: "1@example.com"}, {Mail: "li@example.com", Language: "en", MessageID: "2@example.com"}}
	e := issue(t, l, &Edition{Report: "a", Period: "2026-10", Occurrence: &o, AsOf: "2026-11-02", Recipients: people, Lacking: []string{"something"}})
	if e.Number != 1 || len(e.Pages) != 2 {
		t.Fatalf("got %+v", e)
	}
	second := issue(t, l, &Edition{Report: "a", Period: "2026-10", MadeAt: e.MadeAt.Add(time.Hour)})
	if second.Number != 2 {
		t.Errorf("the second edition is number %d", second.Number)
	}
	fiscal := issue(t, l, &Edition{Report: "b", Period: "2025/26-Q1"})
	if want := filepath.Join(dir, "reports", "b", "2025-26-Q1", "1.en.html"); l.Path(fiscal, "en") != want {
		t.Errorf("lies in %s", l.Path(fiscal, "en"))
	}
	if err := l.Miss("a", []Occurrence{{Wall: "2026-09-02T08:00", At: now.AddDate(0, -2, 0)}}, now); err != nil {
		t.Fatal(err)
	}
	if ok, err := l.Begin(e, 0, now); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if ok, err := l.Begin(e, 0, now); ok || err != nil {
		t.Errorf("begun twice: %v, %v", ok, err)
	}
	if err := l.End(e, 0, now.Add(time.Second), Failed, "450 later"); err != nil {
		t.Fatal(err)
	}
	for range 10 { // "a10" comes after "a9"
		if ok, err := l.Begin(e, 1, now); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if err := l.End(e, 1, now, Failed, "x"); err != nil {
			t.Fatal(err)
		}
	}
	if ok, err := l.Begin(e, 1, now.Add(time.Minute)); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if err := l.End(e, 1, now.Add(2*time.Minute), Accepted, ""); err != nil {
		t.Fatal(err)
	}
	if ok, err := l.Begin(e, 1, now); ok || err != nil {
		t.Errorf("sent twice: %v, %v", ok, err)
	}

	// All of it is there again for who opens it anew, and for who has it open.
	for _, l := range []*Ledger{l, openLedger(t, dir)} {
		if got := l.Reports(); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("reports %v", got)
		}
		if since, err := l.Adopt("a", s, now.AddDate(1, 0, 0)); err != nil || !since.Equal(now) {
			t.Errorf("since %v, %v", since, err)
		}
		until, settled := l.Settled("a")
		if !until.Equal(o.At) || !settled(o.Wall) || !settled("2026-09-02T08:00") || settled("2026-12-02T08:00") {
			t.Errorf("settled until %v", until)
		}
		if m := l.Missed("a"); len(m) != 1 || m[0].Wall != "2026-09-02T08:00" {
			t.Errorf("missed %v", m)
		}
		list := l.Editions("a")
		if len(list) != 2 || list[0].Number != 1 || list[1].Number != 2 || list[0].Lacking[0] != "something" {
			t.Fatalf("editions %+v", list)
		}
		d := list[0].Deliveries()
		if d[0].State != StateWaiting || d[0].Attempts != 1 || d[0].Error != "450 later" || !d[0].Next.Equal(now.Add(time.Minute+time.Second)) || d[0].MessageID != "1@example.com" {
			t.Errorf("first %+v", d[0])
		}
		if d[1].State != StateSent || d[1].Attempts != 11 {
			t.Errorf("second %+v", d[1])
		}
		p, err := l.ReadPage(list[0], "zh-Hans")
		if err != nil || string(p.HTML) != "<p>中</p>" || string(p.Text) != "中" || p.Subject != "月报" {
			t.Errorf("page %+v, %v", p, err)
		}
	}
}

// A schedule that is changed, or comes back, promises nothing of the time
// before.
func TestAdopt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	now := time.Date(2026, 10, 20, 12, 0, 0, 0, time.UTC)
	at := func(days int) time.Time { return now.AddDate(0, 0, days) }
	first, second := schedule(t, "0 8 2 * *", "UTC"), schedule(t, "0 8 3 * *", "UTC")
	adopt := func(s *Schedule, day, want int) {
		t.Helper()
		// Opened anew each time, as after a restart.
		if since, err := openLedger(t, dir).Adopt("a", s, at(day)); err != nil || !since.Equal(at(want)) {
			t.Errorf("on day %d since %v, %v; want %v", day, since, err, at(want))
		}
	}
	adopt(first, 0, 0)
	adopt(first, 1, 0)
	adopt(second, 2, 2)
	adopt(first, 3, 3)
	for range 2 {
		if err := openLedger(t, dir).Withdraw("a", at(4)); err != nil {
			t.Fatal(err)
		}
	}
	adopt(first, 5, 5)
	adopt(first, 6, 5)
	adopt(schedule(t, "0 8 2 * *", "Asia/Shanghai"), 7, 7)
}

// Wherever a crash ends the writing of an edition, it is there whole or not at
// all; and what people have in their folder is never written over.
func TestIssueCutOff(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := openLedger(t, dir)
	e := issue(t, l, &Edition{Report: "a", Period: "2026-10"})
	folder := filepath.Join(dir, "reports", "a", "2026-10")
	record := filepath.Join(dir, "records", "reports", "a", "2026-10", "1.json")

	// Before the pages had their names.
	for _, name := range []string{"1.en.html", "1.zh-Hans.txt"} {
		if err := os.Rename(filepath.Join(folder, name), temporary(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	l = openLedger(t, dir)
	if p, err := l.ReadPage(e, "en"); err != nil || string(p.HTML) != "<p>en</p>" {
		t.Errorf("after the crash: %+v, %v", p, err)
	}
	if _, err := l.ReadPage(e, "zh-Hans"); err != nil {
		t.Error(err)
	}

	// Before the record: there is no edition, and the pages are written over.
	if err := os.Rename(record, filepath.Join(filepath.Dir(record), ".1.json.new")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"1.en.html", "1.en.txt", "1.zh-Hans.html", "1.zh-Hans.txt"} {
		if err := os.Rename(filepath.Join(folder, name), temporary(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	if l = openLedger(t, dir); len(l.Editions("a")) != 0 {
		t.Error("there is an edition without a record")
	}
	if again := issue(t, l, &Edition{Report: "a", Period: "2026-10"}); again.Number != 1 {
		t.Errorf("it is number %d", again.Number)
	}

	// The records are lost, the pages are not.
	if err := os.RemoveAll(filepath.Join(dir, "records")); err != nil {
		t.Fatal(err)
	}
	l = openLedger(t, dir)
	if again := issue(t, l, &Edition{Report: "a", Period: "2026-10"}); again.Number != 2 {
		t.Errorf("it is number %d", again.Number)
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 8 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
}

func TestReadPageRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := openLedger(t, dir)
	e := issue(t, l, &Edition{Report: "a", Period: "2026-10"})
	if err := os.WriteFile(l.Path(e, "en"), []byte("<p>other</p>"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := l.ReadPage(e, "en"); err == nil || !strings.Contains(err.Error(), "was changed since; make a new edition") {
		t.Errorf("a page that was changed: %v", err)
	}
	if err := os.Remove(l.Path(e, "en")); err != nil {
		t.Fatal(err)
	}
	if _, err := l.ReadPage(e, "en"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a page that is gone: %v", err)
	}
	if _, err := l.ReadPage(e, "zh-Hant"); err == nil {
		t.Error("a page that never was")
	}
}

func TestOpenLedgerRefuses(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a/2026-10/1.json":                 "is no record",
		"a/2026-10/2.r1.a1.begun.json":     "belongs to no edition",
		"a/schedules/0001.json":            "is no record",
		"a/missed/2026-10-02T0800.json":    "is no record",
		"a/2026-10/1.json/x":               "",
		"a/2026-10/notes.json":             "",
		"a/2026-10/.1.json.new":            "",
		"a/2026-10/00000000000000001.json": "",
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "records", "reports", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(`{"x":`), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := OpenLedger(filepath.Join(dir, "records", "reports"), filepath.Join(dir, "reports"))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// An attempt without the one before it.
	dir := t.TempDir()
	e := issue(t, openLedger(t, dir), &Edition{Report: "a", Period: "2026-10", Recipients: []Recipient{{Mail: "a@example.com"}}})
	for _, name := range []string{"1.r1.a2.begun.json", "1.r1.a1.ended.json"} {
		path := filepath.Join(dir, "records", "reports", "a", "2026-10", name)
		if err := os.WriteFile(path, []byte(`{"at":"2026-11-02T00:00:00Z"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenLedger(filepath.Join(dir, "records", "reports"), filepath.Join(dir, "reports")); err == nil || !strings.Contains(err.Error(), "without the records before it") {
			t.Errorf("%s of edition %d: %v", name, e.Number, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	at := func(minutes int) time.Time {
		return time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC).Add(time.Duration(minutes) * time.Minute)
	}
	failed := func(minutes int) Attempt {
		return Attempt{BegunAt: at(minutes), EndedAt: at(minutes), Outcome: Failed, Error: "450"}
	}
	cut := func(minutes int) Attempt { return Attempt{BegunAt: at(minutes)} }
	for name, c := range map[string]struct {
		attempts []Attempt
		state    DeliveryState
		next     time.Time
		err      string
	}{
		"none":             {nil, StateWaiting, time.Time{}, ""},
		"one":              {[]Attempt{failed(0)}, StateWaiting, at(1), "450"},
		"two":              {[]Attempt{failed(0), failed(1)}, StateWaiting, at(3), "450"},
		"many":             {[]Attempt{failed(0), failed(1), failed(3), failed(7), failed(15), failed(31), failed(63), failed(123)}, StateWaiting, at(183), "450"},
		"a day":            {[]Attempt{failed(0), failed(1438)}, StateWaiting, at(1440), "450"},
		"more than a day":  {[]Attempt{failed(0), failed(1439)}, StateFailed, time.Time{}, "450; given up after a day of tries"},
		"down for days":    {[]Attempt{failed(0)}, StateWaiting, at(1), "450"},
		"sent":             {[]Attempt{failed(0), {BegunAt: at(1), EndedAt: at(1), Outcome: Accepted}}, StateSent, time.Time{}, ""},
		"refused":          {[]Attempt{{BegunAt: at(1), EndedAt: at(1), Outcome: Refused, Error: "550"}}, StateFailed, time.Time{}, "550"},
		"running":          {[]Attempt{{BegunAt: at(1), running: true}}, StateWaiting, time.Time{}, ""},
		"cut off":          {[]Attempt{failed(0), cut(1)}, StateWaiting, time.Time{}, "the process ended while it was sending"},
		"cut off, again":   {[]Attempt{cut(0), cut(1)}, StateFailed, time.Time{}, "the process ended twice while it was sending; the mail may have arrived"},
		"cut off, failed":  {[]Attempt{cut(0), failed(1)}, StateWaiting, at(3), "450"},
		"cut, failed, cut": {[]Attempt{cut(0), failed(1), cut(3)}, StateFailed, time.Time{}, "the process ended twice while it was sending; the mail may have arrived"},
		"cut off, arrived": {[]Attempt{cut(0), {BegunAt: at(1), EndedAt: at(1), Outcome: Accepted}}, StateSent, time.Time{}, ""},
	} {
		d := delivery(Recipient{}, c.attempts)
		if d.State != c.state || !d.Next.Equal(c.next) || d.Error != c.err {
			t.Errorf("%s: %s, next %v, %q", name, d.State, d.Next, d.Error)
		}
	}
	for tries, want := range map[int]time.Duration{1: time.Minute, 2: 2 * time.Minute, 6: 32 * time.Minute, 7: time.Hour, 100: time.Hour} {
		if got := pause(tries); got != want {
			t.Errorf("after %d tries %v, want %v", tries, got, want)
		}
	}
}
