-- ever version 1, total, as of 2026-10-31
with counted as (
    select
        case when created_date is not null then 'total' end as period,
        case when won_date <= date '2026-10-31' then 1 else 0 end as reached,
        case when won_date < created_date and won_date <= date '2026-10-31' then 1 else 0 end as reached_before_start
    from marts.leads
    where (created_date is null or created_date <= date '2026-10-31')
)

select
    period,
    cast(sum(reached) as decimal(38, 6)) as numerator,
    cast(count(*) as decimal(38, 6)) as denominator,
    cast(sum(reached) as double) / nullif(count(*), 0) as value,
    count(*) as n,
    sum(reached_before_start) as reached_before_start
from counted
group by period
order by period nulls last
