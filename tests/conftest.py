"""Fixtures that every room's tests share."""

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Give the folder of real logs beside the checkout, or skip and say how to get it."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"real logs not found: put them into {SHARED_DATA} (see CONTRIBUTING.md, Real data)")
    return SHARED_DATA
