"""Platforms: what a user agent says its player sits at."""

import gzip
from pathlib import Path

import pytest
import yaml

from jobs.access_logs.platforms import PLATFORMS, platform


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        ("Mozilla/5.0 (Linux; Android 15; SM-S931B) AppleWebKit/537.36 Chrome/126.0 Mobile", "android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15", "ios"),
        ("MyGame/12 CFNetwork/1410.0.3 Darwin/22.6.0", "ios"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0", "windows"),
        ("Mozilla/5.0%20(Windows%20NT%2010.0;%20Win64;%20x64)%20AppleWebKit/537.36", "windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15", "macos"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "linux"),
        ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "linux"),
        ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 Chrome/126.0", "chromeos"),
        ("Mozilla/5.0%20(X11;%20CrOS%20x86_64%2014541.0.0)%20AppleWebKit/537.36%20Chrome/126.0", "chromeos"),
        ("Mozilla/5.0+(X11;+CrOS+x86_64+14541.0.0)+AppleWebKit/537.36+Chrome/126.0", "chromeos"),
        ("Mozilla/5.0 (PlayStation; PlayStation 5/8.00) AppleWebKit/605.1.15", "other"),
        ("curl/8.5.0", "other"),
        ("x" * 65_536, "other"),
        ("-", "(none)"),
        ("", "(none)"),
        (None, "(none)"),
    ],
)
def test_each_user_agent_has_a_platform(user_agent: str | None, expected: str) -> None:
    assert platform(user_agent) == expected
    assert expected in PLATFORMS


@pytest.mark.shared_data
def test_published_cases_of_the_common_systems_have_their_platform(shared_data: Path) -> None:
    with gzip.open(shared_data / "bots" / "uap_test_os.yaml.gz") as file:
        cases = yaml.load(file, Loader=yaml.CSafeLoader)["test_cases"]
    expected = {
        "Android": "android",
        "iOS": "ios",
        "Windows": "windows",
        "Mac OS X": "macos",
        "Linux": "linux",
    }
    judged = [case for case in cases if case["family"] in expected]
    assert len(judged) > 300
    assert [c for c in judged if platform(c["user_agent_string"]) != expected[c["family"]]] == []
