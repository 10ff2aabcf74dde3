"""Events: rules files, what they say of a request, and their one-line errors."""

import pickle
import re
import time
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from jobs.access_logs.columns import encoded
from jobs.access_logs.events import Funnel, Routed, Rules, RulesError, builtin_rules, load_rules, routed


def decide(rows: list[tuple[str | None, str | None, int]], rules: Rules | None) -> Routed:
    table = pa.table(
        {
            "method": pa.array([row[0] for row in rows], pa.string()),
            "path": pa.array([row[1] for row in rows], pa.string()),
        }
    )
    status = np.array([row[2] for row in rows], dtype=np.int64)
    return routed(encoded(table, "method"), encoded(table, "path"), status, rules)


def outcome(method: str | None, path: str | None, status: int, rules: Rules | None) -> tuple[Any, ...]:
    found = decide([(method, path, status)], rules)
    caller = found.caller.to_pylist()[0] if found.caller is not None else None
    return found.route.to_pylist()[0], found.event.to_pylist()[0], bool(found.is_activity[0]), caller


@pytest.mark.parametrize(
    ("method", "path", "status", "route", "event"),
    [
        ("GET", "/items/17", 200, "GET /items/{id}", "GET /items/{id}"),
        ("GET", "/items/17", 0, "GET /items/{id}", "GET /items/{id}"),
        ("GET", "/items/17", 403, "GET /items/{id}", "GET /items/{id}"),
        ("GET", "/items/17", 500, "GET /items/{id}", "GET /items/{id}"),
        ("GET", "/wp-login.php", 400, "(not found)", None),
        ("GET", "/wp-login.php", 404, "(not found)", None),
        ("GET", "/wp-login.php", 405, "(not found)", None),
        ("OPTIONS", "*", 200, "OPTIONS *", "OPTIONS *"),
        (None, "/a", 200, "(other)", None),
        ("GET", None, 200, "(other)", None),
        ("GET", "", 200, "(other)", None),
        ("", "/a", 200, "(other)", None),
        (None, None, 200, "(other)", None),
        (None, None, 0, "(other)", None),
        (None, None, 400, "(not found)", None),
    ],
)
def test_without_rules_the_folded_path_is_the_event(
    method: str | None, path: str | None, status: int, route: str, event: str | None
) -> None:
    assert outcome(method, path, status, None) == (route, event, True, None)


GAME = builtin_rules("game_server")


@pytest.mark.parametrize(
    ("request_line", "status", "route", "event", "is_activity", "caller"),
    [
        ("POST /v1/players", 201, "/v1/players", "register", True, None),
        ("POST /v1/players", 399, "/v1/players", "register", True, None),
        ("POST /v1/players", 400, "/v1/players", None, True, None),
        ("POST /v1/players", 0, "/v1/players", None, True, None),
        ("POST /v1/players/", 201, "/v1/players", "register", True, None),
        ("GET /v1/players", 200, "(other)", None, True, None),
        ("GET /v1/players/p_1/state", 200, "/v1/players/{player_id}/state", "load_state", True, "p_1"),
        ("GET /v1/players/p_1/state", 404, "/v1/players/{player_id}/state", None, True, None),
        ("GET /v1/players/p_1/state", 0, "/v1/players/{player_id}/state", None, True, None),
        ("PUT /v1/players/p_1/state", 204, "/v1/players/{player_id}/state", "save_state", True, "p_1"),
        ("DELETE /v1/players/p_1", 204, "/v1/players/{player_id}", "delete_account", True, "p_1"),
        ("GET /v1/players/p_1/state/x", 200, "(other)", None, True, None),
        ("POST /v1/matches/7/finish", 200, "/v1/matches/{match_id}/finish", "match_finish", True, None),
        ("POST /v1/matches/finish/finish", 200, "/v1/matches/{match_id}/finish", "match_finish", True, None),
        ("POST /v1/heartbeat", 204, "/v1/heartbeat", None, False, None),
        ("POST /v1/heartbeat", 500, "/v1/heartbeat", None, False, None),
        ("POST /v1/sessions/refresh", 200, "/v1/sessions/refresh", None, False, None),
        ("POST /v1/sessions", 200, "/v1/sessions", "login", True, None),
        ("DELETE /v1/sessions", 204, "/v1/sessions", "logout", True, None),
        ("GET /v1/unsubscribe", 200, "/v1/unsubscribe", None, False, None),
        ("GET /", 200, "/", None, False, None),
        ("GET /assets/app.js", 304, "/assets/{file}", None, False, None),
        ("GET /nothing", 200, "(other)", None, True, None),
        ("GET v1/shop", 200, "(other)", None, True, None),
    ],
)
def test_the_game_servers_rules_name_its_routes(
    request_line: str, status: int, route: str, event: str | None, is_activity: bool, caller: str | None
) -> None:
    method, path = request_line.split(" ")
    assert outcome(method, path, status, GAME) == (route, event, is_activity, caller)


