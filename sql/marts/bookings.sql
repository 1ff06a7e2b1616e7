/*
description: >-
  One row per movement of contract value: a contract as signed, an amendment, and a cancellation, which takes
  back what stood of the contract on that day. Each counts on its own day, so a past period stays as it was.
  Amendments that were to hold only after the cancellation are not here.
grain: booking_id
owner: sales
columns:
  booking_id:            {description: The movement.}
  contract_id:           {description: The contract., tests: [{relationships: {to: marts.contracts, column: contract_id}}]}
  kind:                  {description: What moved it., tests: [not_null, {accepted_values: [signed, amended, cancelled]}]}
  booking_date:          {description: "Day on which it counts: effective_date, of a cancellation cancelled_date.", tests: [not_null]}
  amount:                {description: "Value added, negative where it was taken back.", tests: [not_null]}
  currency:              {description: Currency of the amount.}
  in_company_currency:   {description: Whether the amount may be added to others., tests: [not_null]}
  customer_id:           {description: The customer.}
  channel:               {description: First-touch channel of the contract's lead.}
  product:               {description: The product.}
  region:                {description: Sales region.}
  market_id:             {description: The market in which it counts.}
  salesperson:           {description: Who signed the contract for us.}
  department:            {description: The salesperson's department on booking_date.}
  market_published_date:
    description: >-
      First day on which a size of this market in this month was published, in the company's currency; null while there
      is none.
*/
with contracts as (
    select * from marts.contracts
),

amended as (
    select * from staging.contract_amended
),

market_sizes as (
    select * from marts.market_sizes
),

employee_departments as (
    select * from marts.employee_departments
),

signatures as (
    select
        'signed ' || contract_id as booking_id,
        contract_id,
        'signed' as kind,
        effective_date as booking_date,
        amount,
        currency
    from contracts
),

amendments as (
    select
        'amended ' || amended.source || ' ' || amended.event_id as booking_id,
        amended.contract_id,
        'amended' as kind,
        amended.effective_date as booking_date,
        amended.amount_delta as amount,
        amended.currency
    from amended
    inner join contracts on contracts.contract_id = amended.contract_id
    where contracts.cancelled_date is null
        or amended.effective_date <= contracts.cancelled_date
),

additions as (
    select * from signatures
    union all
    select * from amendments
),

-- One row per currency, in case an amendment was made in another one.
cancellations as (
    select
        'cancelled ' || additions.contract_id || ' ' || additions.currency as booking_id,
        additions.contract_id,
        'cancelled' as kind,
        contracts.cancelled_date as booking_date,
        -sum(additions.amount) as amount,
        additions.currency
    from additions
    inner join contracts on contracts.contract_id = additions.contract_id
    where contracts.cancelled_date is not null
    group by additions.contract_id, contracts.cancelled_date, additions.currency
),

bookings as (
    select * from additions
    union all
    select * from cancellations
),

first_publications as (
    select
        market_id,
        month,
        min(published_date) as market_published_date
    from market_sizes
    where in_company_currency
    group by market_id, month
)

select
    bookings.booking_id,
    bookings.contract_id,
    bookings.kind,
    bookings.booking_date,
    cast(bookings.amount as decimal(18, 2)) as amount,
    bookings.currency,
    is_company_currency(bookings.currency) as in_company_currency,
    contracts.customer_id,
    contracts.channel,
    contracts.product,
    contracts.region,
    contracts.market_id,
    contracts.salesperson,
    employee_departments.department,
    first_publications.market_published_date
from bookings
inner join contracts on contracts.contract_id = bookings.contract_id
left join employee_departments
    on employee_departments.employee_id = contracts.salesperson
    and bookings.booking_date between employee_departments.valid_from and employee_departments.valid_to
left join first_publications
    on first_publications.market_id = contracts.market_id
    and first_publications.month = date_trunc('month', bookings.booking_date)
