package demo

import (
	"bytes"
	"slices"
	"strings"
	"time"
)

// disturb adds what real topics hold besides: events that a producer sent
// twice, broken ones, and tombstones.
func (a *actor) disturb() {
	sound := len(a.out.messages)
	for i := range sound {
		m := a.out.messages[i]
		switch x := a.rng.Float64(); {
		case x < 0.005:
			m.At = a.arrival(m.At.Add(time.Duration(1+a.rng.IntN(600)) * time.Second))
			a.duplicates++
		case x < 0.0058:
			var reason string
			m.Value, reason = a.spoil(m)
			a.broken[reason]++
		case x < 0.006:
			m.Value = nil
			a.tombstones++
		default:
			continue
		}
		a.out.messages = append(a.out.messages, m)
	}
}

// spoil breaks an event in one of the ways that producers find, and says for
// which reason it has to be refused.
func (a *actor) spoil(m Message) (value []byte, reason string) {
	value = slices.Clone(m.Value)
	swap := func(old, with string) []byte { return bytes.Replace(value, []byte(old), []byte(with), 1) }
	switch a.rng.IntN(14) {
	case 0:
		return value[:len(value)/2], "invalid_json"
	case 1:
		return []byte("connection reset by peer"), "invalid_json"
	case 2:
		return []byte{}, "empty_value"
	case 3:
		return swap(`.v1","time"`, `.v9","time"`), "unknown_type"
	case 4:
		return swap(`"specversion":"1.0"`, `"specversion":"0.3"`), "unknown_envelope"
	case 5:
		return []byte(`{"before":null,"after":{"id":1},"op":"c","ts_ms":1790990000000}`), "unknown_envelope"
	case 6:
		return swap(`"source":"`, `"origin":"`), "missing_attribute"
	case 7:
		at := bytes.Index(value, []byte(`"time":"`)) + len(`"time":"2026-`)
		copy(value[at:], "13") // a thirteenth month
		return value, "invalid_time"
	case 8:
		return swap(`"subject":"`, "\"subject\":\"\xff\xfe"), "invalid_utf8"
	case 9:
		return swap(`"data":{`, `"data":{"note":`+strings.Repeat("[", 1000)+strings.Repeat("]", 1000)+`,`), "too_deep"
	case 10:
		return withField(value, "recorded_at", `"yesterday"`), "invalid_time"
	default:
		return spoilField(value, a.rng.IntN(3))
	}
}

// spoilField breaks a field of an event: one that only some types have where
// it has it, else the first, which is required and a text in every type.
func spoilField(value []byte, way int) ([]byte, string) {
	for _, f := range []struct{ name, raw, reason string }{
		{"currency", `"rmb"`, "pattern"},
		{"to_category", `"Won"`, "not_allowed"},
		{"found_phase", `"beta"`, "not_allowed"},
		{"target_minutes", `0`, "out_of_range"},
		{"scale_max", `5.5`, "wrong_type"},
		{"size", `1.0005`, "scale"},
		{"question", `"?"`, "not_allowed"},
	} {
		if way == 0 && bytes.Contains(value, []byte(`"`+f.name+`":`)) {
			return withField(value, f.name, f.raw), f.reason
		}
	}
	_, data, _ := bytes.Cut(value, []byte(`"data":{"`))
	first, _, _ := bytes.Cut(data, []byte(`"`))
	switch way {
	case 1:
		return withField(value, string(first), `"`+strings.Repeat("x", 1000)+`"`), "too_long"
	case 2:
		return withField(value, string(first), `7`), "wrong_type"
	default:
		return withField(value, string(first), `null`), "missing_field"
	}
}

// withField replaces a field's value.
func withField(value []byte, name, raw string) []byte {
	at := bytes.LastIndex(value, []byte(`"`+name+`":`)) + len(name) + 3
	end := at + bytes.IndexAny(value[at:], ",}")
	return slices.Concat(value[:at], []byte(raw), value[end:])
}
