package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory/mallocator"
	"golang.org/x/sync/errgroup"

	"github.com/funnelhouse/funnelhouse/ingest"
	"github.com/funnelhouse/funnelhouse/ingest/kafka"
	"github.com/funnelhouse/funnelhouse/transform"
	"github.com/funnelhouse/funnelhouse/warehouse"
)

// checkpointAt is how large the log may grow before it is written into the
// database file: a restart replays it.
const checkpointAt = 384 << 20

// tally counts what a loop has committed.
type tally struct {
	batches, records, loaded, quarantined, filtered, tombstones, events, warnings int64
}

// loop joins the three hops for one house: ingest, transform and warehouse,
// each in a goroutine of its own.
type loop struct {
	reader  *kafka.Reader
	ingest  *ingest.Ingester
	encoder *transform.Encoder
	wh      *warehouse.Warehouse
	log     *slog.Logger
	// told is called after every batch. It must not block.
	told func(tally)

	mu        sync.Mutex // guards what follows
	total     tally
	committed map[ingest.Partition]int64
	moved     chan struct{}           // closed at the next commit
	standing  *ingest.UnreadableError // the last that was told of

	ended chan struct{} // closed when run has returned
	err   error         // of run; read it once ended is closed
}

// Shares of the ingest memory. What is fetched and not yet decoded takes one
// part; of the others every batch in flight takes two, its text and its values,
// and the one being committed one more as Arrow.
const (
	memoryParts     = 8
	batchesInFlight = 3
)

func (h *house) newLoop(ctx context.Context, told func(tally)) (*loop, error) {
	connection, err := h.connection()
	if err != nil {
		return nil, err
	}
	place, err := h.wh.Place(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the stored offsets: %w", err)
	}
	// The reader keeps the place that it is given, so the loop counts on a copy.
	l := &loop{wh: h.wh, log: h.log, told: told, committed: maps.Clone(place.Offsets), moved: make(chan struct{}), ended: make(chan struct{})}
	part := int(h.settings.ingestMemory / memoryParts)
	reader, err := kafka.NewReader(kafka.ReaderConfig{
		Connection: connection,
		Sources:    h.promises.sources,
		Place:      place,
		FetchBytes: part,
	})
	if err != nil {
		return nil, err
	}
	in, err := ingest.New(ingest.Config{
		Contracts:      h.promises.contracts,
		Place:          place,
		MaxRows:        h.settings.batchRows,
		MaxBytes:       part,
		MaxAge:         h.settings.batchAge,
		MaxRecordBytes: int(h.settings.maxRecordBytes),
		Batches:        batchesInFlight,
		Unreadable:     l.stands,
	}, reader)
	if err != nil {
		return nil, errors.Join(err, reader.Close())
	}
	l.reader, l.ingest = reader, in
	// Record batches live outside Go's heap: DuckDB reads them through C.
	l.encoder = transform.NewEncoder(h.promises.contracts, mallocator.NewMallocator())
	return l, nil
}

func (l *loop) close() error {
	l.encoder.Close()
	return l.reader.Close()
}

// run reads and commits until ctx is done, or with once until everything that
// could be read at its start is committed. Each hop has a goroutine of its own,
// since the last one, which waits for the disk, is the slowest. A hop that
// fails stops the reading and takes what still comes without using it, so that
// no other waits for it; the offsets of that stay as they were.
func (l *loop) run(ctx context.Context, once bool) error {
	defer close(l.ended)
	l.err = l.hops(ctx, once)
	return l.err
}

func (l *loop) hops(ctx context.Context, once bool) error {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	batches, loads := make(chan *ingest.Batch), make(chan *transform.Load)
	var group errgroup.Group
	group.Go(func() error {
		defer close(batches)
		return l.ingest.Run(reading, once, batches)
	})
	group.Go(func() error {
		defer close(loads)
		var failed error
		for b := range batches {
			if failed != nil {
				b.Release()
				continue
			}
			load, err := l.encoder.Encode(b)
			if err != nil {
				failed = err
				stop()
				continue
			}
			loads <- load
		}
		return failed
	})
	group.Go(func() error {
		var failed error
		for load := range loads {
			if failed == nil {
				// What was read is committed even while we stop: the alternative is
				// to read it again.
				if failed = l.commit(context.WithoutCancel(ctx), load); failed != nil {
					stop()
				}
			}
			load.Release()
		}
		return failed
	})
	return group.Wait()
}

func (l *loop) commit(ctx context.Context, load *transform.Load) error {
	id, err := l.wh.Append(ctx, load)
	if err != nil {
		return err
	}
	l.settle(load)
	l.log.DebugContext(ctx, "batch committed", "batch_id", id, "partitions", len(load.Accounts))
	if l.wh.WALBytes() > checkpointAt {
		// Refused while somebody reads an older state; the next batch tries again.
		if err := l.wh.Checkpoint(ctx); err != nil && l.wh.WALBytes() > 2*checkpointAt {
			l.log.WarnContext(ctx, "the log can't be written into the database file and grows", "bytes", l.wh.WALBytes(), "error", err)
		}
	}
	return nil
}

