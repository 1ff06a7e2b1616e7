-- win_rate_amount version 1, month, as of 2026-10-31
with parts as (
    select
        cast(date_trunc('month', closed_date) as date) as period_start,
        case when coalesce((is_won), false) then amount else 0 end as numerator_part,
        amount as denominator_part
    from marts.deals
    where (closed_date is null or closed_date <= date '2026-10-31')
),

counted as (
    select
        *,
        numerator_part is not null and denominator_part is not null as has_value
    from parts
)

select
    period_start,
    cast(sum(numerator_part) filter (where has_value) as decimal(38, 6)) as numerator,
    cast(sum(denominator_part) filter (where has_value) as decimal(38, 6)) as denominator,
    cast(sum(numerator_part) filter (where has_value) as double) / nullif(cast(sum(denominator_part) filter (where has_value) as double), 0) as value,
    count(*) filter (where has_value) as n,
    count(*) - count(*) filter (where has_value) as without_value
from counted
group by period_start
having count(*) filter (where has_value) > 0
order by period_start nulls last
