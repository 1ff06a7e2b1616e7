/*
description: One row per order.placed event.
grain: [source, event_id]
event: order.placed
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
  occurred_at:    {description: When the order was placed., tests: [not_null]}
  ingested_at:    {description: When it came into the warehouse.}
  order_id:       {description: Identity of the order., tests: [not_null]}
  customer_id:    {description: The customer who ordered., tests: [not_null]}
  contract_id:    {description: The contract that the order draws on.}
  amount:         {description: "Value of the order, without tax.", tests: [not_null, {expression: amount >= 0}]}
  currency:       {description: "Currency of the amount, as an ISO 4217 code such as CNY.", tests: [not_null]}
  units:          {description: Units ordered., tests: [not_null, {expression: units >= 0}]}
  product:        {description: The product that was ordered.}
  region:         {description: Sales region of the customer.}
  market_id:      {description: The market that the sale counts in; sizes are published for it.}
  opportunity_id: {description: The opportunity that it came from.}
  lead_id:        {description: The lead that it came from.}
  owner_id:       {description: The employee who is credited with the order.}
  is_test:        {description: True for a test or an internal record; it counts nowhere.}
  recorded_at:    {description: When the CRM stored it.}
*/
with events as (
    select * from raw.order_placed_v1
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
    order_id,
    customer_id,
    contract_id,
    amount,
    currency,
    units,
    product,
    region,
    market_id,
    opportunity_id,
    lead_id,
    owner_id,
    is_test,
    recorded_at
from events
