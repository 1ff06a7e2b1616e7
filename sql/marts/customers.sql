/*
description: >-
  One row per customer who was ever converted: who has a contract that was not cancelled in its cooling-off.
grain: customer_id
owner: sales
columns:
  customer_id:       {description: The customer.}
  first_contract_id: {description: The customer's first contract., tests: [unique, not_null]}
  converted_date:    {description: Day from which the first contract holds., tests: [not_null]}
  amount:            {description: Its value as signed.}
  currency:          {description: Currency of the amount.}
  channel:           {description: First-touch channel of its lead.}
  product:           {description: Its product.}
  region:            {description: Its sales region.}
  market_id:         {description: Its market.}
  salesperson:       {description: Who signed it for us.}
  department:        {description: The salesperson's department on converted_date.}
*/
with contracts as (
    select * from marts.contracts
)

select
    customer_id,
    contract_id as first_contract_id,
    effective_date as converted_date,
    amount,
    currency,
    channel,
    product,
    region,
    market_id,
    salesperson,
    department
from contracts
where is_first
