"""Take the README's picture of the report: `python docs/images/take.py out/report.html` after `make run`.

Needs Debian's chromium and the development tools (playwright).
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

HERE = Path(__file__).resolve().parent
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def take(report: Path, picture: Path) -> None:
    """Write the first screen of a report, 1,280 by 1,370 pixels, light."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 1370}, color_scheme="light")
        page.goto(report.resolve().as_uri())
        page.wait_for_selector("[data-chart=dau][data-drawn]")
        page.screenshot(path=str(picture))
        browser.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]), HERE / "report.png")
