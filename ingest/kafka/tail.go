package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/funnelhouse/funnelhouse/ingest"
)

const (
	probeBytes = 1 << 20
	// probeFetches bounds one probe; a longer tail is passed in several.
	probeFetches = 64
	maxProbeWait = 5 * time.Second
	// probeTimeout bounds a probe, since reading waits for it.
	probeTimeout = time.Second
	// quotaPause is the least wait after a fetch over the quota.
	quotaPause = 100 * time.Millisecond
)

// Ends returns the last stable offset of each partition being read. A topic
// that is gone, or that was re-created and is not taken up yet, is left out. One
// whose log was cut below a position shows under its next epoch, which the next
// Read begins: such a partition was not read, even where its end is zero.
func (r *Reader) Ends(ctx context.Context) (map[ingest.Partition]int64, error) {
	if err := r.acquire(ctx); err != nil {
		return nil, err
	}
	defer r.release()
	if err := r.start(ctx); err != nil {
		return nil, err
	}
	listed, err := r.metadata(ctx)
	if err != nil {
		return nil, err
	}
	var parts []*partition
	for i := range listed {
		m := &listed[i]
		if m.Topic == nil || r.topics[*m.Topic] == nil {
			continue
		}
		t := r.topics[*m.Topic]
		switch err := kerr.ErrorForCode(m.ErrorCode); {
		case errors.Is(err, kerr.UnknownTopicOrPartition):
			continue
		case err != nil:
			return nil, fmt.Errorf("list kafka topic %s: %w", t.name, err)
		}
		if id := ingest.TopicID(m.TopicID); id != t.id && id != (ingest.TopicID{}) && t.id != (ingest.TopicID{}) {
			r.refreshSoon()
			continue
		}
		t.lead(m)
		for _, p := range t.partitions {
			parts = append(parts, p)
		}
	}
	found, cuts, err := r.survey(ctx, parts)
	for i := range cuts {
		cuts[i].p.topic.cut = &cuts[i]
	}
	if err != nil {
		return nil, err
	}
	ends := make(map[ingest.Partition]int64, len(found))
	for p, end := range found {
		key := p.key
		if p.topic.cut != nil {
			key.Epoch++
		}
		ends[key] = end
	}
	return ends, nil
}

// passTails moves positions over ends of partitions that hold nothing to
// deliver: the client passes over aborted records, markers and compacted
// ranges without telling, so a position would stay below the end until the
// next record comes. It runs when nothing has arrived for the idle time.
func (r *Reader) passTails(ctx context.Context) ([]ingest.Chunk, error) {
	if time.Now().Before(r.probeAt) {
		return nil, nil
	}
	var parts []*partition
	for _, t := range r.topics {
		for _, p := range t.partitions {
			if p.assigned && t.cut == nil {
				parts = append(parts, p)
			}
		}
	}
	listCtx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	ends, _ := r.list(listCtx, parts, func(*partition) int64 { return atEnd }) // one without an end is left for the next time
	var quota *quotaError
	for _, p := range parts {
		if end, ok := ends[p]; !ok || p.position >= end {
			continue
		}
		err := r.passTail(listCtx, p)
		if errors.As(err, &quota) {
			break // the others would only wait; whose turn is first changes
		}
		if err != nil && !isContext(err) && !transient(err) {
			r.handle(ctx, trouble{p, err})
		}
	}
	chunks := r.takeFresh()
	r.probeWait = min(maxProbeWait, max(r.cfg.IdleAfter, 2*r.probeWait))
	if len(chunks) > 0 {
		r.probeWait = 0
	}
	wait := r.probeWait
	if quota != nil {
		wait = min(maxProbeWait, max(wait, quota.wait))
	}
	r.probeAt = time.Now().Add(wait)
	return chunks, ctx.Err()
}

// passTail fetches from the position itself, and moves it as far as there is
// nothing to deliver. No record is skipped by this: a fetch below the last
// stable offset returns whole batches whose fate is decided, in order; the
// position goes to the end of what was decoded and never past a record. What
// arrives later lies behind it. What was proved stays where a later fetch fails.
func (r *Reader) passTail(ctx context.Context, p *partition) error {
	for range probeFetches {
		next, err := r.probe(ctx, p)
		if err != nil {
			return err
		}
		if next <= p.position {
			break
		}
		r.advance(p, next)
		p.passedTo = next
	}
	return nil
}

