/*
description: One row per amount that was spent on a campaign.
grain: spend_id
owner: marketing
columns:
  spend_id:            {description: The amount., tests: [not_null]}
  campaign:            {description: The campaign., tests: [not_null]}
  channel:             {description: The channel on which it ran.}
  product:             {description: The product that it was for.}
  region:              {description: The sales region that it was for.}
  spend_date:          {description: "Day for which it was spent, however late the bill came.", tests: [not_null]}
  amount:              {description: What was spent., tests: [{expression: amount >= 0}]}
  currency:            {description: Currency of the amount.}
  in_company_currency: {description: Whether the amount may be added to others., tests: [not_null]}
*/
with spend_recorded as (
    select * from staging.campaign_spend_recorded
)

select
    source || ' ' || event_id as spend_id,
    campaign,
    channel,
    product,
    region,
    spend_date,
    amount,
    currency,
    is_company_currency(currency) as in_company_currency
from spend_recorded
