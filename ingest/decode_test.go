package ingest

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// event wraps data in a structured CloudEvent.
func event(data string) string {
	return `{"specversion":"1.0","id":"1","source":"/shop","type":"order.placed.v1","time":"2026-10-03T09:12:44.120+08:00","subject":"o","data":` + data + `}`
}

func TestRefusedRecords(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	attribute := func(drop, add string) string {
		s := event(`{"order_id":"a"}`)
		return strings.Replace(s, drop, add, 1)
	}
	for _, c := range []struct {
		name, value string
		want        Reason
	}{
		{"sound", event(`{"order_id":"a"}`), ""},
		{"zero bytes", "", EmptyValue},
		{"too large", event(`{"order_id":"` + strings.Repeat("x", DefaultMaxRecordBytes) + `"}`), TooLarge},
		{"not JSON", `lead created`, InvalidJSON},
		{"cut off", event(`{"order_id":"a"}`)[:120], InvalidJSON},
		{"cut off behind a fault", strings.TrimSuffix(event(`{"order_id":7}`), "}"), InvalidJSON},
		{"something behind", event(`{"order_id":"a"}`) + "{}", InvalidJSON},
		{"name twice", event(`{"order_id":"a","order_id":"b"}`), InvalidJSON},
		{"null and a value", event(`{"order_id":null,"order_id":"b"}`), InvalidJSON},
		{"unknown name twice", event(`{"order_id":"a","y":1,"y":2}`), InvalidJSON},
		{"extension and field alike", strings.Replace(event(`{"order_id":"a","ce_foo":2}`), `"subject"`, `"foo":1,"subject"`, 1), InvalidJSON},
		{"attribute twice, once null", attribute(`"id":"1"`, `"id":null,"id":"1"`), InvalidJSON},
		{"both kinds of data", attribute(`"subject"`, `"data_base64":"e30=","subject"`), UnknownEnvelope},
		{"data null before the type", `{"data":null,` + event(`null`)[1:], InvalidJSON},
		{"base64 that is no UTF-8", strings.Replace(event(`null`), `"data":null`, `"data_base64":"`+base64.StdEncoding.EncodeToString([]byte("{\"order_id\":\"\xff\"}"))+`"`, 1), InvalidUTF8},
		{"control character", event("{\"order_id\":\"a\tb\"}"), InvalidJSON},
		{"unknown escape", event(`{"order_id":"\x"}`), InvalidJSON},
		{"leading zero", event(`{"order_id":"a","quantity":01}`), InvalidJSON},
		{"NaN", event(`{"order_id":"a","rate":NaN}`), InvalidJSON},
		{"invalid UTF-8", event("{\"order_id\":\"\xff\"}"), InvalidUTF8},
		{"half a surrogate pair", event(`{"order_id":"\ud83d"}`), InvalidUTF8},
		{"1,000 levels", event(`{"order_id":"a","more":` + deep(1000) + `}`), TooDeep},
		{"500,000 levels", deep(500_000), TooDeep},
		{"a list", `[1]`, UnknownEnvelope},
		{"a text", `"lead"`, UnknownEnvelope},
		{"another envelope", `{"before":null,"after":{"id":1},"op":"c"}`, UnknownEnvelope},
		{"another specversion", attribute(`"1.0"`, `"0.3"`), UnknownEnvelope},
		{"no JSON data", attribute(`"subject"`, `"datacontenttype":"text/xml","subject"`), UnknownEnvelope},
		{"no id", attribute(`"id":"1",`, ``), MissingAttribute},
		{"empty source", attribute(`"/shop"`, `""`), MissingAttribute},
		{"no time", attribute(`"time":"2026-10-03T09:12:44.120+08:00",`, ``), MissingAttribute},
		{"no type", attribute(`"type":"order.placed.v1",`, ``), MissingAttribute},
		{"no data", attribute(`,"data":{"order_id":"a"}`, ``), MissingAttribute},
		{"data null", event(`null`), MissingAttribute},
		{"id a number", attribute(`"id":"1"`, `"id":1`), WrongType},
		{"long id", attribute(`"id":"1"`, `"id":"`+strings.Repeat("1", 2000)+`"`), TooLong},
		{"unknown type", attribute("order.placed.v1", "order.placed.v2"), UnknownType},
		{"no such instant", attribute("10-03T09", "13-03T09"), InvalidTime},
		{"no offset", attribute("+08:00", ""), InvalidTime},
		{"data a list", event(`[]`), WrongType},
		{"required missing", event(`{"channel":"web"}`), MissingField},
		{"required null", event(`{"order_id":null}`), MissingField},
		{"text a number", event(`{"order_id":7}`), WrongType},
		{"number a text", event(`{"order_id":"a","quantity":"7"}`), WrongType},
		{"fraction", event(`{"order_id":"a","quantity":1.5}`), WrongType},
		{"beyond 64 bits", event(`{"order_id":"a","quantity":9223372036854775808}`), OutOfRange},
		{"boolean a text", event(`{"order_id":"a","gift":"yes"}`), WrongType},
		{"amount an object", event(`{"order_id":"a","amount":{}}`), WrongType},
		{"amount no number", event(`{"order_id":"a","amount":"12,50"}`), WrongType},
		{"too many digits behind the point", event(`{"order_id":"a","amount":1.005}`), Scale},
		{"too many digits", event(`{"order_id":"a","amount":123456789.00}`), Scale},
		{"exponent too large", event(`{"order_id":"a","amount":1e300}`), Scale},
		{"not allowed", event(`{"order_id":"a","channel":"fax"}`), NotAllowed},
		{"too long", event(`{"order_id":"123456789"}`), TooLong},
		{"too short", event(`{"order_id":""}`), TooShort},
		{"pattern", event(`{"order_id":"a","code":"x"}`), Pattern},
		{"below", event(`{"order_id":"a","rate":-0.1}`), OutOfRange},
		{"above", event(`{"order_id":"a","rate":1.1}`), OutOfRange},
		{"no such day", event(`{"order_id":"a","due":"2026-02-29"}`), InvalidTime},
		{"hour 25", event(`{"order_id":"a","recorded_at":"2026-02-01T25:00:00Z"}`), InvalidTime},
		{"a time as a number", event(`{"order_id":"a","recorded_at":1717171717}`), WrongType},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			reason, message := NewTry(testContracts(t)).Record(&Record{Value: []byte(c.value)})
			if reason != c.want {
				t.Errorf("reason %q (%s), want %q", reason, message, c.want)
			}
			if c.want != "" && message == "" {
				t.Error("there is no sentence")
			}
		})
	}
}