// probe fetches from the position once, and returns the offset up to which
// there is nothing to deliver.
func (r *Reader) probe(ctx context.Context, p *partition) (int64, error) {
	broker, _, err := r.consumer.PartitionLeader(p.key.Topic, p.key.Partition)
	if err != nil || broker < 0 {
		return 0, kerr.LeaderNotAvailable
	}
	rp, err := r.fetch(ctx, p, leader{broker, -1})
	if err != nil {
		return 0, err
	}
	if err := kerr.ErrorForCode(rp.ErrorCode); err != nil {
		return 0, err
	}
	if len(rp.RecordBatches) == 0 {
		if ok, err := r.local(ctx, p); err != nil || !ok {
			return p.position, err
		}
		return rp.LastStableOffset, nil
	}
	fp, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{
		KeepControlRecords: true,
		Offset:             p.position,
		IsolationLevel:     kgo.ReadCommitted(),
		Topic:              p.key.Topic,
		Partition:          p.key.Partition,
	}, rp, r.decompressor, nil)
	if fp.Err != nil {
		return 0, fp.Err
	}
	if next <= p.position && len(fp.Records) == 0 {
		return 0, errors.New("the batch holds fewer records than it says")
	}
	for _, rec := range fp.Records {
		if !rec.Attrs.IsControl() {
			return min(next, rec.Offset), nil // the client will deliver it
		}
	}
	return next, nil
}

// local reports whether the position lies in the part of the log that the broker
// holds itself. Only there does a fetch without batches prove that a range is
// empty: from tiered storage it may as well mean that the data was not there in time.
func (r *Reader) local(ctx context.Context, p *partition) (bool, error) {
	found, err := r.list(ctx, []*partition{p}, func(*partition) int64 { return atEarliestLocal })
	if errors.Is(err, kerr.UnsupportedVersion) {
		return true, nil // before Kafka 3.0 nothing is tiered
	}
	start, ok := found[p]
	return ok && p.position >= start, err
}

// quotaError says that the broker gave no answer to a fetch because we are over
// our quota. To try again later is all there is to it.
type quotaError struct{ wait time.Duration }

func (e *quotaError) Error() string { return "the broker answers no fetch now: " + e.Unwrap().Error() }

func (e *quotaError) Unwrap() error { return kerr.ThrottlingQuotaExceeded }

// fetch reads one partition once from its position, at the broker that leads
// it, without waiting for more than is there.
func (r *Reader) fetch(ctx context.Context, p *partition, at leader) (*kmsg.FetchResponseTopicPartition, error) {
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis = 100
	req.MinBytes = 0
	req.MaxBytes = probeBytes
	req.IsolationLevel = 1
	req.SessionEpoch = -1 // no session
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic, rt.TopicID = p.key.Topic, p.topic.id
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.Partition = p.key.Partition
	rp.CurrentLeaderEpoch = at.epoch
	rp.FetchOffset = p.position
	rp.LastFetchedEpoch = -1
	rp.LogStartOffset = -1
	rp.PartitionMaxBytes = probeBytes
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	answer, err := r.s.client.Broker(int(at.broker)).RetriableRequest(ctx, req)
	if err != nil {
		return nil, err
	}
	resp, ok := answer.(*kmsg.FetchResponse)
	if !ok {
		return nil, fmt.Errorf("fetch [%s/%d@%d]: the answer is a %T", p.key.Topic, p.key.Partition, p.position, answer)
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return nil, err
	}
	if len(resp.Topics) == 0 {
		return nil, &quotaError{wait: time.Duration(resp.ThrottleMillis) * time.Millisecond}
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return nil, fmt.Errorf("fetch [%s/%d@%d]: the broker answered for %d topics", p.key.Topic, p.key.Partition, p.position, len(resp.Topics))
	}
	return &resp.Topics[0].Partitions[0], nil
}

func isNetwork(err error) bool {
	var ne net.Error
	return errors.As(err, &ne)
}
