package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The bounds of a file. The parser's time grows with the square of the depth
// (half a minute for 100,000 levels), so the depth is bounded before it runs.
const (
	maxBytes = 1 << 20
	maxDepth = 100
	maxOpen  = 1000
)

// parse checks the text and returns its only document. It stops at the first
// problem, since one mistake of this kind brings many others after it.
func parse(path string, data []byte, shift int) (*Doc, error) {
	if p := checkText(data); p != nil {
		p.Path = path
		if p.Line > 0 {
			p.Line += shift
		}
		return nil, p
	}
	doc := &Doc{path: path, shift: shift}
	file, err := parseBytes(data)
	if err != nil {
		return nil, doc.syntax(err)
	}
	for _, d := range file.Docs {
		if d.Body == nil {
			continue
		}
		if doc.root != nil {
			line, column := position(d.Body)
			if d.Start != nil && d.Start.Position != nil {
				line, column = d.Start.Position.Line, d.Start.Position.Column
			}
			return nil, &Problem{
				Path: path, Line: line + shift, Column: column,
				Message: "a second document begins here", Fix: "keep one document a file",
			}
		}
		doc.root = d.Body
	}
	if doc.root == nil {
		return nil, &Problem{Path: path, Line: 1 + shift, Column: 1, Message: "the file is empty", Fix: "write it or remove it"}
	}
	return doc, nil
}

// parseBytes turns a panic of the parser into an error: a file that a person
// is typing must never end the process.
func parseBytes(data []byte) (file *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the YAML parser gave up: %v", r)
		}
	}()
	return parser.Parse(joinFlowText(lexer.Tokenize(string(data))), 0, parser.AllowDuplicateMapKey())
}

// joinFlowText puts plain text together that the lexer cuts at a colon inside
// the brackets of a flow mapping, {brokers: [kafka-1:9092]}: without a space
// behind it a colon is part of the text (YAML 1.2, section 7.3.3).
func joinFlowText(tokens token.Tokens) token.Tokens {
	joined := make(token.Tokens, 0, len(tokens))
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		for unquoted(t) && i+2 < len(tokens) && tokens[i+1].Type == token.MappingValueType &&
			tokens[i+1].Origin == ":" && unquoted(tokens[i+2]) && tokens[i+2].Origin == tokens[i+2].Value {
			text := t.Value + ":" + tokens[i+2].Value
			t = token.String(text, t.Origin+":"+tokens[i+2].Origin, t.Position)
			i += 2
		}
		joined.Add(t)
	}
	return joined
}

// unquoted says whether a token is a scalar without quotes.
func unquoted(t *token.Token) bool {
	switch t.Type {
	case token.StringType, token.IntegerType, token.FloatType, token.BoolType, token.NullType:
		return true
	default:
		return false
	}
}

// syntax places the parser's error.
func (d *Doc) syntax(err error) *Problem {
	p := &Problem{Path: d.path, Line: 1 + d.shift, Column: 1, Message: err.Error(), Fix: "check indentation, brackets and quotes"}
	var located yaml.Error
	if !errors.As(err, &located) {
		return p
	}
	p.Message = "not YAML: " + located.GetMessage()
	if tk := located.GetToken(); tk != nil && tk.Position != nil {
		p.Line, p.Column = max(tk.Position.Line, 1)+d.shift, max(tk.Position.Column, 1)
	}
	switch {
	case strings.Contains(p.Message, "mapping value is not allowed"):
		p.Fix = "check the indentation, and put text that holds a colon and a space in quotes"
	case strings.Contains(p.Message, "reserved character"), strings.Contains(p.Message, "directive"):
		p.Fix = "put text that begins with this character in quotes"
	case strings.Contains(p.Message, "could not find end character"):
		p.Fix = "close the quote"
	case strings.Contains(p.Message, "not found"):
		p.Fix = "close the bracket"
	}
	return p
}

// checkText refuses what editors and copying bring in unseen. Its lines count
// from 1, without the shift of DecodeAt.
func checkText(data []byte) *Problem {
	switch {
	case len(data) > maxBytes:
		return &Problem{
			Message: fmt.Sprintf("is %d bytes long; at most %d are read", len(data), maxBytes), Fix: "split it into several files",
		}
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return &Problem{Line: 1, Column: 1, Message: "begins with a byte order mark", Fix: "save it as UTF-8 without BOM"}
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return &Problem{Line: 1, Column: 1, Message: "is UTF-16", Fix: "save it as UTF-8"}
	}
	open := 0
	line := 0
	for text := range bytes.Lines(data) {
		line++
		if p := checkLine(bytes.TrimSuffix(text, []byte("\n"))); p != nil {
			p.Line = line
			return p
		}
		open += nesting(text)
		if open > maxOpen {
			return &Problem{Line: line, Column: 1, Message: strconv.Itoa(open) + " brackets are open here", Fix: "close them"}
		}
		if dashes(text) > maxDepth {
			return &Problem{Line: line, Column: 1, Message: tooDeep(maxDepth), Fix: "make it flatter"}
		}
	}
	return nil
}

