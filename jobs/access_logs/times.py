"""Read the times that access logs write, as integer microseconds since 1970 UTC.

Each reader gives None for what it can't read: a day that the month has not, an hour 24, text. A fraction
finer than a microsecond is cut; the second 60 of a leap second is the next second.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

import numpy as np
import numpy.typing as npt

SECOND_US = 1_000_000
MONTHS = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")
CLF_WIDTH = 26  # of `10/Oct/2000:13:55:36 -0700`

_LONGEST = 64  # no time is longer; what is remembered stays small
_MONTH_NUMBER = {name.lower(): number for number, name in enumerate(MONTHS, start=1)}
_MONTH_CODE = np.array([int.from_bytes(name, "little") for name in MONTHS], dtype=np.uint32)
_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_CLF = re.compile(rb"(\d{1,2})/([A-Za-z]{3})/(\d{4}):(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))? ([+-])(\d\d)(\d\d)")
_ISO = re.compile(
    rb"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,12}))?(?: ?(?:(Z)|([+-])(\d\d):?(\d\d)?))?"
)
_NUMBER = re.compile(rb"\d{1,20}(?:\.\d{1,12})?(?:[eE]\+?\d{1,2})?")


def days_since_1970(year: int, month: int, day: int) -> int:
    """Count the days from 1970-01-01 to a date of the Gregorian calendar.

    Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
    """
    year -= month <= 2
    era = year // 400
    year_of_era = year - era * 400
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468


def _micros(
    date: tuple[int, int, int], clock: tuple[int, int, int], fraction: bytes | None, offset_minutes: int
) -> int | None:
    (year, month, day), (hour, minute, second) = date, clock
    if not 1 <= month <= 12 or hour > 23 or minute > 59 or second > 60 or year < 1:
        return None
    is_leap_day = month == 2 and day == 29 and ((year % 4 == 0 and year % 100 != 0) or year % 400 == 0)
    if not (1 <= day <= _MONTH_DAYS[month - 1] or is_leap_day):
        return None
    seconds = days_since_1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second
    cut = int(fraction[:6].ljust(6, b"0")) if fraction else 0
    return (seconds - offset_minutes * 60) * SECOND_US + cut


def _offset(sign: bytes | None, hours: bytes | None, minutes: bytes | None) -> int | None:
    """Give the minutes east of UTC; None for an offset that no clock has."""
    if sign is None or hours is None:
        return 0
    east = int(hours) * 60 + int(minutes or b"0")
    if east > 24 * 60 or int(minutes or b"0") > 59:
        return None
    return -east if sign == b"-" else east


def read_clf(text: bytes) -> int | None:
    """Read `10/Oct/2000:13:55:36 -0700`, with or without a fraction of the second."""
    return _read_clf(text) if len(text) <= _LONGEST else None


@lru_cache(maxsize=65_536)
def _read_clf(text: bytes) -> int | None:
    match = _CLF.fullmatch(text)
    if match is None:
        return None
    day, name, year, hour, minute, second, fraction, sign, east_h, east_m = match.groups()
    month = _MONTH_NUMBER.get(name.lower())
    offset = _offset(sign, east_h, east_m)
    if month is None or offset is None:
        return None
    return _micros((int(year), month, int(day)), (int(hour), int(minute), int(second)), fraction, offset)


def read_iso(text: bytes) -> int | None:
    """Read ISO 8601 with `T` or a space; a time without an offset is UTC."""
    return _read_iso(text) if len(text) <= _LONGEST else None


@lru_cache(maxsize=65_536)
def _read_iso(text: bytes) -> int | None:
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, _, sign, east_h, east_m = match.groups()
    offset = _offset(sign, east_h, east_m)
    if offset is None:
        return None
    return _micros((int(year), int(month), int(day)), (int(hour), int(minute), int(second)), fraction, offset)


def read_epoch(text: bytes, unit_us: int | None = None) -> int | None:
    """Read a number of seconds since 1970 (unit_us: microseconds of its unit), rounded to the microsecond.

    Without a unit the number's size tells it: seconds until the year 5138, above that milliseconds,
    microseconds or nanoseconds.
    """
    if not _NUMBER.fullmatch(text):
        return None
    number = Decimal(text.decode())
    if unit_us is None:
        if number >= 10**17:
            number, unit_us = number / 1000, 1
        else:
            unit_us = 1 if number >= 10**14 else 1_000 if number >= 10**11 else SECOND_US
    micros = int((number * unit_us).to_integral_value(ROUND_HALF_EVEN))
    return micros if micros < 1 << 62 else None


def read_any(text: bytes) -> int | None:
    """Read a time in whichever of the notations above it is."""
    for read in (read_clf, read_iso, read_epoch):
        micros = read(text)
        if micros is not None:
            return micros
    return None


def read_clf_columns(text: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Read the plain 26-byte form of :func:`read_clf` many times at once, each time a row of bytes.

    Returns microseconds, and where they hold. Where they do not (another form, a day 31 in June), the single
    reader decides; where both read a text, they agree.
    """
    is_right = np.ones(len(text), dtype=bool)

    def number(first: int, width: int = 2) -> npt.NDArray[np.int32]:
        value = np.zeros(len(text), dtype=np.int32)
        for place in range(first, first + width):
            digit = text[:, place] - np.uint8(48)  # wraps around below `0`
            np.logical_and(is_right, digit <= 9, out=is_right)
            value *= 10
            value += digit
        return value

    for place, mark in ((2, 47), (6, 47), (11, 58), (14, 58), (17, 58), (20, 32)):
        np.logical_and(is_right, text[:, place] == mark, out=is_right)
    day, year = number(0), number(7, 4)
    hour, minute, second = number(12), number(15), number(18)
    east_h, east_m = number(22), number(24)
    sign = text[:, 21]
    code = (
        text[:, 3].astype(np.uint32) | text[:, 4].astype(np.uint32) << 8 | text[:, 5].astype(np.uint32) << 16
    )
    month = np.zeros(len(text), dtype=np.int32)
    for index in np.unique(code, return_index=True)[1]:  # seldom more than two in a block
        found = np.flatnonzero(code[index] == _MONTH_CODE)
        if len(found):
            month[code == code[index]] = found[0] + 1
    # The 29th of February is left to the single reader.
    days = np.array((0, *_MONTH_DAYS), dtype=np.int32)[month]
    for valid in (
        (sign == 43) | (sign == 45),
        (day >= 1) & (day <= days),
        year >= 1,
        hour <= 23,
        minute <= 59,
        second <= 60,
        east_h <= 23,
        east_m <= 59,
    ):
        np.logical_and(is_right, valid, out=is_right)
    shifted = year - (month <= 2)
    era = shifted // 400
    of_era = shifted - era * 400
    of_year = (153 * (month + np.where(month > 2, -3, 9).astype(np.int32)) + 2) // 5 + day - 1
    date = era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
    east = (east_h * 60 + east_m) * np.where(sign == 45, -1, 1).astype(np.int32)
    seconds = date.astype(np.int64) * 86_400 + (hour * 3_600 + minute * 60 + second - east * 60)
    return seconds * SECOND_US, is_right
