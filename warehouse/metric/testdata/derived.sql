-- share version 1, month by region, channel, as of 2026-10-31
with part__counted as (
    select
        cast(date_trunc('month', created_date) as date) as period_start,
        region,
        channel
    from marts.leads
    where (created_date is null or created_date <= date '2026-10-31')
        and created_date is not null
),

part as (
    select
        period_start,
        region,
        channel,
        cast(count(*) as decimal(38, 6)) as numerator,
        cast(null as decimal(38, 6)) as denominator,
        cast(count(*) as double) as value,
        count(*) as n
    from part__counted
    group by period_start, region, channel
),

whole__counted as (
    select
        cast(date_trunc('month', created_date) as date) as period_start,
        region
    from marts.leads
    where (created_date is null or created_date <= date '2026-10-31')
        and created_date is not null
),

whole as (
    select
        period_start,
        region,
        cast(count(*) as decimal(38, 6)) as numerator,
        cast(null as decimal(38, 6)) as denominator,
        cast(count(*) as double) as value,
        count(*) as n
    from whole__counted
    group by period_start, region
),

every_period as (
    select distinct period_start, region, channel from part
)

select
    every_period.period_start as period_start,
    every_period.region as region,
    every_period.channel as channel,
    cast(coalesce(part.numerator, 0) as decimal(38, 6)) as numerator,
    cast(coalesce(whole.numerator, 0) as decimal(38, 6)) as denominator,
    cast(coalesce(part.numerator, 0) as double) / nullif(coalesce(whole.numerator, 0), 0) as value,
    cast(null as bigint) as n
from every_period
left join part
    on part.period_start = every_period.period_start
    and part.region is not distinct from every_period.region
    and part.channel is not distinct from every_period.channel
left join whole
    on whole.period_start = every_period.period_start
    and whole.region is not distinct from every_period.region
order by period_start nulls last, region nulls last, channel nulls last
