"""Whether a user agent is a program rather than a person at a browser, and what kind of program.

One ordered table of patterns, the first that matches decides: words by which programs name themselves and the
published list of crawlers (the package ``crawler-user-agents``), reason by reason, then the weaker signs. The
engine of ``ua-parser-rs`` matches it: it finds candidates by their literals and is linear in the text.

What each group is for, what it was measured on and what it misses: docs/bots.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    import ua_parser_rs

CRAWLER = "crawler"
LIBRARY = "library"
HEALTH_CHECK = "health_check"
HEADLESS = "headless"
REASONS = (CRAWLER, LIBRARY, HEALTH_CHECK, HEADLESS)

# A player of our own game may well use a program of his own: with an id that the server has checked, only
# what says of itself that it crawls or checks is a bot.
WAIVED_WITH_AUTHENTICATED_ID = frozenset({LIBRARY, HEADLESS})

# Longer user agents are judged by their beginning: real ones stay below it, and what a hostile one costs in
# time and in the cache is bounded.
JUDGED_CHARACTERS = 1_024
_CACHED = 32_768

_PERSON = "person"  # verdict of the rules that end the search: not a bot

_HEALTH_CHECK_WORDS = (
    r"(?i)health[ _-]?check|^ELB-Health|^GoogleHC/|^kube-probe|route ?53|uptime|updown|pingdom|pinger"
    r"|statuscake|site24x7|synthetic|availability|heartbeat|catchpoint|nagios|icinga|zabbix|check_http|^monit/|\bprtg\b"
    r"|^consul|blackbox|^datadog|gatus|checkly|freshping|hetrix|dynatrace|ruxit|alertsite|nodeping|^haproxy"
    r"|monitor(?:ing|s|ed)?(?:[^a-z]|$)|(?:^|[^a-z])probe(?:[^a-z]|$)"
)
_CRAWLER_WORDS = (
    # Ends with "bot"; CUBOT is a maker of phones.
    r"(?i)(?:^u?|[^u]|[^c]u)bots?(?:[^a-z]|$)",
    r"[a-z]Bot[A-Z]|^[Bb]ot[A-Z]",
    r"(?i)robot|crawl|spider|slurp|scrap(?:er|ing|y|e)|archiver|indexer|harvest|fetch(?:er|ing|url|or)?(?:[^a-z]|$)"
    r"|scann(?:er|ing)|(?:^|[^a-z])scan(?:[^a-z]|$)|validator|checker|downloader|extractor|parser|analy[sz]er"
    r"|verif(?:y|ier|ication)|inspect|audit|sniffer|(?:^|[^a-z])seo|imageproxy|externalhit|rss(?:[^a-z]|$)"
    r"|(?:link|url|site|page|bing)[ _-]?preview|feed(?:s|er|ly|bin|fetch|burner|read|pars|valid|[^a-z]|$)"
    r"|aggregator|search ?engine|research|commoncrawl|favicon|thumbnail|screenshot"
    r"|(?:^|[^a-z])gpt",
    r"(?:^|[ ;(])Google-[A-Z]|[A-Za-z]-Google(?:[^A-Za-z]|$)",
    # Scanners for holes, and attacks written into the user agent itself.
    r"(?i)sqlmap|nikto|nmap|masscan|zgrab|wpscan|acunetix|nessus|openvas|nuclei|dirbuster|gobuster|fuzz"
    r"|w3af|havij|metasploit|qualys|zmeu|morfeus|jorgee|arachni|netsparker|skipfish|whatweb"
    r"|\(\) *\{|\$\{|<\?php|<script",
)
_HEADLESS_WORDS = (
    r"(?i)headless|phantomjs|slimerjs|casperjs|puppeteer|playwright|selenium|webdriver|htmlunit|zombie\.js|jsdom"
    r"|nightmare|cypress|splash|browserless|prerender|lighthouse|(?:^| )PTST/"
)
# Engines of games send their own name; some of their players never log in. So does CloudFront (see below).
_PLAYERS_PROGRAMS = r"UnityPlayer|UnityWebRequest|GodotEngine|UnrealEngine|\bUE[45]\b|^Amazon CloudFront$"
_LIBRARY_WORDS = (
    r"(?i)^(?:curl|wget|python|java|php|ruby|perl|node|deno|bun|dart|go|rust|lua|swift|axios|got|undici|needle|hyper"
    r"|ureq|reqwest|faraday|typhoeus|httparty|rest-client|guzzle|symfony|zend|pear|snoopy|aria2|httpie|postman"
    r"|insomnia|boto3?|s3cmd|rclone|git|minio|vegeta|wrk|hey|ab|k6|siege|locust|gatling|artillery|bombardier|cf"
    r"|ansible-httpget|winhttp|httpful|restsharp|soapui|oauth|unirest|jersey|jetty|netty|powershell)"
    r"(?:[^a-z]|$)",
    r"(?i)urllib|aiohttp|python-|httpx|libwww|lwp::|lwp-|libcurl|okhttp|apache-http|jakarta|httpclient"
    r"|http-client|httpcomponents|httpurlconnection|webclient|web-client"
    r"|reactornetty|vert\.x|go-resty|golang|fasthttp|node-"
    r"|superagent|mechanize|restclient|rest client|indy library|winhttp|wininet|url control"
    r"|web services client|windowspowershell|postmanruntime|aws-sdk|aws-cli|botocore|lua-resty"
    r"|http_request|httprequest|apachebench"
    r"|jmeter|loadtest|xmlrpc|xml-rpc|\.net clr client|guzzlehttp|net::http|http\.rb",
    r"^Mozilla/\d+\.\d+(?: \(compatible;?\))?$",
)
# A web or mail address in a user agent is how a program says whom to ask about it.
_ADDRESSES = (
    r"(?i)https?:?/?/|(?:^|[^a-z])www\.|[a-z0-9._-]@[a-z0-9-]+\.[a-z]|\[at\]|\(at\)| at [a-z0-9-]+ dot ",
    r"[a-z0-9-]{2,}\.(?:com|net|org|info|io|ai|app|dev|co|eu|de|fr|ru|ua|uk|cn|jp)(?:/[a-z]|\)|$)",
)
# Browsers that carry an address (an old Delphi component), or sit behind `compatible;` for their own reasons.
_OLD_BROWSERS = (
    r"(?i)bsalsa\.com",
    r"(?i)compatible *; *(?:msie|konqueror|netfront|windows|linux|macintosh|x11|u;|avant|opera|webtv|symbian"
    r"|nokia|lotus|ms-office|mozilla)",
)
_COMPATIBLE = r"(?i)compatible *; *[a-z0-9]"
# What a browser or an app on a person's device says, in whatever order; what says none of it is a program.
_DEVICES = (
    r"^(?:Mozilla|Opera)/",
    r"(?i)android|ios|iphone|ipad|ipod|apple|darwin|mac ?os|macintosh|windows|win32|win64|linux|x11|ubuntu"
    r"|dalvik|watchos|tvos|cros|playstation|nintendo|xbox|roku|smarttv|smart-tv|midp|cldc|symbian|series[46]0|browser"
    r"|blackberry|nokia|samsung|htc|huawei|sonyericsson|motorola|^mot-|^lg[-/e]|^sec-|^sie-|docomo|kddi|brew|wap"
    r"|up\.link|j2me|ucweb|mobile|phone|tablet|safari|firefox|chrome|webkit|gecko|presto|trident|opera|lynx|w3m|links|dillo",
)
_NAMELESS = r"^[^;]+$"

# Tags of the published list, the most telling first; every other tag is a crawler's.
_REASON_OF_TAG = {"monitoring": HEALTH_CHECK, "browser-automation": HEADLESS, "http-library": LIBRARY}

# Left out of the published list. CloudFront puts its own name in place of the browser's wherever a
# distribution does not forward that header (CloudFront developer guide, "HTTP request headers and CloudFront
# behavior"), so behind it this is every player. "MetaIAB" is the browser inside Facebook's Android app
# (ua-parser/uap-core issue 665). "Google Web Preview" ended in 2013; for ua-parser it is Chrome.
_NOT_A_PROGRAM = frozenset({"Amazon CloudFront", "MetaIAB Facebook", "Google Web Preview"})

Pattern = tuple[str, str]  # regular expression, verdict


def published_patterns(entries: Sequence[Mapping[str, Any]]) -> Iterator[Pattern]:
    """Give the patterns of a list like ``crawler-user-agents`` that are safe to use, with their reasons.

    Left out are patterns without three letters in a row: `AP3A.240617.008` is the build of most phones with
    Android 15, `008/` the end of many version numbers. A pattern that begins with a letter must begin a word:
    `RED/` is not WIRED.
    """
    for entry in entries:
        pattern = entry["pattern"]
        if not re.search("[A-Za-z]{3}", re.sub(r"\\[a-zA-Z]", "", pattern)) or pattern in _NOT_A_PROGRAM:
            continue
        tags = entry.get("tags") or ()
        reason = next((_REASON_OF_TAG[tag] for tag in tags if tag in _REASON_OF_TAG), CRAWLER)
        yield (rf"\b(?:{pattern})" if pattern[0].isalpha() else pattern), reason


def patterns(published: Sequence[Pattern]) -> list[Pattern]:
    """Order all patterns: what is declared before what is guessed, the narrower reason before the wider."""

    def listed(reason: str) -> list[Pattern]:
        return [pattern for pattern in published if pattern[1] == reason]

    return [
        (_HEALTH_CHECK_WORDS, HEALTH_CHECK),
        *listed(HEALTH_CHECK),
        *((words, CRAWLER) for words in _CRAWLER_WORDS),
        *listed(CRAWLER),
        (_HEADLESS_WORDS, HEADLESS),
        *listed(HEADLESS),
        (_PLAYERS_PROGRAMS, _PERSON),
        *((words, LIBRARY) for words in _LIBRARY_WORDS),
        *listed(LIBRARY),
        (_OLD_BROWSERS[0], _PERSON),
        *((words, CRAWLER) for words in _ADDRESSES),
        (_OLD_BROWSERS[1], _PERSON),
        (_COMPATIBLE, CRAWLER),
        *((words, _PERSON) for words in _DEVICES),
        (_NAMELESS, LIBRARY),
    ]


def matcher(ordered: Sequence[Pattern]) -> ua_parser_rs.UserAgentExtractor:
    """Compile ordered patterns; the match's ``family`` is the verdict."""
    import ua_parser_rs

    rules = ((text, verdict, None, None, None, None) for text, verdict in ordered)
    return ua_parser_rs.UserAgentExtractor(rules)


