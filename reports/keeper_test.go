package reports

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"
)

// fakeHouse is a house whose files, figures and clock a test sets.
type fakeHouse struct {
	mu       sync.Mutex
	files    fstest.MapFS
	zone     *time.Location
	prepare  func(ctx context.Context) error
	open     error
	prepared int
	opened   int
}

func (h *fakeHouse) Reports() (*Set, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return Load(h.files, h.zone)
}

func (h *fakeHouse) Prepare(ctx context.Context) error {
	h.mu.Lock()
	h.prepared++
	prepare := h.prepare
	h.mu.Unlock()
	if prepare != nil {
		return prepare(ctx)
	}
	return nil
}

func (h *fakeHouse) Open(context.Context) (Figures, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.opened++
	if h.open != nil {
		return nil, h.open
	}
	return newFake(), nil
}

func (h *fakeHouse) counts() (prepared, opened int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.prepared, h.opened
}

func (h *fakeHouse) set(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

// fakeMailer notes each mail with the time, and answers as it is told.
type fakeMailer struct {
	mu     sync.Mutex
	mails  []Mail
	at     []time.Time
	answer func(ctx context.Context, n int, m Mail) error
}

func (f *fakeMailer) Send(ctx context.Context, m Mail) error {
	f.mu.Lock()
	f.mails = append(f.mails, m)
	f.at = append(f.at, time.Now())
	n, answer := len(f.mails), f.answer
	f.mu.Unlock()
	if answer == nil {
		return nil
	}
	return answer(ctx, n, m)
}

func (f *fakeMailer) told() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []string
	for i, m := range f.mails {
		list = append(list, f.at[i].UTC().Format("02T15:04:05")+" "+m.To)
	}
	return list
}

// sent lists the mails that were tried.
func (f *fakeMailer) sent() []Mail {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.mails)
}

func (f *fakeMailer) answers(answer func(ctx context.Context, n int, m Mail) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = answer
}

// stage is one process in its folder; a test starts it as often as it likes.
type stage struct {
	t      testing.TB
	dir    string
	house  *fakeHouse
	mailer *fakeMailer
	log    *bytes.Buffer
	mu     sync.Mutex
	users  []User
	keeper *Keeper
}

const scheduled = "report: a\ntitle: {en: Report, zh-Hans: 月报}\nperiod: month\nsend: {cron: \"0 8 2 * *\"}\nto: [role:management]\nsections: [{figures: [nps]}]\n"

func newStage(t testing.TB) *stage {
	t.Helper()
	return &stage{
		t: t, dir: t.TempDir(), log: &bytes.Buffer{}, mailer: &fakeMailer{},
		house: &fakeHouse{zone: zone(t, "Asia/Shanghai"), files: fstest.MapFS{"a.yaml": {Data: []byte(scheduled)}}},
		users: []User{
			{Name: "wang", Mail: "wang@example.com", Role: "management", Language: "zh-Hans"},
			{Name: "li", Mail: "li@example.com", Role: "management"},
			{Name: "zhao", Mail: "zhao@example.com", Role: "sales"},
		},
	}
}

func (s *stage) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

func (s *stage) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// start starts the process; the returned function kills or stops it.
func (s *stage) start() (stop func()) {
	s.t.Helper()
	var mailer Mailer
	if s.mailer != nil {
		mailer = s.mailer
	}
	s.keeper = New(Config{
		Company: Company{Name: "Demo", Zone: s.house.zone, Currency: "CNY", Languages: []string{"en", "zh-Hans"}},
		Users:   s.users, House: s.house, Ledger: openLedger(s.t, s.dir), Charts: &fakeCharts{}, Mailer: mailer,
		From: "reports@example.com", Logger: slog.New(slog.NewTextHandler(s, nil)), Look: time.Hour,
	})
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	go func() { done <- s.keeper.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			s.t.Errorf("Run ends with %v", err)
		}
	}
}

