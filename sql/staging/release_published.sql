/*
description: One row per release.published event.
grain: [source, event_id]
event: release.published
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
  occurred_at:  {description: When the release went out., tests: [not_null]}
  ingested_at:  {description: When it came into the warehouse.}
  release_id:   {description: Identity of the release., tests: [not_null]}
  product:      {description: The product that was released., tests: [not_null]}
  version_name: {description: "Name of the version, such as 2.4.0.", tests: [not_null]}
  owner_id:     {description: The employee who answers for the release.}
  recorded_at:  {description: When the R&D system stored it.}
*/
with events as (
    select * from raw.release_published_v1
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
    release_id,
    product,
    version_name,
    owner_id,
    recorded_at
from events
