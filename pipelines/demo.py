"""`make run`: the main job on samples/, the report, the headline figures, and what to try next."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

import warehouse
from pipelines.commands import report
from pipelines.errors import PlayerpathError
from pipelines.progress import reporter
from pipelines.run import RunRequest, run
from pipelines.settings import ENGINES, Settings, rules_text

SAMPLES = Path(__file__).resolve().parents[1] / "samples"


def main() -> int:
    """Run it; the exit code is that of the run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="duckdb")
    parser.add_argument("--out", type=Path, default=Path("out"))
    asked = parser.parse_args()
    if asked.engine not in ENGINES:
        wanted = ", ".join(ENGINES)
        print(f"playerpath: ENGINE wants one of {wanted}; found {asked.engine!r}", file=sys.stderr)
        return 2
    out: Path = asked.out.absolute()
    if (out / "playerpath.db").exists() and (out / "lake").is_dir():
        shutil.rmtree(out)  # what an earlier `make run` made, and nothing else
    out.mkdir(parents=True, exist_ok=True)
    url = f"sqlite:///{out}/playerpath.db"
    os.environ.pop("PLAYERPATH_WAREHOUSE", None)
    request = RunRequest(
        sources=(str(SAMPLES / "logs"),),
        warehouse_url=url,
        lake_uri=str(out / "lake"),
        engine=asked.engine,
        settings=Settings(stream="server", rules=rules_text("game_server")),
    )
    try:
        with reporter() as said:
            summary = run(request, said)
        page = report(url, out / "report.html")
    except (PlayerpathError, warehouse.WarehouseError) as error:
        print(f"playerpath: {error}", file=sys.stderr)
        return 1
    print(summary.as_text())
    print()
    for line in page.headline:
        print(f"  {line}")
    shown = Path(os.path.relpath(out))
    url = f"sqlite:///{shown}/playerpath.db"
    print(
        f"""
  warehouse  {shown}/playerpath.db   (SQLite; every table is explained in docs/tables.md)
  report     {shown}/report.html    ({page.size_bytes / 1e6:.1f} MB, opens offline)
  results    {shown}/lake/*/tables  (Parquet)
  the story in the samples: samples/STORY.md

Next:
  make prove        the same objects by every way: one digest
  .venv/bin/playerpath runs list --warehouse {url}
  .venv/bin/playerpath run YOUR_LOGS --warehouse sqlite:///mine.db
  .venv/bin/playerpath report --warehouse sqlite:///mine.db
"""
    )
    return summary.exit_code


if __name__ == "__main__":
    sys.exit(main())
