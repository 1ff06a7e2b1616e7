package metric

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/funnelhouse/funnelhouse/warehouse/sqltree"
)

func TestWithAsOf(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"a > $as_of":                             "a > date '2026-10-31'",
		"$as_of":                                 "date '2026-10-31'",
		"$AS_OF - d > 3":                         "date '2026-10-31' - d > 3",
		"a in ($as_of,$as_of)":                   "a in (date '2026-10-31',date '2026-10-31')",
		"a = '$as_of'":                           "a = '$as_of'",
		"a = 'it''s $as_of' and $as_of":          "a = 'it''s $as_of' and date '2026-10-31'",
		`"$as_of" = 1`:                           `"$as_of" = 1`,
		`a = e'\'$as_of' or $as_of`:              `a = e'\'$as_of' or date '2026-10-31'`,
		`a = e'x''$as_of' or $as_of`:             `a = e'x''$as_of' or date '2026-10-31'`,
		"$as_of -- $as_of\n< $as_of":             "date '2026-10-31' -- $as_of\n< date '2026-10-31'",
		"a /* $as_of /* x */ $as_of */ < $as_of": "a /* $as_of /* x */ $as_of */ < date '2026-10-31'",
		"a = $$ $as_of $$ or $as_of":             "a = $$ $as_of $$ or date '2026-10-31'",
		"a = $x$ $as_of $x$ or $as_of":           "a = $x$ $as_of $x$ or date '2026-10-31'",
		"$as_of_day":                             "$as_of_day",
		"a$as_of":                                "a$as_of",
		"'open $as_of":                           "'open $as_of",
		"/* open $as_of":                         "/* open $as_of",
		"$x$ open $as_of":                        "$x$ open $as_of",
		"转化 < $as_of":                            "转化 < date '2026-10-31'",
		"":                                       "",
	} {
		if got := withAsOf(sql, october()); got != want {
			t.Errorf("%s: got %s, want %s", sql, got, want)
		}
	}
}

// DuckDB's parser is the judge: what it takes for the parameter is replaced,
// and nothing else changes.
func FuzzWithAsOf(f *testing.F) {
	db := openDB(f)
	for _, seed := range []string{
		"a > $as_of", "'$as_of' = $as_of", "e'\\'' < $as_of", "$$$as_of$$ = $as_of", "a -- $as_of\n = $as_of", "/*/*$as_of*/*/$as_of",
		`"a""$as_of" = $as_of`, "a$as_of", "$x$ $as_of $x$", "1$as_of", "x'00' = $as_of", "E'\\\\' = $as_of",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return
		}
		tree, err := sqltree.ParseExpression(t.Context(), db, text)
		if err != nil {
			return
		}
		for _, p := range tree.Parameters() {
			if !strings.EqualFold(p, "as_of") {
				return
			}
		}
		replaced, err := sqltree.ParseExpression(t.Context(), db, withAsOf(text, october()))
		if err != nil || len(replaced.Parameters()) > 0 {
			t.Fatalf("%q became %q: %v", text, withAsOf(text, october()), err)
		}
		if len(tree.Parameters()) == 0 && withAsOf(text, october()) != text {
			t.Errorf("%q became %q", text, withAsOf(text, october()))
		}
	})
}
