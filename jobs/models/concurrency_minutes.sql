-- Players in a session, minute by minute; minutes with none have no row.
-- Source: concurrency_ranges
-- Grain: minute_at
-- Columns: minute_at (microseconds); concurrent_players (distinct players)
-- Window: chain
-- Late data: as session_slots.
-- Again: same rows from the same ranges.
with minutes as (
  select explode(sequence(from_minute, to_minute)) as minute_number, concurrent_players
  from concurrency_ranges
  where dimension = 'all'
)

select
  minute_number * 60000000 as minute_at,
  concurrent_players
from minutes
