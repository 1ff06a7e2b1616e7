/*
description: >-
  One row per opportunity, closed as its last close says; one that was re-opened after it is open again.
  An opportunity that was never created, or is a test, is not here.
grain: opportunity_id
owner: sales
columns:
  opportunity_id: {description: The opportunity.}
  lead_id:        {description: The lead that it came from; null where it came without one.}
  customer_id:    {description: "The customer: as named at the close, else at the creation."}
  channel:        {description: First-touch channel of the lead.}
  product:        {description: The product.}
  region:         {description: Sales region.}
  market_id:      {description: The market in which it would count.}
  salesperson:    {description: "Who closed it; where the close names nobody, or it is open, its last known owner."}
  department:     {description: "The salesperson's department on closed_date, while it is open on created_date."}
  created_at:     {description: When it was created., tests: [not_null]}
  created_date:   {description: Business day of created_at., tests: [not_null]}
  closed_at:      {description: When it was closed for the last time; null while it is open.}
  closed_date:    {description: Business day of closed_at.}
  result:
    description: How it ended; null while it is open.
    tests: [{accepted_values: [won, lost, no_decision]}]
  close_reason:   {description: Why it ended so.}
  is_won:         {description: Whether it was won; null while it is open.}
  amount:
    description: >-
      Its amount at the close; where that is missing or 0, the last amount above 0 that it had in the pipeline; null
      where it never had one.
    tests: [{expression: amount > 0}]
  currency:       {description: Currency of the amount.}
  in_company_currency:
    description: Whether the amount may be added to others. One without a currency is taken to be in the company's.
    tests: [not_null]
  cycle_days:
    description: Days from created_date to closed_date.
    tests: [{expression: cycle_days >= 0, severity: warn}]
*/
with created as (
    select * from staging.opportunity_created
),

stage_changed as (
    select * from staging.opportunity_stage_changed
),

closed as (
    select * from staging.opportunity_closed
),

leads as (
    select * from marts.leads
),

employee_departments as (
    select * from marts.employee_departments
),

-- What the three kinds of events say of an opportunity, in one shape. Only a close
-- and a change to an open stage decide whether it is closed.
events as (
    select
        opportunity_id,
        'created' as kind,
        owner_id,
        amount,
        occurred_at,
        _topic, _epoch, _partition, _offset, _n
    from created
    union all
    select
        opportunity_id,
        case when to_category = 'open' then 'reopened' else 'moved' end as kind,
        owner_id,
        amount,
        occurred_at,
        _topic, _epoch, _partition, _offset, _n
    from stage_changed
    union all
    select
        opportunity_id,
        'closed' as kind,
        owner_id,
        amount,
        occurred_at,
        _topic, _epoch, _partition, _offset, _n
    from closed
),

ranked_events as (
    select
        opportunity_id,
        kind,
        owner_id,
        amount,
        row_number() over (
            partition by opportunity_id
            order by occurred_at, _topic, _epoch, _partition, _offset, _n
        ) as event_rank
    from events
),

histories as (
    select
        opportunity_id,
        arg_max(owner_id, event_rank) filter (where owner_id is not null) as last_owner_id,
        arg_max(amount, event_rank) filter (where amount > 0 and kind <> 'closed') as pipeline_amount,
        arg_max(kind, event_rank) filter (where kind in ('closed', 'reopened')) as last_kind
    from ranked_events
    group by opportunity_id
),

ranked_creations as (
    select
        opportunity_id,
        lead_id,
        customer_id,
        product,
        region,
        market_id,
        currency,
        coalesce(is_test, false) as is_test,
        occurred_at as created_at,
        row_number() over (
            partition by opportunity_id
            order by occurred_at, _topic, _epoch, _partition, _offset, _n
        ) as creation_rank
    from created
),

ranked_closes as (
    select
        closed.opportunity_id,
        closed.result,
        closed.reason,
        closed.amount,
        closed.currency,
        closed.owner_id,
        closed.customer_id,
        closed.occurred_at as closed_at,
        row_number() over (
            partition by closed.opportunity_id
            order by
                closed.occurred_at desc, closed._topic desc, closed._epoch desc, closed._partition desc, closed._offset desc,
                closed._n desc
        ) as close_rank
    from closed
    inner join histories on histories.opportunity_id = closed.opportunity_id
    where histories.last_kind = 'closed'
),

opportunities as (
    select
        ranked_creations.opportunity_id,
        ranked_creations.lead_id,
        coalesce(ranked_closes.customer_id, ranked_creations.customer_id) as customer_id,
        ranked_creations.product,
        ranked_creations.region,
        ranked_creations.market_id,
        coalesce(ranked_closes.owner_id, histories.last_owner_id) as salesperson,
        ranked_creations.created_at,
        business_date(ranked_creations.created_at) as created_date,
        ranked_closes.closed_at,
        business_date(ranked_closes.closed_at) as closed_date,
        ranked_closes.result,
        ranked_closes.reason as close_reason,
        case when ranked_closes.amount > 0 then ranked_closes.amount else histories.pipeline_amount end as amount,
        coalesce(ranked_closes.currency, ranked_creations.currency) as currency
    from ranked_creations
    inner join histories on histories.opportunity_id = ranked_creations.opportunity_id
    left join ranked_closes
        on ranked_closes.opportunity_id = ranked_creations.opportunity_id
        and ranked_closes.close_rank = 1
    where ranked_creations.creation_rank = 1
        and not ranked_creations.is_test
)

select
    opportunities.opportunity_id,
    opportunities.lead_id,
    opportunities.customer_id,
    leads.channel,
    opportunities.product,
    opportunities.region,
    opportunities.market_id,
    opportunities.salesperson,
    employee_departments.department,
    opportunities.created_at,
    opportunities.created_date,
    opportunities.closed_at,
    opportunities.closed_date,
    opportunities.result,
    opportunities.close_reason,
    opportunities.result = 'won' as is_won,
    opportunities.amount,
    opportunities.currency,
    opportunities.currency is null or is_company_currency(opportunities.currency) as in_company_currency,
    date_diff('day', opportunities.created_date, opportunities.closed_date) as cycle_days
from opportunities
left join leads on leads.lead_id = opportunities.lead_id
left join employee_departments
    on employee_departments.employee_id = opportunities.salesperson
    and coalesce(opportunities.closed_date, opportunities.created_date)
        between employee_departments.valid_from and employee_departments.valid_to
