package warehouse

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory/mallocator"

	"github.com/funnelhouse/funnelhouse/contracts"
	"github.com/funnelhouse/funnelhouse/ingest"
	"github.com/funnelhouse/funnelhouse/transform"
)

const orderContract = `
apiVersion: v3.1.0
kind: DataContract
id: order.placed
version: 1.0.0
status: active
schema:
  - name: order_placed
    logicalType: object
    properties:
      - {name: order_id, logicalType: string, required: true}
      - {name: amount, logicalType: number, physicalType: "decimal(20,2)"}
      - {name: rate, logicalType: number, physicalType: double}
      - {name: quantity, logicalType: integer}
      - {name: gift, logicalType: boolean}
      - {name: due, logicalType: date}
      - {name: recorded_at, logicalType: timestamp}
`

func loadContracts(t testing.TB, files map[string]string) *contracts.Set {
	t.Helper()
	tree := fstest.MapFS{}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	set, err := contracts.Load(tree)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func orderSet(t testing.TB) *contracts.Set {
	t.Helper()
	return loadContracts(t, map[string]string{"order.placed.v1.yaml": orderContract})
}

func open(t testing.TB, path string, set *contracts.Set) *Warehouse {
	t.Helper()
	w, err := Open(t.Context(), Config{Path: path, Contracts: set, Memory: "256MB"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return w
}

// chunks is a reader of prepared chunks.
type chunks struct {
	left []ingest.Chunk
	ends map[ingest.Partition]int64
}

func (c *chunks) Read(context.Context) ([]ingest.Chunk, error) {
	left := c.left
	c.left = nil
	return left, nil
}

func (c *chunks) Ends(context.Context) (map[ingest.Partition]int64, error) { return c.ends, nil }

// load sends chunks through ingest and transform, as cmd does, into one load.
func load(t testing.TB, set *contracts.Set, place ingest.Place, list ...ingest.Chunk) *transform.Load {
	t.Helper()
	ends := map[ingest.Partition]int64{}
	for _, c := range list {
		ends[c.Partition] = c.Next
	}
	in, err := ingest.New(ingest.Config{Contracts: set, Place: place}, &chunks{left: list, ends: ends})
	if err != nil {
		t.Fatal(err)
	}
	out := make(chan *ingest.Batch, 1)
	if err := in.Run(t.Context(), true, out); err != nil {
		t.Fatal(err)
	}
	encoder := transform.NewEncoder(set, mallocator.NewMallocator())
	defer encoder.Close()
	l, err := encoder.Encode(<-out)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Release)
	return l
}

var shop = ingest.Partition{Topic: "shop.events", Partition: 3}

func order(id int, more string) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":"%d","source":"/shop","type":"order.placed.v1","time":"2026-10-03T09:12:44.120+08:00","data":{"order_id":"O-%d"%s}}`, id, id, more)
}

// orders is a chunk of n orders.
func orders(from int64, n int, more string) ingest.Chunk {
	c := ingest.Chunk{Partition: shop, TopicID: ingest.TopicID{1, 2}, First: from, Next: from + int64(n)}
	for i := range n {
		c.Records = append(c.Records, ingest.Record{Offset: from + int64(i), Timestamp: time.UnixMilli(1), Value: order(int(from)+i, more)})
	}
	return c
}

// answer returns a query's rows as text, cells with | between them.
func answer(t testing.TB, w *Warehouse, query string) []string {
	t.Helper()
	r, err := w.Query(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}()
	var out []string
	for {
		row, err := r.Next()
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		if row == nil {
			return out
		}
		cells := make([]string, len(row))
		for i, c := range row {
			cells[i] = fmt.Sprint(c)
		}
		out = append(out, strings.Join(cells, "|"))
	}
}

func expect(t testing.TB, w *Warehouse, query string, want ...string) {
	t.Helper()
	if got := answer(t, w, query); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s\n got %q\nwant %q", query, got, want)
	}
}

