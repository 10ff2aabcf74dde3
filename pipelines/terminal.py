"""Text for a terminal: what came from a log or a file name cannot move the cursor or add lines."""

from __future__ import annotations

import json


def shown(text: str) -> str:
    """Give text as it may be printed on one line: what does not print is written as an escape.

    >>> shown("two\\nlines \\x1b[31m")
    'two\\\\nlines \\\\u001b[31m'
    """
    return text if text.isprintable() else json.dumps(text, ensure_ascii=True)[1:-1]
