"""Fixtures shared by every test."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from zerocity.cli.kernel_cache import use_fresh_kernels

# Before any test file loads a kernel, for this process and those it starts.
use_fresh_kernels()
# The first call of a compiled kernel takes seconds; only the laws are under test.
settings.register_profile("zerocity", deadline=None)
settings.load_profile("zerocity")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real test data beside the checkout; the test skips where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the test data folder ../shared/data is not beside this checkout")
    return SHARED_DATA
