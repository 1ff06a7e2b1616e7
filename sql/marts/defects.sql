/*
description: >-
  One row per reported defect, by its last grade and its last resolution, with the day on which the release that it affects was
  published. A defect that was never reported is not here.
grain: defect_id
owner: rnd
columns:
  defect_id:         {description: The defect.}
  release_id:        {description: The affected release.}
  product:           {description: "The product that has the defect, where the report names none that of the release."}
  found_phase:
    description: "The phase in which it was found: requirements, design, development, test or production."
    tests: [not_null, {accepted_values: [requirements, design, development, test, production]}]
  severity:
    description: The last grade that it was given.
    tests: [not_null, {accepted_values: [critical, major, minor, trivial]}]
  customer_reported: {description: Whether a customer reported it; null where nothing was said of it.}
  case_id:           {description: The case in which the customer reported it.}
  reported_at:       {description: When it was reported., tests: [not_null]}
  reported_date:     {description: Business day of reported_at., tests: [not_null]}
  is_confirmed:
    description: "Whether it is one of its own: its last resolution is none of duplicate, not_a_bug and cannot_reproduce."
    tests: [not_null]
  is_escaped:        {description: "Whether it was found in production, after the release.", tests: [not_null]}
  severity_weight:
    description: "What it weighs by its severity: critical 10, major 5, minor 3, trivial 1."
    tests: [not_null, {accepted_values: [10, 5, 3, 1]}]
  resolved_at:       {description: "When it was last resolved; null while it is not, also where it was taken up again after that."}
  resolved_date:     {description: Business day of resolved_at.}
  repair_hours:
    description: Hours from reported_at to resolved_at by the calendar.
    tests: [{expression: repair_hours >= 0, severity: warn}]
  reopen_count:      {description: How often it was reopened., tests: [not_null]}
  release_date:      {description: Business day on which the affected release was published; null while it is not.}
  department:        {description: The department of the release's owner on release_date.}
*/
with reported as (
    select * from staging.defect_reported
),

status_changed as (
    select * from staging.defect_status_changed
),

published as (
    select * from staging.release_published
),

employee_departments as (
    select * from marts.employee_departments
),

ranked_reports as (
    select
        *,
        row_number() over (
            partition by defect_id
            order by occurred_at, _topic, _epoch, _partition, _offset, _n
        ) as report_rank
    from reported
),

ranked_changes as (
    select
        defect_id,
        to_status,
        resolution,
        severity,
        occurred_at,
        row_number() over (
            partition by defect_id
            order by occurred_at, _topic, _epoch, _partition, _offset, _n
        ) as change_rank
    from status_changed
),

-- Closing follows a resolution and leaves it standing; every other status ends it.
histories as (
    select
        defect_id,
        arg_max(severity, change_rank) filter (where severity is not null) as severity,
        arg_max(resolution, change_rank) filter (where resolution is not null) as resolution,
        arg_max(to_status, change_rank) filter (where to_status <> 'closed') as standing_status,
        arg_max(occurred_at, change_rank) filter (where to_status = 'resolved') as last_resolved_at,
        count(*) filter (where to_status = 'reopened') as reopen_count
    from ranked_changes
    group by defect_id
),

ranked_releases as (
    select
        release_id,
        product,
        owner_id,
        business_date(occurred_at) as release_date,
        row_number() over (
            partition by release_id
            order by occurred_at, _topic, _epoch, _partition, _offset, _n
        ) as release_rank
    from published
),

releases as (
    select
        ranked_releases.release_id,
        ranked_releases.product,
        ranked_releases.release_date,
        employee_departments.department
    from ranked_releases
    left join employee_departments
        on employee_departments.employee_id = ranked_releases.owner_id
        and ranked_releases.release_date between employee_departments.valid_from and employee_departments.valid_to
    where ranked_releases.release_rank = 1
),

defects as (
    select
        ranked_reports.defect_id,
        ranked_reports.release_id,
        ranked_reports.product,
        ranked_reports.found_phase,
        coalesce(histories.severity, ranked_reports.severity) as severity,
        ranked_reports.customer_reported,
        ranked_reports.case_id,
        ranked_reports.occurred_at as reported_at,
        coalesce(histories.resolution not in ('duplicate', 'not_a_bug', 'cannot_reproduce'), true) as is_confirmed,
        case when histories.standing_status = 'resolved' then histories.last_resolved_at end as resolved_at,
        coalesce(histories.reopen_count, 0) as reopen_count
    from ranked_reports
    left join histories on histories.defect_id = ranked_reports.defect_id
    where ranked_reports.report_rank = 1
)

select
    defects.defect_id,
    defects.release_id,
    coalesce(defects.product, releases.product) as product,
    defects.found_phase,
    defects.severity,
    defects.customer_reported,
    defects.case_id,
    defects.reported_at,
    business_date(defects.reported_at) as reported_date,
    defects.is_confirmed,
    defects.found_phase = 'production' as is_escaped,
    case defects.severity
        when 'critical' then 10
        when 'major' then 5
        when 'minor' then 3
        when 'trivial' then 1
    end as severity_weight,
    defects.resolved_at,
    business_date(defects.resolved_at) as resolved_date,
    -- Rounded once, on a whole number of hundredths.
    cast(
        round(date_diff('microsecond', defects.reported_at, defects.resolved_at) / 36000000) / 100 as decimal(18, 2)
    ) as repair_hours,
    defects.reopen_count,
    releases.release_date,
    releases.department
from defects
left join releases on releases.release_id = defects.release_id
