-- Step 1 of each funnel: a player's first request of its event on a date, or his first ever; funnel_next_step
--   then adds the other steps one by one.
-- Source: funnel_events, wanted_events
-- Grain: funnel, cohort_date, player_id, step_number  [coded]
-- Columns: seq (of the request that fills the step); at, previous_at, start_at (microseconds: of this step, the
--   step before, step 1)
-- Window: history of the players touched
-- Late data: an earlier step 1 moves the player's cohort.
-- Again: same rows from the same requests.
with candidates as (
  select
    w.funnel,
    e.player_id,
    cast(e.at div 86400000000 as int) as cohort_date,
    e.seq,
    e.at,
    w.is_first_ever,
    row_number() over (
      partition by w.funnel, e.player_id, e.at div 86400000000 order by e.seq
    ) as nth_of_date,
    row_number() over (partition by w.funnel, e.player_id order by e.seq) as nth_ever
  from funnel_events as e
  inner join wanted_events as w on e.event = w.event
  where w.step_number = 1
)

select
  funnel,
  player_id,
  cohort_date,
  cast(1 as int) as step_number,
  seq,
  at,
  cast(null as bigint) as previous_at,
  at as start_at
from candidates
where nth_ever = 1 or (nth_of_date = 1 and not is_first_ever)
