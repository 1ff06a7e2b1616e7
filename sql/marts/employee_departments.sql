/*
description: >-
  One row per stay of an employee in a department. Figures are attributed by the department that was
  valid on the day of the event: join on employee_id and that day between valid_from and valid_to.
  The stays of an employee never overlap; on a day without one the employee has no department.
grain: [employee_id, valid_from]
owner: hr
columns:
  employee_id:     {description: The employee.}
  department:      {description: "The department, by its org_unit_id.", tests: [not_null]}
  department_name: {description: Its name today; null where it was never described.}
  department_kind: {description: What it does.}
  post:            {description: The employee's post.}
  valid_from:      {description: First day.}
  valid_to:
    description: Last day, included; 9999-12-31 where no end is known.
    tests: [not_null, {expression: valid_to >= valid_from, severity: warn}]
*/
with employee_assigned as (
    select * from staging.employee_assigned
),

departments as (
    select * from marts.departments
),

-- Of two assignments from the same day the later event is the correction.
ranked_assignments as (
    select
        employee_id,
        org_unit_id,
        post,
        valid_from,
        valid_to,
        row_number() over (
            partition by employee_id, valid_from
            order by occurred_at desc, _topic desc, _epoch desc, _partition desc, _offset desc, _n desc
        ) as assignment_rank
    from employee_assigned
),

-- A stay ends by itself, or on the day before the next one begins.
stays as (
    select
        employee_id,
        org_unit_id as department,
        post,
        valid_from,
        least(
            coalesce(valid_to, date '9999-12-31'),
            coalesce(lead(valid_from) over (partition by employee_id order by valid_from) - 1, date '9999-12-31')
        ) as valid_to
    from ranked_assignments
    where assignment_rank = 1
)

select
    stays.employee_id,
    stays.department,
    departments.name as department_name,
    departments.kind as department_kind,
    stays.post,
    stays.valid_from,
    stays.valid_to
from stays
left join departments on departments.department = stays.department
