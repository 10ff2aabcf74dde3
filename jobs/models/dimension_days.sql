-- Player days once for all players and once for each configured dimension, with their neighbours in time.
-- Source: player_days, dimensions
-- Grain: player_id, activity_date, dimension
-- Columns: value (of the player on that day, (none) where missing); previous_date, next_date (the player's
--   neighbouring active days, days since 1970); next_value_date (his next day with the same value); counts of
--   player_days
-- Window: history of the players touched
-- Late data: as player_days.
-- Again: same rows from the same days.
with neighbours as (
  select
    *,
    lag(activity_date) over (partition by player_id order by activity_date) as previous_date,
    lead(activity_date) over (partition by player_id order by activity_date) as next_date
  from player_days
),

valued as (
  select
    n.*,
    d.dimension,
    case d.dimension
      when 'all' then 'all'
      when 'platform' then coalesce(n.platform, '(none)')
      when 'country' then coalesce(n.country, '(none)')
    end as value
  from neighbours as n
  cross join dimensions as d
)

select
  player_id,
  activity_date,
  dimension,
  value,
  is_new,
  previous_date,
  next_date,
  lead(activity_date) over (
    partition by player_id, dimension, value order by activity_date
  ) as next_value_date,
  session_count,
  request_count,
  error_count
from valued
