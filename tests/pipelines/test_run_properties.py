"""Any way to bring the same objects in gives the same warehouse; any bytes at all are counted or refused."""

from __future__ import annotations

import bz2
import gzip
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import warehouse
from pipelines.progress import Reporter
from pipelines.run import RunRequest, run
from pipelines.settings import Settings
from pipelines.summary import RunSummary

ADDRESSES = ("203.0.113.7", "203.0.113.8")
AGENTS = ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/129.0", "Mozilla/5.0 (iPhone)", "curl/8.5", "-")
PATHS = ("/v1/shop", "/v1/matches", "/v1/matches/17", "/")
REFERRERS = ("-", "https://example.com/", "https://example.org/x")
# Seconds since 2026-10-01: the same second, a session's gap and one more, the end of the day.
SECONDS = (43_200, 43_201, 45_000, 45_001, 46_801, 86_399, 86_400)
IDS = tuple(f"01999c7e-5a40-7c3d-9f10-3b7f6e0a1c{n:02x}" for n in range(3))
EDGE_IDS = ("SameSixteenBytes-one==", "SameSixteenBytes-two==", "another-id-entirely==")
MALFORMED = (
    b"garbage\n",
    b"\n",
    b"203.0.113.7 - - [01/Oct/2026:12:0\n",
    b"\x00\xff\xfe \x1b[31m\n",
    b"# a comment\n",
)
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": lambda data: gzip.compress(data, mtime=0),
    ".bz2": bz2.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


@pytest.fixture(scope="module", autouse=True)
def _one_key() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLAYERPATH_KEY", "a key that all warehouses share")
        patch.setattr(os, "fsync", lambda _file: None)  # nothing is pulled here, and it takes a tenth
        yield


class Silent(Reporter):
    def say(self, text: str) -> None:
        del text


def time_of(second: int) -> str:
    day, rest = divmod(second, 86_400)
    return f"{day + 1:02}/Oct/2026:{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02} +0000"


@st.composite
def combined_lines(draw: st.DrawFn) -> bytes:
    pick = lambda values: draw(st.sampled_from(values))  # noqa: E731 shorter than a function
    return (
        f"{pick(ADDRESSES)} - {pick(('-', 'ada'))} [{time_of(pick(SECONDS))}]"
        f' "GET {pick(PATHS)} HTTP/1.1" {pick((200, 404, 500))} {pick((0, 512))}'
        f' "{pick(REFERRERS)}" "{pick(AGENTS)}"\n'
    ).encode()


@st.composite
def playerpath_lines(draw: st.DrawFn) -> bytes:
    pick = lambda values: draw(st.sampled_from(values))  # noqa: E731
    second = pick(SECONDS)
    micros = 1_790_812_800_000_000 + second * 1_000_000 + pick((0, 1, 999_999))
    return (
        f'{pick(ADDRESSES)} - - [{time_of(second)}] "GET {pick(PATHS)} HTTP/1.1" {pick((200, 500))} 7 "-"'
        f' "{pick(AGENTS)}" {micros} {pick(("-", 0, 1834, 90_000))} {pick(("-", "p_1", "p_2"))}'
        f" {pick((*IDS, *IDS, '-'))} {pick(('-', 'DE'))}\n"
    ).encode()


@st.composite
def cloudfront_lines(draw: st.DrawFn) -> bytes:
    pick = lambda values: draw(st.sampled_from(values))  # noqa: E731
    second = pick(SECONDS)
    day, rest = divmod(second, 86_400)
    return (
        "\t".join(
            [
                f"2026-10-{day + 1:02}",
                f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}",
                pick(ADDRESSES),
                "GET",
                pick(PATHS),
                pick(("200", "304")),
                "-",
                pick(AGENTS).replace(" ", "%20"),
                pick((*EDGE_IDS, "-")),
                pick(("0.001", "0.250")),
            ]
        ).encode()
        + b"\n"
    )


HEADERS = {
    "combined": b"",
    "playerpath": b"#Playerpath: 1.0 host=web-1 process=4711 sequence=12\n",
    "cloudfront": b"#Version: 1.0\n#Fields: date time c-ip cs-method cs-uri-stem sc-status cs(Referer)"
    b" cs(User-Agent) x-edge-request-id time-taken\n",
}
LINES = {"combined": combined_lines(), "playerpath": playerpath_lines(), "cloudfront": cloudfront_lines()}


@dataclass(frozen=True)
class World:
    """Names with the stored bytes that stand under each, one after the other."""

    names: dict[str, list[bytes]]
    order: list[str]  # a name for each of its states: when that state arrives
    run_after: list[bool]  # for each arrival: a run follows


