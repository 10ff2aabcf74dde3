-- Each session with all that is known of it: `sessions` and where it came from.
--   Source, platform and bot verdict are those of its first request: a referrer that only a later request
--   carries is mostly the site itself.
-- Source: session_spans, edge_requests
-- Grain: player_id, is_identified, chain_is_bot, started_at
-- Columns: ended_at, first_event_at, last_event_at (microseconds); sums of session_spans; is_bot, bot_reason,
--   entry_event, exit_event, platform, referrer_host, utm_source, utm_campaign, country (NULL = missing)
-- Window: chain
-- Late data: as session_slots.
-- Again: same rows from the same requests.
with firsts as (
  select * from edge_requests where nth = 1
),

entries as (
  select player_id, is_identified, chain_is_bot, at, event from edge_requests where nth_event = 1
),

exits as (
  select player_id, is_identified, chain_is_bot, at, event from edge_requests where nth_event_from_last = 1
)

select
  s.player_id,
  s.is_identified,
  s.chain_is_bot,
  s.is_player,
  s.started_at,
  s.ended_at,
  s.first_event_at,
  s.last_event_at,
  s.request_count,
  s.event_count,
  s.error_count,
  s.bytes_sent,
  f.is_bot,
  f.bot_reason,
  e.event as entry_event,
  x.event as exit_event,
  f.platform,
  f.referrer_host,
  f.utm_source,
  f.utm_campaign,
  f.country
from session_spans as s
inner join firsts as f
  on s.player_id = f.player_id
  and s.is_identified = f.is_identified
  and s.chain_is_bot = f.chain_is_bot
  and s.started_at = f.at
left join entries as e
  on s.player_id = e.player_id
  and s.is_identified = e.is_identified
  and s.chain_is_bot = e.chain_is_bot
  and s.first_event_at = e.at
left join exits as x
  on s.player_id = x.player_id
  and s.is_identified = x.is_identified
  and s.chain_is_bot = x.chain_is_bot
  and s.last_event_at = x.at
