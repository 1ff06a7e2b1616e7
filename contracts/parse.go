package contracts

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
)

// maxNameBytes bounds a field's name: it becomes the name of a column.
const maxNameBytes = 63

var (
	eventType   = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$`)
	fieldName   = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	fileName    = regexp.MustCompile(`^(.+)\.v([1-9][0-9]{0,4})\.yaml$`)
	versioned   = regexp.MustCompile(`\.v[0-9]+$`)
	semver      = regexp.MustCompile(`^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)
	decimalType = regexp.MustCompile(`(?i)^decimal\( ?([0-9]{1,3}) ?, ?([0-9]{1,3}) ?\)$`)
)

// parser builds one contract and collects what is wrong with it.
type parser struct {
	doc      *yamlfile.Doc
	contract *Contract
	problems []error
}

func (p *parser) report(field, message, fix string) {
	p.problems = append(p.problems, p.doc.Problem(field, message, fix))
}

// parse reads one file; name is its path.
func parse(name string, data []byte) (*Contract, *yamlfile.Doc, error) {
	var d document
	doc, err := yamlfile.Decode(name, data, &d)
	if err != nil {
		return nil, nil, err
	}
	p := &parser{doc: doc, contract: &Contract{
		Path: name, Event: d.ID, Version: d.Version, Status: d.Status, Domain: d.Domain,
	}}
	p.identity(name, &d)
	if len(d.Schema) != 1 {
		p.report("schema", fmt.Sprintf("has %d objects", len(d.Schema)), "describe the event's data as exactly one object")
		return nil, nil, errors.Join(p.problems...)
	}
	if len(d.Schema[0].Properties) == 0 {
		p.report("schema[0].properties", "names no field", "describe at least one")
	}
	for i := range d.Schema[0].Properties {
		p.field(fmt.Sprintf("schema[0].properties[%d]", i), &d.Schema[0].Properties[i])
	}
	if d.Description.Purpose != "" {
		p.contract.Purpose = yamlfile.Text{"en": d.Description.Purpose}
	}
	p.custom(d.CustomProperties)
	if len(p.contract.DedupeKey) == 0 {
		p.contract.DedupeKey = []Key{{Attribute: "source"}, {Attribute: "id"}}
	}
	if len(p.problems) > 0 {
		return nil, nil, errors.Join(p.problems...)
	}
	return p.contract, doc, nil
}

// identity holds id and version against the file's name.
func (p *parser) identity(name string, d *document) {
	switch {
	case versioned.MatchString(d.ID):
		p.report("id", fmt.Sprintf("%q ends in a version", d.ID), "write "+versioned.ReplaceAllString(d.ID, "")+": the major version stands in the file's name alone")
		return
	case !eventType.MatchString(d.ID):
		p.report("id", fmt.Sprintf("%q is no event type", d.ID), "write lower-case words with dots between them, such as lead.created")
		return
	}
	major, _, _ := strings.Cut(d.Version, ".")
	if !semver.MatchString(d.Version) {
		p.report("version", fmt.Sprintf("%q is no version", d.Version), "write major.minor.patch, such as 1.0.0")
		major = "1"
	}
	parts := fileName.FindStringSubmatch(name)
	if parts == nil || parts[1] != d.ID {
		p.report("id", fmt.Sprintf("the file %s is not named after its event type", name), fmt.Sprintf("name it %s.v%s.yaml", d.ID, major))
		return
	}
	if semver.MatchString(d.Version) && parts[2] != major {
		p.report("version", fmt.Sprintf("%s is not of the file's major version %s", d.Version, parts[2]),
			fmt.Sprintf("write %s.0.0, or name the file %s.v%s.yaml", parts[2], d.ID, major))
	}
	p.contract.Major, _ = strconv.Atoi(parts[2]) // at most five digits
}

func (p *parser) field(at string, d *property) {
	f := Field{Name: d.Name, Required: d.Required}
	switch {
	case !fieldName.MatchString(d.Name):
		p.report(at+".name", fmt.Sprintf("%q is no field name", d.Name), "write lower snake case that begins with a letter, such as lead_id")
	case len(d.Name) > maxNameBytes:
		p.report(at+".name", fmt.Sprintf("the name has %d bytes", len(d.Name)), fmt.Sprintf("write at most %d", maxNameBytes))
	case p.contract.hasField(d.Name):
		p.report(at+".name", d.Name+" stands twice", "keep one of the two fields")
	}
	p.fieldType(at, d, &f)
	p.limits(at+".logicalTypeOptions", &d.LogicalTypeOptions, &f)
	p.allowed(at+".quality", d.Quality, &f)
	if d.BusinessName != "" {
		f.Label = yamlfile.Text{"en": d.BusinessName}
	}
	if d.Description != "" {
		f.Description = yamlfile.Text{"en": d.Description}
	}
	f.Personal = d.Classification == "personal"
	// A slip here would let personal data through as ordinary data.
	if near := yamlfile.Nearest(d.Classification, []string{"personal", "pii"}); near != "" && !f.Personal {
		p.report(at+".classification", fmt.Sprintf("%q is not known", d.Classification), "write personal, or a word that can't be mistaken for it")
	}
	for i, c := range d.CustomProperties {
		if i > 0 {
			p.report(fmt.Sprintf("%s.customProperties[%d].property", at, i), c.Property+" stands twice", "keep one of them")
			continue
		}
		f.Unit = c.Unit
	}
	p.contract.Fields = append(p.contract.Fields, f)
}

