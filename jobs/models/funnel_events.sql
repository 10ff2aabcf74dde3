-- Players' requests of the events that some funnel asks for, numbered in exact order.
-- Source: requests, wanted_events
-- Grain: player_id, seq  [coded]
-- Columns: at (microseconds); event; seq (1 = the player's first of these requests)
-- Window: history of the players touched
-- Late data: renumbers the player's requests.
-- Again: same rows; order is at, order_hi, order_lo, tie.
with wanted as (
  select distinct event
  from wanted_events
)

select
  r.player_id,
  r.at,
  r.event,
  row_number() over (
    partition by r.player_id order by r.at, r.order_hi, r.order_lo, r.tie
  ) as seq
from requests as r
left semi join wanted as w on r.event = w.event
where r.is_player
