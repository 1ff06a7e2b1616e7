package contracts

import (
	"fmt"
	"slices"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
)

// document is the file: the part of ODCS v3.1.0 that is read. An any is a key
// of the standard that this program has no use for and lets pass.
type document struct {
	APIVersion        string             `yaml:"apiVersion" required:"true" enum:"v3.1.0" doc:"Version of the Open Data Contract Standard."`
	Kind              string             `yaml:"kind" required:"true" enum:"DataContract" doc:"Always DataContract."`
	ID                string             `yaml:"id" required:"true" doc:"The event type without its version, for example lead.created. The file is named after it: lead.created.v1.yaml."`
	Version           string             `yaml:"version" required:"true" doc:"Version of the contract, for example 1.0.0. Its major is that of the file name."`
	Status            string             `yaml:"status" required:"true" doc:"proposed, draft, active, deprecated or retired."`
	Domain            string             `yaml:"domain" doc:"The part of the business that the event belongs to."`
	Description       documentText       `yaml:"description" doc:"What the event means."`
	Schema            []object           `yaml:"schema" required:"true" doc:"The event's data: exactly one object."`
	CustomProperties  []contractProperty `yaml:"customProperties" doc:"What the standard has no word for: dedupeKey, owner, purpose, labels, descriptions."`
	Name              any                `yaml:"name" doc:"Of the standard; not used."`
	Tenant            any                `yaml:"tenant" doc:"Of the standard; not used."`
	Tags              any                `yaml:"tags" doc:"Of the standard; not used."`
	Servers           any                `yaml:"servers" doc:"Of the standard; not used."`
	DataProduct       any                `yaml:"dataProduct" doc:"Of the standard; not used."`
	Support           any                `yaml:"support" doc:"Of the standard; not used."`
	Price             any                `yaml:"price" doc:"Of the standard; not used."`
	Team              any                `yaml:"team" doc:"Of the standard; not used."`
	Roles             any                `yaml:"roles" doc:"Of the standard; not used."`
	SLADefaultElement any                `yaml:"slaDefaultElement" doc:"Of the standard; not used."`
	SLAProperties     any                `yaml:"slaProperties" doc:"Of the standard; not used."`
	Authoritative     any                `yaml:"authoritativeDefinitions" doc:"Of the standard; not used."`
	ContractCreatedTS any                `yaml:"contractCreatedTs" doc:"Of the standard; not used."`
}

type documentText struct {
	Purpose          string `yaml:"purpose" doc:"Why the event exists and what it says."`
	Limitations      any    `yaml:"limitations" doc:"Of the standard; not used."`
	Usage            any    `yaml:"usage" doc:"Of the standard; not used."`
	Authoritative    any    `yaml:"authoritativeDefinitions" doc:"Of the standard; not used."`
	CustomProperties any    `yaml:"customProperties" doc:"Of the standard; not used."`
}

type object struct {
	Name          string     `yaml:"name" required:"true" doc:"Name of the object; not used."`
	LogicalType   string     `yaml:"logicalType" enum:"object" doc:"Always object."`
	Properties    []property `yaml:"properties" required:"true" doc:"The fields of the event's data."`
	ID            any        `yaml:"id" doc:"Of the standard; not used."`
	PhysicalName  any        `yaml:"physicalName" doc:"Of the standard; not used."`
	PhysicalType  any        `yaml:"physicalType" doc:"Of the standard; not used."`
	Description   any        `yaml:"description" doc:"Of the standard; not used."`
	BusinessName  any        `yaml:"businessName" doc:"Of the standard; not used."`
	Granularity   any        `yaml:"dataGranularityDescription" doc:"Of the standard; not used."`
	Authoritative any        `yaml:"authoritativeDefinitions" doc:"Of the standard; not used."`
	Tags          any        `yaml:"tags" doc:"Of the standard; not used."`
	Relationships any        `yaml:"relationships" doc:"Of the standard; not used."`
}

