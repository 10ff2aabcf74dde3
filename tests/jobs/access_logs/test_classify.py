"""Classify: a table of requests in, row for row what they mean out."""

import random
import subprocess
import sys
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.access_logs.classify import CLASSIFIED, CLASSIFY_COLUMNS, classify, share_identified
from jobs.access_logs.events import Rules, builtin_rules, load_rules
from jobs.access_logs.requests import REQUESTS
from jobs.access_logs.settings import MeaningSettings

BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
GAME = builtin_rules("game_server")

PLAIN = pa.schema(
    [
        pa.field(field.name, field.type.value_type if pa.types.is_dictionary(field.type) else field.type)
        for field in REQUESTS
        if field.name in CLASSIFY_COLUMNS
    ]
)
BASE = dict.fromkeys(PLAIN.names) | {
    "method": "GET",
    "path": "/v1/shop",
    "status": 200,
    "user_agent": BROWSER,
    "visitor": "f" * 32,
}


def table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist([BASE | row for row in rows], schema=PLAIN)


def meant(*rows: dict[str, Any], is_activity: bool = True, **given: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = classify(
        table(*rows), MeaningSettings(**given), is_activity=is_activity
    ).to_pylist()
    return found


def one(row: dict[str, Any], **given: Any) -> dict[str, Any]:
    return meant(row, **given)[0]


def test_a_request_under_identity_visitor_has_these_columns() -> None:
    found = classify(
        table({"country": "DE", "referrer": "https://Example.com:8443/a?b", "query": "utm_source=mail"}),
        MeaningSettings(),
        is_activity=True,
    )
    assert found.schema == CLASSIFIED
    assert found.to_pylist() == [
        {
            "player_id": "f" * 32,
            "is_identified": False,
            "event": "GET /v1/shop",
            "route": "GET /v1/shop",
            "counted": True,
            "in_session": True,
            "is_bot": False,
            "bot_reason": None,
            "platform": "windows",
            "referrer_host": "example.com",
            "utm_source": "mail",
            "utm_campaign": None,
            "country": "DE",
        }
    ]


QUERY_ID = load_rules(
    GAME.text + "\nidentity: {query_parameter: pid}\nclients: [MyGame/]\n", "game_with_query_id.yaml"
)
STATE = {"path": "/v1/players/p_path/state", "query": "x=1&pid=p_query"}


@pytest.mark.parametrize(
    ("row", "player_id"),
    [
        ({"authenticated_id": "p_a", "user": "p_u", "declared_id": "p_d"} | STATE, "p_a"),
        ({"user": "p_u", "declared_id": "p_d"} | STATE, "p_u"),
        ({"declared_id": "p_d"} | STATE, "p_d"),
        (STATE, "p_query"),
        (STATE | {"query": "pid=&y"}, "p_path"),
        (STATE | {"query": "xpid=1&pid"}, "p_path"),
        (STATE | {"query": None, "status": 399}, "p_path"),
        (STATE | {"query": None, "status": 400}, None),
        (STATE | {"query": None, "status": None}, None),
        (STATE | {"query": "pid=p%40x+y%00"}, r"p@x y\x00"),
        ({"authenticated_id": "", "user": "-", "declared_id": "p_d"}, "p_d"),
        ({}, None),
    ],
)
def test_the_first_source_that_has_an_id_names_the_player(row: dict[str, Any], player_id: str | None) -> None:
    found = one(row, identity="player", rules=QUERY_ID)
    assert (found["player_id"], found["is_identified"]) == (player_id or "f" * 32, player_id is not None)
    as_visitor = one(row, identity="visitor", rules=QUERY_ID)
    assert (as_visitor["player_id"], as_visitor["is_identified"]) == ("f" * 32, False)


@pytest.mark.parametrize(
    ("bots", "person_counts", "bot_counts"),
    [("exclude", True, False), ("only", False, True), ("include", True, True)],
)
def test_bots_have_sessions_and_count_on_the_side_that_is_kept(
    bots: str, person_counts: bool, bot_counts: bool
) -> None:
    found = meant({}, {"user_agent": GOOGLEBOT}, bots=bots)
    assert [row["counted"] for row in found] == [person_counts, bot_counts]
    assert [row["in_session"] for row in found] == [True, True]
    assert [(row["is_bot"], row["bot_reason"]) for row in found] == [(False, None), (True, "crawler")]


@pytest.mark.parametrize(
    ("status", "counts"), [(400, True), (401, False), (403, False), (404, True), (None, True)]
)
def test_a_refused_request_counts_only_under_identity_visitor(status: int | None, counts: bool) -> None:
    as_player = one({"status": status}, identity="player")
    assert (as_player["counted"], as_player["in_session"]) == (counts, counts)
    as_visitor = one({"status": status}, identity="visitor")
    assert (as_visitor["counted"], as_visitor["in_session"]) == (True, True)


def test_a_rule_that_is_no_activity_neither_counts_nor_forms_a_session() -> None:
    found = one({"method": "POST", "path": "/v1/heartbeat"}, rules=GAME)
    assert (found["route"], found["counted"], found["in_session"]) == ("/v1/heartbeat", False, False)


def test_another_stream_counts_in_traffic_only() -> None:
    found = meant({}, {"user_agent": GOOGLEBOT}, bots="include", is_activity=False)
    assert [(row["counted"], row["in_session"], row["route"]) for row in found] == [
        (False, False, "GET /v1/shop")
    ] * 2


@pytest.mark.parametrize(
    ("user_agent", "with_id", "without_id"),
    [
        (GOOGLEBOT, "crawler", "crawler"),
        ("ELB-HealthChecker/2.0", "health_check", "health_check"),
        ("curl/8.5.0", None, "library"),
        (BROWSER.replace("Chrome", "HeadlessChrome"), None, "headless"),
        ("MyGame/3", None, None),
        (BROWSER, None, None),
        (None, None, None),
        ("-", None, None),
        ("", None, None),
    ],
)
def test_library_and_headless_do_not_apply_with_an_authenticated_id(
    user_agent: str | None, with_id: str | None, without_id: str | None
) -> None:
    rows = [{"user_agent": user_agent, "authenticated_id": id_} for id_ in ("p_1", None, "")]
    rows.append({"user_agent": user_agent, "user": "p_1"})
    found = meant(*rows, rules=QUERY_ID)
    assert [row["bot_reason"] for row in found] == [with_id, without_id, without_id, without_id]
    assert [row["is_bot"] for row in found] == [row["bot_reason"] is not None for row in found]


@pytest.mark.parametrize(
    ("referrer", "host"),
    [
        ("https://www.Example.com/", "www.example.com"),
        ("http://user:secret@example.com:8080?x", "example.com"),
        ("https://example.com.", "example.com"),
        ("https://[2001:db8::1]:443/", "[2001:db8::1]"),
        ("android-app://com.google.android.gm/", "com.google.android.gm"),
        ("https://пример.рф/x", "пример.рф"),
        ("https://<script>alert(1)</script>", None),
        ("https://exa mple.com/", None),
        ("https://" + "a" * 254, None),
        ("https:///path", None),
        ("https://./", None),
        ("example.com/x", None),
        ("/local", None),
        ("-", None),
        ("", None),
        (None, None),
    ],
)
def test_a_referrer_names_its_host(referrer: str | None, host: str | None) -> None:
    assert one({"referrer": referrer})["referrer_host"] == host


@pytest.mark.parametrize(
    ("query", "source", "campaign"),
    [
        ("utm_source=News&utm_campaign=summer%20sale", "News", "summer sale"),
        ("a=1&utm_campaign=a+b&utm_source=x&utm_source=y", "x", "a b"),
        ("utm_source=&utm_campaign=%20", None, None),
        ("xutm_source=1", None, None),
        ("utm_source", None, None),
        ("utm_source=%FF%00%0a", r"\xff\x00\n", None),
        ("utm_source=" + "x" * 300, "x" * 255, None),
        ("utm_source=a=b#c", "a=b", None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_campaign_parameters_are_decoded(query: str | None, source: str | None, campaign: str | None) -> None:
    found = one({"query": query})
    assert (found["utm_source"], found["utm_campaign"]) == (source, campaign)


def test_no_rows_give_no_rows() -> None:
    for chosen in ({}, {"identity": "player", "rules": GAME}):
        found = classify(PLAIN.empty_table(), MeaningSettings(**chosen), is_activity=True)
        assert (found.schema, found.num_rows) == (CLASSIFIED, 0)
    assert share_identified(PLAIN.empty_table(), GAME) == (0, 0)


def test_rows_of_which_only_the_visitor_is_known_are_requests() -> None:
    bare = pa.table({"visitor": ["v1", "v2"]})
    for chosen in ({}, {"identity": "player", "rules": GAME}):
        found = classify(bare, MeaningSettings(**chosen), is_activity=True).to_pylist()
        assert [row["player_id"] for row in found] == ["v1", "v2"]
        assert {(row["route"], row["event"], row["counted"], row["platform"]) for row in found} == {
            ("(other)", None, True, "(none)")
        }


def test_settings_that_are_not_decided_are_refused() -> None:
    with pytest.raises(ValueError, match="wanted identity player or visitor"):
        one({}, identity="auto")
    with pytest.raises(ValueError, match="bots exclude, include or only"):
        one({}, bots="drop")


def many(seed: int, count: int) -> pa.Table:
    chance = random.Random(seed)
    choices: dict[str, list[Any]] = {
        "method": ["GET", "POST", None],
        "path": ["/v1/shop", "/v1/players/p_1/state", "/v1/players/p_2/state", "/x/12345678", "//", "", None],
        "query": [None, "pid=p_9", "utm_source=a&utm_campaign=b", "&&="],
        "status": [200, 204, 301, 401, 404, 500, None],
        "referrer": [None, "-", "https://a.example/", "https://b.example:1/x"],
        "user_agent": [None, "-", BROWSER, GOOGLEBOT, "curl/8.5.0", "kube-probe/1.29"],
        "visitor": ["v1", "v2", "v3"],
        "user": [None, None, "u1"],
        "authenticated_id": [None, None, "a1", ""],
        "country": [None, "DE", "FR"],
    }
    return table(*({key: chance.choice(values) for key, values in choices.items()} for _ in range(count)))


@pytest.mark.parametrize("rules", [None, QUERY_ID])
@pytest.mark.parametrize("identity", ["visitor", "player"])
def test_chunks_dictionaries_and_batches_change_nothing(rules: Rules | None, identity: str) -> None:
    requests = many(1, 500)
    under = MeaningSettings(identity=identity, rules=rules)
    expected = classify(requests, under, is_activity=True).to_pylist()
    pieces = [requests.slice(0, 7), requests.slice(7, 0), requests.slice(7, 300), requests.slice(307)]
    chunked = pa.concat_tables(pieces)
    encoded_columns = [
        column.dictionary_encode() if pa.types.is_string(column.type) else column
        for column in chunked.columns
    ]
    # Each chunk with a dictionary of its own, one of them holding NULL and a word twice.
    own = pa.concat_tables(
        [
            pa.table(
                [
                    pa.chunked_array([chunk.dictionary_encode() for chunk in column.chunks] or [], None)
                    if pa.types.is_string(column.type)
                    else column
                    for column in piece.columns
                ],
                names=requests.column_names,
            )
            for piece in pieces
            if piece.num_rows
        ]
    )
    whole = pa.table(encoded_columns, names=requests.column_names)
    for same in (chunked, whole, own):
        assert classify(same, under, is_activity=True).to_pylist() == expected
        assert classify(same.slice(100, 50), under, is_activity=True).to_pylist() == expected[100:150]
    batches = [
        row
        for batch in requests.to_batches(64)
        for row in classify(batch, under, is_activity=True).to_pylist()
    ]
    assert batches == expected


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.randoms(use_true_random=False))
def test_order_and_company_of_rows_change_nothing(chance: random.Random) -> None:
    requests = many(2, 60)
    under = MeaningSettings(identity="player", rules=QUERY_ID)
    expected = classify(requests, under, is_activity=True).to_pylist()
    order = chance.sample(range(60), chance.randint(0, 60))
    found = classify(requests.take(pa.array(order, pa.int64())), under, is_activity=True).to_pylist()
    assert found == [expected[row] for row in order]


def test_a_dictionary_with_null_and_a_word_twice_is_read_as_its_rows_say() -> None:
    words = pa.DictionaryArray.from_arrays(
        pa.array([0, 1, 2, None, 3], pa.int32()), pa.array([GOOGLEBOT, None, GOOGLEBOT, BROWSER])
    )
    requests = pa.table({"visitor": ["v"] * 5, "user_agent": words})
    found = classify(requests, MeaningSettings(), is_activity=True).to_pylist()
    assert [row["is_bot"] for row in found] == [True, False, True, False, False]
    assert [row["platform"] for row in found] == ["other", "(none)", "other", "(none)", "windows"]


@settings(derandomize=True, deadline=None, max_examples=100)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                name: st.none() | st.text(max_size=30)
                for name in CLASSIFY_COLUMNS
                if name not in ("status", "visitor")
            }
            | {"status": st.none() | st.integers(-32_768, 32_767), "visitor": st.text(max_size=5)}
        ),
        max_size=6,
    )
)
def test_any_text_gives_as_many_rows_as_came(rows: list[dict[str, Any]]) -> None:
    for chosen in ({}, {"identity": "player", "rules": QUERY_ID, "bots": "only"}):
        found = classify(table(*rows), MeaningSettings(**chosen), is_activity=True)
        found.validate(full=True)
        assert found.num_rows == len(rows)
        for name in ("utm_source", "utm_campaign", "referrer_host"):
            assert all(value is None or value for value in found[name].to_pylist())


def test_identified_lines_below_400_are_counted() -> None:
    requests = table(
        {"authenticated_id": "p"},
        {"user": "p", "status": 404},
        {"status": None, "user": "p"},
        {"path": "/v1/players/p/state"},
        {},
    )
    assert share_identified(requests, GAME) == (2, 3)
    assert share_identified(requests, None) == (1, 3)
    assert share_identified(requests.to_batches()[0], None) == (1, 3)


def test_importing_does_not_load_the_rules_of_user_agents() -> None:
    code = (
        "import sys, jobs.access_logs.classify;"
        "slow = ('ua_parser', 'ua_parser_rs', 'crawleruseragents', 'yaml');"
        "print([name for name in slow if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
