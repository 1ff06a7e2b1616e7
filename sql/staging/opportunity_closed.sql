/*
description: One row per opportunity.closed event.
grain: [source, event_id]
event: opportunity.closed
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
  occurred_at:    {description: When the opportunity was closed., tests: [not_null]}
  ingested_at:    {description: When it came into the warehouse.}
  opportunity_id:
    description: Identity of the opportunity in the CRM.
    tests: [not_null, {relationships: {to: staging.opportunity_created, column: opportunity_id}, severity: warn}]
  result:
    description: won, lost, or no_decision where the customer bought from nobody.
    tests: [not_null, {accepted_values: [won, lost, no_decision]}]
  reason:         {description: Why it ended so.}
  amount:         {description: The contract value at the close; often 0 or missing where it was lost., tests: [{expression: amount >= 0}]}
  currency:       {description: "Currency of the amount, as an ISO 4217 code such as CNY."}
  owner_id:       {description: The employee who answered for the opportunity at its close.}
  customer_id:    {description: The customer.}
  recorded_at:    {description: When the CRM stored it.}
*/
with events as (
    select * from raw.opportunity_closed_v1
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
    result,
    reason,
    amount,
    currency,
    owner_id,
    customer_id,
    recorded_at
from events
