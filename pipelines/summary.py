"""What a run says at its end: a page for a person, or one JSON object."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class RunSummary:
    """The counts of one run; the fields of ``--json``, in that order."""

    run_id: str
    objects: int = 0
    lines_read: int = 0
    accepted: int = 0
    rejected: int = 0
    duplicates: int = 0
    ignored: int = 0
    erased: int = 0
    waiting: int = 0
    known_objects: int = 0
    refused_objects: int = 0
    dates: tuple[str, ...] = ()
    tables: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    # said, but not part of the JSON object
    empty_objects: int = 0  # without any line yet
    refusals: tuple[tuple[str, str], ...] = ()  # (name, reason)
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    rejected_by_reason: dict[str, int] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0 done; 3 done, but an object was refused or a check warned."""
        return 3 if self.refusals or self.warnings else 0

    def as_json(self) -> str:
        """Give the one JSON object of ``--json``."""
        said = asdict(self)
        for name in ("empty_objects", "refusals", "warnings", "notes", "rejected_by_reason"):
            del said[name]
        return json.dumps(said)

    def as_text(self) -> str:
        """Give the summary for a person."""
        if not self.objects and not self.refused_objects:
            empty = (
                f", {_many(self.empty_objects, 'object')} without a line yet" if self.empty_objects else ""
            )
            written = "new names noted" if self.tables else "nothing written"
            lines = [f"Nothing new: {_many(self.known_objects, 'object')} known already{empty}, {written}."]
            return "\n".join(lines + self._waiting())
        lines = [
            f"Run {self.run_id} done in {self.seconds:.1f} s",
            f"  {_many(self.objects, 'object')} read, {self.known_objects:,} known,"
            f" {self.refused_objects:,} refused",
            f"  {self.lines_read:,} lines = {self.accepted:,} accepted + {self.rejected:,} rejected"
            f" + {self.duplicates:,} duplicates + {self.ignored:,} ignored + {self.erased:,} erased",
        ]
        if self.rejected_by_reason:
            reasons = sorted(self.rejected_by_reason.items(), key=lambda each: (-each[1], each[0]))
            lines.append("  rejected: " + ", ".join(f"{name} {count:,}" for name, count in reasons))
        lines += self._waiting()
        if self.dates:
            lines.append(f"  dates {self.dates[0]} to {self.dates[-1]}")
        written = ", ".join(f"{name} {count:,}" for name, count in self.tables.items() if count)
        lines.append(f"  rows written: {written or 'none'}")
        return "\n".join(lines)

    def _waiting(self) -> list[str]:
        if not self.waiting:
            return []
        return [f"  {_many(self.waiting, 'last line')} without a line end left waiting (--final takes them)"]


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
