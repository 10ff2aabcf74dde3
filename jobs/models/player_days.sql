-- What each player did on each UTC day.
-- Source: session_slots, edge_requests, requests (answer times), duration_buckets
-- Grain: player_id, activity_date
-- Columns: session_count (sessions started that day, 0 possible); play_s (seconds of session spans clipped to
--   the day); error_count (5xx); p95_ms (nearest rank over buckets, NULL without times); first_at, last_at
--   (microseconds); is_new (first day); platform, country (of the day's first counted request);
--   purchase_count, revenue_usd_micros (NULL without an export)
-- Window: chain; is_new: history
-- Late data: an earlier first request moves is_new, and with it the player's cohort.
-- Again: same rows from the same requests.
with player_slots as (
  select * from session_slots where is_player
),

spans as (
  select player_id, started_at, max(last_at) as ended_at
  from player_slots
  group by player_id, started_at
),

pieces as (
  select
    player_id,
    activity_date,
    started_at,
    min(first_at) as first_at,
    max(last_at) as last_at,
    sum(request_count) as request_count,
    sum(event_count) as event_count,
    sum(error_count) as error_count
  from player_slots
  group by player_id, activity_date, started_at
),

days as (
  select
    p.player_id,
    p.activity_date,
    count(case when p.started_at >= p.activity_date * 86400000000 then 1 end) as session_count,
    cast(sum(p.request_count) as bigint) as request_count,
    cast(sum(p.event_count) as bigint) as event_count,
    cast(sum(p.error_count) as bigint) as error_count,
    cast(sum(
      least(s.ended_at, (p.activity_date + 1) * 86400000000)
      - greatest(p.started_at, p.activity_date * 86400000000)
    ) as bigint) as play_us,
    min(p.first_at) as first_at,
    max(p.last_at) as last_at
  from pieces as p
  inner join spans as s on p.player_id = s.player_id and p.started_at = s.started_at
  group by p.player_id, p.activity_date
),

histogram as (
  select player_id, at div 86400000000 as activity_date, duration_bucket, count(*) as bucket_count
  from requests
  where is_player and duration_bucket is not null
  group by player_id, at div 86400000000, duration_bucket
),

ranks as (
  select
    player_id,
    activity_date,
    duration_bucket,
    sum(bucket_count) over (
      partition by player_id, activity_date order by duration_bucket
      rows between unbounded preceding and current row
    ) as reached,
    sum(bucket_count) over (
      partition by player_id, activity_date order by duration_bucket
      rows between unbounded preceding and unbounded following
    ) as total
  from histogram
),

p95_buckets as (
  select player_id, activity_date, min(duration_bucket) as duration_bucket
  from ranks
  where reached * 100 >= total * 95
  group by player_id, activity_date
),

p95s as (
  select p.player_id, p.activity_date, cast(b.midpoint_us as double) / 1000 as p95_ms
  from p95_buckets as p
  inner join duration_buckets as b on p.duration_bucket = b.duration_bucket
),

first_values as (
  select player_id, at, platform, country
  from edge_requests
  where nth = 1 and is_player
),

first_days as (
  select player_id, min(activity_date) as first_date
  from days
  group by player_id
)

select
  d.player_id,
  cast(d.activity_date as int) as activity_date,
  d.session_count,
  d.request_count,
  d.event_count,
  cast(d.play_us as double) / 1000000 as play_s,
  d.error_count,
  p.p95_ms,
  d.first_at,
  d.last_at,
  d.activity_date = n.first_date as is_new,
  f.platform,
  f.country,
  cast(null as bigint) as purchase_count,
  cast(null as bigint) as revenue_usd_micros
from days as d
inner join first_days as n on d.player_id = n.player_id
left join first_values as f on d.player_id = f.player_id and d.first_at = f.at
left join p95s as p on d.player_id = p.player_id and d.activity_date = p.activity_date
