-- How many players were there at once, as ranges of minutes with one number.
--   A session counts in each minute from that of its start to that of its end; implausible ones are left out.
-- Source: session_facts, dimension_days
-- Grain: activity_date, dimension, value, from_minute
-- Columns: from_minute, to_minute (minutes since 1970, both included, of one UTC day); concurrent_players
--   (distinct players, above 0)
-- Window: chain
-- Late data: as session_slots.
-- Again: same rows from the same sessions.
with plausible as (
  select player_id, started_at, ended_at
  from session_facts
  where is_player and ended_at - started_at <= 86400000000
),

-- At most 24 hours long, a session lies on one date or two.
pieces as (
  select
    player_id,
    cast(started_at div 86400000000 as int) as activity_date,
    started_at div 60000000 as from_minute,
    least(ended_at div 60000000, (started_at div 86400000000) * 1440 + 1439) as to_minute
  from plausible
  union all
  select
    player_id,
    cast(ended_at div 86400000000 as int) as activity_date,
    (ended_at div 86400000000) * 1440 as from_minute,
    ended_at div 60000000 as to_minute
  from plausible
  where ended_at div 86400000000 > started_at div 86400000000
),

-- Two sessions of a player can meet in a minute only where the session gap is set below one.
followed as (
  select
    player_id,
    activity_date,
    from_minute,
    to_minute,
    max(to_minute) over (
      partition by player_id, activity_date order by from_minute, to_minute
      rows between unbounded preceding and 1 preceding
    ) as taken_minute
  from pieces
),

apart as (
  select
    player_id,
    activity_date,
    greatest(from_minute, coalesce(taken_minute + 1, from_minute)) as from_minute,
    to_minute
  from followed
  where taken_minute is null or taken_minute < to_minute
),

valued as (
  select d.activity_date, d.dimension, d.value, a.from_minute, a.to_minute
  from apart as a
  inner join dimension_days as d on a.player_id = d.player_id and a.activity_date = d.activity_date
),

steps as (
  select activity_date, dimension, value, from_minute as minute_number, 1 as players from valued
  union all
  select activity_date, dimension, value, to_minute + 1 as minute_number, -1 as players from valued
),

changes as (
  select activity_date, dimension, value, minute_number, sum(players) as players
  from steps
  group by activity_date, dimension, value, minute_number
),

levels as (
  select
    activity_date,
    dimension,
    value,
    minute_number as from_minute,
    lead(minute_number) over (
      partition by activity_date, dimension, value order by minute_number
    ) - 1 as to_minute,
    sum(players) over (
      partition by activity_date, dimension, value order by minute_number
      rows between unbounded preceding and current row
    ) as concurrent_players
  from changes
)

select
  activity_date,
  dimension,
  value,
  from_minute,
  to_minute,
  cast(concurrent_players as bigint) as concurrent_players
from levels
where concurrent_players > 0
