/*
description: One row per commitment.rebaselined event.
grain: [source, event_id]
event: commitment.rebaselined
owner: rnd
columns:
  _topic:        {description: Topic or file that the event came from.}
  _epoch:        {description: "Which life of the topic, counted from 0."}
  _partition:    {description: Partition of the topic.}
  _offset:       {description: Offset of the record in its partition.}
  _n:            {description: "Which event of the record, counted from 0."}
  _batch_id:     {description: The batch that brought it into the warehouse.}
  event_id:      {description: Identity that the producer gave to the event.}
  source:        {description: Where the event was produced; its ids are unique there.}
  subject:       {description: "What the event is about, as the producer named it."}
  occurred_at:   {description: When the new day was set., tests: [not_null]}
  ingested_at:   {description: When it came into the warehouse.}
  commitment_id:
    description: Identity of the commitment.
    tests: [not_null, {relationships: {to: staging.commitment_made, column: commitment_id}, severity: warn}]
  new_date:      {description: The day by whose end it is to be delivered now., tests: [not_null]}
  approved_at:   {description: "When the new day was approved; null: when it was set."}
  approved_by:   {description: The employee who approved it.}
  reason:        {description: Why the day was moved.}
  recorded_at:   {description: When the R&D system stored it.}
*/
with events as (
    select * from raw.commitment_rebaselined_v1
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
    commitment_id,
    new_date,
    approved_at,
    approved_by,
    reason,
    recorded_at
from events
