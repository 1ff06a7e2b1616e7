/*
description: One row per invitation to a survey, with the day on which it was first answered.
grain: invitation_id
owner: service
columns:
  invitation_id:    {description: The invitation.}
  instrument:       {description: The survey., tests: [not_null]}
  customer_id:      {description: The customer who was invited.}
  case_id:          {description: The case that the survey asks about.}
  order_id:         {description: The order that the survey asks about.}
  product:          {description: The product that the survey asks about.}
  region:           {description: Region of the customer.}
  agent:            {description: The employee who served the customer.}
  department:       {description: The agent's department on interaction_date.}
  sent_at:          {description: When it was sent., tests: [not_null]}
  sent_date:        {description: Business day of sent_at., tests: [not_null]}
  interaction_date: {description: Day of the service or delivery that the survey asks about., tests: [not_null]}
  delivered:        {description: "Whether it reached the customer; where nothing was said of it, it did.", tests: [not_null]}
  responded_date:
    description: Business day of the first response, whatever it says; null while there is none.
    tests: [{expression: responded_date >= sent_date, severity: warn}]
*/
with invitation_sent as (
    select * from staging.survey_invitation_sent
),

response_submitted as (
    select * from staging.survey_response_submitted
),

employee_departments as (
    select * from marts.employee_departments
),

ranked_invitations as (
    select
        *,
        row_number() over (
            partition by invitation_id
            order by occurred_at, _topic, _epoch, _partition, _offset, _n
        ) as invitation_rank
    from invitation_sent
),

first_responses as (
    select
        invitation_id,
        min(occurred_at) as responded_at
    from response_submitted
    where not coalesce(is_test, false)
    group by invitation_id
)

select
    ranked_invitations.invitation_id,
    ranked_invitations.instrument,
    ranked_invitations.customer_id,
    ranked_invitations.case_id,
    ranked_invitations.order_id,
    ranked_invitations.product,
    ranked_invitations.region,
    ranked_invitations.agent_id as agent,
    employee_departments.department,
    ranked_invitations.occurred_at as sent_at,
    business_date(ranked_invitations.occurred_at) as sent_date,
    ranked_invitations.interaction_date,
    coalesce(ranked_invitations.delivered, true) as delivered,
    business_date(first_responses.responded_at) as responded_date
from ranked_invitations
left join first_responses on first_responses.invitation_id = ranked_invitations.invitation_id
left join employee_departments
    on employee_departments.employee_id = ranked_invitations.agent_id
    and ranked_invitations.interaction_date between employee_departments.valid_from and employee_departments.valid_to
where ranked_invitations.invitation_rank = 1
