-- Who of a cohort came back on day n (classic), or on day n or later (rolling).
-- Source: dimension_days, retention_days
-- Grain: cohort_date, day_n, dimension, value (the player's value on his first day)
-- Columns: cohort_size, retained_classic, retained_rolling (players); classic_ratio, rolling_ratio (of
--   cohort_size); is_mature (cohort_date + day_n <= last activity date); is_closed (before it). Rows are there
--   for every n; counts of days that are not mature are what has been seen so far.
-- Window: cohort (the cohorts of the players touched; maturity: the cells of the last activity date)
-- Late data: an earlier first request moves a player to an earlier cohort.
-- Again: same rows from the same days.
with members as (
  select player_id, activity_date as cohort_date, dimension, value
  from dimension_days
  where is_new
),

cohorts as (
  select cohort_date, dimension, value, count(*) as cohort_size
  from members
  group by cohort_date, dimension, value
),

active_days as (
  select player_id, activity_date
  from dimension_days
  where dimension = 'all'
),

last_dates as (
  select player_id, max(activity_date) as last_date
  from active_days
  group by player_id
),

ends as (
  select max(last_date) as last_activity_date
  from last_dates
),

classic as (
  select m.cohort_date, r.day_n, m.dimension, m.value, count(*) as retained
  from members as m
  inner join active_days as a on m.player_id = a.player_id
  inner join retention_days as r on a.activity_date - m.cohort_date = r.day_n
  group by m.cohort_date, r.day_n, m.dimension, m.value
),

last_seen as (
  select m.cohort_date, l.last_date - m.cohort_date as last_n, m.dimension, m.value, count(*) as players
  from members as m
  inner join last_dates as l on m.player_id = l.player_id
  group by m.cohort_date, l.last_date - m.cohort_date, m.dimension, m.value
),

last_steps as (
  select l.cohort_date, r.day_n, l.dimension, l.value, sum(l.players) as players
  from last_seen as l
  inner join retention_days as r
    on l.last_n >= r.day_n and (r.next_day_n is null or l.last_n < r.next_day_n)
  group by l.cohort_date, r.day_n, l.dimension, l.value
),

cells as (
  select
    c.cohort_date,
    r.day_n,
    c.dimension,
    c.value,
    c.cohort_size,
    coalesce(k.retained, 0) as retained_classic,
    sum(coalesce(s.players, 0)) over (
      partition by c.cohort_date, c.dimension, c.value order by r.day_n
      rows between current row and unbounded following
    ) as retained_rolling
  from cohorts as c
  cross join retention_days as r
  left join classic as k
    on c.cohort_date = k.cohort_date and r.day_n = k.day_n
    and c.dimension = k.dimension and c.value = k.value
  left join last_steps as s
    on c.cohort_date = s.cohort_date and r.day_n = s.day_n
    and c.dimension = s.dimension and c.value = s.value
)

select
  c.cohort_date,
  c.day_n,
  c.dimension,
  c.value,
  c.cohort_size,
  c.retained_classic,
  cast(c.retained_rolling as bigint) as retained_rolling,
  cast(c.retained_classic as double) / cast(c.cohort_size as double) as classic_ratio,
  cast(cast(c.retained_rolling as bigint) as double) / cast(c.cohort_size as double) as rolling_ratio,
  c.cohort_date + c.day_n <= e.last_activity_date as is_mature,
  c.cohort_date + c.day_n < e.last_activity_date as is_closed
from cells as c
cross join ends as e
