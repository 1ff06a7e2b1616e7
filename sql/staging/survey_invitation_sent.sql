/*
description: One row per survey.invitation_sent event.
grain: [source, event_id]
event: survey.invitation_sent
owner: service
columns:
  _topic:           {description: Topic or file that the event came from.}
  _epoch:           {description: "Which life of the topic, counted from 0."}
  _partition:       {description: Partition of the topic.}
  _offset:          {description: Offset of the record in its partition.}
  _n:               {description: "Which event of the record, counted from 0."}
  _batch_id:        {description: The batch that brought it into the warehouse.}
  event_id:         {description: Identity that the producer gave to the event.}
  source:           {description: Where the event was produced; its ids are unique there.}
  subject:          {description: "What the event is about, as the producer named it."}
  occurred_at:      {description: When the invitation was sent., tests: [not_null]}
  ingested_at:      {description: When it came into the warehouse.}
  invitation_id:    {description: Identity of the invitation in the survey tool., tests: [not_null]}
  instrument:       {description: "The survey, such as csat-after-case.", tests: [not_null]}
  customer_id:      {description: The customer who was invited.}
  case_id:          {description: The case that the survey asks about.}
  order_id:         {description: The order that the survey asks about.}
  interaction_date: {description: The day of the service or delivery that the survey asks about., tests: [not_null]}
  product:          {description: The product that the survey asks about.}
  region:           {description: Region of the customer.}
  agent_id:         {description: The employee who served the customer.}
  delivered:        {description: False where the invitation bounced.}
  recorded_at:      {description: When the survey tool stored it.}
*/
with events as (
    select * from raw.survey_invitation_sent_v1
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
    invitation_id,
    instrument,
    customer_id,
    case_id,
    order_id,
    interaction_date,
    product,
    region,
    agent_id,
    delivered,
    recorded_at
from events
