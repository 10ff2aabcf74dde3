"""The one schema that every access-log format is read into, and the schema of rejected lines.

A row of the lake's ``requests`` is what a line *says*; what it means in a game (event, bot, player) is
derived from it by :mod:`jobs.access_logs.classify`, under rules that may change.
"""

import pyarrow as pa

_WORDS = pa.dictionary(pa.int32(), pa.string())

REQUESTS = pa.schema(
    [
        pa.field(
            "at", pa.int64(), nullable=False
        ),  # microseconds since 1970 UTC, the format's own time field
        pa.field("method", _WORDS),  # NULL where the request field is `-`, empty or binary
        pa.field("path", _WORDS),  # as written, without scheme and host; bytes not UTF-8 escaped as \xhh
        pa.field("query", _WORDS),  # after the first `?`, NULL if there is none
        pa.field("status", pa.int16()),
        pa.field("bytes_sent", pa.int64()),  # the body's, where both are logged; `-` is NULL
        pa.field("duration_us", pa.int64()),
        pa.field("duration_bucket", pa.int16()),  # jobs.access_logs.buckets
        pa.field("referrer", _WORDS),
        pa.field("user_agent", _WORDS),
        pa.field(
            "visitor", pa.string(), nullable=False
        ),  # 32 hex digits: keyed hash of address and user agent
        pa.field("user", _WORDS),  # the log's user field, `-` is NULL
        pa.field("authenticated_id", _WORDS),  # the player id that our own server logs
        pa.field("declared_id", _WORDS),  # value of the configured cookie or JSON field
        pa.field("host", _WORDS),  # the site asked for (vhost, Host header), where logged
        pa.field("country", _WORDS),
        pa.field("request_id", pa.string()),  # only ids that the writing server makes for each request
        pa.field("order_hi", pa.int64(), nullable=False),  # first half of the tie-break of equal times
        pa.field("order_lo", pa.int64(), nullable=False),  # second half (see ingest)
        pa.field("object_id", _WORDS, nullable=False),
        pa.field(
            "byte_offset", pa.int64(), nullable=False
        ),  # of the line's first byte in the unpacked object
    ]
)

REJECTED = pa.schema(
    [
        pa.field("object_id", _WORDS, nullable=False),
        pa.field("byte_offset", pa.int64(), nullable=False),
        pa.field("reason", _WORDS, nullable=False),
        pa.field("raw", pa.string(), nullable=False),  # first 8 KiB, text-safe, addresses masked
    ]
)
