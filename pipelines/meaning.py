"""From recorded texts to the values that engines work with; what `auto` means is decided here, once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq

from jobs.access_logs.classify import IDENTITY_COLUMNS, share_identified
from jobs.access_logs.described import DescriptionError, load_described
from jobs.access_logs.formats import FORMATS
from jobs.access_logs.settings import IngestSettings, MeaningSettings
from jobs.engines.interface import LakePart
from jobs.storage import filesystem
from pipelines.errors import PlayerpathError, WrongUsage
from pipelines.progress import Reporter
from pipelines.settings import Settings, bounds_us, parsed_rules

IDENTIFIED_SHARE = 10  # identity auto means player if one line in so many has an id


def ingest_settings(
    settings: Settings, key: bytes, log_format: str, geoip_file: str | None, is_final: bool
) -> IngestSettings:
    """Give what ingest fixes.

    Raises:
        PlayerpathError: a format or geoip file that cannot be used.
    """
    rules = parsed_rules(settings.rules or "")
    earliest, latest = bounds_us(settings.time_bounds or "")
    given = IngestSettings(
        key=key,
        format=log_format,
        trusted_proxies=int(settings.trusted_proxies or 0),
        earliest_at=earliest,
        latest_at=latest,
        id_cookie=rules.cookie if rules else None,
        id_json_field=rules.json_field if rules else None,
        is_final=is_final,
        country_of=countries(geoip_file) if geoip_file else None,
    )
    if log_format == "auto" or log_format in FORMATS:
        return given
    try:
        described = load_described(Path(log_format).read_text(encoding="utf-8"), log_format)
    except FileNotFoundError:
        raise WrongUsage(
            f"--format wants auto, a file that describes one, or one of {', '.join(FORMATS)}; "
            f"found {log_format!r}"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise PlayerpathError(f"--format: cannot read {log_format}: {error}") from None
    except DescriptionError as error:
        raise PlayerpathError(str(error)) from None
    return replace(given, format=described.name, described_formats=(described,))


def geoip_digest(geoip_file: str) -> str:
    """Give the digest by which a country database is recorded."""
    try:
        return hashlib.sha256(Path(geoip_file).read_bytes()).hexdigest()
    except OSError as error:
        raise PlayerpathError(f"--geoip: cannot read {geoip_file}: {error.strerror}") from None


def countries(geoip_file: str) -> Callable[[str], str | None]:
    """Give a look-up from address to country code."""
    try:
        import maxminddb
    except ImportError:
        raise PlayerpathError("--geoip wants the package maxminddb: pip install playerpath[geoip]") from None
    try:
        reader = maxminddb.open_database(geoip_file)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise PlayerpathError(f"--geoip wants a MaxMind database, found {geoip_file}: {error}") from None

    def country(address: str) -> str | None:
        try:
            found = reader.get(address)
        except ValueError:  # a host name, or nothing like an address
            return None
        if not isinstance(found, dict) or not isinstance(found.get("country"), dict):
            return None
        code = found["country"].get("iso_code")
        return code if isinstance(code, str) else None

    return country


def decided(settings: Settings, parts: Sequence[LakePart], reporter: Reporter) -> Settings:
    """Decide identity and stream of activity at a warehouse's first run, and say so.

    Raises:
        WrongUsage: two streams, and no choice.
    """
    streams = sorted({part.stream for part in parts})
    stream = settings.stream
    if stream is None and streams:
        if len(streams) > 1:
            raise WrongUsage(
                f"found objects of {len(streams)} streams ({', '.join(streams)}); a player's request may"
                " be in each: --stream wants the one that counts activity"
            )
        stream = streams[0]
    identity = settings.identity
    if identity is None and parts:
        with_id, lines = _identified([part for part in parts if part.stream == stream], settings)
        identity = "player" if lines and with_id * IDENTIFIED_SHARE >= lines else "visitor"
        reporter.say(f"identity {identity}: {with_id:,} of {lines:,} lines below status 400 have a player id")
    return replace(settings, identity=identity, stream=stream)


def _identified(parts: Sequence[LakePart], settings: Settings) -> tuple[int, int]:
    rules = parsed_rules(settings.rules or "")
    with_id = lines = 0
    for part in parts:
        files, path = filesystem(part.uri)
        with files.open_input_file(path) as file:
            reader = pq.ParquetFile(file)
            for batch in reader.iter_batches(262_144, columns=list(IDENTITY_COLUMNS)):
                some, of = share_identified(batch, rules)
                with_id, lines = with_id + some, lines + of
    return with_id, lines


def meaning_settings(settings: Settings, scratch_dir: str) -> MeaningSettings:
    """Give what the models work under."""
    rules = parsed_rules(settings.rules or "")
    return MeaningSettings(
        identity=settings.identity or "visitor",
        bots=settings.bots or "exclude",
        activity_stream=settings.stream or "server",
        rules=rules,
        session_gap_us=int(settings.session_gap_s or 1_800) * 1_000_000,
        funnels=rules.funnels if rules else (),
        scratch_dir=scratch_dir,
    )
