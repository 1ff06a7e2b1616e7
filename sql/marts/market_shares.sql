/*
description: >-
  Every publication of a market's size with what the company itself sold in that market and month, so that a share
  can be shown with the publication behind it.
grain: market_size_id
owner: marketing
columns:
  market_size_id:      {description: The publication.}
  market_id:           {description: The market., tests: [not_null]}
  month:               {description: First day of the month., tests: [not_null]}
  amount:              {description: What was sold in the market in that month.}
  currency:            {description: Currency of the amount.}
  in_company_currency: {description: Whether the amount may be compared with our own., tests: [not_null]}
  units:               {description: The same in units.}
  kind:                {description: "Whether somebody counted or guessed it."}
  publisher:           {description: Who published it.}
  edition:             {description: Its version by the publisher's own word.}
  published_date:      {description: Day on which it was published.}
  superseded_date:     {description: Day on which another size of the same market and month took its place; null for the one that holds.}
  low_amount:          {description: Lower end of an estimate.}
  high_amount:         {description: Upper end of an estimate.}
  own_amount:
    description: Our own bookings in that market and month, in the company's currency; 0 where there are none.
    tests: [not_null, {expression: not in_company_currency or own_amount <= amount, severity: warn}]
*/
with market_sizes as (
    select * from marts.market_sizes
),

bookings as (
    select * from marts.bookings
),

own_sales as (
    select
        market_id,
        date_trunc('month', booking_date) as month,
        sum(amount) as amount
    from bookings
    where in_company_currency
    group by market_id, date_trunc('month', booking_date)
)

select
    market_sizes.market_size_id,
    market_sizes.market_id,
    market_sizes.month,
    market_sizes.amount,
    market_sizes.currency,
    market_sizes.in_company_currency,
    market_sizes.units,
    market_sizes.kind,
    market_sizes.publisher,
    market_sizes.edition,
    market_sizes.published_date,
    market_sizes.superseded_date,
    market_sizes.low_amount,
    market_sizes.high_amount,
    cast(coalesce(own_sales.amount, 0) as decimal(18, 2)) as own_amount
from market_sizes
left join own_sales
    on own_sales.market_id = market_sizes.market_id
    and own_sales.month = market_sizes.month
