package metric

import (
	"strconv"
	"strings"
	"testing"
)

func TestRenderExpr(t *testing.T) {
	t.Parallel()
	operands := map[string]operand{
		"a": {sql: "a.x", rank: 3, exact: true}, "b": {sql: "b.x", rank: 3, exact: true}, "r": {sql: "r.v", rank: 3},
	}
	for _, test := range []struct {
		expr, want string
		exact      bool
	}{
		{"a", "a.x", true},
		{"a / b", "cast(a.x as double) / nullif(b.x, 0)", false},
		{"a - b - 1", "a.x - b.x - 1", true},
		{"a - (b - 1)", "a.x - (b.x - 1)", true},
		{"100 * a / (a + b)", "cast(cast(100 * a.x as decimal(38, 6)) as double) / nullif(a.x + b.x, 0)", false},
		{"a / b / r", "cast(cast(a.x as double) / nullif(b.x, 0) as double) / nullif(r.v, 0)", false},
		{"a * (b / r)", "a.x * (cast(b.x as double) / nullif(r.v, 0))", false},
		{"r * r * r", "r.v * r.v * r.v", false},
		{"r * (a + 0.5)", "r.v * (a.x + 0.5)", false},
		{" ( ( a ) ) ", "a.x", true},
	} {
		t.Run(test.expr, func(t *testing.T) {
			t.Parallel()
			n, err := parseExpr(test.expr)
			if err != nil {
				t.Fatal(err)
			}
			got := n.render(operands)
			if got.sql != test.want || got.exact != test.exact {
				t.Errorf("got %s (exact %t)", got.sql, got.exact)
			}
		})
	}
}

func TestExprProblems(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]string{
		"":                       "ends too early",
		"a +":                    "ends too early",
		"a b":                    `unexpected "b" at character 3`,
		"(a":                     "ends too early",
		"a)":                     `unexpected ")" at character 2`,
		"max(a)":                 `unexpected "(" at character 4`,
		"a; drop table x":        `unexpected ";" at character 2`,
		"(select 1)":             `unexpected "1" at character 9`,
		"a -- b":                 `unexpected "-" at character 4`,
		"转化 / a":                 `unexpected "转" at character 1`,
		"a.b":                    `unexpected "." at character 2`,
		"1.":                     `unexpected "." at character 2`,
		"1e9":                    `unexpected "e" at character 2`,
		"$as_of":                 `unexpected "$" at character 1`,
		"1234567890123456":       "more than 15 characters",
		strings.Repeat("(", 200): "more than 100 parentheses",
		`a "b"`:                  `unexpected "\"" at character 3`,
		"a /* c */":              `unexpected "*" at character 4`,
	} {
		t.Run(expr, func(t *testing.T) {
			t.Parallel()
			if _, err := parseExpr(expr); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}

// evaluate computes an expression of numbers; ok is false where it divides by
// zero.
func evaluate(n *node) (v float64, ok bool) {
	if n.op == 'n' {
		v, err := strconv.ParseFloat(n.text, 64)
		return v, err == nil
	}
	if n.op == 'a' {
		return 3, true
	}
	left, ok := evaluate(n.left)
	right, okRight := evaluate(n.right)
	if !ok || !okRight {
		return 0, false
	}
	switch n.op {
	case '+':
		return left + right, true
	case '-':
		return left - right, true
	case '*':
		return left * right, true
	}
	return left / right, right != 0
}

func TestRenderedExprComputesTheSame(t *testing.T) {
	t.Parallel()
	db := openDB(t)
	for _, expr := range []string{
		"1 - 2 - 3", "1 - (2 - 3)", "8 / 4 / 2", "8 / (4 / 2)", "2 * 3 + 4 * 5", "2 * (3 + 4) * 5", "a / (a - 3)", "a / a * a", "(a + 1) / (a - 1) - 0.5",
		"a * a * a * a", "100 * a / 8", "2 - 8 / 4 * (1 - a)",
	} {
		n, err := parseExpr(expr)
		if err != nil {
			t.Fatal(err)
		}
		for _, exact := range []bool{true, false} {
			a := operand{sql: "cast(3 as decimal(38, 6))", rank: 3, exact: true}
			if !exact {
				a = operand{sql: "cast(3 as double)", rank: 3}
			}
			var got *float64
			statement := "select cast(" + n.render(map[string]operand{"a": a}).sql + " as double)"
			if err := db.QueryRowContext(t.Context(), statement).Scan(&got); err != nil {
				t.Fatalf("%v\n%s", err, statement)
			}
			want, ok := evaluate(&n)
			if ok != (got != nil) || ok && *got != want {
				t.Errorf("%s: got %v, want %v\n%s", expr, got, want, statement)
			}
		}
	}
}

func FuzzParseExpr(f *testing.F) {
	for _, seed := range []string{"won / new", "(a + 1.5) * b", "a - -b", "((", "0.5", "a/*b*/", "1.2.3", "_"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := parseExpr(text)
		if err != nil {
			return
		}
		operands := map[string]operand{}
		for _, alias := range n.aliases() {
			operands[alias] = operand{sql: "x", rank: 3}
		}
		rendered := n.render(operands).sql
		// What comes out is words, digits and the signs of arithmetic.
		if strings.Trim(rendered, "abcdefghijklmnopqrstuvwxyz0123456789+-*/(), .") != "" {
			t.Errorf("%q became %q", text, rendered)
		}
		again, err := parseExpr(strings.TrimSpace(text))
		if err != nil || again.render(operands).sql != rendered {
			t.Errorf("%q without blanks is another expression: %v", text, err)
		}
	})
}
