-- Pairs of consecutive events in players' sessions, by the date of the later one.
--   A pair no further apart than the session gap is in one session by itself; only of the others, which requests
--   without an event may bridge, the session is looked up.
-- Source: requests, session_slots
-- Grain: activity_date, from_event, to_event
-- Columns: transition_count; player_count (distinct players)
-- Window: chain
-- Late data: as session_slots.
-- Again: same rows; order is at, order_hi, order_lo, tie.
with neighbours as (
  select
    player_id,
    at,
    event as to_event,
    lag(at) over (partition by player_id order by at, order_hi, order_lo, tie) as previous_at,
    lag(event) over (partition by player_id order by at, order_hi, order_lo, tie) as from_event
  from requests
  where is_player and event is not null
),

bridged as (
  select n.player_id, n.at, n.from_event, n.to_event
  from neighbours as n
  inner join session_slots as s
    on n.player_id = s.player_id
    and n.at div 86400000000 = s.activity_date
    and n.at div :slot_us = s.slot
  where s.is_player and n.at - n.previous_at > :session_gap_us and n.previous_at >= s.started_at
),

pairs as (
  select player_id, at div 86400000000 as activity_date, from_event, to_event
  from neighbours
  where at - previous_at <= :session_gap_us
  union all
  select player_id, at div 86400000000 as activity_date, from_event, to_event
  from bridged
),

by_player as (
  select player_id, activity_date, from_event, to_event, count(*) as transition_count
  from pairs
  group by player_id, activity_date, from_event, to_event
)

select
  cast(activity_date as int) as activity_date,
  from_event,
  to_event,
  cast(sum(transition_count) as bigint) as transition_count,
  count(*) as player_count
from by_player
group by activity_date, from_event, to_event
