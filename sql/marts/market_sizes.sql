/*
description: >-
  One row per publication of the size of a market in a month. All of them are kept: with published_date and
  superseded_date both the size known on an earlier day and the one known today can be told.
grain: market_size_id
owner: marketing
columns:
  market_size_id:      {description: The publication.}
  market_id:           {description: The market., tests: [not_null]}
  month:               {description: First day of the month., tests: [not_null]}
  amount:              {description: What was sold in the market in that month., tests: [{expression: amount >= 0}]}
  currency:            {description: Currency of the amount.}
  in_company_currency: {description: Whether the amount may be added to others., tests: [not_null]}
  units:               {description: The same in units.}
  kind:                {description: "Whether somebody counted or guessed it.", tests: [{accepted_values: [measured, estimated]}]}
  publisher:           {description: Who published it.}
  edition:             {description: Its version by the publisher's own word.}
  published_date:
    description: Day on which it was published.
    tests: [not_null, {expression: published_date >= month, severity: warn}]
  superseded_date:
    description: >-
      Day on which another size of the same market and month was published, whoever did it; of several from one day the
      last counts. Null for the one that holds. A size in another currency doesn't supersede one in the company's.
    tests: [{expression: superseded_date >= published_date}]
  low_amount:          {description: Lower end of an estimate.}
  high_amount:         {description: Upper end of an estimate.}
*/
with published as (
    select * from staging.market_size_published
),

sizes as (
    select
        source || ' ' || event_id as market_size_id,
        market_id,
        cast(date_trunc('month', month) as date) as month,
        amount,
        currency,
        is_company_currency(currency) as in_company_currency,
        units,
        kind,
        publisher,
        edition,
        published_date,
        low_amount,
        high_amount,
        occurred_at,
        _topic,
        _epoch,
        _partition,
        _offset,
        _n
    from published
)

select
    market_size_id,
    market_id,
    month,
    amount,
    currency,
    in_company_currency,
    units,
    kind,
    publisher,
    edition,
    published_date,
    lead(published_date) over (
        partition by market_id, month, in_company_currency
        order by published_date, occurred_at, _topic, _epoch, _partition, _offset, _n
    ) as superseded_date,
    low_amount,
    high_amount
from sizes
