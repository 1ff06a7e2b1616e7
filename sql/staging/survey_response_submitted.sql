/*
description: One row per survey.response_submitted event. The comment stays in raw.
grain: [source, event_id]
event: survey.response_submitted
owner: service
columns:
  _topic:        {description: Topic or file that the event came from.}
  _epoch:        {description: "Which life of the topic, counted from 0."}
  _partition:    {description: Partition of the topic.}
  _offset:       {description: Offset of the record in its partition.}
  _n:            {description: "Which event of the record, counted from 0."}
  _batch_id:     {description: The batch that brought it into the warehouse.}
  event_id:      {description: Identity that the producer gave to the event.}
  source:        {description: Where the event was produced; its ids are unique there.}
  subject:       {description: "What the event is about, as the producer named it."}
  occurred_at:   {description: When the response was submitted., tests: [not_null]}
  ingested_at:   {description: When it came into the warehouse.}
  response_id:   {description: Identity of the response in the survey tool., tests: [not_null]}
  invitation_id:
    description: The invitation that was answered.
    tests: [not_null, {relationships: {to: staging.survey_invitation_sent, column: invitation_id}, severity: warn}]
  question:
    description: "What was asked: csat (satisfaction), nps (would recommend, 0 to 10), ces (effort) or other."
    tests: [not_null, {accepted_values: [csat, nps, ces, other]}]
  scale_min:     {description: Lowest answer of the scale., tests: [not_null]}
  scale_max:     {description: Highest answer of the scale., tests: [not_null]}
  answer:        {description: The answer on the scale; null where it was left blank.}
  is_valid:      {description: "False where the answer says \"not applicable\" or \"don't know\", whatever number stands for it."}
  is_test:       {description: True for a test or an internal record; it counts nowhere.}
  recorded_at:   {description: When the survey tool stored it.}
*/
with events as (
    select * from raw.survey_response_submitted_v1
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
    response_id,
    invitation_id,
    question,
    scale_min,
    scale_max,
    answer,
    is_valid,
    is_test,
    recorded_at
from events
