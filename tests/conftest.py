"""Fixtures that every room's tests share."""

from collections import Counter
from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Give the folder of real logs beside the checkout, or skip and say how to get it."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"real logs not found: put them into {SHARED_DATA} (see CONTRIBUTING.md, Real data)")
    return SHARED_DATA


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """End with a table of the checks that did not run, why, and how to get them."""
    reasons: Counter[tuple[str, str]] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[report.nodeid.partition("::")[0], reason.removeprefix("Skipped: ")] += 1
    terminalreporter.section("checks that did not run")
    if not reasons:
        terminalreporter.line("none: this machine ran everything")
    for (file, reason), count in sorted(reasons.items()):
        terminalreporter.line(f"{count:4}  {file}: {reason}")
