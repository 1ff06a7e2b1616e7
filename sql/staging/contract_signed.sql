/*
description: One row per contract.signed event.
grain: [source, event_id]
event: contract.signed
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
  occurred_at:    {description: When the contract was signed., tests: [not_null]}
  ingested_at:    {description: When it came into the warehouse.}
  contract_id:    {description: Identity of the contract., tests: [not_null]}
  customer_id:    {description: The customer who signed., tests: [not_null]}
  amount:         {description: "Total contract value, without tax.", tests: [not_null, {expression: amount >= 0}]}
  currency:       {description: "Currency of the amount, as an ISO 4217 code such as CNY.", tests: [not_null]}
  effective_date: {description: The day from which the contract holds; it counts on this day., tests: [not_null]}
  product:        {description: The product that was sold.}
  region:         {description: Sales region of the customer.}
  market_id:      {description: The market that the sale counts in; sizes are published for it.}
  opportunity_id: {description: The opportunity that it came from.}
  lead_id:        {description: The lead that it came from.}
  owner_id:       {description: The employee who is credited with the contract.}
  is_test:        {description: True for a test or an internal record; it counts nowhere.}
  recorded_at:    {description: When the CRM stored it.}
*/
with events as (
    select * from raw.contract_signed_v1
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
    customer_id,
    amount,
    currency,
    effective_date,
    product,
    region,
    market_id,
    opportunity_id,
    lead_id,
    owner_id,
    is_test,
    recorded_at
from events
