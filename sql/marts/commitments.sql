/*
description: >-
  One row per commitment to deliver a work item by a day, with the day that was promised first and the
  one that holds now, and what became of the item. An item that was delivered without any commitment is
  here too, so that its share can be told.
grain: commitment_id
owner: rnd
columns:
  commitment_id:
    description: "The commitment; `item:` and the item's id where nobody made one."
  item_id:              {description: The work item that is to be delivered., tests: [not_null]}
  product:              {description: The product that the item belongs to.}
  release_id:           {description: The release that is to bring it.}
  owner:                {description: "The employee who gave the commitment; who delivered, where there is none."}
  department:           {description: "The owner's department on the day committed; on the day delivered, where there is no commitment."}
  committed_at:         {description: When the commitment was first made; null where there is none.}
  first_due_date:
    description: The day by whose end it was first promised. It never changes; null where there is no commitment.
    tests: [{expression: first_due_date >= business_date(committed_at), severity: warn}]
  current_due_date:
    description: The day that holds after the re-baselines that were approved in time.
    tests: [{expression: (current_due_date is null) = (first_due_date is null)}]
  rebaseline_count:     {description: How often the day was moved in time., tests: [not_null]}
  late_rebaseline_count:
    description: "How many re-baselines count for nothing, because they were approved after the day that held then."
    tests: [not_null]
  delivered_date:       {description: Business day on which the item was first completed; null while it is open.}
  cancelled_date:       {description: Business day on which the item was first cancelled; null where it was not.}
  slip_days:            {description: "Days from the day first promised to the delivery, negative where it was early."}
*/
with recursive commitment_made as (
    select * from staging.commitment_made
),

commitment_rebaselined as (
    select * from staging.commitment_rebaselined
),

item_completed as (
    select * from staging.item_completed
),

item_cancelled as (
    select * from staging.item_cancelled
),

employee_departments as (
    select * from marts.employee_departments
),

-- What was said first holds: a commitment that is made again must not move its day.
ranked_commitments as (
    select
        commitment_id,
        item_id,
        product,
        release_id,
        owner_id,
        occurred_at,
        committed_date,
        row_number() over (
            partition by commitment_id
            order by occurred_at, _topic, _epoch, _partition, _offset, _n
        ) as commitment_rank
    from commitment_made
),

first_commitments as (
    select
        commitment_id,
        item_id,
        product,
        release_id,
        owner_id as owner,
        occurred_at as committed_at,
        business_date(occurred_at) as owned_date,
        committed_date as first_due_date
    from ranked_commitments
    where commitment_rank = 1
),

numbered_rebaselines as (
    select
        commitment_id,
        new_date,
        business_date(coalesce(approved_at, occurred_at)) as approved_date,
        row_number() over (
            partition by commitment_id
            order by occurred_at, _topic, _epoch, _partition, _offset, _n
        ) as step
    from commitment_rebaselined
),

-- Whether a re-baseline was in time depends on the day that held before it, and so on those before it:
-- the nth round takes the nth re-baseline of every commitment.
due_dates (commitment_id, step, due_date, rebaseline_count, late_rebaseline_count) as (
    select commitment_id, 0, first_due_date, 0, 0
    from first_commitments
    union all
    select
        due_dates.commitment_id,
        numbered_rebaselines.step,
        case
            when numbered_rebaselines.approved_date <= due_dates.due_date then numbered_rebaselines.new_date
            else due_dates.due_date
        end,
        due_dates.rebaseline_count + case when numbered_rebaselines.approved_date <= due_dates.due_date then 1 else 0 end,
        due_dates.late_rebaseline_count + case when numbered_rebaselines.approved_date > due_dates.due_date then 1 else 0 end
    from due_dates
    inner join numbered_rebaselines
        on numbered_rebaselines.commitment_id = due_dates.commitment_id
        and numbered_rebaselines.step = due_dates.step + 1
),

current_due_dates as (
    select
        commitment_id,
        arg_max(due_date, step) as current_due_date,
        max(rebaseline_count) as rebaseline_count,
        max(late_rebaseline_count) as late_rebaseline_count
    from due_dates
    group by commitment_id
),

ranked_completions as (
    select
        item_id,
        release_id,
        owner_id,
        business_date(occurred_at) as delivered_date,
        row_number() over (
            partition by item_id
            order by occurred_at, _topic, _epoch, _partition, _offset, _n
        ) as completion_rank
    from item_completed
),

-- A completion after the first is a delivery made good, which doesn't make the first one later.
first_completions as (
    select
        item_id,
        release_id,
        owner_id as owner,
        delivered_date
    from ranked_completions
    where completion_rank = 1
),

first_cancellations as (
    select
        item_id,
        business_date(min(occurred_at)) as cancelled_date
    from item_cancelled
    group by item_id
),

commitments as (
    select
        commitment_id,
        item_id,
        product,
        release_id,
        owner,
        committed_at,
        owned_date,
        first_due_date
    from first_commitments
    union all
    select
        'item:' || item_id as commitment_id,
        item_id,
        null as product,
        release_id,
        owner,
        null as committed_at,
        delivered_date as owned_date,
        null as first_due_date
    from first_completions
    where not exists (
        select 1
        from first_commitments
        where first_commitments.item_id = first_completions.item_id
    )
)

select
    commitments.commitment_id,
    commitments.item_id,
    commitments.product,
    commitments.release_id,
    commitments.owner,
    employee_departments.department,
    commitments.committed_at,
    commitments.first_due_date,
    current_due_dates.current_due_date,
    coalesce(current_due_dates.rebaseline_count, 0) as rebaseline_count,
    coalesce(current_due_dates.late_rebaseline_count, 0) as late_rebaseline_count,
    first_completions.delivered_date,
    first_cancellations.cancelled_date,
    date_diff('day', commitments.first_due_date, first_completions.delivered_date) as slip_days
from commitments
left join current_due_dates on current_due_dates.commitment_id = commitments.commitment_id
left join first_completions on first_completions.item_id = commitments.item_id
left join first_cancellations on first_cancellations.item_id = commitments.item_id
left join employee_departments
    on employee_departments.employee_id = commitments.owner
    and commitments.owned_date between employee_departments.valid_from and employee_departments.valid_to
