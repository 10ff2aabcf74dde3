"""The command line: one verb, one call. Each command imports what it needs, so none pays for another's."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.errors import PlayerpathError, WrongUsage
from pipelines.terminal import shown

if TYPE_CHECKING:
    from pipelines.summary import RunSummary

DEFAULT_WAREHOUSE = "sqlite:///playerpath.db"
DEFAULT_LAKE = "lake/"

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
    help="What players do in an online game, from the logs that every game already has.",
)
runs_app = typer.Typer(no_args_is_help=True, help="Runs of this warehouse.")
rejected_app = typer.Typer(no_args_is_help=True, help="Lines that could not be read.")
warehouse_app = typer.Typer(no_args_is_help=True, help="The warehouse itself.")
app.add_typer(runs_app, name="runs")
app.add_typer(rejected_app, name="rejected")
app.add_typer(warehouse_app, name="warehouse")

Warehouse = Annotated[
    str,
    typer.Option("--warehouse", envvar="PLAYERPATH_WAREHOUSE", help="URL of the warehouse.", metavar="URL"),
]
Lake = Annotated[
    str,
    typer.Option(
        "--lake", envvar="PLAYERPATH_LAKE", help="Folder or s3:// prefix of the lake.", metavar="URI"
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, nothing else.")]


# Typer has no name of its own for it: what its parser raises for options and arguments that it cannot use.
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]


def main() -> None:
    """Run the command line; every expected error is one line on stderr."""
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except _UsageError as error:
        sys.exit(_say_usage(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _say_usage(error: Any) -> int:
    words = error.format_message()
    if "\n" in words:  # the help, where no command was given
        error.show()
    else:
        path = error.ctx.command_path if error.ctx else "playerpath"
        print(f"playerpath: {shown(words.rstrip('.'))} ({path} --help explains)", file=sys.stderr)
    return int(error.exit_code)


@contextmanager
def _errors() -> Iterator[None]:
    """Turn an expected condition into one line and its exit code."""
    try:
        yield
    except WrongUsage as error:
        _fail(error, 2)
    except PlayerpathError as error:
        _fail(error, 1)
    except Exception as error:
        # The warehouse's conditions, without importing it for commands that have nothing to do with it.
        errors = sys.modules.get("warehouse.errors")
        if errors is None or not isinstance(error, errors.WarehouseError):
            raise
        _fail(error, 1)
    except KeyboardInterrupt:
        print("playerpath: stopped; the warehouse is as it was", file=sys.stderr)
        raise typer.Exit(130) from None


def _fail(error: Exception, code: int) -> None:
    _say(str(error))
    raise typer.Exit(code)


def _say(text: str) -> None:
    print(f"playerpath: {shown(text)}", file=sys.stderr)


def _print(summary: RunSummary, *, as_json: bool) -> None:
    """Print a summary: the figures on stdout, what needs a person's eye on stderr."""
    print(summary.as_json() if as_json else summary.as_text())
    for name, reason in summary.refusals:
        _say(f"refused {name}: {reason}")
    for text in (*summary.notes, *(f"warning: {warning}" for warning in summary.warnings)):
        _say(text)
    raise typer.Exit(summary.exit_code)


