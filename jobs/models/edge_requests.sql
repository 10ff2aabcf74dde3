-- The requests that a session or a player's day takes its first and last values from, in exact order.
--   Times find them (a semi-join instead of a sort of all requests); only ties are ordered further.
-- Source: requests, session_spans, session_slots
-- Grain: one request at an edge: actor, at, nth  [coded]
-- Columns: nth (1 = first request of the actor at that time); nth_event, nth_event_from_last (1 = first, last
--   of those with an event; NULL without one); is_bot, bot_reason, event, platform, referrer_host, utm_source,
--   utm_campaign, country (of the request)
-- Window: chain
-- Late data: as session_slots.
-- Again: same rows; order is at, order_hi, order_lo, tie, so that nothing hangs on the order of reading.
with edges as (
  select player_id, is_identified, chain_is_bot, started_at as at
  from session_spans
  union all
  select player_id, is_identified, chain_is_bot, first_event_at as at
  from session_spans
  where first_event_at > started_at
  union all
  select player_id, is_identified, chain_is_bot, last_event_at as at
  from session_spans
  where last_event_at > first_event_at
  union all
  select player_id, is_identified, chain_is_bot, min(first_at) as at
  from session_slots
  where is_player
  group by player_id, is_identified, chain_is_bot, activity_date
),

edge_times as (
  select distinct player_id, is_identified, chain_is_bot, at
  from edges
),

at_edges as (
  select r.*
  from requests as r
  left semi join edge_times as e
    on r.player_id = e.player_id
    and r.is_identified = e.is_identified
    and r.chain_is_bot = e.chain_is_bot
    and r.at = e.at
  where r.in_session
)

select
  player_id,
  is_identified,
  chain_is_bot,
  is_player,
  at,
  row_number() over (
    partition by player_id, is_identified, chain_is_bot, at order by order_hi, order_lo, tie
  ) as nth,
  case when event is not null then count(event) over (
    partition by player_id, is_identified, chain_is_bot, at order by order_hi, order_lo, tie
    rows between unbounded preceding and current row
  ) end as nth_event,
  case when event is not null then count(event) over (
    partition by player_id, is_identified, chain_is_bot, at order by order_hi, order_lo, tie
    rows between current row and unbounded following
  ) end as nth_event_from_last,
  is_bot,
  bot_reason,
  event,
  platform,
  referrer_host,
  utm_source,
  utm_campaign,
  country
from at_edges
