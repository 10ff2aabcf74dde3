"""Which days the report covers, and which of them it speaks of as yesterday."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pandas as pd

from warehouse import queries
from warehouse.queries import Readable
from warehouse.queries.traffic import Grain

DAYS = 90
"""Days of the report, at most; the warehouse may hold more."""


@dataclass(frozen=True)
class Period:
    """The days of the report: `since` to `until`, both with activity; `day` is the last that is over.

    `is_unfinished`: the logs end before 23:00 of the last day, so that day's figures are still growing (or
    the game was quiet; the page says what it assumes).
    """

    since: date
    until: date
    day: date
    is_unfinished: bool
    last_request_at: datetime | None
    loaded_at: datetime | None

    @property
    def grain(self) -> Grain:
        """Days, or hours where there are three days or fewer."""
        return "hour" if (self.until - self.since).days < 3 else "day"


def find_period(warehouse: Readable) -> Period | None:
    """Find the last days with activity; None if nothing was loaded."""
    row = queries.freshness(warehouse).iloc[0]
    if pd.isna(row["last_date"]):
        return None
    first, last = row["first_date"].date(), row["last_date"].date()
    last_hour = None if pd.isna(row["last_hour_at"]) else row["last_hour_at"].to_pydatetime()
    is_unfinished = last_hour is not None and last_hour.date() == last and last_hour.hour < 23
    return Period(
        since=max(first, last - timedelta(days=DAYS - 1)),
        until=last,
        day=last - timedelta(days=1) if is_unfinished and last > first else last,
        is_unfinished=is_unfinished,
        last_request_at=None if pd.isna(row["last_request_at"]) else row["last_request_at"].to_pydatetime(),
        loaded_at=None if pd.isna(row["loaded_at"]) else row["loaded_at"].to_pydatetime(),
    )
