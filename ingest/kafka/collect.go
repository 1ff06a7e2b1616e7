package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/funnelhouse/funnelhouse/ingest"
)

// chunkMemory is reused from one Read to the next.
type chunkMemory struct {
	chunks  []ingest.Chunk
	records []ingest.Record
	headers []ingest.Header
	touched []*partition
}

// trouble is an error of one partition, looked into after its records were taken.
type trouble struct {
	p   *partition
	err error
}

// collect turns what a poll yielded into chunks, one a partition. An error
// that must reach the caller waits until the chunks have been returned.
func (r *Reader) collect(ctx context.Context, fetches kgo.Fetches) ([]ingest.Chunk, error) {
	troubles, count := r.sort(fetches)
	chunks := r.build(count)
	for _, t := range troubles {
		r.handle(ctx, t)
	}
	if len(chunks) > 0 {
		return chunks, nil
	}
	return r.leftOver()
}

// leftOver returns what a poll yielded beside records: moves of positions,
// and then errors, one at a time.
func (r *Reader) leftOver() ([]ingest.Chunk, error) {
	if chunks := r.takeFresh(); len(chunks) > 0 {
		return chunks, nil
	}
	if len(r.deferred) > 0 {
		err := r.deferred[0]
		r.deferred = r.deferred[1:]
		return nil, err
	}
	return nil, nil
}

// sort gives each partition what was fetched for it.
func (r *Reader) sort(fetches kgo.Fetches) (troubles []trouble, count int) {
	m := &r.memory
	m.touched = m.touched[:0]
	for i := range fetches {
		for j := range fetches[i].Topics {
			ft := &fetches[i].Topics[j]
			t := r.topics[ft.Topic]
			for k := range ft.Partitions {
				fp := &ft.Partitions[k]
				if t == nil {
					r.general(ft.Topic, fp.Err)
					continue
				}
				if id := ingest.TopicID(ft.TopicID); id != t.id && id != (ingest.TopicID{}) && t.id != (ingest.TopicID{}) {
					r.refreshSoon() // of another life of the topic
					continue
				}
				p := t.partitions[fp.Partition]
				if p == nil || !p.assigned || t.cut != nil {
					continue
				}
				if len(fp.Records) > 0 {
					if len(p.polled) == 0 {
						m.touched = append(m.touched, p)
					}
					r.noticeGap(p, fp)
					p.polled = append(p.polled, fp.Records)
					count += len(fp.Records)
				}
				if fp.Err != nil {
					troubles = append(troubles, trouble{p, fp.Err})
				}
			}
		}
	}
	return troubles, count
}

// build makes the chunks of the touched partitions. count bounds their records.
func (r *Reader) build(count int) []ingest.Chunk {
	m := &r.memory
	if cap(m.records) < count {
		m.records = make([]ingest.Record, count)
	}
	used := len(m.records)
	m.records = m.records[:cap(m.records)]
	clear(m.headers)
	m.headers = m.headers[:0]
	m.chunks = m.chunks[:0]
	n := 0
	for _, p := range m.touched {
		first, from := p.position, n
		behind := int64(-1)
		for _, polled := range p.polled {
			for _, rec := range polled {
				if rec.Offset < p.position {
					if rec.Offset >= p.passedTo {
						behind = rec.Offset
					}
					continue
				}
				p.position = rec.Offset + 1
				if rec.Attrs.IsControl() {
					continue
				}
				m.take(&m.records[n], rec)
				n++
			}
		}
		clear(p.polled)
		p.polled = p.polled[:0]
		if behind >= 0 {
			r.returnToPosition(p, behind)
		}
		if p.position > first {
			m.chunks = append(m.chunks, ingest.Chunk{
				Partition: p.key, TopicID: p.topic.id, Source: p.topic.source,
				Records: m.records[from:n:n], First: first, Next: p.position,
			})
		}
	}
	// What the last Read used beyond this one must not keep its payloads alive.
	if used > n {
		clear(m.records[n:used])
	}
	m.records = m.records[:n]
	return m.chunks
}

