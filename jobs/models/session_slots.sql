-- Which session each slot of an actor belongs to: chains of slots whose gaps are at most the session gap
--   (exactly the gap stays inside), never split at midnight, per actor and side of the bot verdict.
-- Source: activity_slots
-- Grain: player_id, is_identified, chain_is_bot, activity_date, slot  [coded]
-- Columns: started_at (of the session, microseconds), and those of activity_slots
-- Window: chain (days that an actor's sessions link; the runner widens until no session touches the edge)
-- Late data: a late request may join two sessions or lengthen one, on the days of its chain.
-- Again: same rows from the same slots.
with neighbours as (
  select
    *,
    lag(last_at) over (partition by player_id, is_identified, chain_is_bot order by first_at) as previous_at
  from activity_slots
),

marked as (
  select
    *,
    case when previous_at is null or first_at - previous_at > :session_gap_us then first_at end as start_mark
  from neighbours
)

select
  player_id,
  is_identified,
  chain_is_bot,
  is_player,
  max(start_mark) over (
    partition by player_id, is_identified, chain_is_bot order by first_at
    rows between unbounded preceding and current row
  ) as started_at,
  activity_date,
  slot,
  first_at,
  last_at,
  first_event_at,
  last_event_at,
  request_count,
  event_count,
  error_count,
  bytes_sent
from marked
