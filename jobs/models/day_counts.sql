-- What daily_activity says of people and bots who are no players.
-- Source: requests
-- Grain: activity_date
-- Columns: anonymous_visitors (distinct unidentified visitors with a request on the side kept, counted or not;
--   none under identity visitor); bot_request_count (of the activity stream, whatever side is kept)
-- Window: days 0..0
-- Late data: a late request changes its own day only.
-- Again: same rows from the same requests.
with bot_days as (
  select at div 86400000000 as activity_date, count(*) as bot_request_count
  from requests
  where is_activity and is_bot
  group by at div 86400000000
),

anonymous_days as (
  select at div 86400000000 as activity_date, count(distinct player_id) as anonymous_visitors
  from requests
  where is_anonymous
  group by at div 86400000000
)

select
  cast(coalesce(b.activity_date, a.activity_date) as int) as activity_date,
  coalesce(a.anonymous_visitors, 0) as anonymous_visitors,
  coalesce(b.bot_request_count, 0) as bot_request_count
from bot_days as b
full outer join anonymous_days as a on b.activity_date = a.activity_date
