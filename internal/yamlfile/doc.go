// Package yamlfile reads the YAML that users write. Its one guarantee: what is
// wrong in a file comes back as [Problem]s that name path, line, column, field
// and the fix, and the keys, shapes and words that it takes are those of the
// JSON Schema written from the same Go struct. It reads a plain subset of YAML:
// one document of mappings, lists and scalars, without anchors, aliases, merge
// keys and tags, at most 1 MiB and 100 levels deep. goccy/go-yaml parses.
package yamlfile

import (
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// Doc is a decoded file. It finds the place of a value for the checks that
// its owner makes afterwards.
type Doc struct {
	path  string
	shift int // added to the parser's line numbers
	root  ast.Node
}

// Problem returns a Problem at the value that field names, for example
// schema[0].properties[2].logicalType, or at its nearest existing parent. A
// key that holds dots is written as it is: inputs.staging.lead_created[1].
func (d *Doc) Problem(field, message, fix string) *Problem {
	line, column := locate(d.root, field)
	return &Problem{Path: d.path, Line: line + d.shift, Column: column, Field: field, Message: message, Fix: fix}
}

// locate walks down field as far as it leads.
func locate(n ast.Node, field string) (line, column int) {
	line, column = position(n)
	for {
		field = strings.TrimPrefix(field, ".")
		switch m := n.(type) {
		case *ast.MappingNode, *ast.MappingValueNode:
			entry := longestKey(pairs(n), field)
			if entry == nil {
				return line, column
			}
			key := keyText(entry.Key)
			field = field[len(key):]
			n = entry.Value
			line, column = position(entry.Key)
			if isScalar(n) && n.GetToken().Type != token.ImplicitNullType {
				line, column = position(n)
			}
		case *ast.SequenceNode:
			index, rest, ok := cutIndex(field)
			if !ok || index >= len(m.Values) {
				return line, column
			}
			n, field = m.Values[index], rest
			line, column = position(n)
		default:
			return line, column
		}
	}
}

// longestKey returns the entry whose key field begins with; of a.b and a it
// is a.b.
func longestKey(entries []*ast.MappingValueNode, field string) *ast.MappingValueNode {
	var found *ast.MappingValueNode
	length := -1
	for _, e := range entries {
		rest, ok := strings.CutPrefix(field, keyText(e.Key))
		if !ok || field == "" || rest != "" && rest[0] != '.' && rest[0] != '[' {
			continue
		}
		if l := len(field) - len(rest); l > length {
			found, length = e, l
		}
	}
	return found
}

// cutIndex splits "[2].name" into 2 and ".name".
func cutIndex(field string) (index int, rest string, ok bool) {
	inside, ok := strings.CutPrefix(field, "[")
	if !ok {
		return 0, "", false
	}
	digits, rest, ok := strings.Cut(inside, "]")
	index, err := strconv.Atoi(digits)
	return index, rest, ok && err == nil && index >= 0
}

// pairs returns a mapping's entries; the parser has two forms for it.
func pairs(n ast.Node) []*ast.MappingValueNode {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	return nil
}

// position is where a node's text begins. The parser gives a block mapping
// the position of its first colon.
func position(n ast.Node) (line, column int) {
	if n == nil {
		return 1, 1
	}
	switch m := n.(type) {
	case *ast.MappingNode:
		if !m.IsFlowStyle && len(m.Values) > 0 {
			return position(m.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return position(m.Key)
	}
	tk := n.GetToken()
	if tk == nil || tk.Position == nil {
		return 1, 1
	}
	return max(tk.Position.Line, 1), max(tk.Position.Column, 1)
}

func isScalar(n ast.Node) bool {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode, *ast.SequenceNode:
		return false
	}
	return true
}

// keyText is a key as it is written, without its quotes.
func keyText(key ast.MapKeyNode) string {
	if tk := key.GetToken(); tk != nil {
		return tk.Value
	}
	return ""
}

// below names a value inside the one that path names.
func below(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func item(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }
