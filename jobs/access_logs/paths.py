"""Paths taken apart into segments, a whole column at a time.

A path is the list of its non-empty segments: `/a//b/` is `a`, `b`. Every step is one Arrow kernel over a
column of distinct paths, so that millions of paths with an id in each are a matter of a second.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

FOLDED = "{id}"
MAX_SEGMENTS = 4

# Only digits, 8 or more hex digits, or over 32 characters. A UUID needs no rule of its own: with dashes it
# has 36 characters, without them it is 32 hex digits.
_ID = r"(?s)^(?:[0-9]+|[0-9a-fA-F]{8,}|.{33,})$"

# Stands for a segment that no template names. A path may hold this character all the same: no template does.
ANY = "\x00"


def fold(paths: pa.StringArray) -> pa.DictionaryArray:
    """Fold each path of a column without NULLs to its first four segments, ids as `{id}`.

    `/players/8f3a9c0d/matches/17/moves` becomes `/players/{id}/matches/{id}`. Empty segments are left out, so
    `/a//b/` is `/a/b`; a path without a leading slash (`*`, `example.com:443`) keeps none.
    """
    lists = segments(paths, MAX_SEGMENTS)
    values = lists.values
    folded = _joined(lists, pc.if_else(pc.match_substring_regex(values, _ID), FOLDED, values))
    rooted = pc.starts_with(paths, "/")
    if not pc.all(rooted, min_count=0).as_py():
        folded = pc.if_else(rooted, folded, pc.utf8_slice_codeunits(folded, 1))
    return folded.dictionary_encode()


def shapes(lists: pa.ListArray, literals: pa.StringArray) -> pa.DictionaryArray:
    """Give each path's segments joined, those that are not among the literals of any template as ``ANY``."""
    values = lists.values
    known = pc.is_in(values, value_set=pa.concat_arrays([literals, pa.array([""])]))
    return _joined(lists, pc.if_else(known, values, ANY)).dictionary_encode()


def segments(paths: pa.StringArray, limit: int) -> pa.ListArray:
    """Split a column without NULLs: for each path an empty text (before the first slash), then its segments.

    At most ``limit`` segments are kept; a path without any is the empty text alone.
    """
    rooted = pc.starts_with(paths, "/")
    if not pc.all(rooted, min_count=0).as_py():
        paths = pc.if_else(rooted, paths, pc.binary_join_element_wise("", paths, "/"))
    untidy = pc.or_(pc.match_substring(paths, "//"), pc.ends_with(paths, "/"))
    if pc.any(untidy, min_count=0).as_py():
        tidy = pc.replace_substring_regex(paths.filter(untidy), pattern="/+", replacement="/")
        paths = pc.replace_with_mask(paths, untidy, pc.utf8_rtrim(tidy, "/"))
    lists = pc.split_pattern(paths, "/")
    longest = pc.max(pc.list_value_length(lists)).as_py()
    if longest is not None and longest > limit + 1:
        lists = pc.list_slice(lists, 0, limit + 1)
    return lists


def _joined(lists: pa.ListArray, values: pa.StringArray) -> pa.StringArray:
    joined = pc.binary_join(pa.ListArray.from_arrays(lists.offsets, values), "/")
    return pc.if_else(pc.equal(joined, ""), "/", joined)
