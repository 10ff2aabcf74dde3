"""The formats that a simulated log can have: who writes it, with what name, head and lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from game_server.simulator.lines.aws import (
    CLOUDFRONT_FEW_FIELDS,
    CLOUDFRONT_FIELDS,
    CLOUDFRONT_HEADER_BYTES,
    alb_lines,
    cloudfront_few_lines,
    cloudfront_lines,
    elb_lines,
)
from game_server.simulator.lines.json_lines import json_lines
from game_server.simulator.lines.pieces import Rows, Texts
from game_server.simulator.lines.text import combined_lines, common_lines, playerpath_lines
from game_server.simulator.rows import EDGE, ORIGIN
from game_server.simulator.timeline import SECOND_US

Lines = Callable[[Texts, Rows], pa.Array]
FIRST_PROCESS = 4711


@dataclass(frozen=True)
class Format:
    """A format, and what its readers can know.

    layer: which requests it sees (bits of :mod:`rows`); sees_odd: it logs what is not HTTP; resolution_us:
    its times are whole multiples of that; is_answer_time: its time is the answer's, not the request's;
    has_agent: it logs user agents; keeps_empty: an empty one differs from none; has_request_id: each line
    has a unique id; is_player: players' ids are logged; is_clf: time in brackets is the one that counts.
    """

    name: str
    lines: Lines
    resolution_us: int
    stream: str
    layer: int = ORIGIN | EDGE
    sees_odd: bool = False
    is_answer_time: bool = False
    has_agent: bool = True
    keeps_empty: bool = False
    has_request_id: bool = False
    is_player: bool = False
    is_clf: bool = False
    is_encoded: bool = False
    is_gz: bool = False
    fields: str = ""
    header_bytes: int = 0  # that its byte counts hold beside the body

    def file_name(self, host: int, start_us: int, end_us: int, sequence: int) -> str:
        """Name below ``logs/`` of the file of one host (balancer node, edge) for one period."""
        start, end = (datetime.fromtimestamp(at // SECOND_US, UTC) for at in (start_us, end_us))
        if self.stream == "cloudfront":
            return f"E2SIMULATED01.{start:%Y-%m-%d-%H}.{0x2C9F0000 + host:08x}.gz"
        if self.stream == "elb":
            balancer = "app.game.50dc6c495c0c9188" if self.name == "alb" else "game"
            folder = f"AWSLogs/123456789012/elasticloadbalancing/eu-central-1/{start:%Y/%m/%d}"
            name = f"{balancer}_{end:%Y%m%dT%H%MZ}_10.0.{host}.4_{sequence:08x}.log"
            gz = ".gz" if self.name == "alb" else ""
            return f"{folder}/123456789012_elasticloadbalancing_eu-central-1_{name}{gz}"
        gz = ".gz" if self.is_gz else ""
        return f"web-{host + 1}.{FIRST_PROCESS + host}.{start:%Y%m%dT%H%M%S}.{sequence:06d}.log{gz}"

    def head(self, host: int, sequence: int) -> bytes:
        """Directive lines at the beginning of each file."""
        if self.stream == "cloudfront":
            return f"#Version: 1.0\n#Fields: {self.fields}\n".encode()
        if self.is_player:
            writer = f"host=web-{host + 1} process={FIRST_PROCESS + host}"
            return f"#Playerpath: 1.0 {writer} sequence={sequence}\n".encode()
        return b""


FORMATS: dict[str, Format] = {
    found.name: found
    for found in (
        Format(
            "playerpath",
            playerpath_lines,
            1,
            "server",
            layer=ORIGIN,
            sees_odd=True,
            keeps_empty=True,
            has_request_id=True,
            is_player=True,
        ),
        Format("combined", combined_lines, SECOND_US, "server", sees_odd=True, keeps_empty=True, is_clf=True),
        Format("common", common_lines, SECOND_US, "server", sees_odd=True, has_agent=False, is_clf=True),
        Format("json", json_lines, SECOND_US, "server"),
        Format("alb", alb_lines, 1, "elb", is_answer_time=True, layer=EDGE, is_gz=True),
        Format("elb", elb_lines, 1, "elb", layer=EDGE),
        Format(
            "cloudfront",
            cloudfront_lines,
            SECOND_US,
            "cloudfront",
            layer=EDGE,
            is_answer_time=True,
            has_request_id=True,
            is_encoded=True,
            is_gz=True,
            fields=CLOUDFRONT_FIELDS,
            header_bytes=CLOUDFRONT_HEADER_BYTES,
        ),
        Format(
            "cloudfront-few",
            cloudfront_few_lines,
            SECOND_US,
            "cloudfront",
            layer=EDGE,
            is_answer_time=True,
            has_request_id=True,
            is_encoded=True,
            is_gz=True,
            fields=CLOUDFRONT_FEW_FIELDS,
            header_bytes=CLOUDFRONT_HEADER_BYTES,
        ),
    )
}
