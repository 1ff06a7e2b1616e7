/*
description: One row per size.measured event.
grain: [source, event_id]
event: size.measured
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
  occurred_at:  {description: When the size was measured., tests: [not_null]}
  ingested_at:  {description: When it came into the warehouse.}
  release_id:
    description: The release that was measured.
    tests: [not_null, {relationships: {to: staging.release_published, column: release_id}, severity: warn}]
  size:         {description: "How large it is, in size_unit.", tests: [not_null, {expression: size >= 0}]}
  size_unit:
    description: "What the size counts: kloc (thousand lines of code), function_points, story_points or units (of hardware)."
    tests: [not_null, {accepted_values: [kloc, function_points, story_points, units]}]
  recorded_at:  {description: When the R&D system stored it.}
*/
with events as (
    select * from raw.size_measured_v1
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
    size,
    size_unit,
    recorded_at
from events
