-- The extent of each session and the sums over its requests.
-- Source: session_slots
-- Grain: player_id, is_identified, chain_is_bot, started_at  [coded]
-- Columns: ended_at, first_event_at, last_event_at (microseconds); request_count, event_count, error_count,
--   bytes_sent (NULL if never logged)
-- Window: chain
-- Late data: as session_slots.
-- Again: same rows from the same slots.
select
  player_id,
  is_identified,
  chain_is_bot,
  is_player,
  started_at,
  max(last_at) as ended_at,
  min(first_event_at) as first_event_at,
  max(last_event_at) as last_event_at,
  cast(sum(request_count) as bigint) as request_count,
  cast(sum(event_count) as bigint) as event_count,
  cast(sum(error_count) as bigint) as error_count,
  cast(sum(bytes_sent) as bigint) as bytes_sent
from session_slots
group by player_id, is_identified, chain_is_bot, is_player, started_at