// nesting is how many brackets text opens and leaves open. It doesn't know
// plain text, so "[0, 100)" counts too: maxOpen is far above what people write.
func nesting(text []byte) int {
	n := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '[', '{':
			n++
		case ']', '}':
			n--
		case '\'', '"':
			end := bytes.IndexByte(text[i+1:], c)
			if end >= 0 {
				i += end + 1
			}
		case '#':
			if i == 0 || text[i-1] == ' ' {
				return n
			}
		}
	}
	return n
}

// dashes is the depth of the lists that begin on one line: "- - - x".
func dashes(text []byte) int {
	n := 0
	for bytes.HasPrefix(bytes.TrimLeft(text, " "), []byte("- ")) {
		text = bytes.TrimLeft(text, " ")[2:]
		n++
	}
	return n
}

func checkLine(text []byte) *Problem {
	if before, _, ok := bytes.Cut(text, []byte{'\r'}); ok {
		return &Problem{Column: utf8.RuneCount(before) + 1, Message: "the line ends with a carriage return", Fix: "save the file with LF line ends (Unix), not CRLF (Windows)"}
	}
	indent := text[:len(text)-len(bytes.TrimLeft(text, " \t"))]
	if i := bytes.IndexByte(indent, '\t'); i >= 0 && len(indent) < len(text) {
		return &Problem{Column: i + 1, Message: "a tab in the indentation", Fix: "indent with spaces"}
	}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return &Problem{Column: utf8.RuneCount(text[:i]) + 1, Message: "not UTF-8", Fix: "save it as UTF-8"}
		case r < ' ' && r != '\t', r == 0x7f, r == '\ufeff':
			return &Problem{Column: utf8.RuneCount(text[:i]) + 1, Message: fmt.Sprintf("an invisible character (U+%04X)", r), Fix: "remove it"}
		}
		i += size
	}
	return nil
}

// treeCheck reports what is YAML and not read here, and keys that stand twice.
type treeCheck struct {
	doc      *Doc
	problems []*Problem
	// alias is set at the first anchor or alias: one is enough, the others
	// would repeat it.
	alias bool
}

func (c *treeCheck) report(n ast.Node, field, message, fix string) {
	c.problems = append(c.problems, c.doc.at(n, field, message, fix))
}

func (c *treeCheck) walk(n ast.Node, path string, depth int) {
	if depth > maxDepth {
		c.report(n, path, tooDeep(maxDepth), "make it flatter")
		return
	}
	switch n := n.(type) {
	case *ast.AnchorNode, *ast.AliasNode:
		if !c.alias {
			c.report(n, path, "anchors (&name) and aliases (*name) are not read", "write the value itself wherever it is used")
		}
		c.alias = true
	case *ast.TagNode:
		c.report(n, path, "tags (!name) are not read", "remove it; text that looks like a number goes in quotes")
	case *ast.MappingNode, *ast.MappingValueNode:
		seen := map[string]int{}
		for _, e := range pairs(n) {
			if c.key(e, path, seen) {
				c.walk(e.Value, below(path, keyText(e.Key)), depth+1)
			}
		}
	case *ast.SequenceNode:
		for i, v := range n.Values {
			c.walk(v, item(path, i), depth+1)
		}
	case *ast.StringNode, *ast.LiteralNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode, *ast.InfinityNode, *ast.NanNode:
	default:
		c.report(n, path, "this form of YAML is not read", "write a mapping, a list or a value")
	}
}

// key adds an entry's key to seen and reports whether it is a good one.
func (c *treeCheck) key(e *ast.MappingValueNode, path string, seen map[string]int) bool {
	switch e.Key.(type) {
	case *ast.MergeKeyNode:
		c.report(e.Key, path, "merge keys (<<) are not read", "write the keys themselves")
		return false
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
	default:
		c.report(e.Key, path, "a key must be plain text", "write it as text, in quotes where it is none")
		return false
	}
	key := keyText(e.Key)
	line, _ := position(e.Key)
	if first, ok := seen[key]; ok {
		c.report(e.Key, below(path, key), fmt.Sprintf("stands twice, first in line %d", first+c.doc.shift), "keep one of them")
		return false
	}
	seen[key] = line
	return true
}

func tooDeep(levels int) string { return "nested more than " + strconv.Itoa(levels) + " levels deep" }

func (d *Doc) at(n ast.Node, field, message, fix string) *Problem {
	line, column := position(n)
	return &Problem{Path: d.path, Line: line + d.shift, Column: column, Field: field, Message: message, Fix: fix}
}

// isQuoted tells text in quotes or a block from a plain scalar, which may
// stand for a number.
func isQuoted(n ast.Node) bool {
	if _, ok := n.(*ast.LiteralNode); ok {
		return true
	}
	t := n.GetToken().Type
	return t == token.SingleQuoteType || t == token.DoubleQuoteType
}
