-- Copies of one request that do not survive: of those with one server-made id, on one UTC date and in one
--   stream, the smallest by its fields stays, then by first-data-line digest, byte offset, content digest.
-- Source: request_copies (whole requests of the ids that occur more than once, with their object's digests)
-- Grain: object_id, byte_offset
-- Columns: stream
-- Window: days 0..0
-- Late data: a late copy that is smaller takes the place of the one that stood.
-- Again: same rows from the same copies.
with ranked as (
  select
    stream,
    object_id,
    byte_offset,
    row_number() over (
      partition by stream, at div 86400000000, request_id
      order by
        at,
        method nulls first,
        path nulls first,
        query nulls first,
        status nulls first,
        bytes_sent nulls first,
        duration_us nulls first,
        referrer nulls first,
        user_agent nulls first,
        visitor nulls first,
        log_user nulls first,
        authenticated_id nulls first,
        declared_id nulls first,
        host nulls first,
        country nulls first,
        first_line_digest,
        byte_offset,
        content_digest,
        object_id
    ) as nth
  from request_copies
)

select object_id, byte_offset, stream
from ranked
where nth > 1
