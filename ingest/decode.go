package ingest

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/funnelhouse/funnelhouse/contracts"
)

// DefaultMaxRecordBytes is as much as a broker takes in one message unless it
// is told otherwise.
const DefaultMaxRecordBytes = 1 << 20

// maxAttribute bounds id, source, subject and type of an envelope, in bytes.
const maxAttribute = 1024

// fault is why a record can't be loaded: data, and no error of ours.
type fault struct {
	reason    Reason
	message   string
	eventType string
}

func faultf(reason Reason, format string, args ...any) *fault {
	return &fault{reason: reason, message: fmt.Sprintf(format, args...)}
}

func syntaxFault(err *syntaxError) *fault {
	return &fault{reason: err.reason, message: err.message()}
}

// plan is a contract made ready for decoding.
type plan struct {
	index    int // of the contract in the set, and of its rows in a batch
	contract *contracts.Contract
	byName   map[string]int
	allowed  []map[string]struct{} // by field; nil: any value
	zero     []Value
}

// decoder turns the records of CloudEvents sources into rows of a batch. It
// belongs to one goroutine.
type decoder struct {
	maxBytes int
	plans    map[string]*plan
	scratch  []byte // a name with its escapes read
	// Of the record being decoded:
	seen     []bool // fields of the contract that stood in the data
	extra    []byte // members that no contract names, as JSON
	kept     kept   // their names
	warnings int64
}

// kept are the names of the members in extra. Few records have any, so a
// short list comes before the set.
type kept struct {
	list [8][]byte
	n    int
	set  map[string]struct{}
}

func (k *kept) clear() {
	k.n = 0
	clear(k.set)
}

// add says whether the name is new.
func (k *kept) add(name []byte) bool {
	for i := range min(k.n, len(k.list)) {
		if bytes.Equal(k.list[i], name) {
			return false
		}
	}
	if _, ok := k.set[string(name)]; ok {
		return false
	}
	if k.n < len(k.list) {
		k.list[k.n] = append(k.list[k.n][:0], name...)
	} else {
		if k.set == nil {
			k.set = map[string]struct{}{}
		}
		k.set[string(name)] = struct{}{}
	}
	k.n++
	return true
}

func newDecoder(set *contracts.Set, maxBytes int) *decoder {
	d := &decoder{maxBytes: maxBytes, plans: map[string]*plan{}}
	for i, c := range set.All() {
		p := &plan{
			index:    i,
			contract: c,
			byName:   make(map[string]int, len(c.Fields)),
			allowed:  make([]map[string]struct{}, len(c.Fields)),
			zero:     make([]Value, len(c.Fields)),
		}
		for f := range c.Fields {
			p.byName[c.Fields[f].Name] = f
			if len(c.Fields[f].Allowed) > 0 {
				p.allowed[f] = make(map[string]struct{}, len(c.Fields[f].Allowed))
				for _, v := range c.Fields[f].Allowed {
					p.allowed[f][v] = struct{}{}
				}
			}
		}
		d.plans[c.Name()] = p
	}
	return d
}

// decode adds the record's event to the batch and returns how many rows that
// gave, or why it can't be loaded; then the batch is as it was.
func (d *decoder) decode(b *Batch, account int32, r *Record) (int64, *fault) {
	if len(r.Value) == 0 {
		return 0, faultf(EmptyValue, "the value is empty: neither an event nor a tombstone, which has no value at all")
	}
	if len(r.Value) > d.maxBytes {
		return 0, faultf(TooLarge, "the value has %d bytes, more than the %d that are read", len(r.Value), d.maxBytes)
	}
	if !utf8.Valid(r.Value) {
		return 0, faultf(InvalidUTF8, "the value is not UTF-8")
	}
	textBefore := len(b.Text)
	d.warnings, d.extra = 0, d.extra[:0]
	d.kept.clear()
	e := envelope{event: Event{Account: account, Offset: r.Offset}}
	var f *fault
	if binaryMode(r.Headers) {
		f = d.binary(b, &e, r)
	} else {
		f = d.structured(b, &e, r.Value)
	}
	if f != nil {
		// What is no JSON at all is said to be that, whatever was wrong before.
		if err := prove(r.Value); err != nil {
			f = syntaxFault(err)
		}
		f.eventType = e.typeName
		b.Text = b.Text[:textBefore]
		if e.rows != nil {
			e.rows.Values = e.rows.Values[:e.valuesBefore]
		}
		return 0, f
	}
	b.Accounts[account].Warnings += d.warnings
	e.rows.Events = append(e.rows.Events, e.event)
	return 1, nil
}

// prove says whether the whole text is JSON.
func prove(text []byte) *syntaxError {
	p := scanner{s: text}
	if err := p.skip(); err != nil {
		return err
	}
	return p.end()
}

