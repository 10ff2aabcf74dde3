"""`simulate` then `run` gives exactly what the simulator counted while it wrote."""

import gzip
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import warehouse
from game_server.simulator.formats import FORMATS
from game_server.simulator.simulate import simulate
from pipelines.progress import Reporter
from pipelines.run import RunRequest, run
from pipelines.settings import Settings, rules_text

SECOND = 1_000_000


@pytest.fixture(scope="module", params=sorted(FORMATS))
def loaded(request, tmp_path_factory: pytest.TempPathFactory):
    """The truth of a simulation in one format, and the warehouse that one run made of it."""
    folder = tmp_path_factory.mktemp(request.param)
    truth: Any = simulate(players=40, days=33, seed=11, format=request.param, out=folder).truth
    url = f"sqlite:///{folder}/playerpath.db"
    is_ours = request.param == "playerpath"
    run(
        RunRequest(
            sources=(str(folder / "logs"),),
            warehouse_url=url,
            lake_uri=str(folder / "lake"),
            settings=Settings(rules=rules_text("game_server") if is_ours else None),
        ),
        Reporter(),
    )
    truth = json.loads((folder / "truth.json").read_text())
    for name in ("transitions", "concurrency", "traffic_hours"):
        truth[name] = json.loads(gzip.decompress((folder / truth[f"{name}_file"]).read_bytes()))
    with warehouse.connect(url, read_only=True) as opened:
        yield truth, opened, folder


def rows(opened: warehouse.Warehouse, query: str) -> list[list[Any]]:
    """Give rows as plain lists, NULL as None, timestamps as ISO text."""
    frame = opened.sql(query)
    for name in frame.columns:
        if name.endswith("_date"):
            frame[name] = frame[name].dt.strftime("%Y-%m-%d")
        elif name.endswith("_at"):
            frame[name] = frame[name].dt.strftime("%Y-%m-%dT%H:%M:%S")
    return [[None if pd.isna(value) else value for value in row] for row in frame.itertuples(index=False)]


def test_every_object_has_its_lines(loaded) -> None:
    truth, opened, folder = loaded
    found = {
        Path(uri).relative_to(folder).as_posix(): counts
        for uri, *counts in rows(
            opened,
            "select object_uri, lines_read, accepted, rejected, duplicates, ignored, o.size_bytes"
            " from log_objects o join object_sightings using (object_id)",
        )
    }
    names = ("lines", "accepted", "rejected", "duplicates", "ignored", "size_bytes")
    assert found == {uri: [counts[name] for name in names] for uri, counts in truth["objects"].items()}


def test_every_day_has_its_players(loaded) -> None:
    truth, opened, _ = loaded
    names = [
        "activity_date",
        "dau",
        "wau",
        "mau",
        "history_days",
        "new_players",
        "returning_players",
        "resurrected_players",
        "dormant_players",
        "anonymous_visitors",
        "session_count",
        "request_count",
        "bot_request_count",
        "peak_concurrent_players",
        "peak_at",
    ]
    found = rows(
        opened,
        f"select {', '.join(names)} from daily_activity where dimension = 'all' order by activity_date",
    )
    bots = truth["bot_requests_by_date"]
    wanted = [
        [{"bot_request_count": bots.get(day["activity_date"], 0), **day}[name] for name in names]
        for day in truth["daily"]
    ]
    assert found == wanted


def test_every_day_has_its_averages(loaded) -> None:
    truth, opened, _ = loaded
    found = rows(
        opened,
        "select activity_date, avg_session_s, median_session_s, stickiness_ratio, error_ratio"
        " from daily_activity where dimension = 'all' order by activity_date",
    )
    for row, day in zip(found, truth["daily"], strict=True):
        date, average, median, stickiness, errors = row
        kept = truth["sessions"]["kept"].get(date)
        if kept and kept["timed_sessions"]:
            assert average == pytest.approx(kept["session_us"] / SECOND / kept["timed_sessions"], rel=1e-12)
            assert median == kept["median_session_us"] / SECOND
        assert stickiness == (day["dau"] / day["mau"] if day["history_days"] >= 30 else None)
        assert errors == (day["error_count"] / day["request_count"] if day["request_count"] else None)


def test_every_platform_has_its_players(loaded) -> None:
    truth, opened, _ = loaded
    found: dict[str, dict[str, int]] = {}
    for date, value, dau in rows(
        opened,
        "select activity_date, value, dau from daily_activity where dimension = 'platform' and dau > 0",
    ):
        found.setdefault(date, {})[value] = dau
    assert found == {day["activity_date"]: day["platforms"] for day in truth["daily"] if day["platforms"]}


