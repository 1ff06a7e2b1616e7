package ingest

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// envelope is what is known of an event while its record is read. The
// attributes are bytes of the record, or of a scratch of their own.
type envelope struct {
	event        Event
	typeName     string
	plan         *plan
	rows         *Rows // set once the data was begun
	valuesBefore int

	version, id, source, subject, kind, time []byte
	contentType                              []byte
	seen                                     attributes
}

// attributes is a set of context attributes.
type attributes uint16

const (
	attrVersion attributes = 1 << iota
	attrID
	attrSource
	attrSubject
	attrType
	attrTime
	attrContentType
	attrData
	attrData64
)

// binaryMode decides between the two forms of a CloudEvent on Kafka. The
// content type decides where it names the structured form; without it the
// ce_ headers do, since many producers write no content type at all.
func binaryMode(headers []Header) bool {
	binary := false
	for i := range headers {
		switch {
		case strings.EqualFold(headers[i].Key, "content-type"):
			const structured = "application/cloudevents"
			v := headers[i].Value
			if len(v) >= len(structured) && strings.EqualFold(string(v[:len(structured)]), structured) {
				return false
			}
		case strings.EqualFold(headers[i].Key, "ce_specversion"):
			binary = true
		}
	}
	return binary
}

// structured reads an event whose envelope and data are one JSON object.
func (d *decoder) structured(b *Batch, e *envelope, value []byte) *fault {
	p := scanner{s: value}
	if p.peek() != '{' {
		if err := p.skip(); err != nil {
			return syntaxFault(err)
		}
		if err := p.end(); err != nil {
			return syntaxFault(err)
		}
		return faultf(UnknownEnvelope, "the value is JSON and no object, so it is no CloudEvent")
	}
	empty, err := p.open('}')
	// The data usually comes last, when the type is known. Where it doesn't it
	// is passed, proved, and read once the envelope is complete.
	data, dataRead := scanner{i: -1}, false
	var encoded []byte
	for more := !empty; more && err == nil; {
		key, f := d.key(&p)
		if f != nil {
			return f
		}
		switch string(key) {
		case "data":
			if f = e.first(attrData, key); f != nil {
				break
			}
			if p.peek() == 'n' {
				if err := p.literal("null"); err != nil {
					return syntaxFault(err)
				}
				break // the same as no data
			}
			data = p
			if e.kind != nil && d.resolve(e) == nil {
				f, dataRead = d.data(b, e, &p), true
			} else if err := p.skip(); err != nil {
				return syntaxFault(err)
			}
		case "data_base64":
			encoded, f = e.attribute(&p, key, attrData64)
		case "specversion":
			e.version, f = e.attribute(&p, key, attrVersion)
		case "id":
			e.id, f = e.attribute(&p, key, attrID)
		case "source":
			e.source, f = e.attribute(&p, key, attrSource)
		case "subject":
			e.subject, f = e.attribute(&p, key, attrSubject)
		case "type":
			e.kind, f = e.attribute(&p, key, attrType)
		case "time":
			e.time, f = e.attribute(&p, key, attrTime)
		case "datacontenttype":
			e.contentType, f = e.attribute(&p, key, attrContentType)
		default:
			f = d.keep("ce_", key, &p)
		}
		if f != nil {
			return f
		}
		more, err = p.next('}')
	}
	if err == nil {
		err = p.end()
	}
	if err != nil {
		return syntaxFault(err)
	}
	if f := d.check(e); f != nil {
		return f
	}
	if data.i >= 0 && encoded != nil {
		return faultf(UnknownEnvelope, "the event has both data and data_base64")
	}
	if !dataRead {
		if f := d.late(b, e, data, encoded); f != nil {
			return f
		}
	}
	return d.finish(b, e)
}

// late reads data that stood before the type, or that came in base64.
func (d *decoder) late(b *Batch, e *envelope, data scanner, encoded []byte) *fault {
	if data.i < 0 && encoded == nil {
		return faultf(MissingAttribute, "the event has no data")
	}
	if data.i >= 0 {
		return d.data(b, e, &data)
	}
	decoded, err := base64.StdEncoding.DecodeString(string(encoded))
	if err != nil {
		return faultf(InvalidJSON, "data_base64 is no base64")
	}
	if !utf8.Valid(decoded) {
		return faultf(InvalidUTF8, "the data is not UTF-8")
	}
	return d.whole(b, e, decoded)
}

// whole reads data that is a JSON text of its own.
func (d *decoder) whole(b *Batch, e *envelope, text []byte) *fault {
	p := scanner{s: text}
	if f := d.data(b, e, &p); f != nil {
		return f
	}
	if err := p.end(); err != nil {
		return syntaxFault(err)
	}
	return nil
}

