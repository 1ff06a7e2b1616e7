-- per_lead version 1, total by channel, as of 2026-10-31
with rate__counted as (
    select
        case when created_date is not null then 'total' end as period,
        channel,
        case
            when won_date >= created_date
                and won_date <= created_date + interval '180' day
                and won_date <= date '2026-10-31' then 1
            else 0
        end as reached,
        created_date as last_date
    from marts.leads
    where (created_date is null or created_date <= date '2026-10-31')
        and coalesce((region <> 'south' -- own sales alone
    ), false)
        and not coalesce((channel = 'test'), false)
        and not coalesce((created_date > date '2026-10-31'), false)
        and created_date is not null
        and coalesce((region = 'north'), false)
),

rate as (
    select
        period,
        channel,
        cast(sum(reached) as decimal(38, 6)) as numerator,
        cast(count(*) as decimal(38, 6)) as denominator,
        cast(sum(reached) as double) / nullif(count(*), 0) as value,
        count(*) as n,
        max(last_date) as last_date
    from rate__counted
    group by period, channel
),

share__part__counted as (
    select
        case when created_date is not null then 'total' end as period,
        channel
    from marts.leads
    where (created_date is null or created_date <= date '2026-10-31')
        and created_date is not null
        and coalesce((region = 'north'), false)
),

share__part as (
    select
        period,
        channel,
        cast(count(*) as decimal(38, 6)) as numerator,
        cast(null as decimal(38, 6)) as denominator,
        cast(count(*) as double) as value,
        count(*) as n
    from share__part__counted
    group by period, channel
),

share__whole__counted as (
    select
        case when created_date is not null then 'total' end as period
    from marts.leads
    where (created_date is null or created_date <= date '2026-10-31')
        and created_date is not null
        and coalesce((region = 'north'), false)
),

share__whole as (
    select
        period,
        cast(count(*) as decimal(38, 6)) as numerator,
        cast(null as decimal(38, 6)) as denominator,
        cast(count(*) as double) as value,
        count(*) as n
    from share__whole__counted
    group by period
),

share__every_period as (
    select distinct period, channel from share__part
),

share as (
    select
        share__every_period.period as period,
        share__every_period.channel as channel,
        cast(coalesce(share__part.numerator, 0) as decimal(38, 6)) as numerator,
        cast(coalesce(share__whole.numerator, 0) as decimal(38, 6)) as denominator,
        cast(coalesce(share__part.numerator, 0) as double) / nullif(coalesce(share__whole.numerator, 0), 0) as value,
        cast(null as bigint) as n
    from share__every_period
    left join share__part
        on share__part.period = share__every_period.period
        and share__part.channel is not distinct from share__every_period.channel
    left join share__whole
        on share__whole.period = share__every_period.period
),

every_period as (
    select period, channel from rate
    union
    select period, channel from share
)

select
    every_period.period as period,
    every_period.channel as channel,
    cast(null as decimal(38, 6)) as numerator,
    cast(null as decimal(38, 6)) as denominator,
    rate.value * (share.value + 1) as value,
    cast(null as bigint) as n,
    rate.last_date as last_date
from every_period
left join rate
    on rate.period = every_period.period
    and rate.channel is not distinct from every_period.channel
left join share
    on share.period = every_period.period
    and share.channel is not distinct from every_period.channel
order by period nulls last, channel nulls last
