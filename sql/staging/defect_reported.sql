/*
description: One row per defect.reported event.
grain: [source, event_id]
event: defect.reported
owner: rnd
columns:
  _topic:            {description: Topic or file that the event came from.}
  _epoch:            {description: "Which life of the topic, counted from 0."}
  _partition:        {description: Partition of the topic.}
  _offset:           {description: Offset of the record in its partition.}
  _n:                {description: "Which event of the record, counted from 0."}
  _batch_id:         {description: The batch that brought it into the warehouse.}
  event_id:          {description: Identity that the producer gave to the event.}
  source:            {description: Where the event was produced; its ids are unique there.}
  subject:           {description: "What the event is about, as the producer named it."}
  occurred_at:       {description: When the defect was reported., tests: [not_null]}
  ingested_at:       {description: When it came into the warehouse.}
  defect_id:         {description: Identity of the defect., tests: [not_null]}
  release_id:        {description: "The affected release, not the one that will mend it."}
  product:           {description: The product that has the defect.}
  found_phase:
    description: "The phase in which it was found: requirements, design, development, test, or production, that is after the release."
    tests: [not_null, {accepted_values: [requirements, design, development, test, production]}]
  severity:
    description: "How much harm it does, as first graded: critical, major, minor or trivial."
    tests: [not_null, {accepted_values: [critical, major, minor, trivial]}]
  customer_reported: {description: True where a customer reported it.}
  case_id:           {description: The case in which the customer reported it.}
  item_id:           {description: The work item that brought it in.}
  reporter_id:       {description: The employee who wrote the report.}
  recorded_at:       {description: When the R&D system stored it.}
*/
with events as (
    select * from raw.defect_reported_v1
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
    defect_id,
    release_id,
    product,
    found_phase,
    severity,
    customer_reported,
    case_id,
    item_id,
    reporter_id,
    recorded_at
from events