const everyType = `,"amount":-123456789012345678.90,"rate":0.25,"quantity":-7,"gift":true,"due":"1969-12-30","recorded_at":"2026-10-03T00:00:00.000001+08:00","note":"x"`

// Both ways into a table, row by row and by Arrow view, store the same.
func TestAppendStoresEveryType(t *testing.T) {
	t.Parallel()
	for _, n := range []int{3, viewRows + 5} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			set := orderSet(t)
			w := open(t, filepath.Join(t.TempDir(), "w.duckdb"), set)
			c := orders(100, n, everyType)
			c.Records[1].Value = order(101, "")
			if _, err := w.Append(t.Context(), load(t, set, ingest.Place{}, c)); err != nil {
				t.Fatal(err)
			}
			expect(t, w, "select count(*), min(_offset), max(_offset), count(distinct _offset) from raw.order_placed_v1",
				fmt.Sprintf("%d|100|%d|%d", n, 99+n, n))
			expect(t, w, `select _topic, _epoch, _partition, _n, _batch_id, _id, _source, _subject, _occurred_at,
					order_id, amount, rate, quantity, gift, due, recorded_at, _extra
				from raw.order_placed_v1 where _offset in (100, 101) order by _offset`,
				`shop.events|0|3|0|1|100|/shop|<nil>|2026-10-03T01:12:44.12Z|O-100|-123456789012345678.90|0.25|-7|true|1969-12-30|2026-10-02T16:00:00.000001Z|{"note":"x"}`,
				`shop.events|0|3|0|1|101|/shop|<nil>|2026-10-03T01:12:44.12Z|O-101|<nil>|<nil>|<nil>|<nil>|<nil>|<nil>|<nil>`)
			expect(t, w, "select count(*) from raw.order_placed_v1 where _ingested_at = (select committed_at from ingest.ledger)", fmt.Sprint(n))
		})
	}
}

func TestAppendKeepsAccounts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "w.duckdb")
	set := orderSet(t)
	w := open(t, path, set)
	c := orders(10, 4, "")
	c.Records[1].Value = nil
	c.Records[2] = ingest.Record{
		Offset: 12, Timestamp: time.UnixMilli(1234567890123), Key: []byte{0xff}, Value: []byte(`{"a":`),
		Headers: []ingest.Header{{Key: "t", Value: []byte("x")}, {Key: "b", Value: []byte{0xfe}}, {Key: "n"}},
	}
	c.First, c.Next = 9, 17
	if _, err := w.Append(t.Context(), load(t, set, ingest.Place{}, c)); err != nil {
		t.Fatal(err)
	}
	expect(t, w, `select batch_id, topic, epoch, partition, first_offset, next_offset, fetched, loaded, quarantined, filtered, tombstones, events, warnings
		from ingest.ledger`, "1|shop.events|0|3|9|17|4|2|1|0|1|2|0")
	expect(t, w, `select batch_id, topic, epoch, partition, record_offset, record_at, reason, event_type, hex(key), decode(value), headers
		from ingest.quarantine`,
		`1|shop.events|0|3|12|2009-02-13T23:31:30.123Z|invalid_json|<nil>|FF|{"a":|[{"key":"t","value":"x"},{"key":"b","base64":"/g=="},{"key":"n"}]`)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}

	w = open(t, path, set)
	place, err := w.Place(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if place.Offsets[shop] != 17 || place.Topics["shop.events"] != (ingest.Topic{ID: ingest.TopicID{1, 2}}) {
		t.Errorf("place %+v", place)
	}
	if _, err := w.Append(t.Context(), load(t, set, place, orders(17, 2, ""))); err != nil {
		t.Fatal(err)
	}
	expect(t, w, "select next_offset, batch_id from ingest.offsets", "19|2")
	expect(t, w, "select count(*), count(distinct _offset) from raw.order_placed_v1", "4|4")
}