// decodeOne decodes one record into a batch of its own.
func decodeOne(t *testing.T, r Record) *Batch {
	t.Helper()
	try := NewTry(testContracts(t))
	if _, fault := try.decoder.decode(try.batch, 0, &r); fault != nil {
		t.Fatalf("refused as %s: %s", fault.reason, fault.message)
	}
	return try.batch
}

func TestValues(t *testing.T) {
	t.Parallel()
	b := decodeOne(t, Record{Value: []byte(event(
		`{ "quantity" : -9223372036854775808 , "order_id":"\u0061\"\ud83d\ude00", "amount":"-12345678.90","rate":2.5E-1,
		"gift":true,"due":"2024-02-29","recorded_at":"2026-10-03T23:59:59.9999999-01:30","size":"XXL","more":{"a":[1, "x"]},"channel":"shop"}`))})
	rows := b.Rows[0]
	value := func(name string) Value {
		for i := range rows.Contract.Fields {
			if rows.Contract.Fields[i].Name == name {
				return rows.Values[i]
			}
		}
		t.Fatalf("no field %s", name)
		return Value{}
	}
	if got := string(b.ValueBytes(value("order_id"))); got != `a"😀` {
		t.Errorf("order_id %q", got)
	}
	if got := int64(value("quantity").Lo); got != math.MinInt64 {
		t.Errorf("quantity %d", got)
	}
	if v := value("amount"); int64(v.Lo) != -1234567890 || v.Hi != -1 {
		t.Errorf("amount %d, %d", int64(v.Lo), v.Hi)
	}
	if got := math.Float64frombits(value("rate").Lo); got != 0.25 {
		t.Errorf("rate %v", got)
	}
	if got := value("due").Lo; got != uint64(time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC).Unix()/86400) {
		t.Errorf("due %d", got)
	}
	want := time.Date(2026, 10, 4, 1, 29, 59, 999_999_000, time.UTC)
	if got := time.UnixMicro(int64(value("recorded_at").Lo)); !got.Equal(want) {
		t.Errorf("recorded_at %v, want %v", got, want)
	}
	if value("code").Set || !value("gift").Set {
		t.Error("code must be null and gift must not")
	}
	if got := string(b.TextBytes(rows.Events[0].Extra)); got != `{"more":{"a":[1, "x"]}}` {
		t.Errorf("extra %s", got)
	}
	if b.Accounts[0].Warnings != 1 {
		t.Errorf("%d warnings, want 1 for the size", b.Accounts[0].Warnings)
	}
	if got := time.UnixMicro(rows.Events[0].OccurredAt); !got.Equal(time.Date(2026, 10, 3, 1, 12, 44, 120_000_000, time.UTC)) {
		t.Errorf("occurred at %v", got)
	}
}

