"""Any way to bring the same objects in gives the same warehouse; any bytes at all are counted or refused."""

from __future__ import annotations

import bz2
import gzip
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


Pick = Callable[[Sequence[Any]], Any]


def combined_line(pick: Pick, seconds: Sequence[int]) -> bytes:
    return (
        f"{pick(ADDRESSES)} - {pick(('-', '-', 'ada'))} [{time_of(pick(seconds))}]"
        f' "GET {pick(PATHS)} HTTP/1.1" {pick((200, 404, 500))} {pick((0, 512))}'
        f' "{pick(REFERRERS)}" "{pick(AGENTS)}"\n'
    ).encode()


def playerpath_line(pick: Pick, seconds: Sequence[int]) -> bytes:
    second = pick(seconds)
    micros = 1_790_812_800_000_000 + second * 1_000_000 + pick((0, 1, 999_999))
    return (
        f'{pick(ADDRESSES)} - - [{time_of(second)}] "GET {pick(PATHS)} HTTP/1.1" {pick((200, 500))} 7 "-"'
        f' "{pick(AGENTS)}" {micros} {pick(("-", 0, 1834, 90_000))} {pick(("-", "p_1", "p_2"))}'
        f" {pick((*IDS, *IDS, '-'))} {pick(('-', 'DE'))}\n"
    ).encode()


def cloudfront_line(pick: Pick, seconds: Sequence[int]) -> bytes:
    day, rest = divmod(pick(seconds), 86_400)
    cells = (
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
    )
    return "\t".join(cells).encode() + b"\n"


HEADERS = {
    "combined": b"",
    "playerpath": b"#Playerpath: 1.0 host=web-1 process=4711 sequence=12\n",
    "cloudfront": b"#Version: 1.0\n#Fields: date time c-ip cs-method cs-uri-stem sc-status cs(Referer)"
    b" cs(User-Agent) x-edge-request-id time-taken\n",
}
LINES = {"combined": combined_line, "playerpath": playerpath_line, "cloudfront": cloudfront_line}


@dataclass(frozen=True)
class World:
    """Names with the stored bytes that stand under each, one after the other."""

    names: dict[str, list[bytes]]
    order: list[str]  # a name for each of its states: when that state arrives
    run_after: list[bool]  # for each arrival: a run follows


@st.composite
def contents(draw: st.DrawFn) -> list[bytes]:
    """Unpacked objects; some begin alike, some hold lines of others, some are the beginning of others."""

    def pick(values: Sequence[Any]) -> Any:
        return draw(st.sampled_from(values))

    made: list[bytes] = []
    seconds = draw(st.lists(st.sampled_from(SECONDS), min_size=1, max_size=3))  # few: many ties
    firsts = {name: make(pick, seconds) for name, make in LINES.items()}
    for _ in range(pick((1, 2, 3, 4))):
        name = pick(("combined", "combined", "playerpath", "playerpath", "cloudfront"))
        lines = [
            pick(MALFORMED) if pick((0, 0, 0, 1)) else LINES[name](pick, seconds)
            for _ in range(pick(range(9)))
        ]
        if pick((True, False)):
            lines.insert(0, firsts[name])
        if lines and pick((True, False)):
            lines.append(pick(lines))
        made.append(pick((HEADERS[name], HEADERS[name], b"")) + b"".join(lines))
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
                # An object of its own that is the beginning of another, perhaps cut inside a line.
                states = [content[: draw(st.integers(0, len(content)))]]
                names[f"whole-{name}"] = [PACKERS[suffix](content)]
            names[name] = [PACKERS[suffix](state) for state in states]
    order = draw(st.permutations([name for name, states in names.items() for _ in states]))
    return World(names, order, [draw(st.integers(0, 2)) == 0 for _ in order])