// pages lists the pages that people find.
func (s *stage) pages() []string {
	var list []string
	err := filepath.WalkDir(filepath.Join(s.dir, "reports"), func(path string, _ os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".html") {
			relative, _ := filepath.Rel(filepath.Join(s.dir, "reports"), path)
			list = append(list, filepath.ToSlash(relative))
		}
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

func (s *stage) expect(what string, got []string, want ...string) {
	s.t.Helper()
	if !slices.Equal(got, want) {
		s.t.Errorf("%s\n got %q\nwant %q\nlog:\n%s", what, got, want, s.logged())
	}
}

// until lets the process run to an instant.
func until(t testing.TB, at string) {
	t.Helper()
	moment, err := time.Parse(time.RFC3339, at)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Until(moment)) // in the bubble's time
	synctest.Wait()
}

// The clock of a bubble begins at midnight UTC on 1 January 2000.
func TestRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		stop := s.start()
		until(t, "2000-01-01T23:59:59Z")
		s.expect("before", s.pages())
		until(t, "2000-01-02T00:00:00Z") // 8:00 in Shanghai
		s.expect("pages", s.pages(), "a/1999-12/1.en.html", "a/1999-12/1.zh-Hans.html")
		s.expect("mails", s.mailer.told(), "02T00:00:00 wang@example.com", "02T00:00:00 li@example.com")
		if n, _ := s.house.counts(); n != 1 {
			t.Errorf("figures were brought up to date %d times", n)
		}
		if m := s.mailer.sent()[0]; m.Page.Subject != "月报 · 1999年12月" || m.Page.Language != "zh-Hans" || !strings.HasSuffix(m.MessageID, "@example.com") {
			t.Errorf("mail %+v", m)
		}
		if a, b := s.mailer.sent()[0].MessageID, s.mailer.sent()[1].MessageID; a == b {
			t.Error("two mails with one Message-ID")
		}
		until(t, "2000-02-02T00:00:30Z")
		s.expect("pages", s.pages(), "a/1999-12/1.en.html", "a/1999-12/1.zh-Hans.html", "a/2000-01/1.en.html", "a/2000-01/1.zh-Hans.html")
		stop()
		if log := s.logged(); strings.Contains(log, "@") || !strings.Contains(log, "report made") || !strings.Contains(log, "report sent") {
			t.Errorf("the log holds an address, or lacks something:\n%s", log)
		}
	})
}

// However often and whenever the process is stopped and started, each
// occurrence comes once.
func TestRunRestarts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.start()()
		for range 100 {
			stop := s.start()
			time.Sleep(17 * time.Hour)
			synctest.Wait()
			stop()
			time.Sleep(7 * time.Hour)
		}
		s.expect("mails", s.mailer.told(),
			"02T00:00:00 wang@example.com", "02T00:00:00 li@example.com",
			"02T00:00:00 wang@example.com", "02T00:00:00 li@example.com",
			"02T00:00:00 wang@example.com", "02T00:00:00 li@example.com",
			"02T00:00:00 wang@example.com", "02T00:00:00 li@example.com")
		if n := len(s.pages()); n != 8 {
			t.Errorf("%d pages: %v", n, s.pages())
		}
	})
}

// A time at which nothing ran: the latest occurrence is made late, older ones
// are known to be missing, and nothing of the time before the first start.
func TestRunCatchesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		time.Sleep(2000 * time.Hour) // 24 March 2000
		stop := s.start()
		until(t, "2000-04-01T00:00:00Z")
		stop()
		s.expect("on the very first run", s.pages())
		until(t, "2000-07-10T12:00:00Z")
		stop = s.start()
		synctest.Wait()
		s.expect("late", s.pages(), "a/2000-06/1.en.html", "a/2000-06/1.zh-Hans.html")
		var missed []string
		for _, o := range s.keeper.cfg.Ledger.Missed("a") {
			missed = append(missed, o.Wall)
		}
		s.expect("missed", missed, "2000-04-02T08:00", "2000-05-02T08:00", "2000-06-02T08:00")
		until(t, "2000-07-20T12:00:00Z")
		stop()
		defer s.start()()
		synctest.Wait()
		s.expect("mails", s.mailer.told(), "10T12:00:00 wang@example.com", "10T12:00:00 li@example.com")
		if !strings.Contains(s.logged(), "occurrences of a report were missed") {
			t.Errorf("log:\n%s", s.logged())
		}
	})
}

