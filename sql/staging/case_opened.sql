/*
description: One row per case.opened event.
grain: [source, event_id]
event: case.opened
owner: service
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
  occurred_at:  {description: When the customer turned to the service desk., tests: [not_null]}
  ingested_at:  {description: When it came into the warehouse.}
  case_id:      {description: Identity of the case in the service desk., tests: [not_null]}
  kind:
    description: "What the case is: complaint, question, incident (something does not work) or partner_dispute."
    tests: [not_null, {accepted_values: [complaint, question, incident, partner_dispute]}]
  customer_id:  {description: The customer who turned to the service desk.}
  order_id:     {description: The order that the case is about.}
  product:      {description: The product that the case is about.}
  region:       {description: Region of the customer.}
  channel:      {description: "How the customer got in touch, such as phone, mail or chat."}
  owner_id:     {description: The employee who answers for the case.}
  is_test:      {description: True for a test or an internal record; it counts nowhere.}
  recorded_at:  {description: When the service desk stored it.}
*/
with events as (
    select * from raw.case_opened_v1
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
    case_id,
    kind,
    customer_id,
    order_id,
    product,
    region,
    channel,
    owner_id,
    is_test,
    recorded_at
from events
