package warehouse

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"

	"github.com/funnelhouse/funnelhouse/ingest"
)

// placeBook is what ingest.offsets and ingest.topics hold, as Append knows it.
type placeBook struct {
	offsets map[ingest.Partition]int64
	topics  map[topicLife]ingest.TopicID
}

type topicLife struct {
	topic string
	epoch int32
}

// readState fills what Append keeps in memory.
func (w *Warehouse) readState(ctx context.Context) error {
	place, err := readPlace(ctx, w.db)
	if err != nil {
		return err
	}
	w.places = placeBook{offsets: place.Offsets, topics: map[topicLife]ingest.TopicID{}}
	if err := eachTopic(ctx, w.db, func(life topicLife, id ingest.TopicID) { w.places.topics[life] = id }); err != nil {
		return err
	}
	return w.db.QueryRowContext(ctx, "select coalesce(max(batch_id), 0) from ingest.ledger").Scan(&w.batch)
}

func readPlace(ctx context.Context, db *sql.DB) (ingest.Place, error) {
	place := ingest.Place{Topics: map[string]ingest.Topic{}, Offsets: map[ingest.Partition]int64{}}
	err := eachTopic(ctx, db, func(life topicLife, id ingest.TopicID) {
		place.Topics[life.topic] = ingest.Topic{Epoch: life.epoch, ID: id} // the highest epoch comes last
	})
	if err != nil {
		return place, err
	}
	return place, each(ctx, db, func(rows *sql.Rows) error {
		var p ingest.Partition
		var next int64
		err := rows.Scan(&p.Topic, &p.Epoch, &p.Partition, &next)
		place.Offsets[p] = next
		return err
	}, "select topic, epoch, partition, next_offset from ingest.offsets")
}

// eachTopic calls f for every life of every topic, by epochs ascending.
func eachTopic(ctx context.Context, db *sql.DB, f func(topicLife, ingest.TopicID)) error {
	return each(ctx, db, func(rows *sql.Rows) error {
		var life topicLife
		var text string
		var id ingest.TopicID
		if err := rows.Scan(&life.topic, &life.epoch, &text); err != nil {
			return err
		}
		if n, err := hex.Decode(id[:], []byte(text)); err != nil || n != len(id) {
			return fmt.Errorf("ingest.topics: %s has the topic id %q, which is none", life.topic, text)
		}
		f(life, id)
		return nil
	}, "select topic, epoch, topic_id from ingest.topics order by topic, epoch")
}

// each calls row for every row of a query.
func each(ctx context.Context, db *sql.DB, row func(*sql.Rows) error, query string, args ...any) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
