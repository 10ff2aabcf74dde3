-- Each player over all his days. First touch: source, platform and country are those of his first counted
--   request, even where it names none.
-- Source: player_days, session_facts
-- Grain: player_id
-- Columns: first_seen_at, last_seen_at (microseconds); active_days; session_count; platform, country (of his
--   first day); first_referrer_host, utm_source, utm_campaign (of his first session; NULL = none); created_at,
--   level, email_consent, purchase_count, revenue_usd_micros (NULL without an export)
-- Window: history
-- Late data: changes the rows of the players that it touches.
-- Again: same rows from the same days.
with totals as (
  select
    player_id,
    min(first_at) as first_seen_at,
    max(last_at) as last_seen_at,
    count(*) as active_days,
    cast(sum(session_count) as bigint) as session_count
  from player_days
  group by player_id
),

first_days as (
  select player_id, platform, country
  from player_days
  where is_new
),

player_sessions as (
  select player_id, started_at, referrer_host, utm_source, utm_campaign
  from session_facts
  where is_player
)

select
  t.player_id,
  t.first_seen_at,
  t.last_seen_at,
  t.active_days,
  t.session_count,
  d.platform,
  s.referrer_host as first_referrer_host,
  s.utm_source,
  s.utm_campaign,
  d.country,
  cast(null as bigint) as created_at,
  cast(null as bigint) as level,
  cast(null as boolean) as email_consent,
  cast(null as bigint) as purchase_count,
  cast(null as bigint) as revenue_usd_micros
from totals as t
inner join first_days as d on t.player_id = d.player_id
inner join player_sessions as s on t.player_id = s.player_id and t.first_seen_at = s.started_at
