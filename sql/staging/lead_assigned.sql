/*
description: One row per lead.assigned event.
grain: [source, event_id]
event: lead.assigned
owner: sales
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
  occurred_at:  {description: When the lead was assigned., tests: [not_null]}
  ingested_at:  {description: When it came into the warehouse.}
  lead_id:
    description: Identity of the lead in the CRM.
    tests: [not_null, {relationships: {to: staging.lead_created, column: lead_id}, severity: warn}]
  assignee_id:  {description: The employee who works on the lead from now on., tests: [not_null]}
  org_unit_id:  {description: The department that the lead was given to.}
  reason:       {description: Why it was assigned or passed on.}
  recorded_at:  {description: When the CRM stored it.}
*/
with events as (
    select * from raw.lead_assigned_v1
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
    assignee_id,
    org_unit_id,
    reason,
    recorded_at
from events
