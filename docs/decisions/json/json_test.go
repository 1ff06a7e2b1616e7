// Package json shows why ingest reads JSON with a scanner of its own and not
// with fastjson.
package json

import (
	"encoding/json"
	"testing"

	"github.com/valyala/fastjson"

	"github.com/funnelhouse/funnelhouse/contracts"
	"github.com/funnelhouse/funnelhouse/ingest"
)

// What is no JSON must go to quarantine. fastjson's parser takes these; ours,
// whose Try says why a record would be refused, doesn't.
func TestParserTakesWhatIsNoJSON(t *testing.T) {
	for _, text := range []string{`NaN`, `-+1.2.3`, "\"a\tb\"", `"\x"`, `01`} {
		if json.Valid([]byte(text)) {
			t.Fatalf("%q is JSON", text)
		}
		var p fastjson.Parser
		if _, err := p.Parse(text); err != nil {
			t.Errorf("fastjson refuses %q: %v", text, err)
		}
		set, err := contracts.Load(contracts.Files)
		if err != nil {
			t.Fatal(err)
		}
		if reason, _ := ingest.NewTry(set).Record(&ingest.Record{Value: []byte(text)}); reason != ingest.InvalidJSON {
			t.Errorf("ingest takes %q: %s", text, reason)
		}
	}
}

// Unknown fields are kept as JSON. What fastjson writes of a text that it has
// read is not always JSON.
func TestWriterWritesWhatIsNoJSON(t *testing.T) {
	var p fastjson.Parser
	v, err := p.Parse(`"bell: \u0007"`)
	if err != nil {
		t.Fatal(err)
	}
	v.Type() // reading it is enough: the escapes are resolved then
	if out := v.MarshalTo(nil); json.Valid(out) {
		t.Errorf("%s is JSON", out)
	}
}

const event = `{"specversion":"1.0","id":"0000000000000000000042","source":"/crm","type":"lead.created.v1","time":"2026-10-03T09:12:44.120+08:00","subject":"L-000000042","data":{"lead_id":"L-000000042","channel":"trade_fair","campaign":"spring-fair","product":"atlas","region":"east","potential":"B","owner_id":"E-014","email":"contact-42@example.com","expected_amount":1042.50,"recorded_at":"2026-10-03T09:12:45.000+08:00"}}`

// The tree alone: proved to be JSON, parsed, and its fields looked up, with
// nothing validated and nothing kept.
func BenchmarkFastjson(b *testing.B) {
	set, err := contracts.Load(contracts.Files)
	if err != nil {
		b.Fatal(err)
	}
	fields := set.Lookup("lead.created.v1").Fields
	var p fastjson.Parser
	b.SetBytes(int64(len(event)))
	for b.Loop() {
		if err := fastjson.Validate(event); err != nil {
			b.Fatal(err)
		}
		v, err := p.Parse(event)
		if err != nil {
			b.Fatal(err)
		}
		data := v.GetObject("data")
		for i := range fields {
			if data.Get(fields[i].Name) == nil {
				b.Fatal(fields[i].Name)
			}
		}
	}
}

// The whole of ingest's work on a record: envelope, contract, typed values.
func BenchmarkIngest(b *testing.B) {
	set, err := contracts.Load(contracts.Files)
	if err != nil {
		b.Fatal(err)
	}
	r := ingest.Record{Value: []byte(event)}
	try := ingest.NewTry(set)
	b.SetBytes(int64(len(event)))
	for b.Loop() {
		if reason, message := try.Record(&r); reason != "" {
			b.Fatal(reason, message)
		}
	}
}
