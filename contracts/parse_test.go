package contracts

import (
	"reflect"
	"strings"
	"testing"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
)

// full has every key that is read and every key of the standard that is let
// pass. Its lines are counted by the tests below.
const full = `apiVersion: v3.1.0
kind: DataContract
id: lead.created
version: 1.2.3-rc.1
status: active
domain: lead
description: {purpose: Why., limitations: None., usage: Any., customProperties: [{property: x, value: 1}]}
name: Leads
tenant: demo
tags: [crm]
servers: [{server: kafka, type: kafka, host: kafka-1}]
dataProduct: funnel
support: [{channel: chat, url: https://example.com}]
price: {priceAmount: 0, priceCurrency: EUR, priceUnit: month}
team: {name: crm, members: [{username: wang}]}
roles: [{role: reader}]
slaProperties: [{property: latency, value: 1, unit: d}]
authoritativeDefinitions: [{url: https://example.com, type: businessDefinition}]
contractCreatedTs: 2026-10-01T00:00:00Z
schema:
  - name: lead_created
    id: obj
    logicalType: object
    physicalName: lead_created
    physicalType: topic
    description: Leads.
    businessName: Lead
    dataGranularityDescription: one row per lead
    tags: [a]
    properties:
      - name: lead_id
        logicalType: string
        required: true
        businessName: Lead
        description: Identity.
        physicalType: varchar(64)
        logicalTypeOptions: {minLength: 1, maxLength: 64, pattern: "^L-"}
        classification: restricted
        unique: true
        primaryKey: true
        primaryKeyPosition: 1
        partitioned: false
        criticalDataElement: true
        examples: [L-1]
        tags: [a]
        encryptedName: x
        transformLogic: none
      - name: potential
        logicalType: string
        quality:
          - {id: q1, name: classes, type: library, metric: invalidValues, arguments: {validValues: [A, B]}, mustBe: 0, severity: warning, dimension: conformity, unit: rows}
      - {name: score, logicalType: integer, logicalTypeOptions: {minimum: 0, maximum: 1e2}}
      - name: amount
        logicalType: number
        physicalType: DECIMAL(38, 6)
        customProperties: [{property: unit, value: currency, id: u, description: of the company}]
      - {name: ratio, logicalType: number, physicalType: double, logicalTypeOptions: {minimum: -0.5}}
      - {name: is_test, logicalType: boolean}
      - {name: due_date, logicalType: date}
      - {name: recorded_at, logicalType: timestamp}
      - {name: email, logicalType: string, classification: personal}
customProperties:
  - {property: dedupeKey, value: [source, data.lead_id, time], id: k, description: d}
  - {property: owner, value: marketing}
  - {property: purpose, value: {zh-Hans: 为何}}
  - {property: labels, value: {lead_id: {zh-Hans: 线索, zh-Hant: 線索}, score: {zh-Hans: 分}}}
  - {property: descriptions, value: {lead_id: {zh-Hant: 編號}}}
`

