package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/funnelhouse/funnelhouse/ingest"
)

// assignNew starts the partitions that are not fetched yet. One whose position
// can't be found out now, or whose log can't be held against it, is tried again.
func (r *Reader) assignNew(ctx context.Context) error {
	placed, _ := r.waiting()
	// First of all, since a topic that was cut begins with partitions anew.
	placed, unsettled := r.settled(ctx, placed)
	_, unplaced := r.waiting()
	starts, err := r.starts(ctx, unplaced)
	for _, p := range unplaced {
		at, ok := starts[p]
		if !ok {
			r.refreshSoon()
			continue
		}
		p.position = at
		r.tellMove(p, at, at)
		r.assign(p)
	}
	for _, p := range placed {
		r.assign(p)
	}
	r.tellIDs()
	if err != nil && transient(err) { // one partition without a leader must not hold up the others
		r.s.mon.away(r.s.mon.lastFailed(), err, soon)
		err = nil
	}
	return errors.Join(unsettled, err)
}

// waiting returns the partitions that are not fetched: those whose position is
// known, and the others.
func (r *Reader) waiting() (placed, unplaced []*partition) {
	for _, t := range r.topics {
		if t.absent || t.cut != nil {
			continue
		}
		for _, p := range t.partitions {
			switch {
			case p.assigned:
			case p.position < 0:
				unplaced = append(unplaced, p)
			default:
				placed = append(placed, p)
			}
		}
	}
	return placed, unplaced
}

// tellIDs has topics that got an id tell it by the partitions that have a
// position already, for the caller to store it: without it, a re-creation while
// we are away would not show.
func (r *Reader) tellIDs() {
	for _, t := range r.topics {
		if !t.untold || t.absent {
			continue
		}
		t.untold = false
		for _, p := range t.partitions {
			if p.position >= 0 {
				r.tellMove(p, p.position, p.position)
			}
		}
	}
}

// starts finds where partitions begin that were never read.
func (r *Reader) starts(ctx context.Context, parts []*partition) (map[*partition]int64, error) {
	var timed []*partition
	at, err := r.list(ctx, parts, func(p *partition) int64 {
		start := p.topic.source.Kafka.Start
		switch {
		case p.whole:
			return atEarliest
		case start.Latest:
			return atEnd
		case !start.At.IsZero():
			timed = append(timed, p)
			return atEnd
		default:
			return atEarliest
		}
	})
	if len(timed) == 0 {
		return at, err
	}
	// The ends were asked for first: a record that arrives in between is at or
	// after its end, so the lower of the two never passes over it.
	byTime, err2 := r.list(ctx, timed, func(p *partition) int64 {
		return p.topic.source.Kafka.Start.At.UnixMilli()
	})
	for _, p := range timed {
		found, ok := byTime[p]
		end, ended := at[p]
		switch {
		case !ok || !ended:
			delete(at, p)
		case found >= 0: // none at or after the instant: -1
			at[p] = min(found, end)
		}
	}
	return at, errors.Join(err, err2)
}

// list asks for the positions of partitions, with transactions that are still
// open out of reach. A partition that gives none is absent from the result,
// and the reason is in the error.
func (r *Reader) list(ctx context.Context, parts []*partition, when func(*partition) int64) (map[*partition]int64, error) {
	found := make(map[*partition]int64, len(parts))
	if len(parts) == 0 {
		return found, nil
	}
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	req.IsolationLevel = 1
	asked := make(map[string]map[int32]*partition)
	for _, p := range parts {
		if asked[p.key.Topic] == nil {
			asked[p.key.Topic] = make(map[int32]*partition)
		}
		asked[p.key.Topic][p.key.Partition] = p
	}
	for name, byNumber := range asked {
		rt := kmsg.NewListOffsetsRequestTopic()
		rt.Topic = name
		for number, p := range byNumber {
			rp := kmsg.NewListOffsetsRequestTopicPartition()
			rp.Partition = number
			rp.Timestamp = when(p)
			rt.Partitions = append(rt.Partitions, rp)
		}
		req.Topics = append(req.Topics, rt)
	}
	var problems []error
	for _, shard := range r.s.client.RequestSharded(ctx, req) {
		if shard.Err != nil {
			problems = append(problems, fmt.Errorf("list kafka offsets at broker %s: %w", shard.Meta.Host, shard.Err))
			continue
		}
		resp, ok := shard.Resp.(*kmsg.ListOffsetsResponse)
		if !ok {
			problems = append(problems, fmt.Errorf("list kafka offsets at broker %s: the answer is a %T", shard.Meta.Host, shard.Resp))
			continue
		}
		for _, rt := range resp.Topics {
			for _, rp := range rt.Partitions {
				p := asked[rt.Topic][rp.Partition]
				if err := kerr.ErrorForCode(rp.ErrorCode); err != nil {
					problems = append(problems, fmt.Errorf("list kafka offsets of [%s/%d]: %w", rt.Topic, rp.Partition, err))
				} else if p != nil {
					found[p] = rp.Offset
				}
			}
		}
	}
	return found, errors.Join(problems...)
}

func (r *Reader) assign(p *partition) {
	p.assigned = true
	r.consumer.AddConsumePartitions(map[string]map[int32]kgo.Offset{
		p.key.Topic: {p.key.Partition: kgo.NewOffset().At(p.position)},
	})
}

// unassign stops fetching a partition; the next refresh starts it again at its
// position.
func (r *Reader) unassign(p *partition) {
	p.assigned = false
	r.consumer.RemoveConsumePartitions(map[string][]int32{p.key.Topic: {p.key.Partition}})
}

// forget makes the client drop all it knows of a topic.
func (r *Reader) forget(t *topic) {
	for _, p := range t.partitions {
		p.assigned = false
	}
	r.consumer.PurgeTopicsFromConsuming(t.name)
}

// advance moves a position over what holds nothing to deliver.
func (r *Reader) advance(p *partition, next int64) {
	r.tellMove(p, p.position, next)
	p.position = next
}

// tellMove adds a chunk that tells a position without records, one a partition.
func (r *Reader) tellMove(p *partition, first, next int64) {
	for i := range r.fresh {
		if r.fresh[i].Partition == p.key {
			r.fresh[i].Next = next
			return
		}
	}
	r.fresh = append(r.fresh, ingest.Chunk{
		Partition: p.key, TopicID: p.topic.id, Source: p.topic.source, First: first, Next: next,
	})
}
