-- How many of a cohort reached each step of a funnel, and how long they took.
-- Source: funnel_entries, dimension_days, funnels, player_days
-- Grain: funnel, cohort_date, step_number, dimension, value (the player's value on his first day)
-- Columns: event_name; players; from_start_ratio (of step 1); from_previous_ratio (of the step before, NULL for
--   step 1 or if nobody reached that); median_from_previous_s (seconds, nearest rank, NULL for step 1);
--   is_mature (cohort_date + window <= last activity date; always without a window)
-- Window: cohort + the funnel's window
-- Late data: as funnel_progress.
-- Again: same rows from the same requests.
with first_values as (
  select player_id, dimension, value
  from dimension_days
  where is_new
),

valued as (
  select
    e.funnel,
    e.cohort_date,
    e.step_number,
    v.dimension,
    v.value,
    e.at - e.previous_at as wait_us,
    row_number() over (
      partition by e.funnel, e.cohort_date, e.step_number, v.dimension, v.value order by e.at - e.previous_at
    ) as nth,
    count(*) over (
      partition by e.funnel, e.cohort_date, e.step_number, v.dimension, v.value order by e.at - e.previous_at
      rows between unbounded preceding and unbounded following
    ) as players
  from funnel_entries as e
  inner join first_values as v on e.player_id = v.player_id
),

reached as (
  select
    funnel,
    cohort_date,
    step_number,
    dimension,
    value,
    max(players) as players,
    min(case when nth * 2 >= players then wait_us end) as median_us
  from valued
  group by funnel, cohort_date, step_number, dimension, value
),

ends as (
  select max(activity_date) as last_activity_date
  from player_days
),

steps as (
  select
    s.funnel,
    s.cohort_date,
    f.step_number,
    s.dimension,
    s.value,
    f.event_name,
    f.window_us,
    s.players as started,
    coalesce(r.players, 0) as players,
    r.median_us,
    lag(coalesce(r.players, 0)) over (
      partition by s.funnel, s.cohort_date, s.dimension, s.value order by f.step_number
    ) as before
  from reached as s
  inner join funnels as f on s.funnel = f.funnel
  left join reached as r
    on s.funnel = r.funnel and s.cohort_date = r.cohort_date and f.step_number = r.step_number
    and s.dimension = r.dimension and s.value = r.value
  where s.step_number = 1
)

select
  s.funnel,
  s.cohort_date,
  s.step_number,
  s.dimension,
  s.value,
  s.event_name,
  s.players,
  cast(s.players as double) / cast(s.started as double) as from_start_ratio,
  case when s.before > 0 then cast(s.players as double) / cast(s.before as double) end as from_previous_ratio,
  cast(s.median_us as double) / 1000000 as median_from_previous_s,
  s.window_us is null
    or s.cohort_date * 86400000000 + s.window_us <= e.last_activity_date * 86400000000 as is_mature
from steps as s
cross join ends as e
