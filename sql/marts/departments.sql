/*
description: One row per department (org unit), as it was last described.
grain: department
owner: hr
columns:
  department: {description: "The department, by its org_unit_id."}
  name:       {description: Its name., tests: [not_null]}
  kind:
    description: What it does.
    tests: [{accepted_values: [management, marketing, rnd, sales, service, other]}]
  parent:
    description: The department that it belongs to; null at the top.
    tests: [{relationships: {to: marts.departments, column: department}, severity: warn}]
*/
with org_unit_changed as (
    select * from staging.org_unit_changed
),

-- Of two descriptions that hold from the same day the later event is the correction.
ranked_changes as (
    select
        org_unit_id,
        name,
        kind,
        parent_id,
        row_number() over (
            partition by org_unit_id
            order by valid_from desc, occurred_at desc, _topic desc, _epoch desc, _partition desc, _offset desc, _n desc
        ) as change_rank
    from org_unit_changed
)

select
    org_unit_id as department,
    name,
    kind,
    parent_id as parent
from ranked_changes
where change_rank = 1
