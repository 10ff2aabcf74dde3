"""The sections on servers and sources: what was answered, how fast, what failed, where players came from."""

from __future__ import annotations

import pandas as pd

from warehouse import queries
from warehouse.queries import Readable
from warehouse.report import charts, text
from warehouse.report.charts import Line
from warehouse.report.page import Column, Figure, Format, Section, View, table
from warehouse.report.period import Period

SHOWN_ROUTES = 15


def traffic_section(warehouse: Readable, period: Period) -> Section:
    """Make the charts of requests, answer times and errors, and the table of routes."""
    lead = "What the servers answered, to people and to bots."
    frame = queries.traffic(warehouse, since=period.since, until=period.until, by=period.grain)
    if frame.empty:
        says = "No request of these days is in the warehouse."
        return Section("traffic", "Traffic", lead, (Figure("traffic", "Requests", says),))
    stream = queries.settings(warehouse).get("settings.stream") or _busiest(frame)
    return Section(
        "traffic",
        "Traffic",
        lead,
        (
            _requests(frame, period, stream),
            _latency(warehouse, period, stream),
            _error_rates(frame, period, stream),
            _routes(warehouse, period, stream),
        ),
    )


def _busiest(frame: pd.DataFrame) -> str:
    return str(frame.groupby("stream")["request_count"].sum().idxmax())


def _start_format(period: Period) -> Format:
    return text.day if period.grain == "day" else text.moment


def _x_title(period: Period) -> str:
    return "UTC day" if period.grain == "day" else "UTC hour"


def _requests(frame: pd.DataFrame, period: Period, stream: str) -> Figure:
    streams = sorted(frame["stream"].unique())
    own = frame[frame["stream"] == stream] if stream in streams else frame
    total, bots = int(own["request_count"].sum()), int(own.loc[own["is_bot"], "request_count"].sum())
    where = f" in the log of the {text.shown(stream, 40)}" if len(streams) > 1 else ""
    says = (
        f"{text.plural(total, 'request')}{where}, {text.percent(bots / total)} of them from bots;"
        f" {text.size(own['bytes_sent'].sum(min_count=1))} sent."
    )
    wide = (
        frame.assign(who=frame["stream"] + " " + frame["is_bot"].map({True: "bots", False: "people"}))
        .pivot_table(index="start_at", columns="who", values="request_count", aggfunc="sum", fill_value=0)
        .reset_index()
    )
    # CloudFront, the load balancer and the server may log one request each: streams are never stacked.
    colors = ("@s1", "@s2", "@s3")
    series = [
        Line(
            f"{stream} {who}",
            f"{text.shown(stream, 16)}, {who}" if len(streams) > 1 else who,
            colors[n % 3] if len(streams) > 1 or who == "people" else "@s5",
            "solid" if who == "people" else "dash",
        )
        for n, stream in enumerate(streams)
        for who in ("people", "bots")
        if f"{stream} {who}" in wide.columns
    ]
    draw = charts.lines if len(streams) > 1 else charts.stacked
    rows = frame.assign(who=frame["is_bot"].map({True: "bots", False: "people"})).iloc[::-1]
    return Figure(
        id="traffic",
        title="Requests of people and bots",
        says=says,
        alt=f"Requests over time, people's and bots'. {says}",
        views=(
            View(
                "all",
                "All",
                draw(
                    wide, "start_at", series, x_title=_x_title(period), y_title=f"Requests per {period.grain}"
                ),
            ),
        ),
        table=table(
            f"Requests per {period.grain}, newest first",
            rows,
            (
                Column("start_at", "Start", _start_format(period)),
                Column("stream", "Log", text.shown),
                Column("who", "Who", text.shown),
                Column("request_count", "Requests"),
                Column("client_errors", "4xx"),
                Column("server_errors", "5xx"),
                Column("bytes_sent", "Sent", text.size),
            ),
        ),
        notes=("Logs of different streams tell of the same requests, so they are not added up.",)
        if len(streams) > 1
        else (),
        defined=("traffic_hours.request_count", "traffic_hours.is_bot", "traffic_hours.bytes_sent"),
    )


