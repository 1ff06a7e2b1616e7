/*
description: One row per case.replied event.
grain: [source, event_id]
event: case.replied
owner: service
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
  occurred_at:  {description: When the reply was sent., tests: [not_null]}
  ingested_at:  {description: When it came into the warehouse.}
  case_id:
    description: Identity of the case in the service desk.
    tests: [not_null, {relationships: {to: staging.case_opened, column: case_id}, severity: warn}]
  is_public:    {description: True where the customer can read the reply; false for a note among colleagues., tests: [not_null]}
  is_human:     {description: True where a person wrote it; false for an automatic reply., tests: [not_null]}
  agent_id:     {description: The employee who replied.}
  recorded_at:  {description: When the service desk stored it.}
*/
with events as (
    select * from raw.case_replied_v1
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
    case_id,
    is_public,
    is_human,
    agent_id,
    recorded_at
from events
