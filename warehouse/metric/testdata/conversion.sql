-- rate version 1, year by channel, as of 2026-10-31
with counted as (
    select
        cast(date_trunc('year', created_date - interval '3' month) + interval '3' month as date) as period_start,
        channel,
        case
            when won_date >= created_date
                and won_date <= created_date + interval '180' day
                and won_date <= date '2026-10-31' then 1
            else 0
        end as reached
    from marts.leads
    where (created_date is null or created_date <= date '2026-10-31')
        and coalesce((region <> 'south' -- own sales alone
    ), false)
        and not coalesce((channel = 'test'), false)
        and not coalesce((created_date > date '2026-10-31'), false)
        and coalesce((region in ('north', 'west')), false)
)

select
    period_start,
    channel,
    cast(sum(reached) as decimal(38, 6)) as numerator,
    cast(count(*) as decimal(38, 6)) as denominator,
    cast(sum(reached) as double) / nullif(count(*), 0) as value,
    count(*) as n
from counted
group by period_start, channel
order by period_start nulls last, channel nulls last
