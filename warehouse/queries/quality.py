"""What was read, what was not, who was a machine, how fresh it all is, and what the words mean."""

from __future__ import annotations

from datetime import date

import pandas as pd
from sqlalchemy import Integer, case, cast, func, or_, select

from warehouse.queries.frames import Readable, between, read
from warehouse.schema import (
    column_definitions,
    daily_activity,
    data_checks,
    load_runs,
    log_objects,
    metric_definitions,
    object_sightings,
    rejected_lines,
    sessions,
    traffic_hours,
    warehouse_state,
)


def quality(warehouse: Readable) -> pd.DataFrame:
    """Give what became of every line of the loaded objects, per format and stream.

    Columns: format, stream, objects, lines_read, accepted, rejected, duplicates, ignored, erased, size_bytes
    (unpacked), first_at, last_at. lines_read is the sum of the five counts after it.
    """
    t = log_objects.c
    counts = (t.lines_read, t.accepted, t.rejected, t.duplicates, t.ignored, t.erased, t.size_bytes)
    return read(
        warehouse,
        select(
            t.format,
            t.stream,
            func.count().label("objects"),
            *(cast(func.sum(count), Integer).label(count.name) for count in counts),
            func.min(t.first_at).label("first_at"),
            func.max(t.last_at).label("last_at"),
        )
        .where(t.status == "loaded")
        .group_by(t.format, t.stream)
        .order_by(t.format, t.stream),
        objects="Raw log objects, told apart by content",
        first_at="Earliest time of an accepted line",
        last_at="Latest time of an accepted line",
        size_bytes="Unpacked size",
        **{
            name: log_objects.c[name].comment or ""
            for name in ("lines_read", "accepted", "rejected", "duplicates", "ignored", "erased")
        },
    )


def rejections(warehouse: Readable) -> pd.DataFrame:
    """Give the rejected lines by reason, most first, with one of them.

    Columns: reason, rejected_lines, objects, raw (the first such line by object and offset). The warehouse
    keeps the first 1,000 rejected lines of an object; `quality` has the complete counts.
    """
    t = rejected_lines.c
    count = func.count()
    counts = read(
        warehouse,
        select(t.reason, count.label("rejected_lines"), func.count(t.object_id.distinct()).label("objects"))
        .group_by(t.reason)
        .order_by(count.desc(), t.reason),
        rejected_lines="Rejected lines kept in the warehouse: the first 1,000 of each object",
        objects="Objects with such lines",
    )
    place = (t.object_id, t.byte_offset)
    ranked = select(
        t.reason, t.raw, func.row_number().over(partition_by=t.reason, order_by=place).label("place")
    ).subquery()
    first = read(warehouse, select(ranked.c.reason, ranked.c.raw).where(ranked.c.place == 1))
    result = counts.merge(first, how="left", on="reason")
    result.attrs["definitions"] = counts.attrs["definitions"] | {"raw": rejected_lines.c.raw.comment or ""}
    return result


def refused(warehouse: Readable, *, limit: int = 50) -> pd.DataFrame:
    """Give the objects that were refused whole, by name.

    Columns: object_uri (its newest name; None if none is known), format, lines_read, reason, run_id.
    """
    t, seen = log_objects.c, object_sightings.c
    return read(
        warehouse,
        select(func.max(seen.object_uri).label("object_uri"), t.format, t.lines_read, t.reason, t.run_id)
        .select_from(log_objects.outerjoin(object_sightings, seen.object_id == t.object_id))
        .where(t.status == "refused")
        .group_by(t.object_id, t.format, t.lines_read, t.reason, t.run_id)
        .order_by(func.max(seen.object_uri), t.object_id)
        .limit(limit),
        object_uri="A name under which the object was seen",
    )


def refused_count(warehouse: Readable) -> int:
    """Count the objects that were refused whole."""
    t = log_objects.c
    found = read(warehouse, select(func.count().label("objects")).where(t.status == "refused"))
    return int(found["objects"].iloc[0])


