-- What followed what in players' sessions, with the ways in and out.
-- Source: event_pairs, session_facts
-- Grain: activity_date (of the later event; of the first for (start), of the last for (exit)), from_event,
--   to_event
-- Columns: transition_count; player_count (distinct players)
-- Window: chain
-- Late data: as session_slots.
-- Again: same rows from the same sessions.
with starts as (
  select
    cast(first_event_at div 86400000000 as int) as activity_date,
    '(start)' as from_event,
    entry_event as to_event,
    count(*) as transition_count,
    count(distinct player_id) as player_count
  from session_facts
  where is_player and entry_event is not null
  group by first_event_at div 86400000000, entry_event
),

exits as (
  select
    cast(last_event_at div 86400000000 as int) as activity_date,
    exit_event as from_event,
    '(exit)' as to_event,
    count(*) as transition_count,
    count(distinct player_id) as player_count
  from session_facts
  where is_player and exit_event is not null
  group by last_event_at div 86400000000, exit_event
)

select activity_date, from_event, to_event, transition_count, player_count from event_pairs
union all
select activity_date, from_event, to_event, transition_count, player_count from starts
union all
select activity_date, from_event, to_event, transition_count, player_count from exits
