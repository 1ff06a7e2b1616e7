-- nps version 1, month, as of 2026-10-31
with counted as (
    select
        cast(date_trunc('month', closed_date) as date) as period_start,
        points as measure
    from marts.deals
    where (closed_date is null or closed_date <= date '2026-10-31')
)

select
    period_start,
    cast(sum(measure) as decimal(38, 6)) as numerator,
    cast(count(measure) as decimal(38, 6)) as denominator,
    cast(sum(measure) as double) / nullif(count(measure), 0) as value,
    count(measure) as n,
    count(*) - count(measure) as without_value,
    var_pop(cast(measure as double) order by measure) as variance
from counted
group by period_start
having count(measure) > 0
order by period_start nulls last
