// Package contracts says what an event promises: its fields, their types and
// limits, and the key that tells a producer's own duplicates. It reads the
// contract files (a subset of the Open Data Contract Standard v3.1) and holds
// them as a [Set]. It knows neither Kafka nor the database: ingest validates
// against it, transform and warehouse derive their columns from it.
package contracts

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
)

// Type is what a field holds once it is validated.
type Type int

// The field types. Their ODCS names are logicalType, with physicalType beside
// a number.
const (
	String    Type = iota + 1 // string: UTF-8 text
	Integer                   // integer: 64 bits
	Decimal                   // number with physicalType decimal(p,s), p up to 38
	Double                    // number with physicalType double
	Boolean                   // boolean
	Date                      // date: YYYY-MM-DD
	Timestamp                 // timestamp: RFC 3339 with its offset, kept in microseconds
)

// Contract is one event type in one major version.
type Contract struct {
	Path      string // the file it came from, in the folder that was loaded
	Event     string // event type without version: lead.created
	Major     int    // 1 for lead.created.v1
	Version   string // 1.0.0
	Status    string // proposed, draft, active, deprecated, retired or another word
	Domain    string // empty: none named
	Owner     string // department that answers for it; empty: none named
	Purpose   yamlfile.Text
	Fields    []Field
	DedupeKey []Key // never empty; default source and id
}

// Field is one property of an event's data.
type Field struct {
	Name        string
	Type        Type
	Precision   int // of a Decimal: all digits
	Scale       int // of a Decimal: digits behind the point
	Required    bool
	MinLength   int            // of a String, in characters
	MaxLength   int            // of a String, in characters; 0: no limit
	Pattern     *regexp.Regexp // matches anywhere in a String, unless it is anchored
	Minimum     *float64       // of a number, inclusive
	Maximum     *float64
	Allowed     []string // values a String may have; empty: any
	AllowedWarn bool     // a value outside Allowed is counted and kept
	Unit        string
	Personal    bool // classification: personal
	Label       yamlfile.Text
	Description yamlfile.Text
}

// Key is one part of a dedupe key.
type Key struct {
	// Attribute is an envelope attribute (source, id, subject, time), or empty.
	Attribute string
	// Field is a field of the data, written data.<field> in the file, or empty.
	Field string
}

// Name is the event type as it stands on the wire: lead.created.v1.
func (c *Contract) Name() string { return c.Event + ".v" + strconv.Itoa(c.Major) }

// Table is the name of its table in schema raw: lead_created_v1.
func (c *Contract) Table() string {
	return strings.ReplaceAll(c.Event, ".", "_") + "_v" + strconv.Itoa(c.Major)
}

// String is the key's part as it stands in the file: source, data.lead_id.
func (k Key) String() string {
	if k.Field != "" {
		return "data." + k.Field
	}
	return k.Attribute
}

// hasField reports whether the data has a field of that name.
func (c *Contract) hasField(name string) bool {
	for i := range c.Fields {
		if c.Fields[i].Name == name {
			return true
		}
	}
	return false
}
