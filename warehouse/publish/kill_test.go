package publish

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// killedEnv names the folder that the other process publishes to.
const killedEnv = "FUNNELHOUSE_TEST_PUBLISH_UNTIL_KILLED"

// TestPublishUntilKilled publishes as fast as it can until the process is killed.
func TestPublishUntilKilled(t *testing.T) {
	dir := os.Getenv(killedEnv)
	if dir == "" {
		t.Skip("the process that TestKill kills")
	}
	h := small(t, "moving as select i as id, 0 as round from range(2000) r(i)", "still as select i as id from range(2000) r(i)")
	h.dir = dir
	h.publisher = h.another(Config{})
	for {
		h.run("update marts.moving set round = round + 1")
		h.publish()
	}
}

// A process that is killed at any moment leaves a whole build, and the next one
// tidies up and goes on.
func TestKill(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	const kills = 12
	dir := filepath.Join(t.TempDir(), "published")
	link := func() string {
		name, _ := os.Readlink(filepath.Join(dir, currentLink))
		return name
	}
	h := small(t, "any as select 1 as n")
	h.dir = dir
	survived := map[string]bool{}
	for i := range kills {
		process := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestPublishUntilKilled$", "-test.timeout", "2m")
		process.Env = append(os.Environ(), killedEnv+"="+dir)
		before := link()
		if err := process.Start(); err != nil {
			t.Fatal(err)
		}
		deadline := time.Now().Add(time.Minute)
		for link() == before {
			if time.Now().After(deadline) {
				t.Fatal("the process published nothing in a minute")
			}
			<-time.After(time.Millisecond)
		}
		<-time.After(time.Duration(i*37%200) * time.Millisecond)
		if err := process.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = process.Wait()
		survived[h.current()] = true
	}
	if len(survived) < kills {
		t.Errorf("%d builds were current after %d kills", len(survived), kills)
	}
	h.publisher = h.another(Config{})
	h.publish()
	h.current()
	if left := strings.Fields(h.lies()); len(left) != 4 || strings.Contains(h.lies(), " .") || strings.HasPrefix(left[0], hidden) {
		t.Errorf("the folder holds %v", left)
	}
}