func (m *chunkMemory) take(out *ingest.Record, rec *kgo.Record) {
	out.Offset = rec.Offset
	out.Timestamp = rec.Timestamp.UTC()
	out.Key = rec.Key
	out.Value = rec.Value
	out.Headers = nil
	if len(rec.Headers) == 0 {
		return
	}
	from := len(m.headers)
	for i := range rec.Headers {
		m.headers = append(m.headers, ingest.Header{Key: rec.Headers[i].Key, Value: rec.Headers[i].Value})
	}
	out.Headers = m.headers[from:len(m.headers):len(m.headers)]
}

// noticeGap reports records that retention removed before we came to read
// them, where the client meets the gap while it reads on.
func (r *Reader) noticeGap(p *partition, fp *kgo.FetchPartition) {
	if len(p.polled) > 0 || fp.LogStartOffset <= p.position || fp.Records[0].Offset <= p.position {
		return
	}
	r.log.Error("kafka records were removed before they were read",
		"topic", p.key.Topic, "partition", p.key.Partition, "wanted", p.position, "available", fp.LogStartOffset)
}

// returnToPosition deals with records from before the position that can't be
// explained: the client does not stand where we do. It is sent back to our
// position; if the log no longer reaches there, that comes out as out of range.
func (r *Reader) returnToPosition(p *partition, at int64) {
	r.log.Error("kafka records came from before the position, reading again from it",
		"topic", p.key.Topic, "partition", p.key.Partition, "position", p.position, "offset", at)
	r.unassign(p)
	r.assign(p)
}

// general takes an error that belongs to no partition that is read.
func (r *Reader) general(topic string, err error) {
	if err == nil || isContext(err) || transient(err) {
		return
	}
	if topic != "" {
		err = fmt.Errorf("topic %s: %w", topic, err)
	}
	r.deferred = append(r.deferred, fmt.Errorf("read from kafka: %w", err))
}

// handle looks into the error of one partition.
func (r *Reader) handle(ctx context.Context, t trouble) {
	p := t.p
	if !r.current(p) || !p.assigned {
		return // another trouble of the same poll has begun a new life of the topic
	}
	var lost *kgo.ErrDataLoss
	switch {
	case isContext(t.err):
	case errors.Is(t.err, kerr.OffsetOutOfRange):
		r.outOfRange(ctx, p)
	case errors.As(t.err, &lost):
		r.beginAnew([]cut{{p, lost.ResetTo}})
	case errors.Is(t.err, kerr.UnknownTopicID), errors.Is(t.err, kerr.UnknownTopicOrPartition), errors.Is(t.err, kerr.InconsistentTopicID):
		// The client never takes up another id by itself: it is made to forget
		// the topic, and the refresh finds out what became of it.
		r.forget(p.topic)
		r.refreshSoon()
	case transient(t.err):
	default:
		r.unassign(p)
		r.deferred = append(r.deferred, &ingest.UnreadableError{
			Topic: p.key.Topic, Partition: p.key.Partition, Offset: p.position, Err: r.unreadable(t.err),
		})
	}
}

// unreadable puts the error of a partition in words that say what to do.
func (r *Reader) unreadable(err error) error {
	var large *kgo.ErrDecompressTooLarge
	switch {
	case errors.As(err, &large):
		return fmt.Errorf("the batch at offset %d decompresses to more than %d MiB; to pass over it, move the place of this partition to %d by hand: %w",
			large.Offset, maxBatchBytes>>20, large.NextOffset, err)
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return fmt.Errorf("user %q may not read this topic; grant READ and DESCRIBE on it: %w", r.cfg.Connection.user(), err)
	default:
		return fmt.Errorf("the batch is damaged or of a kind that can't be read: %w", err)
	}
}

func isContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// transient reports whether the client goes on by itself after an error; the
// monitor says so where it lasts. A batch that the broker itself finds damaged
// stays so, though the protocol calls it worth another try.
func transient(err error) bool {
	if errors.Is(err, kerr.CorruptMessage) {
		return false
	}
	return kerr.IsRetriable(err) || kgo.IsRetryableBrokerErr(err) || isNetwork(err) || refused(err)
}
