"""A JSON object a line, as nginx writes it with ``escape=json``."""

from __future__ import annotations

import pyarrow as pa

from game_server.simulator.catalogue import HOST_NAME
from game_server.simulator.lines.pieces import Rows, Texts, join, numbers_text, seconds_text, statuses

_PROTOCOLS = pa.array([' HTTP/2.0"', ' HTTP/1.1"'])


def json_lines(texts: Texts, rows: Rows) -> pa.Array:
    session = pa.array(rows["session"])
    return join(
        [
            '{"remote_addr":"',
            texts.address.take(session),
            '","remote_user":"-","time_local":"',
            texts.second(texts.clf_seconds, rows["at"]),
            ' +0000","request":"',
            texts.request_line.take(pa.array(rows["target"])),
            _PROTOCOLS.take(pa.array(texts.protocol[rows["session"]])),
            ',"status":"',
            statuses(rows),
            f'","http_host":"{HOST_NAME}","body_bytes_sent":"',
            numbers_text(rows["size"]),
            '","request_time":"',
            seconds_text(rows["duration"]),
            '","http_referer":"',
            texts.referrer.take(pa.array(rows["referrer"])),
            '","http_user_agent":"',
            texts.agent.take(session),
            '"}\n',
        ]
    )