type property struct {
	Name               string          `yaml:"name" required:"true" doc:"Name of the field, in lower snake case."`
	LogicalType        string          `yaml:"logicalType" required:"true" doc:"string, integer, number, boolean, date or timestamp."`
	PhysicalType       string          `yaml:"physicalType" doc:"Of a number: decimal(p,s) for amounts, with p up to 38, or double."`
	Required           bool            `yaml:"required" doc:"Whether an event must have the field. Default: false."`
	BusinessName       string          `yaml:"businessName" doc:"The field's label in English."`
	Description        string          `yaml:"description" doc:"What the field means, in English."`
	Classification     string          `yaml:"classification" doc:"personal for personal data; any other word is not used."`
	LogicalTypeOptions limits          `yaml:"logicalTypeOptions" doc:"Limits of the value."`
	Quality            []rule          `yaml:"quality" doc:"The values that are allowed: one rule."`
	CustomProperties   []fieldProperty `yaml:"customProperties" doc:"What the standard has no word for: unit."`
	ID                 any             `yaml:"id" doc:"Of the standard; not used."`
	PhysicalName       any             `yaml:"physicalName" doc:"Of the standard; not used."`
	PrimaryKey         any             `yaml:"primaryKey" doc:"Of the standard; not used: see dedupeKey."`
	PrimaryKeyPosition any             `yaml:"primaryKeyPosition" doc:"Of the standard; not used."`
	Unique             any             `yaml:"unique" doc:"Of the standard; not used: see dedupeKey."`
	Partitioned        any             `yaml:"partitioned" doc:"Of the standard; not used."`
	PartitionKey       any             `yaml:"partitionKeyPosition" doc:"Of the standard; not used."`
	EncryptedName      any             `yaml:"encryptedName" doc:"Of the standard; not used."`
	TransformSources   any             `yaml:"transformSourceObjects" doc:"Of the standard; not used."`
	TransformLogic     any             `yaml:"transformLogic" doc:"Of the standard; not used."`
	TransformText      any             `yaml:"transformDescription" doc:"Of the standard; not used."`
	Examples           any             `yaml:"examples" doc:"Of the standard; not used."`
	CriticalElement    any             `yaml:"criticalDataElement" doc:"Of the standard; not used."`
	Relationships      any             `yaml:"relationships" doc:"Of the standard; not used."`
	Authoritative      any             `yaml:"authoritativeDefinitions" doc:"Of the standard; not used."`
	Tags               any             `yaml:"tags" doc:"Of the standard; not used."`
	Properties         any             `yaml:"properties" doc:"Of an object, which is not supported."`
	Items              any             `yaml:"items" doc:"Of an array, which is not supported."`
}

type limits struct {
	MinLength *int     `yaml:"minLength" doc:"Of a string: fewest characters."`
	MaxLength *int     `yaml:"maxLength" doc:"Of a string: most characters."`
	Pattern   *string  `yaml:"pattern" doc:"Of a string: regular expression (RE2). It matches anywhere unless it has ^ and $."`
	Minimum   *float64 `yaml:"minimum" doc:"Of a number: least value."`
	Maximum   *float64 `yaml:"maximum" doc:"Of a number: greatest value."`
}

// rule is the one quality rule that is read: a list of allowed values.
type rule struct {
	ValidValues []string
	Warn        bool // severity: warning
}

// ruleKeys is a rule as it is written.
type ruleKeys struct {
	Type             string    `yaml:"type" enum:"library"`
	Metric           string    `yaml:"metric" required:"true"`
	Arguments        arguments `yaml:"arguments" required:"true"`
	MustBe           int       `yaml:"mustBe" required:"true"`
	Severity         string    `yaml:"severity" enum:"error|warning"`
	ID               any       `yaml:"id"`
	Name             any       `yaml:"name"`
	Description      any       `yaml:"description"`
	Dimension        any       `yaml:"dimension"`
	BusinessImpact   any       `yaml:"businessImpact"`
	Method           any       `yaml:"method"`
	Schedule         any       `yaml:"schedule"`
	Scheduler        any       `yaml:"scheduler"`
	Unit             any       `yaml:"unit"`
	Tags             any       `yaml:"tags"`
	Authoritative    any       `yaml:"authoritativeDefinitions"`
	CustomProperties any       `yaml:"customProperties"`
}

type arguments struct {
	ValidValues []string `yaml:"validValues" required:"true"`
}

// UnmarshalYAML refuses the standard's other rules as what they are, before
// their keys are looked at.
func (r *rule) UnmarshalYAML(decode func(any) error) error {
	other := &yamlfile.Problem{
		Message: "this quality rule is not supported",
		Fix:     "write {metric: invalidValues, arguments: {validValues: [a, b]}, mustBe: 0}, or remove it",
	}
	var raw map[string]any
	if err := decode(&raw); err != nil {
		return err
	}
	arguments, _ := raw["arguments"].(map[string]any)
	if raw["metric"] != "invalidValues" || arguments["validValues"] == nil || len(arguments) > 1 {
		return other
	}
	var k ruleKeys
	if err := decode(&k); err != nil {
		return err
	}
	if k.MustBe != 0 {
		return &yamlfile.Problem{
			Field: "mustBe", Message: fmt.Sprintf("is %d", k.MustBe),
			Fix: "write 0: no invalid value may pass; severity: warning counts them and keeps the event",
		}
	}
	r.ValidValues, r.Warn = k.Arguments.ValidValues, k.Severity == "warning"
	return nil
}

// JSONSchema describes the rule for editors.
func (rule) JSONSchema() map[string]any {
	properties := map[string]any{
		"type":   map[string]any{"const": "library"},
		"metric": map[string]any{"const": "invalidValues"},
		"mustBe": map[string]any{"const": 0},
		"severity": map[string]any{
			"enum":        []string{"error", "warning"},
			"description": "error: an event that breaks it goes to quarantine. warning: it is counted and kept. Default: error.",
		},
		"arguments": map[string]any{
			"type": "object", "required": []string{"validValues"}, "additionalProperties": false,
			"properties": map[string]any{"validValues": map[string]any{
				"type": "array", "minItems": 1, "uniqueItems": true, "items": map[string]any{"type": "string"},
			}},
		},
	}
	for _, key := range []string{
		"id", "name", "description", "dimension", "businessImpact", "method", "schedule", "scheduler", "unit", "tags",
		"authoritativeDefinitions", "customProperties",
	} {
		properties[key] = map[string]any{"description": "Of the standard; not used."}
	}
	return map[string]any{
		"type": "object", "additionalProperties": false, "properties": properties,
		"required": []string{"metric", "arguments", "mustBe"},
	}
}

