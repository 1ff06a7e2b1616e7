/*
description: "One row per org_unit.changed event: what a department is from a day on."
grain: [source, event_id]
event: org_unit.changed
owner: hr
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
  occurred_at:  {description: When the change was decided., tests: [not_null]}
  ingested_at:  {description: When it came into the warehouse.}
  org_unit_id:  {description: "The department, by its id in the HR system.", tests: [not_null]}
  name:         {description: Name of the department from that day on., tests: [not_null]}
  kind:
    description: "What the department does: management, marketing, rnd (research and development), sales, service or other."
    tests: [not_null, {accepted_values: [management, marketing, rnd, sales, service, other]}]
  parent_id:
    description: The department above it; none for the company as a whole.
    tests: [{relationships: {to: staging.org_unit_changed, column: org_unit_id}, severity: warn}]
  valid_from:   {description: First day on which it holds., tests: [not_null]}
  recorded_at:  {description: When the HR system stored it.}
*/
with events as (
    select * from raw.org_unit_changed_v1
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
    org_unit_id,
    name,
    kind,
    parent_id,
    valid_from,
    recorded_at
from events
