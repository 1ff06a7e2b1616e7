package transform

import (
	"context"
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/funnelhouse/funnelhouse/contracts"
	"github.com/funnelhouse/funnelhouse/ingest"
)

const contract = `
apiVersion: v3.1.0
kind: DataContract
id: %s
version: 1.0.0
status: active
schema:
  - name: rows
    logicalType: object
    properties:
      - {name: name, logicalType: string}
      - {name: amount, logicalType: number, physicalType: "decimal(38,2)"}
      - {name: rate, logicalType: number, physicalType: double}
      - {name: count, logicalType: integer}
      - {name: done, logicalType: boolean}
      - {name: due, logicalType: date}
      - {name: at, logicalType: timestamp}
`

type once struct{ chunks []ingest.Chunk }

func (o *once) Read(context.Context) ([]ingest.Chunk, error) {
	chunks := o.chunks
	o.chunks = nil
	return chunks, nil
}

func (o *once) Ends(context.Context) (map[ingest.Partition]int64, error) {
	ends := map[ingest.Partition]int64{}
	for _, c := range o.chunks {
		ends[c.Partition] = c.Next
	}
	return ends, nil
}

// batches sends values through ingest, one batch for each list.
func batches(t *testing.T, set *contracts.Set, lists ...[]string) []*ingest.Batch {
	t.Helper()
	var out []*ingest.Batch
	offset := int64(0)
	for _, values := range lists {
		c := ingest.Chunk{Partition: ingest.Partition{Topic: "t", Epoch: 2, Partition: 1}, First: offset, Next: offset + int64(len(values))}
		for i, v := range values {
			c.Records = append(c.Records, ingest.Record{Offset: offset + int64(i), Value: []byte(v)})
		}
		offset = c.Next
		in, err := ingest.New(ingest.Config{Contracts: set}, &once{[]ingest.Chunk{c}})
		if err != nil {
			t.Fatal(err)
		}
		ready := make(chan *ingest.Batch, 1)
		if err := in.Run(t.Context(), true, ready); err != nil {
			t.Fatal(err)
		}
		out = append(out, <-ready)
	}
	return out
}

func event(kind, data string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"1","source":"/s","type":"%s.v1","time":"1969-12-31T23:59:59.999999Z","data":%s}`, kind, data)
}

func TestEncode(t *testing.T) {
	t.Parallel()
	set, err := contracts.Load(fstest.MapFS{
		"a.one.v1.yaml": {Data: fmt.Appendf(nil, contract, "a.one")},
		"a.two.v1.yaml": {Data: fmt.Appendf(nil, contract, "a.two")},
	})
	if err != nil {
		t.Fatal(err)
	}
	checked := memory.NewCheckedAllocator(memory.NewGoAllocator())
	encoder := NewEncoder(set, checked)
	list := batches(
		t, set,
		[]string{
			event("a.one", `{"name":"线索","amount":"-999999999999999999999999999999999999.99","rate":-0.5,"count":-1,"done":true,"due":"0001-01-01","at":"9999-12-31T23:59:59Z","x":1}`),
			event("a.two", `{}`), event("a.one", `{"name":""}`), `broken`,
		},
		[]string{event("a.two", `{"name":"b"}`)},
	)
	first, err := encoder.Encode(list[0])
	if err != nil {
		t.Fatal(err)
	}
	second, err := encoder.Encode(list[1])
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Frames) != 2 || len(second.Frames) != 1 || len(first.Quarantined) != 1 || first.Accounts[0].Events != 3 {
		t.Fatalf("loads %+v and %+v", first, second)
	}
	for _, c := range []struct {
		frame Frame
		want  string
	}{
		{first.Frames[0], `a.one ["t" "t"] [2 2] [1 1] [0 2] [0 0] ["1" "1"] ["/s" "/s"] [(null) (null)] [-1 -1]` +
			` ["线索" ""] [-999999999999999999999999999999999999.99 (null)] [-0.5 (null)] [-1 (null)] [true (null)] [0001-01-01 (null)] [253402300799000000 (null)] ["{\"x\":1}" (null)]`},
		{first.Frames[1], `a.two ["t"] [2] [1] [1] [0] ["1"] ["/s"] [(null)] [-1] [(null)] [(null)] [(null)] [(null)] [(null)] [(null)] [(null)] [(null)]`},
		{second.Frames[0], `a.two ["t"] [2] [1] [4] [0] ["1"] ["/s"] [(null)] [-1] ["b"] [(null)] [(null)] [(null)] [(null)] [(null)] [(null)] [(null)]`},
	} {
		got := c.frame.Contract.Event
		for i := range int(c.frame.Rows.NumCols()) {
			got += " " + c.frame.Rows.Column(i).String()
		}
		if !c.frame.Rows.Schema().Equal(Schema(c.frame.Contract)) {
			t.Errorf("schema %v", c.frame.Rows.Schema())
		}
		if got != c.want {
			t.Errorf("frame\n got %s\nwant %s", got, c.want)
		}
	}
	first.Release()
	second.Release()
	encoder.Close()
	checked.AssertSize(t, 0) // every byte was given back
}