@pytest.mark.parametrize(
    ("side", "where"),
    [
        ("kept", "not is_bot and is_identified = ({identified})"),
        ("unidentified", "not is_bot and not is_identified and {identified}"),
        ("bots", "is_bot"),
    ],
)
def test_sessions_of_each_start_date(loaded, side: str, where: str) -> None:
    truth, opened, _ = loaded
    is_player = truth["definitions"]["identity"] == "player"
    found = {
        date: counts
        for date, *counts in rows(
            opened,
            "select started_date, count(*), sum(request_count = 1), sum(is_implausible),"
            " cast(round(sum(case when not is_implausible then coalesce(duration_s, 0) else 0 end)"
            " * 1000000) as integer)"
            f" from sessions where {where.format(identified=int(is_player))} group by started_date",
        )
    }
    names = ("session_count", "single_request_sessions", "implausible_sessions", "session_us")
    wanted = {
        date: [counts[name] for name in names]
        for date, counts in truth["sessions"][side].items()
        if counts["session_count"]
    }
    assert found == wanted


def test_players_and_their_days(loaded) -> None:
    truth, opened, _ = loaded
    assert rows(opened, "select count(*) from players") == [[truth["players"]]]
    assert rows(opened, "select count(*) from player_days") == [[truth["player_days"]]]
    found = rows(
        opened,
        "select activity_date, sum(event_count), cast(round(sum(play_s) * 1000000) as integer)"
        " from player_days group by activity_date order by activity_date",
    )
    assert found == [[d["activity_date"], d["event_count"], d["play_us"]] for d in truth["daily"] if d["dau"]]


def test_cohorts_come_back_as_they_did(loaded) -> None:
    truth, opened, _ = loaded
    found = rows(
        opened,
        "select cohort_date, cohort_size, day_n, retained_classic, retained_rolling from retention"
        " where dimension = 'all' and is_mature order by cohort_date, day_n",
    )
    wanted = [
        [cohort["cohort_date"], cohort["cohort_size"], n, classic, rolling]
        for cohort in truth["retention"]
        for n, classic, rolling in zip(cohort["day_n"], cohort["classic"], cohort["rolling"], strict=True)
    ]
    assert found == wanted
    brackets = rows(
        opened,
        "select cohort_date, bracket, cohort_size, retained, is_mature from retention_brackets"
        " order by cohort_date, bracket",
    )
    assert brackets == sorted(
        [
            [
                each["cohort_date"],
                "-".join(map(str, dict.fromkeys(each["bracket"]))),
                each["cohort_size"],
                each["retained"],
                each["is_mature"],
            ]
            for each in truth["brackets"]
        ]
    )


def test_funnels_lose_whom_they_lost(loaded) -> None:
    truth, opened, _ = loaded
    found = rows(
        opened,
        "select funnel, cohort_date, step_number, event_name, players, median_from_previous_s"
        " from funnel_steps where dimension = 'all' order by funnel, cohort_date, step_number",
    )
    wanted = sorted(
        [
            each["funnel"],
            each["cohort_date"],
            each["step_number"],
            each["event_name"],
            each["players"],
            None if each["median_from_previous_us"] is None else each["median_from_previous_us"] / SECOND,
        ]
        for each in truth["funnels"]
    )
    assert [row[:5] for row in found] == [row[:5] for row in wanted]
    assert [row[5] for row in found] == pytest.approx([row[5] for row in wanted], nan_ok=True)


def test_transitions_and_concurrency(loaded) -> None:
    truth, opened, _ = loaded
    found = rows(
        opened,
        "select activity_date, from_event, to_event, transition_count, player_count from path_transitions"
        " order by activity_date, from_event, to_event",
    )
    assert found == sorted(truth["transitions"])
    minutes = rows(opened, "select minute_at, concurrent_players from concurrency_minutes order by minute_at")
    assert minutes == sorted(truth["concurrency"])


def test_traffic_of_every_hour_and_route(loaded) -> None:
    truth, opened, _ = loaded
    hours = rows(
        opened,
        "select hour_at, status, is_bot, sum(request_count), sum(coalesce(bytes_sent, 0)) from traffic_hours"
        " group by hour_at, status, is_bot order by hour_at, status, is_bot",
    )
    assert hours == sorted(truth["traffic_hours"])
    routes = rows(
        opened,
        "select method, route, status, is_bot, sum(request_count), sum(coalesce(bytes_sent, 0))"
        " from traffic_hours group by method, route, status, is_bot",
    )
    wanted = [[each[0] or "(none)", *each[1:]] for each in truth["routes"]]
    assert sorted(routes) == sorted(wanted)
