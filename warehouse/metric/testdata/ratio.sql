-- on_time version 1, month, as of 2026-10-31
with counted as (
    select
        cast(date_trunc('month', closed_date) as date) as period_start,
        case when coalesce((cycle_days <= 30), false) then 1 else 0 end as numerator_part
    from marts.deals
    where (closed_date is null or closed_date <= date '2026-10-31')
        and not coalesce((closed_date > date '2026-10-31'), false)
        and coalesce((channel <> 'test'), false)
)

select
    period_start,
    cast(sum(numerator_part) as decimal(38, 6)) as numerator,
    cast(count(*) as decimal(38, 6)) as denominator,
    cast(sum(numerator_part) as double) / nullif(count(*), 0) as value,
    count(*) as n
from counted
group by period_start
order by period_start nulls last
