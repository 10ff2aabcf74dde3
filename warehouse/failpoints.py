"""Named places at which a test can kill the process, to show that what is left behind is whole."""

from __future__ import annotations

import os
import signal

VARIABLE = "PLAYERPATH_FAILPOINT"


def failpoint(name: str) -> None:
    """Kill this process as `kill -9` would, if `$PLAYERPATH_FAILPOINT` is this name; nothing otherwise."""
    if os.environ.get(VARIABLE) == name:
        os.kill(os.getpid(), signal.SIGKILL)
