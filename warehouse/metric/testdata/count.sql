-- fresh version 1, week, as of 2026-10-31
with counted as (
    select
        cast(date_trunc('week', created_date) as date) as period_start
    from marts.leads
    where (created_date is null or created_date <= date '2026-10-31')
        and created_date >= date '2026-01-01'
        and created_date <= date '2026-09-30'
)

select
    period_start,
    cast(count(*) as decimal(38, 6)) as numerator,
    cast(null as decimal(38, 6)) as denominator,
    cast(count(*) as double) as value,
    count(*) as n
from counted
group by period_start
order by period_start nulls last