// data reads the members of an event's data into the row that envelope opened.
func (d *decoder) data(b *Batch, e *envelope, p *scanner) *fault {
	if p.peek() != '{' {
		return faultf(WrongType, "the data is no JSON object")
	}
	plan := e.plan
	e.rows = b.Rows[plan.index]
	e.valuesBefore = len(e.rows.Values)
	e.rows.Values = append(e.rows.Values, plan.zero...)
	row := e.rows.Values[e.valuesBefore:]

	if len(d.seen) < len(row) {
		d.seen = make([]bool, len(row))
	}
	seen := d.seen[:len(row)]
	clear(seen)
	empty, err := p.open('}')
	expect := 0
	for more := !empty; more && err == nil; {
		key, f := d.key(p)
		if f != nil {
			return f
		}
		field := expect
		if field >= len(row) || string(key) != plan.contract.Fields[field].Name {
			var known bool
			if field, known = plan.byName[string(key)]; !known {
				if f := d.keep("", key, p); f != nil {
					return f
				}
				more, err = p.next('}')
				continue
			}
		}
		expect = field + 1
		if seen[field] {
			return twice(plan.contract.Fields[field].Name)
		}
		seen[field] = true
		if f := d.field(b, plan, field, &row[field], p); f != nil {
			return f
		}
		more, err = p.next('}')
	}
	if err != nil {
		return syntaxFault(err)
	}
	for i := range row {
		if !row[i].Set && plan.contract.Fields[i].Required {
			return faultf(MissingField, "field %s is required and missing", plan.contract.Fields[i].Name)
		}
	}
	return nil
}

func twice(name string) *fault {
	return faultf(InvalidJSON, "%s stands twice in one object", name)
}

// key reads a member's name; it is valid until the next call.
func (d *decoder) key(p *scanner) ([]byte, *fault) {
	raw, escaped, err := p.key()
	if err != nil {
		return nil, syntaxFault(err)
	}
	if escaped {
		d.scratch = appendUnescaped(d.scratch[:0], raw)
		return d.scratch, nil
	}
	return raw, nil
}

// keep passes a value that no contract names and keeps its JSON for _extra.
func (d *decoder) keep(prefix string, key []byte, p *scanner) *fault {
	if f := d.keepName(prefix, key); f != nil {
		return f
	}
	p.space()
	start := p.i
	if err := p.skip(); err != nil {
		return syntaxFault(err)
	}
	d.extra = append(d.extra, p.s[start:p.i]...)
	return nil
}

// keepName begins a member of _extra; its value is written behind it.
func (d *decoder) keepName(prefix string, key []byte) *fault {
	d.extra = append(d.extra, ',', '"')
	start := len(d.extra)
	d.extra = append(d.extra, prefix...)
	d.extra = appendEscaped(d.extra, key)
	if !d.kept.add(d.extra[start:]) {
		return faultf(InvalidJSON, "a name that no contract knows stands twice")
	}
	d.extra = append(d.extra, '"', ':')
	return nil
}

// finishExtra turns the kept members into one JSON object.
func (d *decoder) finishExtra(b *Batch) Text {
	if len(d.extra) == 0 {
		return Text{Length: -1}
	}
	d.extra[0] = '{'
	d.extra = append(d.extra, '}')
	return b.addText(d.extra)
}

// field reads and validates one value.
func (d *decoder) field(b *Batch, plan *plan, index int, v *Value, p *scanner) *fault {
	field := &plan.contract.Fields[index]
	c := p.peek()
	if c == 'n' {
		if err := p.literal("null"); err != nil {
			return syntaxFault(err)
		}
		return nil
	}
	switch field.Type {
	case contracts.String:
		return d.stringField(b, plan, index, v, p)
	case contracts.Boolean:
		word, value := "true", uint64(1)
		if c == 'f' {
			word, value = "false", 0
		} else if c != 't' {
			return wrongType(p, field, "true or false")
		}
		if err := p.literal(word); err != nil {
			return syntaxFault(err)
		}
		*v = Value{Lo: value, Set: true}
		return nil
	case contracts.Date, contracts.Timestamp:
		return timeField(field, v, p)
	case contracts.Integer, contracts.Decimal, contracts.Double:
		return numberField(field, v, p)
	default:
		return faultf(WrongType, "field %s has a type that is not read", field.Name)
	}
}

// wrongType passes the value first: text that is no JSON is said to be that.
func wrongType(p *scanner, field *contracts.Field, want string) *fault {
	if err := p.skip(); err != nil {
		return syntaxFault(err)
	}
	return faultf(WrongType, "field %s must be %s", field.Name, want)
}