// Brokers that were upgraded tell a topic's id later than its first records.
func TestAppendStoresATopicIDThatComesLate(t *testing.T) {
	t.Parallel()
	set := orderSet(t)
	w := open(t, filepath.Join(t.TempDir(), "w.duckdb"), set)
	early, late := orders(0, 1, ""), orders(1, 1, "")
	early.TopicID = ingest.TopicID{}
	if _, err := w.Append(t.Context(), load(t, set, ingest.Place{}, early)); err != nil {
		t.Fatal(err)
	}
	place := ingest.Place{Offsets: map[ingest.Partition]int64{shop: 1}}
	if _, err := w.Append(t.Context(), load(t, set, place, late)); err != nil {
		t.Fatal(err)
	}
	expect(t, w, "select count(*), max(topic_id) from ingest.topics", "1|01020000000000000000000000000000")
	without, other := orders(2, 1, ""), orders(3, 1, "")
	without.TopicID, other.TopicID = ingest.TopicID{}, ingest.TopicID{9}
	place.Offsets[shop] = 2
	if _, err := w.Append(t.Context(), load(t, set, place, without)); err != nil {
		t.Fatal(err)
	}
	place.Offsets[shop] = 3
	if _, err := w.Append(t.Context(), load(t, set, place, other)); err == nil {
		t.Error("another topic was appended to the same epoch")
	}
}

// A batch that left something out would commit a hole.
func TestAppendRefusesAGap(t *testing.T) {
	t.Parallel()
	set := orderSet(t)
	w := open(t, filepath.Join(t.TempDir(), "w.duckdb"), set)
	if _, err := w.Append(t.Context(), load(t, set, ingest.Place{}, orders(0, 2, ""))); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Append(t.Context(), load(t, set, ingest.Place{}, orders(5, 2, ""))); !errors.Is(err, ErrTakenOver) {
		t.Errorf("error %v, want ErrTakenOver", err)
	}
	expect(t, w, "select next_offset from ingest.offsets", "2")
}

// Quarantine takes whatever a producer wrote.
func TestQuarantineTakesEverything(t *testing.T) {
	t.Parallel()
	set := orderSet(t)
	w := open(t, filepath.Join(t.TempDir(), "w.duckdb"), set)
	c := orders(0, 2, "")
	c.Records[0] = ingest.Record{Offset: 0, Timestamp: time.UnixMilli(1 << 60), Value: []byte{0, 0xff}, Headers: []ingest.Header{{Key: "ce_\xc3", Value: []byte{0}}}}
	c.Records[1] = ingest.Record{Offset: 1, Timestamp: time.UnixMilli(-1 << 60), Value: []byte(`{"type":"\u0000"}`), Key: []byte{}}
	if _, err := w.Append(t.Context(), load(t, set, ingest.Place{}, c)); err != nil {
		t.Fatal(err)
	}
	expect(t, w, "select reason, year(record_at) from ingest.quarantine order by record_offset", "invalid_utf8|9999", "unknown_envelope|1")
}

// A batch that holds nothing but refused records moves the offsets too.
func TestAppendOfRefusedRecordsAlone(t *testing.T) {
	t.Parallel()
	set := orderSet(t)
	w := open(t, filepath.Join(t.TempDir(), "w.duckdb"), set)
	c := orders(0, 1, "")
	c.Records[0].Value = []byte("x")
	if _, err := w.Append(t.Context(), load(t, set, ingest.Place{}, c)); err != nil {
		t.Fatal(err)
	}
	expect(t, w, "select next_offset from ingest.offsets", "1")
}

