"""`zerocity --help` answers at once: it loads none of the heavy libraries."""

from __future__ import annotations

import importlib.util
import resource
import subprocess
import sys

import pytest

HEAVY = {
    "numpy", "scipy", "numba", "llvmlite", "pandas", "pyarrow", "pvlib", "plotly", "highspy",
}  # fmt: skip
HELP = "import sys; sys.argv = ['zerocity', '--help']; from zerocity.cli.main import run; run()"
# The aim is 0.5 s on a quiet laptop; twice that leaves room for a slow machine. Time on the
# processor is measured, because the tests share it with each other.
MOST_CPU_S = 1.0


def heavy_modules(imports: str) -> set[str]:
    """The heavy libraries that a fresh Python has loaded after the statement `imports`."""
    code = f"{imports}\nimport sys; print(*sys.modules)"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return HEAVY & set(output.stdout.split())


def cpu_s(code: str) -> float:
    """Processor time of a fresh Python that runs `code` [s]."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.fixture
def has_cli() -> None:
    if importlib.util.find_spec("zerocity.cli.main") is None:
        pytest.skip("the command is not built yet")


@pytest.mark.usefixtures("has_cli")
def test_the_command_line_loads_no_heavy_library() -> None:
    assert heavy_modules("import zerocity.cli.main") == set()


def test_a_heavy_library_is_found() -> None:
    assert "numpy" in heavy_modules("import numpy")


@pytest.mark.usefixtures("has_cli")
def test_help_answers_at_once() -> None:
    fastest = min(cpu_s(HELP) for _ in range(3))
    assert fastest < MOST_CPU_S, f"`zerocity --help` took {fastest:.2f} s of processor time"