def test_the_first_rule_that_fits_wins_whatever_its_status() -> None:
    rules = load_rules(
        """
        routes:
          - {method: GET, path: /a/me, event: mine}
          - {method: GET, path: "/a/{id}", status: [200, 4xx], event: theirs}
        """,
        "mine.yaml",
    )
    assert outcome("GET", "/a/me", 404, rules) == ("/a/me", None, True, None)
    assert outcome("GET", "/a/you", 404, rules) == ("/a/{id}", "theirs", True, None)
    assert outcome("GET", "/a/you", 201, rules) == ("/a/{id}", None, True, None)


def test_rules_of_one_template_name_events_by_status() -> None:
    rules = load_rules(
        """
        routes:
          - {method: POST, path: /buy, status: 2xx, event: bought}
          - {method: POST, path: /buy, status: 402, event: declined}
          - {method: POST, path: /buy, status: <500, event: odd, activity: false}
        """,
        "mine.yaml",
    )
    decided = [outcome("POST", "/buy", status, rules)[1:3] for status in (200, 402, 404, 500, 0)]
    assert decided == [("bought", True), ("declined", True), ("odd", False), (None, True), (None, True)]


def test_a_last_part_may_take_the_rest_and_a_rule_any_method() -> None:
    rules = load_rules('routes: [{path: "/files/{name...}", event: file}]', "mine.yaml")
    paths = ["/files", "/files/a", "/files/a/b/c/d", "/other"]
    assert [outcome("BREW", path, 200, rules)[1] for path in paths] == [None, "file", "file", None]


def test_a_route_without_a_path_of_its_own_segments_takes_the_root_only() -> None:
    rules = load_rules("routes: [{method: GET, path: /, event: home}]", "mine.yaml")
    assert [outcome("GET", path, 200, rules)[1] for path in ("/", "//", "/a")] == ["home", "home", None]


def test_each_row_of_many_is_decided_as_alone() -> None:
    rows: list[tuple[str | None, str | None, int]] = [
        (method, path, status)
        for method in ("GET", "PUT", "POST", None)
        for path in ("/v1/players/a/state", "/v1/players/b/state", "/v1/shop", "/x/12", "", None)
        for status in (0, 200, 401, 404)
    ]
    for rules in (None, GAME):
        many = decide(rows, rules)
        callers = many.caller.to_pylist() if many.caller is not None else [None] * len(rows)
        together = list(
            zip(many.route.to_pylist(), many.event.to_pylist(), many.is_activity, callers, strict=True)
        )
        assert together == [outcome(*row, rules) for row in rows]


