-- customers version 1, total, as of 2026-10-31
with counted as (
    select
        case when closed_date is not null then 'total' end as period,
        customer_id as measure
    from marts.deals
    where (closed_date is null or closed_date <= date '2026-10-31')
)

select
    period,
    cast(count(distinct measure) as decimal(38, 6)) as numerator,
    cast(null as decimal(38, 6)) as denominator,
    cast(count(distinct measure) as double) as value,
    count(measure) as n,
    count(*) - count(measure) as without_value
from counted
group by period
having count(measure) > 0
order by period nulls last
