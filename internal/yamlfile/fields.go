package yamlfile

import (
	"reflect"
	"strings"
)

// field is one key of a struct.
type field struct {
	name     string
	index    []int
	typ      reflect.Type
	required bool
	enum     []string
	doc      string
}

// fieldsOf returns the keys of a struct, those of inline structs among them,
// in their order.
func fieldsOf(t reflect.Type) []field {
	var list []field
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("yaml")
		name, options, _ := strings.Cut(tag, ",")
		if name == "-" || !f.IsExported() && !f.Anonymous {
			continue
		}
		if strings.Contains(","+options+",", ",inline,") {
			for _, inner := range fieldsOf(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				list = append(list, inner)
			}
			continue
		}
		if name == "" {
			name = strings.ToLower(f.Name)
		}
		one := field{
			name: name, index: []int{i}, typ: f.Type, doc: f.Tag.Get("doc"), required: f.Tag.Get("required") == "true",
		}
		if words := f.Tag.Get("enum"); words != "" {
			one.enum = strings.Split(words, "|")
		}
		list = append(list, one)
	}
	return list
}