func (d *decoder) stringField(b *Batch, plan *plan, index int, v *Value, p *scanner) *fault {
	field := &plan.contract.Fields[index]
	if p.peek() != '"' {
		return wrongType(p, field, "a text")
	}
	raw, escaped, err := p.text()
	if err != nil {
		return syntaxFault(err)
	}
	start := len(b.Text)
	if escaped {
		b.Text = appendUnescaped(b.Text, raw)
	} else {
		b.Text = append(b.Text, raw...)
	}
	text := b.Text[start:]
	*v = Value{Lo: uint64(start), Hi: int64(len(text)), Set: true}

	if field.MaxLength > 0 && len(text) > field.MaxLength && utf8.RuneCount(text) > field.MaxLength {
		return faultf(TooLong, "field %s has more than %d characters", field.Name, field.MaxLength)
	}
	if field.MinLength > 0 && utf8.RuneCount(text) < field.MinLength {
		return faultf(TooShort, "field %s has fewer than %d characters", field.Name, field.MinLength)
	}
	if field.Pattern != nil && !field.Pattern.Match(text) {
		return faultf(Pattern, "field %s does not match the pattern %s", field.Name, field.Pattern)
	}
	if allowed := plan.allowed[index]; allowed != nil {
		if _, ok := allowed[string(text)]; !ok {
			if !field.AllowedWarn {
				return faultf(NotAllowed, "field %s has a value outside %s", field.Name, strings.Join(field.Allowed, ", "))
			}
			d.warnings++
		}
	}
	return nil
}

func timeField(field *contracts.Field, v *Value, p *scanner) *fault {
	want, parse, length := "an instant like 2026-10-03T09:12:44+08:00", parseInstant, 40
	if field.Type == contracts.Date {
		want, parse, length = "a day like 2026-10-03", parseDate, 10
	}
	if p.peek() != '"' {
		return wrongType(p, field, want)
	}
	raw, escaped, err := p.text()
	if err != nil {
		return syntaxFault(err)
	}
	if escaped && len(raw) <= 6*length {
		raw = appendUnescaped(nil, raw)
	}
	n, ok := parse(raw)
	if !ok {
		return faultf(InvalidTime, "field %s is no %s", field.Name, strings.TrimPrefix(strings.TrimPrefix(want, "an "), "a "))
	}
	*v = Value{Lo: uint64(n), Set: true}
	return nil
}

// numberField reads numbers from their text: an amount never passes through a
// binary floating-point number. A Decimal may also be written as a text, as
// producers do whose own JSON writer would round.
func numberField(field *contracts.Field, v *Value, p *scanner) *fault {
	var text []byte
	var err *syntaxError
	switch c := p.peek(); {
	case c == '-' || (c >= '0' && c <= '9'):
		text, err = p.number()
	case c == '"' && field.Type == contracts.Decimal:
		var escaped bool
		if text, escaped, err = p.text(); escaped {
			text = appendUnescaped(nil, text)
		}
	default:
		return wrongType(p, field, "a number")
	}
	if err != nil {
		return syntaxFault(err)
	}
	switch field.Type {
	case contracts.Double:
		x, err := strconv.ParseFloat(string(text), 64)
		if err != nil {
			return faultf(OutOfRange, "field %s is beyond a double", field.Name)
		}
		*v = Value{Lo: math.Float64bits(x), Set: true}
	case contracts.Integer:
		n, reason := parseDecimal(text, 19, 0)
		if reason == "" && n.hi != int64(n.lo)>>63 {
			reason = OutOfRange
		}
		if reason != "" {
			return faultf(integerReason(text, reason), "field %s must be a whole number of 64 bits", field.Name)
		}
		*v = Value{Lo: n.lo, Set: true}
	default:
		n, reason := parseDecimal(text, field.Precision, field.Scale)
		if reason == Scale {
			return faultf(Scale, "field %s has more digits than decimal(%d,%d) holds", field.Name, field.Precision, field.Scale)
		}
		if reason != "" {
			return faultf(reason, "field %s must be a number", field.Name)
		}
		*v = Value{Lo: n.lo, Hi: n.hi, Set: true}
	}
	return inRange(field, text)
}

// integerReason tells a fraction, which is another type, from a number that
// is whole and too large.
func integerReason(text []byte, reason Reason) Reason {
	if reason == Scale && !strings.ContainsAny(string(text), ".eE") {
		return OutOfRange
	}
	if reason == Scale {
		return WrongType
	}
	return reason
}

func inRange(field *contracts.Field, text []byte) *fault {
	if field.Minimum == nil && field.Maximum == nil {
		return nil
	}
	x, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return faultf(OutOfRange, "field %s is beyond its limits", field.Name)
	}
	if field.Minimum != nil && x < *field.Minimum {
		return faultf(OutOfRange, "field %s is below %v", field.Name, *field.Minimum)
	}
	if field.Maximum != nil && x > *field.Maximum {
		return faultf(OutOfRange, "field %s is above %v", field.Name, *field.Maximum)
	}
	return nil
}