func TestAppendRefusesWhatAnotherWriterMoved(t *testing.T) {
	t.Parallel()
	set := orderSet(t)
	w := open(t, filepath.Join(t.TempDir(), "w.duckdb"), set)
	if _, err := w.Append(t.Context(), load(t, set, ingest.Place{}, orders(0, 2, ""))); err != nil {
		t.Fatal(err)
	}
	if _, err := w.db.ExecContext(t.Context(), "update ingest.offsets set next_offset = 5"); err != nil {
		t.Fatal(err)
	}
	next := orders(2, 2, "")
	_, err := w.Append(t.Context(), load(t, set, ingest.Place{Offsets: map[ingest.Partition]int64{shop: 2}}, next))
	if !errors.Is(err, ErrTakenOver) {
		t.Fatalf("error %v, want ErrTakenOver", err)
	}
	expect(t, w, "select count(*), max(_offset) from raw.order_placed_v1", "2|1")
	expect(t, w, "select count(*) from ingest.ledger", "1")
	if _, again := w.Append(t.Context(), load(t, set, ingest.Place{}, orders(5, 1, ""))); !errors.Is(again, ErrTakenOver) {
		t.Errorf("after it: error %v, want ErrTakenOver for good", again)
	}
}

func TestAppendRefusesTheSameOffsetsTwice(t *testing.T) {
	t.Parallel()
	set := orderSet(t)
	w := open(t, filepath.Join(t.TempDir(), "w.duckdb"), set)
	l := load(t, set, ingest.Place{}, orders(0, 2, ""))
	if _, err := w.Append(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Append(t.Context(), l); !errors.Is(err, ErrTakenOver) {
		t.Errorf("error %v, want ErrTakenOver", err)
	}
	expect(t, w, "select count(*) from raw.order_placed_v1", "2")
}

// A statement that fails in the middle leaves nothing, and the next batch is
// taken as if nothing had happened.
func TestFailedAppendLeavesNothing(t *testing.T) {
	t.Parallel()
	set := orderSet(t)
	w := open(t, filepath.Join(t.TempDir(), "w.duckdb"), set)
	if _, err := w.db.ExecContext(t.Context(), "alter table ingest.ledger rename to hidden"); err != nil {
		t.Fatal(err)
	}
	l := load(t, set, ingest.Place{}, orders(0, viewRows+1, ""))
	if _, err := w.Append(t.Context(), l); err == nil {
		t.Fatal("the append succeeded without its ledger")
	}
	expect(t, w, "select count(*) from raw.order_placed_v1", "0")
	if _, err := w.db.ExecContext(t.Context(), "alter table ingest.hidden rename to ledger"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Append(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	expect(t, w, "select count(*) from raw.order_placed_v1", fmt.Sprint(viewRows+1))
}

func TestTablesAreWidened(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "w.duckdb")
	set := orderSet(t)
	w := open(t, path, set)
	if _, err := w.Append(t.Context(), load(t, set, ingest.Place{}, orders(0, 1, `,"colour":"red"`))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}

	wider := loadContracts(t, map[string]string{
		"order.placed.v1.yaml": orderContract + "      - {name: colour, logicalType: string}\n",
		"order.placed.v2.yaml": strings.Replace(strings.Replace(orderContract, "1.0.0", "2.0.0", 1), "logicalType: integer", "logicalType: string", 1),
	})
	w = open(t, path, wider)
	place := ingest.Place{Offsets: map[ingest.Partition]int64{shop: 1}}
	both := orders(1, 2, `,"colour":"blue"`)
	both.Records[1].Value = []byte(strings.Replace(strings.Replace(string(both.Records[1].Value), "placed.v1", "placed.v2", 1), `"colour":"blue"`, `"quantity":"many"`, 1))
	if _, err := w.Append(t.Context(), load(t, wider, place, both)); err != nil {
		t.Fatal(err)
	}
	expect(t, w, "select _offset, colour, _extra from raw.order_placed_v1 order by 1", `0|<nil>|{"colour":"red"}`, `1|blue|<nil>`)
	expect(t, w, "select _offset, quantity from raw.order_placed_v2", "2|many")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}

	changed := loadContracts(t, map[string]string{
		"order.placed.v1.yaml": strings.Replace(orderContract, "logicalType: integer", "logicalType: string", 1),
	})
	_, err := Open(t.Context(), Config{Path: path, Contracts: changed})
	if err == nil || !strings.Contains(err.Error(), "order.placed.v2.yaml") {
		t.Errorf("error %v, want one that asks for a new major version", err)
	}
}
