-- The dates and dimension values that daily_activity has rows for: every date from a value's first activity to
--   the last activity of all; inside a gap of more than 400 days between two active dates there are none.
-- Source: dimension_days
-- Grain: activity_date, dimension, value
-- Columns: history_days (days from the first activity of all to this date, both included)
-- Window: history (of active dates, not of players)
-- Late data: an earlier first activity adds dates and raises history_days.
-- Again: same rows from the same days.
with active_dates as (
  select distinct activity_date
  from dimension_days
),

followed as (
  select
    activity_date,
    lead(activity_date) over (order by activity_date) as next_date,
    min(activity_date) over (
      order by activity_date rows between unbounded preceding and unbounded following
    ) as first_date
  from active_dates
),

dates as (
  select
    first_date,
    explode(sequence(
      activity_date,
      case when next_date is null or next_date - activity_date > 400 then activity_date else next_date - 1 end
    )) as activity_date
  from followed
),

value_starts as (
  select dimension, value, min(activity_date) as first_value_date
  from dimension_days
  group by dimension, value
)

select
  d.activity_date,
  v.dimension,
  v.value,
  d.activity_date - d.first_date + 1 as history_days
from dates as d
inner join value_starts as v on d.activity_date >= v.first_value_date