func TestParse(t *testing.T) {
	t.Parallel()
	got, _, err := parse("lead.created.v1.yaml", []byte(full))
	if err != nil {
		t.Fatal(err)
	}
	pattern := got.Fields[0].Pattern
	if pattern == nil || pattern.String() != "^L-" {
		t.Errorf("pattern %v", pattern)
	}
	zero, hundred, minusHalf := 0.0, 100.0, -0.5
	want := &Contract{
		Path: "lead.created.v1.yaml", Event: "lead.created", Major: 1, Version: "1.2.3-rc.1", Status: "active", Domain: "lead",
		Owner: "marketing", Purpose: yamlfile.Text{"en": "Why.", "zh-Hans": "为何"},
		DedupeKey: []Key{{Attribute: "source"}, {Field: "lead_id"}, {Attribute: "time"}},
		Fields: []Field{
			{
				Name: "lead_id", Type: String, Required: true, MinLength: 1, MaxLength: 64, Pattern: pattern,
				Label:       yamlfile.Text{"en": "Lead", "zh-Hans": "线索", "zh-Hant": "線索"},
				Description: yamlfile.Text{"en": "Identity.", "zh-Hant": "編號"},
			},
			{Name: "potential", Type: String, Allowed: []string{"A", "B"}, AllowedWarn: true},
			{Name: "score", Type: Integer, Minimum: &zero, Maximum: &hundred, Label: yamlfile.Text{"zh-Hans": "分"}},
			{Name: "amount", Type: Decimal, Precision: 38, Scale: 6, Unit: "currency"},
			{Name: "ratio", Type: Double, Minimum: &minusHalf},
			{Name: "is_test", Type: Boolean},
			{Name: "due_date", Type: Date},
			{Name: "recorded_at", Type: Timestamp},
			{Name: "email", Type: String, Personal: true},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
	var key []string
	for _, k := range got.DedupeKey {
		key = append(key, k.String())
	}
	if s := strings.Join(key, " "); s != "source data.lead_id time" {
		t.Errorf("dedupe key %q", s)
	}
}

// base is changed by each test below.
const base = `apiVersion: v3.1.0
kind: DataContract
id: lead.created
version: 1.0.0
status: active
schema:
  - name: lead_created
    properties:
      - name: lead_id
        logicalType: string
      - name: amount
        logicalType: number
        physicalType: decimal(18,2)
customProperties:
  - {property: dedupeKey, value: [source, id]}
`

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	const lead, amount, key = "        logicalType: string\n", "        physicalType: decimal(18,2)\n", "[source, id]}\n"
	for name, c := range map[string]struct{ old, new, want string }{
		"unknown key":               {"status:", "stauts:", "1:1: status: is missing; add status:\n5:1: stauts: unknown key; did you mean status?"},
		"unknown key of a field":    {lead, lead + "        requierd: true\n", "11:9: schema[0].properties[0].requierd: unknown key; did you mean required?"},
		"another kind":              {"DataContract", "DataProduct", `2:7: kind: "DataProduct" is not known here; write DataContract`},
		"another standard version":  {"v3.1.0", "v2.2.2", `1:13: apiVersion: "v2.2.2" is not known here; write v3.1.0`},
		"event type":                {"id: lead.created", "id: Lead", `3:5: id: "Lead" is no event type; write lower-case words with dots between them, such as lead.created`},
		"event type of one word":    {"id: lead.created", "id: lead", `3:5: id: "lead" is no event type; write lower-case words with dots between them, such as lead.created`},
		"event type with version":   {"id: lead.created", "id: lead.created.v1", `3:5: id: "lead.created.v1" ends in a version; write lead.created: the major version stands in the file's name alone`},
		"file name":                 {"id: lead.created", "id: lead.made", "3:5: id: the file lead.created.v1.yaml is not named after its event type; name it lead.made.v1.yaml"},
		"version":                   {"1.0.0", "1.0.x", `4:10: version: "1.0.x" is no version; write major.minor.patch, such as 1.0.0`},
		"version as a number":       {"1.0.0", "1.0", `4:10: version: is the number 1.0 where text is expected; write "1.0", with the quotes`},
		"major":                     {"1.0.0", "2.0.0", "4:10: version: 2.0.0 is not of the file's major version 1; write 1.0.0, or name the file lead.created.v2.yaml"},
		"two objects":               {"customProperties", "  - {name: b, properties: []}\ncustomProperties", "6:1: schema: has 2 objects; describe the event's data as exactly one object"},
		"no field":                  {"      - name: lead_id\n" + lead + "      - name: amount\n        logicalType: number\n" + amount, "      []\n", "8:5: schema[0].properties: names no field; describe at least one"},
		"field in capitals":         {"lead_id", "leadId", `9:15: schema[0].properties[0].name: "leadId" is no field name; write lower snake case that begins with a letter, such as lead_id`},
		"field of ours":             {"lead_id", "_id", `9:15: schema[0].properties[0].name: "_id" is no field name; write lower snake case that begins with a letter, such as lead_id`},
		"field twice":               {"name: amount", "name: lead_id", "11:15: schema[0].properties[1].name: lead_id stands twice; keep one of the two fields"},
		"field too long":            {"lead_id", strings.Repeat("x", 64), "9:15: schema[0].properties[0].name: the name has 64 bytes; write at most 63"},
		"no type":                   {lead, "", "9:9: schema[0].properties[0].logicalType: is missing; add logicalType:"},
		"type, near":                {lead, "        logicalType: strnig\n", `10:22: schema[0].properties[0].logicalType: "strnig" is no type; write string`},
		"type, far":                 {lead, "        logicalType: uuid\n", `10:22: schema[0].properties[0].logicalType: "uuid" is no type; write one of string, integer, boolean, date, timestamp, number`},
		"object":                    {lead, "        logicalType: object\n        properties: [{name: x, logicalType: string}]\n", "10:22: schema[0].properties[0].logicalType: object is not supported; write its parts as fields of their own, or send one event for each element"},
		"array":                     {lead, "        logicalType: array\n        items: {logicalType: string}\n", "10:22: schema[0].properties[0].logicalType: array is not supported; write its parts as fields of their own, or send one event for each element"},
		"time":                      {lead, "        logicalType: time\n", "10:22: schema[0].properties[0].logicalType: time is not supported; write timestamp, or string"},
		"items of a string":         {lead, lead + "        items: {}\n", "11:9: schema[0].properties[0].items: belongs to an array, which is not supported; remove it"},
		"properties of a string":    {lead, lead + "        properties: []\n", "11:9: schema[0].properties[0].properties: belongs to an object, which is not supported; remove it"},
		"number without digits":     {amount, "", "11:9: schema[0].properties[1].physicalType: a number needs it; write decimal(18,2) for an amount, up to decimal(38,s), or double for a measured value"},
		"number of another type":    {"decimal(18,2)", "money", `13:23: schema[0].properties[1].physicalType: "money" is no type of a number; write decimal(18,2) for an amount, up to decimal(38,s), or double for a measured value`},
		"too many digits":           {"decimal(18,2)", "decimal(39,2)", "13:23: schema[0].properties[1].physicalType: decimal(39,2) has digits out of range; write decimal(p,s) with p from 1 to 38 and s up to p"},
		"more scale than precision": {"decimal(18,2)", "decimal(2,3)", "13:23: schema[0].properties[1].physicalType: decimal(2,3) has digits out of range; write decimal(p,s) with p from 1 to 38 and s up to p"},
		"another option":            {lead, lead + "        logicalTypeOptions: {format: email}\n", "11:30: schema[0].properties[0].logicalTypeOptions.format: unknown key; known here: minLength, maxLength, pattern, minimum, maximum"},
		"option, near":              {lead, lead + "        logicalTypeOptions: {maxLenght: 5}\n", "11:30: schema[0].properties[0].logicalTypeOptions.maxLenght: unknown key; did you mean maxLength?"},
		"length of a number":        {amount, amount + "        logicalTypeOptions: {maxLength: 5}\n", "14:41: schema[0].properties[1].logicalTypeOptions.maxLength: limits a string alone; remove it"},
		"minimum of a string":       {lead, lead + "        logicalTypeOptions: {minimum: 5}\n", "11:39: schema[0].properties[0].logicalTypeOptions.minimum: limits a number alone; remove it"},
		"negative length":           {lead, lead + "        logicalTypeOptions: {minLength: -1}\n", "11:41: schema[0].properties[0].logicalTypeOptions.minLength: is negative; write a number from 0"},
		"no length":                 {lead, lead + "        logicalTypeOptions: {maxLength: 0}\n", "11:41: schema[0].properties[0].logicalTypeOptions.maxLength: lets no text in; write a number from 1"},
		"lengths swapped":           {lead, lead + "        logicalTypeOptions: {minLength: 5, maxLength: 4}\n", "11:55: schema[0].properties[0].logicalTypeOptions.maxLength: is less than minLength; swap them"},
		"limits swapped":            {amount, amount + "        logicalTypeOptions: {minimum: 5, maximum: 4}\n", "14:51: schema[0].properties[1].logicalTypeOptions.maximum: is less than minimum; swap them"},
		"pattern":                   {lead, lead + "        logicalTypeOptions: {pattern: '('}\n", "11:39: schema[0].properties[0].logicalTypeOptions.pattern: is no regular expression: error parsing regexp: missing closing ): `(`; write it in RE2's syntax"},
		"another rule":              {lead, lead + "        quality: [{type: sql, query: select 1}]\n", "11:19: schema[0].properties[0].quality[0]: this quality rule is not supported; write {metric: invalidValues, arguments: {validValues: [a, b]}, mustBe: 0}, or remove it"},
		"another metric":            {lead, lead + "        quality: [{metric: nullValues, arguments: {validValues: [a]}, mustBe: 0}]\n", "11:19: schema[0].properties[0].quality[0]: this quality rule is not supported; write {metric: invalidValues, arguments: {validValues: [a, b]}, mustBe: 0}, or remove it"},
		"another operator":          {lead, lead + "        quality: [{metric: invalidValues, arguments: {validValues: [a]}, mustBeLessThan: 5}]\n", "11:19: schema[0].properties[0].quality[0].mustBe: is missing; add mustBe:\n11:74: schema[0].properties[0].quality[0].mustBeLessThan: unknown key; known here: " + ruleKeyNames},
		"another argument":          {lead, lead + "        quality: [{metric: invalidValues, arguments: {pattern: a}, mustBe: 0}]\n", "11:19: schema[0].properties[0].quality[0]: this quality rule is not supported; write {metric: invalidValues, arguments: {validValues: [a, b]}, mustBe: 0}, or remove it"},
		"some may be wrong":         {lead, lead + "        quality: [{metric: invalidValues, arguments: {validValues: [a]}, mustBe: 5}]\n", "11:82: schema[0].properties[0].quality[0].mustBe: is 5; write 0: no invalid value may pass; severity: warning counts them and keeps the event"},
		"no value allowed":          {lead, lead + "        quality: [{metric: invalidValues, arguments: {validValues: []}, mustBe: 0}]\n", "11:55: schema[0].properties[0].quality[0].arguments.validValues: is empty; name the values that are allowed"},
		"value twice":               {lead, lead + "        quality: [{metric: invalidValues, arguments: {validValues: [a, a]}, mustBe: 0}]\n", `11:72: schema[0].properties[0].quality[0].arguments.validValues[1]: "a" stands twice; keep one of them`},
		"value that can't be":       {lead, lead + "        logicalTypeOptions: {maxLength: 1}\n        quality: [{metric: invalidValues, arguments: {validValues: [a, bc]}, mustBe: 0}]\n", `12:72: schema[0].properties[0].quality[0].arguments.validValues[1]: "bc" breaks the field's own logicalTypeOptions; change one of the two`},
		"a second rule":             {lead, lead + "        quality: [{metric: invalidValues, arguments: {validValues: [a]}, mustBe: 0}, {metric: invalidValues, arguments: {validValues: [a]}, mustBe: 0}]\n", "11:86: schema[0].properties[0].quality[1]: a second rule; write all values into one"},
		"values of a number":        {amount, amount + "        quality: [{metric: invalidValues, arguments: {validValues: ['1']}, mustBe: 0}]\n", "14:19: schema[0].properties[1].quality[0]: allowed values limit a string alone; use logicalTypeOptions with minimum and maximum, or remove it"},
		"severity":                  {lead, lead + "        quality: [{metric: invalidValues, arguments: {validValues: [a]}, mustBe: 0, severity: warn}]\n", `11:95: schema[0].properties[0].quality[0].severity: "warn" is not known here; write error or warning`},
		"classification":            {lead, lead + "        classification: Personal\n", `11:25: schema[0].properties[0].classification: "Personal" is not known; write personal, or a word that can't be mistaken for it`},
		"field property":            {lead, lead + "        customProperties: [{property: units, value: days}]\n", `11:39: schema[0].properties[0].customProperties[0].property: "units" is no property that is read here; did you mean unit?`},
		"unit twice":                {lead, lead + "        customProperties: [{property: unit, value: days}, {property: unit, value: days}]\n", "11:70: schema[0].properties[0].customProperties[1].property: unit stands twice; keep one of them"},
		"unit as a number":          {lead, lead + "        customProperties: [{property: unit, value: 5}]\n", `11:52: schema[0].properties[0].customProperties[0].value: is the number 5 where text is expected; write "5", with the quotes`},
		"contract property, near":   {"dedupeKey", "dedupKey", `15:16: customProperties[0].property: "dedupKey" is no property that is read here; did you mean dedupeKey?`},
		"contract property, far":    {"dedupeKey", "retention", `15:16: customProperties[0].property: "retention" is no property that is read here; known here: dedupeKey, owner, purpose, labels, descriptions`},
		"property without value":    {"dedupeKey, value: [source, id]", "owner", "15:5: customProperties[0].value: is missing; add value:"},
		"owner nobody":              {"dedupeKey, value: [source, id]", "owner, value: ' '", "15:30: customProperties[0].value: names nobody; write the department that answers for the event"},
		"key twice":                 {key, key + "  - {property: dedupeKey, value: [source, id]}\n", "16:16: customProperties[1].property: dedupeKey stands twice; keep one of them"},
		"key, empty":                {"[source, id]", "[]", "15:27: customProperties[0].value: is empty; write [source, id], or the attributes and data fields that tell one event from another"},
		"key, part twice":           {"[source, id]", "[id, id]", "15:39: customProperties[0].value[1]: id stands twice; keep one of them"},
		"key, attribute":            {"[source, id]", "[sorce, id]", `15:35: customProperties[0].value[0]: "sorce" is no part of an event; did you mean source?`},
		"key, no attribute":         {"[source, id]", "[partition, id]", `15:35: customProperties[0].value[0]: "partition" is no part of an event; write source, id, subject, time or data.<field>`},
		"key, field, near":          {"[source, id]", "[data.leadid]", `15:35: customProperties[0].value[0]: the data has no field "leadid"; did you mean data.lead_id?`},
		"key, field, far":           {"[source, id]", "[data.x]", `15:35: customProperties[0].value[0]: the data has no field "x"; its fields are lead_id, amount`},
		"key, field without data":   {"[source, id]", "[lead_id]", "15:35: customProperties[0].value[0]: lead_id is a field of the data; write data.lead_id"},
		"key as text":               {"[source, id]", "id", "15:34: customProperties[0].value: is text where a list is expected; write [a, b], also for one"},
		"label of no field":         {key, key + "  - {property: labels, value: {leadid: {zh-Hans: 线索}}}\n", `16:32: customProperties[1].value.leadid: the data has no field "leadid"; did you mean lead_id?`},
		"label in English":          {key, key + "  - {property: labels, value: {lead_id: {en: Lead}}}\n", "16:32: customProperties[1].value.lead_id: holds English; write {zh-Hans: …, zh-Hant: …} here, and the English as the field's businessName"},
		"description in English":    {key, key + "  - {property: descriptions, value: {lead_id: Lead}}\n", "16:47: customProperties[1].value.lead_id: holds English; write {zh-Hans: …, zh-Hant: …} here, and the English as the field's description"},
		"purpose in English":        {key, key + "  - {property: purpose, value: Why.}\n", "16:32: customProperties[1].value: holds English; write {zh-Hans: …, zh-Hant: …} here, and the English as description.purpose"},
		"label in another language": {key, key + "  - {property: labels, value: {lead_id: {zh-CN: 线索}}}\n", "16:49: customProperties[1].value.lead_id.zh-CN: unknown language; write en, zh-Hans or zh-Hant"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(base, c.old, c.new, 1)
			if text == base {
				t.Fatalf("%q is not in the contract", c.old)
			}
			want := "lead.created.v1.yaml:" + strings.ReplaceAll(c.want, "\n", "\nlead.created.v1.yaml:")
			if _, _, err := parse("lead.created.v1.yaml", []byte(text)); err == nil || err.Error() != want {
				t.Errorf("\n got %v\nwant %s", err, want)
			}
		})
	}
}

