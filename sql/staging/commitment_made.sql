/*
description: One row per commitment.made event.
grain: [source, event_id]
event: commitment.made
owner: rnd
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
  occurred_at:    {description: When the commitment was made., tests: [not_null]}
  ingested_at:    {description: When it came into the warehouse.}
  commitment_id:  {description: Identity of the commitment., tests: [not_null]}
  item_id:        {description: "The work item that is to be delivered, such as a requirement or a milestone.", tests: [not_null]}
  product:        {description: The product that the item belongs to.}
  release_id:     {description: The release that is to bring it.}
  committed_date: {description: The day by whose end it is to be delivered., tests: [not_null]}
  owner_id:       {description: The employee who gave the commitment.}
  need_id:        {description: The customer need that it meets.}
  recorded_at:    {description: When the R&D system stored it.}
*/
with events as (
    select * from raw.commitment_made_v1
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
    commitment_id,
    item_id,
    product,
    release_id,
    committed_date,
    owner_id,
    need_id,
    recorded_at
from events
