"""Write a run's receipts: claims that appear or grow, names, samples of rejected lines, lake files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, delete, func, insert, select, update

from warehouse.claims import ObjectReceipt, WrittenPart
from warehouse.errors import LoadError
from warehouse.rows import fitted, insert_rows
from warehouse.schema import lake_file_objects, lake_files, log_objects, object_sightings, rejected_lines

SAMPLED_LINES = 1_000  # rejected lines of each object that the warehouse keeps
_COUNTS = ("lines_read", "accepted", "rejected", "ignored")
_STATUSES = ("loaded", "continued", "replaced", "known", "empty", "refused")


def write_receipts(connection: Connection, run_id: str, receipts: Sequence[ObjectReceipt]) -> dict[str, int]:
    """Write claims, sightings and samples of rejected lines; give the number of rows of each table."""
    _refuse_unknown_statuses(receipts)
    objects = _write_objects(connection, run_id, receipts)
    return {
        "log_objects": objects,
        "object_sightings": _write_sightings(connection, run_id, receipts),
        "rejected_lines": _write_samples(connection, receipts),
    }


def _refuse_unknown_statuses(receipts: Sequence[ObjectReceipt]) -> None:
    for receipt in receipts:
        if receipt.status not in _STATUSES:
            raise LoadError(
                f"{receipt.source.uri}: wanted a status of {', '.join(_STATUSES)}, found {receipt.status}"
            )


def _write_objects(connection: Connection, run_id: str, receipts: Sequence[ObjectReceipt]) -> int:
    grown = [receipt.object_id for receipt in receipts if receipt.status in ("continued", "replaced")]
    rows = _stored(connection, grown)
    changed: dict[str, dict[str, Any]] = {}
    for receipt in receipts:
        if receipt.status == "known":
            continue
        # An object can appear and grow within one run, so that its row is not stored yet.
        before = changed.get(receipt.object_id) or rows.get(receipt.object_id)
        if receipt.status in ("continued", "replaced") and before is None:
            raise LoadError(
                f"{receipt.source.uri}: wanted the claim that it continues, found no {receipt.object_id}"
            )
        changed[receipt.object_id] = _row(receipt, run_id, before if receipt.status == "continued" else None)
    if not changed:
        return 0
    _delete_objects_to_be_replaced(connection, [key for key in changed if key not in rows])
    fresh = [row for key, row in changed.items() if key not in rows]
    if fresh:
        connection.execute(insert(log_objects), fresh)
    for key, row in changed.items():
        if key in rows:
            values = {name: value for name, value in row.items() if name != "object_id"}
            connection.execute(update(log_objects).where(log_objects.c.object_id == key).values(**values))
    return len(changed)


def _stored(connection: Connection, object_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    if not object_ids:
        return {}
    rows: dict[str, dict[str, Any]] = {}
    for start in range(0, len(object_ids), 500):
        some = object_ids[start : start + 500]
        for row in connection.execute(
            select(log_objects).where(log_objects.c.object_id.in_(some))
        ).mappings():
            rows[row["object_id"]] = dict(row)
    return rows


def _delete_objects_to_be_replaced(connection: Connection, object_ids: Sequence[str]) -> None:
    """Take away rows of refused and empty objects that are read again under the same id."""
    refused = {
        str(object_id)
        for (object_id,) in connection.execute(
            select(log_objects.c.object_id).where(log_objects.c.status.in_(["refused", "empty"]))
        )
    }
    for object_id in refused.intersection(object_ids):
        for child in (rejected_lines, lake_file_objects, object_sightings):
            connection.execute(delete(child).where(child.c.object_id == object_id))
        connection.execute(delete(log_objects).where(log_objects.c.object_id == object_id))


def _row(receipt: ObjectReceipt, run_id: str, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """Give an object's row after this receipt: counts add up, times widen, content is that of the whole."""
    times = [t for t in (_time(receipt.first_at), _time(receipt.last_at)) if t is not None]
    counts = {name: int(getattr(receipt, name)) for name in _COUNTS} | {"duplicates": 0, "erased": 0}
    if before is not None:
        counts = {name: count + int(before[name]) for name, count in counts.items()}
        times += [t for t in (before["first_at"], before["last_at"]) if t is not None]
    refused = receipt.status == "refused"
    status = receipt.status if receipt.status in ("refused", "empty") else "loaded"
    return {
        "object_id": receipt.object_id,
        "content_digest": receipt.content_digest or None,
        "first_line_digest": receipt.first_line_digest or None,
        "size_bytes": receipt.size_bytes,
        "format": receipt.format if before is None else before["format"],
        "stream": receipt.stream if before is None else before["stream"],
        "host": receipt.host if before is None else before["host"],
        "first_at": min(times, default=None),
        "last_at": max(times, default=None),
        **counts,
        "status": status,
        "reason": receipt.reason if refused else None,
        "run_id": run_id,
    }


def _time(microseconds: int | None) -> datetime | None:
    if microseconds is None:
        return None
    seconds, rest = divmod(microseconds, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None, microsecond=rest)


