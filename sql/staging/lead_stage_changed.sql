/*
description: One row per lead.stage_changed event.
grain: [source, event_id]
event: lead.stage_changed
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
  occurred_at:  {description: When the lead changed its stage., tests: [not_null]}
  ingested_at:  {description: When it came into the warehouse.}
  lead_id:
    description: Identity of the lead in the CRM.
    tests:
      - not_null
      # A lead that was never created has no place in a funnel: marts.leads leaves
      # it out, and this warning shows how many there are. It also counts the changes
      # of a survivor that was never created itself, although marts.leads has that
      # lead where one that was created was merged into it.
      - {relationships: {to: staging.lead_created, column: lead_id}, severity: warn}
  from_stage:   {description: The stage that the lead left.}
  to_stage:
    description: The stage that the lead entered.
    tests: [not_null, {accepted_values: [new, mql, sal, sql, opportunity, won, lost]}]
  owner_id:     {description: The employee who looks after the lead since the change.}
  reason:       {description: "Why the stage changed, for a lost lead why it was lost."}
  recorded_at:  {description: When the CRM stored it.}
*/
with events as (
    select * from raw.lead_stage_changed_v1
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
    from_stage,
    to_stage,
    owner_id,
    reason,
    recorded_at
from events