// contractProperty is one of the contract's customProperties; the property
// says which of the other fields holds its value.
type contractProperty struct {
	Property  string
	DedupeKey []string
	Owner     string
	Texts     map[string]yamlfile.Text // labels, descriptions: by field
	Purpose   yamlfile.Text
}

// The custom properties that are read.
const (
	dedupeKey    = "dedupeKey"
	owner        = "owner"
	purpose      = "purpose"
	labels       = "labels"
	descriptions = "descriptions"
	unit         = "unit"
)

func contractProperties() []string { return []string{dedupeKey, owner, purpose, labels, descriptions} }

// UnmarshalYAML reads the value in the shape that its property has.
func (p *contractProperty) UnmarshalYAML(decode func(any) error) error {
	name, err := propertyName(decode, contractProperties())
	if err != nil {
		return err
	}
	p.Property = name
	switch name {
	case dedupeKey:
		p.DedupeKey, err = customValue[[]string](decode)
	case owner:
		p.Owner, err = customValue[string](decode)
	case purpose:
		p.Purpose, err = customValue[yamlfile.Text](decode)
	default:
		p.Texts, err = customValue[map[string]yamlfile.Text](decode)
	}
	return err
}

// JSONSchema describes the shapes for editors.
func (contractProperty) JSONSchema() map[string]any {
	text := map[string]any{
		"type": "object", "additionalProperties": false,
		"properties": map[string]any{"zh-Hans": map[string]any{"type": "string"}, "zh-Hant": map[string]any{"type": "string"}},
	}
	byField := map[string]any{"type": "object", "additionalProperties": text}
	key := map[string]any{"type": "string", "pattern": `^(source|id|subject|time|data\..+)$`}
	return map[string]any{"oneOf": []any{
		customSchema(dedupeKey, "What tells a producer's own duplicates: source, id, subject, time, data.<field>. Default: source and id.",
			map[string]any{"type": "array", "items": key, "minItems": 1}),
		customSchema(owner, "The department that answers for the event.", map[string]any{"type": "string"}),
		customSchema(purpose, "description.purpose in Chinese.", text),
		customSchema(labels, "businessName of fields in Chinese, by field.", byField),
		customSchema(descriptions, "description of fields in Chinese, by field.", byField),
	}}
}

// fieldProperty is one of a field's customProperties.
type fieldProperty struct {
	Property string
	Unit     string
}

// UnmarshalYAML reads the value in the shape that its property has.
func (p *fieldProperty) UnmarshalYAML(decode func(any) error) error {
	name, err := propertyName(decode, []string{unit})
	if err != nil {
		return err
	}
	p.Property = name
	p.Unit, err = customValue[string](decode)
	return err
}

// JSONSchema describes the shape for editors.
func (fieldProperty) JSONSchema() map[string]any {
	return customSchema(unit, "Unit of the value, for example currency or days.", map[string]any{"type": "string"})
}

// custom is a custom property of the standard.
type custom[T any] struct {
	Property    string `yaml:"property" required:"true"`
	Value       T      `yaml:"value" required:"true"`
	ID          any    `yaml:"id"`
	Description any    `yaml:"description"`
}

func propertyName(decode func(any) error, known []string) (string, error) {
	var c custom[any]
	if err := decode(&c); err != nil {
		return "", err
	}
	if slices.Contains(known, c.Property) {
		return c.Property, nil
	}
	fix := "known here: " + known[0]
	for _, k := range known[1:] {
		fix += ", " + k
	}
	if near := yamlfile.Nearest(c.Property, known); near != "" {
		fix = "did you mean " + near + "?"
	}
	return "", &yamlfile.Problem{Field: "property", Message: fmt.Sprintf("%q is no property that is read here", c.Property), Fix: fix}
}

func customValue[T any](decode func(any) error) (T, error) {
	var c custom[T]
	err := decode(&c)
	return c.Value, err
}

func customSchema(name, description string, value map[string]any) map[string]any {
	return map[string]any{
		"type": "object", "description": description, "required": []string{"property", "value"}, "additionalProperties": false,
		"properties": map[string]any{
			"property": map[string]any{"const": name}, "value": value,
			"id": map[string]any{"type": "string"}, "description": map[string]any{"type": "string"},
		},
	}
}

// SchemaJSON returns the JSON Schema of a contract file, for editors.
func SchemaJSON() ([]byte, error) {
	return yamlfile.Schema("funnelhouse contract", "What one event type promises, in one major version (a subset of the Open Data Contract Standard v3.1.0).", document{})
}
