/*
description: >-
  One row per published release, with its size and the confirmed defects that affect it, whenever they
  were found. A release that was measured or has defects and was never published is not here.
grain: release_id
owner: rnd
columns:
  release_id:     {description: The release.}
  product:        {description: The product of which it is a version., tests: [not_null]}
  version_name:   {description: The name of the version.}
  department:     {description: Department of its owner on release_date.}
  released_at:    {description: When it was first published., tests: [not_null]}
  release_date:   {description: Business day of released_at., tests: [not_null]}
  size:           {description: "Its size in thousands of lines of code, as last measured; null where nobody measured it so."}
  size_unit:      {description: "The unit of size: kloc. Sizes in another unit are not compared and left out."}
  defect_count:   {description: How many confirmed defects affect it., tests: [not_null]}
  escaped_count:
    description: How many of them were found in production.
    tests: [not_null, {expression: escaped_count <= defect_count}]
  escaped_weight: {description: "What those weigh together by severity.", tests: [not_null]}
*/
with release_published as (
    select * from staging.release_published
),

size_measured as (
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
    from release_published
),

-- Defects per thousand lines and defects per story point must never be added up.
ranked_sizes as (
    select
        release_id,
        size,
        size_unit,
        row_number() over (
            partition by release_id
            order by occurred_at desc, _topic desc, _epoch desc, _partition desc, _offset desc, _n desc
        ) as size_rank
    from size_measured
    where size_unit = 'kloc'
),

defect_counts as (
    select
        release_id,
        count(*) as defect_count,
        count(*) filter (where is_escaped) as escaped_count,
        cast(sum(severity_weight) filter (where is_escaped) as bigint) as escaped_weight
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
    coalesce(defect_counts.escaped_weight, 0) as escaped_weight
from ranked_releases
left join ranked_sizes
    on ranked_sizes.release_id = ranked_releases.release_id
    and ranked_sizes.size_rank = 1
left join defect_counts on defect_counts.release_id = ranked_releases.release_id
left join employee_departments
    on employee_departments.employee_id = ranked_releases.owner_id
    and ranked_releases.release_date between employee_departments.valid_from and employee_departments.valid_to
where ranked_releases.release_rank = 1
