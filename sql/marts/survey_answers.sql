/*
description: >-
  One row per invitation and question that was answered, with the latest answer. Test responses, and answers to an invitation
  that was never sent, are not here.
grain: [invitation_id, question]
owner: service
columns:
  answer_id:        {description: "The invitation and the question with a colon between them.", tests: [unique, not_null]}
  invitation_id:    {description: The invitation.}
  question:
    description: "What was asked: csat, nps, ces or other."
    tests: [{accepted_values: [csat, nps, ces, other]}]
  response_id:      {description: The latest response., tests: [not_null]}
  answer:           {description: The answer on the scale; null where it was left blank.}
  scale_min:        {description: Lowest answer of the scale., tests: [not_null]}
  scale_max:        {description: Highest answer of the scale., tests: [not_null]}
  is_valid:
    description: >-
      Whether it is an answer: not blank, within the scale, and not said to be invalid ("not applicable", "don't know").
    tests: [not_null]
  answer_count:     {description: How many times the question was answered for the invitation., tests: [not_null]}
  responded_at:     {description: When the latest response was submitted., tests: [not_null]}
  response_date:    {description: Business day of responded_at., tests: [not_null]}
  interaction_date: {description: Day of the service or delivery that the survey asks about., tests: [not_null]}
  instrument:       {description: The survey.}
  product:          {description: The product that the survey asks about.}
  region:           {description: Region of the customer.}
  agent:            {description: The employee who served the customer.}
  department:       {description: The agent's department on interaction_date.}
  nps_points:
    description: >-
      100 for a promoter (9, 10), 0 for a passive (7, 8), -100 for a detractor (0 to 6); null where it is no valid answer to nps on a
      scale from 0 to 10.
    tests: [{accepted_values: [-100, 0, 100]}]
*/
with response_submitted as (
    select * from staging.survey_response_submitted
),

invitations as (
    select * from marts.invitations
),

ranked_responses as (
    select
        *,
        row_number() over (
            partition by invitation_id, question
            order by occurred_at desc, _topic desc, _epoch desc, _partition desc, _offset desc, _n desc
        ) as response_rank,
        count(*) over (partition by invitation_id, question) as answer_count
    from response_submitted
    where not coalesce(is_test, false)
),

-- A latest answer that is blank or invalid is still the customer's last word.
latest_responses as (
    select
        *,
        coalesce(answer between scale_min and scale_max, false) and coalesce(is_valid, true) as is_answer
    from ranked_responses
    where response_rank = 1
)

select
    latest_responses.invitation_id || ':' || latest_responses.question as answer_id,
    latest_responses.invitation_id,
    latest_responses.question,
    latest_responses.response_id,
    latest_responses.answer,
    latest_responses.scale_min,
    latest_responses.scale_max,
    latest_responses.is_answer as is_valid,
    latest_responses.answer_count,
    latest_responses.occurred_at as responded_at,
    business_date(latest_responses.occurred_at) as response_date,
    invitations.interaction_date,
    invitations.instrument,
    invitations.product,
    invitations.region,
    invitations.agent,
    invitations.department,
    case
        when not latest_responses.is_answer or latest_responses.question <> 'nps'
            or latest_responses.scale_min <> 0 or latest_responses.scale_max <> 10
            then null
        when latest_responses.answer >= 9 then 100
        when latest_responses.answer >= 7 then 0
        else -100
    end as nps_points
from latest_responses
inner join invitations on invitations.invitation_id = latest_responses.invitation_id
