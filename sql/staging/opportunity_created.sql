/*
description: One row per opportunity.created event.
grain: [source, event_id]
event: opportunity.created
owner: sales
columns:
  _topic:              {description: Topic or file that the event came from.}
  _epoch:              {description: "Which life of the topic, counted from 0."}
  _partition:          {description: Partition of the topic.}
  _offset:             {description: Offset of the record in its partition.}
  _n:                  {description: "Which event of the record, counted from 0."}
  _batch_id:           {description: The batch that brought it into the warehouse.}
  event_id:            {description: Identity that the producer gave to the event.}
  source:              {description: Where the event was produced; its ids are unique there.}
  subject:             {description: "What the event is about, as the producer named it."}
  occurred_at:         {description: When the opportunity became known., tests: [not_null]}
  ingested_at:         {description: When it came into the warehouse.}
  opportunity_id:      {description: Identity of the opportunity in the CRM., tests: [not_null]}
  lead_id:             {description: The lead that it came from.}
  customer_id:         {description: The customer.}
  product:             {description: The product that is to be sold.}
  region:              {description: Sales region of the opportunity.}
  market_id:           {description: The market that the sale counts in; sizes are published for it.}
  owner_id:            {description: The employee who answers for the opportunity.}
  stage:               {description: "The stage that it begins in, as the CRM names it."}
  amount:              {description: The contract value that is hoped for., tests: [{expression: amount >= 0}]}
  currency:            {description: "Currency of the amount, as an ISO 4217 code such as CNY."}
  expected_close_date: {description: The day on which a decision is expected.}
  is_test:             {description: True for a test or an internal record; it counts nowhere.}
  recorded_at:         {description: When the CRM stored it.}
*/
with events as (
    select * from raw.opportunity_created_v1
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
    lead_id,
    customer_id,
    product,
    region,
    market_id,
    owner_id,
    stage,
    amount,
    currency,
    expected_close_date,
    is_test,
    recorded_at
from events
