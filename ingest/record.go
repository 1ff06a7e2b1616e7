// Package ingest turns records into validated batches: it decodes the
// envelope, holds every event against its contract, and keeps account of each
// record. It holds no client library: the packages below it read records from
// Kafka, from files and from the archive. cmd hands its batches to transform.
package ingest

import (
	"context"
	"fmt"
	"time"

	"github.com/funnelhouse/funnelhouse/sources"
)

// Header is one header of a record.
type Header struct {
	Key   string
	Value []byte
}

// Record is one record as it was received.
type Record struct {
	Offset    int64
	Timestamp time.Time
	Key       []byte
	Value     []byte // nil: a tombstone
	Headers   []Header
}

// Partition names one partition of one life of a topic.
type Partition struct {
	Topic string
	// Epoch grows when the topic is deleted and re-created; it starts at 0.
	Epoch     int32
	Partition int32
}

// TopicID is the identity that the broker gives to one life of a topic.
type TopicID [16]byte

// Topic is one life of a topic.
type Topic struct {
	Epoch int32
	ID    TopicID
}

// Place says where reading begins: which life of each topic was read last,
// and the next offset of each partition. Both are empty on the first run.
type Place struct {
	Topics  map[string]Topic
	Offsets map[Partition]int64
}

// Chunk is a run of records of one partition, in the order of their offsets.
type Chunk struct {
	Partition Partition
	TopicID   TopicID
	Source    *sources.Source
	Records   []Record
	// First is the position at which reading stood before the chunk, Next the
	// one after it. Offsets between them that are not in Records never arrive:
	// transaction markers, aborted records, compaction. A chunk without records
	// moves the position alone; such a one also says where a partition begins
	// that is read for the first time.
	First, Next int64
}

// UnreadableError is an error of [Reader.Read] about one partition alone: it
// stands still, nothing of it is skipped, and it is tried again while the others
// go on.
type UnreadableError struct {
	Topic     string
	Partition int32
	Offset    int64 // the first offset that is not read
	Err       error
}

func (e *UnreadableError) Error() string {
	return fmt.Sprintf("read [%s/%d@%d]: %v", e.Topic, e.Partition, e.Offset, e.Err)
}

// Unwrap returns why.
func (e *UnreadableError) Unwrap() error { return e.Err }

// Reader yields records.
type Reader interface {
	// Read waits for records and returns them by partition. The memory of a
	// chunk belongs to the reader and is valid until the next call. It returns
	// ctx's error when ctx is done, and nothing at all when it has waited for
	// the reader's own idle time.
	Read(ctx context.Context) ([]Chunk, error)
	// Ends returns, for each partition being read, the offset up to which
	// records can be read now: the last stable offset. A topic that was cut off
	// below its position shows under its next epoch.
	Ends(ctx context.Context) (map[Partition]int64, error)
}
