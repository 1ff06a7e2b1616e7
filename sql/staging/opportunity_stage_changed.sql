/*
description: One row per opportunity.stage_changed event.
grain: [source, event_id]
event: opportunity.stage_changed
owner: sales
columns:
  _topic:         {description: Topic or file that the event came from.}
  _epoch:         {description: "Which life of the topic, counted from 0."}
  _partition:     {description: Partition of the topic.}
  _offset:        {description: Offset of the record in its partition.}
  _n:             {description: "Which event of the record, counted from 0."}
  _batch_id:      {description: The batch that brought it into the warehouse.}
  event_id:       {description: Identity that the producer gave to the event.}
  source:         {description: Where the event was produced; its ids are unique there.}
  subject:        {description: "What the event is about, as the producer named it."}
  occurred_at:    {description: When the opportunity changed its stage., tests: [not_null]}
  ingested_at:    {description: When it came into the warehouse.}
  opportunity_id:
    description: Identity of the opportunity in the CRM.
    tests: [not_null, {relationships: {to: staging.opportunity_created, column: opportunity_id}, severity: warn}]
  from_stage:     {description: The stage that the opportunity left.}
  to_stage:       {description: The stage that the opportunity entered., tests: [not_null]}
  to_category:
    description: "What the new stage means, whatever its name: open, won or lost. Open reopens a closed opportunity."
    tests: [not_null, {accepted_values: [open, won, lost]}]
  amount:         {description: The contract value that is hoped for at the new stage., tests: [{expression: amount >= 0}]}
  owner_id:       {description: The employee who answers for the opportunity since the change.}
  recorded_at:    {description: When the CRM stored it.}
*/
with events as (
    select * from raw.opportunity_stage_changed_v1
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
    opportunity_id,
    from_stage,
    to_stage,
    to_category,
    amount,
    owner_id,
    recorded_at
from events
