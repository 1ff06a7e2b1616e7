/*
description: >-
  One row per signed contract, as it was signed; what changed its value later is in marts.bookings.
  A contract that is a test is not here.
grain: contract_id
owner: sales
columns:
  contract_id:         {description: The contract.}
  customer_id:         {description: The customer., tests: [not_null]}
  opportunity_id:      {description: The opportunity that it came from.}
  lead_id:             {description: "The lead that it came from, where the contract names none that of its opportunity."}
  channel:             {description: First-touch channel of the lead.}
  product:             {description: The product.}
  region:              {description: Sales region.}
  market_id:           {description: The market in which it counts.}
  salesperson:         {description: Who signed it for us.}
  department:          {description: The salesperson's department on effective_date.}
  signed_at:           {description: When it was signed., tests: [not_null]}
  effective_date:      {description: Day from which it holds., tests: [not_null]}
  amount:              {description: Its value as signed., tests: [{expression: amount >= 0}]}
  currency:            {description: Currency of the amount.}
  in_company_currency: {description: Whether the amount may be added to others., tests: [not_null]}
  cancelled_date:      {description: "Day on which it was cancelled; the first cancellation counts. Null: it holds."}
  in_cooling_off:      {description: Whether it was cancelled while the customer was free to., tests: [not_null]}
  is_first:
    description: >-
      Whether it is the customer's first by effective_date, then by when it was signed. One that was cancelled in its
      cooling-off never is, so that the next one is the first.
    tests: [not_null]
*/
with signed as (
    select * from staging.contract_signed
),

cancelled as (
    select * from staging.contract_cancelled
),

opportunities as (
    select * from marts.opportunities
),

leads as (
    select * from marts.leads
),

employee_departments as (
    select * from marts.employee_departments
),

ranked_signatures as (
    select
        *,
        row_number() over (
            partition by contract_id
            order by occurred_at, _topic, _epoch, _partition, _offset, _n
        ) as signature_rank
    from signed
),

ranked_cancellations as (
    select
        contract_id,
        cancelled_date,
        coalesce(in_cooling_off, false) as in_cooling_off,
        row_number() over (
            partition by contract_id
            order by occurred_at, _topic, _epoch, _partition, _offset, _n
        ) as cancellation_rank
    from cancelled
),

contracts as (
    select
        ranked_signatures.contract_id,
        ranked_signatures.customer_id,
        ranked_signatures.opportunity_id,
        coalesce(ranked_signatures.lead_id, opportunities.lead_id) as lead_id,
        ranked_signatures.product,
        ranked_signatures.region,
        ranked_signatures.market_id,
        ranked_signatures.owner_id as salesperson,
        ranked_signatures.occurred_at as signed_at,
        ranked_signatures.effective_date,
        ranked_signatures.amount,
        ranked_signatures.currency,
        ranked_cancellations.cancelled_date,
        coalesce(ranked_cancellations.in_cooling_off, false) as in_cooling_off,
        row_number() over (
            partition by ranked_signatures.customer_id, coalesce(ranked_cancellations.in_cooling_off, false)
            order by
                ranked_signatures.effective_date, ranked_signatures.occurred_at, ranked_signatures._topic,
                ranked_signatures._epoch, ranked_signatures._partition, ranked_signatures._offset, ranked_signatures._n
        ) as customer_rank
    from ranked_signatures
    left join ranked_cancellations
        on ranked_cancellations.contract_id = ranked_signatures.contract_id
        and ranked_cancellations.cancellation_rank = 1
    left join opportunities on opportunities.opportunity_id = ranked_signatures.opportunity_id
    where ranked_signatures.signature_rank = 1
        and not coalesce(ranked_signatures.is_test, false)
)

select
    contracts.contract_id,
    contracts.customer_id,
    contracts.opportunity_id,
    contracts.lead_id,
    leads.channel,
    contracts.product,
    contracts.region,
    contracts.market_id,
    contracts.salesperson,
    employee_departments.department,
    contracts.signed_at,
    contracts.effective_date,
    contracts.amount,
    contracts.currency,
    is_company_currency(contracts.currency) as in_company_currency,
    contracts.cancelled_date,
    contracts.in_cooling_off,
    not contracts.in_cooling_off and contracts.customer_rank = 1 as is_first
from contracts
left join leads on leads.lead_id = contracts.lead_id
left join employee_departments
    on employee_departments.employee_id = contracts.salesperson
    and contracts.effective_date between employee_departments.valid_from and employee_departments.valid_to
