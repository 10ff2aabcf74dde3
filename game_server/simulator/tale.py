"""The story of the samples in words, with the numbers that the truth has for it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from game_server.simulator.world import World

_TEXT = """# The story in these logs

Two months of a small browser game, {start} to {end}: about {dau:.0f} players a day, two servers, one CDN.
Nobody played it: `python -m game_server.simulator.samples` wrote every line.
The same command writes the same lines again.
All figures below are those of `truth.json`, which the simulator counted while it wrote, not our pipeline.

## What is here

| folder | what | lines |
| --- | --- | --- |
| `logs/server/` | our game server's log: two hosts, one compressed file a day | {server_lines:,} |
| `logs/server/late/` | the first host's file of {late}, which arrived a month late | (in the above) |
| `logs/cloudfront/` | the same traffic as CloudFront saw it, static files included | {edge_lines:,} |

`{rotated}` is `{original}` once more, as logrotate left it: its lines must count once.
{rejected} lines of the server's log are damaged and {bots:,} requests are of bots.
The log ends at a midnight: whoever was still playing then just stops.

## 1. A step where new players stop

Of {register:,} players who registered, {tutorial_start:,} began the tutorial.
Only {tutorial_finish:,} of them finished it: {finish_ratio:.0%}.
The other steps of the funnel `onboarding` lose far less.
{match_start:,} then started a match and {match_finish:,} finished one.
Most of those who are stuck in the tutorial are never seen again.

## 2. A slow release that costs return

On {release} (day {release_day}) a new version goes live.
From then on {slow_share:.0%} of a day's players meet answers {slow_factor} times as slow.
{slow_errors:.0%} of these answers fail.

| | before | from {release} on |
| --- | --- | --- |
| requests answered 5xx | {error_before:.2%} | {error_after:.2%} |
| new players who are back next day | {d1_before:.1%} of {size_before:,} | {d1_after:.1%} of {size_after:,} |
| players a day | {dau_before:.0f} | {dau_after:.0f} |

Players who joined on the day before the release are in neither of the two shares.

## 3. An experiment with a known effect

Since {experiment_start} every new player is in the experiment `{experiment}`.
A stable hash assigns him: the first four bytes of SHA-256 of `{experiment}:PLAYER_ID`, modulo 2.
0 is `{control}`, 1 is `{treated}`.
The exposure is a request of his first session (`GET /v1/experiments/{experiment}`).
The gift multiplies a player's chance to play on each of his days 1 to 7 by {lift}.

| variant | exposed | back on day 1 | back on day 7 |
| --- | --- | --- | --- |
{variants}
"""


def tell(truth: dict[str, Any], world: World) -> str:
    """STORY.md, from a truth of :func:`samples.write_samples` over all days."""
    story = world.story
    if story.release_day is None or story.experiment_days is None:
        raise ValueError("a story to tell: wanted a release and an experiment, found none")
    release = world.start + timedelta(days=story.release_day)
    days = truth["daily"]
    before = [day for day in days if date.fromisoformat(day["activity_date"]) < release]
    after = days[len(before) :]
    rotated, original = next(iter(truth["same_content"].items()))
    steps = {entry["event_name"]: 0 for entry in truth["funnels"] if entry["funnel"] == "onboarding"}
    for entry in truth["funnels"]:
        if entry["funnel"] == "onboarding":
            steps[entry["event_name"]] += entry["players"]
    rows = []
    for name, counts in truth["experiment"].items():
        shares = [f"{_share(counts[n]):.1%} of {counts[n]['players']:,}" for n in ("day_1", "day_7")]
        rows.append(f"| `{name}` | {counts['exposed']['players']:,} | {shares[0]} | {shares[1]} |")
    size_before, back_before = _next_day(truth, world.start, release - timedelta(days=1))
    size_after, back_after = _next_day(truth, release, world.start + timedelta(days=len(days)))
    late = next(path for path in truth["objects"] if "/late/" in path).rsplit("/", 1)[1].split(".")[2]
    return _TEXT.format(
        start=days[0]["activity_date"],
        end=days[-1]["activity_date"],
        dau=_mean(days),
        server_lines=truth["totals"]["lines"],
        edge_lines=truth["cloudfront"]["totals"]["lines"],
        late=date.fromisoformat(late[:8]).isoformat(),
        rotated=rotated,
        original=original,
        rejected=truth["totals"]["rejected"],
        bots=truth["totals"]["bot_requests"],
        **steps,
        finish_ratio=steps["tutorial_finish"] / steps["tutorial_start"],
        release=release.isoformat(),
        release_day=story.release_day,
        slow_share=story.slow_share,
        slow_factor=story.slow_factor,
        slow_errors=story.slow_error_ratio,
        error_before=_errors(before),
        error_after=_errors(after),
        d1_before=back_before / size_before,
        size_before=size_before,
        d1_after=back_after / size_after,
        size_after=size_after,
        dau_before=_mean(before),
        dau_after=_mean(after),
        experiment_start=(world.start + timedelta(days=story.experiment_days[0])).isoformat(),
        experiment=story.experiment,
        control=story.variants[0],
        treated=story.variants[1],
        lift=story.lift,
        variants="\n".join(rows),
    )


def _next_day(truth: dict[str, Any], first: date, end: date) -> tuple[int, int]:
    """Players of the cohorts from ``first`` to before ``end`` that have a next day, and who came on it."""
    size = back = 0
    for cohort in truth["retention"]:
        if first <= date.fromisoformat(cohort["cohort_date"]) < end and len(cohort["classic"]) > 1:
            size += cohort["cohort_size"]
            back += cohort["classic"][1]
    return size, back


def _mean(days: list[dict[str, Any]]) -> float:
    return float(sum(day["dau"] for day in days) / len(days))


def _errors(days: list[dict[str, Any]]) -> float:
    return float(sum(day["error_count"] for day in days) / sum(day["request_count"] for day in days))


def _share(counts: dict[str, int]) -> float:
    return float(counts["returned"] / counts["players"])