func TestEnvelopes(t *testing.T) {
	t.Parallel()
	data := `{"order_id":"a"}`
	headers := []Header{
		{Key: "ce_specversion", Value: []byte("1.0")},
		{Key: "ce_id", Value: []byte("7")},
		{Key: "ce_source", Value: []byte("/shop")},
		{Key: "ce_type", Value: []byte("order.placed.v1")},
		{Key: "ce_time", Value: []byte("2026-10-03T01:12:44.12Z")},
		{Key: "ce_traceparent", Value: []byte(`00-"x"`)},
		{Key: "content-type", Value: []byte("application/json; charset=utf-8")},
	}
	for _, c := range []struct {
		name   string
		record Record
		id     string
		extra  string
	}{
		{"structured", Record{Value: []byte(event(data))}, "1", ""},
		{"structured by its content type, beside stray headers", Record{
			Value:   []byte(event(data)),
			Headers: append([]Header{{Key: "Content-Type", Value: []byte("application/CloudEvents+json")}}, headers[:5]...),
		}, "1", ""},
		{"data before the type", Record{Value: []byte(`{"data":` + data +
			`,"type":"order.placed.v1","id":"2","source":"/s","specversion":"1.0","time":"2026-10-03T01:12:44.12Z"}`)}, "2", ""},
		{"data in base64", Record{Value: []byte(strings.Replace(event(`null`), `"data":null`,
			`"data_base64":"`+base64.StdEncoding.EncodeToString([]byte(data))+`"`, 1))}, "1", ""},
		{"extension attributes", Record{Value: []byte(strings.Replace(event(data), `"subject"`, `"partitionkey":"k","subject"`, 1))}, "1", `{"ce_partitionkey":"k"}`},
		{"binary", Record{Value: []byte(data), Headers: headers}, "7", `{"ce_traceparent":"00-\"x\""}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := decodeOne(t, c.record)
			e := b.Rows[0].Events[0]
			if got := string(b.TextBytes(e.ID)); got != c.id {
				t.Errorf("id %q, want %q", got, c.id)
			}
			if got := string(b.TextBytes(e.Extra)); got != c.extra {
				t.Errorf("extra %q, want %q", got, c.extra)
			}
			if got := string(b.ValueBytes(b.Rows[0].Values[0])); got != "a" {
				t.Errorf("order_id %q", got)
			}
			if got := time.UnixMicro(e.OccurredAt).UTC().Format(time.RFC3339Nano); got != "2026-10-03T01:12:44.12Z" {
				t.Errorf("occurred at %s", got)
			}
		})
	}
}

// Headers that are not ours may hold what they like; ours are text, and what
// is said of them is text too.
func TestHeaders(t *testing.T) {
	t.Parallel()
	headers := func(more ...Header) []Header {
		return append([]Header{
			{Key: "ce_specversion", Value: []byte("1.0")},
			{Key: "ce_id", Value: []byte("7")},
			{Key: "ce_source", Value: []byte("/shop")},
			{Key: "ce_type", Value: []byte("order.placed.v1")},
			{Key: "ce_time", Value: []byte("2026-10-03T01:12:44Z")},
		}, more...)
	}
	for _, c := range []struct {
		name   string
		header Header
		want   Reason
	}{
		{"long and foreign", Header{Key: "baggage", Value: bytes.Repeat([]byte{0xff}, 8000)}, ""},
		{"long", Header{Key: "ce_" + strings.Repeat("é", 40), Value: make([]byte, 2000)}, TooLong},
		{"no text", Header{Key: "ce_x", Value: []byte{0xff}}, InvalidUTF8},
		{"name is no text", Header{Key: "ce_\xff", Value: nil}, InvalidUTF8},
	} {
		reason, message := NewTry(testContracts(t)).Record(&Record{Value: []byte(`{"order_id":"a"}`), Headers: headers(c.header)})
		if reason != c.want || !utf8.ValidString(message) {
			t.Errorf("%s: %q (%q), want %q", c.name, reason, message, c.want)
		}
	}
	if reason, _ := NewTry(testContracts(t)).Record(&Record{Value: []byte(`{"order_id":"a"}`), Headers: append(headers(), headers()...)}); reason != "" {
		t.Errorf("headers that stand twice: %s", reason)
	}
}

// A refused record leaves nothing of itself in the batch.
func TestRefusalLeavesTheBatch(t *testing.T) {
	t.Parallel()
	try := NewTry(testContracts(t))
	good := event(`{"order_id":"a","more":1}`)
	decode := func(try *Try, value string) {
		_, _ = try.decoder.decode(try.batch, 0, &Record{Value: []byte(value)})
	}
	for range 3 {
		decode(try, good)
		decode(try, event(`{"order_id":"b","size":"?","channel":"fax"}`))
		decode(try, event(`{"order_id":"b"}`)+"x")
	}
	alone := NewTry(testContracts(t))
	for range 3 {
		decode(alone, good)
	}
	if !bytes.Equal(try.batch.Text, alone.batch.Text) {
		t.Errorf("text %q, want %q", try.batch.Text, alone.batch.Text)
	}
	if got, want := fmt.Sprint(*try.batch.Rows[0]), fmt.Sprint(*alone.batch.Rows[0]); len(got) != len(want) {
		t.Errorf("rows %s, want %s", got, want)
	}
	if try.batch.Accounts[0].Warnings != 0 {
		t.Error("a refused record counted a warning")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(event(`{"order_id":"a","amount":1.5,"due":"2026-01-01","more":[{}]}`)), true)
	f.Add([]byte(`{"order_id":"a"}`), false)
	set := testContracts(f)
	f.Fuzz(func(t *testing.T, value []byte, structured bool) {
		r := Record{Value: value}
		if !structured {
			for k, v := range map[string]string{"specversion": "1.0", "id": "1", "source": "s", "type": "order.placed.v1", "time": "2026-01-01T00:00:00Z"} {
				r.Headers = append(r.Headers, Header{Key: "ce_" + k, Value: []byte(v)})
			}
		}
		try := NewTry(set)
		_, fault := try.decoder.decode(try.batch, 0, &r)
		reason := Reason("")
		if fault != nil {
			reason = fault.reason
		}
		rows := try.batch.Rows[0]
		if reason != "" && (len(try.batch.Text) > 0 || len(rows.Values) > 0 || len(rows.Events) > 0) {
			t.Errorf("refused as %s and left something behind", reason)
		}
		if reason == "" && len(rows.Values) != len(rows.Contract.Fields) {
			t.Errorf("%d values for %d fields", len(rows.Values), len(rows.Contract.Fields))
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	set := testContracts(b)
	value := []byte(event(`{"order_id":"L-104211","channel":"web","size":"M","code":"ABC","amount":1250.50,"rate":0.25,"quantity":12,"gift":false,"due":"2026-11-30","recorded_at":"2026-10-03T09:12:45.000+08:00","note":"` + strings.Repeat("x", 40) + `"}`))
	try := NewTry(set)
	r := Record{Value: value}
	b.SetBytes(int64(len(value)))
	b.ReportAllocs()
	for b.Loop() {
		if reason, message := try.Record(&r); reason != "" {
			b.Fatal(reason, message)
		}
	}
}