def test_two_hundred_thousand_distinct_paths_are_decided_in_under_a_second() -> None:
    table = pa.table(
        {"path": [f"/v1/players/p_{n:x}/state" for n in range(200_000)], "method": ["GET"] * 200_000}
    )
    method, path = encoded(table, "method"), encoded(table, "path")
    status = np.full(200_000, 200)
    for rules in (None, GAME):
        started = time.perf_counter()
        routed(method, path, status, rules)
        assert time.perf_counter() - started < 1.0


def test_rules_are_equal_and_hashed_by_their_text_and_survive_pickling() -> None:
    again = load_rules(GAME.text, "another-name.yaml")
    assert again == GAME
    assert hash(again) == hash(GAME)
    assert pickle.loads(pickle.dumps(GAME)).routes == GAME.routes  # noqa: S301 (our own bytes)
    assert load_rules(GAME.text + "\n", "x") != GAME


def test_the_game_servers_funnels_are_read() -> None:
    steps = ("register", "tutorial_start", "tutorial_finish", "match_start", "match_finish")
    assert GAME.funnels == (
        Funnel("onboarding", "all", 14 * 86_400_000_000, steps),
        Funnel("purchase", "date", 14 * 86_400_000_000, ("shop_view", "purchase")),
    )


def test_a_funnel_without_routes_has_folded_paths_as_steps_and_may_have_no_window() -> None:
    text = 'funnels: [{name: sale, window_days: null, steps: ["GET /shop", "POST /cart/{id}"]}]'
    assert load_rules(text, "x").funnels == (Funnel("sale", "date", None, ("GET /shop", "POST /cart/{id}")),)


def test_identity_and_clients_are_read() -> None:
    rules = load_rules(
        "identity: {query_parameter: pid, cookie: sid, json_field: user.id}\nclients: [MyGame/]", "x"
    )
    assert (rules.query_parameter, rules.cookie, rules.json_field, rules.clients) == (
        "pid",
        "sid",
        "user.id",
        ("MyGame/",),
    )


