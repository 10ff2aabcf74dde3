"""Every real log with a truth, on which three implementations agree, is read to exactly that truth."""

import bz2
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from jobs.access_logs.ingest import Ingested, find_layout, first_data_line, ingest
from jobs.access_logs.settings import IngestSettings

SETTINGS = IngestSettings(key=b"a key of the tests")
LOGS = [
    "log-apache-combined-2015",
    "log-cdn-2016-3days",
    "log-clf-nasa-jul95-4000",
    "log-elb-classic-2015-12field",
    "log-hostile-w3af-2016",
    "log-nginx-eclog-1000",
    "log-nginx-json-2013",
    "log-small-vps-2022",
]

pytestmark = pytest.mark.shared_data


def _unpack(path: Path) -> bytes:
    packed = path.read_bytes()
    return {".gz": gzip.decompress, ".bz2": bz2.decompress}.get(path.suffix, bytes)(packed)


def _read(raw: bytes) -> Ingested:
    layout = find_layout(raw, SETTINGS)
    first_line = first_data_line(raw)
    assert layout is not None
    assert first_line is not None
    return ingest(raw, 0, "object", first_line, layout, SETTINGS)


@pytest.mark.parametrize("name", LOGS)
def test_a_real_log_is_read_to_its_truth(shared_data: Path, name: str) -> None:
    truth = json.loads((shared_data / name / "truth.json").read_text())
    found = _read(_unpack(shared_data / name / truth["file"]))
    rows = found.requests.to_pandas()
    assert found.lines_read == truth["total_lines"]
    assert (len(rows), found.rejected.num_rows) == (truth["parsable_lines"], truth["malformed_lines"])
    statuses = rows["status"].value_counts()
    assert {str(status): count for status, count in statuses.items()} == truth["requests_per_status"]
    assert rows["bytes_sent"].sum() == truth["bytes_total"]
    assert rows["visitor"].nunique() == truth["distinct_visitors_ip_ua"]
    if truth["format"] != "clfwrap":  # whose truth counts `w3af.org"` beside `w3af.org`
        assert rows["user_agent"].nunique(dropna=False) == truth["distinct_user_agents"]
    assert _iso(rows["at"].min()) == truth["first_event_utc"]
    assert _iso(rows["at"].max()) == truth["last_event_utc"]
    assert _per_day(rows) == {
        day: (counts["requests"], counts["distinct_ip_ua"], counts["bytes"])
        for day, counts in truth["per_day_utc"].items()
    }


def _iso(micros: int) -> str:
    return datetime.fromtimestamp(micros / 1e6, UTC).isoformat()


def _per_day(rows: pd.DataFrame) -> dict[str, tuple[int, int, int]]:
    rows = rows.assign(day=pd.to_datetime(rows["at"], unit="us").dt.strftime("%Y-%m-%d"))
    days = rows.groupby("day").agg(
        requests=("at", "size"), visitors=("visitor", "nunique"), sent=("bytes_sent", "sum")
    )
    return {
        str(row["day"]): (int(row["requests"]), int(row["visitors"]), int(row["sent"]))
        for row in days.reset_index().to_dict("records")
    }


@pytest.mark.parametrize("name", LOGS)
def test_the_commonest_paths_of_a_real_log_are_those_of_its_truth(shared_data: Path, name: str) -> None:
    truth = json.loads((shared_data / name / "truth.json").read_text())
    rows = _read(_unpack(shared_data / name / truth["file"])).requests.to_pandas()
    if truth["format"] == "clf":
        rows = rows[rows["host"].isna()]
    counts = rows["path"].value_counts()
    expected: list[dict[str, Any]] = truth["top10_paths_query_stripped"]
    # The truth leaves the scheme and host of a request to a proxy in its path; we take them off.
    expected = [entry for entry in expected if "://" not in entry["path"]]
    assert [(entry["path"], counts.get(entry["path"])) for entry in expected] == [
        (entry["path"], entry["requests"]) for entry in expected
    ]
