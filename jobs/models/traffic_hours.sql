-- Every accepted line by hour, stream, route and status, of people and bots, counted or not.
-- Source: requests (all streams), duration_buckets
-- Grain: hour_at, stream, method ((none) if missing), route, status (0 if missing), is_bot
-- Columns: hour_at (microseconds); request_count; bytes_sent (NULL if never logged); p50_ms, p95_ms, p99_ms
--   (milliseconds, nearest rank over buckets, NULL without times)
-- Window: days 0..0
-- Late data: a late request changes its own hour only.
-- Again: same rows from the same requests.
with sums as (
  select
    at div 3600000000 as hour_number,
    stream,
    method,
    route,
    status,
    is_bot,
    count(*) as request_count,
    cast(sum(bytes_sent) as bigint) as bytes_sent
  from requests
  group by at div 3600000000, stream, method, route, status, is_bot
),

histogram as (
  select
    at div 3600000000 as hour_number, stream, method, route, status, is_bot, duration_bucket,
    count(*) as bucket_count
  from requests
  where duration_bucket is not null
  group by at div 3600000000, stream, method, route, status, is_bot, duration_bucket
),

ranks as (
  select
    hour_number,
    stream,
    method,
    route,
    status,
    is_bot,
    duration_bucket,
    sum(bucket_count) over (
      partition by hour_number, stream, method, route, status, is_bot order by duration_bucket
      rows between unbounded preceding and current row
    ) as reached,
    sum(bucket_count) over (
      partition by hour_number, stream, method, route, status, is_bot order by duration_bucket
      rows between unbounded preceding and unbounded following
    ) as total
  from histogram
),

timed as (
  select
    r.hour_number,
    r.stream,
    r.method,
    r.route,
    r.status,
    r.is_bot,
    min(case when r.reached * 100 >= r.total * 50 then b.midpoint_us end) as p50_us,
    min(case when r.reached * 100 >= r.total * 95 then b.midpoint_us end) as p95_us,
    min(case when r.reached * 100 >= r.total * 99 then b.midpoint_us end) as p99_us
  from ranks as r
  inner join duration_buckets as b on r.duration_bucket = b.duration_bucket
  group by r.hour_number, r.stream, r.method, r.route, r.status, r.is_bot
)

select
  s.hour_number * 3600000000 as hour_at,
  s.stream,
  s.method,
  s.route,
  s.status,
  s.is_bot,
  s.request_count,
  s.bytes_sent,
  cast(t.p50_us as double) / 1000 as p50_ms,
  cast(t.p95_us as double) / 1000 as p95_ms,
  cast(t.p99_us as double) / 1000 as p99_ms
from sums as s
left join timed as t
  on s.hour_number = t.hour_number
  and s.stream = t.stream
  and s.method = t.method
  and s.route = t.route
  and s.status = t.status
  and s.is_bot = t.is_bot
