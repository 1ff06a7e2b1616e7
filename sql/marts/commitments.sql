/*
description: >-
  One row per commitment to deliver a work item by a day, with the day first committed, the day in force after its approved
  changes, and the delivery. An item that was delivered and never committed to is a row without due dates.
grain: commitment_id
owner: rnd
columns:
  commitment_id:         {description: "The commitment; item:<item_id> where there was none."}
  item_id:               {description: The work item., tests: [not_null]}
  product:               {description: The product that the item belongs to.}
  release_id:            {description: "The release that was to bring it, where none was committed to the one that did."}
  owner:                 {description: "Who gave the commitment, where there was none who answers for the item."}
  department:            {description: "The owner's department on the day committed, where there was none on delivered_date."}
  committed_at:          {description: When it was committed to; null where it never was.}
  first_due_date:        {description: The day first committed to; nothing changes it. Null where there was no commitment.}
  current_due_date:      {description: "The day in force: that of the last change which was approved no later than the day it replaced."}
  rebaseline_count:      {description: How many changes moved current_due_date., tests: [not_null]}
  late_rebaseline_count:
    description: How many changes were approved after the day in force had passed. They move nothing.
    tests: [not_null]
  delivered_date:        {description: Business day on which the item was first completed; null while it is not.}
  cancelled_date:        {description: Business day on which the item was first cancelled; null while it is not.}
  slip_days:             {description: "Days from first_due_date to delivered_date, negative where it was early."}
*/
with recursive made as (
    select * from staging.commitment_made
),

rebaselined as (
    select * from staging.commitment_rebaselined
),

completed as (
    select * from staging.item_completed
),

cancelled as (
    select * from staging.item_cancelled
),

employee_departments as (
    select * from marts.employee_departments
),

ranked_commitments as (
    select
        *,
        row_number() over (
            partition by commitment_id
            order by occurred_at, _topic, _epoch, _partition, _offset, _n
        ) as commitment_rank
    from made
),

commitments as (
    select
        commitment_id,
        item_id,
        product,
        release_id,
        owner_id,
        occurred_at as committed_at,
        committed_date as first_due_date
    from ranked_commitments
    where commitment_rank = 1
),

-- Materialized, so that the rounds below don't rank all of them anew each time.
ranked_rebaselines as materialized (
    select
        commitment_id,
        new_date,
        business_date(coalesce(approved_at, occurred_at)) as approved_date,
        row_number() over (
            partition by commitment_id
            order by occurred_at, _topic, _epoch, _partition, _offset, _n
        ) as rebaseline_rank
    from rebaselined
),

-- Each change is held against the day that the changes before it left in force,
-- so that they have to be gone through one after another.
steps (commitment_id, step, due_date, moved_count, late_count) as (
    select commitment_id, cast(0 as bigint), first_due_date, 0, 0
    from commitments
    union all
    select
        steps.commitment_id,
        ranked_rebaselines.rebaseline_rank,
        case when ranked_rebaselines.approved_date <= steps.due_date then ranked_rebaselines.new_date else steps.due_date end,
        steps.moved_count + case when ranked_rebaselines.approved_date <= steps.due_date then 1 else 0 end,
        steps.late_count + case when ranked_rebaselines.approved_date <= steps.due_date then 0 else 1 end
    from steps
    inner join ranked_rebaselines
        on ranked_rebaselines.commitment_id = steps.commitment_id
        and ranked_rebaselines.rebaseline_rank = steps.step + 1
),

current_dates as (
    select
        commitment_id,
        arg_max(due_date, step) as current_due_date,
        max(moved_count) as rebaseline_count,
        max(late_count) as late_rebaseline_count
    from steps
    group by commitment_id
),

ranked_deliveries as (
    select
        item_id,
        release_id,
        owner_id,
        business_date(occurred_at) as delivered_date,
        row_number() over (
            partition by item_id
            order by occurred_at, _topic, _epoch, _partition, _offset, _n
        ) as delivery_rank
    from completed
),

deliveries as (
    select item_id, release_id, owner_id, delivered_date
    from ranked_deliveries
    where delivery_rank = 1
),

cancellations as (
    select
        item_id,
        business_date(min(occurred_at)) as cancelled_date
    from cancelled
    group by item_id
),

committed_items as (
    select distinct item_id
    from commitments
),

-- What nobody committed to can be neither on time nor late; it is kept to be told.
items as (
    select
        commitments.commitment_id,
        commitments.item_id,
        commitments.product,
        commitments.release_id,
        commitments.owner_id,
        business_date(commitments.committed_at) as attributed_date,
        commitments.committed_at,
        commitments.first_due_date,
        current_dates.current_due_date,
        current_dates.rebaseline_count,
        current_dates.late_rebaseline_count
    from commitments
    inner join current_dates on current_dates.commitment_id = commitments.commitment_id
    union all
    select
        'item:' || deliveries.item_id as commitment_id,
        deliveries.item_id,
        null as product,
        deliveries.release_id,
        deliveries.owner_id,
        deliveries.delivered_date as attributed_date,
        null as committed_at,
        null as first_due_date,
        null as current_due_date,
        0 as rebaseline_count,
        0 as late_rebaseline_count
    from deliveries
    left join committed_items on committed_items.item_id = deliveries.item_id
    where committed_items.item_id is null
)

select
    items.commitment_id,
    items.item_id,
    items.product,
    coalesce(items.release_id, deliveries.release_id) as release_id,
    items.owner_id as owner,
    employee_departments.department,
    items.committed_at,
    items.first_due_date,
    items.current_due_date,
    items.rebaseline_count,
    items.late_rebaseline_count,
    deliveries.delivered_date,
    cancellations.cancelled_date,
    date_diff('day', items.first_due_date, deliveries.delivered_date) as slip_days
from items
left join deliveries on deliveries.item_id = items.item_id
left join cancellations on cancellations.item_id = items.item_id
left join employee_departments
    on employee_departments.employee_id = items.owner_id
    and items.attributed_date between employee_departments.valid_from and employee_departments.valid_to
