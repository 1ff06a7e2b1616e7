/*
description: One row per item.cancelled event.
grain: [source, event_id]
event: item.cancelled
owner: rnd
columns:
  _topic:       {description: Topic or file that the event came from.}
  _epoch:       {description: "Which life of the topic, counted from 0."}
  _partition:   {description: Partition of the topic.}
  _offset:      {description: Offset of the record in its partition.}
  _n:           {description: "Which event of the record, counted from 0."}
  _batch_id:    {description: The batch that brought it into the warehouse.}
  event_id:     {description: Identity that the producer gave to the event.}
  source:       {description: Where the event was produced; its ids are unique there.}
  subject:      {description: "What the event is about, as the producer named it."}
  occurred_at:  {description: When the item was cancelled., tests: [not_null]}
  ingested_at:  {description: When it came into the warehouse.}
  item_id:      {description: "The work item, such as a requirement or a milestone.", tests: [not_null]}
  reason:       {description: Why it was cancelled.}
  recorded_at:  {description: When the R&D system stored it.}
*/
with events as (
    select * from raw.item_cancelled_v1
)

select
    _topic,
    _epoch,
    _partition,
    _offset,
    _n,
    _batch_id,
    _id as event_id,
    _source as source,
    _subject as subject,
    _occurred_at as occurred_at,
    _ingested_at as ingested_at,
    item_id,
    reason,
    recorded_at
from events
