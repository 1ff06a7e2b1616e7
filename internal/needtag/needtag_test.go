package needtag

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestForgottenTag builds this package as a user does who forgets the tag.
func TestForgottenTag(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "build", "-tags=", ".").CombinedOutput()
	if err == nil {
		t.Fatal("it builds without the tag")
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 2 {
		t.Fatalf("the compiler printed %d lines, want the package's name and one more:\n%s", len(lines), out)
	}
	want := regexp.MustCompile(`^\S*missing\.go:\d+:\d+: undefined: ` +
		`funnelhouse_needs_the_build_tag_duckdb_arrow__run_make_build_or_add_dash_tags_duckdb_arrow$`)
	if !strings.HasPrefix(lines[0], "# ") || !want.MatchString(lines[1]) {
		t.Errorf("the compiler printed:\n%s", out)
	}
}

func TestGivenTag(t *testing.T) {
	t.Parallel()
	if out, err := exec.Command("go", "build", "-tags=duckdb_arrow", ".").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
