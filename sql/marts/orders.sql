/*
description: One row per order. An order that is a test is not here.
grain: order_id
owner: sales
columns:
  order_id:            {description: The order.}
  customer_id:         {description: The customer., tests: [not_null]}
  contract_id:         {description: The contract under which it was placed; null where it was without one.}
  order_date:          {description: Business day on which it was placed., tests: [not_null]}
  amount:              {description: Its value., tests: [{expression: amount >= 0}]}
  currency:            {description: Currency of the amount.}
  in_company_currency: {description: Whether the amount may be added to others., tests: [not_null]}
  units:               {description: How many units were ordered.}
  channel:
    description: >-
      First-touch channel of the lead that the order came from, by its own word, else by that of its opportunity, else by
      that of its contract.
  product:             {description: The product.}
  region:              {description: Sales region.}
  market_id:           {description: The market in which it counts.}
  salesperson:         {description: Who took the order.}
  department:          {description: The salesperson's department on order_date.}
*/
with placed as (
    select * from staging.order_placed
),

opportunities as (
    select * from marts.opportunities
),

contracts as (
    select * from marts.contracts
),

leads as (
    select * from marts.leads
),

employee_departments as (
    select * from marts.employee_departments
),

ranked_placements as (
    select
        *,
        row_number() over (
            partition by order_id
            order by occurred_at, _topic, _epoch, _partition, _offset, _n
        ) as placement_rank
    from placed
),

orders as (
    select
        ranked_placements.order_id,
        ranked_placements.customer_id,
        ranked_placements.contract_id,
        business_date(ranked_placements.occurred_at) as order_date,
        ranked_placements.amount,
        ranked_placements.currency,
        ranked_placements.units,
        coalesce(ranked_placements.lead_id, opportunities.lead_id, contracts.lead_id) as lead_id,
        ranked_placements.product,
        ranked_placements.region,
        ranked_placements.market_id,
        ranked_placements.owner_id as salesperson
    from ranked_placements
    left join opportunities on opportunities.opportunity_id = ranked_placements.opportunity_id
    left join contracts on contracts.contract_id = ranked_placements.contract_id
    where ranked_placements.placement_rank = 1
        and not coalesce(ranked_placements.is_test, false)
)

select
    orders.order_id,
    orders.customer_id,
    orders.contract_id,
    orders.order_date,
    orders.amount,
    orders.currency,
    is_company_currency(orders.currency) as in_company_currency,
    orders.units,
    leads.channel,
    orders.product,
    orders.region,
    orders.market_id,
    orders.salesperson,
    employee_departments.department
from orders
left join leads on leads.lead_id = orders.lead_id
left join employee_departments
    on employee_departments.employee_id = orders.salesperson
    and orders.order_date between employee_departments.valid_from and employee_departments.valid_to
