"""Read a format that its user describes in a YAML file, without code.

Either a `template`, written like nginx's `log_format` or Apache's `LogFormat`, or a list of `fields` with a
`delimiter`, or the names of JSON fields. docs/formats.md tells how, with examples that the tests read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml

COLUMNS: dict[str, str] = {
    "at": "the time, in the format's time_format",
    "address": "the client's address",
    "forwarded_for": "X-Forwarded-For",
    "request": "method, target and protocol in one field",
    "method": "the method",
    "uri": "the target: path, and query if it has one",
    "path": "the path alone",
    "query": "the query alone, with or without the question mark",
    "status": "the status",
    "bytes_sent": "the size of the answer's body",
    "duration_s": "seconds, also with decimals",
    "duration_ms": "milliseconds",
    "duration_us": "microseconds",
    "duration_ns": "nanoseconds",
    "referrer": "the Referer header",
    "user_agent": "the User-Agent header",
    "user": "the name of the user",
    "authenticated_id": "the player id that the server itself established",
    "declared_id": "a player id that the client claims",
    "cookie": "the Cookie header (see the setting id_cookie)",
    "host": "the site asked for",
    "country": "two letters of ISO 3166",
    "request_id": "an id that the server makes for each request; needs `unique: true`",
}
"""What a described field may mean."""

VARIABLES: dict[str, str] = {
    **dict.fromkeys(("$remote_addr", "%h", "%a", "%{c}a"), "address"),
    **dict.fromkeys(
        ("$http_x_forwarded_for", "$proxy_add_x_forwarded_for", "%{x-forwarded-for}i"), "forwarded_for"
    ),
    **dict.fromkeys(("$remote_user", "%u"), "user"),
    **dict.fromkeys(("$time_local", "$time_iso8601", "$msec", "%t"), "at"),
    **dict.fromkeys(("$request", "%r"), "request"),
    **dict.fromkeys(("$request_method", "%m"), "method"),
    "$request_uri": "uri",
    **dict.fromkeys(("$uri", "$document_uri", "%U"), "path"),
    **dict.fromkeys(("$args", "$query_string", "%q"), "query"),
    **dict.fromkeys(("$status", "%s", "%>s"), "status"),
    **dict.fromkeys(("$body_bytes_sent", "%b", "%B"), "bytes_sent"),
    **dict.fromkeys(("$request_time", "%T", "%{s}T"), "duration_s"),
    "%{ms}T": "duration_ms",
    **dict.fromkeys(("%D", "%{us}T"), "duration_us"),
    **dict.fromkeys(("$http_referer", "%{referer}i"), "referrer"),
    **dict.fromkeys(("$http_user_agent", "%{user-agent}i"), "user_agent"),
    **dict.fromkeys(("$http_cookie", "%{cookie}i"), "cookie"),
    **dict.fromkeys(("$host", "$http_host", "$server_name", "%v", "%V", "%{host}i"), "host"),
    **dict.fromkeys(("$geoip_country_code", "$geoip2_country_code"), "country"),
    **dict.fromkeys(("$request_id", "%{unique_id}e"), "request_id"),
}
"""Variables of nginx and directives of Apache that need no `map`. Names in braces are in lower case."""

_VARIABLE = re.compile(r"\$\{(\w+)\}|\$(\w+)|%(?:[!\d,]*)([<>]?(?:\{[^}]*\})?[A-Za-z])")
_TIME_FORMATS = ("auto", "clf", "iso", "epoch_s", "epoch_ms", "epoch_us")
_KEYS = {"name", "template", "fields", "delimiter", "quote", "map", "time_format", "unique", "stream", "json"}
_SHAPES = ("template", "fields", "json")


class DescriptionError(ValueError):
    """A file that describes a format says something that can't be read; the message is one line."""


@dataclass(frozen=True)
class DescribedFormat:
    """A format described by its user. Plain values: it travels to other processes."""

    name: str
    pattern: str = ""  # one group for each of `columns`, matched from the line's start
    columns: tuple[str, ...] = ()
    json_fields: tuple[tuple[str, str], ...] = ()  # of JSON lines instead: our column and their dotted name
    time_format: str = "auto"
    is_unique: bool = False  # its request ids are made by the server, one for each request


