-- The next step of each player in each funnel: his earliest later request of that event, within the window
--   after step 1 (inclusive). Added to funnel_progress, once for each step number.
-- Source: funnel_progress, funnel_events, wanted_events
-- Grain: funnel, cohort_date, player_id  [coded]
-- Columns: as funnel_progress
-- Window: as funnel_progress
-- Late data: as funnel_progress.
-- Again: same rows from the same requests.
with waiting as (
  select
    p.funnel, p.player_id, p.cohort_date, p.seq, p.at, p.start_at, w.event, w.window_us, w.step_number
  from funnel_progress as p
  inner join wanted_events as w on p.funnel = w.funnel and w.step_number = p.step_number + 1
  where w.step_number = :step_number
),

wanted as (
  select distinct event
  from waiting
),

-- At one place in the order the request itself comes before those who wait there: they look at later ones only.
places as (
  select
    player_id, event, seq, 1 as is_waiting, cast(null as bigint) as event_seq, cast(null as bigint) as event_at,
    funnel, cohort_date, step_number, at, start_at, window_us
  from waiting
  union all
  select
    e.player_id, e.event, e.seq, 0 as is_waiting, e.seq as event_seq, e.at as event_at,
    cast(null as string) as funnel, cast(null as int) as cohort_date, cast(null as int) as step_number,
    cast(null as bigint) as at, cast(null as bigint) as start_at, cast(null as bigint) as window_us
  from funnel_events as e
  left semi join wanted as w on e.event = w.event
),

found as (
  select
    is_waiting,
    funnel,
    player_id,
    cohort_date,
    step_number,
    at,
    start_at,
    window_us,
    min(event_seq) over (
      partition by player_id, event order by seq, is_waiting
      rows between 1 following and unbounded following
    ) as next_seq,
    min(event_at) over (
      partition by player_id, event order by seq, is_waiting
      rows between 1 following and unbounded following
    ) as next_at
  from places
)

select
  funnel,
  player_id,
  cohort_date,
  step_number,
  next_seq as seq,
  next_at as at,
  at as previous_at,
  start_at
from found
where is_waiting = 1
  and next_seq is not null
  and (window_us is null or next_at - start_at <= window_us)