def bots(warehouse: Readable, *, since: date | None = None, until: date | None = None) -> pd.DataFrame:
    """Give the sessions of bots by the reason of the verdict, most requests first.

    Columns: bot_reason, sessions, request_count, actors (distinct address and user agent pairs, or players).
    """
    t = sessions.c
    requests = func.sum(t.request_count)
    return read(
        warehouse,
        select(
            t.bot_reason,
            func.count().label("sessions"),
            cast(requests, Integer).label("request_count"),
            func.count(t.player_id.distinct()).label("actors"),
        )
        .where(t.is_bot, between(t.started_date, since, until))
        .group_by(t.bot_reason)
        .order_by(requests.desc(), t.bot_reason),
        sessions="Sessions of bots",
        request_count="Requests in these sessions",
        actors="Distinct actors of these sessions",
    )


def runs(warehouse: Readable, *, limit: int = 10) -> pd.DataFrame:
    """Give the last runs, newest first.

    Columns: run_id, command, started_at, finished_at, engine, version, status, message, objects,
    refused_objects, lines_read, accepted, rejected, seconds.
    """
    t = load_runs.c
    return read(
        warehouse,
        select(
            t.run_id,
            t.command,
            t.started_at,
            t.finished_at,
            t.engine,
            t.version,
            t.status,
            t.message,
            t.objects,
            t.refused_objects,
            t.lines_read,
            t.accepted,
            t.rejected,
            t.seconds,
        )
        .order_by(t.finished_at.desc(), t.run_id.desc())
        .limit(limit),
    )


def checks(warehouse: Readable, *, run_id: str | None = None) -> pd.DataFrame:
    """Give the checks of a run, failed ones first; without `run_id` those of the newest run that has any.

    Columns: run_id, check_name, severity, passed, found.
    """
    t = data_checks.c
    if run_id is None:
        newest = (
            select(t.run_id)
            .join(load_runs, load_runs.c.run_id == t.run_id)
            .order_by(load_runs.c.finished_at.desc(), t.run_id.desc())
            .limit(1)
            .scalar_subquery()
        )
        chosen = t.run_id == newest
    else:
        chosen = t.run_id == run_id
    return read(
        warehouse,
        select(t.run_id, t.check_name, t.severity, t.passed, t.found)
        .where(chosen)
        .order_by(t.passed, case((t.severity == "fail", 0), else_=1), t.check_name),
    )


def freshness(warehouse: Readable) -> pd.DataFrame:
    """Give in one row how far the warehouse reaches.

    Columns: first_date and last_date (of activity), last_request_at (latest accepted line, of any stream),
    last_hour_at (latest hour of the stream of activity), loaded_at (end of the last run that was committed).
    NaT where there is nothing.
    """
    a, t = daily_activity.c, traffic_hours.c
    all_players = a.dimension == "all"
    stream = (
        select(warehouse_state.c.value).where(warehouse_state.c.name == "settings.stream").scalar_subquery()
    )
    return read(
        warehouse,
        select(
            select(func.min(a.activity_date)).where(all_players).scalar_subquery().label("first_date"),
            select(func.max(a.activity_date)).where(all_players).scalar_subquery().label("last_date"),
            select(func.max(log_objects.c.last_at))
            .where(log_objects.c.status == "loaded")
            .scalar_subquery()
            .label("last_request_at"),
            select(func.max(t.hour_at))
            .where(or_(t.stream == stream, stream.is_(None)))
            .scalar_subquery()
            .label("last_hour_at"),
            select(func.max(load_runs.c.finished_at))
            .where(load_runs.c.status == "done")
            .scalar_subquery()
            .label("loaded_at"),
        ),
        first_date="First day with activity",
        last_date="Last day with activity",
        last_request_at="Latest time of an accepted line, of any stream",
        last_hour_at="Latest hour with a request of the stream of activity",
        loaded_at="When the last run was committed",
    )


def settings(warehouse: Readable) -> dict[str, str]:
    """Give the entries of `warehouse_state`: the warehouse's id and the settings that its numbers rest on."""
    found = read(warehouse, select(warehouse_state.c.name, warehouse_state.c.value))
    return dict(zip(found["name"], found["value"], strict=True))


def metrics(warehouse: Readable) -> pd.DataFrame:
    """Give what each metric means.

    Columns: metric_id, version, formula, grain, timezone, caveat, source, example.
    """
    return read(warehouse, select(*metric_definitions.c).order_by(metric_definitions.c.metric_id))


def columns(warehouse: Readable) -> pd.DataFrame:
    """Give what each table and column holds: table_name, column_name ((table) for the table), definition."""
    t = column_definitions.c
    return read(
        warehouse,
        select(t.table_name, t.column_name, t.definition).order_by(t.table_name, t.position),
    )
