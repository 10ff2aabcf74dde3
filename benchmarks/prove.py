"""`make prove`: the same objects by every way, one canonical digest; and a broken twin that must differ.

Each row is a warehouse of its own, filled from samples/ by the real run. The digest covers every row of every
table but the records of the runs themselves (`playerpath warehouse check --digest`).
"""

from __future__ import annotations

import bz2
import gzip
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import zstandard
from rich.console import Console
from rich.table import Table

import warehouse
from jobs.access_logs import objects
from pipelines.progress import Reporter
from pipelines.run import RunRequest, run
from pipelines.settings import Settings, rules_text

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
SEED = 20_261_001
KEY = "a key for proving, the same in every row"


class _Silent(Reporter):
    def say(self, text: str) -> None:
        del text


@dataclass(frozen=True)
class Way:
    """One way to bring the same contents into a warehouse: groups of sources, a run for each group."""

    name: str
    groups: Callable[[Path, list[Path]], Iterator[Sequence[Path]]]
    is_broken: bool = False


def one_run(folder: Path, files: list[Path]) -> Iterator[Sequence[Path]]:
    """Everything at once."""
    del folder
    yield files


def reversed_in_three(folder: Path, files: list[Path]) -> Iterator[Sequence[Path]]:
    """The newest first: every object is late."""
    del folder
    third = len(files) // 3 + 1
    for begin in range(len(files), 0, -third):
        yield files[max(begin - third, 0) : begin]


def shuffled_in_twenty(folder: Path, files: list[Path]) -> Iterator[Sequence[Path]]:
    """Any order, twenty runs."""
    del folder
    mixed = list(files)
    random.Random(SEED).shuffle(mixed)
    for group in range(20):
        yield mixed[group::20]


def a_month_late(folder: Path, files: list[Path]) -> Iterator[Sequence[Path]]:
    """One object in seven comes after all others."""
    del folder
    yield [file for n, file in enumerate(files) if n % 7]
    yield [file for n, file in enumerate(files) if not n % 7]


def repeated(folder: Path, files: list[Path]) -> Iterator[Sequence[Path]]:
    """Every object again under another name and compression, and the first names once more."""
    packers = [(".gz", gzip.compress), (".bz2", bz2.compress), (".zst", zstandard.ZstdCompressor().compress)]
    copies = []
    for n, file in enumerate(files):
        ending, pack = packers[n % 3]
        copies.append(folder / f"copy-{n}{ending}")
        copies[-1].write_bytes(pack(_unpacked(file)))
    yield files[::2]
    yield [*copies, *files]
    yield files


def growing(folder: Path, files: list[Path]) -> Iterator[Sequence[Path]]:
    """A tenth of the objects are plain files that grow line by line through three runs, then are rotated."""
    grown = files[::10]
    rest = [file for file in files if file not in grown]
    paths = [folder / f"{n}.log" for n in range(len(grown))]
    for share in (0.3, 0.7):
        for path, file in zip(paths, grown, strict=True):
            data = _unpacked(file)
            path.write_bytes(data[: int(len(data) * share)])  # wherever that falls in a line
        yield paths
    for path, file in zip(paths, grown, strict=True):
        path.write_bytes(_unpacked(file))
    yield [*paths, *rest]
    for path in paths:
        (folder / f"{path.name}.1.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    yield [folder]


def lost_object(folder: Path, files: list[Path]) -> Iterator[Sequence[Path]]:
    """Broken: one object never comes."""
    del folder
    yield [file for n, file in enumerate(files) if n != len(files) // 2]


def one_line_twice(folder: Path, files: list[Path]) -> Iterator[Sequence[Path]]:
    """Broken: one object's last line stands twice."""
    data = _unpacked(files[0])
    changed = folder / "changed.log"
    changed.write_bytes(data + data[data.rfind(b"\n", 0, -1) + 1 :])
    yield [changed, *files[1:]]


WAYS = (
    Way("one run over everything", one_run),
    Way("newest first, in three runs", reversed_in_three),
    Way("shuffled, in twenty runs", shuffled_in_twenty),
    Way("one object in seven a month late", a_month_late),
    Way("every object three times, renamed and repacked", repeated),
    Way("growing files, rotated and compressed", growing),
    Way("broken twin: an object is lost", lost_object, is_broken=True),
    Way("broken twin: one line stands twice", one_line_twice, is_broken=True),
    Way("broken twin: claims by name, not by content", repeated, is_broken=True),
)


def _unpacked(file: Path) -> bytes:
    data = file.read_bytes()
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


def digest_of(way: Way, files: list[Path], folder: Path) -> tuple[str, int]:
    """Fill a new warehouse in one way; give its canonical digest and the number of runs."""
    given = folder / "given"
    given.mkdir()
    url = f"sqlite:///{folder}/playerpath.db"
    settings = Settings(identity="player", stream="server", rules=rules_text("game_server"))
    count = 0
    for sources in way.groups(given, files):
        request = RunRequest(
            sources=tuple(str(source) for source in sources),
            warehouse_url=url,
            lake_uri=str(folder / "lake"),
            settings=settings,
        )
        run(request, _Silent())
        count += 1
    return warehouse.connect(url, read_only=True).digest(), count


def main() -> int:
    """Print the table; exit 1 if a way differs, or a broken twin does not."""
    os.environ["PLAYERPATH_KEY"] = KEY
    files = sorted(path for path in SAMPLES.rglob("*") if path.suffix in (".gz", ".log"))
    console = Console(width=max(Console().width, 132))
    table = Table(title=f"{len(files)} objects of samples/, seed {SEED}", show_lines=False)
    for column in ("way", "runs", "seconds", "canonical digest", ""):
        table.add_column(column, no_wrap=True)
    wanted, is_good = "", True
    for way in WAYS:
        begun = time.monotonic()
        folder = Path(tempfile.mkdtemp(prefix="playerpath-prove-"))
        claimed_by = objects.digest_of_line
        try:
            if way.is_broken and way.groups is repeated:
                objects.digest_of_line = _never_the_same  # no candidate is ever found: names are all there is
            digest, count = digest_of(way, files, folder)
        except warehouse.WarehouseError as error:
            digest, count = f"refused: {error}", 0
        finally:
            objects.digest_of_line = claimed_by
            shutil.rmtree(folder)
        wanted = wanted or digest
        is_right = (digest == wanted) != way.is_broken
        is_good &= is_right
        verdict = "equal" if digest == wanted else "caught" if digest.startswith("refused") else "differs"
        expected = "as it must" if is_right else "WRONG"
        seconds = f"{time.monotonic() - begun:.1f}"
        table.add_row(way.name, str(count), seconds, digest[:32], f"{verdict}, {expected}")
    console.print(table)
    return 0 if is_good else 1


def _never_the_same(line: bytes) -> str:
    return random.Random(repr((line, time.monotonic_ns()))).randbytes(16).hex()


if __name__ == "__main__":
    sys.exit(main())
