-- cycle version 1, month, as of 2026-10-31
with counted as (
    select
        cast(date_trunc('month', closed_date) as date) as period_start,
        cycle_days as measure
    from marts.deals
    where (closed_date is null or closed_date <= date '2026-10-31')
        and coalesce((is_won), false)
)

select
    period_start,
    cast(null as decimal(38, 6)) as numerator,
    cast(null as decimal(38, 6)) as denominator,
    percentile_cont(0.5) within group (order by cast(measure as double)) as value,
    count(measure) as n,
    count(*) - count(measure) as without_value
from counted
group by period_start
having count(measure) > 0
order by period_start nulls last