@st.composite
def contents(draw: st.DrawFn) -> list[bytes]:
    """Unpacked objects; some begin alike, some hold lines of others, some are the beginning of others."""
    made: list[bytes] = []
    firsts = {name: draw(lines) for name, lines in LINES.items()}
    for _ in range(draw(st.integers(1, 4))):
        name = draw(st.sampled_from(("combined", "playerpath", "playerpath", "cloudfront")))
        lines = draw(st.lists(st.one_of(LINES[name], LINES[name], st.sampled_from(MALFORMED)), max_size=8))
        if draw(st.booleans()):
            lines.insert(0, firsts[name])
        if lines and draw(st.booleans()):
            lines.append(draw(st.sampled_from(lines)))
        made.append(draw(st.sampled_from((HEADERS[name], HEADERS[name], b""))) + b"".join(lines))
    return made


@st.composite
def worlds(draw: st.DrawFn) -> World:
    names: dict[str, list[bytes]] = {}
    for number, content in enumerate(draw(contents())):
        for copy in range(draw(st.integers(1, 2))):
            suffix = draw(st.sampled_from(("", "", *PACKERS)))
            name = f"{draw(st.sampled_from('abc'))}-{number}-{copy}.log{suffix}"
            states = [content]
            if not suffix:
                cuts = draw(st.lists(st.integers(0, len(content)), max_size=2))
                states = [content[:cut] for cut in sorted(cuts)] + states
            elif draw(st.booleans()):
                # An object of its own that is the beginning of another.
                ends = [0, *(n + 1 for n, byte in enumerate(content) if byte == 10)]
                states = [content[: draw(st.sampled_from(ends))]]
                names[f"whole-{name}"] = [PACKERS[suffix](content)]
            names[name] = [PACKERS[suffix](state) for state in states]
    order = draw(st.permutations([name for name, states in names.items() for _ in states]))
    return World(names, order, [draw(st.integers(0, 2)) == 0 for _ in order])


def load(folder: Path, sources: list[Path], chosen: Settings) -> RunSummary:
    return run(
        RunRequest(
            sources=tuple(map(str, sources)),
            warehouse_url=f"sqlite:///{folder}/playerpath.db",
            lake_uri=str(folder / "lake"),
            settings=chosen,
        ),
        Silent(),
    )


def digest(folder: Path) -> str:
    with warehouse.connect(f"sqlite:///{folder}/playerpath.db", read_only=True) as opened:
        return opened.digest()


def dump(folder: Path) -> dict[str, list[tuple]]:
    """Give all that the digest covers, to see where two warehouses differ."""
    with warehouse.connect(f"sqlite:///{folder}/playerpath.db", read_only=True) as opened:
        found = {
            table.name: sorted(opened.sql(f"select * from {table.name}").itertuples(index=False), key=repr)
            for table in warehouse.schema.MODEL_TABLES
        }
        found["log_objects"] = sorted(
            opened.sql(
                "select content_digest, size_bytes, format, stream, host, first_at, last_at, lines_read,"
                " accepted, rejected, duplicates, ignored from log_objects where status = 'loaded'"
            ).itertuples(index=False),
            key=repr,
        )
        found["rejected_lines"] = sorted(
            opened.sql(
                "select content_digest, byte_offset, r.reason, raw from rejected_lines r"
                " join log_objects using (object_id) where status = 'loaded'"
            ).itertuples(index=False),
            key=repr,
        )
    return found


WHOLE_RUNS = settings(
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],  # an example takes a second: shrinking one would take many minutes
)


@settings(WHOLE_RUNS, max_examples=40)
@given(
    world=worlds(),
    identity=st.sampled_from(("player", "visitor")),
    bots=st.sampled_from(("exclude", "include", "only")),
    stream=st.sampled_from(("server", "cloudfront")),
)
def test_any_grouping_order_and_repetition_gives_the_warehouse_of_one_run(
    world: World, identity: str, bots: str, stream: str
) -> None:
    chosen = Settings(identity=identity, bots=bots, stream=stream)
    with tempfile.TemporaryDirectory() as temporary:
        at_once, in_steps = Path(temporary) / "at-once", Path(temporary) / "in-steps"
        for folder in (at_once, in_steps):
            (folder / "logs").mkdir(parents=True)
        for name, states in world.names.items():
            (at_once / "logs" / name).write_bytes(states[-1])
        load(at_once, [at_once / "logs"], chosen)
        left = {name: list(states) for name, states in world.names.items()}
        is_new = False
        for name, is_run in zip(world.order, world.run_after, strict=True):
            (in_steps / "logs" / name).write_bytes(left[name].pop(0))
            is_new = not is_run
            if is_run:
                load(in_steps, [in_steps / "logs"], chosen)
        if is_new:
            load(in_steps, [in_steps / "logs"], chosen)
        if digest(in_steps) != digest(at_once):
            wanted, found = dump(at_once), dump(in_steps)
            for table in wanted:
                assert found[table] == wanted[table], table
            raise AssertionError("the digests differ where the dump does not look")
