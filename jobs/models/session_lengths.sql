-- Lengths of players' sessions by start date and dimension value, without implausible (over 24 hours) and
--   single-request sessions.
-- Source: session_facts, dimension_days
-- Grain: activity_date, dimension, value
-- Columns: avg_session_s, median_session_s (seconds; the median by nearest rank)
-- Window: days 0..0 of sessions by start date
-- Late data: as session_slots.
-- Again: same rows; the mean is one division of two integers.
with lengths as (
  select
    player_id,
    cast(started_at div 86400000000 as int) as activity_date,
    ended_at - started_at as length_us
  from session_facts
  where is_player and request_count > 1 and ended_at - started_at <= 86400000000
),

ranked as (
  select
    d.activity_date,
    d.dimension,
    d.value,
    l.length_us,
    row_number() over (partition by d.activity_date, d.dimension, d.value order by l.length_us) as nth,
    count(*) over (
      partition by d.activity_date, d.dimension, d.value order by l.length_us
      rows between unbounded preceding and unbounded following
    ) as session_count
  from lengths as l
  inner join dimension_days as d on l.player_id = d.player_id and l.activity_date = d.activity_date
)

select
  activity_date,
  dimension,
  value,
  cast(cast(sum(length_us) as bigint) as double) / cast(count(*) * 1000000 as double) as avg_session_s,
  cast(min(case when nth * 2 >= session_count then length_us end) as double) / 1000000 as median_session_s
from ranked
group by activity_date, dimension, value
