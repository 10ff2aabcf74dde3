-- Where players' sessions came from. The source is that of the session's first request.
-- Source: session_facts, players
-- Grain: activity_date (start of the session), referrer_host, utm_source, utm_campaign ((none) if missing)
-- Columns: sessions; players (distinct); new_players (whose first session of all this was: each counts under
--   one source)
-- Window: chain
-- Late data: as session_slots; a player's earlier first session takes him from the later source.
-- Again: same rows from the same sessions.
with sourced as (
  select
    s.player_id,
    cast(s.started_at div 86400000000 as int) as activity_date,
    coalesce(s.referrer_host, '(none)') as referrer_host,
    coalesce(s.utm_source, '(none)') as utm_source,
    coalesce(s.utm_campaign, '(none)') as utm_campaign,
    s.started_at = p.first_seen_at as is_first
  from session_facts as s
  inner join players as p on s.player_id = p.player_id
  where s.is_player
)

select
  activity_date,
  referrer_host,
  utm_source,
  utm_campaign,
  count(*) as sessions,
  count(distinct player_id) as players,
  count(case when is_first then 1 end) as new_players
from sourced
group by activity_date, referrer_host, utm_source, utm_campaign