def load(folder: Path, sources: list[Path], chosen: Settings, is_final: bool = False) -> RunSummary:
    return run(
        RunRequest(
            sources=tuple(map(str, sources)),
            warehouse_url=f"sqlite:///{folder}/playerpath.db",
            lake_uri=str(folder / "lake"),
            settings=chosen,
            is_final=is_final,
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


@settings(WHOLE_RUNS, max_examples=20)
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


def made(folder: Path, objects: dict[str, bytes]) -> str:
    """Give the digest of one run over these objects."""
    (folder / "logs").mkdir(parents=True)
    for name, data in objects.items():
        (folder / "logs" / name).write_bytes(data)
    load(folder, [folder / "logs"], Settings(identity="visitor", stream="server"))
    return digest(folder)


def a_line(path: str, second: int = 0) -> bytes:
    at = time_of(43_200 + second)
    return f'203.0.113.7 - - [{at}] "GET {path} HTTP/1.1" 200 5 "-" "{AGENTS[0]}"\n'.encode()


def ours(path: str, request_id: str) -> bytes:
    return a_line(path)[:-1] + f" 1790856000000000 5 - {request_id} DE\n".encode()


def test_ties_between_objects_that_begin_alike_are_broken_beside_requests_with_ids(tmp_path: Path) -> None:
    contents = (
        a_line("/a") + a_line("/b") + a_line("/c"),
        a_line("/a") + a_line("/d") + a_line("/e"),
        ours("/x", IDS[0]),
    )
    orders = ("123", "213", "321")
    assert len({made(tmp_path / order, dict(zip(order, contents, strict=True))) for order in orders}) == 1


def test_which_copy_of_a_request_survives_follows_from_contents_not_from_names(tmp_path: Path) -> None:
    contents = [
        ours(f"/{n}", f"01999c7e-5a40-7c3d-9f10-00000000000{n}") + ours("/x", IDS[0]) for n in range(6)
    ]
    orders = ("123456", "654321", "415263")
    assert len({made(tmp_path / order, dict(zip(order, contents, strict=True))) for order in orders}) == 1


def test_a_chain_of_beginnings_in_one_run_is_the_longest(tmp_path: Path) -> None:
    whole = b"".join(a_line(f"/{n}", n) for n in range(5))
    size = len(whole) // 5
    chain = {
        "1": whole[:size],
        "2": whole,
        "3": whole[: 3 * size],
        "4.gz": gzip.compress(whole[: 4 * size + 9]),
    }
    assert made(tmp_path / "chain", chain) == made(tmp_path / "alone", {"1": whole})


@pytest.mark.parametrize("order", ["abc", "bca", "cba"])
def test_an_object_that_ends_inside_a_line_gives_way_to_the_whole(tmp_path: Path, order: str) -> None:
    whole = b"".join(a_line(f"/{n}", n) for n in range(4))
    cuts = {"a": len(whole) // 4 + 30, "b": len(whole) // 2 + 60, "c": len(whole)}
    for name, cut in cuts.items():
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(whole[:cut]))
    chosen = Settings(identity="visitor", stream="server")
    for name in order:
        load(tmp_path, [tmp_path / f"{name}.gz"], chosen)
    with warehouse.connect(f"sqlite:///{tmp_path}/playerpath.db", read_only=True) as opened:
        (counts,) = opened.sql("select lines_read, accepted, rejected from log_objects").values.tolist()
        files = opened.lake_files()
        assert opened.sql("select * from rejected_lines").empty
    assert counts == [4, 4, 0]
    assert sum(file.row_count for file in files) == 4
    assert digest(tmp_path) == made(tmp_path / "alone", {"c": whole})


def packed(data: bytes) -> st.SearchStrategy[bytes]:
    """The data in any packing, whole, cut short, or with a byte changed."""
    return st.builds(
        lambda pack, cut, place, byte: _spoiled(pack(data), cut, place, byte),
        st.sampled_from(list(PACKERS.values())),
        st.one_of(st.none(), st.integers(0, 40)),
        st.one_of(st.none(), st.integers(0, 200)),
        st.integers(0, 255),
    )


def _spoiled(data: bytes, cut: int | None, place: int | None, byte: int) -> bytes:
    if place is not None and data:
        place %= len(data)
        data = data[:place] + bytes([byte]) + data[place + 1 :]
    return data if cut is None else data[: max(len(data) - cut, 0)]


MAGIC = (
    b"\x1f\x8b\x08\x00",
    b"BZh91AY&SY",
    b"\x28\xb5\x2f\xfd",
    b"\xef\xbb\xbf",
    b"#Fields: date time\n",
    b"{",
)
ANY_BYTES = st.one_of(
    st.binary(max_size=300),
    st.builds(lambda magic, rest: magic + rest, st.sampled_from(MAGIC), st.binary(max_size=60)),
    contents().flatmap(lambda made: packed(b"".join(made))),
    st.tuples(contents(), st.binary(max_size=60)).map(lambda both: both[1].join(both[0])),
)


@settings(WHOLE_RUNS, max_examples=16)
@given(objects=st.lists(ANY_BYTES, min_size=1, max_size=8), is_final=st.booleans())
def test_any_bytes_at_all_are_counted_or_refused_in_one_line(objects: list[bytes], is_final: bool) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "logs").mkdir()
        for number, data in enumerate(objects):
            (folder / "logs" / str(number)).write_bytes(data)
        summary = load(folder, [folder / "logs"], Settings(identity="visitor", stream="server"), is_final)
        counts = (summary.accepted, summary.rejected, summary.duplicates, summary.ignored, summary.erased)
        assert summary.lines_read == sum(counts)
        for name, reason in summary.refusals:
            assert reason, name
            assert reason.isprintable(), reason
        with warehouse.connect(f"sqlite:///{folder}/playerpath.db", read_only=True) as opened:
            assert all(check.passed for check in opened.checks())
            read = opened.sql("select status, lines_read, size_bytes from log_objects")
        assert len(read) >= summary.objects + summary.refused_objects
        assert all(lines for status, lines, _ in read.itertuples(index=False) if status == "loaded")
        seen = summary.objects + summary.refused_objects + summary.known_objects + summary.empty_objects
        assert seen == len(objects)
        again = load(folder, [folder / "logs"], Settings(), is_final)
        assert (again.known_objects, again.objects, again.tables) == (len(objects), 0, {})
