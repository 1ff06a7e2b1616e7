/*
description: >-
  One row per lead, merged leads counted once as the one that survived, with the instant at which it
  first reached each stage. A lead that has stage changes and was never created is not here, nor is one
  that is only a test.
grain: lead_id
owner: marketing
columns:
  lead_id:        {description: "The lead, by the id that survived its merges."}
  channel:        {description: "First-touch channel: that of the earliest creation. `unknown` is a channel.", tests: [not_null]}
  campaign:       {description: First-touch campaign.}
  product:        {description: First-touch product.}
  region:         {description: First-touch region.}
  salesperson:    {description: "The employee to whom it was first assigned; where it never was, the owner at its earliest creation."}
  department:     {description: The salesperson's department on the day of that assignment or creation.}
  created_at:     {description: When it first became known., tests: [not_null]}
  created_date:   {description: Business day of created_at., tests: [not_null]}
  mql_at:         {description: When it was first marketing qualified; null while it has not been.}
  sal_at:         {description: When sales first accepted it; null while it has not been.}
  sql_at:         {description: When it was first sales qualified; null while it has not been.}
  opportunity_at: {description: When it first became an opportunity; null while it has not.}
  won_at:
    description: When it was first won; null while it has not been.
    tests: [{expression: won_at >= created_at, severity: warn}]
  won_date:       {description: Business day of won_at.}
  lost_at:        {description: When it was first lost; null while it has not been.}
  lost_date:      {description: Business day of lost_at.}
  lead_count:
    description: How many lead ids that were created are this one lead; 1 where none was merged into it.
    tests: [{expression: lead_count >= 1}]
*/
with recursive created as (
    select * from staging.lead_created
),

assigned as (
    select * from staging.lead_assigned
),

stage_changed as (
    select * from staging.lead_stage_changed
),

merged as (
    select * from staging.lead_merged
),

employee_departments as (
    select * from marts.employee_departments
),

-- What became of a test counts nowhere, not even where it was merged into a lead.
test_leads as (
    select lead_id
    from created
    group by lead_id
    having bool_and(coalesce(is_test, false))
),

-- A lead that was merged twice went where the later merge says.
ranked_merges as (
    select
        lead_id,
        survivor_id,
        occurred_at,
        row_number() over (
            partition by lead_id
            order by occurred_at desc, _topic desc, _epoch desc, _partition desc, _offset desc, _n desc
        ) as merge_rank
    from merged
    where lead_id <> survivor_id
),

last_merges as (
    select lead_id, survivor_id, occurred_at
    from ranked_merges
    where merge_rank = 1
),

-- Every lead that a merged one turns into on its way; union, not union all, ends a circle.
paths (lead_id, reached_id) as (
    select lead_id, survivor_id
    from last_merges
    union
    select paths.lead_id, last_merges.survivor_id
    from paths
    inner join last_merges on last_merges.lead_id = paths.reached_id
),

-- The way ends at the lead that was merged no further.
ended_paths as (
    select paths.lead_id, paths.reached_id as survivor_id
    from paths
    left join last_merges on last_merges.lead_id = paths.reached_id
    where last_merges.lead_id is null
),

circle_members as (
    select lead_id
    from paths
    where lead_id = reached_id
),

-- A way into a circle has no end: there the latest merge of the circle says who survived.
ranked_circles as (
    select
        paths.lead_id,
        last_merges.survivor_id,
        row_number() over (
            partition by paths.lead_id
            order by last_merges.occurred_at desc, last_merges.survivor_id asc
        ) as circle_rank
    from paths
    inner join circle_members on circle_members.lead_id = paths.reached_id
    inner join last_merges on last_merges.lead_id = paths.reached_id
),

survivors as (
    select lead_id, survivor_id
    from ended_paths
    union all
    select lead_id, survivor_id
    from ranked_circles
    where circle_rank = 1
),

