/*
description: One row per employee.assigned event.
grain: [source, event_id]
event: employee.assigned
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
  occurred_at:  {description: When the assignment was decided., tests: [not_null]}
  ingested_at:  {description: When it came into the warehouse.}
  employee_id:  {description: Identity of the employee in the HR system., tests: [not_null]}
  org_unit_id:
    description: The department that the employee belongs to.
    tests: [not_null, {relationships: {to: staging.org_unit_changed, column: org_unit_id}, severity: warn}]
  post:         {description: The post that the employee holds there.}
  valid_from:   {description: First day in the department., tests: [not_null]}
  valid_to:     {description: "Last day in the department, that day included; null: until the next assignment."}
  recorded_at:  {description: When the HR system stored it.}
*/
with events as (
    select * from raw.employee_assigned_v1
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
    employee_id,
    org_unit_id,
    post,
    valid_from,
    valid_to,
    recorded_at
from events