def as_sent(user_agent: str) -> str:
    """Undo what log formats do to a user agent, as far as matching needs: `%20` (CloudFront), `+` (IIS)."""
    text = user_agent
    if " " in text:
        return text
    if "%25" in text:  # CloudFront's older logs encode twice
        text = unquote_to_bytes(text).decode("utf-8", "replace")
    if "%20" in text:
        text = unquote_to_bytes(text).decode("utf-8", "replace")
    elif "+(" in text:
        text = text.replace("+", " ")
    return text


def bot_reason(user_agent: str | None) -> str | None:
    """Give the reason why a user agent is a bot (one of ``REASONS``); None for a person, or without one."""
    if not user_agent or user_agent == "-":
        return None
    return _judged(user_agent[:JUDGED_CHARACTERS])


@lru_cache(maxsize=_CACHED)
def _judged(user_agent: str) -> str | None:
    found = _matcher().extract(as_sent(user_agent))
    return None if found is None or found.family == _PERSON else str(found.family)


@cache
def _matcher() -> ua_parser_rs.UserAgentExtractor:
    return matcher(patterns(list(published_patterns(_published()))))


def _published() -> Sequence[Mapping[str, Any]]:
    # The package's own module compiles and holds things that we do not need: only its list is read.
    spec = find_spec("crawleruseragents")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            "wanted the package crawler-user-agents, found none: install playerpath again"
        )
    listed: Sequence[Mapping[str, Any]] = json.loads(
        (Path(spec.origin).parent / "crawler-user-agents.json").read_text(encoding="utf-8")
    )
    return listed