def _latency(warehouse: Readable, period: Period, stream: str) -> Figure:
    frame = queries.latency(warehouse, since=period.since, until=period.until, by=period.grain)
    if frame.empty:
        says = "The logs of these days hold no answer times. Our own format, ALB and CloudFront do."
        return Figure("latency", "Answer times", says)
    if (frame["stream"] == stream).any():
        frame = frame[frame["stream"] == stream]
    else:
        frame = frame[frame["stream"] == str(frame.groupby("stream")["timed_requests"].sum().idxmax())]
    frame = frame.reset_index(drop=True)
    slowest = frame.nlargest(1, "p95_ms").iloc[0]
    middle = frame["p95_ms"].median()
    when = _start_format(period)(slowest["start_at"])
    says = (
        f"On a typical {period.grain} a route's hourly 95th percentile is {text.millis(middle)};"
        f" on the slowest, {when}, it is {text.millis(slowest['p95_ms'])}."
    )
    return Figure(
        id="latency",
        title="Answer times: the mean of the hourly percentiles",
        says=says,
        alt=f"Lines of the mean hourly median, 95th and 99th percentile of answer times over time. {says}",
        views=(
            View(
                "all",
                "All",
                charts.lines(
                    frame,
                    "start_at",
                    (
                        Line("p99_ms", "99th percentile", "@s3", "dot", 1.6),
                        Line("p95_ms", "95th percentile", "@s2", "dash"),
                        Line("p50_ms", "median", "@s1"),
                    ),
                    x_title=_x_title(period),
                    y_title="Milliseconds",
                    tick_format=",.3~f",
                ),
            ),
        ),
        table=table(
            "Answer times, newest first",
            frame.iloc[::-1],
            (
                Column("start_at", "Start", _start_format(period)),
                Column("timed_requests", "Requests with a time"),
                Column("p50_ms", "Median", text.millis),
                Column("p95_ms", "95th percentile", text.millis),
                Column("p99_ms", "99th percentile", text.millis),
            ),
        ),
        notes=(
            "Of people's requests. Each point is the mean of the hourly percentiles of every route and"
            " status, weighted by requests: it shows change, but is no percentile of all requests together.",
        ),
        defined=("latency_ms", "traffic_hours.p50_ms", "traffic_hours.p95_ms"),
        is_half=True,
    )


def _error_rates(frame: pd.DataFrame, period: Period, stream: str) -> Figure:
    if (frame["stream"] == stream).any():
        frame = frame[frame["stream"] == stream]
    wide = frame.groupby("start_at")[["request_count", "client_errors", "server_errors"]].sum().reset_index()
    wide["server_ratio"] = wide["server_errors"] / wide["request_count"]
    wide["client_ratio"] = wide["client_errors"] / wide["request_count"]
    failed, refused = int(wide["server_errors"].sum()), int(wide["client_errors"].sum())
    total = int(wide["request_count"].sum())
    says = (
        f"{text.percent(failed / total)} of all requests failed on the server ({text.count(failed)} answers"
        f" 5xx); {text.percent(refused / total)} were refused (4xx)."
    )
    return Figure(
        id="errors",
        title="Share of requests that failed",
        says=says,
        alt=f"Lines of the share of 5xx and 4xx answers over time. {says}",
        views=(
            View(
                "all",
                "All",
                charts.lines(
                    wide,
                    "start_at",
                    (
                        Line("client_ratio", "4xx: refused", "@s5", "dash", 1.6),
                        Line("server_ratio", "5xx: failed", "@s2", "solid", 2.4),
                    ),
                    x_title=_x_title(period),
                    y_title="Share of requests",
                    tick_format=".1%",
                ),
            ),
        ),
        table=table(
            "Errors, newest first",
            wide.iloc[::-1],
            (
                Column("start_at", "Start", _start_format(period)),
                Column("request_count", "Requests"),
                Column("client_errors", "4xx"),
                Column("server_errors", "5xx"),
                Column("server_ratio", "5xx share", text.percent),
            ),
        ),
        notes=("People and bots; scanners that look for holes make most of the 4xx on a typical server.",),
        defined=("traffic_hours.status", "traffic_hours.request_count"),
        is_half=True,
    )


