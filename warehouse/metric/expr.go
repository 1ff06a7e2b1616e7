package metric

import (
	"fmt"
	"slices"
	"strings"
)

// node is one step of a derived metric's expression. The grammar is numbers,
// names of inputs, + - * / and parentheses; nothing else can be written, so an
// expression is safe inside SQL by the way it is made.
type node struct {
	op          byte // + - * /, 'n' for a number, 'a' for an alias
	text        string
	left, right *node
}

// maxDepth keeps a hostile expression from exhausting the stack.
const maxDepth = 100

type exprParser struct {
	text  string
	at    int
	depth int
}

// parseExpr reads an expression. Its errors are sentences for the person who
// wrote it.
func parseExpr(text string) (node, error) {
	p := &exprParser{text: text}
	n, err := p.sum()
	if err != nil {
		return node{}, err
	}
	if c := p.peek(); c != 0 {
		return node{}, p.unexpected()
	}
	return *n, nil
}

func (p *exprParser) peek() byte {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
	if p.at == len(p.text) {
		return 0
	}
	return p.text[p.at]
}

func (p *exprParser) unexpected() error {
	if p.peek() == 0 {
		return fmt.Errorf("the expression ends too early")
	}
	char := []rune(p.text[p.at:])[0]
	return fmt.Errorf("unexpected %q at character %d", string(char), len([]rune(p.text[:p.at]))+1)
}

func (p *exprParser) sum() (*node, error) { return p.chain("+-", p.product) }

func (p *exprParser) product() (*node, error) { return p.chain("*/", p.atom) }

// chain reads a run of operators of one rank, which bind to the left.
func (p *exprParser) chain(operators string, part func() (*node, error)) (*node, error) {
	left, err := part()
	for err == nil {
		op := p.peek()
		if op == 0 || strings.IndexByte(operators, op) < 0 {
			return left, nil
		}
		p.at++
		var right *node
		right, err = part()
		left = &node{op: op, left: left, right: right}
	}
	return nil, err
}

func (p *exprParser) atom() (*node, error) {
	c := p.peek()
	start := p.at
	switch {
	case c == '(':
		if p.depth++; p.depth > maxDepth {
			return nil, fmt.Errorf("more than %d parentheses inside each other", maxDepth)
		}
		p.at++
		n, err := p.sum()
		if err != nil {
			return nil, err
		}
		if p.peek() != ')' {
			return nil, p.unexpected()
		}
		p.at++
		p.depth--
		return n, nil
	case digit(c):
		p.run(digit)
		if p.at+1 < len(p.text) && p.text[p.at] == '.' && digit(p.text[p.at+1]) {
			p.at++
			p.run(digit)
		}
		if p.at-start > 15 {
			return nil, fmt.Errorf("the number %s has more than 15 characters", p.text[start:p.at])
		}
		return &node{op: 'n', text: p.text[start:p.at]}, nil
	case letter(c):
		p.run(func(c byte) bool { return letter(c) || digit(c) })
		return &node{op: 'a', text: p.text[start:p.at]}, nil
	}
	return nil, p.unexpected()
}

func (p *exprParser) run(in func(byte) bool) {
	for p.at < len(p.text) && in(p.text[p.at]) {
		p.at++
	}
}

func digit(c byte) bool  { return c >= '0' && c <= '9' }
func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }

// aliases lists the names in the expression, sorted, each once.
func (n *node) aliases() []string {
	var names []string
	n.each(func(n *node) {
		if n.op == 'a' {
			names = append(names, n.text)
		}
	})
	slices.Sort(names)
	return slices.Compact(names)
}

func (n *node) each(f func(*node)) {
	if n == nil {
		return
	}
	f(n)
	n.left.each(f)
	n.right.each(f)
}

// operand is a piece of SQL: how tightly it binds, and whether it is exact
// (DECIMAL) or a DOUBLE.
type operand struct {
	sql   string
	rank  int // 1 sum, 2 product, 3 atom
	exact bool
	plain bool // a number as it was written
}

func (o operand) inside(rank int) string {
	if o.rank < rank {
		return "(" + o.sql + ")"
	}
	return o.sql
}

// render writes the expression as SQL over the inputs' operands. Division by
// zero is NULL. An exact product is brought back to DECIMAL(38,6): the scale of
// decimals grows with every factor, and DuckDB refuses one above 38.
func (n *node) render(inputs map[string]operand) operand {
	switch n.op {
	case 'n':
		return operand{sql: n.text, rank: 3, exact: true, plain: true}
	case 'a':
		return inputs[n.text]
	}
	left, right := n.left.render(inputs), n.right.render(inputs)
	exact := left.exact && right.exact
	switch n.op {
	case '/':
		return operand{
			sql:  "cast(" + left.sql + " as double) / nullif(" + right.sql + ", 0)",
			rank: 2,
		}
	case '*':
		product := left.inside(2) + " * " + right.inside(3)
		if exact {
			return operand{sql: decimal(product), rank: 3, exact: true}
		}
		return operand{sql: product, rank: 2}
	}
	return operand{sql: left.inside(1) + " " + string(n.op) + " " + right.inside(2), rank: 1, exact: exact}
}

func decimal(sql string) string { return "cast(" + sql + " as decimal(38, 6))" }
