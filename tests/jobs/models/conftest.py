"""A small lake of requests whose meaning is written on them, and the tables that the models make of it."""

from __future__ import annotations

import importlib.util
import itertools
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from jobs.access_logs.classify import CLASSIFIED
from jobs.access_logs.lake import PartWriter, Rows
from jobs.access_logs.requests import REQUESTS
from jobs.access_logs.settings import MeaningSettings
from jobs.engines.duckdb import DuckDBEngine
from jobs.engines.interface import LakePart

Tables = dict[str, list[dict[str, Any]]]
_numbers = itertools.count()


@dataclass(frozen=True)
class Request:
    """One accepted line and what `classify` is to say of it."""

    at: int  # microseconds since 1970
    visitor: str = "v1"
    known_id: str | None = None
    event: str | None = None
    route: str = "(other)"
    method: str | None = "GET"
    status: int | None = 200
    bytes_sent: int | None = None
    bucket: int | None = None
    bot_reason: str | None = None
    platform: str = "windows"
    referrer_host: str | None = None
    utm_source: str | None = None
    utm_campaign: str | None = None
    country: str | None = None
    is_activity_route: bool = True
    stream: str = "server"
    order_hi: int = 0
    order_lo: int = 0
    object_id: str = "o1"
    byte_offset: int = 0
    request_id: str | None = None

    def is_in_session(self, settings: MeaningSettings) -> bool:
        is_let_in = settings.identity == "visitor" or self.status not in (401, 403)
        return self.stream == settings.activity_stream and self.is_activity_route and is_let_in

    def is_on_kept_side(self, settings: MeaningSettings) -> bool:
        return settings.bots == "include" or (self.bot_reason is not None) == (settings.bots == "only")


def written_meaning(requests: pa.Table, settings: MeaningSettings, *, is_activity: bool) -> pa.Table:
    """Stand in for `classify`: take the meaning that the test wrote into the path."""
    rows = [Request(**json.loads(text)) for text in requests["path"].cast(pa.string()).to_pylist()]
    by_player = settings.identity == "player"
    assert all((row.stream == settings.activity_stream) == is_activity for row in rows)
    return pa.Table.from_pylist(
        [
            {
                "player_id": (row.known_id if by_player else None) or row.visitor,
                "is_identified": by_player and row.known_id is not None,
                "event": row.event,
                "route": row.route,
                "counted": row.is_in_session(settings) and row.is_on_kept_side(settings),
                "in_session": row.is_in_session(settings),
                "is_bot": row.bot_reason is not None,
                "bot_reason": row.bot_reason,
                "platform": row.platform,
                "referrer_host": row.referrer_host,
                "utm_source": row.utm_source,
                "utm_campaign": row.utm_campaign,
                "country": row.country,
            }
            for row in rows
        ],
        schema=pa.schema([(f.name, pa.bool_() if f.type == pa.bool_() else pa.string()) for f in CLASSIFIED]),
    )


def lake_row(request: Request) -> dict[str, Any]:
    said = {name: getattr(request, name) for name in request.__dataclass_fields__}
    row = {
        name: said[name]
        for name in ("at", "method", "status", "bytes_sent", "visitor", "order_hi", "order_lo")
    }
    return row | {
        "path": json.dumps(said),
        "duration_bucket": request.bucket,
        "object_id": request.object_id,
        "byte_offset": request.byte_offset,
        "request_id": request.request_id,
    }


def write_lake(folder: Path, requests: Iterable[Request]) -> list[LakePart]:
    writer, waiting = PartWriter(str(folder / f"lake-{next(_numbers)}")), Rows()
    by_stream: dict[str, list[dict[str, Any]]] = {}
    for request in requests:
        by_stream.setdefault(request.stream, []).append(lake_row(request))
    for stream, rows in by_stream.items():
        waiting.add("requests", stream, pa.Table.from_pylist(rows, schema=REQUESTS))
    return [writer.write(key, tables) for key, tables in waiting.take(0)]


def numbered(requests: Iterable[Request]) -> list[Request]:
    """Give requests the places that lines of one object have."""
    return [replace(each, order_lo=100 * n, byte_offset=100 * n) for n, each in enumerate(requests)]


Build = Callable[..., Tables]


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Give a function: requests and settings → every table as rows."""
    folder = tmp_path_factory.mktemp("models")

    def build_tables(requests: Iterable[Request], **settings: Any) -> Tables:
        engine = DuckDBEngine(classify=written_meaning)
        try:
            parts = write_lake(folder, requests)
            tables = engine.build(parts, MeaningSettings(scratch_dir=str(folder), threads=1, **settings))
            return {name: rows().read_all().to_pylist() for name, rows in tables.items()}
        finally:
            engine.close()

    return build_tables


@pytest.fixture(scope="session")
def request_of() -> type[Request]:
    """Give the class of a test's requests."""
    return Request


@pytest.fixture(scope="session")
def in_one_object() -> Callable[[Iterable[Request]], list[Request]]:
    """Give the function that places requests in one object, in the order given."""
    return numbered


@pytest.fixture(scope="session")
def recomputed() -> Any:
    """Give the class that computes every table again from the definitions."""
    spec = importlib.util.spec_from_file_location("recomputed", Path(__file__).with_name("recomputed.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Recomputed
