package ingest

import (
	"bytes"
	"time"

	"github.com/funnelhouse/funnelhouse/contracts"
)

// Reason says in one word why a record went to quarantine. The words are
// stored and counted, so they stay as they are.
type Reason string

// The reasons, in the order in which a record is looked at.
const (
	EmptyValue       Reason = "empty_value"       // zero bytes, which is neither an event nor a tombstone
	TooLarge         Reason = "too_large"         // more bytes than an event may have
	InvalidUTF8      Reason = "invalid_utf8"      // bytes or escapes that are no text
	InvalidJSON      Reason = "invalid_json"      // no JSON, or one name twice in an object
	TooDeep          Reason = "too_deep"          // nested beyond what is read
	UnknownEnvelope  Reason = "unknown_envelope"  // JSON, and not a CloudEvent 1.0
	MissingAttribute Reason = "missing_attribute" // a CloudEvent without an attribute that is needed
	UnknownType      Reason = "unknown_type"      // no contract for the event type
	InvalidTime      Reason = "invalid_time"      // no such instant or day, or no offset from UTC
	MissingField     Reason = "missing_field"     // a required field is absent or null
	WrongType        Reason = "wrong_type"        // a field holds another type than the contract says
	NotAllowed       Reason = "not_allowed"       // a value outside the allowed ones
	TooLong          Reason = "too_long"          // more characters than allowed
	TooShort         Reason = "too_short"         // fewer characters than asked for
	Pattern          Reason = "pattern"           // text that does not match the pattern
	OutOfRange       Reason = "out_of_range"      // a number beyond its limits
	Scale            Reason = "scale"             // more digits than the decimal has
)

// Text is a piece of a batch's text. A negative length is null.
type Text struct {
	Start  uint32
	Length int32
}

// Value is one validated value of a field. What it holds is said by the
// field's type: text lies in the batch (Lo where it begins, Hi how many
// bytes), a Decimal is the unscaled number in 128 bits of two's complement,
// a Timestamp counts microseconds and a Date days since 1970, a Boolean is 0
// or 1, a Double its IEEE bits.
type Value struct {
	Lo  uint64
	Hi  int64
	Set bool // false: null
}

// Event is where an event came from and what its envelope says.
type Event struct {
	Account    int32 // of its partition, in the batch
	N          int32 // position among the events of one record, from 0
	Offset     int64
	OccurredAt int64 // microseconds since 1970, UTC
	ID         Text
	Source     Text
	Subject    Text
	Extra      Text // JSON object of what the contract doesn't name, or null
}

// Rows are the events of one contract in the order in which they came.
type Rows struct {
	Contract *contracts.Contract
	Events   []Event
	Values   []Value // for each event as many as the contract has fields
}

// Quarantined is a record that was refused, with its bytes as they came.
type Quarantined struct {
	Account   int32
	Offset    int64
	Timestamp time.Time
	Reason    Reason
	Message   string // one sentence, without values of the payload
	EventType string // as far as it could be read
	Key       []byte
	Value     []byte
	Headers   []Header
}

// Account counts the records of one partition in a batch: every record
// fetched is loaded, quarantined, filtered or a tombstone, and only one of
// them.
type Account struct {
	Partition Partition
	TopicID   TopicID
	// First is the position before the batch and Next the one after it.
	First, Next int64

	Fetched, Loaded, Quarantined, Filtered, Tombstones int64

	Events   int64 // rows that the loaded records gave
	Warnings int64 // values that broke a rule which only warns
	Bytes    int64 // of the values fetched
}

// Balanced says whether every record is accounted for.
func (a *Account) Balanced() bool {
	return a.Fetched == a.Loaded+a.Quarantined+a.Filtered+a.Tombstones
}

// Batch is what is committed together.
type Batch struct {
	Rows        []*Rows // one for each contract of the set, in its order; some are empty
	Quarantined []Quarantined
	Accounts    []Account
	Text        []byte
	Records     int
	Bytes       int // of the records' keys and values

	opened time.Time // when its first record came
	byPart map[Partition]int32
	free   chan<- *Batch
}

// TextBytes returns a piece of text, valid while the batch is; nil is null.
func (b *Batch) TextBytes(t Text) []byte {
	if t.Length < 0 {
		return nil
	}
	return b.Text[t.Start:][:t.Length]
}

// ValueBytes returns the text of a String value that is set.
func (b *Batch) ValueBytes(v Value) []byte { return b.Text[v.Lo:][:v.Hi] }

// Empty says whether there is nothing to commit, not even a position.
func (b *Batch) Empty() bool { return len(b.Accounts) == 0 }

// Release hands the batch's memory back for the next one.
func (b *Batch) Release() {
	b.clear()
	b.free <- b
}

// clear empties the batch and keeps its memory.
func (b *Batch) clear() {
	for _, rows := range b.Rows {
		rows.Events, rows.Values = rows.Events[:0], rows.Values[:0]
	}
	clear(b.Quarantined)
	b.Quarantined = b.Quarantined[:0]
	b.Accounts = b.Accounts[:0]
	b.Text = b.Text[:0]
	b.Records, b.Bytes = 0, 0
	clear(b.byPart)
}

// account finds or opens the account of a chunk's partition; at is the
// position before the first record that is entered.
func (b *Batch) account(c *Chunk, at int64) int32 {
	if i, ok := b.byPart[c.Partition]; ok {
		return i
	}
	i := int32(len(b.Accounts))
	b.Accounts = append(b.Accounts, Account{Partition: c.Partition, TopicID: c.TopicID, First: at, Next: at})
	b.byPart[c.Partition] = i
	return i
}

func (b *Batch) addText(s []byte) Text {
	t := Text{Start: uint32(len(b.Text)), Length: int32(len(s))}
	b.Text = append(b.Text, s...)
	return t
}

// quarantine keeps a copy of the record, since the reader's memory is its own.
func (b *Batch) quarantine(account int32, r *Record, f *fault) {
	q := Quarantined{
		Account:   account,
		Offset:    r.Offset,
		Timestamp: r.Timestamp,
		Reason:    f.reason,
		Message:   f.message,
		EventType: f.eventType,
		Key:       bytes.Clone(r.Key),
		Value:     bytes.Clone(r.Value),
	}
	for _, h := range r.Headers {
		q.Headers = append(q.Headers, Header{Key: h.Key, Value: bytes.Clone(h.Value)})
	}
	b.Quarantined = append(b.Quarantined, q)
}
