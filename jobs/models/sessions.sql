-- Sessions of every actor: players, anonymous visitors and bots.
-- Source: session_facts (player_id as text)
-- Grain: started_date, session_id
-- Columns: session_id (MD5 of start, actor and, unless bots are included, bot verdict); started_at, ended_at
--   (microseconds); duration_s (seconds, NULL for one request); error_count (5xx); bytes_sent (NULL if never
--   logged); is_implausible (over 24 hours)
-- Window: chain
-- Late data: as session_slots; a session that now starts earlier gets another session_id.
-- Again: same rows; session_id derives from the session itself.
select
  cast(started_at div 86400000000 as int) as started_date,
  md5(concat(
    cast(started_at as string),
    case when is_identified then ' player ' else ' visitor ' end,
    case when chain_is_bot then 'bot ' else '' end,
    player_id
  )) as session_id,
  player_id,
  is_identified,
  is_bot,
  bot_reason,
  started_at,
  ended_at,
  case when request_count > 1 then cast(ended_at - started_at as double) / 1000000 end as duration_s,
  request_count,
  event_count,
  error_count,
  bytes_sent,
  entry_event,
  exit_event,
  platform,
  ended_at - started_at > 86400000000 as is_implausible
from session_facts
