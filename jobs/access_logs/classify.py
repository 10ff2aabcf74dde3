"""What requests mean: who made them, which event they are, and whether they count.

A pure function of requests and settings, a table in and a table of as many rows out. Everything is decided
once for each distinct user agent, path, query and referrer; give it batches of some hundred thousand rows.
"""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.access_logs.bots import WAIVED_WITH_AUTHENTICATED_ID, bot_reason
from jobs.access_logs.columns import Encoded, encoded, whole
from jobs.access_logs.events import Routed, Rules, routed
from jobs.access_logs.platforms import platform
from jobs.access_logs.settings import MeaningSettings

Bools = npt.NDArray[np.bool_]

_WORDS = pa.dictionary(pa.int32(), pa.string())

CLASSIFIED = pa.schema(
    [
        pa.field("player_id", _WORDS, nullable=False),  # the known id, else the visitor hash
        pa.field("is_identified", pa.bool_(), nullable=False),
        pa.field("event", _WORDS),
        pa.field("route", _WORDS, nullable=False),
        pa.field("counted", pa.bool_(), nullable=False),  # makes player days and what is above them
        pa.field("in_session", pa.bool_(), nullable=False),  # forms and extends a session
        pa.field("is_bot", pa.bool_(), nullable=False),
        pa.field("bot_reason", _WORDS),
        pa.field("platform", _WORDS, nullable=False),
        pa.field("referrer_host", _WORDS),
        pa.field("utm_source", _WORDS),
        pa.field("utm_campaign", _WORDS),
        pa.field("country", _WORDS),
    ]
)

# What is read, for readers of the lake: other columns need not be loaded.
IDENTITY_COLUMNS = ("method", "path", "query", "status", "user", "authenticated_id", "declared_id")
CLASSIFY_COLUMNS = (*IDENTITY_COLUMNS, "visitor", "referrer", "user_agent", "country")

_NOT_SIGNED_IN = (401, 403)
_MAX_VALUE_CHARACTERS = 255
# The host of a URL with a scheme: what a host may not have (WHATWG URL, forbidden host code points) ends it.
_HOST = r"""^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^\x00-\x20/?#:@<>\\^|"%`{}\x7f]+)"""
_HOST_END = r"(?::[0-9]*)?(?:[/?#]|$)"
_MAX_HOST_CHARACTERS = 253


def classify(
    requests: pa.Table | pa.RecordBatch, settings: MeaningSettings, *, is_activity: bool
) -> pa.Table:
    """Say what each request means, row for row, with the columns of ``CLASSIFIED``.

    ``requests`` has rows of one stream in the columns of ``REQUESTS``, in any order and chunks, text plain or
    dictionary-encoded. It reads ``CLASSIFY_COLUMNS``; one that is not there (but visitor, which must be) is
    NULL. Words come out dictionary-encoded; dictionaries of two calls differ, and hold words in no order.
    ``is_activity`` tells whether this is the stream of activity: requests of another stream neither count nor
    form sessions.

    Raises ValueError for settings that are not decided (identity `auto`).
    """
    if settings.identity not in ("player", "visitor") or settings.bots not in ("exclude", "include", "only"):
        raise ValueError(
            "wanted identity player or visitor and bots exclude, include or only, "
            f"found {settings.identity!r} and {settings.bots!r}"
        )
    requests = _table(requests)
    rules: Rules | None = settings.rules
    query = encoded(requests, "query")
    status = _status(requests)
    meaning = routed(encoded(requests, "method"), encoded(requests, "path"), status, rules)
    by_player = settings.identity == "player"
    visitor = whole(requests["visitor"])
    known = _known_id(requests, query, meaning, rules) if by_player else pa.nulls(len(requests), pa.string())

    agent = encoded(requests, "user_agent")
    reason = _bot_reasons(agent, _plain(requests, "authenticated_id"), rules)
    is_bot = reason.is_valid().to_numpy(zero_copy_only=False)
    in_session = meaning.is_activity.copy()
    if by_player:
        in_session &= ~np.isin(status, _NOT_SIGNED_IN)
    if not is_activity:
        in_session[:] = False
    counted = in_session
    if settings.bots != "include":
        counted = in_session & (is_bot == (settings.bots == "only"))

    referrer = encoded(requests, "referrer")
    columns = [
        _words(pc.coalesce(known, visitor.cast(pa.string())) if by_player else visitor),
        known.is_valid(),
        meaning.event,
        meaning.route,
        pa.array(counted),
        pa.array(in_session),
        pa.array(is_bot),
        reason,
        _platforms(agent),
        referrer.words(referrer_hosts(referrer.values)),
        query.words(parameter(query.values, "utm_source")),
        query.words(parameter(query.values, "utm_campaign")),
        (country := encoded(requests, "country")).words(country.values),
    ]
    return pa.Table.from_arrays(columns, schema=CLASSIFIED)


