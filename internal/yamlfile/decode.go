package yamlfile

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Decode reads a file's text into out, a pointer, by the yaml tags of its
// struct ("name", "name,omitempty", ",inline", "-"; without a tag the field's
// name in lower case). It is strict: a key that the struct doesn't know, a key
// that stands twice, a value of another type (a number is no text; text that
// looks like one goes in quotes), a key without a value, a missing key of a
// field tagged required:"true" and a word outside enum:"a|b" are Problems,
// and all that a file holds are returned at once, joined.
//
// A type decodes itself by UnmarshalYAML(func(any) error) error: its argument
// reads the value into whatever it points to, as strictly, and may be called
// again where several shapes are allowed. A Problem that it returns without a
// Path is placed below the value, at its Field. A type with UnmarshalText reads
// text. In an any, a whole number is an int64, another number a float64, a
// mapping a map[string]any, a list a []any and no value nil.
//
// The Doc is nil when the error isn't.
func Decode(path string, data []byte, out any) (*Doc, error) {
	return DecodeAt(path, data, 1, out)
}

// DecodeAt is Decode for YAML that begins at line firstLine of its file: the
// header in a model's comment.
func DecodeAt(path string, data []byte, firstLine int, out any) (*Doc, error) {
	target := reflect.ValueOf(out)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return nil, fmt.Errorf("decode %s into %T: not a pointer", path, out)
	}
	doc, err := parse(path, data, firstLine-1)
	if err != nil {
		return nil, err
	}
	check := &treeCheck{doc: doc}
	check.walk(doc.root, "", 0)
	if len(check.problems) > 0 {
		return nil, join(check.problems)
	}
	d := &decoder{doc: doc}
	d.value(doc.root, target.Elem(), "")
	if len(d.problems) > 0 {
		return nil, join(d.problems)
	}
	return doc, nil
}

// selfDecoder is a type that reads more than one shape.
type selfDecoder interface {
	UnmarshalYAML(decode func(any) error) error
}

type decoder struct {
	doc      *Doc
	problems []*Problem
}

// report places a problem where Doc.Problem would: at a scalar itself, but at
// the key above a mapping, a list or nothing.
func (d *decoder) report(n ast.Node, path, message, fix string) {
	p := d.doc.at(n, path, message, fix)
	if !isScalar(n) || isNull(n) {
		p = d.doc.Problem(path, message, fix)
	}
	d.problems = append(d.problems, p)
}

// value decodes n into v, which can be set.
func (d *decoder) value(n ast.Node, v reflect.Value, path string) {
	if d.bySelf(n, v, path) {
		return
	}
	if v.Kind() == reflect.Interface && v.NumMethod() == 0 {
		if plain := d.plain(n, path); plain != nil {
			v.Set(reflect.ValueOf(plain))
		} else {
			v.SetZero()
		}
		return
	}
	if isNull(n) {
		d.report(n, path, "has no value", "write one or remove the key")
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		d.value(n, v.Elem(), path)
	case reflect.Struct:
		if d.wantMapping(n, path) {
			d.structure(n, v, path)
		}
	case reflect.Map:
		if d.wantMapping(n, path) {
			d.mapping(n, v, path)
		}
	case reflect.Slice:
		if o, ok := reflect.TypeAssert[ordered](v.Addr()); ok {
			if d.wantMapping(n, path) {
				d.ordered(n, o, path)
			}
			return
		}
		d.list(n, v, path)
	default:
		d.scalar(n, v, path)
	}
}

// bySelf decodes by the type's own methods and reports whether it has some.
func (d *decoder) bySelf(n ast.Node, v reflect.Value, path string) bool {
	if v.Kind() == reflect.Pointer || !v.CanAddr() {
		return false
	}
	switch t := v.Addr().Interface().(type) {
	case selfDecoder:
		err := t.UnmarshalYAML(func(out any) error {
			inner := &decoder{doc: d.doc}
			target := reflect.ValueOf(out)
			if target.Kind() != reflect.Pointer || target.IsNil() {
				return fmt.Errorf("decode %s into %T: not a pointer", path, out)
			}
			inner.value(n, target.Elem(), path)
			return join(inner.problems)
		})
		d.adopt(err, n, path)
		return true
	case encoding.TextUnmarshaler:
		s, ok := d.text(n, path)
		if ok {
			d.adopt(t.UnmarshalText([]byte(s)), n, path)
		}
		return true
	}
	return false
}