// binary reads an event whose envelope is in the headers.
func (d *decoder) binary(b *Batch, e *envelope, r *Record) *fault {
	for i := range r.Headers {
		key, v := strings.ToLower(r.Headers[i].Key), r.Headers[i].Value
		if v == nil {
			v = []byte{}
		}
		ours := strings.HasPrefix(key, "ce_")
		if (ours || key == "content-type") && len(v) > maxAttribute {
			return faultf(TooLong, "header %s has more than %d bytes", headerName(key), maxAttribute)
		}
		if ours && (!utf8.Valid(v) || !utf8.ValidString(r.Headers[i].Key)) {
			return faultf(InvalidUTF8, "header %s is not UTF-8", headerName(key))
		}
		switch key {
		case "ce_specversion":
			e.version = v
		case "ce_id":
			e.id = v
		case "ce_source":
			e.source = v
		case "ce_subject":
			e.subject = v
		case "ce_type":
			e.kind = v
		case "ce_time":
			e.time = v
		case "content-type":
			e.contentType = v
		default:
			if !ours {
				continue
			}
			if f := d.keepName("", []byte(key)); f != nil {
				return f
			}
			d.extra = append(appendEscaped(append(d.extra, '"'), v), '"')
		}
	}
	if f := d.check(e); f != nil {
		return f
	}
	if f := d.whole(b, e, r.Value); f != nil {
		return f
	}
	return d.finish(b, e)
}

// headerName keeps a hostile header from filling a message.
func headerName(key string) string {
	return strings.ToValidUTF8(key[:min(len(key), 64)], "")
}

// first marks an attribute as seen.
func (e *envelope) first(bit attributes, key []byte) *fault {
	if e.seen&bit != 0 {
		return twice(string(key))
	}
	e.seen |= bit
	return nil
}

// attribute reads a context attribute, which is a text in all that we use.
func (e *envelope) attribute(p *scanner, key []byte, bit attributes) ([]byte, *fault) {
	if f := e.first(bit, key); f != nil {
		return nil, f
	}
	switch p.peek() {
	case 'n': // null is the same as absent
		if err := p.literal("null"); err != nil {
			return nil, syntaxFault(err)
		}
		return nil, nil
	case '"':
	default:
		if err := p.skip(); err != nil {
			return nil, syntaxFault(err)
		}
		return nil, faultf(WrongType, "attribute %s must be a text", key)
	}
	raw, escaped, err := p.text()
	if err != nil {
		return nil, syntaxFault(err)
	}
	if escaped {
		raw = appendUnescaped(nil, raw)
	}
	if len(raw) > maxAttribute && string(key) != "data_base64" {
		return nil, faultf(TooLong, "attribute %s has more than %d bytes", key, maxAttribute)
	}
	return raw, nil
}

// resolve finds the contract of the event's type.
func (d *decoder) resolve(e *envelope) *fault {
	if e.plan != nil {
		return nil
	}
	plan, ok := d.plans[string(e.kind)]
	if !ok {
		return faultf(UnknownType, "no contract for this event type: contracts/%s.yaml is missing", strings.ToValidUTF8(string(e.kind), "?"))
	}
	e.plan, e.typeName = plan, plan.contract.Name()
	return nil
}

// check proves the envelope and puts it into the batch.
func (d *decoder) check(e *envelope) *fault {
	if e.version == nil && e.kind == nil && e.id == nil {
		return faultf(UnknownEnvelope, "the value is no CloudEvent: it has neither specversion nor type nor id")
	}
	if string(e.version) != "1.0" {
		return faultf(UnknownEnvelope, "specversion must be 1.0")
	}
	if e.typeName == "" {
		e.typeName = string(e.kind)
	}
	for _, a := range []struct {
		name  string
		value []byte
	}{{"type", e.kind}, {"id", e.id}, {"source", e.source}, {"time", e.time}} {
		if len(a.value) == 0 {
			return faultf(MissingAttribute, "attribute %s is missing", a.name)
		}
	}
	if len(e.contentType) > 0 && !isJSON(e.contentType) {
		return faultf(UnknownEnvelope, "the data is not declared as JSON")
	}
	if f := d.resolve(e); f != nil {
		return f
	}
	at, ok := parseInstant(e.time)
	if !ok {
		return faultf(InvalidTime, "attribute time is no instant like 2026-10-03T09:12:44+08:00")
	}
	e.event.OccurredAt = at
	return nil
}

func isJSON(contentType []byte) bool {
	media, _, _ := bytes.Cut(contentType, []byte{';'})
	media = bytes.ToLower(bytes.TrimSpace(media))
	return bytes.HasSuffix(media, []byte("/json")) || bytes.HasSuffix(media, []byte("+json"))
}

// finish writes the envelope's texts behind those of the data, so that a
// record that fails before has written nothing but what is cut off again.
func (d *decoder) finish(b *Batch, e *envelope) *fault {
	e.event.ID = b.addText(e.id)
	e.event.Source = b.addText(e.source)
	e.event.Subject = Text{Length: -1}
	if e.subject != nil {
		e.event.Subject = b.addText(e.subject)
	}
	e.event.Extra = d.finishExtra(b)
	return nil
}

const hexDigits = "0123456789abcdef"

// appendEscaped writes text as it stands between the quotes of a JSON string.
func appendEscaped(dst, text []byte) []byte {
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
