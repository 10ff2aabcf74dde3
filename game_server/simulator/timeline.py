"""Small words for time: everything is integer microseconds since 1970, UTC."""

from __future__ import annotations

from datetime import date, timedelta

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 3_600 * SECOND_US
DAY_US = 24 * HOUR_US
_EPOCH = date(1970, 1, 1)


def day_start_us(day: date) -> int:
    return (day - _EPOCH).days * DAY_US


def date_of(day_number: int) -> date:
    """The date of a day counted from 1970."""
    return _EPOCH + timedelta(days=day_number)
