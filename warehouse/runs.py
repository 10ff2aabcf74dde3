"""Read the record of runs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from warehouse.schema import data_checks, load_runs, log_objects, object_sightings


def read_runs(connection: Connection, limit: int = 50) -> list[dict[str, Any]]:
    """Give the rows of load_runs, the newest run first."""
    newest = select(load_runs).order_by(load_runs.c.started_at.desc(), load_runs.c.run_id.desc()).limit(limit)
    return [dict(row) for row in connection.execute(newest).mappings()]


def read_run(connection: Connection, run_id: str) -> dict[str, Any] | None:
    """Give one run with its `checks` and the `log_objects` that it changed last, with their names."""
    row = connection.execute(select(load_runs).where(load_runs.c.run_id == run_id)).mappings().one_or_none()
    if row is None:
        return None
    checks = connection.execute(
        select(data_checks.c.check_name, data_checks.c.severity, data_checks.c.passed, data_checks.c.found)
        .where(data_checks.c.run_id == run_id)
        .order_by(data_checks.c.check_name)
    )
    objects = [
        dict(o)
        for o in connection.execute(
            select(log_objects).where(log_objects.c.run_id == run_id).order_by(log_objects.c.object_id)
        ).mappings()
    ]
    names: dict[str, list[str]] = {}
    for object_id, uri in connection.execute(
        select(object_sightings.c.object_id, object_sightings.c.object_uri)
        .join(log_objects)
        .where(log_objects.c.run_id == run_id)
        .order_by(object_sightings.c.sighting_number)
    ):
        names.setdefault(object_id, []).append(uri)
    for each in objects:
        each["uris"] = list(dict.fromkeys(names.get(each["object_id"], [])))
    return {**row, "checks": [dict(check) for check in checks.mappings()], "log_objects": objects}


def read_run_ids(connection: Connection) -> set[str]:
    """Give the ids of all committed runs."""
    done = select(load_runs.c.run_id).where(load_runs.c.status == "done")
    return {str(run_id) for (run_id,) in connection.execute(done)}


def count_duplicates(connection: Connection) -> int:
    """Count the duplicate lines of all loaded objects."""
    total = select(func.coalesce(func.sum(log_objects.c.duplicates), 0)).where(
        log_objects.c.status == "loaded"
    )
    return int(connection.execute(total).scalar_one())
