package reports

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/funnelhouse/funnelhouse/internal/smtptest"
)

const (
	childDir  = "REPORTS_TEST_DIR"
	childPort = "REPORTS_TEST_PORT"
)

// TestKilledChild is the process that TestKilled kills.
func TestKilledChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		t.Skip("runs inside TestKilled")
	}
	port, err := strconv.Atoi(os.Getenv(childPort))
	if err != nil {
		t.Fatal(err)
	}
	k := New(Config{
		Company: demoCompany(t), Ledger: openLedger(t, dir), Charts: &fakeCharts{}, From: "reports@example.com", Logger: quietLogger(),
		Users:  []User{{Mail: "a@example.com", Role: "management", Language: "zh-Hans"}, {Mail: "b@example.com", Role: "management", Language: "en"}},
		House:  &fakeHouse{zone: zone(t, "Asia/Shanghai"), files: fstest.MapFS{"a.yaml": {Data: []byte(scheduled)}}},
		Mailer: NewSMTP(SMTPConfig{Host: "127.0.0.1", Port: port, TLS: Plain, From: "reports@example.com"}),
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	go func() {
		defer cancel()
		for ctx.Err() == nil {
			for _, e := range k.Editions("a") {
				done := true
				for _, d := range e.Deliveries() {
					done = done && d.State != StateWaiting
				}
				if done {
					return
				}
			}
			select {
			case <-time.After(5 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	}()
	_ = k.Run(ctx)
}

// Wherever the process is killed, the occurrence has one edition, whole, and
// each of its readers gets one mail, or the same one twice.
func TestKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes for some seconds")
	}
	t.Parallel()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	killed := 0
	for round := range 12 {
		dir, server := t.TempDir(), smtptest.New(t, smtptest.Config{})
		// It was due while nothing ran.
		if _, err := openLedger(t, dir).Adopt("a", schedule(t, "0 8 2 * *", "Asia/Shanghai"), time.Now().AddDate(0, -1, -1)); err != nil {
			t.Fatal(err)
		}
		for try := range 40 {
			child := exec.CommandContext(t.Context(), binary, "-test.run=^TestKilledChild$")
			child.Env = append(os.Environ(), childDir+"="+dir, childPort+"="+strconv.Itoa(server.Port))
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			if try < 3 {
				timer := time.AfterFunc(time.Duration(rand.IntN(120))*time.Millisecond, func() { _ = child.Process.Kill() })
				defer timer.Stop()
			}
			if err := child.Wait(); err == nil {
				break
			}
			killed++
		}
		l := openLedger(t, dir)
		var occurrences []string
		for _, e := range l.Editions("a") {
			if e.Occurrence == nil || e.Number != 1 {
				t.Errorf("round %d: %+v", round, e)
			} else {
				occurrences = append(occurrences, e.Occurrence.Wall)
			}
			for _, p := range e.Pages {
				if _, err := l.ReadPage(e, p.Language); err != nil {
					t.Errorf("round %d: %v", round, err)
				}
			}
			checkMails(t, e, server.Received())
		}
		if len(occurrences) != 1 {
			t.Errorf("round %d: editions of %v", round, occurrences)
		}
	}
	t.Logf("killed %d times", killed)
}

func checkMails(t *testing.T, e *Edition, mails []smtptest.Mail) {
	t.Helper()
	for _, d := range e.Deliveries() {
		got := 0
		for _, m := range mails {
			if !strings.Contains(m.To, d.Mail) {
				continue
			}
			got++
			if !strings.Contains(m.Data, "Message-ID: <"+d.MessageID+">") {
				t.Errorf("%s has a mail of another Message-ID", d.Mail)
			}
		}
		what := fmt.Sprintf("%s: %s, %d attempts, %d mails: %s", d.Mail, d.State, d.Attempts, got, d.Error)
		if got > 2 || got == 0 && d.State == StateSent || d.State == StateWaiting {
			t.Error(what)
		}
	}
}
