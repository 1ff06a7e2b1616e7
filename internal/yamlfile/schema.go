package yamlfile

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
)

// describer is a type that reads more than one shape and says which.
type describer interface {
	JSONSchema() map[string]any
}

// Schema returns a JSON Schema (draft 2020-12) of the files that Decode reads
// into v, for editors: keys by the yaml tags, descriptions by the doc tags,
// enum:"a|b" and required:"true". A type with UnmarshalYAML needs the method
// JSONSchema() map[string]any.
func Schema(title, description string, v any) ([]byte, error) {
	t := reflect.TypeOf(v)
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("schema of %s: %T is no struct", title, v)
	}
	b := &schemaBuilder{root: t, names: map[reflect.Type]string{}, defs: map[string]any{}}
	out, err := b.structure(t)
	if err != nil {
		return nil, fmt.Errorf("schema of %s: %w", title, err)
	}
	out["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	out["title"] = title
	out["description"] = description
	if len(b.defs) > 0 {
		out["$defs"] = b.defs
	}
	data, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("schema of %s: %w", title, err)
	}
	return append(data, '\n'), nil
}

// schemaBuilder gives every named struct a place in $defs, so that a struct
// may hold itself.
type schemaBuilder struct {
	root  reflect.Type
	names map[reflect.Type]string
	defs  map[string]any
}

func (b *schemaBuilder) structure(t reflect.Type) (map[string]any, error) {
	properties := map[string]any{}
	var required []string
	for _, f := range fieldsOf(t) {
		p, err := b.of(f.typ)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		if len(f.enum) > 0 {
			inner := p
			if items, ok := p["items"].(map[string]any); ok {
				inner = items
			}
			inner["enum"] = f.enum
		}
		if f.doc != "" {
			p["description"] = f.doc
		}
		if f.required {
			required = append(required, f.name)
		}
		properties[f.name] = p
	}
	out := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	return out, nil
}

// of returns the schema of a type; the map is the caller's to change.
func (b *schemaBuilder) of(t reflect.Type) (map[string]any, error) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch v := reflect.New(t).Interface().(type) {
	case describer:
		return v.JSONSchema(), nil
	case selfDecoder:
		return nil, fmt.Errorf("%s decodes itself and has no JSONSchema()", t)
	case encoding.TextUnmarshaler:
		return map[string]any{"type": "string"}, nil
	case ordered:
		return b.object(reflect.TypeOf(v.element()).Elem())
	}
	switch t.Kind() {
	case reflect.Struct:
		return b.reference(t)
	case reflect.Map:
		return b.object(t.Elem())
	case reflect.Slice:
		items, err := b.of(t.Elem())
		if err != nil {
			return nil, err
		}
		return map[string]any{"type": "array", "items": items}, nil
	case reflect.Interface:
		return map[string]any{}, nil
	case reflect.String:
		return map[string]any{"type": "string"}, nil
	case reflect.Bool:
		return map[string]any{"type": "boolean"}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return map[string]any{"type": "integer"}, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return map[string]any{"type": "integer", "minimum": 0}, nil
	case reflect.Float32, reflect.Float64:
		return map[string]any{"type": "number"}, nil
	default:
		return nil, fmt.Errorf("%s has no form in a file", t)
	}
}

func (b *schemaBuilder) object(element reflect.Type) (map[string]any, error) {
	inner, err := b.of(element)
	if err != nil {
		return nil, err
	}
	return map[string]any{"type": "object", "additionalProperties": inner}, nil
}

func (b *schemaBuilder) reference(t reflect.Type) (map[string]any, error) {
	if t == b.root {
		return map[string]any{"$ref": "#"}, nil
	}
	if t.Name() == "" {
		return b.structure(t)
	}
	name, ok := b.names[t]
	if !ok {
		name = t.Name()
		for n := 2; b.defs[name] != nil; n++ {
			name = t.Name() + strconv.Itoa(n)
		}
		b.names[t] = name
		b.defs[name] = map[string]any{} // taken, while its own fields are read
		def, err := b.structure(t)
		if err != nil {
			return nil, err
		}
		b.defs[name] = def
	}
	return map[string]any{"$ref": "#/$defs/" + name}, nil
}
