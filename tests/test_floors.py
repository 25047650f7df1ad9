"""The floors of the house: the contracts in pyproject.toml hold, and would fail if they did not."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / "pyproject.toml"


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the package `zerocity` that lies in `folder` against the contracts of this project."""
    run = "from importlinter.cli import lint_imports_command as run; run()"  # looks in cwd first
    options = ["--config", str(CONFIG), "--no-cache", "--no-logo"]
    return subprocess.run(
        [sys.executable, "-c", run, *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def rooms() -> list[str]:
    """Every room that the contracts name, those not built yet too."""
    contracts = tomllib.loads(CONFIG.read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    floors = [room.strip(" ()") for layer in layers for room in layer.split("|")]
    apart = [
        module.removeprefix("zerocity.").replace(".", "/")
        for contract in contracts
        if contract["type"] == "independence"
        for module in contract["modules"]
    ]
    return floors + apart


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """An empty house with all rooms."""
    package = tmp_path / "zerocity"
    for room in rooms():
        (package / room).mkdir(parents=True, exist_ok=True)
        (package / room / "__init__.py").write_text("")
    (package / "__init__.py").write_text("")
    return package


def test_the_house_keeps_its_floors() -> None:
    result = lint_imports(ROOT / "src")
    assert result.returncode == 0, result.stdout + result.stderr


def test_an_empty_house_keeps_its_floors(house: Path) -> None:
    result = lint_imports(house.parent)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("batteries", "from zerocity.twin import x"),  # upward
        ("control", "import zerocity.storage"),  # upward by one
        ("twin", "from zerocity.live import x"),  # the two worlds meet
        ("swapping", "from zerocity.charging import x"),  # across one floor
        ("web", "from zerocity.protocols import x"),  # across, rooms not built yet
        ("errors", "from zerocity.measures import x"),  # the ground floor imports nothing
        ("protocols/ocpp", "from zerocity.protocols.sunspec import x"),  # one protocol, another
        ("reports", "from zerocity import __version__"),  # the package's own face
    ],
)
def test_a_forbidden_import_is_found(house: Path, room: str, line: str) -> None:
    (house / room / "__init__.py").write_text(line + "\n")
    result = lint_imports(house.parent)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "BROKEN" in result.stdout


def test_a_room_that_no_floor_names_is_found(house: Path) -> None:
    (house / "cellar").mkdir()
    (house / "cellar" / "__init__.py").write_text("")
    result = lint_imports(house.parent)
    assert result.returncode == 1, result.stdout + result.stderr
