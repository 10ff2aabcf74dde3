-- The steps that each player reached in each funnel.
-- Source: funnel_progress
-- Grain: funnel, cohort_date, player_id, step_number
-- Columns: at, previous_at (microseconds: of this step and of the step before)
-- Window: as funnel_progress
-- Late data: as funnel_progress.
-- Again: same rows from the same requests.
select
  funnel,
  player_id,
  cohort_date,
  step_number,
  at,
  previous_at
from funnel_progress
