/*
description: One row per lead.merged event, by which one lead disappears in another.
grain: [source, event_id]
event: lead.merged
owner: marketing
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
  occurred_at:  {description: When the two leads were merged., tests: [not_null]}
  ingested_at:  {description: When it came into the warehouse.}
  lead_id:      {description: The lead that disappears., tests: [not_null]}
  survivor_id:
    description: The lead that goes on in its place.
    tests: [not_null, {expression: survivor_id <> lead_id, severity: warn}]
  recorded_at:  {description: When the CRM stored it.}
*/
with events as (
    select * from raw.lead_merged_v1
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
    lead_id,
    survivor_id,
    recorded_at
from events
