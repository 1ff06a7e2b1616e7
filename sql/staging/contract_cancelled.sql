/*
description: One row per contract.cancelled event.
grain: [source, event_id]
event: contract.cancelled
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
  occurred_at:    {description: When the contract was cancelled., tests: [not_null]}
  ingested_at:    {description: When it came into the warehouse.}
  contract_id:
    description: The contract that was cancelled.
    tests: [not_null, {relationships: {to: staging.contract_signed, column: contract_id}, severity: warn}]
  cancelled_date: {description: The day from which the contract no longer holds., tests: [not_null]}
  in_cooling_off: {description: "True where the customer withdrew within the cooling-off period: the contract never made a customer."}
  reason:         {description: Why the contract was cancelled.}
  recorded_at:    {description: When the CRM stored it.}
*/
with events as (
    select * from raw.contract_cancelled_v1
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
    contract_id,
    cancelled_date,
    in_cooling_off,
    reason,
    recorded_at
from events
