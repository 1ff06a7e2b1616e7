package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/funnelhouse/funnelhouse/ingest"
	"github.com/funnelhouse/funnelhouse/sources"
)

const (
	// soon is the least time between two refreshes.
	soon = 500 * time.Millisecond
	// refreshTimeout bounds one refresh, since reading waits for it.
	refreshTimeout = 5 * time.Second

	// The timestamps that ask for a position rather than a time.
	atEarliest      = -2
	atEnd           = -1
	atEarliestLocal = -4
)

// deniedError says that a topic named by a source may not be read.
type deniedError struct {
	topic, user string
	err         error
}

func (e *deniedError) Error() string {
	return fmt.Sprintf("list topic %s: user %q may not; grant DESCRIBE and READ on it: %v", e.topic, e.user, e.err)
}

func (e *deniedError) Unwrap() error { return e.err }

func (r *Reader) refreshSoon() { r.refreshWithin(soon) }

func (r *Reader) refreshWithin(wait time.Duration) {
	if at := time.Now().Add(wait); at.Before(r.refreshAt) {
		r.refreshAt = at
	}
}

// listing is the cluster's topics as one request told them.
type listing struct {
	topics    []kmsg.MetadataResponseTopic
	err       error
	refreshes int // how many refreshes there had been when it was asked for
	number    int // how many listings had been asked for with it
}

// look is somebody who waits until what the cluster holds has been taken up.
type look struct {
	after int // the listings asked for until then are too old
	done  chan error
}

// Look has the next Reads take up topics and partitions that are new, and those
// of topics that were re-created. The channel brings nil once that is done, or
// the error of asking. Only a goroutine that does not read may wait for it.
func (r *Reader) Look(ctx context.Context) (<-chan error, error) {
	if err := r.acquire(ctx); err != nil {
		return nil, err
	}
	defer r.release()
	done := make(chan error, 1)
	if !r.started {
		done <- nil // the first contact looks at everything
		return done, r.start(ctx)
	}
	r.looks = append(r.looks, look{r.asked, done})
	r.refreshAt = time.Time{}
	return done, nil
}

// looked answers those who wait for a listing as new as this one. An error is
// everyone's: the next listing may be long in coming.
func (r *Reader) looked(number int, err error) {
	r.looks = slices.DeleteFunc(r.looks, func(l look) bool {
		if err == nil && number <= l.after {
			return false
		}
		l.done <- err // never blocks: once, and there is room for it
		return true
	})
}

// refreshBeside lets a refresh wait for the brokers while reading goes on: it
// takes a listing that has come, and asks for the next when that is due.
func (r *Reader) refreshBeside(ctx context.Context) error {
	var err error
	select {
	case l := <-r.listings:
		r.listing = false
		switch {
		case l.err != nil:
			err = l.err
		case l.refreshes == r.refreshes:
			err = r.apply(ctx, l.topics)
		}
		r.looked(l.number, err)
	default:
	}
	if r.listing || time.Now().Before(r.refreshAt) {
		return err
	}
	r.listing = true
	r.refreshAt = time.Now().Add(r.cfg.RefreshEvery)
	r.asked++
	asked := listing{refreshes: r.refreshes, number: r.asked}
	go func() {
		asked.topics, asked.err = r.metadata(r.s.client.Context())
		r.listings <- asked // never blocks: one at a time
	}()
	return err
}

// refresh asks for the cluster's topics and waits for the answer.
func (r *Reader) refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	r.refreshes++
	topics, err := r.metadata(ctx)
	if err != nil {
		return err
	}
	r.refreshAt = time.Now().Add(r.cfg.RefreshEvery)
	if err := r.apply(ctx, topics); err != nil {
		return err
	}
	r.looked(r.asked+1, nil) // newer than any listing
	return nil
}

// apply assigns what is new among the cluster's topics, and begins a new life
// of a topic that was re-created.
func (r *Reader) apply(ctx context.Context, listed []kmsg.MetadataResponseTopic) error {
	ctx, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	for _, t := range r.topics {
		t.absent = true
	}
	for i := range listed {
		if err := r.admit(&listed[i]); err != nil {
			return err
		}
	}
	r.noteAbsent()
	return r.assignNew(ctx)
}

// metadata lists the topics that sources name, or all where one has a pattern.
func (r *Reader) metadata(ctx context.Context) ([]kmsg.MetadataResponseTopic, error) {
	req := kmsg.NewPtrMetadataRequest()
	names := make(map[string]bool)
	for _, s := range r.cfg.Sources {
		for _, name := range s.Kafka.Topics {
			names[name] = true
		}
	}
	for name := range names {
		if isPattern(name) {
			req.Topics = nil // all
			break
		}
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = new(name)
		req.Topics = append(req.Topics, t)
	}
	resp, err := req.RequestWith(ctx, r.s.client)
	if err != nil {
		return nil, fmt.Errorf("list kafka topics: %w", err)
	}
	return resp.Topics, nil
}

func isPattern(name string) bool { return strings.ContainsAny(name, "*?") }