ROUTE = "routes:\n  - {method: GET, path: /a, event: a}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "wanted only the keys routes, funnels, identity, clients, found None"),
        ("- a", "line 1: wanted only the keys routes, funnels, identity, clients, found ['a']"),
        (
            "route: []",
            "line 1: route: wanted only the keys routes, funnels, identity, clients, found 'route'",
        ),
        ("routes: {}", "line 1: routes: wanted a list, found {}"),
        ("routes: [{event: a}]", "line 1: routes.1: wanted the key path, found {'event': 'a'}"),
        (
            ROUTE + "  - {path: /b, evnt: b}\n",
            "line 3: routes.2.evnt: wanted only the keys method, path, status, event, caller, activity,"
            " attributes, found 'evnt'",
        ),
        (
            "routes: [{method: 7, path: /a}]",
            "line 1: routes.1.method: wanted a method such as GET, or several, found 7",
        ),
        (
            "routes: [{path: a}]",
            "line 1: routes.1.path: wanted a path such as /v1/players/{player_id}/state, found 'a'",
        ),
        (
            "routes: [{path: '/a{b}'}]",
            "line 1: routes.1.path: wanted a part {like_this} that is a whole segment, found 'a{b}'",
        ),
        (
            "routes: [{path: '/{a}/{a}'}]",
            "line 1: routes.1.path: wanted parts with names of their own, found '{a}'",
        ),
        (
            "routes: [{path: '/{a...}/b'}]",
            "line 1: routes.1.path: wanted nothing after a part that takes the rest, found '/{a...}/b'",
        ),
        *(
            (
                f"routes: [{{path: /a, status: {status}}}]",
                f"line 1: routes.1.status: wanted a status such as 201, 2xx or <400, found {found}",
            )
            for status, found in (
                ("99", "99"),
                ("6xx", "'6xx'"),
                ("true", "True"),
                ("2XX", "'2XX'"),
                ("[]", "[]"),
            )
        ),
        (
            "routes: [{path: /a, status: 700}]",
            "line 1: routes.1.status: wanted a status from 100 to 599, found 700",
        ),
        (
            "routes: [{path: /a, event: (start)}]",
            "line 1: routes.1.event: wanted a name such as match_start (letters, digits, _ . : -), found"
            " '(start)'",
        ),
        (
            "routes: [{path: /a, caller: true}]",
            "line 1: routes.1.caller: wanted one named part in the path, or the name of one of them,"
            " found True",
        ),
        (
            "routes: [{path: '/{a}/{b}', caller: c}]",
            "line 1: routes.1.caller: wanted one of a, b, found 'c'",
        ),
        (
            "routes: [{path: '/{a}', attributes: [b]}]",
            "line 1: routes.1.attributes.1: wanted one of a, found 'b'",
        ),
        (
            "routes: [{path: /a, activity: maybe}]",
            "line 1: routes.1.activity: wanted true or false, found 'maybe'",
        ),
        (
            ROUTE + "  - {method: GET, path: /a}\n",
            "line 3: routes.2: wanted one rule for each method, path and status, found 'rule 1 again'",
        ),
        (
            ROUTE + "funnels:\n  - {name: f, steps: [a]}\n  - {name: f, steps: [a]}",
            "line 5: funnels.2.name: wanted a name that no other funnel has, found 'f'",
        ),
        (
            ROUTE + "funnels:\n  - name: f\n    steps:\n      - a\n      - b\n",
            "line 7: funnels.1.steps.2: wanted an event that a route names, found 'b'",
        ),
        (
            ROUTE + "funnels: [{name: f, steps: []}]",
            "line 3: funnels.1.steps: wanted events, first to last, found []",
        ),
        (
            ROUTE + "funnels: [{name: f, cohort: week, steps: [a]}]",
            "line 3: funnels.1.cohort: wanted one of date, all, found 'week'",
        ),
        (
            ROUTE + "funnels: [{name: f, window_days: 0.5, steps: [a]}]",
            "line 3: funnels.1.window_days: wanted whole days from 1 to 3650, or null, found 0.5",
        ),
        (
            "identity: {header: x}",
            "line 1: identity.header: wanted only the keys query_parameter, cookie, json_field,"
            " found 'header'",
        ),
        ("clients: ['']", "line 1: clients.1: wanted a short text, found ''"),
        ("routes: []\nroutes: []", "line 2: routes: wanted each key once, found 'routes'"),
        ("routes: [\n", "line 2: not YAML: expected the node content, but found '<stream end>'"),
    ],
)
def test_what_is_wrong_with_a_rules_file_is_one_line(text: str, message: str) -> None:
    with pytest.raises(RulesError) as caught:
        load_rules(text, "r.yaml")
    assert re.sub(r"^r\.yaml(, |: )", "", str(caught.value)) == message


@pytest.mark.parametrize(
    "text",
    [
        "#" * 300_000,
        "[" * 50_000,
        "a: &a [x]\nroutes: *a",
        "a: &a [1,1,1,1]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\nd: [*c,*c,*c,*c]",
        "routes: !!python/object/apply:os.system [id]",
        "routes: 2026-99-99",
        "\x00",
        "? [a]\n: b",
        "1: 2",
        "routes: [{path: /a\x07}]",
    ],
)
def test_a_hostile_rules_file_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(RulesError) as caught:
        load_rules(text, "r.yaml")
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 700


def test_a_rules_file_has_a_largest_size() -> None:
    fits = GAME.text + "#" * (262_144 - len(GAME.text.encode()))
    assert load_rules(fits, "r.yaml").routes == GAME.routes
    with pytest.raises(RulesError, match=r"^r\.yaml: wanted at most 262144 bytes, found 262145$"):
        load_rules(fits + "#", "r.yaml")


def test_rules_that_do_not_ship_are_named() -> None:
    with pytest.raises(RulesError, match=r"wanted the name of built-in rules \(game_server\), found chess"):
        builtin_rules("chess")