def load_described(text: str, name: str) -> DescribedFormat:
    """Read a description from YAML text. `name` is the file's, for messages.

    Raises DescriptionError with one line that says what was wanted and what was found.
    """
    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise DescriptionError(f"{name}: wanted YAML, found {' '.join(str(error).split())}") from error
    if not isinstance(given, dict):
        raise DescriptionError(f"{name}: wanted keys such as name and template, found {type(given).__name__}")
    for key in given:
        if key not in _KEYS:
            raise DescriptionError(f"{name}: wanted one of {', '.join(sorted(_KEYS))}, found {key!r}")
    own_name = given.get("name")
    if not isinstance(own_name, str) or not re.fullmatch(r"[a-z][a-z0-9_-]{0,31}", own_name):
        raise DescriptionError(f"{name}: wanted name: a word in lower case, found {own_name!r}")
    if given.get("stream", "server") != "server":
        raise DescriptionError(f"{name}: wanted stream: server, found {given['stream']!r}")
    shapes = [shape for shape in _SHAPES if shape in given]
    if len(shapes) != 1:
        raise DescriptionError(
            f"{name}: wanted one of {', '.join(_SHAPES)}, found {' and '.join(shapes) or 'none'}"
        )
    meanings = _meanings(given.get("map") or {}, name)
    time_format = str(given.get("time_format", "auto"))
    if time_format not in _TIME_FORMATS and "%" not in time_format:
        raise DescriptionError(
            f"{name}: wanted time_format {', '.join(_TIME_FORMATS)} or one with %, found {time_format!r}"
        )
    json_fields: tuple[tuple[str, str], ...] = ()
    pattern = ""
    columns: tuple[str, ...] = ()
    if "json" in given:
        mapped = _meanings(given["json"], name)
        _check_once(list(mapped.values()), name)
        if time_format != "auto":
            raise DescriptionError(f"{name}: wanted no time_format beside json, found {time_format!r}")
        json_fields = tuple((column, variable) for variable, column in mapped.items())
    elif "template" in given:
        pattern, columns = _template_pattern(str(given["template"]), meanings, name)
    else:
        pattern, columns = _fields_pattern(given, meanings, name)
    is_unique = given.get("unique", False)
    if not isinstance(is_unique, bool):
        raise DescriptionError(f"{name}: wanted unique: true or false, found {is_unique!r}")
    if "at" not in columns and not json_fields:
        raise DescriptionError(
            f"{name}: wanted a field for the time (at), found {', '.join(filter(None, columns))}"
        )
    return DescribedFormat(own_name, pattern, columns, json_fields, time_format, is_unique)


def _meanings(given: object, name: str) -> dict[str, str]:
    if not isinstance(given, dict):
        raise DescriptionError(f"{name}: wanted variable: column, found {given!r}")
    for column in given.values():
        if column not in COLUMNS:
            raise DescriptionError(f"{name}: wanted one of {', '.join(COLUMNS)}, found {column!r}")
    return {str(variable): str(column) for variable, column in given.items()}


def _meaning(variable: str, meanings: dict[str, str]) -> str:
    """Give the column of a template's variable, '' if it is to be skipped."""
    if variable in meanings:
        return meanings[variable]
    if variable in VARIABLES:
        return VARIABLES[variable]
    folded = re.sub(r"\{[^}]*\}", lambda braces: braces.group().lower(), variable)
    return VARIABLES.get(folded, "")


def _check_once(columns: list[str], name: str) -> None:
    for column in filter(None, columns):
        if columns.count(column) > 1:
            raise DescriptionError(
                f"{name}: wanted each column once, found {column} {columns.count(column)} times"
            )


def _template_pattern(template: str, meanings: dict[str, str], name: str) -> tuple[str, tuple[str, ...]]:
    """Turn a template into a pattern in which every variable ends at the character that follows it."""
    pieces: list[str] = []
    columns: list[str] = []
    place = 0
    template = template.strip("\r\n")
    for match in _VARIABLE.finditer(template):
        pieces.append(re.escape(template[place : match.start()]))
        place = match.end()
        braced, plain, directive = match.groups()
        variable = f"%{directive}" if directive else f"${braced or plain}"
        columns.append(_meaning(variable, meanings))
        before, after = template[: match.start()][-1:], template[place : place + 1]
        if directive and directive.endswith("t"):
            pieces.append(r"\[([^\]]*+)\]" if directive == "t" else _until(after))
        elif before == after == '"':
            pieces.append(r'([^"\\]*+(?:\\.[^"\\]*+)*+)')
        else:
            pieces.append(_until(after))
    pieces.append(re.escape(template[place:]))
    _check_once(columns, name)
    # What a server adds at the end of its lines later does no harm.
    return "".join(pieces) + r"(?=[ \t,;|]|$)", tuple(columns)


def _until(after: str) -> str:
    return f"([^{re.escape(after)}]*+)" if after else r"([^ \t]*+)"


def _fields_pattern(
    given: dict[str, object], meanings: dict[str, str], name: str
) -> tuple[str, tuple[str, ...]]:
    """Turn a list of fields with a delimiter into a pattern; a field in quotes may hold the delimiter."""
    fields, delimiter, quote = given["fields"], given.get("delimiter", " "), given.get("quote", '"')
    if not isinstance(fields, list) or not fields:
        raise DescriptionError(f"{name}: wanted fields: a list of columns, found {fields!r}")
    if not isinstance(delimiter, str) or len(delimiter) != 1:
        raise DescriptionError(f"{name}: wanted delimiter: one character, found {delimiter!r}")
    if quote is not None and (not isinstance(quote, str) or len(quote) > 1):
        raise DescriptionError(f"{name}: wanted quote: one character or nothing, found {quote!r}")
    columns = []
    for field in fields:
        column = meanings.get(str(field), str(field))
        if column not in COLUMNS and column != "-":
            raise DescriptionError(
                f"{name}: wanted one of {', '.join(COLUMNS)} or -, found {field!r} in fields"
            )
        columns.append("" if column == "-" else column)
    _check_once(columns, name)
    between = re.escape(delimiter)
    one = f"([^{between}]*+)"
    if quote:
        mark = re.escape(quote)
        one = rf"(?:{mark}([^{mark}\\]*+(?:\\.[^{mark}\\]*+)*+){mark}|{one})(?={between}|$)"
        columns = [column for column in columns for _ in range(2)]  # a group for each way to write it
    return between.join([one] * len(fields)) + f"(?={between}|$)", tuple(columns)