def _write_sightings(connection: Connection, run_id: str, receipts: Sequence[ObjectReceipt]) -> int:
    # Standard input has no version: what it holds next time is another content.
    named = {(r.source.uri, r.source.version): r for r in receipts if r.source.version}
    if not named:
        return 0
    newest = connection.execute(select(func.max(object_sightings.c.sighting_number))).scalar() or 0
    connection.exec_driver_sql(
        "INSERT INTO object_sightings"
        " (object_uri, etag_or_mtime, object_id, size_bytes, run_id, sighting_number) VALUES (?, ?, ?, ?,"
        " ?, ?)"
        " ON CONFLICT (object_uri, etag_or_mtime) DO UPDATE SET object_id = excluded.object_id,"
        " size_bytes = excluded.size_bytes, run_id = excluded.run_id, sighting_number ="
        " excluded.sighting_number",
        [
            (uri, version, receipt.object_id, receipt.source.size_bytes, run_id, number)
            for number, ((uri, version), receipt) in enumerate(named.items(), start=newest + 1)
        ],
    )
    return len(named)


def _write_samples(connection: Connection, receipts: Sequence[ObjectReceipt]) -> int:
    """Keep the first rejected lines of each object; a continuation adds only what there is room for."""
    written = 0
    counts: dict[str, int] = {}
    for receipt in receipts:
        sample = receipt.rejected_sample
        if sample is None or not sample.num_rows or receipt.status == "known":
            continue
        key = receipt.object_id
        if key not in counts:
            kept = select(func.count()).where(rejected_lines.c.object_id == key)
            counts[key] = connection.execute(kept).scalar_one() if receipt.status == "continued" else 0
        room = SAMPLED_LINES - counts[key]
        if room <= 0:
            continue
        rows = sample.sort_by("byte_offset").slice(0, room)
        owner = pa.array([key] * rows.num_rows, pa.string())
        rows = rows.set_column(rows.schema.get_field_index("object_id"), "object_id", owner)
        counts[key] += rows.num_rows
        written += insert_rows(connection, rejected_lines, fitted(rows, rejected_lines))
    return written


def write_lake_files(connection: Connection, run_id: str, parts: Iterable[WrittenPart]) -> int:
    """List the run's lake files, and which objects have lines in them."""
    listed = list(parts)
    if not listed:
        return 0
    connection.execute(
        insert(lake_files),
        [
            {
                "uri": part.uri,
                "table_name": part.table_name,
                "stream": part.stream,
                "activity_date": None
                if part.activity_date is None
                else date.fromisoformat(part.activity_date),
                "run_id": run_id,
                "row_count": part.row_count,
                "size_bytes": part.size_bytes,
                "digest": part.digest,
            }
            for part in listed
        ],
    )
    pairs = [(part.uri, object_id) for part in listed for object_id in sorted(set(part.object_ids))]
    if pairs:
        connection.exec_driver_sql("INSERT INTO lake_file_objects (uri, object_id) VALUES (?, ?)", pairs)
    return len(listed)


def unlist_lake_files(connection: Connection, uris: Sequence[str]) -> None:
    """Take lake files out of the list that readers use."""
    for uri in uris:
        connection.execute(delete(lake_file_objects).where(lake_file_objects.c.uri == uri))
        connection.execute(delete(lake_files).where(lake_files.c.uri == uri))


def drop_samples(connection: Connection, object_ids: Sequence[str]) -> None:
    """Drop objects' samples of rejected lines, before those of their receipts take their place."""
    for object_id in object_ids:
        connection.execute(delete(rejected_lines).where(rejected_lines.c.object_id == object_id))


def write_duplicates(connection: Connection, duplicates: pa.Table) -> int:
    """Set how many accepted lines of each object another line's request id stands for; give the rows changed.

    Args:
        duplicates: object_id, duplicates; of all objects: one that is not in it has none.
    """
    after = dict(
        zip(
            duplicates.column("object_id").cast(pa.string()).to_pylist(),
            pc.cast(duplicates.column("duplicates"), pa.int64()).to_pylist(),
            strict=True,
        )
    )
    after = {object_id: count for object_id, count in after.items() if count}
    before = {
        str(object_id): int(count)
        for object_id, count in connection.execute(
            select(log_objects.c.object_id, log_objects.c.duplicates).where(log_objects.c.duplicates != 0)
        )
    }
    changes = 0
    for object_id in sorted(set(before) | set(after)):
        count, moved = after.get(object_id, 0), after.get(object_id, 0) - before.get(object_id, 0)
        if not moved:
            continue
        changed = connection.execute(
            update(log_objects)
            .where(log_objects.c.object_id == object_id, log_objects.c.status == "loaded")
            .values(duplicates=count, accepted=log_objects.c.accepted - moved)
        )
        if changed.rowcount != 1:
            raise LoadError(f"wanted a loaded object for {count} duplicate lines, found no {object_id}")
        changes += 1
    return changes
