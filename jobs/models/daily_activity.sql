-- The day at a glance, for all players and for each value of a dimension.
-- Source: calendar, active_players, dimension_days, session_lengths, concurrency_ranges, day_counts
-- Grain: activity_date, dimension, value
-- Columns: dau, wau, mau (distinct players of 1, 7, 30 days); history_days; stickiness_ratio (dau / mau, NULL
--   under 30 days of history); new_, returning_, resurrected_, dormant_players; anonymous_visitors and
--   bot_request_count (for 'all' only, else NULL); session_count; avg_session_s, median_session_s (seconds);
--   peak_concurrent_players, peak_at (microseconds, its earliest minute); request_count; error_ratio (5xx);
--   payers to arppu_usd (NULL without an export)
-- Window: days -30..0
-- Late data: changes the 30 days that follow.
-- Again: same rows from the same days.
with sums as (
  select
    activity_date,
    dimension,
    value,
    cast(sum(session_count) as bigint) as session_count,
    cast(sum(request_count) as bigint) as request_count,
    cast(sum(error_count) as bigint) as error_count
  from dimension_days
  group by activity_date, dimension, value
),

ranked_peaks as (
  select
    activity_date,
    dimension,
    value,
    concurrent_players,
    from_minute,
    row_number() over (
      partition by activity_date, dimension, value order by concurrent_players desc, from_minute
    ) as nth
  from concurrency_ranges
),

peaks as (
  select activity_date, dimension, value, concurrent_players, from_minute
  from ranked_peaks
  where nth = 1
)

select
  c.activity_date,
  c.dimension,
  c.value,
  a.dau,
  a.wau,
  a.mau,
  c.history_days,
  case
    when c.history_days >= 30 and a.mau > 0 then cast(a.dau as double) / cast(a.mau as double)
  end as stickiness_ratio,
  a.new_players,
  a.returning_players,
  a.resurrected_players,
  a.dormant_players,
  case when c.dimension = 'all' then coalesce(d.anonymous_visitors, 0) end as anonymous_visitors,
  coalesce(s.session_count, 0) as session_count,
  l.avg_session_s,
  l.median_session_s,
  coalesce(p.concurrent_players, 0) as peak_concurrent_players,
  p.from_minute * 60000000 as peak_at,
  coalesce(s.request_count, 0) as request_count,
  case when c.dimension = 'all' then coalesce(d.bot_request_count, 0) end as bot_request_count,
  case
    when s.request_count > 0 then cast(s.error_count as double) / cast(s.request_count as double)
  end as error_ratio,
  cast(null as bigint) as payers,
  cast(null as bigint) as first_time_payers,
  cast(null as bigint) as revenue_usd_micros,
  cast(null as double) as arpdau_usd,
  cast(null as double) as arppu_usd
from calendar as c
inner join active_players as a
  on c.activity_date = a.activity_date and c.dimension = a.dimension and c.value = a.value
left join sums as s
  on c.activity_date = s.activity_date and c.dimension = s.dimension and c.value = s.value
left join session_lengths as l
  on c.activity_date = l.activity_date and c.dimension = l.dimension and c.value = l.value
left join peaks as p
  on c.activity_date = p.activity_date and c.dimension = p.dimension and c.value = p.value
left join day_counts as d on c.activity_date = d.activity_date
