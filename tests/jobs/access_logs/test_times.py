"""Times of every notation, to the microsecond."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.access_logs.times import MONTHS, read_any, read_clf, read_clf_columns, read_epoch, read_iso

TIMES = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))  # noqa: DTZ001
EAST = st.integers(-14 * 60, 14 * 60)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _micros(time: datetime) -> int:
    return (time - EPOCH) // timedelta(microseconds=1)


@given(time=TIMES, east=EAST)
@settings(derandomize=True, deadline=None)
def test_both_readers_of_log_times_agree_with_the_calendar_of_python(time: datetime, east: int) -> None:
    time = time.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=east)))
    month = MONTHS[time.month - 1].decode()
    text = f"{time.day:02}/{month}/{time.year:04}:{time:%H:%M:%S} {time:%z}".encode()[:26]
    assert read_clf(text) == _micros(time)
    found, is_right = read_clf_columns(np.frombuffer(text, np.uint8).reshape(1, 26))
    if (time.month, time.day) != (2, 29):
        assert (int(found[0]), bool(is_right[0])) == (_micros(time), True)


@given(text=st.binary(min_size=26, max_size=26))
@settings(derandomize=True, deadline=None)
def test_no_26_bytes_mean_one_thing_in_columns_and_another_alone(text: bytes) -> None:
    found, is_right = read_clf_columns(np.frombuffer(text, np.uint8).reshape(1, 26))
    assert not is_right[0] or read_clf(text) == int(found[0])


@pytest.mark.parametrize("place", range(26))
def test_a_wrong_byte_anywhere_in_a_log_time_is_seen_in_columns(place: int) -> None:
    text = bytearray(b"10/Oct/2000:13:55:36 -0700")
    text[place] = ord("x")
    _, is_right = read_clf_columns(np.frombuffer(bytes(text), np.uint8).reshape(1, 26))
    assert not is_right[0]


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        (b"29/Feb/2024:23:59:60 +0000", 1_709_251_200_000_000),
        (b"10/Oct/2000:13:55:36.5 -0700", 971_211_336_500_000),
        (b"29/Feb/2023:00:00:00 +0000", None),
        (b"10/Oct/2000:13:55:36 -0760", None),
        (b"10/Foo/2000:13:55:36 -0700", None),
    ],
)
def test_log_times(text: bytes, micros: int | None) -> None:
    assert read_clf(text) == micros


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        (b"2000-10-10T20:55:36Z", 971_211_336_000_000),
        (b"2000-10-10 20:55:36", 971_211_336_000_000),
        (b"2000-10-10T13:55:36-07:00", 971_211_336_000_000),
        (b"2000-10-11T02:25:36+0530", 971_211_336_000_000),
        (b"2000-10-10T22:55:36+02", 971_211_336_000_000),
        (b"2000-10-10T20:55:36.123456789Z", 971_211_336_123_456),
        (b"2000-10-10T20:55:36,5Z", 971_211_336_500_000),
        (b"2000-10-10T20:55Z", None),
        (b"2000-10-10T20:55:36Z" + b"0" * 100, None),
    ],
)
def test_iso_times(text: bytes, micros: int | None) -> None:
    assert read_iso(text) == micros


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        (b"971211336", 971_211_336_000_000),
        (b"971211336.1234567", 971_211_336_123_457),
        (b"971211336123", 971_211_336_123_000),
        (b"971211336123456", 971_211_336_123_456),
        (b"971211336123456789", 971_211_336_123_457),
        (b"1.703373474e9", 1_703_373_474_000_000),
        (b"-5", None),
        (b"9e99", None),
        (b"NaN", None),
    ],
)
def test_numbers_of_seconds_milliseconds_micro_and_nanoseconds(text: bytes, micros: int | None) -> None:
    assert read_epoch(text) == micros
    assert read_any(text) == micros
