"""Settings that give a line its meaning: ingest's are fixed when it is read, the others can be recomputed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

DAY_US = 86_400_000_000


@dataclass(frozen=True)
class IngestSettings:
    """What ingest fixes: changes only by reading the raw objects again."""

    key: bytes  # of the warehouse, for the visitor hash
    format: str = "auto"
    described_formats: tuple[Any, ...] = ()  # formats.DescribedFormat, from the user's own file
    trusted_proxies: int = 0  # take the N-th X-Forwarded-For entry from the right; 0: the client field
    earliest_at: int = 631_152_000_000_000  # 1990-01-01, microseconds
    latest_at: int = 4_102_444_800_000_000  # 2100-01-01, exclusive
    id_cookie: str | None = None  # cookie whose value is a player id, where the format logs cookies
    id_json_field: str | None = None
    json_fields: tuple[tuple[str, str], ...] = ()  # field map for JSON lines: our column → their dotted name
    max_line_bytes: int = 65_536
    max_unpacked_bytes: int = 1 << 40
    max_unpack_ratio: int = 1_000
    max_rejected_ratio: float = 0.20  # of objects of 100 lines or more
    is_final: bool = False  # take a growing file's last line though it has no line end
    country_of: Callable[[str], str | None] | None = None  # address → ISO 3166 code, from --geoip


@dataclass(frozen=True)
class MeaningSettings:
    """What requests mean. `playerpath rebuild` recomputes history under new ones."""

    identity: str = "visitor"  # player | visitor (auto is decided before)
    bots: str = "exclude"  # exclude | include | only
    activity_stream: str = "server"  # server | elb | cloudfront
    rules: Any = None  # events.Rules or None
    session_gap_us: int = 1_800_000_000
    dimensions: tuple[str, ...] = ("platform",)
    funnels: tuple[Any, ...] = field(default=())  # events.Funnel
    scratch_dir: str | None = None
    memory_limit_mb: int = 900
    threads: int = 2
