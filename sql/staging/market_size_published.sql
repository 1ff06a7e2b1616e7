/*
description: One row per market_size.published event. A revision is a row of its own.
grain: [source, event_id]
event: market_size.published
owner: marketing
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
  occurred_at:    {description: When it was published., tests: [not_null]}
  ingested_at:    {description: When it came into the warehouse.}
  market_id:      {description: "The market: its products, region and kind of customers.", tests: [not_null]}
  month:
    description: The month that the size is of, as its first day.
    tests: [not_null, {expression: "month = date_trunc('month', month)", severity: warn}]
  amount:         {description: Sales of all vendors in the market., tests: [not_null, {expression: amount >= 0}]}
  currency:       {description: "Currency of the amount, as an ISO 4217 code such as CNY.", tests: [not_null]}
  units:          {description: Units sold by all vendors in the market., tests: [{expression: units >= 0}]}
  low_amount:     {description: Lower end of the range that an estimate gives., tests: [{expression: low_amount >= 0}]}
  high_amount:    {description: Upper end of the range that an estimate gives., tests: [{expression: high_amount >= 0}]}
  kind:
    description: Whether it was measured (registrations, customs) or estimated (analysts, surveys).
    tests: [not_null, {accepted_values: [measured, estimated]}]
  publisher:      {description: Who published it., tests: [not_null]}
  method:         {description: How it was found.}
  edition:        {description: "The publisher's label of this version, such as 2026-10 or final.", tests: [not_null]}
  published_date: {description: The day on which it was published., tests: [not_null]}
  recorded_at:    {description: When the market research system stored it.}
*/
with events as (
    select * from raw.market_size_published_v1
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
    market_id,
    month,
    amount,
    currency,
    units,
    low_amount,
    high_amount,
    kind,
    publisher,
    method,
    edition,
    published_date,
    recorded_at
from events