func (p *parser) fieldType(at string, d *property, f *Field) {
	words := []string{"string", "integer", "boolean", "date", "timestamp", "number"}
	if d.Properties != nil && d.LogicalType != "object" {
		p.report(at+".properties", "belongs to an object, which is not supported", "remove it")
	}
	if d.Items != nil && d.LogicalType != "array" {
		p.report(at+".items", "belongs to an array, which is not supported", "remove it")
	}
	switch t := d.LogicalType; t {
	case "string":
		f.Type = String
	case "integer":
		f.Type = Integer
	case "boolean":
		f.Type = Boolean
	case "date":
		f.Type = Date
	case "timestamp":
		f.Type = Timestamp
	case "number":
		p.number(at, d.PhysicalType, f)
	case "object", "array":
		p.report(at+".logicalType", t+" is not supported", "write its parts as fields of their own, or send one event for each element")
	case "time":
		p.report(at+".logicalType", "time is not supported", "write timestamp, or string")
	default:
		fix := "write one of " + strings.Join(words, ", ")
		if near := yamlfile.Nearest(t, words); near != "" {
			fix = "write " + near
		}
		p.report(at+".logicalType", fmt.Sprintf("%q is no type", t), fix)
	}
}

func (p *parser) number(at, physical string, f *Field) {
	const fix = "write decimal(18,2) for an amount, up to decimal(38,s), or double for a measured value"
	parts := decimalType.FindStringSubmatch(physical)
	switch {
	case strings.EqualFold(physical, "double"):
		f.Type = Double
	case parts != nil:
		f.Type = Decimal
		f.Precision, _ = strconv.Atoi(parts[1]) // at most three digits
		f.Scale, _ = strconv.Atoi(parts[2])
		if f.Precision < 1 || f.Precision > 38 || f.Scale > f.Precision {
			p.report(at+".physicalType", physical+" has digits out of range", "write decimal(p,s) with p from 1 to 38 and s up to p")
		}
	case physical == "":
		p.report(at+".physicalType", "a number needs it", fix)
	default:
		p.report(at+".physicalType", fmt.Sprintf("%q is no type of a number", physical), fix)
	}
}

func (p *parser) limits(at string, l *limits, f *Field) {
	isNumber := f.Type == Integer || f.Type == Decimal || f.Type == Double
	for _, o := range []struct {
		name  string
		given bool
		fits  bool
		of    string
	}{
		{"minLength", l.MinLength != nil, f.Type == String, "string"},
		{"maxLength", l.MaxLength != nil, f.Type == String, "string"},
		{"pattern", l.Pattern != nil, f.Type == String, "string"},
		{"minimum", l.Minimum != nil, isNumber, "number"},
		{"maximum", l.Maximum != nil, isNumber, "number"},
	} {
		if o.given && !o.fits && f.Type != 0 {
			p.report(at+"."+o.name, "limits a "+o.of+" alone", "remove it")
		}
	}
	f.Minimum, f.Maximum = l.Minimum, l.Maximum
	if l.Minimum != nil && l.Maximum != nil && *l.Minimum > *l.Maximum {
		p.report(at+".maximum", "is less than minimum", "swap them")
	}
	if l.MinLength != nil {
		if f.MinLength = *l.MinLength; f.MinLength < 0 {
			p.report(at+".minLength", "is negative", "write a number from 0")
		}
	}
	if l.MaxLength != nil {
		switch f.MaxLength = *l.MaxLength; {
		case f.MaxLength < 1:
			p.report(at+".maxLength", "lets no text in", "write a number from 1")
		case f.MaxLength < f.MinLength:
			p.report(at+".maxLength", "is less than minLength", "swap them")
		}
	}
	if l.Pattern != nil {
		pattern, err := regexp.Compile(*l.Pattern)
		if err != nil {
			p.report(at+".pattern", "is no regular expression: "+err.Error(), "write it in RE2's syntax")
		}
		f.Pattern = pattern
	}
}

// allowed reads the one quality rule that is known: a list of values.
func (p *parser) allowed(at string, rules []rule, f *Field) {
	if len(rules) > 1 {
		p.report(at+"[1]", "a second rule", "write all values into one")
		return
	}
	for _, r := range rules {
		if f.Type != String && f.Type != 0 {
			p.report(at+"[0]", "allowed values limit a string alone", "use logicalTypeOptions with minimum and maximum, or remove it")
			return
		}
		values := r.ValidValues
		if len(values) == 0 {
			p.report(at+"[0].arguments.validValues", "is empty", "name the values that are allowed")
		}
		for i, v := range values {
			field := fmt.Sprintf("%s[0].arguments.validValues[%d]", at, i)
			if slices.Contains(values[:i], v) {
				p.report(field, fmt.Sprintf("%q stands twice", v), "keep one of them")
			}
			if n := utf8.RuneCountInString(v); n < f.MinLength || f.MaxLength > 0 && n > f.MaxLength || f.Pattern != nil && !f.Pattern.MatchString(v) {
				p.report(field, fmt.Sprintf("%q breaks the field's own logicalTypeOptions", v), "change one of the two")
			}
		}
		f.Allowed = values
		f.AllowedWarn = r.Warn
	}
}
