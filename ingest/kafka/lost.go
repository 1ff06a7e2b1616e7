package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// surveyTimeout bounds the look at the ends ahead of an assignment, since
// reading waits for it.
const surveyTimeout = 2 * time.Second

// cut is a log that ends before our position: brokers have lost records that we
// have read, and will give their offsets to others.
type cut struct {
	p   *partition
	end int64
}

// outOfRange deals with a position that the log doesn't hold.
func (r *Reader) outOfRange(ctx context.Context, p *partition) {
	ctx, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	// A re-created topic may show itself in this way first.
	err := r.refresh(ctx)
	if err == nil && !r.current(p) {
		return
	}
	r.unassign(p)
	r.refreshSoon() // assigns it again, wherever it stands by then
	starts, err2 := r.list(ctx, []*partition{p}, func(*partition) int64 { return atEarliest })
	start, ok := starts[p]
	if err != nil || !ok {
		wait := min(maxBackoff, r.cfg.RefreshEvery)
		r.s.mon.away(r.s.mon.lastFailed(), errors.Join(err, err2), wait)
		return
	}
	if p.position < start {
		r.log.ErrorContext(ctx, "kafka records were removed before they were read",
			"topic", p.key.Topic, "partition", p.key.Partition, "wanted", p.position, "available", start)
		r.advance(p, start)
		r.assign(p)
		return
	}
	// An error means that the broker does not answer now: the refresh looks again.
	_, cuts, _ := r.survey(ctx, []*partition{p})
	r.beginAnew(cuts)
}

// current reports whether a partition still belongs to the topic's life that
// is being read.
func (r *Reader) current(p *partition) bool {
	return r.topics[p.key.Topic] == p.topic && p.topic.partitions[p.key.Partition] == p
}

// survey asks for the ends of partitions and finds the logs that were cut. What
// follows from a cut can't be taken back, and an end may lag behind: a new leader
// learns late how far its log is valid. So one below the position is believed
// only where a fetch finds the leader's log itself too short. It is asked at
// once, since every record that a cut log gains hides the cut. A partition for
// which that could not be found out is absent from the result, and the reason is
// in the error.
func (r *Reader) survey(ctx context.Context, parts []*partition) (map[*partition]int64, []cut, error) {
	ends, err := r.list(ctx, parts, func(*partition) int64 { return atEnd })
	problems := []error{err}
	var cuts []cut
	found := make(map[*topic]bool) // one cut is enough for a topic
	for p, end := range ends {
		if p.position <= end || p.topic.cut != nil || found[p.topic] {
			continue
		}
		beyond, err := r.beyondLog(ctx, p)
		if err != nil {
			problems = append(problems, fmt.Errorf("find out whether the log of [%s/%d] ends at %d, before position %d: %w",
				p.key.Topic, p.key.Partition, end, p.position, err))
			delete(ends, p)
			continue
		}
		if beyond {
			found[p.topic] = true
			cuts = append(cuts, cut{p, end})
		}
	}
	return ends, cuts, errors.Join(problems...)
}

// beyondLog reports whether the position lies outside of the leader's log.
func (r *Reader) beyondLog(ctx context.Context, p *partition) (bool, error) {
	if p.leader.broker < 0 {
		return false, kerr.LeaderNotAvailable
	}
	for tries := 1; ; tries++ {
		rp, err := r.fetch(ctx, p, p.leader)
		var quota *quotaError
		if errors.As(err, &quota) && tries < 3 {
			if err := sleep(ctx, max(quotaPause, min(quota.wait, maxProbeWait))); err != nil {
				return false, err
			}
			continue
		}
		if err != nil {
			return false, err
		}
		err = kerr.ErrorForCode(rp.ErrorCode)
		if errors.Is(err, kerr.OffsetOutOfRange) {
			return true, nil
		}
		return false, err
	}
}

// beginAnew begins the next life of topics whose logs were cut. The offsets of
// the life before name two records each; what is read twice shows in the dedupe
// key, and nothing is lost.
func (r *Reader) beginAnew(cuts []cut) {
	for _, c := range cuts {
		t := c.p.topic
		if !r.current(c.p) {
			continue // by another of its partitions, or it was re-created
		}
		r.log.Error("kafka has lost records that were read",
			"topic", t.name, "partition", c.p.key.Partition, "position", c.p.position, "end", c.end)
		before := t.partitions
		r.newLife(t, t.id)
		// Known from now on, so that Ends never leaves them out.
		for number, p := range before {
			t.partitions[number] = r.newPartition(t, number)
			t.partitions[number].leader = p.leader
		}
		r.log.Warn("kafka topic was truncated, reading it from its beginning", "topic", t.name, "epoch", t.epoch)
		r.refreshSoon()
	}
}

// takeCuts does what Ends has found due. It is left to the goroutine that
// reads, which may hold records of the life before in its hands.
func (r *Reader) takeCuts() {
	for _, t := range r.topics {
		if t.cut != nil {
			r.beginAnew([]cut{*t.cut})
		}
	}
}

// settled returns those of the partitions whose position the log still holds,
// as far as brokers answer, and begins the next life of topics that were cut.
func (r *Reader) settled(ctx context.Context, parts []*partition) ([]*partition, error) {
	surveyCtx, cancel := context.WithTimeout(ctx, surveyTimeout)
	defer cancel()
	ends, cuts, err := r.survey(surveyCtx, parts)
	r.beginAnew(cuts)
	var known []*partition
	for _, p := range parts {
		if _, ok := ends[p]; ok && r.current(p) {
			known = append(known, p)
		}
	}
	if len(known) < len(parts) {
		r.refreshWithin(min(maxBackoff, r.cfg.RefreshEvery))
	}
	if err != nil && ctx.Err() == nil && (isContext(err) || transient(err)) {
		// One broker that does not answer must not hold up the others.
		r.s.mon.away(r.s.mon.lastFailed(), err, maxBackoff)
		err = nil
	}
	return known, err
}

// lead takes down which broker leads each partition. The epoch lets a broker
// that was its leader before, or that does not know yet that it is, say so.
func (t *topic) lead(m *kmsg.MetadataResponseTopic) {
	for i := range m.Partitions {
		if p := t.partitions[m.Partitions[i].Partition]; p != nil {
			p.leader = leader{m.Partitions[i].Leader, m.Partitions[i].LeaderEpoch}
		}
	}
}
