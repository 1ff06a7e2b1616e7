/*
description: One row per defect.status_changed event.
grain: [source, event_id]
event: defect.status_changed
owner: rnd
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
  occurred_at:  {description: When the status changed., tests: [not_null]}
  ingested_at:  {description: When it came into the warehouse.}
  defect_id:
    description: Identity of the defect.
    tests: [not_null, {relationships: {to: staging.defect_reported, column: defect_id}, severity: warn}]
  from_status:  {description: The status that the defect left.}
  to_status:
    description: "The status that the defect entered: open, in_progress, resolved, reopened or closed."
    tests: [not_null, {accepted_values: [open, in_progress, resolved, reopened, closed]}]
  resolution:
    description: "How it ended: fixed, duplicate, not_a_bug, wont_fix or cannot_reproduce."
    tests: [{accepted_values: [fixed, duplicate, not_a_bug, wont_fix, cannot_reproduce]}]
  severity:
    description: "The new grade, where it was graded anew: critical, major, minor or trivial."
    tests: [{accepted_values: [critical, major, minor, trivial]}]
  assignee_id:  {description: The employee who works on it since the change.}
  recorded_at:  {description: When the R&D system stored it.}
*/
with events as (
    select * from raw.defect_status_changed_v1
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
    from_status,
    to_status,
    resolution,
    severity,
    assignee_id,
    recorded_at
from events
