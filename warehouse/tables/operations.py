"""What was loaded, from where, by which run; and the texts that explain the numbers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index

from warehouse.tables.columns import at, date, flag, int_key, integer, number, table, text, text_key


def _run(comment: str) -> Column[Any]:
    return text("run_id", comment, references=ForeignKey("load_runs.run_id"))


load_runs = table(
    "load_runs",
    text_key("run_id", "The run"),
    text("command", "What was asked for: run, rebuild, backfill, retract, erase"),
    at("started_at", "When it began"),
    at("finished_at", "When it was committed, or failed"),
    text("engine", "duckdb, spark or mapreduce"),
    text("version", "Version of playerpath"),
    text("status", "done or failed; a run with nothing new leaves no row"),
    text("message", "Why it failed, in one line; NULL for a run that is done", null=True),
    text("settings_digest", "SHA-256 of the settings that give numbers their meaning"),
    integer(
        "commit_number", "Number of its commit: 1 for the warehouse's first; NULL for a failed run", null=True
    ),
    integer("objects", "Objects read"),
    integer("known_objects", "Objects not read, or read and found to be loaded already"),
    integer("refused_objects", "Objects refused whole"),
    integer("lines_read", "Lines of the objects read, refused ones left out"),
    integer("accepted", "Lines that count as requests"),
    integer("rejected", "Lines that could not be read"),
    integer("duplicates", "Lines whose request id another line has too"),
    integer("ignored", "Blank and directive lines"),
    integer("erased", "Lines of erased players"),
    integer(
        "waiting", "Last lines of growing files that have no line end yet; they are not among lines_read"
    ),
    number("seconds", "Wall time"),
    CheckConstraint("status IN ('done', 'failed')", name="status_is_known"),
    comment="One row per run that was committed or failed.",
)

log_objects = table(
    "log_objects",
    text_key("object_id", "The object; it keeps its id when it grows"),
    text(
        "content_digest",
        "Tree hash over 64 KiB blocks of the unpacked bytes; NULL if a refused object could not be read"
        " whole",
        null=True,
    ),
    text(
        "first_line_digest",
        "SHA-256 of its first data line; internal: finds candidates for growth and repetition",
        null=True,
    ),
    integer("size_bytes", "Unpacked size", null=True),
    text("format", "Log format, as found or named", null=True),
    text("stream", "Family of logs: server, elb or cloudfront", null=True),
    text("host", "Host and process named by our own server's directive line", null=True),
    at("first_at", "Earliest time of an accepted line", null=True),
    at("last_at", "Latest time of an accepted line", null=True),
    integer("lines_read", "All its lines; the five counts that follow add up to it"),
    integer("accepted", "Lines that count as requests"),
    integer("rejected", "Lines that could not be read"),
    integer(
        "duplicates", "Lines whose request id another line has too, and which are not the one that counts"
    ),
    integer("ignored", "Blank and directive lines"),
    integer("erased", "Lines of erased players"),
    text("status", "loaded, empty (no data line yet, so nothing is claimed), refused or retracted"),
    text("reason", "Why it was refused or retracted", null=True),
    _run("Run that last changed the row"),
    CheckConstraint(
        "lines_read = accepted + rejected + duplicates + ignored + erased", name="no_line_disappears"
    ),
    CheckConstraint(
        "accepted >= 0 AND rejected >= 0 AND duplicates >= 0 AND ignored >= 0 AND erased >= 0",
        name="counts_are_counts",
    ),
    CheckConstraint("status IN ('loaded', 'empty', 'refused', 'retracted')", name="status_is_known"),
    CheckConstraint("status <> 'loaded' OR content_digest IS NOT NULL", name="loaded_is_known_by_content"),
    comment="One row per raw log object, known by its content: renamed, repeated and compressed copies"
    " share the row.",
)
Index(
    "uq_log_objects_loaded_content",
    log_objects.c.content_digest,
    unique=True,
    sqlite_where=log_objects.c.status == "loaded",
    postgresql_where=log_objects.c.status == "loaded",
)
Index("ix_log_objects_first_line_digest", log_objects.c.first_line_digest)

object_sightings = table(
    "object_sightings",
    text_key("object_uri", "Name under which a content was seen"),
    text_key(
        "etag_or_mtime",
        "ETag on S3, modification time in nanoseconds for files, with ~ behind it while a last line waits",
    ),
    text("object_id", "The content behind it", references=ForeignKey("log_objects.object_id")),
    integer("size_bytes", "Size as stored (compressed); -1 where the listing does not say"),
    _run("Run that saw it"),
    integer("sighting_number", "Counts up with every sighting, so that the newest name is known"),
    comment="Every name under which a content was seen; a known name is not read again.",
)
Index("ix_object_sightings_object_id", object_sightings.c.object_id)

rejected_lines = table(
    "rejected_lines",
    text_key("object_id", "The object", references=ForeignKey("log_objects.object_id")),
    int_key("byte_offset", "Of the line's first byte in the unpacked object"),
    text("reason", "Code of the reason, from a fixed list"),
    text("raw", "First 8 KiB of the line as safe text, addresses masked; a replay reads the object again"),
    comment="The first 1,000 rejected lines of each object; all of them are in the lake, and the counts"
    " are complete.",
)

lake_files = table(
    "lake_files",
    text_key("uri", "Address of the Parquet file"),
    text("table_name", "requests or rejected"),
    text("stream", "Family of logs of its lines: server, elb or cloudfront"),
    date("activity_date", "UTC date of its requests; NULL for rejected lines", null=True),
    _run("Run that wrote it"),
    integer("row_count", "Rows in it"),
    integer("size_bytes", "Size of the file"),
    text("digest", "SHA-256 of the file"),
    comment="The only list of lake files that readers use: a file that is not here does not exist.",
)

lake_file_objects = table(
    "lake_file_objects",
    text_key("uri", "Address of the Parquet file", references=ForeignKey("lake_files.uri")),
    text_key("object_id", "An object that has lines in it", references=ForeignKey("log_objects.object_id")),
    comment="Internal: which objects have lines in a lake file.",
)
Index("ix_lake_file_objects_object_id", lake_file_objects.c.object_id)

restatements = table(
    "restatements",
    text_key("run_id", "Run that changed the figure", references=ForeignKey("load_runs.run_id")),
    text_key("table_name", "Table of the figure"),
    text_key("key", "Key of its row, as text: column=value, separated by a semicolon and a space"),
    text_key("column_name", "Column of the figure"),
    text("before", "Its value until then; NULL if there was none", null=True),
    text("after", "Its value since; NULL if there is none any more", null=True),
    text("cause", "late, retract, erasure or rebuild"),
    CheckConstraint("cause IN ('late', 'retract', 'erasure', 'rebuild')", name="cause_is_known"),
    comment="Figures whose window was closed before the run and that changed; rolling columns are not"
    " listed.",
)

data_checks = table(
    "data_checks",
    text_key("run_id", "Run in whose transaction it was checked", references=ForeignKey("load_runs.run_id")),
    text_key("check_name", "The check"),
    text("severity", "fail: the run is rolled back; warn: it is said on stderr"),
    flag("passed", "Whether it held"),
    text("found", "What was found, in one line"),
    CheckConstraint("severity IN ('fail', 'warn')", name="severity_is_known"),
    comment="Numbers that must agree, checked over the loaded tables inside every run's transaction.",
)

metric_definitions = table(
    "metric_definitions",
    text_key("metric_id", "The metric's name in tables and reports"),
    integer("version", "Counts up when the definition changes"),
    text("formula", "How it is computed, from which columns"),
    text("grain", "What one figure stands for"),
    text("timezone", "Time zone of its days: UTC"),
    text("caveat", "What a reader must know before he relies on it"),
    text("source", "Where the definition comes from"),
    text("example", "Worked example with the three players of docs/metrics.md"),
    comment="What each metric means: the same texts as in docs/metrics.md.",
    is_small=True,
)

column_definitions = table(
    "column_definitions",
    text_key("table_name", "The table"),
    text_key("column_name", "The column; (table) for the table itself"),
    integer("position", "Place of the column in its table, from 1; 0 for the table itself"),
    text("data_type", "text, integer, double, boolean, date, timestamp; table for the table itself"),
    flag("is_key", "True for columns of the key, which is the grain"),
    flag("is_nullable", "True if it can be NULL, which means missing"),
    text("definition", "What it holds"),
    comment="What each table and column holds: the same texts as in docs/tables.md, on databases without"
    " comments too.",
    is_small=True,
)

warehouse_state = table(
    "warehouse_state",
    text_key("name", "Name of the entry; recorded settings begin with settings."),
    text("value", "Its value as text"),
    comment="The warehouse's id, schema version, key fingerprint, commit number and the settings that its"
    " numbers rest on.",
)

warehouse_lease = table(
    "warehouse_lease",
    text_key("name", "Always warehouse: there is one lease"),
    integer(
        "fencing_token", "Counts up whenever the lease is taken; a commit with an older token is refused"
    ),
    text("run_id", "Run that holds it; NULL if it is free", null=True),
    text("host", "Host of the holder", null=True),
    integer("pid", "Process id of the holder", null=True),
    text(
        "process",
        "Names that process beyond its id: boot, pid namespace, start time; NULL where unknown",
        null=True,
    ),
    at("acquired_at", "When it was taken", null=True),
    at("renewed_at", "When the holder last said that it lives", null=True),
    at("expires_at", "When others may take it, unless it is renewed", null=True),
    comment="Internal: one run at a time works on the warehouse, from reading the claims to its commit.",
)
