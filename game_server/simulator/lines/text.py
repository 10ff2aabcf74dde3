"""The combined family: common, combined, and the game server's own extended combined log."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from game_server.simulator.behaviour import Action
from game_server.simulator.dice import Array
from game_server.simulator.lines.pieces import (
    Pieces,
    Rows,
    Texts,
    fixed_width,
    hexadecimal,
    join,
    numbers_text,
    statuses,
)

_PROTOCOLS = pa.array([' HTTP/2.0" ', ' HTTP/1.1" ', '" '])  # the last for what is not HTTP


def combined_lines(texts: Texts, rows: Rows) -> pa.Array:
    """``address - - [time] "request" status bytes "referrer" "user agent"``."""
    return join([*_combined(texts, rows), '"\n'])


def common_lines(texts: Texts, rows: Rows) -> pa.Array:
    """The first seven fields of combined."""
    return join([*_common(texts, rows), "\n"])


def playerpath_lines(texts: Texts, rows: Rows) -> pa.Array:
    """Combined, then time and duration in microseconds, player id, request id (a UUIDv7) and country."""
    session = rows["session"]
    known = np.where(rows["is_known"], session, len(texts.player))
    player = pa.concat_arrays([texts.player, pa.array(["-"])]).take(pa.array(known))
    pieces: Pieces = [
        *_combined(texts, rows),
        '" ',
        numbers_text(rows["at"]),
        " ",
        numbers_text(rows["duration"]),
    ]
    pieces += [
        " ",
        player,
        " ",
        fixed_width(request_ids(rows)),
        " ",
        texts.country.take(pa.array(session)),
        "\n",
    ]
    return join(pieces)


def request_ids(rows: Rows) -> Array:
    """UUIDv7 with milliseconds, then the microseconds' rest as RFC 9562 method 3 has it, then the tail."""
    at = rows["at"].astype(np.uint64)
    rest = (at % np.uint64(1000)) * np.uint64(4096) // np.uint64(1000)
    high = hexadecimal(at // np.uint64(1000) << np.uint64(16) | np.uint64(0x7000) | rest)
    low = hexadecimal(rows["tail"])
    text = np.full((len(at), 36), ord("-"), dtype=np.uint8)
    text[:, 0:8], text[:, 9:13], text[:, 14:18] = high[:, 0:8], high[:, 8:12], high[:, 12:16]
    text[:, 19:23], text[:, 24:36] = low[:, 0:4], low[:, 4:16]
    return text


def _common(texts: Texts, rows: Rows) -> Pieces:
    session, target = pa.array(rows["session"]), pa.array(rows["target"])
    protocol = np.where(rows["action"] == Action.ODD, 2, texts.protocol[rows["session"]])
    return [
        texts.address.take(session), " - - [", texts.second(texts.clf_seconds, rows["at"]), ' +0000] "',
        texts.request_line.take(target), _PROTOCOLS.take(pa.array(protocol)), statuses(rows),
        " ", numbers_text(rows["size"]),
    ]  # fmt: skip


def _combined(texts: Texts, rows: Rows) -> Pieces:
    referrer = texts.referrer.take(pa.array(rows["referrer"]))
    return [*_common(texts, rows), ' "', referrer, '" "', texts.agent.take(pa.array(rows["session"]))]