const ruleKeyNames = "type, metric, arguments, mustBe, severity, id, name, description, dimension, businessImpact, method, schedule, scheduler, unit, tags, authoritativeDefinitions, customProperties"

func TestDefaultDedupeKey(t *testing.T) {
	t.Parallel()
	text, _, _ := strings.Cut(base, "customProperties")
	c, _, err := parse("lead.created.v1.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(c.DedupeKey, []Key{{Attribute: "source"}, {Attribute: "id"}}) {
		t.Errorf("dedupe key %v", c.DedupeKey)
	}
}

// What Load accepts can be handed on without a second look.
func FuzzParse(f *testing.F) {
	f.Add(base)
	f.Add(full)
	f.Fuzz(func(t *testing.T, text string) {
		c, doc, err := parse("lead.created.v1.yaml", []byte(text))
		if err != nil {
			if len(yamlfile.Problems(err)) == 0 {
				t.Fatalf("no Problem: %v", err)
			}
			return
		}
		if doc == nil || c.Name() != "lead.created.v1" || len(c.Fields) == 0 || len(c.DedupeKey) == 0 {
			t.Fatalf("half a contract: %+v", c)
		}
		seen := map[string]bool{}
		for _, f := range c.Fields {
			if f.Type < String || f.Type > Timestamp || seen[f.Name] || !fieldName.MatchString(f.Name) || len(f.Name) > maxNameBytes {
				t.Fatalf("field %+v", f)
			}
			if f.Type == Decimal && (f.Precision < 1 || f.Precision > 38 || f.Scale > f.Precision) {
				t.Fatalf("decimal %+v", f)
			}
			seen[f.Name] = true
		}
	})
}
