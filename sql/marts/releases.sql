/*
description: >-
  One row per published release, with its size and the confirmed defects that affect it. Defects of a release count with the
  release, whenever they were found.
grain: release_id
owner: rnd
columns:
  release_id:     {description: The release.}
  product:        {description: The product that was released., tests: [not_null]}
  version_name:   {description: Name of the version.}
  department:     {description: The department of the release's owner on release_date.}
  released_at:    {description: When it was published., tests: [not_null]}
  release_date:   {description: Business day of released_at., tests: [not_null]}
  size:
    description: "Its size in thousand lines of code, as last measured; null where it never was."
    tests: [{expression: size >= 0}]
  size_unit:      {description: "kloc; null without a size.", tests: [{accepted_values: [kloc]}]}
  defect_count:   {description: Confirmed defects that affect it., tests: [not_null]}
  escaped_count:
    description: Those of them that were found in production.
    tests: [not_null, {expression: escaped_count <= defect_count}]
  escaped_weight: {description: What the escaped ones weigh together by their severity., tests: [not_null]}
*/
with published as (
    select * from staging.release_published
),

measured as (
    select * from staging.size_measured
),

defects as (
    select * from marts.defects
),

employee_departments as (
    select * from marts.employee_departments
),

ranked_releases as (
    select
        release_id,
        product,
        version_name,
        owner_id,
        occurred_at as released_at,
        business_date(occurred_at) as release_date,
        row_number() over (
            partition by release_id
            order by occurred_at, _topic, _epoch, _partition, _offset, _n
        ) as release_rank
    from published
),

-- Sizes in other units can't be added to these.
ranked_sizes as (
    select
        release_id,
        size,
        size_unit,
        row_number() over (
            partition by release_id
            order by occurred_at desc, _topic desc, _epoch desc, _partition desc, _offset desc, _n desc
        ) as size_rank
    from measured
    where size_unit = 'kloc'
),

defect_counts as (
    select
        release_id,
        count(*) as defect_count,
        count(*) filter (where is_escaped) as escaped_count,
        coalesce(sum(severity_weight) filter (where is_escaped), 0) as escaped_weight
    from defects
    where is_confirmed
    group by release_id
)

select
    ranked_releases.release_id,
    ranked_releases.product,
    ranked_releases.version_name,
    employee_departments.department,
    ranked_releases.released_at,
    ranked_releases.release_date,
    ranked_sizes.size,
    ranked_sizes.size_unit,
    coalesce(defect_counts.defect_count, 0) as defect_count,
    coalesce(defect_counts.escaped_count, 0) as escaped_count,
    cast(coalesce(defect_counts.escaped_weight, 0) as bigint) as escaped_weight
from ranked_releases
left join ranked_sizes
    on ranked_sizes.release_id = ranked_releases.release_id
    and ranked_sizes.size_rank = 1
left join defect_counts on defect_counts.release_id = ranked_releases.release_id
left join employee_departments
    on employee_departments.employee_id = ranked_releases.owner_id
    and ranked_releases.release_date between employee_departments.valid_from and employee_departments.valid_to
where ranked_releases.release_rank = 1
