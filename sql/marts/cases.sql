/*
description: >-
  One row per case of the service desk, with its first reply by a person, its last solution and its
  service levels. A case that was never opened, or is a test, is not here.
grain: case_id
owner: service
columns:
  case_id:                 {description: The case.}
  kind:
    description: "What the case is: complaint, question, incident or partner_dispute."
    tests: [not_null, {accepted_values: [complaint, question, incident, partner_dispute]}]
  customer_id:             {description: The customer.}
  order_id:                {description: The order that the case is about.}
  product:                 {description: The product that the case is about.}
  region:                  {description: Region of the customer.}
  channel:                 {description: How the customer got in touch.}
  agent:                   {description: The employee who answers for the case.}
  department:              {description: The agent's department on opened_date.}
  opened_at:               {description: When it was opened., tests: [not_null]}
  opened_date:             {description: Business day of opened_at., tests: [not_null]}
  first_replied_at:        {description: When a person first replied so that the customer could read it; null while nobody has.}
  first_replied_date:      {description: Business day of first_replied_at.}
  first_response_minutes:
    description: Minutes from opened_at to first_replied_at by the calendar, nights and holidays included.
    tests: [{expression: first_response_minutes >= 0, severity: warn}]
  first_solved_at:         {description: When it was first solved; null while it has not been.}
  solved_at:               {description: "When it was last solved; null while it is open, also where it was reopened after that."}
  solved_date:             {description: Business day of solved_at.}
  resolution_hours:
    description: Hours from opened_at to solved_at by the calendar.
    tests: [{expression: resolution_hours >= 0, severity: warn}]
  reopen_count:            {description: How often it was reopened., tests: [not_null]}
  response_due_at:         {description: "By when it was to be answered, as first set; null without such a target."}
  resolution_due_at:       {description: "By when it was to be solved, as first set; null without such a target."}
  resolution_decided_date:
    description: >-
      Business day on which it was decided whether the target of the solution was met: that of resolution_due_at, or of solved_at
      where that came before; null without a target.
  resolution_met:
    description: >-
      Whether it was solved by resolution_due_at, as it stands from resolution_decided_date on: a case that is open then has
      missed it. Null without a target.
*/
with opened as (
    select * from staging.case_opened
),

replied as (
    select * from staging.case_replied
),

solved as (
    select * from staging.case_solved
),

reopened as (
    select * from staging.case_reopened
),

sla_set as (
    select * from staging.case_sla_set
),

employee_departments as (
    select * from marts.employee_departments
),

ranked_openings as (
    select
        *,
        row_number() over (
            partition by case_id
            order by occurred_at, _topic, _epoch, _partition, _offset, _n
        ) as opening_rank
    from opened
),

openings as (
    select
        *,
        business_date(occurred_at) as opened_date
    from ranked_openings
    where opening_rank = 1
        and not coalesce(is_test, false)
),

-- An automatic reply and a note among colleagues answer nobody.
first_replies as (
    select
        case_id,
        min(occurred_at) as first_replied_at
    from replied
    where is_public and is_human
    group by case_id
),

turns as (
    select case_id, true as is_solution, occurred_at, _topic, _epoch, _partition, _offset, _n
    from solved
    union all
    select case_id, false as is_solution, occurred_at, _topic, _epoch, _partition, _offset, _n
    from reopened
),

ranked_turns as (
    select
        case_id,
        is_solution,
        occurred_at,
        row_number() over (
            partition by case_id
            order by occurred_at desc, _topic desc, _epoch desc, _partition desc, _offset desc, _n desc
        ) as turn_rank
    from turns
),

-- The last turn says whether the case is solved; where it was reopened, the
-- solutions before that were none.
solutions as (
    select
        case_id,
        min(occurred_at) filter (where is_solution) as first_solved_at,
        max(occurred_at) filter (where is_solution and turn_rank = 1) as solved_at,
        count(*) filter (where not is_solution) as reopen_count
    from ranked_turns
    group by case_id
),

-- A target that is moved later must not make a late answer a timely one.
ranked_targets as (
    select
        case_id,
        measure,
        due_at,
        row_number() over (
            partition by case_id, measure
            order by occurred_at, _topic, _epoch, _partition, _offset, _n
        ) as target_rank
    from sla_set
),

targets as (
    select
        case_id,
        max(due_at) filter (where measure = 'first_response') as response_due_at,
        max(due_at) filter (where measure = 'resolution') as resolution_due_at
    from ranked_targets
    where target_rank = 1
    group by case_id
)

select
    openings.case_id,
    openings.kind,
    openings.customer_id,
    openings.order_id,
    openings.product,
    openings.region,
    openings.channel,
    openings.owner_id as agent,
    employee_departments.department,
    openings.occurred_at as opened_at,
    openings.opened_date,
    first_replies.first_replied_at,
    business_date(first_replies.first_replied_at) as first_replied_date,
    -- Rounded once, on a whole number of hundredths.
    cast(
        round(date_diff('microsecond', openings.occurred_at, first_replies.first_replied_at) / 600000) / 100 as decimal(18, 2)
    ) as first_response_minutes,
    solutions.first_solved_at,
    solutions.solved_at,
    business_date(solutions.solved_at) as solved_date,
    cast(
        round(date_diff('microsecond', openings.occurred_at, solutions.solved_at) / 36000000) / 100 as decimal(18, 2)
    ) as resolution_hours,
    coalesce(solutions.reopen_count, 0) as reopen_count,
    targets.response_due_at,
    targets.resolution_due_at,
    case
        when targets.resolution_due_at is not null
            then business_date(least(targets.resolution_due_at, coalesce(solutions.solved_at, targets.resolution_due_at)))
    end as resolution_decided_date,
    case
        when targets.resolution_due_at is not null
            then coalesce(solutions.solved_at <= targets.resolution_due_at, false)
    end as resolution_met
from openings
left join first_replies on first_replies.case_id = openings.case_id
left join solutions on solutions.case_id = openings.case_id
left join targets on targets.case_id = openings.case_id
left join employee_departments
    on employee_departments.employee_id = openings.owner_id
    and openings.opened_date between employee_departments.valid_from and employee_departments.valid_to