// admit takes one listed topic into account.
func (r *Reader) admit(m *kmsg.MetadataResponseTopic) error {
	if m.Topic == nil {
		return nil
	}
	name := *m.Topic
	source, err := sources.Find(r.cfg.Sources, name)
	if err != nil {
		if !r.started {
			return err
		}
		if r.tell(name, "ambiguous") {
			r.log.Error("kafka topic is not read, two sources match it", "topic", name, "error", err)
		}
		return nil
	}
	if source == nil {
		return nil
	}
	if err := kerr.ErrorForCode(m.ErrorCode); err != nil {
		return r.notListed(name, err)
	}
	t := r.topics[name]
	if t == nil {
		t = r.newTopic(name, ingest.TopicID(m.TopicID), source)
		r.topics[name] = t
		r.log.Info("kafka topic is read", "topic", name, "source", source.Name, "partitions", len(m.Partitions), "epoch", t.epoch)
	}
	switch id := ingest.TopicID(m.TopicID); {
	case id == t.id, id == (ingest.TopicID{}):
	case slices.Contains(t.past, id):
		return nil // it counts as absent until the broker has caught up
	case t.id == (ingest.TopicID{}):
		t.id, t.untold = id, true // the brokers were upgraded
	default:
		r.newLife(t, id)
		r.log.Warn("kafka topic was re-created, reading it from its beginning", "topic", name, "epoch", t.epoch)
	}
	t.absent = false
	r.told[name] = ""
	for i := range m.Partitions {
		number := m.Partitions[i].Partition
		if t.partitions[number] == nil {
			t.partitions[number] = r.newPartition(t, number)
		}
	}
	t.lead(m)
	t.whole = true // partitions that are added from now on
	return nil
}

// notListed takes the error that a broker gave instead of a topic.
func (r *Reader) notListed(name string, err error) error {
	switch {
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		return nil // noteAbsent tells
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		denied := &deniedError{topic: name, user: r.cfg.Connection.user(), err: err}
		if !r.started {
			return denied
		}
		if r.tell(name, "denied") {
			r.log.Error("kafka topic may not be read", "topic", name, "error", denied)
		}
	default:
		r.refreshSoon() // no leader yet, and the like
	}
	if t := r.topics[name]; t != nil {
		t.absent = false
	}
	return nil
}

// newTopic finds out which life of the topic this is, by the place.
func (r *Reader) newTopic(name string, id ingest.TopicID, source *sources.Source) *topic {
	t := &topic{name: name, id: id, source: source, partitions: make(map[int32]*partition)}
	last, known := r.cfg.Place.Topics[name]
	t.untold = last.ID == (ingest.TopicID{}) && id != (ingest.TopicID{})
	for p := range r.cfg.Place.Offsets {
		if p.Topic == name && !known {
			t.epoch = max(t.epoch, p.Epoch)
		}
	}
	if known {
		t.epoch = last.Epoch
		if last.ID != id && last.ID != (ingest.TopicID{}) && id != (ingest.TopicID{}) {
			t.epoch++
			t.past = append(t.past, last.ID)
			r.log.Warn("kafka topic was re-created, reading it from its beginning", "topic", name, "epoch", t.epoch)
		}
	}
	// start is for the very first run alone: a topic that came later is read whole.
	t.whole = r.started || known || r.seenBefore(source)
	return t
}

// seenBefore reports whether an earlier run read a topic of the source.
func (r *Reader) seenBefore(source *sources.Source) bool {
	for name := range r.cfg.Place.Topics {
		if source.Matches(name) {
			return true
		}
	}
	return false
}

func (r *Reader) newPartition(t *topic, number int32) *partition {
	p := &partition{
		key:      ingest.Partition{Topic: t.name, Epoch: t.epoch, Partition: number},
		topic:    t,
		position: -1,
		leader:   leader{-1, -1},
		whole:    t.whole,
	}
	if at, ok := r.cfg.Place.Offsets[p.key]; ok {
		p.position = at
	}
	return p
}

// newLife begins the next epoch of a topic, from its beginning. The positions
// of the life before stay as they are in the caller's place.
func (r *Reader) newLife(t *topic, id ingest.TopicID) {
	r.forget(t)
	if t.id != id {
		t.past = append(t.past, t.id)
	}
	t.id = id
	t.epoch++
	t.whole = true
	t.cut = nil
	t.untold = false // its partitions begin, and tell it by that
	t.partitions = make(map[int32]*partition)
}

// noteAbsent says once what is named and does not exist, and once what has gone.
func (r *Reader) noteAbsent() {
	for name, t := range r.topics {
		if t.absent && r.anyAssigned(t) {
			r.forget(t)
			r.log.Warn("kafka topic is gone, its place is kept", "topic", name)
		}
	}
	var awaited []string
	for _, s := range r.cfg.Sources {
		for _, name := range s.Kafka.Topics {
			if r.exists(name) {
				delete(r.told, "awaited "+name)
			} else if r.tell("awaited "+name, "awaited") {
				awaited = append(awaited, name)
			}
		}
	}
	if len(awaited) > 0 {
		slices.Sort(awaited)
		r.log.Info("kafka topics do not exist yet and are awaited", "topics", slices.Compact(awaited))
	}
}

func (r *Reader) exists(name string) bool {
	if !isPattern(name) {
		return r.topics[name] != nil
	}
	pattern := &sources.Source{Kafka: &sources.Kafka{Topics: []string{name}}}
	for known := range r.topics {
		if pattern.Matches(known) {
			return true
		}
	}
	return false
}

func (r *Reader) anyAssigned(t *topic) bool {
	for _, p := range t.partitions {
		if p.assigned {
			return true
		}
	}
	return false
}
