/*
description: One row per lead.created event. The contact's mail address stays in raw.
grain: [source, event_id]
event: lead.created
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
  occurred_at:  {description: When the lead became known., tests: [not_null]}
  ingested_at:  {description: When it came into the warehouse.}
  lead_id:      {description: Identity of the lead in the CRM., tests: [not_null]}
  channel:      {description: How the lead was won. `unknown` is a channel., tests: [not_null]}
  campaign:     {description: The campaign that brought the lead.}
  product:      {description: The product that the lead asked about.}
  region:       {description: Sales region of the lead.}
  potential:    {description: "Class given at entry, from A (highest) to C."}
  owner_id:     {description: The employee who looks after the lead.}
  expected_amount: {description: Expected contract value in company currency.}
  is_test:      {description: True for a test or an internal record; it counts nowhere.}
  recorded_at:  {description: When the CRM stored it.}
*/
with events as (
    select * from raw.lead_created_v1
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
    channel,
    campaign,
    product,
    region,
    potential,
    owner_id,
    expected_amount,
    is_test,
    recorded_at
from events
