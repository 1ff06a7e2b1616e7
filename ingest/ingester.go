package ingest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/funnelhouse/funnelhouse/contracts"
)

// Config says when a batch is closed. It closes at whichever limit is met
// first.
type Config struct {
	// Contracts are what events are held against.
	Contracts *contracts.Set
	// Place is where the reader begins. Default: nothing was read yet.
	Place Place
	// MaxRows closes a batch by its records. Default: 100,000.
	MaxRows int
	// MaxBytes closes a batch by the bytes of its records: keys, values and
	// headers. Default: 32 MiB.
	MaxBytes int
	// MaxAge closes a batch by the time since its first record. Default: 1 s.
	MaxAge time.Duration
	// MaxRecordBytes is the largest value that is read; a larger one goes to
	// quarantine. Default: 1 MiB.
	MaxRecordBytes int
	// Batches is how many batches exist at once: one being filled, the others
	// on their way to the warehouse. With MaxBytes it bounds the memory in
	// flight. Default: 3.
	Batches int
	// Unreadable is told of partitions that stand still while the others are
	// read. Default: nobody is.
	Unreadable func(*UnreadableError)
	// Now tells the time. Default: time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	if c.MaxRows == 0 {
		c.MaxRows = 100_000
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 32 << 20
	}
	if c.MaxAge == 0 {
		c.MaxAge = time.Second
	}
	if c.MaxRecordBytes == 0 {
		c.MaxRecordBytes = DefaultMaxRecordBytes
	}
	if c.Batches == 0 {
		c.Batches = 3
	}
	if c.Unreadable == nil {
		c.Unreadable = func(*UnreadableError) {}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Ingester reads records, decodes and validates them, and closes batches.
type Ingester struct {
	cfg     Config
	reader  Reader
	decoder *decoder
	free    chan *Batch
	open    *Batch // owned by Run
	// positions is how far each partition was read, committed or not, and ids
	// are the topic ids that were told of.
	positions map[Partition]int64
	ids       map[string]TopicID
}

// New makes an Ingester that reads from reader.
func New(cfg Config, reader Reader) (*Ingester, error) {
	cfg = cfg.withDefaults()
	if cfg.Contracts == nil {
		return nil, errors.New("ingest: no contracts")
	}
	in := &Ingester{
		cfg:       cfg,
		reader:    reader,
		decoder:   newDecoder(cfg.Contracts, cfg.MaxRecordBytes),
		free:      make(chan *Batch, cfg.Batches),
		positions: maps.Clone(cfg.Place.Offsets),
		ids:       map[string]TopicID{},
	}
	if in.positions == nil {
		in.positions = map[Partition]int64{}
	}
	for name, topic := range cfg.Place.Topics {
		in.ids[name] = topic.ID
	}
	for range cfg.Batches {
		in.free <- in.newBatch()
	}
	return in, nil
}

func (in *Ingester) newBatch() *Batch {
	b := &Batch{byPart: map[Partition]int32{}, free: in.free}
	for _, c := range in.cfg.Contracts.All() {
		b.Rows = append(b.Rows, &Rows{Contract: c})
	}
	return b
}

// Run reads until ctx is done and sends each closed batch, whose receiver
// must Release it and must receive until Run has returned. The last batch is
// sent when ctx is done too, so that what was read is not read again. With once,
// it returns when everything that could be read at its start was sent. A
// partition that can't be read is told to Config.Unreadable while the others go
// on; with once it is also an error in the end.
func (in *Ingester) Run(ctx context.Context, once bool, out chan<- *Batch) error {
	err := in.run(ctx, once, out)
	if ctx.Err() != nil {
		return in.send(context.WithoutCancel(ctx), out)
	}
	return err
}

func (in *Ingester) run(ctx context.Context, once bool, out chan<- *Batch) error {
	var ends map[Partition]int64
	if once {
		var err error
		if ends, err = in.reader.Ends(ctx); err != nil {
			return fmt.Errorf("find the end of the topics: %w", err)
		}
	}
	var standing []error // with once: partitions that can't be read
	for reads := 0; ; reads++ {
		// One look at least: the reader may have to tell where a partition begins,
		// or a topic's id, even where there is nothing new.
		if once && reads > 0 && in.reached(ends) {
			return errors.Join(append(standing, in.send(ctx, out))...)
		}
		chunks, err := in.reader.Read(ctx)
		var unreadable *UnreadableError
		switch {
		case errors.As(err, &unreadable):
			in.cfg.Unreadable(unreadable)
			if once && forget(ends, unreadable) {
				standing = append(standing, err)
			}
		case err != nil:
			return err
		case once && len(chunks) == 0:
			// A topic that was deleted or made anew has no end to be reached.
			if err := in.refresh(ctx, ends); err != nil {
				return err
			}
		}
		for i := range chunks {
			if err := in.take(ctx, &chunks[i], out); err != nil {
				return err
			}
		}
		if in.open != nil && in.cfg.Now().Sub(in.open.opened) >= in.cfg.MaxAge {
			if err := in.send(ctx, out); err != nil {
				return err
			}
		}
	}
}

// reached says whether every partition was read up to its end. One whose
// position is not known yet was not: the reader is about to tell where it
// begins, and that must be stored even where there is nothing to read.
func (in *Ingester) reached(ends map[Partition]int64) bool {
	for partition, end := range ends {
		if at, known := in.positions[partition]; !known || at < end {
			return false
		}
	}
	return true
}

// refresh asks again where the partitions end.
func (in *Ingester) refresh(ctx context.Context, ends map[Partition]int64) error {
	now, err := in.reader.Ends(ctx)
	if err != nil {
		return fmt.Errorf("find the end of the topics: %w", err)
	}
	RenewEnds(ends, now)
	return nil
}

// RenewEnds brings the ends that somebody waits for up to date. A partition
// that is not read any more has none; where its topic lives on in a new epoch,
// the end of that is waited for instead.
func RenewEnds(ends, now map[Partition]int64) {
	for partition := range ends {
		if _, there := now[partition]; there {
			continue
		}
		delete(ends, partition)
		for next, end := range now {
			if next.Topic == partition.Topic && next.Partition == partition.Partition && next.Epoch > partition.Epoch {
				ends[next] = end
			}
		}
	}
}

// forget drops the end of a partition that can't be read, and says whether it
// was to be reached.
func forget(ends map[Partition]int64, e *UnreadableError) bool {
	for partition := range ends {
		if partition.Topic == e.Topic && partition.Partition == e.Partition {
			delete(ends, partition)
			return true
		}
	}
	return false
}

// take decodes a chunk into the open batch and sends batches as they fill.
func (in *Ingester) take(ctx context.Context, c *Chunk, out chan<- *Batch) error {
	before, known := in.positions[c.Partition]
	if known && before == c.Next && len(c.Records) == 0 && c.TopicID == in.ids[c.Partition.Topic] {
		return nil
	}
	if known && before != c.First {
		return fmt.Errorf("read [%s/%d@%d]: the reader stood at %d", c.Partition.Topic, c.Partition.Partition, c.First, before)
	}
	in.ids[c.Partition.Topic] = c.TopicID
	// Each account begins where the one before it ended, so that the warehouse
	// can hold every batch against the position that it stored.
	at := c.First
	for i := 0; ; {
		b, err := in.batch(ctx, out)
		if err != nil {
			return err
		}
		index := b.account(c, at)
		for ; i < len(c.Records) && !in.full(b); i++ {
			in.record(b, index, &c.Records[i])
		}
		if i == len(c.Records) {
			b.Accounts[index].Next = c.Next
			in.positions[c.Partition] = c.Next
			return nil
		}
		at = b.Accounts[index].Next
	}
}

func (in *Ingester) full(b *Batch) bool {
	return b.Records >= in.cfg.MaxRows || b.Bytes >= in.cfg.MaxBytes
}

// record decodes one record into the batch and enters it in the account.
func (in *Ingester) record(b *Batch, index int32, r *Record) {
	account := &b.Accounts[index]
	account.Fetched++
	account.Next = r.Offset + 1
	size := len(r.Key) + len(r.Value)
	for i := range r.Headers {
		size += len(r.Headers[i].Key) + len(r.Headers[i].Value)
	}
	account.Bytes += int64(size)
	b.Records++
	b.Bytes += size
	if r.Value == nil {
		account.Tombstones++
		return
	}
	events, fault := in.decoder.decode(b, index, r)
	switch {
	case fault != nil:
		b.quarantine(index, r, fault)
		account.Quarantined++
	case events == 0:
		account.Filtered++
	default:
		account.Loaded++
		account.Events += events
	}
}

// batch returns the open batch with room for a record. It sends a full one
// and opens another when the warehouse has handed one back: that wait is the
// back-pressure on the reader.
func (in *Ingester) batch(ctx context.Context, out chan<- *Batch) (*Batch, error) {
	if in.open != nil && in.full(in.open) {
		if err := in.send(ctx, out); err != nil {
			return nil, err
		}
	}
	if in.open != nil {
		return in.open, nil
	}
	select {
	case b := <-in.free:
		b.opened = in.cfg.Now()
		in.open = b
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// send hands the open batch on; where ctx is done first it stays open.
func (in *Ingester) send(ctx context.Context, out chan<- *Batch) error {
	if in.open == nil || in.open.Empty() {
		return nil
	}
	select {
	case out <- in.open:
		in.open = nil
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
