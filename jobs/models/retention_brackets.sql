-- Who of a cohort came back on any day of a bracket of days after the first.
-- Source: player_days, retention_bracket_days
-- Grain: cohort_date, bracket
-- Columns: bracket (1, 2-4, 5-11, 12-25, 26-53: days after the first); cohort_size, retained (players); ratio;
--   is_mature (the bracket's last day <= last activity date)
-- Window: cohort
-- Late data: an earlier first request moves a player to an earlier cohort.
-- Again: same rows from the same days.
with members as (
  select player_id, activity_date as cohort_date
  from player_days
  where is_new
),

cohorts as (
  select cohort_date, count(*) as cohort_size
  from members
  group by cohort_date
),

ends as (
  select max(activity_date) as last_activity_date
  from player_days
),

returns as (
  select m.cohort_date, b.bracket, count(distinct m.player_id) as retained
  from members as m
  inner join player_days as d on m.player_id = d.player_id
  inner join retention_bracket_days as b on d.activity_date - m.cohort_date between b.from_day and b.to_day
  group by m.cohort_date, b.bracket
)

select
  c.cohort_date,
  b.bracket,
  c.cohort_size,
  coalesce(r.retained, 0) as retained,
  cast(coalesce(r.retained, 0) as double) / cast(c.cohort_size as double) as ratio,
  c.cohort_date + b.to_day <= e.last_activity_date as is_mature
from cohorts as c
cross join retention_bracket_days as b
cross join ends as e
left join returns as r on c.cohort_date = r.cohort_date and b.bracket = r.bracket
