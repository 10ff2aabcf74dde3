"""What a run writes before its commit: files below its own name, which nobody reads if it never commits."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from pyarrow import fs

from jobs.storage import filesystem, join


@contextlib.contextmanager
def folder(warehouse_id: str) -> Iterator[Path]:
    """Give a folder for the run's time; remove those of killed runs. For the lease's holder only."""
    prefix = f"playerpath-{warehouse_id}-"
    for left in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=prefix) as name:
        yield Path(name)


def clean(lake_uri: str, run_ids: Collection[str]) -> int:
    """Remove the folders of runs that did not commit; give their number. For the lease's holder only."""
    files, path = filesystem(join(lake_uri, "runs"))
    removed = 0
    for entry in files.get_file_info(fs.FileSelector(path, allow_not_found=True)):
        if entry.type == fs.FileType.Directory and entry.base_name not in run_ids:
            files.delete_dir(entry.path)
            removed += 1
    return removed


def remove(scratch_uri: str) -> None:
    """Remove a failed run's own folder; what can't be removed now goes with the next run's cleaning."""
    files, path = filesystem(scratch_uri)
    with contextlib.suppress(OSError):
        files.delete_dir(path)