// stands is told of a partition that can't be read.
func (l *loop) stands(err *ingest.UnreadableError) {
	l.log.Error("a partition stands still and is tried again", "error", err)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.standing = err
	close(l.moved)
	l.moved = make(chan struct{})
}

// settle enters a committed load in the books that others look at.
func (l *loop) settle(load *transform.Load) {
	l.mu.Lock()
	l.total.batches++
	for i := range load.Accounts {
		a := &load.Accounts[i]
		l.committed[a.Partition] = a.Next
		l.total.records += a.Fetched
		l.total.loaded += a.Loaded
		l.total.quarantined += a.Quarantined
		l.total.filtered += a.Filtered
		l.total.tombstones += a.Tombstones
		l.total.events += a.Events
		l.total.warnings += a.Warnings
	}
	total := l.total
	close(l.moved)
	l.moved = make(chan struct{})
	l.mu.Unlock()
	if l.told != nil {
		l.told(total)
	}
}

// askAgain is how often a waiting command asks again where the topics end: one
// that was deleted has no end to be waited for.
const askAgain = 2 * time.Second

// caughtUp waits until everything that can be read now is committed. It is an
// error when the loop ends before, or stands still on one of the partitions.
func (l *loop) caughtUp(ctx context.Context) (tally, error) {
	// A topic of this moment counts, whether the loop has met it yet or not.
	looked, err := l.reader.Look(ctx)
	if err != nil {
		return tally{}, fmt.Errorf("find the topics: %w", err)
	}
	select {
	case err := <-looked:
		if err != nil {
			return tally{}, fmt.Errorf("find the topics: %w", err)
		}
	case <-l.ended:
		return tally{}, l.errEnded()
	case <-ctx.Done():
		return tally{}, ctx.Err()
	}
	ends, err := l.reader.Ends(ctx)
	if err != nil {
		return tally{}, fmt.Errorf("find the end of the topics: %w", err)
	}
	again := time.NewTicker(askAgain)
	defer again.Stop()
	l.mu.Lock()
	l.standing = nil
	l.mu.Unlock()
	for {
		l.mu.Lock()
		total, moved, standing, done := l.total, l.moved, l.standing, true
		for partition, end := range ends {
			at, known := l.committed[partition]
			done = done && known && at >= end
		}
		l.mu.Unlock()
		switch {
		case done:
			return total, nil
		case standing != nil:
			return total, standing
		}
		select {
		case <-moved:
		case <-again.C:
			now, err := l.reader.Ends(ctx)
			if err != nil {
				return total, fmt.Errorf("find the end of the topics: %w", err)
			}
			ingest.RenewEnds(ends, now)
		case <-l.ended:
			return total, l.errEnded()
		case <-ctx.Done():
			return total, ctx.Err()
		}
	}
}

// errEnded says why there is nothing more to wait for, once the loop has ended.
func (l *loop) errEnded() error {
	return errors.Join(errors.New("ingest has ended before everything was committed"), l.err)
}

// ingestOnce commits everything that can be read now, by serve's own loop
// where there is one.
func (h *house) ingestOnce(ctx context.Context, told func(tally)) (total tally, err error) {
	for {
		if l := h.steady.Load(); l != nil {
			before := l.sum()
			total, err = l.caughtUp(ctx)
			return total.minus(before), err
		}
		select {
		case h.ingesting <- struct{}{}:
			defer func() { <-h.ingesting }()
			return h.catchUp(ctx, told)
		case <-time.After(100 * time.Millisecond):
			// Another command catches up, or serve's loop is about to begin.
		case <-ctx.Done():
			return total, ctx.Err()
		}
	}
}

func (h *house) catchUp(ctx context.Context, told func(tally)) (total tally, err error) {
	l, err := h.newLoop(ctx, told)
	if err != nil {
		return tally{}, err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	err = l.run(ctx, true)
	if err == nil {
		err = ctx.Err()
	}
	return l.sum(), err
}

// ingestOn reads and commits until ctx is done. Other commands of the house
// use the same loop meanwhile; one that is catching up is waited for.
func (h *house) ingestOn(ctx context.Context, told func(tally)) (err error) {
	select {
	case h.ingesting <- struct{}{}:
		defer func() { <-h.ingesting }()
	case <-ctx.Done():
		return nil
	}
	l, err := h.newLoop(ctx, told)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	h.steady.Store(l)
	defer h.steady.Store(nil)
	return l.run(ctx, false)
}

func (l *loop) sum() tally {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total
}

func (t tally) minus(o tally) tally {
	return tally{
		batches: t.batches - o.batches, records: t.records - o.records, loaded: t.loaded - o.loaded,
		quarantined: t.quarantined - o.quarantined, filtered: t.filtered - o.filtered,
		tombstones: t.tombstones - o.tombstones, events: t.events - o.events, warnings: t.warnings - o.warnings,
	}
}