@app.command(epilog="Example: playerpath run 's3://logs/web/dt={date}/' --dates 2026-10-01..2026-10-07")
def run(
    sources: Annotated[
        list[str], typer.Argument(metavar="SOURCE...", help="File, folder, glob, s3://bucket/prefix, or -")
    ],
    warehouse_url: Warehouse = DEFAULT_WAREHOUSE,
    lake: Lake = DEFAULT_LAKE,
    engine: Annotated[str, typer.Option(help="duckdb")] = "duckdb",
    log_format: Annotated[
        str, typer.Option("--format", help="auto, a format's name, or a YAML file that describes one.")
    ] = "auto",
    stream: Annotated[str | None, typer.Option(help="Stream of activity: server, elb or cloudfront.")] = None,
    rules: Annotated[
        str | None, typer.Option(help="YAML file of route rules and funnels, or game_server.")
    ] = None,
    identity: Annotated[
        str | None, typer.Option(help="auto, player or visitor (auto decides at the first run).")
    ] = None,
    bots: Annotated[str | None, typer.Option(help="exclude, include or only.")] = None,
    dates: Annotated[
        str | None, typer.Option(metavar="FROM..TO", help="Dates for {date} in sources; chooses objects.")
    ] = None,
    final: Annotated[
        bool, typer.Option("--final", help="Take last lines that have no line end: no file grows any more.")
    ] = False,
    wait: Annotated[float, typer.Option(metavar="SECONDS", help="How long to wait for another run.")] = 600.0,
    session_gap: Annotated[
        str | None, typer.Option(metavar="SECONDS", help="Longest gap inside a session (1800).")
    ] = None,
    trusted_proxies: Annotated[
        str | None, typer.Option(metavar="N", help="Take the N-th X-Forwarded-For entry from the right.")
    ] = None,
    time_bounds: Annotated[
        str | None,
        typer.Option(metavar="FROM..TO", help="Reject lines dated outside (1990..2100)."),
    ] = None,
    geoip: Annotated[
        str | None, typer.Option(metavar="FILE.mmdb", help="Country of an address, before it is dropped.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Read new log objects, rebuild what they change, load the warehouse, publish the results."""
    from pipelines.progress import reporter
    from pipelines.run import RunRequest, run
    from pipelines.settings import ENGINES, Settings, checked, rules_text
    from pipelines.sources import parse_dates

    with _errors():
        if engine not in ENGINES:
            raise WrongUsage(f"--engine wants {', '.join(ENGINES)}; found {engine!r}")
        request = RunRequest(
            sources=tuple(sources),
            warehouse_url=warehouse_url,
            lake_uri=lake,
            engine=engine,
            format=log_format,
            settings=checked(
                Settings(
                    identity=identity,
                    bots=bots,
                    stream=stream,
                    rules=rules_text(rules),
                    session_gap_s=session_gap,
                    time_bounds=time_bounds,
                    trusted_proxies=trusted_proxies,
                )
            ),
            dates=tuple(parse_dates(dates)) if dates else (),
            is_final=final,
            wait_s=wait,
            geoip_file=geoip,
        )
        with reporter() as said:
            summary = run(request, said)
    _print(summary, as_json=as_json)


@app.command(epilog="Example: playerpath report --warehouse sqlite:///playerpath.db --out report.html")
def report(
    warehouse_url: Warehouse = DEFAULT_WAREHOUSE,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("report.html"),
) -> None:
    """Write the report: one HTML file that works offline."""
    from pipelines.commands import write_report

    with _errors():
        print(write_report(warehouse_url, out))


@app.command(
    epilog="Example: playerpath simulate --players 500 --days 30 --seed 7 --format combined --out logs/"
)
def simulate(
    out: Annotated[Path, typer.Option(help="Folder to write into.")],
    players: Annotated[int, typer.Option(min=1, help="Daily players, about.")] = 200,
    days: Annotated[int, typer.Option(min=1, help="Days.")] = 30,
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = 1,
    log_format: Annotated[
        str, typer.Option("--format", help="playerpath, combined, common, alb, elb, cloudfront or json.")
    ] = "playerpath",
    start: Annotated[str, typer.Option(help="First day.")] = "2026-08-01",
) -> None:
    """Write logs of a game that was never played, and truth.json, which counts what was in them."""
    from pipelines.commands import write_simulation

    with _errors():
        try:
            first = dt.date.fromisoformat(start)
        except ValueError:
            raise WrongUsage(f"--start wants a date as 2026-08-01; found {start!r}") from None
        print(write_simulation(out, players, days, seed, log_format, first))


@runs_app.command("list", epilog="Example: playerpath runs list --warehouse sqlite:///playerpath.db")
def runs_list(
    warehouse_url: Warehouse = DEFAULT_WAREHOUSE,
    limit: Annotated[int, typer.Option(min=1, help="Runs to show.")] = 50,
    as_json: Json = False,
) -> None:
    """List the runs, newest first."""
    from pipelines.commands import list_runs

    with _errors():
        print(list_runs(warehouse_url, limit, as_json=as_json))


@runs_app.command("show", epilog="Example: playerpath runs show 20261001T020000-1a2b3c4d")
def runs_show(
    run_id: Annotated[str, typer.Argument(metavar="RUN_ID")], warehouse_url: Warehouse = DEFAULT_WAREHOUSE
) -> None:
    """Show one run: its counts, objects and checks."""
    from pipelines.commands import show_run

    with _errors():
        print(show_run(warehouse_url, run_id))


@runs_app.command("release", epilog="Example: playerpath runs release")
def runs_release(warehouse_url: Warehouse = DEFAULT_WAREHOUSE) -> None:
    """Release the lease of a run that is dead; a living run keeps it."""
    from pipelines.commands import release_lease

    with _errors():
        print(release_lease(warehouse_url))


@rejected_app.command("list", epilog="Example: playerpath rejected list --reason not_in_format --limit 20")
def rejected_list(
    warehouse_url: Warehouse = DEFAULT_WAREHOUSE,
    reason: Annotated[str | None, typer.Option(help="Only this reason.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Lines to show.")] = 50,
) -> None:
    """List rejected lines: the count of each reason, then lines with their object and offset."""
    from pipelines.commands import list_rejected

    with _errors():
        print(list_rejected(warehouse_url, reason, limit))


@rejected_app.command("replay", epilog="Example: playerpath rejected replay --format myformat.yaml")
def rejected_replay(
    warehouse_url: Warehouse = DEFAULT_WAREHOUSE,
    lake: Lake = DEFAULT_LAKE,
    log_format: Annotated[
        str, typer.Option("--format", help="auto, a format's name, or a YAML file that describes one.")
    ] = "auto",
    as_json: Json = False,
) -> None:
    """Read objects that hold rejected lines, or were refused, again: after a fix, or with another format."""
    from pipelines.progress import reporter
    from pipelines.replay import replay

    with _errors(), reporter() as said:
        summary = replay(warehouse_url, lake, log_format, said)
    _print(summary, as_json=as_json)


@warehouse_app.command("check", epilog="Example: playerpath warehouse check --digest")
def warehouse_check(
    warehouse_url: Warehouse = DEFAULT_WAREHOUSE,
    digest: Annotated[
        bool, typer.Option("--digest", help="Print the canonical SHA-256, nothing else.")
    ] = False,
    without_objects: Annotated[
        bool, typer.Option("--without-objects", help="Leave log_objects and rejected_lines out of it.")
    ] = False,
) -> None:
    """Check that the warehouse's numbers agree, or print its canonical digest."""
    from pipelines.commands import check_warehouse

    with _errors():
        text, is_good = check_warehouse(warehouse_url, digest=digest, without_objects=without_objects)
        print(text)
    raise typer.Exit(0 if is_good else 1)


@warehouse_app.command("docs", epilog="Example: playerpath warehouse docs --check")
def warehouse_docs(
    check: Annotated[bool, typer.Option("--check", help="Only say whether docs/ is up to date.")] = False,
) -> None:
    """Write docs/tables.md and docs/metrics.md from the definitions."""
    from pipelines.commands import write_docs

    with _errors():
        text, is_good = write_docs(check=check)
        print(text)
    raise typer.Exit(0 if is_good else 1)
