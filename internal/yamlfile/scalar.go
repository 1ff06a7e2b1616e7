package yamlfile

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// What a plain scalar stands for is decided here and not by the parser, which
// also takes 0x1F, 1_000 and 007 for numbers and leaves 1e3 as text.
var (
	wholeNumber = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)$`)
	otherNumber = regexp.MustCompile(`^[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?$`)
)

// plain decodes n into what an any holds.
func (d *decoder) plain(n ast.Node, path string) any {
	switch m := n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		out := map[string]any{}
		for _, e := range pairs(n) {
			key := keyText(e.Key)
			out[key] = d.plain(e.Value, below(path, key))
		}
		return out
	case *ast.SequenceNode:
		out := make([]any, len(m.Values))
		for i, e := range m.Values {
			out[i] = d.plain(e, item(path, i))
		}
		return out
	}
	switch kind, s := classify(n); kind {
	case null:
		return nil
	case boolean:
		return strings.EqualFold(s, "true")
	case whole:
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return i
		}
		return d.float(n, s, path)
	case number:
		return d.float(n, s, path)
	case odd:
		d.odd(n, s, path)
		return nil
	case text:
		return s
	}
	return nil
}

// ScalarText writes a decoded scalar as a person would; false for a list, a
// mapping and null.
func ScalarText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// kind is what a scalar stands for.
type kind int

const (
	text kind = iota
	whole
	number
	boolean
	null
	odd // a number in a form that isn't read
)

func classify(n ast.Node) (kind, string) {
	switch m := n.(type) {
	case *ast.LiteralNode:
		return text, m.Value.Value
	case *ast.NullNode:
		return null, ""
	case *ast.BoolNode:
		return boolean, m.Token.Value
	case *ast.InfinityNode, *ast.NanNode:
		return odd, n.GetToken().Value
	case *ast.StringNode:
		if isQuoted(n) {
			return text, m.Value
		}
	}
	s := n.GetToken().Value
	switch t := n.GetToken().Type; {
	case wholeNumber.MatchString(s):
		return whole, s
	case otherNumber.MatchString(s) && !leadingZero(s):
		return number, s
	case t != token.StringType:
		return odd, s
	}
	return text, s
}

// leadingZero finds what looks like a code and not like a number: 007.
func leadingZero(s string) bool {
	if s[0] == '-' || s[0] == '+' {
		s = s[1:]
	}
	return len(s) > 1 && s[0] == '0' && s[1] >= '0' && s[1] <= '9'
}

func isNull(n ast.Node) bool {
	_, ok := n.(*ast.NullNode)
	return ok
}

// shape names what stands there, for messages.
func shape(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	}
	switch k, s := classify(n); k {
	case whole, number, odd:
		return "the number " + s
	case boolean:
		return s
	case null:
		return "empty"
	case text:
	}
	return "text"
}

// scalar decodes text, numbers and booleans.
func (d *decoder) scalar(n ast.Node, v reflect.Value, path string) {
	switch v.Kind() {
	case reflect.String:
		if s, ok := d.text(n, path); ok {
			v.SetString(s)
		}
	case reflect.Bool:
		if b, ok := n.(*ast.BoolNode); ok {
			v.SetBool(b.Value)
			return
		}
		d.report(n, path, "is "+shape(n)+" where true or false is expected", "write true or false")
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		s, ok := d.wholeNumber(n, path)
		if !ok {
			return
		}
		i, err := strconv.ParseInt(s, 10, v.Type().Bits())
		if err != nil {
			d.report(n, path, "the number "+s+" is too large here", "write a smaller one")
			return
		}
		v.SetInt(i)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		s, ok := d.wholeNumber(n, path)
		if !ok {
			return
		}
		u, err := strconv.ParseUint(s, 10, v.Type().Bits())
		if err != nil {
			d.report(n, path, "the number "+s+" is negative or too large here", "write a number from 0")
			return
		}
		v.SetUint(u)
	case reflect.Float32, reflect.Float64:
		switch k, s := classify(n); k {
		case whole, number:
			v.SetFloat(d.float(n, s, path))
		case text, boolean, null, odd:
			d.report(n, path, "is "+shape(n)+" where a number is expected", "write digits, without quotes")
		}
	default:
		d.report(n, path, "can't be read into a "+v.Type().String(), "")
	}
}

// text reports where n is none.
func (d *decoder) text(n ast.Node, path string) (string, bool) {
	if isScalar(n) {
		switch k, s := classify(n); k {
		case text:
			return s, true
		case whole, number, boolean, odd:
			d.report(n, path, "is "+shape(n)+" where text is expected", `write "`+s+`", with the quotes`)
			return "", false
		case null:
		}
	}
	d.report(n, path, "is "+shape(n)+" where text is expected", "write text")
	return "", false
}

func (d *decoder) wholeNumber(n ast.Node, path string) (string, bool) {
	if isScalar(n) {
		if k, s := classify(n); k == whole {
			return s, true
		}
	}
	d.report(n, path, "is "+shape(n)+" where a whole number is expected", "write digits, without quotes")
	return "", false
}

func (d *decoder) float(n ast.Node, s, path string) float64 {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		d.report(n, path, "the number "+s+" is too large", "write a smaller one")
	}
	return f
}

func (d *decoder) odd(n ast.Node, s, path string) {
	d.report(n, path, fmt.Sprintf("%s is neither a plain number nor text", s), "write plain digits, or put it in quotes")
}
