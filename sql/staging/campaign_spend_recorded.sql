/*
description: One row per campaign.spend_recorded event.
grain: [source, event_id]
event: campaign.spend_recorded
owner: marketing
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
  occurred_at:  {description: When the spend was booked., tests: [not_null]}
  ingested_at:  {description: When it came into the warehouse.}
  campaign:     {description: The campaign that the money was spent on., tests: [not_null]}
  channel:      {description: "The channel that the spend is for, in the words of the leads' channel."}
  product:      {description: The product that was advertised.}
  region:       {description: The sales region that the spend is for.}
  amount:       {description: "The money spent, without tax.", tests: [not_null, {expression: amount >= 0}]}
  currency:     {description: "Currency of the amount, as an ISO 4217 code such as CNY.", tests: [not_null]}
  spend_date:   {description: "The day on which the spend fell due, which may lie before its recording.", tests: [not_null]}
  recorded_at:  {description: When the CRM stored it.}
*/
with events as (
    select * from raw.campaign_spend_recorded_v1
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
    campaign,
    channel,
    product,
    region,
    amount,
    currency,
    spend_date,
    recorded_at
from events