// adopt takes over what a type says about its own value.
func (d *decoder) adopt(err error, n ast.Node, path string) {
	if err == nil {
		return
	}
	list := Problems(err)
	if len(list) == 0 {
		d.report(n, path, err.Error(), "")
		return
	}
	for _, p := range list {
		if p.Path == "" {
			field := path
			switch {
			case strings.HasPrefix(p.Field, "["):
				field += p.Field
			case p.Field != "":
				field = below(path, p.Field)
			}
			// The Problem may be a sentinel of its type, so it isn't changed.
			p = d.doc.Problem(field, p.Message, p.Fix)
		}
		d.problems = append(d.problems, p)
	}
}

func (d *decoder) wantMapping(n ast.Node, path string) bool {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return true
	}
	d.report(n, path, "is "+shape(n)+" where keys and values are expected", "write key: value")
	return false
}

func (d *decoder) structure(n ast.Node, v reflect.Value, path string) {
	fields := fieldsOf(v.Type())
	known := make([]string, len(fields))
	for i, f := range fields {
		known[i] = f.name
	}
	given := map[string]bool{}
	for _, e := range pairs(n) {
		key := keyText(e.Key)
		i := slices.Index(known, key)
		if i < 0 {
			d.report(e.Key, below(path, key), "unknown key", keyFix(key, known))
			continue
		}
		given[key] = true
		f := fields[i]
		before := len(d.problems)
		d.value(e.Value, v.FieldByIndex(f.index), below(path, key))
		if len(d.problems) == before {
			d.enum(e.Value, f, v.FieldByIndex(f.index), below(path, key))
		}
	}
	for _, f := range fields {
		if f.required && !given[f.name] {
			d.report(n, below(path, f.name), "is missing", "add "+f.name+":")
		}
	}
}

// enum holds a word, or each word of a list, against the field's tag.
func (d *decoder) enum(n ast.Node, f field, v reflect.Value, path string) {
	if len(f.enum) == 0 {
		return
	}
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() == reflect.Slice {
		for i := range v.Len() {
			at, where := n, path
			if seq, ok := n.(*ast.SequenceNode); ok && i < len(seq.Values) {
				at, where = seq.Values[i], item(path, i)
			}
			d.enum(at, f, v.Index(i), where)
		}
		return
	}
	if s := fmt.Sprint(v.Interface()); !slices.Contains(f.enum, s) {
		d.report(n, path, fmt.Sprintf("%q is not known here", s), "write "+oneOf(s, f.enum))
	}
}

func keyFix(key string, known []string) string {
	if near := Nearest(key, known); near != "" {
		return "did you mean " + near + "?"
	}
	return "known here: " + strings.Join(known, ", ")
}

func (d *decoder) mapping(n ast.Node, v reflect.Value, path string) {
	t := v.Type()
	if t.Key().Kind() != reflect.String {
		d.report(n, path, "can't be read: "+t.String()+" has no text as its key", "")
		return
	}
	entries := pairs(n)
	v.Set(reflect.MakeMapWithSize(t, len(entries)))
	for _, e := range entries {
		key := keyText(e.Key)
		element := reflect.New(t.Elem()).Elem()
		d.value(e.Value, element, below(path, key))
		v.SetMapIndex(reflect.ValueOf(key).Convert(t.Key()), element)
	}
}

func (d *decoder) ordered(n ast.Node, o ordered, path string) {
	for _, e := range pairs(n) {
		key := keyText(e.Key)
		d.value(e.Value, reflect.ValueOf(o.add(key)).Elem(), below(path, key))
	}
}

func (d *decoder) list(n ast.Node, v reflect.Value, path string) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.report(n, path, "is "+shape(n)+" where a list is expected", "write [a, b], also for one")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values)))
	for i, e := range seq.Values {
		d.value(e, v.Index(i), item(path, i))
	}
}