def _routes(warehouse: Readable, period: Period, stream: str) -> Figure:
    frame = queries.errors(warehouse, since=period.since, until=period.until, stream=stream)
    if frame.empty:
        return Figure("routes", "Errors by route", f"The log of the {text.shown(stream, 40)} has no request.")
    # Without rules a route begins with its method: it is not said twice.
    frame["path"] = [
        route if route.startswith(f"{method} ") else f"{method} {route}"
        for method, route in zip(frame["method"], frame["route"], strict=True)
    ]
    failing = frame[frame["server_errors"] > 0]
    columns = (
        Column("path", "Route", text.shown),
        Column("server_errors", "5xx", text.count, is_bar=True),
        Column("server_error_ratio", "5xx share", text.percent),
        Column("client_errors", "4xx"),
        Column("request_count", "Requests"),
    )
    if failing.empty:
        says = "No request failed on the server. The routes with most 4xx answers stand first."
    else:
        worst = failing.iloc[0]
        says = (
            f"{text.plural(len(failing), 'route')} of {len(frame):,} failed at least once; most often"
            f" {text.shown(worst['path'], 70)} ({text.plural(int(worst['server_errors']), 'time')},"
            f" {text.percent(worst['server_error_ratio'])} of its requests)."
        )
    return Figure(
        id="routes",
        title="Errors by route",
        says=says,
        bars=table("Routes, most server errors first", frame, columns, longest=SHOWN_ROUTES),
        table=table("All routes", frame, columns, longest=200) if len(frame) > SHOWN_ROUTES else None,
        notes=("(not found) gathers answers 400, 404 and 405; (other) what no rule names.",),
        defined=("traffic_hours.route", "traffic_hours.status", "traffic_hours.request_count"),
    )


def sources_section(warehouse: Readable, period: Period) -> Section:
    """Make the table of where sessions came from."""
    lead = "Where players' sessions came from: the referrer and the campaign of the first request."
    frame = queries.sources(warehouse, since=period.since, until=period.until)
    if frame.empty:
        says = "No session of these days has a source."
        return Section("sources", "Sources", lead, (Figure("sources", "Sources of sessions", says),))
    keys = ["referrer_host", "utm_source", "utm_campaign"]
    known = frame[(frame[keys] != "(none)").any(axis="columns")]
    total = int(frame["sessions"].sum())
    share = text.percent(int(known["sessions"].sum()) / total)
    says = f"{share} of {text.plural(total, 'session')} name a source."
    if not known.empty:
        top = known.sort_values("new_players", ascending=False, kind="stable").iloc[0]
        name = next(str(top[key]) for key in keys if top[key] != "(none)")
        if int(top["new_players"]):
            says += (
                f" Most new players with one came from {text.shown(name, 60)}"
                f" ({text.count(top['new_players'])})."
            )
    columns = (
        Column("referrer_host", "Referrer", text.shown),
        Column("utm_source", "Campaign source", text.shown),
        Column("utm_campaign", "Campaign", text.shown),
        Column("sessions", "Sessions", text.count, is_bar=True),
        Column("player_days", "Player days"),
        Column("new_players", "New players"),
    )
    figure = Figure(
        id="sources",
        title="Sources of players' sessions",
        says=says,
        bars=table("Sources, most sessions first", frame, columns, longest=SHOWN_ROUTES),
        table=table("All sources", frame, columns, longest=200) if len(frame) > SHOWN_ROUTES else None,
        notes=("A player counts once a day and source: player days are the sum over the days.",),
        defined=("source_sessions", "traffic_sources.players", "traffic_sources.new_players"),
    )
    return Section("sources", "Sources", lead, (figure,))