def share_identified(requests: pa.Table | pa.RecordBatch, rules: Rules | None) -> tuple[int, int]:
    """Count the requests below status 400 that have a known player id, and all below 400.

    Reads ``IDENTITY_COLUMNS``. Sums over batches decide the identity `auto`: `player` if at least a tenth
    have one.
    """
    requests = _table(requests)
    status = _status(requests)
    meaning = routed(encoded(requests, "method"), encoded(requests, "path"), status, rules)
    known = _known_id(requests, encoded(requests, "query"), meaning, rules)
    is_below_400 = (status > 0) & (status < 400)
    is_known = known.is_valid().to_numpy(zero_copy_only=False)
    return int((is_known & is_below_400).sum()), int(is_below_400.sum())


def parameter(queries: pa.StringArray, name: str) -> pa.StringArray:
    """Give a parameter's first value in each query string, decoded; NULL where it is missing or empty."""
    has = pc.match_substring(queries, f"{name}=")
    if not pc.any(has, min_count=0).as_py():
        return pa.nulls(len(queries), pa.string())
    quoted = "".join(c if c.isalnum() or ord(c) > 127 else f"\\x{ord(c):02x}" for c in name)
    found = pc.extract_regex(queries, f"(?:^|&){quoted}=(?P<value>[^&#]*)").field("value").dictionary_encode()
    decoded = pa.array([_decoded(text) for text in found.dictionary.to_pylist()], pa.string())
    return decoded.take(found.indices)


def referrer_hosts(referrers: pa.StringArray) -> pa.StringArray:
    """Give the host that each referrer names, in lower case, without port; NULL where it names none."""
    hosts = pc.extract_regex(referrers, _HOST + _HOST_END).field("host")
    hosts = pc.utf8_rtrim(pc.utf8_lower(hosts), ".")
    is_host = pc.and_(pc.less_equal(pc.utf8_length(hosts), _MAX_HOST_CHARACTERS), pc.not_equal(hosts, ""))
    return pc.if_else(is_host, hosts, None)


def _decoded(text: str) -> str | None:
    if "%" in text or "+" in text:
        text = unquote_to_bytes(text.replace("+", " ")).decode("utf-8", "backslashreplace")
    if not text.isprintable():
        # Databases refuse NUL and terminals obey the others, so they are shown as ingest shows odd bytes.
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return text.strip()[:_MAX_VALUE_CHARACTERS] or None


def _known_id(requests: pa.Table, query: Encoded, meaning: Routed, rules: Rules | None) -> pa.StringArray:
    """Give the player id, of the first source that has one (design, "Player id")."""
    sources = [_plain(requests, name) for name in ("authenticated_id", "user", "declared_id")]
    if rules is not None and rules.query_parameter:
        sources.append(query.of_values(parameter(query.values, rules.query_parameter)))
    if meaning.caller is not None:
        sources.append(meaning.caller)
    given = [source for source in sources if source.null_count < len(source)]
    return pc.coalesce(*given) if given else pa.nulls(len(requests), pa.string())


def _bot_reasons(agent: Encoded, authenticated_id: pa.StringArray, rules: Rules | None) -> pa.DictionaryArray:
    clients = rules.clients if rules is not None else ()
    reasons = [None if text.startswith(clients) else bot_reason(text) for text in agent.values.to_pylist()]
    waived = np.array([reason in WAIVED_WITH_AUTHENTICATED_ID for reason in reasons] + [False])[agent.codes]
    words = agent.words(reasons)
    if not waived.any() or authenticated_id.null_count == len(authenticated_id):
        return words
    waived &= authenticated_id.is_valid().to_numpy(zero_copy_only=False)
    indices = pc.if_else(pa.array(waived), None, words.indices)
    return pa.DictionaryArray.from_arrays(indices, words.dictionary)


def _platforms(agent: Encoded) -> pa.DictionaryArray:
    words = pa.array(
        [platform(text) for text in agent.values.to_pylist()] + [platform(None)]
    ).dictionary_encode()
    return pa.DictionaryArray.from_arrays(words.indices.take(pa.array(agent.codes)), words.dictionary)


def _words(column: pa.Array) -> pa.DictionaryArray:
    return column if pa.types.is_dictionary(column.type) else column.dictionary_encode()


def _table(requests: pa.Table | pa.RecordBatch) -> pa.Table:
    return pa.Table.from_batches([requests]) if isinstance(requests, pa.RecordBatch) else requests


def _status(requests: pa.Table) -> npt.NDArray[np.int64]:
    if "status" not in requests.column_names:
        return np.zeros(len(requests), dtype=np.int64)
    column = whole(requests["status"]).cast(pa.int64())
    return np.asarray(column.fill_null(0).to_numpy(zero_copy_only=False))


def _plain(requests: pa.Table, name: str) -> pa.StringArray:
    """Give a text column as it is; an id that is empty or `-` is none."""
    if name not in requests.column_names:
        return pa.nulls(len(requests), pa.string())
    column = whole(requests[name]).cast(pa.string())
    if column.null_count == len(column):
        return column
    return pc.if_else(pc.is_in(column, value_set=pa.array(["", "-"])), None, column)
