-- Active players by day and dimension value: dau, wau, mau, lifecycle.
--   A player's day counts in the windows of the 7 (30) days that begin with it, or until his next day with the
--   same value: so distinct players are running sums of +1 and -1, in memory of one row a change.
-- Source: dimension_days, calendar
-- Grain: activity_date, dimension, value
-- Columns: dau, wau, mau, new_players, returning_players, resurrected_players, dormant_players (players)
-- Window: days -30..0
-- Late data: changes the 30 days that follow.
-- Again: same rows from the same days.
with on_day as (
  select
    activity_date,
    dimension,
    value,
    count(*) as dau,
    count(case when is_new then 1 end) as new_players,
    count(case when previous_date = activity_date - 1 then 1 end) as returning_players,
    count(case when not is_new and previous_date < activity_date - 1 then 1 end) as resurrected_players,
    0 as dormant_players,
    count(*) as wau_change,
    count(*) as mau_change
  from dimension_days
  group by activity_date, dimension, value
),

gone as (
  select activity_date + 1 as activity_date, dimension, value, count(*) as dormant_players
  from dimension_days
  where next_date is null or next_date > activity_date + 1
  group by activity_date + 1, dimension, value
),

out_of_week as (
  select
    least(activity_date + 7, coalesce(next_value_date, activity_date + 7)) as activity_date,
    dimension,
    value,
    count(*) as players
  from dimension_days
  group by least(activity_date + 7, coalesce(next_value_date, activity_date + 7)), dimension, value
),

out_of_month as (
  select
    least(activity_date + 30, coalesce(next_value_date, activity_date + 30)) as activity_date,
    dimension,
    value,
    count(*) as players
  from dimension_days
  group by least(activity_date + 30, coalesce(next_value_date, activity_date + 30)), dimension, value
),

changes as (
  select
    activity_date, dimension, value, dau, new_players, returning_players, resurrected_players,
    dormant_players, wau_change, mau_change, 0 as is_row
  from on_day
  union all
  select activity_date, dimension, value, 0, 0, 0, 0, dormant_players, 0, 0, 0 from gone
  union all
  select activity_date, dimension, value, 0, 0, 0, 0, 0, -players, 0, 0 from out_of_week
  union all
  select activity_date, dimension, value, 0, 0, 0, 0, 0, 0, -players, 0 from out_of_month
  union all
  select activity_date, dimension, value, 0, 0, 0, 0, 0, 0, 0, 1 from calendar
),

by_date as (
  select
    activity_date,
    dimension,
    value,
    sum(dau) as dau,
    sum(new_players) as new_players,
    sum(returning_players) as returning_players,
    sum(resurrected_players) as resurrected_players,
    sum(dormant_players) as dormant_players,
    sum(wau_change) as wau_change,
    sum(mau_change) as mau_change,
    max(is_row) as is_row
  from changes
  group by activity_date, dimension, value
),

running as (
  select
    activity_date,
    dimension,
    value,
    dau,
    sum(wau_change) over (
      partition by dimension, value order by activity_date rows between unbounded preceding and current row
    ) as wau,
    sum(mau_change) over (
      partition by dimension, value order by activity_date rows between unbounded preceding and current row
    ) as mau,
    new_players,
    returning_players,
    resurrected_players,
    dormant_players,
    is_row
  from by_date
)

select
  activity_date,
  dimension,
  value,
  cast(dau as bigint) as dau,
  cast(wau as bigint) as wau,
  cast(mau as bigint) as mau,
  cast(new_players as bigint) as new_players,
  cast(returning_players as bigint) as returning_players,
  cast(resurrected_players as bigint) as resurrected_players,
  cast(dormant_players as bigint) as dormant_players
from running
where is_row = 1
