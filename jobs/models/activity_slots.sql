-- What each actor did in each slot of time. A slot is one session gap long, so that requests within it always
--   belong to one session: everything above is computed from slots, twenty times fewer than requests.
-- Source: requests (activity stream, in_session)
-- Grain: player_id, is_identified, chain_is_bot, activity_date, slot  [coded]
-- Columns: is_player (counts above sessions); slot (at div gap); first_at, last_at, first_event_at,
--   last_event_at (microseconds); request_count, event_count, error_count (5xx), bytes_sent (NULL if never logged)
-- Window: days 0..0
-- Late data: a late request changes its own slot only.
-- Again: same rows from the same requests.
select
  player_id,
  is_identified,
  chain_is_bot,
  is_player,
  at div 86400000000 as activity_date,
  at div :slot_us as slot,
  min(at) as first_at,
  max(at) as last_at,
  min(case when event is not null then at end) as first_event_at,
  max(case when event is not null then at end) as last_event_at,
  count(*) as request_count,
  count(event) as event_count,
  count(case when status >= 500 then 1 end) as error_count,
  cast(sum(bytes_sent) as bigint) as bytes_sent
from requests
where in_session
group by player_id, is_identified, chain_is_bot, is_player, at div 86400000000, at div :slot_us
