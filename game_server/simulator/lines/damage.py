"""Lines that no reader can take: cut short, overwritten, blank, without a time, or from before the web."""

from __future__ import annotations

import re

CUT, ZEROS, BLANK, NO_TIME, LONG_AGO = 1, 2, 3, 4, 5

_JUNK = "worker process exited on signal 11 (core dumped)"
_TIME = re.compile(r"\[[^\]]*\]")


def spoil(line: str, kind: int, is_clf: bool) -> str:
    """The line as it ends up in the log, without its line end.

    The last two kinds exist where the time stands in brackets; elsewhere a message of another program takes
    their place.
    """
    if kind == BLANK:
        return ""
    if kind == ZEROS:  # what a file system leaves after a power cut
        return "\0" * 48
    if kind == CUT:
        return line[: 10 + len(line) // 16]
    if not is_clf:
        return _JUNK
    return _TIME.sub("[-]" if kind == NO_TIME else "[17/May/1926:09:30:00 +0000]", line, count=1)