// When a clock is put back or forward by the law, or by hand.
func TestRunAcrossClockChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.house.zone = zone(t, "America/New_York")
		s.house.files["a.yaml"] = &fstest.MapFile{Data: []byte(strings.Replace(scheduled, "0 8 2 * *", "30 2 * * *", 1))}
		until(t, "2000-04-01T12:00:00Z")
		stop := s.start()
		until(t, "2000-04-04T12:00:00Z")
		stop()
		s.expect("skipped", s.mailer.told()[:4], "02T07:00:00 wang@example.com", "02T07:00:00 li@example.com", "03T06:30:00 wang@example.com", "03T06:30:00 li@example.com")

		s = newStage(t)
		s.house.zone = zone(t, "America/New_York")
		s.house.files["a.yaml"] = &fstest.MapFile{Data: []byte(strings.Replace(scheduled, "0 8 2 * *", "30 1 * * *", 1))}
		until(t, "2000-10-28T12:00:00Z")
		for range 60 { // restarted within the doubled hour, too
			stop = s.start()
			time.Sleep(40 * time.Minute)
			synctest.Wait()
			stop()
			time.Sleep(20 * time.Minute)
		}
		s.expect("doubled", s.mailer.told()[:4], "29T05:30:00 wang@example.com", "29T05:30:00 li@example.com", "30T06:30:00 wang@example.com", "30T06:30:00 li@example.com")
		if n := len(s.mailer.told()); n != 4 {
			t.Errorf("%d mails", n)
		}
	})
}

// The files are read again while the process runs; what can't be read leaves the
// last good ones.
func TestRunReadsFilesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.house.files["a.yaml"] = &fstest.MapFile{Data: []byte("report: a\n")}
		defer s.start()()
		until(t, "2000-01-03T00:00:00Z")
		s.expect("broken files", s.pages())
		if n := strings.Count(s.logged(), "can't be read"); n != 1 {
			t.Errorf("told %d times:\n%s", n, s.logged())
		}
		s.house.set(func() { s.house.files["a.yaml"] = &fstest.MapFile{Data: []byte(scheduled)} })
		until(t, "2000-01-10T00:00:00Z")
		s.expect("a schedule of after its time", s.pages())
		s.house.set(func() { s.house.files["a.yaml"] = &fstest.MapFile{Data: []byte("report: a\n")} })
		until(t, "2000-02-02T00:00:00Z")
		s.expect("the last good one", s.pages(), "a/2000-01/1.en.html", "a/2000-01/1.zh-Hans.html")
		// It is taken away and comes back after its time.
		s.house.set(func() { delete(s.house.files, "a.yaml") })
		until(t, "2000-03-05T00:00:00Z")
		s.house.set(func() { s.house.files["a.yaml"] = &fstest.MapFile{Data: []byte(scheduled)} })
		until(t, "2000-03-06T00:00:00Z")
		s.expect("nothing of the time it was away", s.pages(), "a/2000-01/1.en.html", "a/2000-01/1.zh-Hans.html")
	})
}

// A report that can't be made is tried again; figures that can't be brought up
// to date don't stop it, and it says so.
func TestRunTriesToMakeAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.house.open = errors.New("disk full")
		s.house.prepare = func(context.Context) error { return errors.New("broker down") }
		defer s.start()()
		until(t, "2000-01-02T00:04:00Z") // at 0:00, 0:01 and 0:03
		if _, n := s.house.counts(); n != 3 {
			t.Errorf("tried %d times", n)
		}
		s.expect("not yet", s.pages())
		s.house.set(func() { s.house.open = nil })
		until(t, "2000-01-02T00:08:00Z")
		s.expect("then", s.pages(), "a/1999-12/1.en.html", "a/1999-12/1.zh-Hans.html")
		if m := s.mailer.sent()[1]; !bytes.Contains(m.Page.HTML, []byte("could not be brought up to date")) {
			t.Errorf("the page doesn't say it:\n%s", m.Page.Text)
		}
		if strings.Contains(s.logged(), "broker down") {
			t.Error("what Prepare says is its own to log")
		}
	})
}

// Mails are tried again with growing pauses, each for itself.
func TestRunTriesMailsAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.mailer.answer = func(_ context.Context, n int, m Mail) error {
			if m.To == "wang@example.com" && n < 8 {
				return &MailError{Step: stepSend, Code: 450, Err: errors.New("450 mailbox of wang@example.com busy")}
			}
			return nil
		}
		stop := s.start()
		until(t, "2000-01-02T00:20:00Z")
		s.expect("mails", s.mailer.told(),
			"02T00:00:00 wang@example.com", "02T00:00:00 li@example.com", "02T00:01:00 wang@example.com", "02T00:03:00 wang@example.com",
			"02T00:07:00 wang@example.com", "02T00:15:00 wang@example.com")
		stop()
		until(t, "2000-01-02T05:00:00Z")
		defer s.start()()
		synctest.Wait()
		s.expect("after a restart", s.mailer.told()[6:], "02T05:00:00 wang@example.com")
		until(t, "2000-01-03T05:00:00Z")
		s.expect("in the end", s.mailer.told()[7:], "02T05:32:00 wang@example.com")
		for _, m := range s.mailer.sent() {
			if m.To == "wang@example.com" && m.MessageID != s.mailer.sent()[0].MessageID {
				t.Error("another Message-ID at another try")
			}
		}
		if strings.Contains(s.logged(), "wang") {
			t.Errorf("the log holds an address:\n%s", s.logged())
		}
		if !strings.Contains(s.logged(), "code=450") {
			t.Errorf("the log lacks the code:\n%s", s.logged())
		}
	})
}

func TestRunGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.mailer.answer = func(_ context.Context, _ int, m Mail) error {
			if m.To == "li@example.com" {
				return &MailError{Step: stepSend, Permanent: true, Code: 550, Err: errors.New("550 no such user li@example.com")}
			}
			return &MailError{Step: stepLogin, Err: errors.New("connection refused")}
		}
		stop := s.start()
		until(t, "2000-01-10T00:00:00Z")
		e := s.keeper.cfg.Ledger.Editions("a")[0]
		d := e.Deliveries()
		if d[0].State != StateFailed || !strings.Contains(d[0].Error, "given up after a day") || d[0].Attempts < 25 || d[0].At.After(e.MadeAt.Add(tryFor)) {
			t.Errorf("first %+v", d[0])
		}
		if d[1].State != StateFailed || d[1].Attempts != 1 || !strings.Contains(d[1].Error, "550 no such user") {
			t.Errorf("second %+v", d[1])
		}
		// Somebody asks: it is a new edition, and the old one stays as it was.
		s.mailer.answers(nil)
		set, err := s.house.Reports()
		if err != nil {
			t.Fatal(err)
		}
		r, _ := set.Get("a")
		again, err := s.keeper.Make(t.Context(), Order{Report: r, Period: s.keeper.LastOver(r, e.MadeAt), Send: true})
		if err != nil {
			t.Fatal(err)
		}
		list, err := s.keeper.Deliver(t.Context(), again)
		if err != nil || again.Number != 2 || list[0].State != StateSent || list[1].State != StateSent {
			t.Errorf("edition %d: %+v, %v", again.Number, list, err)
		}
		stop()
	})
}

// A process that is killed while it sends leaves it open whether the mail
// arrived: it is sent once more, and no more than that.
func TestRunKilledWhileSending(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		l := openLedger(t, s.dir)
		e := issue(t, l, &Edition{Report: "a", Period: "1999-12", Recipients: []Recipient{
			{Mail: "once@example.com", Language: "en", MessageID: "1@example.com"}, {Mail: "twice@example.com", Language: "en", MessageID: "2@example.com"},
		}})
		begin := func(recipient int) {
			t.Helper()
			if ok, err := openLedger(t, s.dir).Begin(e, recipient, time.Now()); !ok || err != nil {
				t.Fatal(ok, err)
			}
		}
		begin(0)
		begin(1)
		begin(1)
		stop := s.start()
		until(t, "2000-01-01T12:00:00Z")
		stop()
		defer s.start()()
		synctest.Wait()
		s.expect("mails", s.mailer.told(), "01T00:00:00 once@example.com")
		if s.mailer.sent()[0].MessageID != "1@example.com" || string(s.mailer.sent()[0].Page.HTML) != "<p>en</p>" {
			t.Errorf("sent %+v", s.mailer.sent()[0])
		}
		if d := s.keeper.cfg.Ledger.Editions("a")[0].Deliveries(); d[0].State != StateSent || d[1].State != StateFailed {
			t.Errorf("got %+v", d)
		}
	})
}

// Without a mail server pages are made, and nobody waits for a mail.
func TestRunWithoutMail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.mailer = nil
		defer s.start()()
		until(t, "2000-01-02T00:00:00Z")
		s.expect("pages", s.pages(), "a/1999-12/1.en.html")
		if e := s.keeper.cfg.Ledger.Editions("a")[0]; len(e.Recipients) != 0 || e.Occurrence.Wall != "2000-01-02T08:00" {
			t.Errorf("got %+v", e)
		}
	})
}

