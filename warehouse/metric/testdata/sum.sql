-- bookings version 1, month by channel, as of 2026-10-31
with counted as (
    select
        cast(date_trunc('month', closed_date) as date) as period_start,
        channel,
        amount as measure
    from marts.deals
    where (closed_date is null or closed_date <= date '2026-10-31')
)

select
    period_start,
    channel,
    cast(sum(measure) as decimal(38, 6)) as numerator,
    cast(null as decimal(38, 6)) as denominator,
    cast(sum(measure) as double) as value,
    count(measure) as n,
    count(*) - count(measure) as without_value
from counted
group by period_start, channel
having count(measure) > 0
order by period_start nulls last, channel nulls last