creations as (
    select
        coalesce(survivors.survivor_id, created.lead_id) as lead_id,
        created.lead_id as created_lead_id,
        created.channel,
        created.campaign,
        created.product,
        created.region,
        created.owner_id,
        created.occurred_at,
        row_number() over (
            partition by coalesce(survivors.survivor_id, created.lead_id)
            order by created.occurred_at, created._topic, created._epoch, created._partition, created._offset, created._n
        ) as touch_rank
    from created
    left join survivors on survivors.lead_id = created.lead_id
    where not coalesce(created.is_test, false)
),

first_touches as (
    select
        lead_id,
        channel,
        campaign,
        product,
        region,
        owner_id,
        occurred_at as created_at,
        business_date(occurred_at) as created_date
    from creations
    where touch_rank = 1
),

lead_counts as (
    select
        lead_id,
        count(distinct created_lead_id) as lead_count
    from creations
    group by lead_id
),

ranked_assignments as (
    select
        coalesce(survivors.survivor_id, assigned.lead_id) as lead_id,
        assigned.assignee_id,
        assigned.occurred_at,
        row_number() over (
            partition by coalesce(survivors.survivor_id, assigned.lead_id)
            order by assigned.occurred_at, assigned._topic, assigned._epoch, assigned._partition, assigned._offset, assigned._n
        ) as assignment_rank
    from assigned
    left join survivors on survivors.lead_id = assigned.lead_id
    left join test_leads on test_leads.lead_id = assigned.lead_id
    where test_leads.lead_id is null
),

-- Whom a lead is attributed to, and the day on which that person's department counts.
salespeople as (
    select
        first_touches.lead_id,
        coalesce(ranked_assignments.assignee_id, first_touches.owner_id) as salesperson,
        coalesce(business_date(ranked_assignments.occurred_at), first_touches.created_date) as attributed_date
    from first_touches
    left join ranked_assignments
        on ranked_assignments.lead_id = first_touches.lead_id
        and ranked_assignments.assignment_rank = 1
),

stages as (
    select
        coalesce(survivors.survivor_id, stage_changed.lead_id) as lead_id,
        min(stage_changed.occurred_at) filter (where stage_changed.to_stage = 'mql') as mql_at,
        min(stage_changed.occurred_at) filter (where stage_changed.to_stage = 'sal') as sal_at,
        min(stage_changed.occurred_at) filter (where stage_changed.to_stage = 'sql') as sql_at,
        min(stage_changed.occurred_at) filter (where stage_changed.to_stage = 'opportunity') as opportunity_at,
        min(stage_changed.occurred_at) filter (where stage_changed.to_stage = 'won') as won_at,
        min(stage_changed.occurred_at) filter (where stage_changed.to_stage = 'lost') as lost_at
    from stage_changed
    left join survivors on survivors.lead_id = stage_changed.lead_id
    left join test_leads on test_leads.lead_id = stage_changed.lead_id
    where test_leads.lead_id is null
    group by coalesce(survivors.survivor_id, stage_changed.lead_id)
)

select
    first_touches.lead_id,
    first_touches.channel,
    first_touches.campaign,
    first_touches.product,
    first_touches.region,
    salespeople.salesperson,
    employee_departments.department,
    first_touches.created_at,
    first_touches.created_date,
    stages.mql_at,
    stages.sal_at,
    stages.sql_at,
    stages.opportunity_at,
    stages.won_at,
    business_date(stages.won_at) as won_date,
    stages.lost_at,
    business_date(stages.lost_at) as lost_date,
    lead_counts.lead_count
from first_touches
inner join lead_counts on lead_counts.lead_id = first_touches.lead_id
inner join salespeople on salespeople.lead_id = first_touches.lead_id
left join employee_departments
    on employee_departments.employee_id = salespeople.salesperson
    and salespeople.attributed_date between employee_departments.valid_from and employee_departments.valid_to
left join stages on stages.lead_id = first_touches.lead_id