// A page that somebody changed is nobody's report any more.
func TestRunPageWasChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		l := openLedger(t, s.dir)
		e := issue(t, l, &Edition{Report: "a", Period: "1999-12", Recipients: []Recipient{{Mail: "a@example.com", Language: "en", MessageID: "1@example.com"}}})
		if err := os.WriteFile(l.Path(e, "en"), []byte("other"), 0o600); err != nil {
			t.Fatal(err)
		}
		defer s.start()()
		synctest.Wait()
		s.expect("mails", s.mailer.told())
		if d := s.keeper.cfg.Ledger.Editions("a")[0].Deliveries()[0]; d.State != StateFailed || !strings.Contains(d.Error, "was changed since") {
			t.Errorf("got %+v", d)
		}
	})
}

// When the process is told to stop, the mail that is on its way may finish, but
// not for ever.
func TestRunStopsWhileSending(t *testing.T) {
	t.Parallel()
	for _, takes := range []time.Duration{finishFor / 2, 2 * finishFor} {
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t)
			s.mailer.answer = func(ctx context.Context, _ int, _ Mail) error {
				select {
				case <-time.After(takes):
					return nil
				case <-ctx.Done():
					return &MailError{Step: stepSend, Err: ctx.Err()}
				}
			}
			stop := s.start()
			until(t, "2000-01-02T00:00:00Z")
			began := time.Now()
			stop()
			if took := time.Since(began); took > finishFor {
				t.Errorf("stopping took %v", took)
			}
			d := openLedger(t, s.dir).Editions("a")[0].Deliveries()
			want := StateSent
			if takes > finishFor {
				want = StateWaiting
			}
			if d[0].State != want || d[1].Attempts != 0 {
				t.Errorf("got %+v", d)
			}
		})
	}
}

// The clock is looked at again and again: it may have been set.
func TestSleepIsShort(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct{ until, want time.Duration }{{time.Hour, time.Minute}, {time.Second, time.Second}, {-time.Hour, 0}} {
			began := time.Now()
			if !New(Config{}).sleep(t.Context(), began.Add(c.until), nil) || time.Since(began) != c.want {
				t.Errorf("until %v it slept %v", c.until, time.Since(began))
			}
		}
	})
}

func TestRecipients(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.start()()
		set, err := Load(one(head+"to: [Wang@example.com, role:management, other@example.com, role:service]\nsections: [{line: x}]\n"), time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range s.keeper.recipients(t.Context(), set.All()[0]) {
			got = append(got, fmt.Sprintf("%s %s %s", r.Name, r.Mail, r.Language))
		}
		s.expect("recipients", got, "wang wang@example.com zh-Hans", "li li@example.com en", " other@example.com en")
		if !strings.Contains(s.logged(), "nobody has the role") {
			t.Errorf("log:\n%s", s.logged())
		}
	})
}

func TestLastOver(t *testing.T) {
	t.Parallel()
	k := New(Config{Company: demoCompany(t)})
	for _, c := range []struct{ at, grain, want string }{
		{"2026-11-02T00:00:00Z", "month", "2026-10"},
		{"2026-10-31T15:59:59Z", "month", "2026-09"},
		{"2026-10-31T16:00:00Z", "month", "2026-10"}, // midnight in Shanghai
		{"2026-10-31T16:00:00Z", "quarter", "2026-Q3"},
		{"2026-12-31T16:00:00Z", "year", "2026"},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		r := reportOf(t, strings.Replace(head, "month", c.grain, 1)+"sections: [{line: x}]\n")
		if got := k.LastOver(r, at); got.Label != c.want {
			t.Errorf("%s by %s: %s", c.at, c.grain, got.Label)
		}
	}
}

// Who asks for a mail that Run is just sending waits for it, and it is sent once.
func TestDeliverWhileRunning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.mailer.answer = func(context.Context, int, Mail) error {
			time.Sleep(20 * time.Second)
			return nil
		}
		defer s.start()()
		set, err := s.house.Reports()
		if err != nil {
			t.Fatal(err)
		}
		e, err := s.keeper.Make(t.Context(), Order{Report: set.All()[0], Period: period(t, "1999-12"), Send: true})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // Run sends the first
		list, err := s.keeper.Deliver(t.Context(), e)
		if err != nil || len(list) != 2 || list[0].State != StateSent || list[1].State != StateSent {
			t.Errorf("got %+v, %v", list, err)
		}
		if n := len(s.mailer.sent()); n != 2 {
			t.Errorf("%d mails", n)
		}
	})
}
