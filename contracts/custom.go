package contracts

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
)

// custom adds what stands in the contract's customProperties.
func (p *parser) custom(list []contractProperty) {
	seen := map[string]bool{}
	for i, c := range list {
		at := fmt.Sprintf("customProperties[%d]", i)
		if seen[c.Property] {
			p.report(at+".property", c.Property+" stands twice", "keep one of them")
			continue
		}
		seen[c.Property] = true
		at += ".value"
		switch c.Property {
		case dedupeKey:
			p.dedupeKey(at, c.DedupeKey)
		case owner:
			if strings.TrimSpace(c.Owner) == "" {
				p.report(at, "names nobody", "write the department that answers for the event")
			}
			p.contract.Owner = c.Owner
		case purpose:
			p.contract.Purpose = p.translate(at, p.contract.Purpose, c.Purpose, "description.purpose")
		case labels, descriptions:
			p.texts(at, c.Property, c.Texts)
		}
	}
}

func (p *parser) dedupeKey(at string, parts []string) {
	if len(parts) == 0 {
		p.report(at, "is empty", "write [source, id], or the attributes and data fields that tell one event from another")
	}
	attributes := []string{"source", "id", "subject", "time"}
	for i, part := range parts {
		here := fmt.Sprintf("%s[%d]", at, i)
		name, isField := strings.CutPrefix(part, "data.")
		switch {
		case slices.Contains(parts[:i], part):
			p.report(here, part+" stands twice", "keep one of them")
		case isField && p.contract.hasField(name):
			p.contract.DedupeKey = append(p.contract.DedupeKey, Key{Field: name})
		case isField:
			p.report(here, fmt.Sprintf("the data has no field %q", name), p.fieldFix("data.", name))
		case slices.Contains(attributes, part):
			p.contract.DedupeKey = append(p.contract.DedupeKey, Key{Attribute: part})
		case p.contract.hasField(part):
			p.report(here, part+" is a field of the data", "write data."+part)
		default:
			fix := "write source, id, subject, time or data.<field>"
			if near := yamlfile.Nearest(part, attributes); near != "" {
				fix = "did you mean " + near + "?"
			}
			p.report(here, fmt.Sprintf("%q is no part of an event", part), fix)
		}
	}
}

// texts adds the Chinese labels or descriptions of fields.
func (p *parser) texts(at, kind string, byField map[string]yamlfile.Text) {
	for _, name := range slices.Sorted(maps.Keys(byField)) {
		i := slices.IndexFunc(p.contract.Fields, func(f Field) bool { return f.Name == name })
		if i < 0 {
			p.report(at+"."+name, fmt.Sprintf("the data has no field %q", name), p.fieldFix("", name))
			continue
		}
		f := &p.contract.Fields[i]
		here := at + "." + name
		if kind == labels {
			f.Label = p.translate(here, f.Label, byField[name], "the field's businessName")
		} else {
			f.Description = p.translate(here, f.Description, byField[name], "the field's description")
		}
	}
}

// translate adds the Chinese to a text whose English the standard has a place
// for.
func (p *parser) translate(at string, text, more yamlfile.Text, place string) yamlfile.Text {
	if _, ok := more["en"]; ok {
		p.report(at, "holds English", "write {zh-Hans: …, zh-Hant: …} here, and the English as "+place)
		return text
	}
	out := yamlfile.Text{}
	maps.Copy(out, text)
	maps.Copy(out, more)
	return out
}

func (p *parser) fieldFix(prefix, name string) string {
	var known []string
	for i := range p.contract.Fields {
		known = append(known, p.contract.Fields[i].Name)
	}
	if near := yamlfile.Nearest(name, known); near != "" {
		return "did you mean " + prefix + near + "?"
	}
	return "its fields are " + strings.Join(known, ", ")
}
